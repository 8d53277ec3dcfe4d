"""Bytes understood and not understood: offsets, entropy, and what they look like."""

import math
import random
from collections import Counter
from pathlib import Path

import pytest

from assay.intake import Limits, unpack
from assay.intake.entropy import measure
from assay.model.tree import Guess, Region, Tree
from tests.intake_images import IMAGES, run, sample_root, squashfs, uimage


def opened(place: Path, image: Path, jobs: int = 2) -> Tree:
    scratch = place / f"scratch{len(list(place.glob('scratch*')))}"
    scratch.mkdir()
    return unpack(image, scratch, Limits(), jobs=jobs).tree


def entropy_of(data: bytes) -> float:
    return -sum(n / len(data) * math.log2(n / len(data)) for n in Counter(data).values())


def encrypted(size: int) -> bytes:
    """The cipher's own output, without OpenSSL's header."""
    return run(
        "openssl", "enc", "-aes-256-ctr", "-K", "11" * 32, "-iv", "22" * 16, stdin=bytes(size)
    )


def compressed_unknown() -> bytes:
    """A raw deflate stream: compressed, and no magic that tells so."""
    words = random.Random(3)
    text = " ".join(
        words.choice("alpha beta gamma delta eps".split()) + str(words.random())
        for _ in range(9000)
    )
    return run("gzip", "-9nc", stdin=text.encode())[10:-8]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tree, list[tuple[str, int, bytes]]]:
    """A flash image put together part by part; each part's name, offset and bytes are the truth."""
    base = tmp_path_factory.mktemp("regions")
    squashfs("-comp", "xz")(sample_root(base / "root"), base / "rootfs")
    code = Path("/bin/true").read_bytes()[0x1000:0x5000]
    parts = [
        ("rootfs", (base / "rootfs").read_bytes()),
        ("padding", b"\xff" * 65536),
        ("encrypted", encrypted(200_000)),
        ("zeros", bytes(32768)),
        ("compressed", compressed_unknown()),
        ("gap", b"\xff" * 16384),
        ("code", code),
        ("end", b"\0" * 8192),
        ("text", b"setenv bootargs console=ttyS0 root=/dev/mtdblock3\n" * 100),
    ]
    truth, at = [], 0
    with (base / "image").open("wb") as image:
        for name, content in parts:
            image.write(content)
            truth.append((name, at, content))
            at += len(content)
    # A second file system tells the parts between apart from the first one's surroundings.
    return opened(base, base / "image"), truth


def region_at(tree: Tree, offset: int) -> Region:
    return next(
        one for one in tree.regions if not one.path and one.offset <= offset < one.offset + one.size
    )


def test_regions_cover_the_image_without_gap_or_overlap(
    layout: tuple[Tree, list[tuple[str, int, bytes]]],
) -> None:
    tree, _ = layout
    at = 0
    for region in (one for one in tree.regions if not one.path):
        assert region.offset == at
        at += region.size
    assert at == tree.size


def test_the_file_system_is_understood(layout: tuple[Tree, list[tuple[str, int, bytes]]]) -> None:
    tree, truth = layout
    region = region_at(tree, 0)
    assert (region.understood, region.format) == (True, "squashfs_v4_le")
    assert region.size == len(truth[0][2])


def test_padding_behind_it_is_understood(
    layout: tuple[Tree, list[tuple[str, int, bytes]]],
) -> None:
    tree, truth = layout
    region = region_at(tree, truth[1][1] + 100)
    assert (region.understood, region.guess) == (True, Guess.PADDING)
    assert region.offset == truth[1][1]


def test_the_rest_is_not_understood_and_kept_for_examination(
    layout: tuple[Tree, list[tuple[str, int, bytes]]],
) -> None:
    tree, truth = layout
    region = region_at(tree, truth[2][1] + 100)
    assert not region.understood
    assert region.entropy is not None
    carved = {file.path: file.size for file in tree.files}
    assert carved[f"unknown@{region.offset:#x}"] == region.size


@pytest.mark.parametrize(
    ("content", "guess"),
    [
        (encrypted(300_000), Guess.ENCRYPTED),
        (compressed_unknown(), Guess.COMPRESSED_OR_ENCRYPTED),
        (b"\xff" * 5000, Guess.PADDING),
        (b"bootargs=console=ttyS0\n" * 300, Guess.TEXT),
        (Path("/bin/true").read_bytes()[0x1000:0x5000], Guess.CODE_OR_DATA),
    ],
    ids=["encrypted", "compressed", "padding", "text", "code"],
)
def test_guess_and_entropy(tmp_path: Path, content: bytes, guess: Guess) -> None:
    (tmp_path / "blob").write_bytes(b"before" + content + b"after")
    entropy, guessed = measure(tmp_path / "blob", 6, len(content))
    assert guessed is guess
    assert entropy == pytest.approx(entropy_of(content), abs=0.001)


def test_image_of_which_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(encrypted(100_000))
    tree = opened(tmp_path, tmp_path / "image")
    (region,) = tree.regions
    assert (region.understood, region.guess, region.size) == (False, Guess.ENCRYPTED, 100_000)
    assert region.why
    assert [file.size for file in tree.files] == [100_000]


def test_offsets_of_containers_in_the_middle(tmp_path: Path) -> None:
    uimage(sample_root(tmp_path / "root"), tmp_path / "kernel")
    lead, tail = bytes(4096), b"\xff" * 2048
    content = (tmp_path / "kernel").read_bytes()
    (tmp_path / "image").write_bytes(lead + content + tail)
    tree = opened(tmp_path, tmp_path / "image")
    (file,) = [one for one in tree.files if one.path == "bin/busybox"]
    outer, inner = file.containers
    assert (outer.format, outer.path, outer.offset, outer.size) == (
        "uimage",
        "",
        4096,
        len(content),
    )
    assert (inner.format, inner.path, inner.offset) == ("squashfs_v4_le", "uimage@0x1000", 0)


def test_the_same_tree_whatever_the_workers(tmp_path: Path) -> None:
    """Several images in one folder, so that the order in which they are done can differ."""
    root = sample_root(tmp_path / "root")
    (tmp_path / "images").mkdir()
    for image in IMAGES[:4] + IMAGES[-12:]:
        image.build(root, tmp_path / image.name)
        (tmp_path / image.name).rename(tmp_path / "images" / image.name)
    trees = [opened(tmp_path, tmp_path / "images", jobs).model_dump_json() for jobs in (1, 2, 4)]
    assert trees[0] == trees[1] == trees[2]
    assert "scratch" not in trees[0]
