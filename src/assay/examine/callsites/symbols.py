"""Symbol tables as arrays, and the one name that stands for all symbols at an address."""

# ruff: noqa: PLR2004 - encodings and sizes stand as the manuals print them

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.examine.callsites.image import ARCH, Image, Ints, Section, signed
from assay.examine.callsites.targets import NOTHING

DT_HASH, DT_STRTAB, DT_SYMTAB, DT_STRSZ = 4, 5, 6, 10
DT_GNU_HASH, DT_MIPS_SYMTABNO = 0x6FFF_FEF5, 0x7000_0011
SHT_SYMTAB, SHT_DYNSYM = 2, 11
STT_NOTYPE, STT_FUNC, STT_SECTION, STT_GNU_IFUNC = 0, 2, 3, 10
STB_LOCAL, STB_GLOBAL, STB_WEAK = 0, 1, 2
NAME_LIMIT = 4096
ALIAS_LIMIT = 64
_BINDING_RANK = {STB_GLOBAL: 0, 10: 0, STB_WEAK: 1}

# What GCC and Clang append to the name of a copy that they made of a function: still that function.
_CLONE = re.compile(r"\.(?:constprop|isra|lto_priv|localalias|llvm|clone|specialized)(?:\.\d+)*")
# An outlined rest of a function is only ever reached from the function itself.
_OUTLINED = re.compile(r"\.cold(?:\.\d+)?$")


def plain_name(name: str) -> str:
    """A symbol's name without its version and without marks of compiler-made copies."""
    base = name.split("@", 1)[0]
    return _CLONE.sub("", base) or name


@dataclass(frozen=True, slots=True)
class Symbols:
    """The dynamic symbols, then those of the static table, numbered through.

    `name` is the file offset of each name; `limit` where its string table ends. `value` is an
    address; in a relocatable object, whose sections have none yet, a file offset.
    """

    data: NDArray[np.uint8]
    name: Ints
    limit: Ints
    value: Ints
    size: Ints
    kind: Ints
    binding: Ints
    section: Ints
    other: Ints
    dynamic: int

    def __len__(self) -> int:
        return len(self.name)

    def text(self, ref: int) -> str:
        """A symbol's name as it stands in the file; empty where it has none."""
        start = int(self.name[ref])
        stop = min(int(self.limit[ref]), start + NAME_LIMIT)
        if not 0 <= start < stop:
            return ""
        raw = self.data[start:stop].tobytes().split(b"\0", 1)[0]
        return raw.decode("utf-8", "backslashreplace")

    def functions(self) -> Ints:
        """The numbers of all functions that the file itself defines."""
        is_function = (self.kind == STT_FUNC) | (self.kind == STT_GNU_IFUNC)
        return np.flatnonzero(is_function & (self.section != 0))

    def names(self, refs: Ints) -> list[str]:
        """The plain names of symbols; those the file defines share one with their aliases."""
        own = self.functions()
        order = own[np.argsort(self.value[own], kind="stable")]
        values = self.value[order]
        own_refs = np.isin(refs, own)
        low = np.searchsorted(values, self.value[refs], side="left")
        high = np.searchsorted(values, self.value[refs], side="right")
        return [
            self.preferred(order[low[i] : high[i]]) if own_refs[i] else plain_name(self.text(ref))
            for i, ref in enumerate(refs.tolist())
        ]

    def preferred(self, refs: Ints) -> str:
        """The name that stands for several symbols of one address.

        The one with the fewest leading underscores (`strdup` before `__strdup`), then global
        before weak before local, then the shortest.
        """
        names = [(self.text(int(ref)), int(self.binding[ref])) for ref in refs[:ALIAS_LIMIT]]
        ranked = sorted(
            (len(name) - len(name.lstrip("_")), _BINDING_RANK.get(bind, 2), len(name), name)
            for name, bind in names
            if name and not _OUTLINED.search(name)
        )
        return plain_name(ranked[0][3]) if ranked else ""


def read_symbols(image: Image) -> Symbols:
    """Both symbol tables of a file, as far as they lie in it."""
    tables = [_dynamic_table(image)]
    tables += [
        _section_table(image, section) for section in image.sections if section.kind == SHT_SYMTAB
    ][:1]
    dynamic = len(tables[0][0])
    columns = [np.concatenate(column) for column in zip(*tables, strict=True)]
    name, limit, value, size, kind, binding, section, other = columns
    if image.relocatable:
        starts = np.array([signed(held.offset) for held in image.sections], np.int64)
        placed = np.flatnonzero(section < len(starts))
        value[placed] += starts[section[placed]]
    return Symbols(
        image.data, name, limit, value, size, kind, binding, section, other, dynamic=dynamic
    )


def _record(image: Image) -> np.dtype[np.void]:
    order = "<" if image.little else ">"
    name, info, other, shndx = (
        ("name", f"{order}u4"),
        ("info", "u1"),
        ("other", "u1"),
        ("section", f"{order}u2"),
    )
    if image.bits == 64:
        return np.dtype([name, info, other, shndx, ("value", f"{order}u8"), ("size", f"{order}u8")])
    return np.dtype([name, ("value", f"{order}u4"), ("size", f"{order}u4"), info, other, shndx])


def _columns(table: NDArray[np.void], strings: int, length: int) -> list[Ints]:
    info = table["info"].astype(np.int64)
    return [
        table["name"].astype(np.int64) + strings,
        np.full(len(table), strings + length, np.int64),
        table["value"].astype(np.int64),
        table["size"].astype(np.int64),
        info & 15,
        info >> 4,
        table["section"].astype(np.int64),
        table["other"].astype(np.int64),
    ]


def _section_table(image: Image, section: Section) -> list[Ints]:
    strings = image.sections[section.link] if section.link < len(image.sections) else None
    if strings is None:
        return [NOTHING] * 8
    table = image.table(section.offset, section.size, _record(image))
    length = min(strings.size, len(image.data) - strings.offset)
    return _columns(table, strings.offset, length)


def _dynamic_table(image: Image) -> list[Ints]:
    address, strings = (image.dynamic.get(tag) for tag in (DT_SYMTAB, DT_STRTAB))
    if address is None or strings is None:
        return [NOTHING] * 8
    at, text = image.offset_of(signed(address)), image.offset_of(signed(strings))
    if at is None or text is None:
        return [NOTHING] * 8
    record = _record(image)
    table = image.table(at, _dynamic_count(image, signed(address)) * record.itemsize, record)
    length = min(image.dynamic.get(DT_STRSZ, 0) or len(image.data), len(image.data) - text)
    return _columns(table, text, length)


def _dynamic_count(image: Image, address: int) -> int:
    """How many dynamic symbols there are; the dynamic section itself does not say."""
    for section in image.sections:
        if section.kind == SHT_DYNSYM and section.address == address:
            return section.size // _record(image).itemsize
    if (count := image.dynamic.get(DT_MIPS_SYMTABNO)) is not None:
        return count
    if (table := image.dynamic.get(DT_GNU_HASH)) is not None:
        hashed = _gnu_hash_count(image, image.offset_of(signed(table)))
        return hashed or _count_by_layout(image, address)
    if (table := image.dynamic.get(DT_HASH)) is not None:
        # Entries have 8 bytes in the s390x ABI, 4 in all others; the second counts the symbols.
        word = image.dtype("u8" if image.machine == ARCH.S390 and image.bits == 64 else "u4")
        head = image.table(
            image.offset_of(signed(table)), 2 * word.itemsize, np.dtype([("n", word)])
        )
        return int(head["n"][1]) if len(head) == 2 else 0
    return _count_by_layout(image, address)


def _count_by_layout(image: Image, address: int) -> int:
    """Linkers place the names right behind the symbols."""
    return max(signed(image.dynamic.get(DT_STRTAB, 0)) - address, 0) // _record(image).itemsize


def _gnu_hash_count(image: Image, offset: int | None) -> int:
    """The highest symbol of a GNU hash table and one: the end of its last chain.

    0 for a table of no exported symbol, which says nothing of the imported ones.
    """
    word = np.dtype([("n", image.dtype("u4"))])
    head = image.table(offset, 16, word)["n"]
    if offset is None or len(head) < 4:
        return 0
    buckets, first, bloom, _ = (int(value) for value in head)
    start = offset + 16 + bloom * image.bits // 8
    chains = start + buckets * 4
    bucket = image.table(start, buckets * 4, word)["n"]
    last = int(bucket.max()) if len(bucket) else 0
    if last < first:
        return 0
    rest = image.table(chains + (last - first) * 4, len(image.data), word)["n"]
    ends = np.flatnonzero(rest & 1)
    return last + 1 + (int(ends[0]) if len(ends) else 0)
