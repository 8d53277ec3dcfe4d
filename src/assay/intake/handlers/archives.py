"""tar and cpio, unpacked without making a link or a device.

unblob's extractors leave out members whose path is longer than 255 bytes, stop at names that are
not UTF-8, and make devices where they may. These write files and folders alone: links, devices
and pipes are known from the archive's own record (`assay.intake.listing`), and a link that is
never made leads nowhere.
"""

import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from unblob.file_utils import File, FileSystem, InvalidInputFormat
from unblob.handlers.archive import cpio, tar
from unblob.models import Extractor, ExtractResult, Handler, ValidChunk
from unblob.report import ExtractionProblem

from assay.intake.listing.archives import CpioMember, cpio_members

_BLOCK = 1 << 20
_MOST_PADDING = 512


class TarExtractor(Extractor):
    """Writes files and folders; a hard link becomes another name of its file."""

    def extract(self, inpath: Path, outdir: Path) -> ExtractResult | None:
        files = FileSystem(outdir)
        linked = False
        with tarfile.open(inpath, "r:", encoding="utf-8", errors="surrogateescape") as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # else it keeps them all
                linked = linked or member.islnk()
                with _told(files, member.name):
                    _write(files, archive, member, fresh=linked)
        return ExtractResult(reports=files.problems)


def _write(
    files: FileSystem, archive: tarfile.TarFile, member: tarfile.TarInfo, *, fresh: bool
) -> None:
    """`fresh`: a second member of a name must not write into what is now another file's too."""
    path = Path(member.name)
    if fresh and not member.isdir():
        _remove(files, path)
    if member.isdir():
        files.mkdir(path, parents=True, exist_ok=True)
    elif member.islnk():
        files.create_hardlink(Path(member.linkname), path)
    elif member.isreg() and (content := archive.extractfile(member)):
        files.write_chunks(path, _blocks(content))


@contextmanager
def _told(files: FileSystem, name: str) -> Iterator[None]:
    """One member that can't be written costs no other: it is told."""
    try:
        yield
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        files.record_problem(ExtractionProblem(problem=f"{why}.", resolution="Skipped.", path=name))


def _remove(files: FileSystem, path: Path) -> None:
    files.unlink(path)  # type: ignore[no-untyped-call]  # unblob leaves it so


def _blocks(content: Any) -> Iterator[bytes]:
    while block := content.read(_BLOCK):
        yield block


class CpioExtractor(Extractor):
    """Writes files and folders; of a file's several names, the last carries the content."""

    def extract(self, inpath: Path, outdir: Path) -> ExtractResult | None:
        files = FileSystem(outdir)
        first: dict[tuple[int, ...], list[Path]] = {}
        with inpath.open("rb") as archive:
            for member in cpio_members(archive):
                path = Path(os.fsdecode(member.name))
                with _told(files, str(path)):
                    if member.is_folder:
                        files.mkdir(path, parents=True, exist_ok=True)
                    elif member.is_file:
                        if first:
                            _remove(files, path)
                        files.write_chunks(path, _slice(archive, member))
                        if member.links > 1:
                            names = first.setdefault(member.inode, [])
                            names.append(path)
                            if member.size:
                                _give_content(files, names, path)
        return ExtractResult(reports=files.problems)


def _give_content(files: FileSystem, names: list[Path], source: Path) -> None:
    for name in names:
        if name != source:
            _remove(files, name)
            files.create_hardlink(source, name)


def _slice(archive: BinaryIO, member: CpioMember) -> Iterator[bytes]:
    archive.seek(member.start)
    left = member.size
    while left > 0 and (block := archive.read(min(left, _BLOCK))):
        yield block
        left -= len(block)


class _Cpio(Handler[Extractor]):
    """Follows the members to the end mark, and the padding behind it."""

    EXTRACTOR = CpioExtractor()

    def calculate_chunk(self, file: File, start_offset: int) -> ValidChunk | None:
        file.seek(start_offset)
        end = start_offset
        with suppress(ValueError):  # a number that is none: the members before it still count
            for member in cpio_members(file, whole=True):  # type: ignore[arg-type]  # a mapped file
                end = member.end
        if end == start_offset:
            raise InvalidInputFormat("no members")
        padded = start_offset + (end - start_offset + _MOST_PADDING - 1) // _MOST_PADDING * 512
        if not file[end:padded].strip(b"\0") and padded <= file.size():
            end = padded
        return ValidChunk(start_offset=start_offset, end_offset=min(end, file.size()))


def _with_our_walk(handler: type[Handler[Any]]) -> type[Handler[Any]]:
    kept = {name: getattr(handler, name) for name in ("NAME", "PATTERNS", "DOC")}
    return type(handler.__name__, (_Cpio,), kept)


def _with_our_extractor(handler: type[Handler[Any]]) -> type[Handler[Any]]:
    return type(handler.__name__, (handler,), {"EXTRACTOR": TarExtractor()})


ARCHIVE_HANDLERS: tuple[type[Handler[Any]], ...] = (
    _with_our_extractor(tar.TarUstarHandler),
    _with_our_extractor(tar.TarUnixHandler),
    _with_our_walk(cpio.BinaryHandler),
    _with_our_walk(cpio.PortableOldASCIIHandler),
    _with_our_walk(cpio.PortableASCIIHandler),
    _with_our_walk(cpio.PortableASCIIWithCRCHandler),
)
