"""What an ELF file is: architecture, role, what it needs, what made it."""

from typing import Literal

import lief

from assay.examine.elf.parse import dynamic_value, section_bytes

Role = Literal["program", "library", "object", "module", "core"]

_ARCH = lief.ELF.ARCH
_TAG = lief.ELF.DynamicEntry.TAG
_TYPE = lief.ELF.Header.FILE_TYPE
_DF_1_PIE = 0x0800_0000
_COMPILERS_KEPT = 32
_BY_CLASS = {
    _ARCH.MIPS: ("mips", "mips64"),
    _ARCH.PPC: ("powerpc", "powerpc"),
    _ARCH.PPC64: ("powerpc64", "powerpc64"),
    _ARCH.RISCV: ("riscv32", "riscv64"),
    _ARCH.S390: ("s390", "s390x"),
    _ARCH.I386: ("x86", "x86"),
    _ARCH.X86_64: ("x86-64", "x86-64"),  # also with 32-bit pointers (x32)
    _ARCH.ARM: ("arm", "arm"),
    _ARCH.AARCH64: ("aarch64", "aarch64"),
}


def architecture(elf: lief.ELF.Binary) -> str:
    """The architecture by the names of the model."""
    machine = elf.header.machine_type
    names = _BY_CLASS.get(machine)
    if names is None:
        return str(machine).rsplit(".", 1)[-1].lower()
    return names[bits(elf) == 64]  # noqa: PLR2004


def bits(elf: lief.ELF.Binary) -> Literal[32, 64]:
    """Width of addresses."""
    return 64 if elf.header.identity_class == lief.ELF.Header.CLASS.ELF64 else 32


def endian(elf: lief.ELF.Binary) -> Literal["little", "big"]:
    """Byte order."""
    return "big" if elf.header.identity_data == lief.ELF.Header.ELF_DATA.MSB else "little"


def role(elf: lief.ELF.Binary) -> Role:
    """What the file is for.

    Position-independent programs and libraries share a file type: the linker marks the former
    (DF_1_PIE); before binutils 2.26 it did not, and an interpreter without SONAME tells.
    """
    kind = elf.header.file_type
    if kind == _TYPE.REL:
        return "module" if elf.get_section(".modinfo") is not None else "object"
    if kind == _TYPE.CORE:
        return "core"
    if kind == _TYPE.EXEC:
        return "program"
    if (dynamic_value(elf, _TAG.FLAGS_1) or 0) & _DF_1_PIE:
        return "program"
    return "program" if elf.has_interpreter and soname(elf) is None else "library"


def is_static(elf: lief.ELF.Binary) -> bool:
    """Whether a program brings all its code along: nothing is needed and no interpreter runs."""
    return not elf.has_interpreter and not needed(elf)


def needed(elf: lief.ELF.Binary) -> tuple[str, ...]:
    """Names of the libraries that the loader must find, in their order."""
    return tuple(
        str(entry.name)
        for entry in elf.dynamic_entries
        if entry.tag == _TAG.NEEDED and isinstance(entry, lief.ELF.DynamicEntryLibrary)
    )


def soname(elf: lief.ELF.Binary) -> str | None:
    """The name that a library is known by."""
    entry = elf.get(_TAG.SONAME)
    return str(entry.name) if isinstance(entry, lief.ELF.DynamicSharedObject) else None


def search_paths(elf: lief.ELF.Binary, tag: lief.ELF.DynamicEntry.TAG) -> tuple[str, ...]:
    """RPATH or RUNPATH, split."""
    entry = elf.get(tag)
    text = getattr(entry, "rpath", None) or getattr(entry, "runpath", None) or ""
    return tuple(path for path in str(text).split(":") if path)


def build_id(elf: lief.ELF.Binary) -> str | None:
    """The linker's build id in hex."""
    note = elf.get(lief.ELF.Note.TYPE.GNU_BUILD_ID)
    return None if note is None else bytes(note.description).hex()


def compilers(elf: lief.ELF.Binary) -> tuple[str, ...]:
    """The texts of `.comment`: each compiler and linker that took part says who it is."""
    texts = section_bytes(elf, ".comment").split(b"\0")
    said = sorted({text.decode("utf-8", "backslashreplace").strip() for text in texts})
    return tuple(text for text in said if text)[:_COMPILERS_KEPT]


def is_stripped(elf: lief.ELF.Binary) -> bool:
    """Whether the full symbol table is gone; without section headers it can't be found either."""
    return elf.get_section(".symtab") is None


def has_debug_info(elf: lief.ELF.Binary) -> bool:
    """Whether DWARF is in the file itself."""
    return any(elf.get_section(name) is not None for name in (".debug_info", ".zdebug_info"))
