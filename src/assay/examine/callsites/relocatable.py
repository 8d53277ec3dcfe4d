"""Call sites in relocatable objects (`.o`, `.ko`), where every call still has its relocation.

A site is a relocation of a call's type in an executable section; where a type also serves for
data, the opcode before it decides. Its address is the instruction's offset in the file, since
sections of objects have no addresses.

Not counted: MIPS calls through a register that two relocations fill (`-mlong-calls`, as in kernel
modules built without `-mno-long-calls`) unless an `R_MIPS_JALR` marks them.

Source: the relocation types of the processor supplements of the System V ABI.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from assay.examine.callsites.architecture import Architecture
from assay.examine.callsites.image import ARCH, SHT_PROGBITS, Code, Image, Ints, Section, merged
from assay.examine.callsites.slots import (
    SHT_REL,
    SHT_RELA,
    relocation_info,
    relocation_record,
)
from assay.examine.callsites.symbols import STT_SECTION, Symbols
from assay.examine.callsites.targets import NOTHING, Hits, Targets, joined

_EXECUTABLE = 4
# Relocations that stand at the instruction itself and serve only branches.
_BRANCH_TYPES: dict[ARCH, frozenset[int]] = {
    ARCH.ARM: frozenset({1, 10, 27, 28, 29, 30, 51}),
    ARCH.AARCH64: frozenset({282, 283}),
    ARCH.MIPS: frozenset({4, 10, 37, 61}),
    ARCH.PPC: frozenset({10, 18, 23}),
    ARCH.PPC64: frozenset({10, 116}),
    ARCH.RISCV: frozenset({17, 18, 19, 45}),
}


# What a function's address in a RELA addend is off by: the distance to the instruction's end.
_ADDEND_BIAS = {ARCH.X86_64: 4, ARCH.S390: 2}


class Operand(NamedTuple):
    """Relocations of an operand `back` bytes behind its instruction's start.

    They are calls or jumps where the two bytes before the operand, masked, are `opcode`.
    """

    types: frozenset[int]
    back: int
    mask: int
    opcode: int


_PC32, _GOTPCREL, _GOT32 = frozenset({2, 4}), frozenset({9, 41, 42}), frozenset({3, 43})
_RELATIVE_X86 = (Operand(_PC32, 1, 0xFE, 0xE8), Operand(_PC32, 2, 0xFFF0, 0x0F80))
_OPERANDS: dict[ARCH, tuple[Operand, ...]] = {
    ARCH.X86_64: (
        *_RELATIVE_X86,
        Operand(_GOTPCREL, 2, 0xFFFF, 0xFF15),
        Operand(_GOTPCREL, 2, 0xFFFF, 0xFF25),
    ),
    ARCH.I386: (
        *_RELATIVE_X86,
        Operand(_GOT32, 2, 0xFFF8, 0xFF90),
        Operand(_GOT32, 2, 0xFFF8, 0xFFA0),
    ),
    ARCH.S390: (Operand(frozenset({19, 20}), 2, 0xFF0E, 0xC004),),
}


class Relocations(NamedTuple):
    """The relocations of one executable section: file offsets, symbols, types, addends."""

    at: Ints
    refs: Ints
    types: Ints
    addends: Ints


def object_hits(image: Image, architecture: Architecture, symbols: Symbols) -> Iterator[Hits]:
    """The calls of an object: by their relocations; inside one section by decoding."""
    functions = object_functions(image, symbols)
    tables = list(_tables(image, symbols))
    for relocations in tables:
        yield from _calls(image, _with_locals(image, symbols, functions, relocations))
    relocated = joined(table.at for table in tables)
    operands = np.unique(np.concatenate([relocated + back for back in (-2, -1, 0, 4)]))
    for code in object_sections(image):
        for hits in architecture.sites(image, code, functions, Targets(NOTHING, NOTHING)):
            yield hits.only(~np.isin(hits.at, operands))


def object_sections(image: Image) -> Iterator[Code]:
    """The executable sections of an object, with their file offsets as addresses."""
    runs = sorted(
        (section.offset, section.size, section.offset)
        for section in image.sections
        if section.kind == SHT_PROGBITS and section.flags & _EXECUTABLE
    )
    for offset, size, _ in merged(runs):
        yield Code(offset, offset, image.data[offset : offset + size])


def object_functions(image: Image, symbols: Symbols) -> Targets:
    """The functions that an object defines, by their file offset."""
    refs = symbols.functions()
    refs = refs[symbols.section[refs] < len(image.sections)]
    return Targets.of(symbols.value[refs], refs)


def _tables(image: Image, symbols: Symbols) -> Iterator[Relocations]:
    left = len(image.data)  # tables do not overlap, but in a hostile file
    for section in image.sections:
        if section.kind in (SHT_REL, SHT_RELA) and section.info < len(image.sections):
            code = image.sections[section.info]
            if code.flags & _EXECUTABLE and section.size <= left:
                left -= section.size
                yield _relocations(image, symbols, section, code)


def _relocations(image: Image, symbols: Symbols, section: Section, code: Section) -> Relocations:
    with_addends = section.kind == SHT_RELA
    table = image.table(section.offset, section.size, relocation_record(image, with_addends))
    refs, types = relocation_info(image, table["info"])
    offsets = table["offset"].astype(np.int64)
    valid = (refs > 0) & (refs < len(symbols) - symbols.dynamic)
    valid &= (offsets >= 0) & (offsets < min(code.size, len(image.data) - code.offset))
    addends = table["addend"].astype(np.int64) if with_addends else np.zeros_like(offsets)
    return Relocations(
        offsets[valid] + code.offset, refs[valid] + symbols.dynamic, types[valid], addends[valid]
    )


def _with_locals(
    image: Image, symbols: Symbols, functions: Targets, relocations: Relocations
) -> Relocations:
    """Name the functions that relocations give as a place in a section."""
    refs = relocations.refs.copy()
    placed = np.flatnonzero(symbols.kind[refs] == STT_SECTION)
    placed = placed[symbols.section[refs[placed]] < len(image.sections)]
    wanted = symbols.value[refs[placed]] + relocations.addends[placed]
    found, own = functions.find(wanted + _ADDEND_BIAS.get(image.machine, 0))
    refs[placed[found]] = own
    return relocations._replace(refs=refs)


def _calls(image: Image, relocations: Relocations) -> Iterator[Hits]:
    at, refs, types, _ = relocations
    plain = np.isin(types, list(_BRANCH_TYPES.get(image.machine, ())))
    yield Hits.of(at[plain], refs[plain])
    before = image.data[at - 2].astype(np.int64) << 8 | image.data[at - 1]
    for operand in _OPERANDS.get(image.machine, ()):
        match = np.isin(types, list(operand.types)) & (before & operand.mask == operand.opcode)
        yield Hits.of(at[match] - operand.back, refs[match])
