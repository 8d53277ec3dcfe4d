"""Call instructions of PowerPC, 64-bit (ELFv1 and ELFv2) and 32-bit.

Counted are `bl` and `b` to a PLT call stub or a named function. Stripped files do not name the
stubs; they are recognised by their instructions:

* 64 bits: `addis rX, r2, high; ld r12, low(rX); mtctr r12; … bctr`, or `ld r12, low(r2)` alone.
  The value of r2, the TOC pointer, is what functions compute from their own address in their first
  two instructions: the commonest such value counts, then the GOT section's address and 0x8000.
* 32 bits: `lis r11, high; lwz r11, low(r11); mtctr r11; bctr`, or with r30, the GOT pointer of the
  calling function, in place of nothing; see `powerpc32`.

A named 64-bit function may be entered behind its TOC set-up; how far is in its symbol's `st_other`
(ELFv2 ABI 3.4.1). In ELFv1 a function's symbol names its descriptor in `.opd`.

Not counted: calls through a register (`bctrl`).

Source: Power ISA, Branch Facility; 64-bit ELF V2 ABI Specification, 4.2.5; 64-bit PowerPC ELF ABI
Supplement 1.9.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from assay.examine.callsites.architecture import Architecture, Stubs
from assay.examine.callsites.image import Code, Image, Ints
from assay.examine.callsites.symbols import Symbols
from assay.examine.callsites.targets import Hits, Targets, joined

Words = NDArray[np.unsignedinteger]

_MTCTR_R12 = 0x7D89_03A6
_LEAVING = (0x4E80_0420, 0x4CE2_0420)  # bctr, and bnectr+ of ELFv1's thread-safe stubs
_ADDIS_R2_R12, _LIS_R2, _ADDI_R2_R2 = 0x3C4C, 0x3C40, 0x3842
_LD_R12_R2, _LD_R12 = 0xE982, 0xE980
_STORE_R2 = (0xF841_0018, 0xF841_0028)  # the TOC's save slot in ELFv2 and ELFv1
_TOC_BIAS = 0x8000
_TOC_CANDIDATES = 4


def low(word: Ints) -> Ints:
    """The signed 16-bit immediates."""
    return ((word & 0xFFFF) ^ 0x8000) - 0x8000


def words_of(image: Image, code: Code) -> Words:
    """The code as instructions in the file's byte order."""
    return code.words(image.code_dtype("u4"))


def _toc_pointers(image: Image) -> list[int]:
    """The values that r2 may have, the likeliest first."""
    seen = []
    for code in image.code:
        words = words_of(image, code)
        at = np.flatnonzero(words[1:] >> 16 == _ADDI_R2_R2)
        first, second = words[at].astype(np.int64), words[at + 1].astype(np.int64)
        value = (low(first) << 16) + low(second)
        own = first >> 16 == _ADDIS_R2_R12
        seen += [code.address + at[own] * 4 + value[own], value[first >> 16 == _LIS_R2]]
    values, counts = np.unique(joined(seen), return_counts=True)
    ranked = [int(value) for value in values[np.argsort(-counts, kind="stable")]]
    sections = [s.address + _TOC_BIAS for s in image.sections if s.name == ".got"]
    return [*ranked[:_TOC_CANDIDATES], *sections]


def _stubs64(image: Image, slots: Targets) -> Stubs:
    pointers = _toc_pointers(image)
    entries = []
    for code in image.code:
        words = words_of(image, code)
        for start, offset in _toc_loads(words):
            for pointer in pointers:
                found, refs = slots.find(pointer + offset)
                at = start[found]
                entries.append(Targets.of(code.address + at * 4, refs))
                saved = np.flatnonzero(np.isin(words[np.maximum(at - 1, 0)], _STORE_R2))
                entries.append(Targets.of(code.address + at[saved] * 4 - 4, refs[saved]))
    return Stubs(Targets.merged(entries))


def _toc_loads(words: Words) -> Iterator[tuple[Ints, Ints]]:
    """Loads of r12 that are moved to the count register: (where they start, offset from r2)."""
    moves = np.flatnonzero(words == _MTCTR_R12)
    leaves = np.zeros(len(moves), bool)
    for ahead in range(1, 5):
        leaves |= np.isin(words[np.minimum(moves + ahead, len(words) - 1)], _LEAVING)
    moves = moves[leaves]
    for back in (1, 2):
        load = moves[moves > back] - back
        word = words[load].astype(np.int64)
        offset = low(word & ~3)
        short = word >> 16 == _LD_R12_R2
        yield load[short], offset[short]
        # `addis rX, r2, high` stands one or two instructions before the load from rX.
        for gap in (1, 2):
            high = words[np.maximum(load - gap, 0)].astype(np.int64)
            base = word >> 16 & 31
            pair = (word >> 16 & ~31 == _LD_R12) & (high >> 16 == 0x3C02 | base << 5)
            yield load[pair] - gap, (low(high[pair]) << 16) + offset[pair]


def branches(words: Words, base: int, targets: Targets) -> Iterator[Hits]:
    """`bl` and `b` to targets, from code that starts at the address `base`."""
    for link in (1, 0):
        at = np.flatnonzero(words & 0xFC00_0003 == 0x4800_0000 | link)
        distance = (words[at].astype(np.int64) & 0x3FF_FFFC ^ 0x200_0000) - 0x200_0000
        at = base + at * 4
        yield targets.hits(at, at + distance, not link)


def _sites(image: Image, code: Code, targets: Targets, slots: Targets) -> Iterator[Hits]:
    yield from branches(words_of(image, code), code.address, targets)


def _functions(image: Image, symbols: Symbols) -> Targets:
    """A file's own functions by both their entries, or by what their descriptors say."""
    refs = symbols.functions()
    values = symbols.value[refs]
    if image.flags & 3 == 1 or (image.flags & 3 == 0 and not image.little):
        entries = image.words_at(values, 8)
        return Targets.of(entries[entries != 0], refs[entries != 0])
    # 0 and 1: the two entries are the same; 2 to 6: a power of two bytes apart.
    shift = symbols.other[refs] >> 5
    local = values + np.where(shift > 1, 1 << shift, 0)
    return Targets.of(np.concatenate([values, local]), np.concatenate([refs, refs]))


POWERPC64 = Architecture(_stubs64, _sites, _functions)
