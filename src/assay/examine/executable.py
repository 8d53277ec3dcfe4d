"""Structure and hardening of executables, as headers and notes show them.

How it works: `lief` parses ELF, PE and Mach-O. Of ELF files, program headers and the dynamic
segment are believed before section headers, which a loader does not read either: files without
them are told as fully as others, but for what only sections hold (compilers, symbol table).

Known false positives: a text relocation flag stays set where a linker left it without need; a
static program may carry a RELRO segment that its start-up code never applies.

Known false negatives: canaries and FORTIFY are the code's (see `calls`); control-flow integrity
of one library alone (without cross-DSO checks) leaves no mark; compilers that strip their notes;
of a universal Mach-O file only the first architecture is looked at.

Sources: ELF gABI; see the modules of `assay.examine.elf`; PE Format, Microsoft; Mach-O, Apple.
"""

from collections.abc import Iterator

import lief

from assay.examine.contract import Content, ExamineError, Examiner
from assay.examine.elf import identity
from assay.examine.elf.defences import defences
from assay.examine.elf.identity import Role
from assay.examine.elf.module import kernel_module
from assay.examine.elf.parse import parse_elf
from assay.model.observations import Executable, Hardening, Observation
from assay.model.tree import File, Kind

_PE = lief.PE.OptionalHeader.DLL_CHARACTERISTICS
_PE_ARCH = {
    lief.PE.Header.MACHINE_TYPES.I386: "x86",
    lief.PE.Header.MACHINE_TYPES.AMD64: "x86-64",
    lief.PE.Header.MACHINE_TYPES.ARM: "arm",
    lief.PE.Header.MACHINE_TYPES.ARMNT: "arm",
    lief.PE.Header.MACHINE_TYPES.ARM64: "aarch64",
}
_MACHO = lief.MachO.Header.FILE_TYPE
_MACHO_ROLES: dict[lief.MachO.Header.FILE_TYPE, Role] = {
    _MACHO.DYLIB: "library",
    _MACHO.BUNDLE: "library",  # what programs load by name: plug-ins, Python extensions
    _MACHO.OBJECT: "object",
    _MACHO.KEXT_BUNDLE: "module",
    _MACHO.CORE: "core",
}
_MACHO_ARCH = {"X86": "x86", "X86_64": "x86-64", "ARM": "arm", "ARM64": "aarch64"}


def _wants(file: File) -> bool:
    return file.kind in (Kind.ELF, Kind.PE, Kind.MACHO)


def _examine(content: Content, file: File) -> Iterator[Observation]:
    data = bytes(content.data)
    if file.kind is Kind.ELF:
        yield from _elf(data)
    elif file.kind is Kind.PE:
        yield from _pe(data)
    else:
        yield from _macho(data)


def _elf(data: bytes) -> Iterator[Observation]:
    elf = parse_elf(data)
    role = identity.role(elf)
    yield Executable(
        format="elf",
        arch=identity.architecture(elf),
        bits=identity.bits(elf),
        endian=identity.endian(elf),
        role=role,
        static=role == "program" and identity.is_static(elf),
        interpreter=str(elf.interpreter) if elf.has_interpreter else None,
        soname=identity.soname(elf),
        needed=identity.needed(elf),
        build_id=identity.build_id(elf),
        compilers=identity.compilers(elf),
        stripped=identity.is_stripped(elf),
        debug_info=identity.has_debug_info(elf),
        sections=len(elf.sections) > 0,
        hardening=defences(elf, role, data),
    )
    if role == "module":
        yield kernel_module(elf, data)


def _pe(data: bytes) -> Iterator[Observation]:
    pe = lief.PE.parse(data) if b"PE\0\0" in data[:4096] else None
    if pe is None:
        raise ExamineError("no PE header behind the DOS header at offset 0x0")
    is_library = pe.header.has_characteristic(lief.PE.Header.CHARACTERISTICS.DLL)
    nx = pe.optional_header.has(_PE.NX_COMPAT)
    machine = pe.header.machine
    yield Executable(
        format="pe",
        arch=_PE_ARCH.get(machine, str(machine).rsplit(".", 1)[-1].lower()),
        bits=64 if pe.optional_header.magic == lief.PE.PE_TYPE.PE32_PLUS else 32,
        endian="little",
        role="library" if is_library else "program",
        static=not is_library and not pe.has_imports,
        needed=tuple(str(imported.name) for imported in pe.imports),
        debug_info=pe.has_debug,
        hardening=Hardening(
            pie=None if is_library else pe.optional_header.has(_PE.DYNAMIC_BASE),
            nx=nx,
            executable_stack=not nx,
            cfi=pe.optional_header.has(_PE.GUARD_CF),
        ),
    )


def _macho(data: bytes) -> Iterator[Observation]:
    fat = lief.MachO.parse(data)
    macho = fat.at(0) if fat is not None and len(fat) else None
    if macho is None:
        raise ExamineError("Mach-O header at offset 0x0 can't be read")
    role = _MACHO_ROLES.get(macho.header.file_type, "program")
    name = str(macho.header.cpu_type).rsplit(".", 1)[-1]
    yield Executable(
        format="macho",
        arch=_MACHO_ARCH.get(name, name.lower()),
        bits=64 if "64" in name else 32,
        endian="little",
        role=role,
        static=role == "program" and not macho.libraries,
        needed=tuple(str(library.name) for library in macho.libraries),
        hardening=Hardening(
            pie=macho.is_pie if role == "program" else None,
            nx=macho.has_nx_stack,
            executable_stack=not macho.has_nx_stack,
        ),
    )


EXAMINER = Examiner(name="executable", version="2", wants=_wants, examine=_examine)
