"""Call instructions of 32-bit ARM, in its ARM and Thumb-2 encodings side by side.

Counted are BL, BLX and B, conditional or not, to a PLT entry or a named function. Addresses carry
the encoding of their target in the lowest bit, as ELF symbols do, and a branch counts only if it
arrives in the encoding that stands there.

Stripped files do not say which encoding a byte is in (the mapping symbols are gone), so both are
tried. That a branch arrives exactly at an entry, in its encoding, is strong evidence; what passes
by chance is told by its surroundings. Nine in ten ARM instructions have the condition "always"
(top four bits 0xE), of Thumb code seen as words about one in ten has. ARM branches need a share
of 0.3 around them, Thumb branches at most 0.7: of the 1.6 million Thumb sites of a Debian armhf
router 50 lie above that, of the 0.5 million ARM sites of Debian armel packages 1 lies below.

Not counted: calls through a register. Big-endian images of ARMv5 and older (BE32) are read in
their data's byte order, those of ARMv6 and newer (BE8) little-endian.

Source: Arm Architecture Reference Manual ARMv7-A, A8.8 (B, BL/BLX); PLT forms of GNU ld and lld.
"""

# ruff: noqa: PLR2004 - encodings and sizes stand as the manuals print them

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from assay.examine.callsites.architecture import Architecture, Stubs
from assay.examine.callsites.image import Code, Image, Ints
from assay.examine.callsites.targets import Hits, Targets

_MASK32 = 0xFFFF_FFFF
Words = NDArray[np.unsignedinteger]
_WINDOW = 48  # words on either side that tell ARM from Thumb
_ALWAYS = 14
_ISLAND, _ISLAND_LEAST = 6, 0.75  # the start-up code has ARM functions of a few words amid Thumb
_ARM_LEAST, _THUMB_MOST = 0.3, 0.7  # share of words with condition "always" around
# The Thumb entry to an ARM PLT entry: `bx pc` and `nop` or, since binutils 2.26, `b .-2`.
_THUMB_ENTRY = (0x46C0_4778, 0xE7FD_4778)


def _rotated(word: Ints) -> Ints:
    """The immediate operands of data-processing instructions."""
    value, turn = word & 0xFF, (word >> 8 & 15) * 2
    return (value >> turn | value << (32 - turn)) & _MASK32


def _stubs(image: Image, slots: Targets) -> Stubs:
    entries = []
    for code in image.code:
        words = code.words(image.code_dtype("u4"))
        for start, slot in (*_add_stubs(words, code.address), *_literal_stubs(words, code.address)):
            found, refs = slots.find(slot & _MASK32)
            at = start[found]
            entries.append(Targets.of(code.address + at * 4, refs))
            thumb = np.flatnonzero(np.isin(words[np.maximum(at - 1, 0)], _THUMB_ENTRY))
            entries.append(Targets.of(code.address + at[thumb] * 4 - 4 | 1, refs[thumb]))
    return Stubs(Targets.merged(entries))


def _add_stubs(words: Words, base: int) -> Iterator[tuple[Ints, Ints]]:
    """`add ip, pc, #a; add ip, ip, #b; …; ldr pc, [ip, #c]!`, two adds or three."""
    ends = np.flatnonzero(words & 0xFFFF_F000 == 0xE5BC_F000)
    for adds in (2, 3):
        end = ends[ends >= adds]
        shape = words[end - adds] & 0xFFFF_F000 == 0xE28F_C000
        for back in range(1, adds):
            shape &= words[end - back] & 0xFFFF_F000 == 0xE28C_C000
        end = end[shape]
        slot = base + (end - adds) * 4 + 8 + (words[end].astype(np.int64) & 0xFFF)
        for back in range(1, adds + 1):
            slot = slot + _rotated(words[end - back].astype(np.int64))
        yield end - adds, slot


def _literal_stubs(words: Words, base: int) -> Iterator[tuple[Ints, Ints]]:
    """`ldr ip, [pc, #4]; add ip, ip, pc; ldr pc, [ip]; .word distance`, lld's long form."""
    start = np.flatnonzero(words[:-3] == 0xE59F_C004)
    start = start[(words[start + 1] == 0xE08C_C00F) & (words[start + 2] == 0xE59C_F000)]
    yield start, base + start * 4 + 12 + words[start + 3].astype(np.int64)


def _sites(image: Image, code: Code, targets: Targets, slots: Targets) -> Iterator[Hits]:
    words = code.words(image.code_dtype("u4"))
    arm, thumb = _arm_sites(words, code.address, targets), _thumb_sites(image, code, targets)
    always = np.concatenate([[0], np.cumsum(words >> 28 == _ALWAYS, dtype=np.int64)])
    hits = Hits.joined(arm)
    at = (hits.at - code.address) // 4
    island = _share(always, at, _ISLAND, 0) >= _ISLAND_LEAST
    yield hits.only(island | (_share(always, at, _WINDOW, _WINDOW) >= _ARM_LEAST))
    hits = Hits.joined(thumb)
    at = (hits.at - code.address) // 4
    yield hits.only(_share(always, at, _WINDOW, _WINDOW) <= _THUMB_MOST)


def _share(totals: Ints, at: Ints, before: int, behind: int) -> NDArray[np.float64]:
    """Which part of the words around a place look like ARM instructions, by running totals."""
    low, high = np.maximum(at - before, 0), np.minimum(at + behind, len(totals) - 1)
    return np.asarray((totals[high] - totals[low]) / np.maximum(high - low, 1))


def _arm_sites(words: Words, base: int, targets: Targets) -> Iterator[Hits]:
    at = np.flatnonzero(words & 0x0E00_0000 == 0x0A00_0000)
    word = words[at].astype(np.int64)
    distance = (((word & 0xFF_FFFF) ^ 0x80_0000) - 0x80_0000) * 4
    wanted = base + at * 4 + 8 + distance
    exchange = word >> 28 == 15
    wanted = np.where(exchange, wanted + (word >> 23 & 2) | 1, wanted) & _MASK32
    jump = ~exchange & (word & 0x0100_0000 == 0)
    yield targets.hits(base + at[~jump] * 4, wanted[~jump])
    yield targets.hits(base + at[jump] * 4, wanted[jump], True)


def _thumb_sites(image: Image, code: Code, targets: Targets) -> Iterator[Hits]:
    halves = code.words(image.code_dtype("u2"))
    at = np.flatnonzero(halves[:-1] & 0xF800 == 0xF000)
    at = at[halves[at + 1] >= 0x8000]
    first, second = halves[at].astype(np.int64), halves[at + 1].astype(np.int64)
    form = second & 0xD000
    sign = first >> 10 & 1
    j1, j2 = second >> 13 & 1, second >> 11 & 1
    low = (second & 0x7FF) << 1
    near = (j2 << 19 | j1 << 18 | (first & 0x3F) << 12 | low) - (sign << 20)
    far = (j1 ^ sign ^ 1) << 23 | (j2 ^ sign ^ 1) << 22 | (first & 0x3FF) << 12 | low
    far -= sign << 24
    place = code.address + at * 2
    to_thumb, to_arm = (place + 4 + far | 1) & _MASK32, (place + 4 & ~3) + far & _MASK32
    for kind, wanted, jump in (
        (form == 0xD000, to_thumb, False),
        ((form == 0xC000) & (second & 1 == 0), to_arm, False),
        (form == 0x9000, to_thumb, True),
        (
            (form == 0x8000) & (first >> 7 & 7 != 7),
            place + 4 + near | 1,
            True,
        ),
    ):
        yield targets.hits(place[kind], wanted[kind], jump)


ARM = Architecture(_stubs, _sites)
