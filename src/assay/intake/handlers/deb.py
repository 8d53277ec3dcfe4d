"""Debian packages, told from other ar archives by their first member.

Source: deb(5). The archive's members are parts of the package, not files that it installs: the
paths of what lies in `data.tar` are those of the package's files.
"""

from typing import Any

from unblob.file_utils import File
from unblob.handlers.archive.ar import ArExtractor, ARHandler
from unblob.models import Handler, ValidChunk

_FIRST_MEMBER = b"!<arch>\ndebian-binary"


class DebHandler(ARHandler):
    """Recognises `debian-binary` as first member."""

    NAME = "deb"
    EXTRACTOR = ArExtractor()

    def calculate_chunk(self, file: File, start_offset: int) -> ValidChunk | None:
        return super().calculate_chunk(file, start_offset) if _is_deb(file, start_offset) else None


class OtherArHandler(ARHandler):
    """Any other ar archive."""

    NAME = "ar"
    EXTRACTOR = ArExtractor()

    def calculate_chunk(self, file: File, start_offset: int) -> ValidChunk | None:
        return None if _is_deb(file, start_offset) else super().calculate_chunk(file, start_offset)


def _is_deb(file: File, start: int) -> bool:
    return file[start : start + len(_FIRST_MEMBER)] == _FIRST_MEMBER


AR_HANDLERS: tuple[type[Handler[Any]], ...] = (DebHandler, OtherArHandler)
