"""UEFI firmware volumes, unpacked by 7-Zip as far as it goes.

Source: UEFI Platform Initialization Specification 1.8, volume 3, "Firmware Volume Header": sixteen
zero bytes, file system GUID, length, signature `_FVH`, a header whose 16-bit words add up to zero.
"""

import struct

from unblob.extractors import Command
from unblob.file_utils import File, InvalidInputFormat
from unblob.models import (
    Extractor,
    Handler,
    HandlerDoc,
    HandlerType,
    HexString,
    Reference,
    ValidChunk,
)

_SIGNATURE_OFFSET = 40
_FIXED = struct.Struct("<16s16sQ4sIHHHBB")


class UefiVolumeHandler(Handler[Extractor]):
    """Recognises a volume by signature and header checksum."""

    NAME = "uefi_volume"
    PATTERNS = [HexString("5F 46 56 48")]
    PATTERN_MATCH_OFFSET = -_SIGNATURE_OFFSET
    EXTRACTOR = Command("7z", "x", "-y", "-bd", "-tuefif", "-o{outdir}", "{inpath}")
    DOC = HandlerDoc(
        name="UEFI firmware volume",
        description="Firmware volume of the UEFI Platform Initialization specification.",
        handler_type=HandlerType.FILESYSTEM,
        vendor=None,
        references=[Reference(title="UEFI PI", url="https://uefi.org/specifications")],
        limitations=["volumes with a custom file system stay closed"],
    )

    def calculate_chunk(self, file: File, start_offset: int) -> ValidChunk | None:
        file.seek(start_offset)
        raw = file.read(_FIXED.size)
        if len(raw) < _FIXED.size:
            raise InvalidInputFormat("header is cut off")
        _, _, length, _, _, header_size, *_ = _FIXED.unpack(raw)
        header = file[start_offset : start_offset + header_size]
        if header_size < _FIXED.size or header_size % 2 or len(header) < header_size:
            raise InvalidInputFormat("header size is wrong")
        if sum(struct.unpack(f"<{header_size // 2}H", header)) & 0xFFFF:
            raise InvalidInputFormat("header checksum is wrong")
        if length < header_size or start_offset + length > file.size():
            raise InvalidInputFormat("volume is cut off")
        return ValidChunk(start_offset=start_offset, end_offset=start_offset + length)
