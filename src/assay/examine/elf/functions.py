"""Where functions begin and end: unwind tables and symbols, read as arrays.

Known false positives: a function that the compiler split (`.cold`) counts as two.

Known false negatives: linkers merge equal neighbours in ARM's unwind table; code without unwind
tables and symbols has no known bounds at all, and `Functions.covered` says how much.

Sources: Linux Standard Base 5.0, "Exception Frames" (.eh_frame_hdr, .eh_frame); ARM IHI 0038,
"Exception Handling ABI" (.ARM.exidx); ELF gABI (symbol tables).
"""

from typing import NamedTuple

import lief
import numpy as np

from assay.examine.callsites.image import ARCH, Image, Ints, signed
from assay.examine.callsites.relocatable import object_functions, object_sections
from assay.examine.callsites.symbols import Symbols

_SEGMENT = lief.ELF.Segment.TYPE
_UDATA4 = 0x03
_DATAREL_SDATA4 = 0x3B
_HEADER = 12
_CANT_UNWIND = 1
_MASK32 = 0xFFFF_FFFF
_SIZE_MOST = 1 << 26


class Functions(NamedTuple):
    """The functions of a file whose bounds are known.

    `starts` are sorted, distinct addresses inside the file's code; in a relocatable object, which
    has no addresses yet, they are file offsets. Of the `code` bytes, `covered` lie in a function.
    """

    starts: Ints
    code: int
    covered: int


class _Spans(NamedTuple):
    start: Ints
    size: Ints


def functions(elf: lief.ELF.Binary, image: Image, symbols: Symbols) -> Functions:
    """Collect the functions from the unwind tables and both symbol tables."""
    if image.relocatable:
        known = object_functions(image, symbols)
        spans = _Spans(known.addresses, symbols.size[known.refs])
        return _inside(spans, [(run.address, len(run.data)) for run in object_sections(image)])
    named = symbols.functions()
    parts = [
        _Spans(symbols.value[named], symbols.size[named]),
        _eh_frame(elf, image),
        _arm_exidx(elf, image),
    ]
    start = np.concatenate([part.start for part in parts])
    if image.machine == ARCH.ARM:
        start &= ~1  # the lowest bit says Thumb
    spans = _Spans(start, np.concatenate([part.size for part in parts]))
    return _inside(spans, [(run.address, len(run.data)) for run in image.code])


def _inside(spans: _Spans, runs: list[tuple[int, int]]) -> Functions:
    """What of the spans lies in runs of code."""
    order = np.argsort(spans.start, kind="stable")
    starts, sizes = spans.start[order], np.clip(spans.size[order], 0, _SIZE_MOST)
    kept, covered = [np.empty(0, np.int64)], 0
    for address, length in runs:
        low, high = np.searchsorted(starts, [address, address + length])
        start = starts[low:high]
        stop = np.minimum(np.maximum.accumulate(start + sizes[low:high]), address + length)
        before = np.concatenate([[address], stop[:-1]])[: len(start)]
        covered += int(np.maximum(stop - np.maximum(start, before), 0).sum())
        kept.append(start)
    return Functions(np.unique(np.concatenate(kept)), sum(length for _, length in runs), covered)


def _nothing() -> _Spans:
    return _Spans(np.empty(0, np.int64), np.empty(0, np.int64))


def _segment(
    elf: lief.ELF.Binary, image: Image, kind: lief.ELF.Segment.TYPE
) -> tuple[int, bytes] | None:
    """Address and content of the first segment of a type."""
    for segment in elf.segments:
        if segment.type == kind:
            offset = segment.file_offset
            raw = image.data[offset : offset + segment.physical_size].tobytes()
            return signed(segment.virtual_address), raw
    return None


def _eh_frame(elf: lief.ELF.Binary, image: Image) -> _Spans:
    """The search table of `.eh_frame_hdr`, and the lengths that stand in the entries it names."""
    found = _segment(elf, image, _SEGMENT.GNU_EH_FRAME)
    if found is None or len(found[1]) < _HEADER:
        return _nothing()
    address, raw = found
    if raw[0] != 1 or raw[2] != _UDATA4 or raw[3] != _DATAREL_SDATA4:
        return _nothing()
    count = int(np.frombuffer(raw, image.dtype("u4"), 1, 8)[0])
    count = min(count, (len(raw) - _HEADER) // 8)
    table = np.frombuffer(raw, image.dtype("i4"), count * 2, _HEADER).astype(np.int64) + address
    start, entry = _wrap(image, table[::2]), _wrap(image, table[1::2])
    # Length, pointer to the common part, then first address and size in one of two widths.
    short = entry + 8 + _signed32(image.words_at(entry + 8, 4))
    narrow = _wrap(image, short) == start
    wide_size = image.words_at(entry + 16, 8)
    return _Spans(start, np.where(narrow, image.words_at(entry + 12, 4), wide_size))


def _wrap(image: Image, addresses: Ints) -> Ints:
    return addresses & _MASK32 if image.bits == 32 else addresses  # noqa: PLR2004


def _signed32(values: Ints) -> Ints:
    return (values ^ 0x8000_0000) - 0x8000_0000


def _arm_exidx(elf: lief.ELF.Binary, image: Image) -> _Spans:
    """Each entry reaches to the next one; some only say that nothing is known from here on."""
    found = _segment(elf, image, _SEGMENT.ARM_EXIDX)
    if found is None:
        return _nothing()
    address, raw = found
    words = np.frombuffer(raw, image.dtype("u4"), len(raw) // 8 * 2).astype(np.int64)
    places = address + 8 * np.arange(len(words) // 2, dtype=np.int64)
    first = words[::2]
    relative = (first & 0x7FFF_FFFF) - ((first & 0x4000_0000) << 1)  # 31 bits, signed
    start = (places + relative) & _MASK32
    size = np.diff(start, append=start[-1:])
    known = words[1::2] != _CANT_UNWIND
    return _Spans(start[known], size[known])
