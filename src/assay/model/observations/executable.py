"""Facts about executables: structure, hardening, call sites, kernel modules."""

from typing import Literal

from assay.model.base import Frozen


class Hardening(Frozen):
    """Defences that the build put in. None = not measured or without meaning for this file.

    `pie` is told of programs alone; `nx` and `executable_stack` of what is loaded.
    `canary` is true if any function of the file checks a stack canary; `canary_functions` counts
    those that do, `functions` those whose bounds are known: quote the share, not the yes. Both are
    None where the file gives the bounds of too few of its functions.
    `fortified` counts call sites of `__*_chk` functions, `fortifiable` call sites of functions
    that have such a twin but were left plain; `fortify` is `fortified > 0` where there is either.
    """

    pie: bool | None = None
    nx: bool | None = None
    relro: Literal["none", "partial", "full"] | None = None
    canary: bool | None = None
    canary_functions: int | None = None
    functions: int | None = None
    fortify: bool | None = None
    fortified: int | None = None
    fortifiable: int | None = None
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    text_relocations: bool | None = None
    executable_stack: bool | None = None
    cfi: bool | None = None
    ibt: bool | None = None
    shstk: bool | None = None
    bti: bool | None = None
    pac: bool | None = None


class Executable(Frozen):
    """The structure of one ELF, PE or Mach-O file.

    `arch` is one of x86, x86-64, arm, aarch64, mips, mips64, powerpc, powerpc64, riscv32,
    riscv64, s390x or the format's own machine name in lower case. `role` is what the file is for:
    `program` (has an entry point and an interpreter or is static), `library`, `object`
    (relocatable), `module` (kernel module), `core`.
    `compilers` are the texts of the compiler notes, sorted, as they stand (`GCC: (…) 12.2.0`).
    """

    type: Literal["executable"] = "executable"
    format: Literal["elf", "pe", "macho"]
    arch: str
    bits: Literal[32, 64]
    endian: Literal["little", "big"]
    role: Literal["program", "library", "object", "module", "core"]
    static: bool
    interpreter: str | None = None
    soname: str | None = None
    needed: tuple[str, ...] = ()
    build_id: str | None = None
    compilers: tuple[str, ...] = ()
    stripped: bool | None = None
    debug_info: bool | None = None
    sections: bool = True
    hardening: Hardening = Hardening()


class CalledFunction(Frozen):
    """How often one named function is called directly, and where.

    `offsets` are file offsets of the first call sites, at most `OFFSETS_KEPT`.
    """

    name: str
    sites: int
    offsets: tuple[int, ...] = ()


OFFSETS_KEPT = 8


class Calls(Frozen):
    """All direct call sites of named functions in one executable, sorted by name.

    Every name that the file itself gives counts, not only the unsafe ones: classes are given
    later, so that a changed list needs no new reading of images.
    """

    type: Literal["calls"] = "calls"
    functions: tuple[CalledFunction, ...]


class CodeHardening(Frozen):
    """Defences that only the code itself shows; the fields are those of `Hardening`.

    They join the `Executable` of the same file when observations are assessed.
    """

    type: Literal["code_hardening"] = "code_hardening"
    canary: bool | None = None
    canary_functions: int | None = None
    functions: int | None = None
    fortify: bool | None = None
    fortified: int | None = None
    fortifiable: int | None = None


class KernelModule(Frozen):
    """A loadable kernel module's own statements. `signed` = a PKCS#7 signature is appended."""

    type: Literal["kernel_module"] = "kernel_module"
    name: str
    vermagic: str
    license: str = ""
    signed: bool
    signer: str = ""
