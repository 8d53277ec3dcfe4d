"""Call instructions of s390x: `brasl` and `jg` (also conditional) to a PLT entry or a named
function.

Instructions have two, four or six bytes; every half-word is tried. A chance hit needs 32 bits
that spell the distance to a target.

Not counted: calls through a register (`basr`), also where it was loaded from the GOT just before.

Source: z/Architecture Principles of Operation, BRASL and BRCL; s390x ELF ABI supplement, PLT.
"""

from collections.abc import Iterator

import numpy as np

from assay.examine.callsites.architecture import Architecture, Stubs
from assay.examine.callsites.image import Code, Image, Ints
from assay.examine.callsites.targets import Hits, Targets

_LARL_R1, _LG_R1_HEAD, _LG_R1_TAIL = 0xC010, (0xE310, 0x1000), 0x0004


def _relative(code: Code, mask: int, opcode: int) -> tuple[Ints, Ints]:
    """The places of instructions with a 32-bit distance, in half-words, and what they address."""
    halves = code.words(np.dtype(">u2"))
    at = np.flatnonzero(halves[:-2] & mask == opcode)
    distance = halves[at + 1].astype(np.int64) << 16 | halves[at + 2]
    return at, code.address + at * 2 + ((distance ^ 0x8000_0000) - 0x8000_0000) * 2


def _stubs(image: Image, slots: Targets) -> Stubs:
    """`larl %r1, slot; lg %r1, 0(%r1); br %r1`."""
    entries = []
    for code in image.code:
        halves = code.words(np.dtype(">u2"))
        at, slot = _relative(code, 0xFFFF, _LARL_R1)
        room = at + 6 <= len(halves)
        at, slot = at[room], slot[room]
        load = np.ones(len(at), bool)
        for behind, half in enumerate((*_LG_R1_HEAD, _LG_R1_TAIL), start=3):
            load &= halves[at + behind] == half
        found, refs = slots.find(slot[load])
        entries.append(Targets.of(code.address + at[load][found] * 2, refs))
    return Stubs(Targets.merged(entries))


def _sites(image: Image, code: Code, targets: Targets, slots: Targets) -> Iterator[Hits]:
    for opcode, jump in ((0xC005, False), (0xC004, True)):
        at, wanted = _relative(code, 0xFF0F, opcode)
        yield targets.hits(code.address + at * 2, wanted, jump)


S390X = Architecture(_stubs, _sites)
