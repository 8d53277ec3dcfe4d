"""Small images of every format that intake opens, each made by the format's own tool."""

import gzip
import hashlib
import lzma
import os
import random
import shutil
import stat
import struct
import subprocess
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Build = Callable[[Path, Path], None]
"""Given the folder to pack and the image to make."""


class ToolMissingError(Exception):
    """A tool that the tests need is not installed; the message names its Debian package."""


@dataclass(frozen=True, slots=True)
class Image:
    """How an image of one format is made, and what the format keeps of a file.

    `issue` names the word by which users know the format; `chain` is the containers, outermost
    first, that each file must have come out of.
    """

    name: str
    issue: str
    chain: tuple[str, ...]
    tools: tuple[tuple[str, str], ...]
    build: Build
    modes: bool = True
    owners: bool = True


def run(*words: str | Path, cwd: Path | None = None, stdin: bytes = b"") -> bytes:
    """Run a maker; what it says is shown where it fails."""
    done = subprocess.run(
        [str(word) for word in words], input=stdin, capture_output=True, check=False, cwd=cwd
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace")[-800:]
        raise AssertionError(f"{words[0]} exited with {done.returncode}: {said}")
    return done.stdout


def need(tool: str, package: str) -> None:
    """Fail, and say what to install, where a tool is missing."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    if not shutil.which(tool, path=path):
        raise ToolMissingError(f"{tool} is missing: apt-get install {package}")


@dataclass(frozen=True, slots=True)
class Truth:
    """What the source folder says of one of its entries."""

    sha256: str
    size: int
    mode: int
    uid: int
    gid: int
    target: str | None
    type: int


def sample_root(root: Path) -> Path:
    """A root file system in small: what routers have, with the modes that matter."""
    noise = random.Random(1)
    _file(root / "bin/busybox", Path("/bin/true").read_bytes(), 0o4755)
    _file(root / "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n" * 3, 0o644)
    _file(root / "etc/shadow", b"root:*:19000:0:99999:7:::\n", 0o640)
    _file(root / "etc/init.d/rcS", b"#!/bin/sh\nmount -a\n", 0o755)
    _file(root / "usr/bin/at", b"#!/bin/sh\nexit 0\n", 0o2755)
    _file(root / "usr/share/table.bin", b"\x01\x02" + noise.randbytes(6000), 0o600)
    _file(root / "usr/share/Größe und Maß.txt", "Straße\n".encode() * 100, 0o666)
    _file(root / "var/empty", b"", 0o644)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    for path, target in {
        "bin/sh": "busybox",
        "sbin/init": "../bin/busybox",
        "usr/bin/wget": "/bin/busybox",
        "etc/mtab": "/proc/mounts",
        "etc/outside": "../../../../etc/hostname",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)
    if os.geteuid() == 0:  # others can't give files away: theirs all belong to themselves
        os.chown(root / "etc/shadow", 0, 42)
        os.chown(root / "usr/bin/at", 1000, 2000)
        (root / "usr/bin/at").chmod(0o2755)
    return root


def _file(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)


def truth_of(root: Path) -> dict[str, Truth]:
    """Path → what `lstat` and `sha256` say, for every entry below a folder."""
    found = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else None
        found[path.relative_to(root).as_posix()] = Truth(
            sha256=hashlib.sha256(content).hexdigest() if content is not None else "",
            size=len(content or b""),
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
            target=str(path.readlink()) if path.is_symlink() else None,
            type=stat.S_IFMT(status.st_mode),
        )
    return found


def squashfs(*options: str) -> Build:
    """mksquashfs with a compressor."""

    def build(root: Path, image: Path) -> None:
        run("mksquashfs", root, image, "-noappend", "-quiet", "-no-progress", *options)

    return build


def tar(root: Path, image: Path) -> None:
    """GNU tar, as Debian packages carry it."""
    run("tar", "--format=gnu", "--sort=name", "-C", root, "-cf", image, ".")


def tar_pax(root: Path, image: Path) -> None:
    """POSIX tar."""
    run("tar", "--format=pax", "--sort=name", "-C", root, "-cf", image, ".")


def cpio(form: str) -> Build:
    """GNU cpio in one of its forms."""

    def build(root: Path, image: Path) -> None:
        names = b"\n".join(
            os.fsencode(path.relative_to(root)) for path in [root, *sorted(root.rglob("*"))]
        )
        image.write_bytes(run("cpio", "--quiet", "-o", "-H", form, cwd=root, stdin=names))

    return build


def cramfs(*options: str) -> Build:
    """mkfs.cramfs, of either end."""

    def build(root: Path, image: Path) -> None:
        run("/usr/sbin/mkfs.cramfs", *options, root, image)

    return build


def jffs2(*options: str) -> Build:
    """mkfs.jffs2 for flash with 64 KiB erase blocks."""

    def build(root: Path, image: Path) -> None:
        run("/usr/sbin/mkfs.jffs2", "-e", "64KiB", "-r", root, "-o", image, *options)

    return build


def ubifs(root: Path, image: Path) -> None:
    """mkfs.ubifs."""
    run("/usr/sbin/mkfs.ubifs", "-m", "2048", "-e", "126976", "-c", "100", "-r", root, image)


def ubi(root: Path, image: Path) -> None:
    """ubifs in a UBI volume."""
    volume = image.with_suffix(".ubifs")
    ubifs(root, volume)
    config = image.with_suffix(".ini")
    config.write_text(
        f"[rootfs]\nmode=ubi\nimage={volume}\nvol_id=0\nvol_size=12MiB\nvol_type=dynamic\n"
        "vol_name=rootfs\nvol_flags=autoresize\n"
    )
    run("/usr/sbin/ubinize", "-m", "2048", "-p", "128KiB", "-o", image, config)


def ext(form: str) -> Build:
    """mke2fs of one generation."""

    def build(root: Path, image: Path) -> None:
        run("/usr/sbin/mke2fs", "-q", "-t", form, "-d", root, image, "8M")

    return build


def romfs(root: Path, image: Path) -> None:
    """genromfs."""
    run("genromfs", "-d", root, "-f", image)


def erofs(root: Path, image: Path) -> None:
    """mkfs.erofs."""
    run("mkfs.erofs", "-zlz4", image, root)


def zip_archive(root: Path, image: Path) -> None:
    """Info-ZIP, links kept."""
    run("zip", "-q", "-y", "-r", image.with_suffix(".zip"), ".", cwd=root)
    image.with_suffix(".zip").rename(image)


def stream(compress: Callable[[Path, Path], None]) -> Build:
    """A tar archive behind a compressor."""

    def build(root: Path, image: Path) -> None:
        plain = image.with_suffix(".tar")
        tar(root, plain)
        compress(plain, image)

    return build


def piped(*words: str) -> Callable[[Path, Path], None]:
    """A compressor that writes to standard output."""

    def compress(plain: Path, image: Path) -> None:
        image.write_bytes(run(*words, plain))

    return compress


def _uimage(plain: Path, image: Path, *options: str) -> None:
    run("mkimage", "-A", "arm", "-O", "linux", "-C", "none", "-n", "sample", *options, image)


def uimage(root: Path, image: Path) -> None:
    """mkimage, one payload: squashfs."""
    plain = image.with_suffix(".squashfs")
    squashfs("-comp", "gzip")(root, plain)
    _uimage(plain, image, "-T", "filesystem", "-d", str(plain))


def uimage_multi(root: Path, image: Path) -> None:
    """mkimage, two payloads: text and squashfs."""
    plain, note = image.with_suffix(".squashfs"), image.with_suffix(".txt")
    squashfs("-comp", "gzip")(root, plain)
    note.write_bytes(b"a kernel would stand here\n" * 100)
    _uimage(plain, image, "-T", "multi", "-d", f"{note}:{plain}")


def fit(*options: str) -> Build:
    """mkimage -f: a squashfs in a flattened image tree."""

    def build(root: Path, image: Path) -> None:
        plain, source = image.with_suffix(".squashfs"), image.with_suffix(".its")
        squashfs("-comp", "gzip")(root, plain)
        source.write_text(
            '/dts-v1/;\n/ { description = "sample"; #address-cells = <1>;\n'
            f'images {{ rootfs-1 {{ description = "root"; data = /incbin/("{plain}");\n'
            'type = "filesystem"; arch = "arm"; os = "linux"; compression = "none";\n'
            'hash-1 { algo = "sha256"; }; }; };\n'
            'configurations { default = "c"; c { description = "c"; loadables = "rootfs-1"; }; };\n'
            "};\n"
        )
        run("mkimage", *options, "-f", source, image)

    return build


def trx(root: Path, image: Path) -> None:
    """TRX version 1 as Broadcom routers boot it: a loader and a squashfs (no tool is packaged)."""
    plain = image.with_suffix(".squashfs")
    squashfs("-comp", "xz")(root, plain)
    loader = gzip.compress(b"a kernel would stand here\n" * 400, mtime=0)
    first = 28
    second = first + len(loader) + (-len(loader)) % 4
    body = loader + b"\0" * ((-len(loader)) % 4) + plain.read_bytes()
    flags = struct.pack("<HHIII", 0, 1, first, second, 0)
    crc = ~zlib.crc32(flags + body) & 0xFFFFFFFF  # TRX takes CRC-32 without the final inversion
    image.write_bytes(struct.pack("<4sII", b"HDR0", 28 + len(body), crc) + flags + body)


def deb(root: Path, image: Path) -> None:
    """dpkg-deb."""
    staged = image.with_suffix(".stage")
    shutil.copytree(root, staged, symlinks=True)
    _copy_owners(root, staged)
    control = staged / "DEBIAN"
    control.mkdir()
    control.joinpath("control").write_text(
        "Package: sample\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.org>\n"
        "Description: sample\n"
    )
    run("dpkg-deb", "--build", staged, image)


def _copy_owners(root: Path, staged: Path) -> None:
    for path in root.rglob("*"):
        status = path.lstat()
        copied = staged / path.relative_to(root)
        os.chown(copied, status.st_uid, status.st_gid, follow_symlinks=False)
        if not path.is_symlink():
            copied.chmod(stat.S_IMODE(status.st_mode))


def rpm(payload: str) -> Build:
    """rpmbuild with one payload compression."""

    def build(root: Path, image: Path) -> None:
        top, spec = image.with_suffix(".rpmbuild"), image.with_suffix(".spec")
        spec.write_text(
            "Name: sample\nVersion: 1\nRelease: 1\nSummary: sample\nLicense: none\n"
            f"AutoReqProv: no\n%define _binary_payload {payload}\n"
            "%define __os_install_post %{nil}\n%define _build_id_links none\n%description\nsample\n"
            f"%install\nmkdir -p %{{buildroot}}\ncp -a {root}/. %{{buildroot}}\n"
            "%files\n/*\n"
        )
        run("rpmbuild", "-bb", "--quiet", "--define", f"_topdir {top}", spec)
        next(top.rglob("*.rpm")).rename(image)

    return build


def sparse(root: Path, image: Path) -> None:
    """img2simg over ext4."""
    plain = image.with_suffix(".ext4")
    ext("ext4")(root, plain)
    run("img2simg", plain, image)


def lzma_alone(plain: Path, image: Path) -> None:
    """LZMA without container, size unknown, as `lzma` of xz-utils writes it."""
    image.write_bytes(lzma.compress(plain.read_bytes(), format=lzma.FORMAT_ALONE))


_SQUASHFS = (("mksquashfs", "squashfs-tools"),)
_MTD = (("mkfs.jffs2", "mtd-utils"),)
_UBI = (("mkfs.ubifs", "mtd-utils"), ("ubinize", "mtd-utils"))
_EXT = (("mke2fs", "e2fsprogs"),)
_MKIMAGE = (("mkimage", "u-boot-tools"), *_SQUASHFS)
_FIT = (("dtc", "device-tree-compiler"), *_MKIMAGE)


def _streams() -> tuple[Image, ...]:
    table: tuple[tuple[str, str, str, str, Callable[[Path, Path], None]], ...] = (
        ("gzip", "gzip", "gzip", "gzip", piped("gzip", "-9nc")),
        ("xz", "xz", "xz", "xz-utils", piped("xz", "-c")),
        ("zstd", "zstd", "zstd", "zstd", piped("zstd", "-qc")),
        ("bzip2", "bzip2", "bzip2", "bzip2", piped("bzip2", "-c")),
        ("lzma", "lzma_stream", "xz", "xz-utils", piped("xz", "--format=lzma", "-c")),
        ("lz4_default", "lz4", "lz4", "lz4", piped("lz4", "-qc")),
        ("lz4_legacy", "lz4 (kernel)", "lz4", "lz4", piped("lz4", "-qlc")),
        ("lzo", "lzo", "lzop", "lzop", piped("lzop", "-c")),
        ("lzip", "lzip", "lzip", "lzip", piped("lzip", "-c")),
    )
    return tuple(
        Image(f"tar.{form}", issue, (form, "tar"), ((tool, package),), stream(compress))
        for form, issue, tool, package, compress in table
    )


IMAGES: tuple[Image, ...] = (
    *(
        Image(
            f"squashfs-{name}",
            f"squashfs {name}",
            ("squashfs_v4_le",),
            _SQUASHFS,
            squashfs("-comp", name),
        )
        for name in ("xz", "gzip", "lzma", "lzo", "zstd", "lz4")
    ),
    Image(
        "cramfs-le",
        "cramfs",
        ("cramfs",),
        (("mkfs.cramfs", "util-linux"),),
        cramfs("-N", "little"),
        owners=False,
    ),
    Image(
        "cramfs-be",
        "cramfs",
        ("cramfs",),
        (("mkfs.cramfs", "util-linux"),),
        cramfs("-N", "big"),
        owners=False,
    ),
    Image("jffs2-le", "jffs2", ("jffs2_new",), _MTD, jffs2("-l")),
    Image("jffs2-be", "jffs2", ("jffs2_new",), _MTD, jffs2("-b")),
    Image("ubifs", "ubifs", ("ubifs",), _UBI, ubifs),
    Image("ubi", "ubi", ("ubi", "ubifs"), _UBI, ubi),
    *(Image(form, "ext", ("extfs",), _EXT, ext(form)) for form in ("ext2", "ext3", "ext4")),
    Image(
        "romfs", "romfs", ("romfs",), (("genromfs", "genromfs"),), romfs, modes=False, owners=False
    ),
    Image(
        "erofs",
        "erofs",
        ("erofs",),
        (("mkfs.erofs", "erofs-utils"),),
        erofs,
        modes=False,
        owners=False,
    ),
    Image("cpio-newc", "cpio", ("cpio_portable_ascii",), (("cpio", "cpio"),), cpio("newc")),
    Image("cpio-crc", "cpio", ("cpio_portable_ascii_crc",), (("cpio", "cpio"),), cpio("crc")),
    Image("cpio-odc", "cpio", ("cpio_portable_old_ascii",), (("cpio", "cpio"),), cpio("odc")),
    Image("cpio-bin", "cpio", ("cpio_binary",), (("cpio", "cpio"),), cpio("bin")),
    Image("tar-gnu", "tar", ("tar",), (("tar", "tar"),), tar),
    Image("tar-pax", "tar", ("tar",), (("tar", "tar"),), tar_pax),
    Image("zip", "zip", ("zip",), (("zip", "zip"),), zip_archive),
    *_streams(),
    Image("uimage", "U-Boot legacy", ("uimage", "squashfs_v4_le"), _MKIMAGE, uimage),
    Image("uimage-multi", "U-Boot legacy", ("uimage", "squashfs_v4_le"), _MKIMAGE, uimage_multi),
    Image("fit-inline", "FIT", ("fit", "squashfs_v4_le"), _FIT, fit()),
    Image("fit-external", "FIT", ("fit", "squashfs_v4_le"), _FIT, fit("-E")),
    Image("fit-position", "FIT", ("fit", "squashfs_v4_le"), _FIT, fit("-E", "-p", "0x1000")),
    Image("trx", "TRX", ("trx_v1", "squashfs_v4_le"), _SQUASHFS, trx),
    Image("deb", "Debian packages", ("deb", "xz", "tar"), (("dpkg-deb", "dpkg"),), deb),
    Image(
        "rpm-gzip",
        "RPM packages",
        ("rpm", "gzip", "cpio_portable_ascii"),
        (("rpmbuild", "rpm"),),
        rpm("w9.gzdio"),
        owners=False,
    ),
    Image(
        "rpm-zstd",
        "RPM packages",
        ("rpm", "zstd", "cpio_portable_ascii"),
        (("rpmbuild", "rpm"),),
        rpm("w3.zstdio"),
        owners=False,
    ),
    Image(
        "sparse",
        "Android sparse",
        ("sparse", "extfs"),
        (("img2simg", "android-sdk-libsparse-utils"), *_EXT),
        sparse,
    ),
)
