"""Where functions begin: unwind tables and symbols, read as arrays.

Sources: Linux Standard Base 5.0, "Exception Frames" (.eh_frame_hdr); ARM IHI 0038, "Exception
Handling ABI" (.ARM.exidx, where linkers merge equal neighbours: the count is a lower bound);
ELF gABI (symbol tables).
"""

import lief
import numpy as np
from numpy.typing import NDArray

_SEGMENT = lief.ELF.Segment.TYPE
_UDATA4 = 0x03
_DATAREL_SDATA4 = 0x3B
_HEADER = 12
_PF_X = 1
_STT_FUNC = 2

Starts = NDArray[np.int64]


def function_starts(elf: lief.ELF.Binary, data: bytes) -> Starts:
    """Sorted, distinct addresses at which functions begin, inside executable segments."""
    little = elf.header.identity_data == lief.ELF.Header.ELF_DATA.LSB
    order = "<" if little else ">"
    found = [
        _eh_frame_hdr(elf, data, order),
        _arm_exidx(elf, data, order),
        _symbols(elf, data, order, ".dynsym"),
        _symbols(elf, data, order, ".symtab"),
    ]
    starts = np.unique(np.concatenate(found))
    if elf.header.machine_type == lief.ELF.ARCH.ARM:
        starts = np.unique(starts & ~np.int64(1))  # the lowest bit says Thumb
    return _executable(elf, starts)


def _none() -> Starts:
    return np.empty(0, dtype=np.int64)


def _segment(
    elf: lief.ELF.Binary, kind: lief.ELF.Segment.TYPE, data: bytes
) -> tuple[int, bytes] | None:
    for segment in elf.segments:
        if segment.type == kind:
            offset = int(segment.file_offset)
            return int(segment.virtual_address), data[offset : offset + int(segment.physical_size)]
    return None


def _eh_frame_hdr(elf: lief.ELF.Binary, data: bytes, order: str) -> Starts:
    found = _segment(elf, _SEGMENT.GNU_EH_FRAME, data)
    if found is None or len(found[1]) < _HEADER:
        return _none()
    address, raw = found
    if raw[0] != 1 or raw[2] != _UDATA4 or raw[3] != _DATAREL_SDATA4:
        return _none()
    count = int(np.frombuffer(raw, f"{order}u4", 1, 8)[0])
    count = min(count, (len(raw) - _HEADER) // 8)
    table = np.frombuffer(raw, f"{order}i4", count * 2, _HEADER)
    return table[::2].astype(np.int64) + address


def _arm_exidx(elf: lief.ELF.Binary, data: bytes, order: str) -> Starts:
    found = _segment(elf, _SEGMENT.ARM_EXIDX, data)
    if found is None:
        return _none()
    address, raw = found
    words = np.frombuffer(raw, f"{order}u4", len(raw) // 8 * 2)[::2].astype(np.int64)
    places = address + 8 * np.arange(len(words), dtype=np.int64)
    relative = (words & 0x7FFF_FFFF) - ((words & 0x4000_0000) << 1)  # 31 bits, signed
    return places + relative


def _symbols(elf: lief.ELF.Binary, data: bytes, order: str, name: str) -> Starts:
    section = elf.get_section(name)
    if section is None:
        return _none()
    wide = elf.header.identity_class == lief.ELF.Header.CLASS.ELF64
    layout = (
        [
            ("name", "u4"),
            ("info", "u1"),
            ("other", "u1"),
            ("index", "u2"),
            ("value", "u8"),
            ("size", "u8"),
        ]
        if wide
        else [
            ("name", "u4"),
            ("value", "u4"),
            ("size", "u4"),
            ("info", "u1"),
            ("other", "u1"),
            ("index", "u2"),
        ]
    )
    entry = np.dtype([(field, order + kind if kind != "u1" else kind) for field, kind in layout])
    offset, size = int(section.file_offset), int(section.size)
    raw = data[offset : offset + size]
    table = np.frombuffer(raw, entry, len(raw) // entry.itemsize)
    chosen = table[((table["info"] & 0xF) == _STT_FUNC) & (table["index"] != 0)]
    values: Starts = chosen["value"].astype(np.uint64).view(np.int64)
    return values


def _executable(elf: lief.ELF.Binary, starts: Starts) -> Starts:
    inside = np.zeros(len(starts), dtype=bool)
    for segment in elf.segments:
        if segment.type == _SEGMENT.LOAD and int(segment.flags) & _PF_X:
            low = int(segment.virtual_address)
            inside |= (starts >= low) & (starts < low + int(segment.physical_size))
    return starts[inside]
