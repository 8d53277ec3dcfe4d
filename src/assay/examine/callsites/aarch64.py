"""Call instructions of AArch64: `bl` and `b` to a PLT entry or a named function, and `blr`/`br`
through a register loaded from a GOT slot by `adrp` and `ldr` (`-fno-plt`).

All instructions are four aligned bytes, so nothing is guessed. Conditional branches are left out:
compilers do not make tail calls of them.

Not counted: calls through a slot whose load is more than `_REACH` instructions away.

Source: Arm Architecture Reference Manual for A-profile, C6.2 (B, BL, BLR, BR, ADRP, LDR); PLT forms
of the ELF ABI for AArch64, with and without `bti c` and pointer authentication.
"""

# ruff: noqa: PLR2004 - encodings and sizes stand as the manuals print them

from collections.abc import Iterator

import numpy as np

from assay.examine.callsites.architecture import Architecture, Stubs
from assay.examine.callsites.image import Code, Image, Ints
from assay.examine.callsites.targets import Hits, Targets, joined

_BTI_C, _BR_X17 = 0xD503_245F, 0xD61F_0220
_LDR_X17_X16, _LDR_BASE = 0xF940_0211, 0xF940_0000
_LDR_MASK, _LDR_ANY = 0xFFC0_03FF, 0xFFC0_0000
_REACH = 12


def _instructions(code: Code) -> Ints:
    """The instructions; little-endian whatever the data's byte order."""
    return code.words(np.dtype("<u4"))  # type: ignore[return-value]


def _page(words: Ints, addresses: Ints) -> Ints:
    """The page addresses that `adrp` instructions compute."""
    word = words.astype(np.int64)
    page = ((word >> 5) & 0x7FFFF) << 2 | (word >> 29) & 3
    return (addresses & ~0xFFF) + (((page ^ 0x10_0000) - 0x10_0000) << 12)


def _slot(words: Ints, adrp: Ints, load: Ints, address: int) -> Ints:
    """The slots that pairs of `adrp` and `ldr` at the given places read."""
    offset = (words[load].astype(np.int64) >> 10 & 0xFFF) << 3
    return _page(words[adrp], address + adrp * 4) + offset


def _stubs(image: Image, slots: Targets) -> Stubs:
    entries, jumps = [], []
    for code in image.code:
        words = _instructions(code)
        ends = np.flatnonzero(words == _BR_X17)
        for length in (3, 4):
            end = ends[ends >= length]
            adrp, load = end - length, end - length + 1
            shape = (words[adrp] & 0x9F00_001F == 0x9000_0010) & (
                words[load] & _LDR_MASK == _LDR_X17_X16
            )
            adrp, load, end = adrp[shape], load[shape], end[shape]
            found, refs = slots.find(_slot(words, adrp, load, code.address))
            start = adrp[found]
            bti = np.flatnonzero(words[np.maximum(start - 1, 0)] == _BTI_C)
            entries.append(Targets.of(code.address + start * 4, refs))
            entries.append(Targets.of(code.address + start[bti] * 4 - 4, refs[bti]))
            jumps.append(code.address + end[found] * 4)
    return Stubs(Targets.merged(entries), np.unique(joined(jumps)))


def _sites(image: Image, code: Code, targets: Targets, slots: Targets) -> Iterator[Hits]:
    words, base = _instructions(code), code.address
    for opcode, jump in ((0x9400_0000, False), (0x1400_0000, True)):
        at = np.flatnonzero(words & 0xFC00_0000 == opcode)
        distance = ((words[at].astype(np.int64) & 0x3FF_FFFF) ^ 0x200_0000) - 0x200_0000
        at = base + at * 4
        yield targets.hits(at, at + distance * 4, jump)
    yield from _through_slots(words, base, slots)


def _through_slots(words: Ints, base: int, slots: Targets) -> Iterator[Hits]:
    """`adrp xA, slot; ldr xB, [xA, slot]; … blr xB`."""
    pages = np.flatnonzero(words & 0x9F00_0000 == 0x9000_0000)
    for distance in range(1, _REACH):
        adrp = pages[pages + distance < len(words)]
        load = adrp + distance
        same = (words[load] & _LDR_ANY == _LDR_BASE) & (words[load] >> 5 & 31 == words[adrp] & 31)
        found, refs = slots.find(_slot(words, adrp[same], load[same], base))
        yield from _uses(words, base, load[same][found], refs)
        pages = adrp[words[load] & 31 != words[adrp] & 31]


def _uses(words: Ints, base: int, loads: Ints, refs: Ints) -> Iterator[Hits]:
    """The `blr` or `br` through a register loaded before, unless it was overwritten in between.

    Any other instruction that names the register in its lowest five bits counts as overwriting
    it, which for stores is more careful than needed.
    """
    for distance in range(1, _REACH):
        if not len(loads):
            return
        near = loads + distance < len(words)
        loads, refs = loads[near], refs[near]
        at = loads + distance
        register = words[loads] & 31
        for opcode, jump in ((0xD63F_0000, False), (0xD61F_0000, True)):
            use = words[at] == opcode | register << 5
            yield Hits.of(base + at[use] * 4, refs[use], jump)
        kept = words[at] & 31 != register
        loads, refs = loads[kept], refs[kept]


AARCH64 = Architecture(_stubs, _sites)
