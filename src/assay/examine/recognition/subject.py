"""What a recogniser is handed: a file's bytes, its name, and how it is linked."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import lief

from assay.examine.contract import ExamineError
from assay.examine.elf.parse import parse_elf
from assay.model.observations import ComponentSighting
from assay.model.tree import File, Kind


@dataclass(frozen=True, slots=True)
class Subject:
    """One file. `soname` is the name that it is linked by, `needed` those of what it uses.

    Both are empty where the file is no dynamic ELF or its headers can't be read. `elf` is the
    parsed file, None where it is no ELF file or can't be parsed.
    """

    data: bytes | memoryview
    file: File
    soname: str = ""
    needed: tuple[str, ...] = ()
    elf: lief.ELF.Binary | None = None


Recogniser = Callable[[Subject], Iterable[ComponentSighting]]
"""One way to recognise components; further ones join the tuple in `assay.examine.components`."""


def subject(data: memoryview, file: File) -> Subject:
    """Read a file's linkage; malformed headers leave it empty, for the bytes still speak."""
    if file.kind is not Kind.ELF:
        return Subject(data, file)
    content = bytes(data)
    try:
        elf = parse_elf(content)
    except ExamineError:
        return Subject(content, file)
    entry = elf.get(lief.ELF.DynamicEntry.TAG.SONAME)
    soname = entry.name if isinstance(entry, lief.ELF.DynamicSharedObject) else ""
    return Subject(content, file, _text(soname), tuple(_text(name) for name in elf.libraries), elf)


def _text(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode("latin-1")
