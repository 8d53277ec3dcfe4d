"""An ELF file as arrays: where its code lies, what stands at an address.

lief gives header, segments, sections and dynamic entries; the bytes are read through NumPy views,
so that nothing is copied and every read is clipped to the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import lief
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

ARCH = lief.ELF.ARCH
_PF_X = 1
_DT_NEEDED = 1
_SHF_EXECINSTR = 4
_SHF_ALLOC = 2
SHT_PROGBITS = 1
_GAP = 64  # bytes of padding between sections that are read as one run
_SEGMENTS_READ = 128  # linkers make four to ten that are loaded
_RAW = 0xFFFF_FFFF  # lief sets higher bits in processor-specific tags and types
EF_ARM_BE8 = 0x0080_0000


def signed(address: int) -> int:
    """An unsigned 64-bit address as the signed number of the same bits, as arrays hold it."""
    address &= 0xFFFF_FFFF_FFFF_FFFF
    return address - (1 << 64) if address >> 63 else address


@dataclass(frozen=True, slots=True)
class Code:
    """A run of machine code: the address and file offset of its first byte, and the bytes."""

    address: int
    offset: int
    data: Bytes

    def words(self, dtype: np.dtype[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
        """The code as instructions of one size, from its first aligned one on."""
        size = dtype.itemsize
        return self.data[: len(self.data) // size * size].view(dtype)


@dataclass(frozen=True, slots=True)
class Section:
    """What is used of a section header."""

    name: str
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int


@dataclass(frozen=True, slots=True)
class Image:
    """The parts of an ELF file that calls are found by. Addresses are signed 64-bit numbers.

    `segments` are (address, file offset, size in the file) of what is loaded; `dynamic` maps the
    numeric tags of the dynamic section to their values; `code` does not overlap.
    """

    machine: lief.ELF.ARCH
    flags: int
    bits: int
    little: bool
    relocatable: bool
    data: Bytes
    segments: tuple[tuple[int, int, int], ...]
    sections: tuple[Section, ...]
    dynamic: Mapping[int, int]
    code: tuple[Code, ...]

    @property
    def needs_libraries(self) -> bool:
        """Whether the dynamic linker has to load anything for the file."""
        return _DT_NEEDED in self.dynamic

    def dtype(self, kind: str) -> np.dtype[np.unsignedinteger]:
        """A NumPy type such as `u4` in the byte order of the file's data."""
        return np.dtype(("<" if self.little else ">") + kind)

    def code_dtype(self, kind: str) -> np.dtype[np.unsignedinteger]:
        """The same in the byte order of the file's instructions (differs in ARM's BE8)."""
        swapped = self.machine == ARCH.ARM and self.flags & EF_ARM_BE8
        return np.dtype(("<" if self.little or swapped else ">") + kind)

    def offset_of(self, address: int) -> int | None:
        """The file offset of what is loaded at an address."""
        for start, offset, size in self.segments:
            if start <= address < start + size:
                return offset + address - start
        return None

    def table(self, offset: int | None, size: int, dtype: np.dtype[np.void]) -> NDArray[np.void]:
        """Records at a file offset: as many as fit in `size` bytes and in the file."""
        if offset is None or offset < 0 or offset >= len(self.data) or size <= 0:
            return np.empty(0, dtype)
        count = min(size, len(self.data) - offset) // dtype.itemsize
        return self.data[offset : offset + count * dtype.itemsize].view(dtype)

    def words_at(self, addresses: Ints, size: int) -> Ints:
        """The unsigned numbers of `size` bytes at addresses; 0 where nothing is loaded."""
        values = np.zeros(len(addresses), np.int64)
        dtype = self.dtype(f"u{size}")
        for start, offset, length in self.segments:
            inside = np.flatnonzero((addresses >= start) & (addresses <= start + length - size))
            at = addresses[inside] - start + offset
            for shift in range(size):
                place = shift if dtype.str[0] != ">" else size - 1 - shift
                values[inside] |= self.data[at + shift].astype(np.int64) << (8 * place)
        return values


def read_image(elf: lief.ELF.Binary, data: bytes | memoryview) -> Image:
    """Take what calls are found by out of a parsed file.

    Args:
        elf: the file as lief parsed it; header, segments, sections and dynamic entries are read,
            symbols and relocations are not, so they need not have been parsed.
        data: the same file's bytes.
    """
    array = np.frombuffer(data, np.uint8)
    found = [
        (signed(segment.virtual_address), segment.file_offset, size, int(segment.flags))
        for segment in elf.segments
        if segment.type == lief.ELF.Segment.TYPE.LOAD
        and (size := min(segment.physical_size, len(array) - segment.file_offset)) > 0
    ]
    segments = tuple(found[:_SEGMENTS_READ])
    sections = tuple(_section(section) for section in elf.sections)
    relocatable = elf.header.file_type == lief.ELF.Header.FILE_TYPE.REL
    return Image(
        machine=elf.header.machine_type,
        flags=elf.header.processor_flag,
        bits=64 if elf.header.identity_class == lief.ELF.Header.CLASS.ELF64 else 32,
        little=elf.header.identity_data == lief.ELF.Header.ELF_DATA.LSB,
        relocatable=relocatable,
        data=array,
        segments=tuple(segment[:3] for segment in segments),
        sections=sections,
        dynamic={int(entry.tag) & _RAW: entry.value for entry in elf.dynamic_entries},
        code=_code(array, segments, sections) if not relocatable else (),
    )


def _section(section: lief.ELF.Section) -> Section:
    name = section.name
    return Section(
        name=name if isinstance(name, str) else name.decode("utf-8", "replace"),
        kind=int(section.type) & _RAW,
        flags=int(section.flags),
        address=signed(section.virtual_address),
        offset=section.offset,
        size=section.size,
        link=section.link,
        info=section.information,
    )


def _code(
    data: Bytes, segments: tuple[tuple[int, int, int, int], ...], sections: tuple[Section, ...]
) -> tuple[Code, ...]:
    """Executable sections that lie in executable segments; without such, those segments.

    Each byte of the file is taken once, whatever a hostile header says, so that the work is
    bounded by the file's size.
    """
    loaded = [segment for segment in segments if segment[3] & _PF_X]
    wanted = _SHF_EXECINSTR | _SHF_ALLOC
    runs = [
        (section.offset, section.size, section.address)
        for section in sections
        if section.kind == SHT_PROGBITS
        and section.flags & wanted == wanted
        and any(
            offset <= section.offset
            and section.offset + section.size <= offset + size
            and section.address - start == section.offset - offset
            for start, offset, size, _ in loaded
        )
    ]
    runs = runs or [(offset, size, start) for start, offset, size, _ in loaded]
    return tuple(
        Code(address, offset, data[offset : offset + size])
        for offset, size, address in merged(sorted(runs))
    )


def merged(runs: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Sorted runs (offset, size, address) without overlap, near neighbours as one."""
    kept: list[tuple[int, int, int]] = []
    for offset, size, address in runs:
        if kept:
            before, length, start = kept[-1]
            stop = max(before + length, offset + size)
            if offset - before - length <= _GAP and address - start == offset - before:
                kept[-1] = (before, stop - before, start)
                continue
            skip = max(before + length - offset, 0) + 3 & ~3
            if size > skip:
                kept.append((offset + skip, size - skip, address + skip))
        elif size > 0:
            kept.append((offset, size, address))
    return kept
