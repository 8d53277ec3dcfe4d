"""Call instructions of x86 and x86-64.

Counted are `call rel32`, `jmp rel32` and `jcc rel32` to a PLT entry or a named function, and
`call`/`jmp` through a GOT slot (`-fno-plt`). Instructions have no fixed length and the code is
not disassembled: every byte offset is tried. A chance hit needs four random bytes that spell the
distance to one of N targets, N in 2^32 for each opcode-like byte; a wrong phase cannot otherwise
pass, since the distance is relative to it.

Not counted: `jmp rel8` (assemblers emit it only towards functions of the same object file), calls
through a register that was loaded from the GOT earlier.

Source: Intel SDM volume 2 (CALL, JMP, Jcc); the PLT forms are those of GNU ld and LLVM lld
(`.plt`, `.plt.sec`, `.plt.got`, with and without `endbr` and `bnd`).
"""

# ruff: noqa: PLR2004 - encodings and sizes stand as the manuals print them

from collections.abc import Iterator

import numpy as np

from assay.examine.callsites.architecture import Architecture, Stubs
from assay.examine.callsites.image import ARCH, Bytes, Code, Image, Ints, signed
from assay.examine.callsites.slots import DT_PLTGOT
from assay.examine.callsites.targets import Hits, Targets, joined

_CALL, _JMP, _TWO_BYTE, _GROUP5, _BND = 0xE8, 0xE9, 0x0F, 0xFF, 0xF2
_ENDBR = ((0xF3, 0x0F, 0x1E, 0xFA), (0xF3, 0x0F, 0x1E, 0xFB))
_MASK32 = 0xFFFF_FFFF


def _places(data: Bytes, opcode: int, length: int) -> Ints:
    """Where an opcode stands with room for its instruction."""
    return np.flatnonzero(data[: max(len(data) - length + 1, 0)] == opcode)


def _int32(data: Bytes, at: Ints) -> Ints:
    """The signed little-endian numbers at unaligned places."""
    value = data[at].astype(np.int32)
    for shift in (1, 2, 3):
        value |= data[at + shift].astype(np.int32) << (8 * shift)
    return value.astype(np.int64)


def _wrap(image: Image, addresses: Ints) -> Ints:
    return addresses & _MASK32 if image.bits == 32 else addresses


def _indirect(image: Image, code: Code, operation: int) -> Iterator[tuple[Ints, Ints]]:
    """`call *slot` (operation 2) or `jmp *slot` (4): the instruction's places and the slots."""
    data = code.data
    places = _places(data, _GROUP5, 6)
    modrm = data[places + 1]
    if image.machine == ARCH.X86_64:
        at = places[modrm == (operation << 3 | 5)]
        yield at, code.address + at + 6 + _int32(data, at + 2)
        return
    at = places[modrm == (operation << 3 | 5)]
    yield at, _int32(data, at + 2) & _MASK32
    if (got := image.dynamic.get(DT_PLTGOT)) is not None:
        # Position-independent i386 code keeps the GOT's address in ebx by convention.
        at = places[modrm == (0x80 | operation << 3 | 3)]
        yield at, _wrap(image, signed(got) + _int32(data, at + 2))


def _stubs(image: Image, slots: Targets) -> Stubs:
    entries, jumps = [], []
    for code in image.code:
        for at, wanted in _indirect(image, code, 4):
            found, refs = slots.find(wanted)
            start = _entry_start(code.data, at[found])
            # Entries start at multiples of 8; that tells them from most tail calls through a slot.
            entry = (start + code.address) % 8 == 0
            entries.append(Targets.of(code.address + start[entry], refs[entry]))
            jumps.append(code.address + at[found][entry])
    return Stubs(Targets.merged(entries), np.unique(joined(jumps)))


def _entry_start(data: Bytes, at: Ints) -> Ints:
    """Where PLT entries start whose jumps are at the given places: at `endbr` or `bnd`, if any."""
    start = np.where((at > 0) & (data[at - 1] == _BND), at - 1, at)
    for pattern in _ENDBR:
        match = start >= len(pattern)
        for back, byte in enumerate(reversed(pattern), start=1):
            match &= data[start - back] == byte
        start = np.where(match, start - len(pattern), start)
    return start


def _sites(image: Image, code: Code, targets: Targets, slots: Targets) -> Iterator[Hits]:
    data, base = code.data, code.address
    for opcode in (_CALL, _JMP):
        at = _places(data, opcode, 5)
        wanted = _wrap(image, base + at + 5 + _int32(data, at + 1))
        yield targets.hits(base + at, wanted, opcode == _JMP)
    at = _places(data, _TWO_BYTE, 6)
    at = at[data[at + 1] & 0xF0 == 0x80]
    yield targets.hits(base + at, _wrap(image, base + at + 6 + _int32(data, at + 2)), True)
    for operation in (2, 4):
        for at, wanted in _indirect(image, code, operation):
            yield slots.hits(base + at, wanted, operation == 4)


X86 = Architecture(_stubs, _sites)
