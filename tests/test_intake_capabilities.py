"""File capabilities, planted by the tools' own means, and read back by name."""

import io
import os
import stat
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.intake import Limits, unpack
from assay.intake.listing.flash import list_ubifs
from assay.intake.listing.member import capabilities_of
from tests.intake_images import jffs2, need, run, squashfs, ubifs

# cap_net_bind_service is bit 10, cap_net_raw bit 13 (linux/capability.h); revision 2, effective.
ATTRIBUTE = bytes.fromhex("0100000200240000000000000000000000000000")
GRANTED = ("cap_net_bind_service", "cap_net_raw")


def _pax_tar(image: Path) -> None:
    value = ATTRIBUTE.decode("utf-8", "surrogateescape")
    with tarfile.open(image, "w", format=tarfile.PAX_FORMAT) as archive:
        for name, headers in (
            ("ping", {"SCHILY.xattr.security.capability": value}),
            ("plain", {}),
        ):
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.pax_headers = 4, 0o755, headers
            archive.addfile(info, io.BytesIO(b"ping"))


def _squashfs(compression: str) -> Callable[[Path], None]:
    def build(image: Path) -> None:
        _pax_tar(image.with_suffix(".tar"))
        run(
            "sqfstar",
            "-comp",
            compression,
            "-quiet",
            image,
            stdin=image.with_suffix(".tar").read_bytes(),
        )

    return build


def _ext4(image: Path) -> None:
    root = _plain(image)
    run("/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", root, image, "1M")
    attribute = image.with_suffix(".cap")
    attribute.write_bytes(ATTRIBUTE)
    run("/usr/sbin/debugfs", "-w", "-R", f"ea_set -f {attribute} /ping security.capability", image)


def _plain(image: Path) -> Path:
    root = image.with_suffix(".root")
    root.mkdir()
    for name in ("ping", "plain"):
        (root / name).write_bytes(b"ping")
    return root


@pytest.fixture(scope="module")
def granted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, ...] | None]:
    """Path → capabilities, of every image that any user can plant them in."""
    base = tmp_path_factory.mktemp("capabilities")
    need("sqfstar", "squashfs-tools")
    makers: dict[str, Callable[[Path], None]] = {
        "tar": _pax_tar,
        "ext4": _ext4,
        **{f"squashfs-{one}": _squashfs(one) for one in ("gzip", "xz", "zstd", "lzo", "lz4")},
    }
    (base / "images").mkdir()
    (base / "scratch").mkdir()
    for name, maker in makers.items():
        maker(base / name)
        (base / name).rename(base / "images" / name)
    tree = unpack(base / "images", base / "scratch", Limits(), jobs=2).tree
    return {file.path: file.capabilities for file in tree.files}


@pytest.mark.parametrize(
    "image",
    [
        "tar",
        "ext4",
        "squashfs-gzip",
        "squashfs-xz",
        "squashfs-zstd",
        "squashfs-lzo",
        "squashfs-lz4",
    ],
)
def test_capabilities_are_read(granted: dict[str, tuple[str, ...] | None], image: str) -> None:
    assert granted[f"{image}!/ping"] == GRANTED
    assert granted[f"{image}!/plain"] == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file capabilities")
def test_capabilities_of_real_files(tmp_path: Path) -> None:
    """A directory, and file systems whose tools read them from the source folder."""
    root = _plain(tmp_path / "image")
    run("/usr/sbin/setcap", "cap_net_raw,cap_net_bind_service=ep", root / "ping")
    (tmp_path / "scratch").mkdir()
    (tmp_path / "images").mkdir()
    jffs2("-l", "--with-xattr")(root, tmp_path / "images/jffs2")
    squashfs("-comp", "xz")(root, tmp_path / "images/squashfs")
    root.rename(tmp_path / "images/folder")
    tree = unpack(tmp_path / "images", tmp_path / "scratch", Limits(), jobs=2).tree
    found = {file.path: file.capabilities for file in tree.files if file.sha256}
    for image in ("folder/", "jffs2!/", "squashfs!/"):
        assert found[f"{image}ping"] == GRANTED, image
        assert found[f"{image}plain"] == (), image


def _ubifs_node(kind: int, number: int, body: bytes) -> bytes:
    """A node with its checksum, as ubifs-media.h lays it out: aligned to eight bytes."""
    tail = struct.pack("<QIB3x", number, 24 + len(body), kind) + body
    check = zlib.crc32(tail) ^ 0xFFFFFFFF
    node = b"\x31\x18\x10\x06" + struct.pack("<I", check) + tail
    return node + b"\xff" * (-len(node) % 8)


def test_capabilities_in_ubifs(tmp_path: Path) -> None:
    """mkfs.ubifs of mtd-utils stores none: the nodes that Linux would write are added by hand."""
    root = _plain(tmp_path / "image")
    ubifs(root, tmp_path / "image")
    image = (tmp_path / "image").read_bytes()
    entry = image.index(b"ping\0") - 56
    file = image[entry + 40 : entry + 48]
    holder = 900
    name = b"security.capability"
    key = file[:4] + bytes(12)
    extended = key + struct.pack("<QBBHI", holder, 0, 0, len(name), 0) + name + b"\0"
    attribute = (
        struct.pack("<II8x", holder, 0)
        + bytes(52)
        + struct.pack("<5I", 1, 0, 0, stat.S_IFREG | 0o777, 1 << 5)
        + struct.pack("<I", len(ATTRIBUTE))
        + bytes(44)
        + ATTRIBUTE
    )
    (tmp_path / "image").write_bytes(
        image + _ubifs_node(3, 1000, extended) + _ubifs_node(0, 1001, attribute)
    )
    members = list_ubifs(tmp_path / "image")
    assert members["ping"]["capabilities"] == list(GRANTED)
    assert members["plain"]["capabilities"] == []


def test_every_capability_has_the_name_that_getcap_gives() -> None:
    header = Path("/usr/include/linux/capability.h")
    if not header.exists():
        pytest.fail("linux/capability.h is missing: apt-get install linux-libc-dev")
    numbers = {
        int(words[2]): words[1].lower()
        for words in (line.split() for line in header.read_text().splitlines())
        if len(words) == 3
        and words[0] == "#define"
        and words[1].startswith("CAP_")
        and words[2].isdigit()
    }
    for number, name in numbers.items():
        low, high = 1 << number & 0xFFFFFFFF, 1 << number >> 32
        raw = b"\1\0\0\2" + low.to_bytes(4, "little") + bytes(4) + high.to_bytes(4, "little")
        assert capabilities_of(raw + bytes(4)) == [name]


@pytest.mark.parametrize("raw", [b"", b"\1\0\0", ATTRIBUTE[:-1], b"\1\0\0\7" + bytes(20)])
def test_what_is_no_capability_attribute_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="capability attribute"):
        capabilities_of(raw)
