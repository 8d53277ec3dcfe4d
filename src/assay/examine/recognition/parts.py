"""What of a file can hold a component's code and constants.

How it works: of an ELF file, sections that are loaded and not run, and the names that it defines
itself. Symbol and debug tables are left out: imports and types name what is only used. A file
without code carries no copy, whatever it says.
"""

from collections.abc import Iterable

import lief

from assay.examine.callsites.image import Image, Section, read_image
from assay.examine.callsites.symbols import DT_STRSZ, DT_STRTAB, read_symbols
from assay.knowledge.signatures import Part

_PROGBITS, _NOBITS = 1, 8
_ALLOCATED, _RUN = 2, 4
_MOST_NAMES = 100_000
_NO_TEXT = (".eh_frame", ".gcc_except_table", ".note", ".interp", ".ARM", ".comment", ".debug")
_READ_ONLY = (".rodata", ".rdata", ".sdata2", ".data.rel.ro")

Range = tuple[int, int]


def elf_part(elf: lief.ELF.Binary, data: bytes | memoryview) -> Part | None:
    """An ELF file's part, None where it holds no code."""
    image = read_image(elf, data)
    if not image.code:
        return None
    symbols = read_symbols(image)
    functions = symbols.functions()[:_MOST_NAMES].tolist()
    names = {symbols.text(ref).partition("@")[0].encode() for ref in functions}
    held = [one for one in image.sections if _holds_data(one)]
    if any(one.name.startswith(_READ_ONLY) for one in held):
        text = _joined((one.offset, one.offset + one.size) for one in held)
    else:
        text = _loaded(image)
    text = [(start, min(end, len(data))) for start, end in text if start < len(data)]
    return Part(text=text, tables=text, names=tuple(sorted(names - {b""})))


def _holds_data(section: Section) -> bool:
    return (
        section.kind == _PROGBITS
        and bool(section.flags & _ALLOCATED)
        and not section.flags & _RUN
        and not section.name.startswith(_NO_TEXT)
    )


def _loaded(image: Image) -> list[Range]:
    """Everything that is loaded (old linkers put texts among the code), without the names."""
    loaded = _joined((offset, offset + size) for _, offset, size in image.segments)
    address, size = image.dynamic.get(DT_STRTAB), image.dynamic.get(DT_STRSZ, 0)
    names = image.offset_of(address) if address is not None else None
    if names is None:
        return loaded or [(0, len(image.data))]
    return [
        piece
        for start, end in loaded
        for piece in ((start, min(end, names)), (max(start, names + size), end))
        if piece[0] < piece[1]
    ]


def _joined(ranges: Iterable[Range]) -> list[Range]:
    """Ranges in order, each byte once: headers may lie."""
    joined: list[Range] = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        elif start < end:
            joined.append((start, end))
    return joined
