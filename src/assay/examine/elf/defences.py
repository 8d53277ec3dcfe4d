"""Hardening that headers, the dynamic segment and notes show.

Sources: ELF gABI; Linux, fs/binfmt_elf.c (executable stacks); x86-64 psABI 1.0 and AArch64 ELF ABI
(GNU property notes); ld(1), `-z relro`, `-z now`.
"""

from typing import Literal

import lief

from assay.examine.elf.identity import Role, search_paths
from assay.examine.elf.parse import dynamic_value
from assay.model.observations import Hardening

_TAG = lief.ELF.DynamicEntry.TAG
_SEGMENT = lief.ELF.Segment.TYPE
_DF_TEXTREL = 0x4
_DF_BIND_NOW = 0x8
_DF_1_NOW = 0x1
_PF_X = 1
_X86 = lief.ELF.X86Features.FEATURE
_ARM = lief.ELF.AArch64Feature.FEATURE
_X86_MACHINES = (lief.ELF.ARCH.I386, lief.ELF.ARCH.X86_64)


def defences(elf: lief.ELF.Binary, role: Role, data: bytes) -> Hardening:
    """What can be told without decoding code; nothing of objects and modules, which are linked
    again before they run."""
    if role not in ("program", "library"):
        return Hardening()
    nx = _has_nx(elf)
    ibt, shstk = _x86_features(elf)
    bti, pac = _aarch64_features(elf)
    position_independent = elf.header.file_type == lief.ELF.Header.FILE_TYPE.DYN
    return Hardening(
        pie=position_independent if role == "program" else None,
        nx=nx,
        executable_stack=not nx,
        relro=_relro(elf),
        rpath=search_paths(elf, _TAG.RPATH),
        runpath=search_paths(elf, _TAG.RUNPATH),
        text_relocations=_has_text_relocations(elf),
        cfi=b"\0__cfi_check\0" in _names(elf, data),  # Clang's cross-DSO CFI exports it
        ibt=ibt,
        shstk=shstk,
        bti=bti,
        pac=pac,
    )


def _names(elf: lief.ELF.Binary, data: bytes) -> bytes:
    """The string table of the dynamic linker, as far as it lies in the file."""
    address, size = dynamic_value(elf, _TAG.STRTAB), dynamic_value(elf, _TAG.STRSZ)
    for segment in elf.segments if address is not None else ():
        distance = (address or 0) - segment.virtual_address
        if segment.type == _SEGMENT.LOAD and 0 <= distance < segment.physical_size:
            start = segment.file_offset + distance
            return data[start : start + (size or 0)]
    return b""


def _segment(elf: lief.ELF.Binary, kind: lief.ELF.Segment.TYPE) -> lief.ELF.Segment | None:
    return next((segment for segment in elf.segments if segment.type == kind), None)


def _has_nx(elf: lief.ELF.Binary) -> bool:
    """A file that does not ask for a stack without execution gets an executable one."""
    stack = _segment(elf, _SEGMENT.GNU_STACK)
    return stack is not None and not int(stack.flags) & _PF_X


def _relro(elf: lief.ELF.Binary) -> Literal["none", "partial", "full"]:
    if _segment(elf, _SEGMENT.GNU_RELRO) is None:
        return "none"
    now = (
        elf.get(_TAG.BIND_NOW) is not None
        or (dynamic_value(elf, _TAG.FLAGS) or 0) & _DF_BIND_NOW
        or (dynamic_value(elf, _TAG.FLAGS_1) or 0) & _DF_1_NOW
    )
    return "full" if now else "partial"


def _has_text_relocations(elf: lief.ELF.Binary) -> bool:
    flagged = (dynamic_value(elf, _TAG.FLAGS) or 0) & _DF_TEXTREL
    return bool(flagged) or elf.get(_TAG.TEXTREL) is not None


def _x86_features(elf: lief.ELF.Binary) -> tuple[bool | None, bool | None]:
    if elf.header.machine_type not in _X86_MACHINES:
        return None, None
    found = {
        feature
        for held in _properties(elf)
        if isinstance(held, lief.ELF.X86Features)
        for _, feature in held.features
    }
    return _X86.IBT in found, _X86.SHSTK in found


def _aarch64_features(elf: lief.ELF.Binary) -> tuple[bool | None, bool | None]:
    if elf.header.machine_type != lief.ELF.ARCH.AARCH64:
        return None, None
    found = {
        feature
        for held in _properties(elf)
        if isinstance(held, lief.ELF.AArch64Feature)
        for feature in held.features
    }
    return _ARM.BTI in found, _ARM.PAC in found


def _properties(elf: lief.ELF.Binary) -> list[lief.ELF.NoteGnuProperty.Property]:
    note = elf.get(lief.ELF.Note.TYPE.GNU_PROPERTY_TYPE_0)
    if not isinstance(note, lief.ELF.NoteGnuProperty):
        return []
    return [held for held in note.properties if held is not None]
