"""What a recogniser is handed: a file's bytes, its name, and how it is linked."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import lief

from assay.examine.contract import ExamineError
from assay.examine.elf.parse import parse_elf
from assay.model.observations import ComponentSighting, Unmeasured
from assay.model.tree import File, Kind


@dataclass(frozen=True, slots=True)
class Subject:
    """One file. `soname` is the name that it is linked by, `needed` those of what it uses.

    Both are empty where the file is no dynamic ELF or its headers can't be read. `names` and
    `needed` hold every spelling that a library's name may have been given (see `spellings`).
    `elf` is the parsed file, None where it is no ELF file or can't be parsed.
    """

    data: bytes | memoryview
    file: File
    soname: str = ""
    names: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    elf: lief.ELF.Binary | None = None


_BUNDLED = re.compile(r"(?P<lib>lib[^/]{1,80})-[0-9a-f]{8}\.so(?P<numbers>(?:\.[0-9]+){1,5})")

Recogniser = Callable[[Subject], Iterable[ComponentSighting | Unmeasured]]
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
    soname = _text(entry.name) if isinstance(entry, lief.ELF.DynamicSharedObject) else ""
    needed = [_text(name) for name in elf.libraries]
    return Subject(
        content,
        file,
        soname,
        spellings(soname) if soname else (),
        tuple(spelling for name in needed for spelling in spellings(name)),
        elf,
    )


def spellings(name: str) -> tuple[str, ...]:
    """A library's name; where it was bundled into a Python wheel, those it had before as well.

    The tool that bundles (auditwheel) puts a digest into the file's name and makes that the
    SONAME, with all of the file's version: `libpq-e8a033dd.so.5.16` was `libpq.so.5`.
    """
    bundled = _BUNDLED.fullmatch(name)
    if bundled is None:
        return (name,)
    stem, numbers = f"{bundled['lib']}.so", bundled["numbers"].split(".")[1:]
    shorter = (".".join([stem, *numbers[:count]]) for count in range(len(numbers), 0, -1))
    return (name, *shorter)


def _text(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode("latin-1")
