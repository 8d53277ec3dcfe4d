"""xz, LZMA, bzip2, zstd and LZ4 streams, decompressed in this process by libraries.

unblob starts 7-Zip for each: on a package or a root file system with hundreds of small streams,
starting a program costs more than decompressing. Bounded by the extraction's file-size limit.
"""

import bz2
import lzma
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import zstandard
from unblob.handlers.compression import bzip2, xz, zstd
from unblob.handlers.compression import lzma as lzma_alone
from unblob.models import ExtractError, Extractor, Handler
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
    return reader  # type: ignore[return-value]


def _with(
    handler: type[Handler[Any]], opened: Callable[[BinaryIO], BinaryIO]
) -> type[Handler[Any]]:
    extractor = StreamExtractor(handler.NAME, opened)
    return type(handler.__name__, (handler,), {"EXTRACTOR": extractor})


STREAM_HANDLERS: tuple[type[Handler[Any]], ...] = (
    _with(xz.XZHandler, _open_xz),
    _with(lzma_alone.LZMAHandler, _open_lzma),
    _with(bzip2.BZip2Handler, _open_bzip2),
    _with(zstd.ZSTDHandler, _open_zstd),
)
