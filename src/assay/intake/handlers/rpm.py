"""RPM packages: lead, signature header, header, then a compressed cpio archive.

Source: RPM documentation, "RPM V4 Package format". The payload is carved as it stands; its
compression and the archive in it are unpacked as any other.
"""

import struct
from pathlib import Path

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

_LEAD_SIZE = 96
_HEADER = struct.Struct(">3sBIII")
_HEADER_MAGIC = b"\x8e\xad\xe8"
_INDEX_ENTRY = 16
_SIZE_TAG = 1000  # in the signature header: bytes of header and payload
_LARGE_SIZE_TAG = 270


class RpmExtractor(Extractor):
    """Writes the payload."""

    def extract(self, inpath: Path, outdir: Path) -> None:
        with File.from_path(inpath) as package:
            start, _ = _layout(package, 0)
            (outdir / "payload").write_bytes(package[start:])


def _layout(package: File, lead: int) -> tuple[int, int]:
    """Offsets of the payload and of its end, from the start of the file."""
    signature = lead + _LEAD_SIZE
    entries, end = _header(package, signature)
    header = signature + ((end - signature + 7) & ~7)
    _, payload = _header(package, header)
    covered = _signed_size(package, signature, entries)
    return payload, header + covered if covered else package.size()


def _header(package: File, offset: int) -> tuple[int, int]:
    raw = package[offset : offset + _HEADER.size]
    if len(raw) < _HEADER.size:
        raise InvalidInputFormat("header is cut off")
    magic, _, _, entries, data = _HEADER.unpack(raw)
    end = offset + _HEADER.size + entries * _INDEX_ENTRY + data
    if magic != _HEADER_MAGIC or end > package.size():
        raise InvalidInputFormat("not an RPM header")
    return entries, end


def _signed_size(package: File, signature: int, entries: int) -> int:
    index = signature + _HEADER.size
    data = index + entries * _INDEX_ENTRY
    for entry in range(entries):
        at = index + entry * _INDEX_ENTRY
        tag, _, offset, _ = struct.unpack(">4I", package[at : at + _INDEX_ENTRY])
        if tag in (_SIZE_TAG, _LARGE_SIZE_TAG):
            form = ">I" if tag == _SIZE_TAG else ">Q"
            width = struct.calcsize(form)
            return int(struct.unpack(form, package[data + offset : data + offset + width])[0])
    return 0


class RpmHandler(Handler[Extractor]):
    """Recognises the lead and both headers."""

    NAME = "rpm"
    PATTERNS = [HexString("ED AB EE DB 03")]
    EXTRACTOR = RpmExtractor()
    DOC = HandlerDoc(
        name="RPM package",
        description="Package of the RPM package manager, version 3 lead and version 4 headers.",
        handler_type=HandlerType.ARCHIVE,
        vendor=None,
        references=[Reference(title="RPM package format", url="https://rpm.org/docs/")],
        limitations=[],
    )

    def calculate_chunk(self, file: File, start_offset: int) -> ValidChunk | None:
        _, end = _layout(file, start_offset)
        return ValidChunk(start_offset=start_offset, end_offset=min(end, file.size()))
