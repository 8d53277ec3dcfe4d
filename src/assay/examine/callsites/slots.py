"""GOT and PLT slots: the words that the dynamic linker fills with a function's address."""

# ruff: noqa: PLR2004 - encodings and sizes stand as the manuals print them

import numpy as np
from numpy.typing import NDArray

from assay.examine.callsites.image import ARCH, Image, Ints, signed
from assay.examine.callsites.symbols import STT_GNU_IFUNC, Symbols
from assay.examine.callsites.targets import NOTHING, Targets

DT_PLTRELSZ, DT_PLTGOT, DT_RELA, DT_RELASZ, DT_REL, DT_RELSZ = 2, 3, 7, 8, 17, 18
DT_PLTREL, DT_JMPREL = 20, 23
DT_MIPS_LOCAL_GOTNO, DT_MIPS_GOTSYM = 0x7000_000A, 0x7000_0013
SHT_RELA, SHT_REL = 4, 9

# Relocation types by machine: those that put a symbol's address into a slot (JUMP_SLOT, GLOB_DAT,
# and the plain word relocation where the ABI fills the GOT with it) and IRELATIVE. From the
# processor supplements of the System V ABI.
SLOT_TYPES: dict[ARCH, tuple[frozenset[int], int]] = {
    ARCH.X86_64: (frozenset({6, 7}), 37),
    ARCH.I386: (frozenset({6, 7}), 42),
    ARCH.ARM: (frozenset({21, 22}), 160),
    ARCH.AARCH64: (frozenset({1025, 1026}), 1032),
    ARCH.MIPS: (frozenset({3, 127}), -1),
    ARCH.PPC: (frozenset({20, 21}), 248),
    ARCH.PPC64: (frozenset({20, 21, 38}), 248),
    ARCH.RISCV: (frozenset({1, 2, 5}), 58),
    ARCH.S390: (frozenset({10, 11}), 61),
}


def read_slots(image: Image, symbols: Symbols) -> Targets:
    """Which symbol's address each slot holds at run time."""
    parts = [_from_table(image, symbols, *table) for table in _tables(image)]
    if image.machine == ARCH.MIPS:
        parts.append(_mips_global_got(image, symbols))
    return Targets.merged(parts)


def _tables(image: Image) -> list[tuple[int | None, int, bool]]:
    """Relocation tables as (file offset, size, has addends)."""
    dynamic = image.dynamic
    tables = [
        (image.offset_of(signed(dynamic[start])), dynamic.get(size, 0), addends)
        for start, size, addends in (
            (DT_JMPREL, DT_PLTRELSZ, dynamic.get(DT_PLTREL) == DT_RELA),
            (DT_RELA, DT_RELASZ, True),
            (DT_REL, DT_RELSZ, False),
        )
        if start in dynamic
    ]
    if tables:
        return tables
    # A static program has no dynamic section, yet relocations for the functions that it chooses
    # when it starts.
    return [
        (section.offset, section.size, section.kind == SHT_RELA)
        for section in image.sections
        if section.kind in (SHT_RELA, SHT_REL) and section.flags & 2
    ]


def relocation_record(image: Image, addends: bool) -> np.dtype[np.void]:
    """One relocation as it stands in the file."""
    word = ("<" if image.little else ">") + f"u{image.bits // 8}"
    fields = [("offset", word), ("info", word)]
    return np.dtype([*fields, ("addend", word)] if addends else fields)


def relocation_info(image: Image, info: NDArray[np.unsignedinteger]) -> tuple[Ints, Ints]:
    """The symbol numbers and types of relocations."""
    if image.bits == 32:
        return (info >> 8).astype(np.int64), (info & 0xFF).astype(np.int64)
    if image.machine == ARCH.MIPS and image.little:
        # MIPS's 64-bit ABI keeps symbol, special symbol and three types as separate fields.
        return (info & 0xFFFF_FFFF).astype(np.int64), (info >> 56).astype(np.int64)
    if image.machine == ARCH.MIPS:
        return (info >> 32).astype(np.int64), (info & 0xFF).astype(np.int64)
    return (info >> 32).astype(np.int64), (info & 0xFFFF_FFFF).astype(np.int64)


def _from_table(
    image: Image, symbols: Symbols, offset: int | None, size: int, addends: bool
) -> Targets:
    table = image.table(offset, size, relocation_record(image, addends))
    kinds, irelative = SLOT_TYPES[image.machine]
    refs, types = relocation_info(image, table["info"])
    at = table["offset"].astype(np.int64)
    named = np.isin(types, list(kinds)) & (refs > 0) & (refs < symbols.dynamic)
    chosen = np.flatnonzero(types == irelative)
    if addends:
        resolvers = table["addend"][chosen].astype(np.int64)
    else:
        resolvers = image.words_at(at[chosen], image.bits // 8)
    found, own = _indirect_functions(symbols).find(resolvers)
    return Targets.of(
        np.concatenate([at[named], at[chosen[found]]]), np.concatenate([refs[named], own])
    )


def _indirect_functions(symbols: Symbols) -> Targets:
    """Functions that are chosen when the program starts, by the address of their resolver."""
    refs = np.flatnonzero((symbols.kind == STT_GNU_IFUNC) & (symbols.section != 0))
    return Targets.of(symbols.value[refs], refs)


def _mips_global_got(image: Image, symbols: Symbols) -> Targets:
    """MIPS fills the global part of the GOT in the order of the dynamic symbols, unrelocated."""
    wanted = (DT_PLTGOT, DT_MIPS_LOCAL_GOTNO, DT_MIPS_GOTSYM)
    base, local, first = (image.dynamic.get(tag) for tag in wanted)
    if base is None or local is None or first is None or first >= symbols.dynamic:
        return Targets(NOTHING, NOTHING)
    refs = np.arange(first, symbols.dynamic, dtype=np.int64)
    word = image.bits // 8
    return Targets(signed(base) + (signed(local) + refs - first) * word, refs)
