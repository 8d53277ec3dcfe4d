"""Which extractors and protections this machine has."""

import ctypes
import shutil
import sys
from pathlib import Path

from assay.model.base import Frozen

# program → (formats, how to get it). The Python packages' programs come with Assay itself.
_EXTRACTORS: tuple[tuple[str, str, str], ...] = (
    ("unsquashfs", "squashfs", "apt-get install squashfs-tools"),
    ("7z", "cramfs, ISO 9660, FAT, NTFS, zip, 7z, cab, UEFI", "apt-get install p7zip-full"),
    ("debugfs", "ext2, ext3, ext4", "apt-get install e2fsprogs"),
    ("jefferson", "jffs2", "pip install jefferson"),
    ("ubireader_extract_files", "ubifs", "pip install ubi-reader"),
    ("ubireader_extract_images", "ubi", "pip install ubi-reader"),
    ("fsck.erofs", "erofs", "apt-get install erofs-utils"),
    ("simg2img", "Android sparse images", "apt-get install android-sdk-libsparse-utils"),
    ("lz4", "lz4", "apt-get install lz4"),
    ("lzop", "lzo", "apt-get install lzop"),
    ("unar", "rar, arc", "apt-get install unar"),
    ("partclone.restore", "partclone", "apt-get install partclone"),
)


# Linux, include/uapi/linux/landlock.h; the number is the same on every architecture.
_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_VERSION = 1


class Extractor(Frozen):
    """A program that unpacks: what for, whether it is here, and how to install it."""

    program: str
    formats: str
    present: bool
    install: str


class Protection(Frozen):
    """A confinement of the processes that read hostile bytes."""

    name: str
    active: bool
    detail: str


def extractors() -> tuple[Extractor, ...]:
    """All programs that intake may start, present or not."""
    search = str(Path(sys.executable).parent)
    return tuple(
        Extractor(
            program=program,
            formats=formats,
            present=bool(shutil.which(program) or shutil.which(program, path=search)),
            install=install,
        )
        for program, formats, install in _EXTRACTORS
    )


def protections() -> tuple[Protection, ...]:
    """What confines the unpackers on this machine."""
    landlock = _landlock_version() > 0
    return (
        Protection(
            name="Landlock",
            active=landlock,
            detail="unpackers write to their scratch folder alone"
            if landlock
            else "this kernel does not offer it: unpackers run with the user's own rights",
        ),
        Protection(
            name="resource limits",
            active=True,
            detail="memory, file size, unpacked bytes, files, nesting and time are bounded",
        ),
    )


def _landlock_version() -> int:
    """The version of Landlock that the kernel offers, 0 or less where it offers none.

    Asked of the kernel itself: the list of security modules is often not mounted.
    """
    try:
        kernel = ctypes.CDLL(None, use_errno=True)
        return int(kernel.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION))
    except (OSError, AttributeError):
        return 0
