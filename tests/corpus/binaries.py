"""Real executables of many architectures, and other single inputs."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from tests.corpus.apt import CorpusError, packages
from tests.corpus.cache import built
from tests.corpus.lists import BINARY_PACKAGES, STATIC_PACKAGES

_WHEEL_PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64")


def binaries(arch: str, count: int = 30) -> list[Path]:
    """So many dynamically linked executables and libraries, the same ones every time.

    Raises:
        CorpusError: the architecture's packages can't be had, or yield too few.
    """
    root = built(f"binaries-{arch}", partial(_extract, arch=arch, names=BINARY_PACKAGES))
    found = [path for path in _elf_files(root) if b"\0libc.so" in path.read_bytes()]
    if len(found) < count:
        raise CorpusError(f"only {len(found)} dynamically linked files for {arch}")
    by_size = sorted(found, key=lambda path: (path.stat().st_size, path.name))
    step = len(by_size) / count
    return [by_size[int(number * step)] for number in range(count)]


def static_binaries(arch: str) -> list[Path]:
    """Statically linked programs as Debian ships them (stripped)."""
    root = built(f"static-{arch}", partial(_extract, arch=arch, names=STATIC_PACKAGES))
    return [path for path in _elf_files(root) if _has_no_interpreter(path)]


def netboot_initrd() -> Path:
    """The initial RAM disk of Debian's network installer (gzip over cpio)."""
    name = "debian-installer-12-netboot-amd64"
    root = built("netboot", partial(_extract, arch="amd64", names=(name,)))
    return _one(root, "initrd.gz")


def netboot_kernel() -> Path:
    """The kernel beside it (bzImage)."""
    netboot_initrd()
    root = built("netboot", partial(_extract, arch="amd64", names=()))
    return _one(root, "linux")


def wheels() -> list[Path]:
    """Wheels with native libraries, pinned by version and hash in `wheels.txt`."""
    return sorted(built("wheels", _download_wheels).glob("*.whl"))


def debs(arch: str, names: Sequence[str]) -> list[Path]:
    """Single packages as they are."""
    return [package.deb for package in packages(arch, names, dependencies=False)]


def _extract(folder: Path, *, arch: str, names: Sequence[str]) -> None:
    for package in packages(arch, names, dependencies=False):
        subprocess.run(["dpkg-deb", "-x", str(package.deb), str(folder)], check=True)


def _elf_files(root: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if path.is_symlink() or not path.is_file():
                continue
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def _has_no_interpreter(path: Path) -> bool:
    shown = subprocess.run(
        ["readelf", "-lW", str(path)], capture_output=True, text=True, check=False
    ).stdout
    return "INTERP" not in shown and "EXEC" in shown


def _one(root: Path, name: str) -> Path:
    found = sorted(path for path in root.rglob(name) if path.is_file() and not path.is_symlink())
    if not found:
        raise CorpusError(f"no {name} in {root.name}")
    return found[0]


def _download_wheels(folder: Path) -> None:
    pinned = Path(__file__).with_name("wheels.txt").read_text("utf-8").splitlines()
    for requirement in pinned:
        if not requirement.startswith("#"):
            _download_wheel(folder, requirement)


def _download_wheel(folder: Path, requirement: str) -> None:
    words = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes"]
    words += ["--only-binary", ":all:", "--python-version", "3.11", "--implementation", "cp"]
    words += [word for platform in _WHEEL_PLATFORMS for word in ("--platform", platform)]
    words += ["-d", str(folder), "-r", "/dev/stdin"]
    done = subprocess.run(words, input=requirement, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CorpusError(f"pip download {requirement[:40]}: {done.stderr.strip()[-400:]}")
