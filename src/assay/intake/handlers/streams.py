"""xz, LZMA, lzip, bzip2 and zstd streams, decompressed in this process by libraries.

unblob starts 7-Zip for each: on a package or a root file system with hundreds of small streams,
starting a program costs more than decompressing. Bounded by the extraction's file-size limit.
Its search for the end of a lzip member passes by every one of odd length: ours does not.
"""

import bz2
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import zstandard
from unblob.file_utils import File, InvalidInputFormat
from unblob.handlers.compression import bzip2, lzip, xz, zstd
from unblob.handlers.compression import lzma as lzma_alone
from unblob.models import ExtractError, Extractor, Handler, ValidChunk
from unblob.report import UnknownError

_BLOCK = 1 << 20


class StreamExtractor(Extractor):
    """Decompresses the whole of one file into `<name>.uncompressed`."""

    def __init__(self, name: str, opened: Callable[[BinaryIO], BinaryIO]) -> None:
        self._name = name
        self._opened = opened

    def extract(self, inpath: Path, outdir: Path) -> None:
        with inpath.open("rb") as raw, (outdir / f"{self._name}.uncompressed").open("wb") as out:
            try:
                for block in _blocks(self._opened(raw)):
                    out.write(block)
            except (OSError, EOFError, ValueError, lzma.LZMAError, zstandard.ZstdError) as error:
                raise ExtractError(UnknownError(exception=str(error))) from error


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(_BLOCK):
        yield block


def _open_xz(raw: BinaryIO) -> BinaryIO:
    return lzma.LZMAFile(raw, format=lzma.FORMAT_XZ)  # type: ignore[return-value]


def _open_lzma(raw: BinaryIO) -> BinaryIO:
    return lzma.LZMAFile(raw, format=lzma.FORMAT_ALONE)  # type: ignore[return-value]


def _open_bzip2(raw: BinaryIO) -> BinaryIO:
    return bz2.BZ2File(raw)  # type: ignore[return-value]


def _open_zstd(raw: BinaryIO) -> BinaryIO:
    reader = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True)
    return reader


# Source: lzip manual, "File format": magic, version, dictionary size; LZMA with the parameters
# below and an end marker; CRC-32, size of the data, size of the member.
_LZIP_HEADER = 6
_LZIP_TRAILER = 20
_LZIP_SMALLEST_DICTIONARY = 1 << 12
_LZIP_LARGEST_DICTIONARY = 1 << 29


class LzipHandler(lzip.LZipHandler):
    """One member of a lzip file; several in a row are several chunks."""

    def calculate_chunk(self, file: File, start_offset: int) -> ValidChunk | None:
        _lzip_dictionary(file[start_offset : start_offset + _LZIP_HEADER])
        end = _lzip_end(file, start_offset)
        return ValidChunk(start_offset=start_offset, end_offset=end)


def _lzip_end(file: File, start: int) -> int:
    """Behind the first eight bytes that hold their own distance from the start."""
    for first in range(start + _LZIP_HEADER, file.size(), _BLOCK):
        raw = np.frombuffer(file[first : first + _BLOCK + 7], dtype=np.uint8).astype(np.uint64)
        if raw.size < 8:  # noqa: PLR2004 (the width of the field)
            break
        count = raw.size - 7
        sizes = sum(raw[byte : byte + count] << np.uint64(8 * byte) for byte in range(8))
        ends = np.arange(count, dtype=np.uint64) + np.uint64(first - start + 8)
        hits = np.flatnonzero(sizes == ends)
        if hits.size:
            return first + int(hits[0]) + 8
    raise InvalidInputFormat("no end of the member")


def _lzip_dictionary(header: bytes) -> int:
    base = 1 << (header[5] & 0x1F)
    size = base - (base >> 4) * (header[5] >> 5)
    if not _LZIP_SMALLEST_DICTIONARY <= size <= _LZIP_LARGEST_DICTIONARY:
        raise InvalidInputFormat("dictionary size is out of range")
    return size


def _open_lzip(raw: BinaryIO) -> BinaryIO:
    dictionary = _lzip_dictionary(raw.read(_LZIP_HEADER))
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": dictionary, "lc": 3, "lp": 0, "pb": 2}]
    return _Member(raw, lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters))  # type: ignore[return-value]


class _Member:
    """The data of one member; the trailer must agree with it."""

    def __init__(self, raw: BinaryIO, decoder: lzma.LZMADecompressor) -> None:
        self._raw = raw
        self._decoder = decoder
        self._crc = self._size = 0

    def read(self, size: int) -> bytes:
        data = b""
        while not data and not self._decoder.eof:
            given = self._raw.read(_BLOCK) if self._decoder.needs_input else b""
            if not given and self._decoder.needs_input:
                raise EOFError("the member is cut off")
            data = self._decoder.decompress(given, size)
        self._crc = zlib.crc32(data, self._crc)
        self._size += len(data)
        if not data:
            rest = self._decoder.unused_data + self._raw.read(_LZIP_TRAILER)
            if struct.unpack_from("<IQ", rest.ljust(12)) != (self._crc, self._size):
                raise ValueError("the data does not have the checksum that it was packed with")
        return data


def _with(
    handler: type[Handler[Any]], opened: Callable[[BinaryIO], BinaryIO]
) -> type[Handler[Any]]:
    extractor = StreamExtractor(handler.NAME, opened)
    return type(handler.__name__, (handler,), {"EXTRACTOR": extractor})


STREAM_HANDLERS: tuple[type[Handler[Any]], ...] = (
    _with(xz.XZHandler, _open_xz),
    _with(lzma_alone.LZMAHandler, _open_lzma),
    _with(LzipHandler, _open_lzip),
    _with(bzip2.BZip2Handler, _open_bzip2),
    _with(zstd.ZSTDHandler, _open_zstd),
)
