"""What a container itself records of its members: mode, owner, link target, capabilities.

Extractors lose these where the user may not set them, or never write them; the container's own
record is read instead. Formats without a reader here leave them unknown: what lies on the disk
then is the extractor's doing. Known limits: access control lists are not read; owners in RPM
packages, which stand in the package's header, are left unknown.
"""

from collections.abc import Callable
from pathlib import Path

from assay.intake.listing.archives import list_cpio, list_tar, list_zip
from assay.intake.listing.ext import list_ext
from assay.intake.listing.flash import list_jffs2, list_ubifs
from assay.intake.listing.member import Member, normal, readable
from assay.intake.listing.readonly import list_cramfs, list_romfs
from assay.intake.listing.squashfs import list_squashfs

__all__ = ["Member", "list_members", "normal", "readable"]

_READERS: tuple[tuple[str, Callable[[Path], dict[str, Member]]], ...] = (
    ("squashfs", list_squashfs),
    ("tar", list_tar),
    ("cpio", list_cpio),
    ("zip", list_zip),
    ("extfs", list_ext),
    ("jffs2", list_jffs2),
    ("ubifs", list_ubifs),
    ("romfs", list_romfs),
    ("cramfs", list_cramfs),
)


def list_members(form: str, path: Path) -> dict[str, Member]:
    """Members by path relative to the container's root; empty where the format has no reader.

    Never raises: a listing that can't be read leaves the facts unknown.
    """
    for prefix, reader in _READERS:
        if form.startswith(prefix):
            try:
                return reader(path)
            except Exception:  # noqa: BLE001 (hostile input; the files themselves were unpacked)
                return {}
    return {}
