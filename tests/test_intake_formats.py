"""Every format that users bring, made by its own tool: contents, modes, owners, links, chain."""

import stat
from dataclasses import dataclass

import pytest

from assay.intake import Limits, unpack
from assay.model.tree import File, Kind, Tree
from tests.intake_images import IMAGES, Image, Truth, need, sample_root, truth_of

# The formats that an evaluator is promised, in the words of the promise.
PROMISED = {
    "squashfs xz",
    "squashfs gzip",
    "squashfs lzma",
    "squashfs lzo",
    "squashfs zstd",
    "squashfs lz4",
    "cramfs",
    "jffs2",
    "ubi",
    "ubifs",
    "ext",
    "romfs",
    "cpio",
    "tar",
    "zip",
    "gzip",
    "xz",
    "zstd",
    "bzip2",
    "lz4",
    "lzo",
    "lzip",
    "U-Boot legacy",
    "FIT",
    "TRX",
    "Debian packages",
    "RPM packages",
    "Android sparse",
}
_KINDS = {
    stat.S_IFLNK: {Kind.SYMLINK},
    stat.S_IFDIR: {Kind.DIRECTORY},
    stat.S_IFREG: {Kind.ELF, Kind.TEXT, Kind.SCRIPT, Kind.DATA, Kind.EMPTY},
}


@dataclass(frozen=True, slots=True)
class Opened:
    """All images lie in one folder: opened in one run, each file's path begins with the image's."""

    tree: Tree
    truth: dict[str, Truth]

    def files(self, image: Image) -> dict[str, File]:
        """What came out of an image, by the path that it had in the source folder."""
        found = {}
        for file in self.tree.files:
            formats = tuple(step.format for step in file.containers)
            if file.path.startswith(f"{image.name}!/") and formats == image.chain:
                found[_own_path(file.path, image)] = file
        return found


def _own_path(path: str, image: Image) -> str:
    """Behind the last container's mark: `uimage-multi!/payload1!/bin/sh` is `bin/sh`."""
    return path.removeprefix(f"{image.name}!/").rsplit("!/", 1)[-1]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Opened:
    base = tmp_path_factory.mktemp("formats")
    root = sample_root(base / "root")
    for folder in ("images", "work", "scratch"):
        (base / folder).mkdir()
    for image in IMAGES:
        for tool, package in image.tools:
            need(tool, package)
        made = base / "work" / image.name
        image.build(root, made)
        made.rename(base / "images" / image.name)
    unpacked = unpack(base / "images", base / "scratch", Limits(), jobs=2)
    return Opened(unpacked.tree, truth_of(root))


@pytest.fixture(params=IMAGES, ids=lambda image: image.name)
def image(request: pytest.FixtureRequest) -> Image:
    chosen: Image = request.param
    return chosen


def test_every_promised_format_has_an_image() -> None:
    assert {image.issue for image in IMAGES} >= PROMISED


def test_every_file_has_its_content(opened: Opened, image: Image) -> None:
    files = opened.files(image)
    wanted = {path: (fact.sha256, fact.size) for path, fact in opened.truth.items()}
    assert {path: (files[path].sha256, files[path].size) for path in wanted} == wanted


def test_nothing_is_made_up(opened: Opened, image: Image) -> None:
    extra = set(opened.files(image)) - set(opened.truth)
    assert extra <= {"lost+found", "control"}  # an ext's own; the package's own


def test_kinds(opened: Opened, image: Image) -> None:
    files = opened.files(image)
    for path, fact in opened.truth.items():
        assert files[path].kind in _KINDS[fact.type], path
    assert files["bin/busybox"].kind is Kind.ELF
    assert files["etc/init.d/rcS"].kind is Kind.SCRIPT
    assert files["var/empty"].kind is Kind.EMPTY


def test_modes(opened: Opened, image: Image) -> None:
    files = opened.files(image)
    wanted = {path: fact.mode for path, fact in opened.truth.items() if fact.target is None}
    measured = {path: files[path].mode for path in wanted}
    if image.modes:
        assert measured == wanted
    elif image.name == "romfs":  # keeps no modes: those that Linux shows for it
        assert measured["bin/busybox"] == 0o755
        assert measured["etc/shadow"] == 0o644
    else:
        assert set(measured.values()) == {None}


def test_owners(opened: Opened, image: Image) -> None:
    files = opened.files(image)
    wanted = {path: (fact.uid, fact.gid) for path, fact in opened.truth.items()}
    measured = {path: (files[path].uid, files[path].gid) for path in wanted}
    if image.owners:
        assert measured == wanted
    elif image.issue == "cramfs":  # one byte for the group
        assert measured == {path: (uid, gid & 0xFF) for path, (uid, gid) in wanted.items()}
    elif image.name == "romfs":
        assert set(measured.values()) == {(0, 0)}
    else:
        assert set(measured.values()) == {(None, None)}


def test_links_stand_as_they_were(opened: Opened, image: Image) -> None:
    files = opened.files(image)
    assert {path: files[path].target for path in opened.truth} == {
        path: fact.target for path, fact in opened.truth.items()
    }


def test_links_are_resolved_inside_their_own_root(opened: Opened, image: Image) -> None:
    files = opened.files(image)
    program = files["bin/busybox"].path
    assert [files[path].resolved for path in ("bin/sh", "sbin/init", "usr/bin/wget")] == [
        program
    ] * 3
    assert files["etc/mtab"].resolved is None
    outward = {problem.path for problem in opened.tree.problems if "out of" in problem.what}
    assert files["etc/outside"].path in outward


def test_unknown_modes_are_told(opened: Opened, image: Image) -> None:
    told = {problem.path for problem in opened.tree.problems if problem.what == "modes not read"}
    silent = any(file.mode is None for file in opened.files(image).values() if file.sha256)
    assert (image.name in told) == silent


def test_offsets_and_sizes_of_the_chain(opened: Opened, image: Image) -> None:
    step = opened.files(image)["bin/busybox"].containers[0]
    assert (step.path, step.offset) == (image.name, 0)
    whole = {file.path: file.size for file in opened.tree.files}[image.name]
    assert whole * 0.9 <= step.size <= whole
