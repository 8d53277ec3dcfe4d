"""Images that mean harm: they end with what could be measured, within bounds, without traceback."""

import io
import os
import random
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assay.intake import Limits, Unpacked, unpack
from assay.intake.limits import GIB
from assay.intake.survey import inspect
from assay.model.errors import InputError
from assay.model.tree import File, Kind
from tests.intake_images import IMAGES, run, sample_root

SMALL = Limits(
    total_bytes=16 << 20, file_bytes=8 << 20, files=2000, seconds=60, memory_bytes=4 * GIB
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a canary beside the scratch folder: nothing may touch it."""
    (tmp_path / "scratch").mkdir()
    (tmp_path / "canary").write_text("untouched")
    return tmp_path


def opened(place: Path, image: Path, limits: Limits = SMALL) -> Unpacked:
    before = _outside(place)
    unpacked = unpack(image, place / "scratch", limits, jobs=2)
    assert _outside(place) == before, "something was written outside the scratch folder"
    assert (place / "canary").read_text() == "untouched"
    return unpacked


def _outside(place: Path) -> set[str]:
    return {str(path) for path in place.rglob("*") if place / "scratch" not in path.parents} | set(
        os.listdir(place.parent)
    )


def by_path(unpacked: Unpacked) -> dict[str, File]:
    return {file.path: file for file in unpacked.tree.files}


def whys(unpacked: Unpacked) -> str:
    told = [problem.why for problem in unpacked.tree.problems]
    return " | ".join(told + [region.why for region in unpacked.tree.regions])


def used(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def tar_with(image: Path, *members: tuple[str, bytes | str | int]) -> Path:
    """A tar: bytes are a file, text is a link's target, a number is a type of special file."""
    with tarfile.open(image, "w") as archive:
        for name, what in members:
            info = tarfile.TarInfo(name)
            if isinstance(what, bytes):
                info.size = len(what)
                archive.addfile(info, io.BytesIO(what))
                continue
            info.type = tarfile.SYMTYPE if isinstance(what, str) else bytes([what])
            info.linkname = what if isinstance(what, str) else ""
            info.devmajor, info.devminor = (1, 3) if isinstance(what, int) else (0, 0)
            archive.addfile(info)
    return image


GOOD = b"a good file\n"
TRAVERSALS = {
    "up2": "../../canary",
    "up1": "../canary",
    "root": "/tmp/assay-canary",
    "middle": "a/../../../canary",
}


def _zip(image: Path, *members: tuple[str | zipfile.ZipInfo, str | bytes]) -> None:
    with zipfile.ZipFile(image, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)


def _newc(name: bytes, content: bytes, mode: int = 0o100644) -> bytes:
    fields = (1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name + b"\0"
    head += b"\0" * (-len(head) % 4)
    return head + content + b"\0" * (-len(content) % 4)


def _link(name: str) -> zipfile.ZipInfo:
    link = zipfile.ZipInfo(name)
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return link


def _climbing(folder: Path, outside: Path) -> None:
    for label, name in TRAVERSALS.items():
        tar_with(folder / f"{label}.tar", (name, b"overwritten"), ("good", GOOD))
        _zip(folder / f"{label}.zip", (name, "overwritten"), ("good", GOOD))
        members = ((name.encode(), b"overwritten"), (b"good", GOOD), (b"TRAILER!!!", b""))
        (folder / f"{label}.cpio").write_bytes(b"".join(_newc(*one) for one in members))
    (folder / "through.cpio").write_bytes(
        _newc(b"out", os.fsencode(outside), 0o120777)
        + _newc(b"out/canary", b"overwritten")
        + _newc(b"good", GOOD)
        + _newc(b"TRAILER!!!", b"")
    )
    tar_with(
        folder / "through.tar",
        ("out", str(outside)),
        ("out/canary", b"overwritten"),
        ("up", "../../.."),
        ("up/canary", b"overwritten"),
        ("good", GOOD),
    )
    _zip(
        folder / "through.zip",
        (_link("out"), str(outside)),
        ("out/canary", "overwritten"),
        ("good", GOOD),
    )


def test_archives_that_climb_out(place: Path) -> None:
    images = place / "images"
    images.mkdir()
    _climbing(images, place)
    unpacked = opened(place, images)
    files = by_path(unpacked)
    for image in images.iterdir():
        assert files[f"{image.name}!/good"].size == len(GOOD), image.name
    assert not Path("/tmp/assay-canary").exists()
    told = {problem.path for problem in unpacked.tree.problems}
    assert {
        f"{label}.{form}" for label in ("up1", "up2", "middle") for form in ("tar", "cpio")
    } <= {path.split("!")[0] for path in told}
    assert files["through.tar!/out"].target == str(place)
    assert files["through.tar!/out"].resolved is None


def test_high_ratio_stops_at_the_bound(place: Path) -> None:
    bomb = place / "image"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(64):
            archive.writestr(f"zeros{number}", bytes(6 << 20))
    unpacked = opened(place, bomb)
    assert "limit" in whys(unpacked)
    assert not unpacked.complete
    # The disk is looked at several times a second: what is written between two looks comes on top.
    assert used(place / "scratch") < 64 * (6 << 20) / 3


def test_one_endless_stream_stops_at_the_bound(place: Path) -> None:
    zeros = place / "zeros"
    with zeros.open("wb") as file:
        file.truncate(64 << 20)
    (place / "image").write_bytes(run("gzip", "-1nc", zeros))
    zeros.unlink()
    unpacked = opened(place, place / "image")
    assert used(place / "scratch") <= SMALL.total_bytes
    assert any(region.why for region in unpacked.tree.regions)


def test_bomb_of_nested_archives(place: Path) -> None:
    """Like 42.zip: each level holds several copies of the level below."""
    content = bytes(2 << 20)
    for _ in range(3):
        level = io.BytesIO()
        with zipfile.ZipFile(level, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(4):
                archive.writestr(f"{number}.zip", content)
        content = level.getvalue()
    (place / "image").write_bytes(content)
    unpacked = opened(place, place / "image")
    assert "limit" in whys(unpacked)
    assert used(place / "scratch") < 2 * SMALL.total_bytes


def test_too_many_files_stop_at_the_bound(place: Path) -> None:
    image = tar_with(place / "image", *((f"d{n % 50}/{n}", b"x") for n in range(9_000)))
    unpacked = opened(place, image)
    assert "limit of 2,000 unpacked files" in whys(unpacked)
    assert not unpacked.complete
    assert 0 < len(by_path(unpacked)) <= SMALL.files + 1, "what had come out by then still counts"


def test_archives_in_archives_stop_at_the_depth(place: Path) -> None:
    content, name = b"the innermost\n", "leaf"
    for level in range(50):
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        content, name = archive.getvalue(), f"level{level}"
    (place / "image").write_bytes(content)
    unpacked = opened(place, place / "image")
    assert f"deeper than the limit of {SMALL.depth}" in whys(unpacked)
    assert max(len(file.containers) for file in unpacked.tree.files) == SMALL.depth


def test_streams_in_streams_stop_at_the_depth(place: Path) -> None:
    content = b"the innermost\n" * 10
    for _ in range(25):
        content = run("gzip", "-nc", stdin=content)
    (place / "image").write_bytes(content)
    assert f"deeper than the limit of {SMALL.depth}" in whys(opened(place, place / "image"))


def test_encrypted_zip(place: Path) -> None:
    (place / "secret.txt").write_text("secret\n" * 1000)
    run("7z", "a", "-tzip", "-ppassword", place / "out.zip", place / "secret.txt")
    (place / "out.zip").rename(place / "image")
    unpacked = opened(place, place / "image")
    (region,) = [region for region in unpacked.tree.regions if not region.path]
    assert (region.understood, region.format, region.why) == (False, "zip", "encrypted")


def test_special_files_in_a_tar(place: Path) -> None:
    image = tar_with(
        place / "image",
        ("dev/null", int(tarfile.CHRTYPE[0])),
        ("dev/sda", int(tarfile.BLKTYPE[0])),
        ("run/pipe", int(tarfile.FIFOTYPE[0])),
        ("good", b"a good file\n"),
    )
    files = by_path(opened(place, image))
    assert files["dev/null"].kind is Kind.DEVICE
    assert files["dev/sda"].kind is Kind.DEVICE
    assert files["run/pipe"].kind is Kind.FIFO
    assert files["good"].size == 12


def test_huge_sparse_file(place: Path) -> None:
    with (place / "hole").open("wb") as file:
        file.truncate(1 << 40)
    run("tar", "--sparse", "-C", place, "-cf", place / "image", "hole")
    (place / "hole").unlink()
    unpacked = opened(place, place / "image")
    assert used(place / "scratch") <= 2 * SMALL.total_bytes
    assert unpacked.tree.size < 1 << 20


HARD_NAMES: tuple[bytes, ...] = (
    b"new\nline",
    b"two\n\nlines -> arrow",
    b"invalid-\xff\xfe-utf8",
    b"n" * 255,
    b"-rf",
    b"$(touch canary)",
    b"'quote\"",
    b" leading and trailing ",
    b"back\\slash",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe".encode(),
)


def _hard_root(root: Path, names: tuple[bytes, ...]) -> Path:
    for number, name in enumerate(names):
        folder = root / str(number)
        folder.mkdir(parents=True)
        file = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        file.write_bytes(b"%d\n" % number)
        file.chmod(0o4711)
    return root


def test_hard_names(place: Path) -> None:
    makers = {image.name: image for image in IMAGES}
    lines = ("cpio-newc",)  # its tool reads one name a line
    text = ("jffs2-le", "ubifs")  # known limit: their extractors stop at names that are no text
    images = place / "images"
    images.mkdir()
    roots = {form: HARD_NAMES for form in ("squashfs-gzip", "tar-gnu", "ext4")}
    roots |= {form: tuple(n for n in HARD_NAMES if b"\n" not in n) for form in lines}
    roots |= {form: tuple(n for n in HARD_NAMES if b"\xff" not in n) for form in text}
    for form, names in roots.items():
        makers[form].build(_hard_root(place / form, names), images / form)
    files = by_path(opened(place, images))
    for form, names in roots.items():
        for number, name in enumerate(names):
            file = files[f"{form}!/{number}/{name.decode(errors='backslashreplace')}"]
            unread = form == "ext4" and b"\n" in name  # debugfs tells one name a line
            assert (file.size, file.mode) == (2, None if unread else 0o4711), (form, name)


def test_names_with_a_root(place: Path) -> None:
    image = tar_with(place / "image", ("/etc/passwd", b"root:x:0:0\n"))
    assert "etc/passwd" in by_path(opened(place, image))


def _links_of_a_loop() -> tuple[tuple[str, str], ...]:
    chain = ((f"deep{number}", f"deep{number - 1}") for number in range(1, 60))
    return (("a", "b"), ("b", "a"), ("self", "self"), ("deep0", "good"), *chain)


def test_loops_and_long_chains_of_links(place: Path) -> None:
    image = tar_with(place / "image", ("good", b"a good file\n"), *_links_of_a_loop())
    files = by_path(opened(place, image))
    assert [files[path].resolved for path in ("a", "b", "self")] == [None] * 3
    assert files["deep30"].resolved == "good"
    assert files["deep59"].resolved is None  # Linux gives up at 40 as well
    assert files["a"].target == "b"


SEED = 20260101


def _damaged(image: bytes, noise: random.Random) -> Iterator[bytes]:
    """Cut off, and with bits flipped near the start, all over, and in one burst."""
    yield image[: noise.randrange(1, len(image))]
    for reach, flips in ((512, 3), (len(image), 40)):
        damaged = bytearray(image)
        for _ in range(flips):
            damaged[noise.randrange(min(reach, len(image)))] ^= 1 << noise.randrange(8)
        yield bytes(damaged)
    start = noise.randrange(len(image))
    yield image[:start] + noise.randbytes(64) + image[start + 64 :]


def test_damaged_images_of_every_format(place: Path) -> None:
    """Whatever is broken, the run ends, stays inside, and every image is in the tree."""
    root = sample_root(place / "root")
    images, work = place / "images", place / "work"
    images.mkdir()
    work.mkdir()
    noise = random.Random(SEED)
    for maker in IMAGES:
        maker.build(root, work / maker.name)
        for number, content in enumerate(_damaged((work / maker.name).read_bytes(), noise)):
            (images / f"{maker.name}.{number}").write_bytes(content)
    unpacked = opened(place, images, Limits(seconds=60, memory_bytes=4 * GIB))
    files = by_path(unpacked)
    assert {image.name for image in images.iterdir()} <= set(files)
    assert not any("Traceback" in why for why in whys(unpacked).split(" | "))
    opened_images = {path.split("!/")[0] for path in files if "!/" in path}
    assert len(opened_images) > len(IMAGES), "most damage leaves something to be measured"


def test_directory_is_never_left_nor_changed(place: Path) -> None:
    secret = place / "secret"
    secret.mkdir()
    (secret / "key").write_text("not to be seen\n")
    tree = place / "tree"
    (tree / "bin").mkdir(parents=True)
    (tree / "bin/busybox").write_bytes(b"\x7fELF")
    (tree / "bin/busybox").chmod(0o4311)
    (tree / "outside").symlink_to(secret)
    (tree / "up").symlink_to("../secret/key")
    (tree / "sh").symlink_to("/bin/busybox")
    os.mkfifo(tree / "pipe")
    before = {path: path.lstat() for path in sorted(tree.rglob("*"))}
    files = by_path(opened(place, tree))
    assert {path: file.resolved for path, file in files.items() if file.kind is Kind.SYMLINK} == {
        "outside": None,
        "up": None,
        "sh": "bin/busybox",
    }
    assert not any("key" in path for path in files)
    assert files["pipe"].kind is Kind.FIFO
    assert files["bin/busybox"].mode == 0o4311
    assert {path: path.lstat().st_mode for path in before} == {
        path: status.st_mode for path, status in before.items()
    }


def _missing(place: Path) -> Path:
    return place / "nowhere"


def _empty(place: Path) -> Path:
    (place / "empty").touch()
    return place / "empty"


def _empty_folder(place: Path) -> Path:
    (place / "folder").mkdir()
    return place / "folder"


def _fifo(place: Path) -> Path:
    os.mkfifo(place / "fifo")
    return place / "fifo"


def _loop(place: Path) -> Path:
    (place / "loop").symlink_to("loop")
    return place / "loop"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (_missing, "no such file or directory"),
        (_empty, "the file is empty"),
        (_empty_folder, "the directory is empty"),
        (_fifo, "neither a file nor a directory"),
        (lambda _: Path("/dev/zero"), "neither a file nor a directory"),
        (_loop, "too many levels of symbolic links"),
        (lambda _: Path("with\0zero"), "null byte"),
        (lambda _: Path("n" * 300), "file name too long"),
    ],
)
def test_what_is_no_image_is_refused(
    place: Path, make: Callable[[Path], Path], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        opened(place, make(place))


def test_a_file_that_may_not_be_read_is_told(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything: the refusal is put in by hand."""
    tree = place / "tree"
    tree.mkdir()
    (tree / "locked").write_bytes(b"locked")
    (tree / "open").write_bytes(b"open")

    def refusing(real: Path) -> tuple[Kind, str, int, bool]:
        if real.name == "locked":
            raise PermissionError(13, "Permission denied")
        return inspect(real)

    monkeypatch.setattr("assay.intake.survey.inspect", refusing)
    unpacked = opened(place, tree)
    files = by_path(unpacked)
    assert (files["locked"].sha256, files["locked"].size) == ("", 6)
    assert files["open"].sha256
    (problem,) = unpacked.tree.problems
    assert (problem.path, problem.why) == ("locked", "Permission denied")


def test_long_paths_in_a_tar_come_out(place: Path) -> None:
    name = "/".join(["directory" * 3] * 20) + "/file"
    image = tar_with(place / "image", (name, b"content"))
    assert by_path(opened(place, image))[name].size == 7


def test_hard_links_have_the_content(place: Path) -> None:
    root = place / "root"
    root.mkdir()
    (root / "a").write_bytes(b"shared\n")
    (root / "b").hardlink_to(root / "a")
    (root / "c").write_bytes(b"own\n")
    (place / "images").mkdir()
    makers = {image.name: image for image in IMAGES}
    forms = (
        "tar-gnu",
        "cpio-newc",
        "cpio-odc",
        "cpio-bin",
        "cpio-crc",
        "squashfs-xz",
        "ext4",
        "romfs",
    )
    for form in forms:
        makers[form].build(root, place / "images" / form)
    makers["jffs2-le"].build(root, place / "images/jffs2-le")
    unpacked = opened(place, place / "images")
    files = by_path(unpacked)
    for form in forms:
        sizes = {name: files[f"{form}!/{name}"].size for name in "abc"}
        assert sizes == {"a": 7, "b": 7, "c": 4}, form
        assert files[f"{form}!/b"].mode == files[f"{form}!/a"].mode is not None
    lost = {f"jffs2-le!/{name}" for name in "ab"} - set(files)
    told = {problem.path for problem in unpacked.tree.problems}
    assert lost <= told, "known limit of the jffs2 extractor: one of two names comes out"


def test_one_member_that_can_not_be_written_costs_no_other(place: Path) -> None:
    """A file where a folder is, and a name that is neither text nor inside: both are told."""
    folder = io.BytesIO()
    with tarfile.open(fileobj=folder, mode="w") as archive:
        for name in ("a/b", "a", "../\udcff", "good"):
            info = tarfile.TarInfo(name)
            info.size = len(GOOD)
            archive.addfile(info, io.BytesIO(GOOD))
    (place / "image").write_bytes(folder.getvalue())
    unpacked = opened(place, place / "image")
    assert {"a/b", "good"} <= set(by_path(unpacked))
    whole = " ".join(problem.why for problem in unpacked.tree.problems)
    assert "a: Is a directory." in whole
    assert "traversal" in whole
    assert unpacked.tree.model_dump_json()


def test_workers_end_with_the_process_that_started_them(place: Path) -> None:
    """Killed in the middle of its work, the parent leaves no unpacker behind that goes on."""
    count = 20_000
    image = tar_with(place / "image", *((f"d{n % 50}/{n}", b"x") for n in range(count)))
    out = place / "scratch" / "out"
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from assay.intake.crew import Crew\n"
        "from assay.intake.limits import Limits\n"
        "scratch, image, out = map(Path, sys.argv[1:])\n"
        "crew = Crew(1, scratch, Limits(), lambda out: '')\n"
        "crew.submit(image, out)\n"
        "list(crew.answers())\n"
    )
    words = [sys.executable, "-c", script, place / "scratch", image, out]
    parent = subprocess.Popen([str(word) for word in words])
    while not (out / "0" / "d0").exists():
        assert parent.poll() is None
        time.sleep(0.02)
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    parent.kill()
    parent.wait()
    (worker,) = (Path(f"/proc/{child}/status") for child in children)
    while worker.exists() and "zombie" not in worker.read_text():
        time.sleep(0.02)
    written = sum(path.is_file() for path in out.rglob("*"))
    assert 0 < written < count, "the worker finished what nobody waits for"
