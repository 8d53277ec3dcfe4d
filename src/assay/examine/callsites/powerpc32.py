"""Call instructions of 32-bit PowerPC: `bl` and `b` to a PLT call stub or a named function.

Three kinds of stub exist. In programs at a fixed address: `lis r11, high; lwz r11, low(r11);
mtctr r11; bctr`. In position-independent code the slot is found from r30, the GOT pointer of the
calling function: `lwz r11, off(r30); mtctr r11; bctr`, or with `addis` before it. Object files
have different GOT pointers, so that one offset means different functions: each site takes the
value that the code before it last computed by `bcl 20,31,$+4; mflr r30; addis r30, r30;
addi r30, r30`. With the old writable PLT the slot itself is called.

Not counted: calls through a register (`bctrl`), stubs in another executable section than the call.

Source: Power Architecture 32-bit ABI Supplement 1.0, Secure-PLT and BSS-PLT.
"""

from collections.abc import Iterator

import numpy as np

from assay.examine.callsites.architecture import Architecture, Stubs
from assay.examine.callsites.image import Code, Image, Ints
from assay.examine.callsites.powerpc import Words, branches, low, words_of
from assay.examine.callsites.targets import Hits, Targets

_MTCTR_R11, _BCTR = 0x7D69_03A6, 0x4E80_0420
_BCL, _MFLR_R30 = 0x429F_0005, 0x7FC8_02A6
_ADDIS_R30_R30, _ADDI_R30_R30 = 0x3FDE, 0x3BDE
_LWZ_R11_R30, _LWZ_R11_R11, _LIS_R11, _ADDIS_R11_R30 = 0x817E, 0x816B, 0x3D60, 0x3D7E
_MASK32 = 0xFFFF_FFFF
_PROLOGUE = 32  # instructions


def _loads(words: Words) -> tuple[Ints, Ints]:
    """The loads of r11 that a jump to it follows directly, and their offsets."""
    load = np.flatnonzero((words[1:-1] == _MTCTR_R11) & (words[2:] == _BCTR))
    return load, low(words[load].astype(np.int64))


def _pairs(words: Words, upper: int) -> tuple[Ints, Ints]:
    """Stubs of two loading instructions: where they start, and the sums of both offsets."""
    load, offset = _loads(words)
    high = words[np.maximum(load - 1, 0)].astype(np.int64)
    pair = (words[load] >> 16 == _LWZ_R11_R11) & (high >> 16 == upper)
    return load[pair] - 1, (low(high[pair]) << 16) + offset[pair]


def _stubs(image: Image, slots: Targets) -> Stubs:
    entries = [slots]
    for code in image.code:
        start, slot = _pairs(words_of(image, code), _LIS_R11)
        found, refs = slots.find(slot & _MASK32)
        entries.append(Targets.of(code.address + start[found] * 4, refs))
    return Stubs(Targets.merged(entries))


def _pointers(words: Words, base: int) -> tuple[Ints, Ints]:
    """Where functions have computed r30, and its value there."""
    done = np.flatnonzero(words >> 16 == _ADDI_R30_R30)
    high = _last(np.flatnonzero(words >> 16 == _ADDIS_R30_R30), done)
    moved = _last(np.flatnonzero(words == _MFLR_R30), high)
    linked = _last(np.flatnonzero(words == _BCL), moved)
    whole = (linked >= 0) & (done - linked < _PROLOGUE)
    done, high, linked = done[whole], high[whole], linked[whole]
    upper, lower = words[high].astype(np.int64), words[done].astype(np.int64)
    return done, base + (linked + 1) * 4 + (low(upper) << 16) + low(lower)


def _last(places: Ints, before: Ints) -> Ints:
    """The last of sorted places before each given one, -1 where there is none."""
    index = np.searchsorted(places, before) - 1
    return np.where(index < 0, -1, places[np.maximum(index, 0)]) if len(places) else index


def _sites(image: Image, code: Code, targets: Targets, slots: Targets) -> Iterator[Hits]:
    words = words_of(image, code)
    yield from branches(words, code.address, targets)
    done, pointers = _pointers(words, code.address)
    if not len(done):
        return
    load, near = _loads(words)
    direct = words[load] >> 16 == _LWZ_R11_R30
    start, far = _pairs(words, _ADDIS_R11_R30)
    stubs = Targets.merged(
        [
            Targets.of(code.address + load[direct] * 4, near[direct]),
            Targets.of(code.address + start * 4, far),
        ]
    )
    # The map gives a stub's offset from r30 in place of a symbol.
    for at, offset, jump in branches(words, code.address, stubs):
        set_before = np.searchsorted(done, (at - code.address) // 4) - 1
        known = set_before >= 0
        slot = (pointers[set_before[known]] + offset[known]) & _MASK32
        found, refs = slots.find(slot)
        yield Hits(at[known][found], refs, jump[known][found])


POWERPC32 = Architecture(_stubs, _sites)
