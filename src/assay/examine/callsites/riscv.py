"""Call instructions of RISC-V, 32 and 64 bits.

Counted are `jal` and the pair `auipc`, `jalr` to a PLT entry or a named function. Instructions
have two or four bytes; where each starts is computed from their lowest two bits, run by run, so
that no second half is read as an instruction.

Not counted: compressed jumps (`c.j`, `c.jal`, 2 KB), calls through a register.

Source: RISC-V Instruction Set Manual I, chapters 2 and 27; RISC-V ELF psABI, "Procedure Linkage
Table".
"""

# ruff: noqa: PLR2004 - encodings and sizes stand as the manuals print them

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from assay.examine.callsites.architecture import Architecture, Stubs
from assay.examine.callsites.image import Code, Image, Ints
from assay.examine.callsites.targets import Hits, Targets

_AUIPC, _JALR, _JAL = 0x17, 0x67, 0x6F
_T1, _T3 = 6, 28


def _starts(halves: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """Which half-words begin an instruction.

    A half-word whose lowest bits are not 11 ends an instruction, whichever half it is; after it
    one begins. In a run of half-words with 11 every second one begins an instruction.
    """
    long = halves & 3 == 3
    place = np.arange(len(halves))
    after_short = np.concatenate([[True], ~long[:-1]]) if len(halves) else long
    run = np.maximum.accumulate(np.where(after_short, place, 0))
    return np.asarray((place - run) & 1 == 0)


def _instructions(code: Code) -> tuple[Ints, Ints]:
    """The places of all four-byte instructions, and the instructions."""
    halves = code.words(np.dtype("<u2"))
    place = np.flatnonzero(_starts(halves)[:-1] & (halves[:-1] & 3 == 3))
    return place * 2, halves[place].astype(np.int64) | halves[place + 1].astype(np.int64) << 16


def _immediate(word: Ints) -> Ints:
    """The signed I-type immediates."""
    return ((word >> 20) ^ 0x800) - 0x800


def _pairs(place: Ints, word: Ints, base: int) -> Iterator[tuple[Ints, Ints, Ints]]:
    """`auipc` and the instruction behind it where that uses its result: places, words, sums."""
    first = np.flatnonzero((word[:-1] & 0x7F == _AUIPC) & (place[:-1] + 4 == place[1:]))
    second = first + 1
    same = word[second] >> 15 & 31 == word[first] >> 7 & 31
    first, second = first[same], second[same]
    upper = ((word[first] & ~0xFFF) ^ 0x8000_0000) - 0x8000_0000
    yield first, word[second], base + place[first] + upper + _immediate(word[second])


def _stubs(image: Image, slots: Targets) -> Stubs:
    """`auipc t3, hi; l[wd] t3, lo(t3); jalr t1, t3; nop`."""
    entries = []
    for code in image.code:
        place, word = _instructions(code)
        for first, second, slot in _pairs(place, word, code.address):
            third = word[np.minimum(first + 2, len(word) - 1)]
            load = (second & 0x7F == 3) & (third & 0x7F == _JALR) & (third >> 15 & 31 == _T3)
            found, refs = slots.find(slot[load])
            entries.append(Targets.of(code.address + place[first[load][found]], refs))
    return Stubs(Targets.merged(entries))


def _sites(image: Image, code: Code, targets: Targets, slots: Targets) -> Iterator[Hits]:
    place, word = _instructions(code)
    for first, second, wanted in _pairs(place, word, code.address):
        jalr = second & 0x707F == _JALR
        link = second >> 7 & 31 != 0
        for kind, jump in ((jalr & link, False), (jalr & ~link, True)):
            at = code.address + place[first[kind]] + 4
            yield targets.hits(at, wanted[kind] & ~1, jump)
    at = np.flatnonzero(word & 0x7F == _JAL)
    jal = word[at]
    distance = (
        (jal >> 31 & 1) << 20 | (jal >> 12 & 0xFF) << 12 | (jal >> 20 & 1) << 11 | jal >> 20 & 0x7FE
    )
    wanted = code.address + place[at] + (distance ^ 0x10_0000) - 0x10_0000
    link = jal >> 7 & 31 != 0
    yield targets.hits(code.address + place[at][link], wanted[link])
    yield targets.hits(code.address + place[at][~link], wanted[~link], True)


RISCV = Architecture(_stubs, _sites)
