"""Call instructions of MIPS, 32 and 64 bits, both byte orders.

Position-independent code loads a function's address from the GOT into t9, `lw`/`ld t9, off(gp)`,
and goes there by `jalr t9` or, as tail call, `jr t9`; the load may stand some instructions before,
in the delay slot of a branch, and on another path. For each such jump the last instruction before
it that writes t9 is looked up, through a move from another register if need be; where a call or an
unconditional jump lies between, the branches that lead into the gap bring their value along, over
at most `_ROUNDS` branches. `jal`, `j`, `bal` and `b` to a stub, a PLT entry or a named function
are counted as they stand.

gp is what the ABI fixes: the GOT's address and 0x7ff0. Functions that keep it in another register
(64-bit ABIs, in leaf functions that end in a tail call) are recognised by its computation.

Not counted: calls through other registers (`-mlong-calls`), the extra GOTs of very large files.
microMIPS, MIPS16 and release 6, whose encodings differ, are *not measured*.

Source: MIPS Architecture For Programmers II-A; System V ABI MIPS supplement and its 64-bit form.
"""

# ruff: noqa: PLR2004 - encodings and sizes stand as the manuals print them

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.examine.callsites.architecture import Architecture, Stubs, symbol_values
from assay.examine.callsites.image import Code, Image, Ints, Truths, signed
from assay.examine.callsites.slots import DT_PLTGOT
from assay.examine.callsites.symbols import Symbols
from assay.examine.callsites.targets import Hits, Targets

Words = NDArray[np.unsignedinteger]

_T9, _GP = 25, 28
_SPECIAL, _REGIMM, _J, _JAL, _COP1, _LUI, _LW, _LD = 0, 1, 2, 3, 17, 15, 35, 55
_JR, _JALR, _BC1 = 8, 9, 8
_JALR_T9, _JR_T9, _HINT = 0x0320_F809, 0x0320_0008, 0x400
_BAL, _B, _ADDIU_T9, _DADDIU_T9 = 0x0411, 0x1000, 0x2739, 0x6739
_ADDU_T9, _DADDU_ADDU = 0x0019_0021, 0x2D - 0x21
_MOVES_T9 = (0xC825, 0xC821, 0xC82D)  # `or`, `addu` and `daddu` of a register and zero
_MOVE_REACH = 16  # instructions
_GP_BIAS = 0x7FF0
_ROUNDS = 8
_LEAF_LENGTH = 64  # instructions
_MASK32 = 0xFFFF_FFFF
_EF_COMPRESSED, _EF_ARCH, _EF_R6_32, _EF_R6_64 = 0x600_0000, 0xF000_0000, 0x9000_0000, 0xA000_0000
_OPCODES = np.arange(64)
# Major opcodes that write `rt`: immediate arithmetic, loads; some of SPECIAL3, coprocessors.
_WRITES_RT = np.isin(_OPCODES, [*range(8, 20), *range(24, 28), *range(32, 40), 48, 52, 55, 31])
_WRITES_RD = np.isin(_OPCODES, [_SPECIAL, 28, 31])
_BRANCHES = np.isin(_OPCODES, [4, 5, 6, 7, 20, 21, 22, 23])


class Flow(NamedTuple):
    """What of a run of code decides which address t9 holds: sorted places of instructions.

    `writers` write t9; `breaks` are the delay slots behind which it is lost (calls) or which the
    flow does not pass (unconditional jumps). `carried` tells, for the code before the first break
    and behind each, the writer whose value branches bring there, -1 for none.
    """

    writers: Ints
    breaks: Ints
    carried: Ints


def _low(word: Ints) -> Ints:
    """The signed 16-bit immediates."""
    return ((word & 0xFFFF) ^ 0x8000) - 0x8000


def _flow(words: Words) -> Flow:
    op, function = words >> 26, words & 63
    rs, rt = words >> 21 & 31, words >> 16 & 31
    to_register = (op == _SPECIAL) & ((function == _JR) | (function == _JALR))
    writes = _writes(words, _T9) & ~to_register
    branches = _BRANCHES[op] | ((op == _REGIMM) & (rt < 4)) | ((op == _COP1) & (rs == _BC1))
    calls = (op == _JAL) | ((op == _REGIMM) & (rt & 0x1C == 0x10))
    jumps = to_register | (op == _J) | (words >> 16 == _B)
    leaps = np.flatnonzero(branches)
    aims = leaps + 1 + _low(words[leaps].astype(np.int64))
    writers, breaks = np.flatnonzero(writes), np.flatnonzero(calls | jumps) + 1
    return Flow(writers, breaks, _carried(writers, breaks, leaps, aims))


def _writes(words: Words, register: int) -> Truths:
    """Which instructions write a register."""
    op = words >> 26
    by_rt = _WRITES_RT[op] & (words >> 16 & 31 == register)
    return np.asarray(by_rt | (_WRITES_RD[op] & (words >> 11 & 31 == register)))


def _last(sorted_places: Ints, before: Ints) -> Ints:
    """The last of the places before each given one, -1 where there is none."""
    index = np.searchsorted(sorted_places, before) - 1
    if not len(sorted_places):
        return np.full(len(before), -1, np.int64)
    return np.where(index < 0, -1, sorted_places[np.maximum(index, 0)])


def _writer_of(flow: Flow, uses: Ints) -> Ints:
    """The instruction that wrote t9 for each use; -1 where that is not known.

    Behind a break, t9 holds what it held at a branch that leads there.
    """
    direct = _last(flow.writers, uses)
    lost = direct <= _last(flow.breaks, uses)
    return np.where(lost, flow.carried[np.searchsorted(flow.breaks, uses)], direct)


def _moved_from(words: Words, writers: Ints) -> Ints:
    """The loads whose results moves to t9 take, as in code without optimisation."""
    origin = writers.copy()
    word = words[writers].astype(np.int64)
    moves = np.isin(word & ~(31 << 21), _MOVES_T9) & (writers >= 0)
    source = word >> 21 & 31
    for register in np.unique(source[moves]).tolist():
        asked = np.flatnonzero(moves & (source == register))
        last = _last(np.flatnonzero(_writes(words, register)), writers[asked])
        origin[asked] = np.where(writers[asked] - last <= _MOVE_REACH, last, -1)
    return origin


def _carried(writers: Ints, breaks: Ints, leaps: Ints, aims: Ints) -> Ints:
    """For the code behind each break, the instruction that wrote t9 on some way into it."""
    carried = np.full(len(breaks) + 1, -1, np.int64)
    # A branch's delay slot is on its way; an unconditional one's own break is not.
    wrote = _last(writers, leaps + 2)
    own = wrote > _last(breaks, leaps + 1)
    origin, goal = np.searchsorted(breaks, leaps + 1), np.searchsorted(breaks, aims)
    for _ in range(_ROUNDS):
        value = np.where(own, wrote, carried[origin])
        new = (value >= 0) & (carried[goal] < 0)
        if not new.any():
            break
        carried[goal[new]] = value[new]
    return carried


def _stubs(image: Image, slots: Targets) -> Stubs:
    """PLT entries of non-PIC programs: `lui rX, hi; lw t9, lo(rX)`."""
    entries = []
    for code in image.code:
        words = code.words(image.code_dtype("u4"))
        start = np.flatnonzero(words[:-1] >> 16 & 0xFFE0 == _LUI << 10)
        load = words[start + 1]
        match = ((load >> 26 == _LW) | (load >> 26 == _LD)) & (load >> 16 & 31 == _T9)
        match &= load >> 21 & 31 == words[start] >> 16 & 31
        start = start[match]
        high = (words[start].astype(np.int64) & 0xFFFF) << 16
        slot = (high + _low(words[start + 1].astype(np.int64))) & _MASK32
        found, refs = slots.find(slot)
        entries.append(Targets.of(code.address + start[found] * 4, refs))
    return Stubs(Targets.merged(entries))


def _sites(image: Image, code: Code, targets: Targets, slots: Targets) -> Iterator[Hits]:
    words = code.words(image.code_dtype("u4"))
    yield from _direct(code, words, targets)
    if (got := image.dynamic.get(DT_PLTGOT)) is None:
        return
    pointer = signed(got) + _GP_BIAS
    flow = _flow(words)
    for opcode, jump in ((_JALR_T9, False), (_JR_T9, True)):
        uses = np.flatnonzero(words & ~np.uint32(_HINT) == opcode)
        writers = _moved_from(words, _writer_of(flow, uses))
        at = code.address + uses * 4
        written = words[writers].astype(np.int64)
        loads = np.isin(written >> 26, (_LW, _LD)) & (writers >= 0)
        loads &= _holds_pointer(words, writers, written >> 21 & 31)
        slot = pointer + _low(written[loads])
        yield slots.hits(at[loads], slot, jump)
        # Slots without a symbol hold addresses, some of them those of the file's own functions.
        unnamed = ~np.isin(slot, slots.addresses)
        held = image.words_at(slot[unnamed], image.bits // 8)
        yield targets.hits(at[loads][unnamed], held, jump)
        adds = (written >> 16 == _ADDIU_T9) | (written >> 16 == _DADDIU_T9) & (writers >= 0)
        local = _local_address(image, words, flow, writers[adds], pointer)
        yield targets.hits(at[adds], local, jump)


def _holds_pointer(words: Words, places: Ints, register: Ints) -> Truths:
    """Whether a register holds the GOT pointer: gp, or one made from t9 shortly before."""
    holds: Truths = np.asarray(register == _GP)
    for other in np.unique(register[~holds]):
        made = _ADDU_T9 | int(other) << 21 | int(other) << 11
        makers = np.flatnonzero((words == made) | (words == made + _DADDU_ADDU))
        asked = np.flatnonzero(register == other)
        last = _last(makers, places[asked])
        holds[asked] = (last >= 0) & (places[asked] - last < _LEAF_LENGTH)
    return holds


def _local_address(image: Image, words: Words, flow: Flow, adds: Ints, pointer: int) -> Ints:
    """The addresses that `ld t9, page(gp)` and `daddiu t9, t9, rest` make; 0 where unknown."""
    loads = _writer_of(flow, adds)
    loaded = words[loads].astype(np.int64)
    paged = (loads >= 0) & (loaded >> 21 & 31 == _GP) & np.isin(loaded >> 26, (_LW, _LD))
    page = image.words_at(pointer + _low(loaded), image.bits // 8)
    return np.where(paged, page + _low(words[adds].astype(np.int64)), 0)


def _direct(code: Code, words: Words, targets: Targets) -> Iterator[Hits]:
    for opcode, jump in ((_JAL, False), (_J, True)):
        at = np.flatnonzero(words >> 26 == opcode)
        place = code.address + at * 4
        wanted = (place + 4 & ~0xFFF_FFFF) | (words[at].astype(np.int64) & 0x3FF_FFFF) << 2
        yield targets.hits(place, wanted, jump)
    for opcode, jump in ((_BAL, False), (_B, True)):
        at = np.flatnonzero(words >> 16 == opcode)
        place = code.address + at * 4
        yield targets.hits(place, place + 4 + _low(words[at].astype(np.int64)) * 4, jump)


def _functions(image: Image, symbols: Symbols) -> Targets:
    """A file's own functions, and the lazy stubs, which are values of undefined symbols."""
    lazy = np.flatnonzero((symbols.section == 0) & (symbols.value != 0))
    return Targets.merged([symbol_values(image, symbols), Targets.of(symbols.value[lazy], lazy)])


def _refuses(image: Image) -> str:
    if image.flags & _EF_COMPRESSED:
        return "MIPS16 and microMIPS code is not decoded"
    if image.flags & _EF_ARCH in (_EF_R6_32, _EF_R6_64):
        return "code for MIPS release 6 is not decoded"
    return ""


MIPS = Architecture(_stubs, _sites, _functions, _refuses)
