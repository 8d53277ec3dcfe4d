"""Where links lead, against the kernel's own answer: openat2(2) with RESOLVE_IN_ROOT."""

import ctypes
import os
import shutil
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.intake.links import resolve

_OPENAT2 = 437  # the same number on every architecture
_RESOLVE_IN_ROOT = 0x10
_FOLDERS = ("bin", "usr", "usr/bin", "etc")
_FILES = ("bin/busybox", "usr/bin/tool", "etc/passwd")

steps = st.sampled_from(
    ["..", "bin", "usr", "etc", "busybox", "tool", "passwd", "l0", "l1", "l2", "no"]
)
targets = st.builds(
    lambda root, parts: ("/" if root else "") + "/".join(parts),
    st.booleans(),
    st.lists(steps, min_size=1, max_size=5),
)
places = st.sampled_from(["", "bin/", "usr/", "usr/bin/"])
trees = st.dictionaries(
    st.builds(lambda place, number: f"{place}l{number}", places, st.integers(0, 2)),
    targets,
    min_size=1,
    max_size=6,
)


def kernel(root: Path, link: str) -> str | None:
    """The path that a process with `root` as root would reach, None where it reaches nothing."""
    folder = os.open(root, os.O_PATH | os.O_DIRECTORY)
    try:
        how = struct.pack("<3Q", os.O_PATH | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT)
        libc = ctypes.CDLL(None, use_errno=True)
        found = libc.syscall(_OPENAT2, folder, os.fsencode(link), how, len(how))
        if found < 0:
            return None
        path = os.readlink(f"/proc/self/fd/{found}")
        os.close(found)
        return "" if path == str(root) else os.path.relpath(path, root)
    finally:
        os.close(folder)


def build(root: Path, links: dict[str, str]) -> None:
    for folder in _FOLDERS:
        (root / folder).mkdir(parents=True)
    for file in _FILES:
        (root / file).touch()
    for path, target in links.items():
        (root / path).symlink_to(target)


@settings(max_examples=300, deadline=None)
@given(trees)
def test_links_lead_where_the_kernel_says(links: dict[str, str]) -> None:
    root = Path(tempfile.mkdtemp()).resolve()
    try:
        build(root, links)
        paths = frozenset(path.relative_to(root).as_posix() for path in root.rglob("*"))
        folders = frozenset(_FOLDERS)
        for link in links:
            assert resolve(link, links, paths, folders).path == kernel(root, link), (link, links)
    finally:
        shutil.rmtree(root)


@pytest.mark.parametrize("hops", [1, 39, 40, 41, 60])
def test_as_many_hops_as_the_kernel_makes(tmp_path: Path, hops: int) -> None:
    links = {f"l{number}": f"l{number - 1}" for number in range(1, hops)} | {"l0": "etc/passwd"}
    build(tmp_path, links)
    paths = frozenset([*links, *_FILES, *_FOLDERS])
    last = f"l{hops - 1}"
    found = resolve(last, links, paths, frozenset(_FOLDERS)).path
    assert found == kernel(tmp_path.resolve(), last)


@pytest.mark.parametrize(
    ("target", "outward"),
    [
        ("../etc/passwd", False),
        ("../../etc/passwd", True),
        ("/etc/passwd", False),
        ("/../etc/passwd", True),
        ("../bin/../../x", True),
    ],
)
def test_climbing_above_the_root_is_told(target: str, outward: bool) -> None:
    paths = frozenset([*_FILES, *_FOLDERS, "bin/l"])
    assert resolve("bin/l", {"bin/l": target}, paths, frozenset(_FOLDERS)).outward is outward
