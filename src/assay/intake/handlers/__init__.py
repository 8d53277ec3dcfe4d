"""The container formats that are looked for: unblob's, with ours in place or added.

unblob's squashfs extractor is a program that neither Debian nor PyPI carries; ELF files are
examined, not unpacked: carving each of them costs more than all else together.

Known limits, each told by a region that stays closed or by a problem: jffs2 and ubifs images with
names that are not UTF-8 stop their extractors; of a jffs2 file with several names one comes out;
squashfs with a vendor's own compressor opens where 7-Zip or sasquatch knows it.
"""

from typing import Any

from unblob.handlers import BUILTIN_HANDLERS
from unblob.models import Handler

from assay.intake.handlers.archives import ARCHIVE_HANDLERS
from assay.intake.handlers.deb import AR_HANDLERS
from assay.intake.handlers.fit import FitHandler
from assay.intake.handlers.rpm import RpmHandler
from assay.intake.handlers.squashfs import SQUASHFS_HANDLERS
from assay.intake.handlers.streams import STREAM_HANDLERS
from assay.intake.handlers.uefi import UefiVolumeHandler
from assay.intake.handlers.uimage import UImageHandler

_OURS: tuple[type[Handler[Any]], ...] = (
    *SQUASHFS_HANDLERS,
    *STREAM_HANDLERS,
    *AR_HANDLERS,
    *ARCHIVE_HANDLERS,
    UImageHandler,
    FitHandler,
    RpmHandler,
    UefiVolumeHandler,
)
_REPLACED = {handler.NAME for handler in _OURS} | {"elf32", "elf64"}

HANDLERS: tuple[type[Handler[Any]], ...] = (
    *(handler for handler in BUILTIN_HANDLERS if handler.NAME not in _REPLACED),
    *_OURS,
)
