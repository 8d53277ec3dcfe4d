"""U-Boot's legacy image: a 64-byte header, then the payload.

Source: U-Boot, include/image.h, `struct legacy_img_hdr`; the header's CRC-32 is computed with its
own field zeroed, which makes a chance hit practically impossible.
"""

import struct
import zlib
from pathlib import Path
from typing import BinaryIO

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

_HEADER = struct.Struct(">7I4B32s")
_HEADER_SIZE = 64
_TYPE_MULTI = 4
_COPY_BYTES = 1 << 20
_MAX_PARTS = 64


class UImageExtractor(Extractor):
    """Writes the payload, or each of the payloads of a multi-file image."""

    def extract(self, inpath: Path, outdir: Path) -> None:
        with inpath.open("rb") as image:
            fields = _HEADER.unpack(image.read(_HEADER_SIZE))
            size, image_type = fields[3], fields[9]
            if image_type != _TYPE_MULTI:
                _copy(image, outdir / "payload", size)
                return
            for number, part in enumerate(_part_sizes(image)):
                _copy(image, outdir / f"payload{number}", part)
                image.seek(-part % 4, 1)  # parts are padded to four bytes


def _part_sizes(image: BinaryIO) -> list[int]:
    sizes: list[int] = []
    while len(sizes) < _MAX_PARTS:
        (size,) = struct.unpack(">I", image.read(4))
        if size == 0:
            return sizes
        sizes.append(size)
    raise InvalidInputFormat("multi-file image without end of its list")


def _copy(source: BinaryIO, target: Path, size: int) -> None:
    with target.open("wb") as out:
        while size > 0 and (block := source.read(min(size, _COPY_BYTES))):
            out.write(block)
            size -= len(block)


class UImageHandler(Handler[Extractor]):
    """Recognises the legacy header by magic and checksum."""

    NAME = "uimage"
    PATTERNS = [HexString("27 05 19 56")]
    EXTRACTOR = UImageExtractor()
    DOC = HandlerDoc(
        name="U-Boot legacy image",
        description="The image format of U-Boot's mkimage before FIT.",
        handler_type=HandlerType.BOOTLOADER,
        vendor=None,
        references=[Reference(title="U-Boot", url="https://docs.u-boot.org/")],
        limitations=[],
    )

    def calculate_chunk(self, file: File, start_offset: int) -> ValidChunk | None:
        file.seek(start_offset)
        header = file.read(_HEADER_SIZE)
        if len(header) < _HEADER_SIZE:
            raise InvalidInputFormat("header is cut off")
        fields = _HEADER.unpack(header)
        blank = header[:4] + b"\0\0\0\0" + header[8:]
        if zlib.crc32(blank) != fields[1]:
            raise InvalidInputFormat("header checksum is wrong")
        end = min(start_offset + _HEADER_SIZE + fields[3], file.size())
        return ValidChunk(start_offset=start_offset, end_offset=end)
