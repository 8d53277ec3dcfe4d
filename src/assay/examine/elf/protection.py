"""Stack canaries and FORTIFY, as the code shows them.

How it works: a function is protected that calls the canary's failure routine; a call is fortified
that goes to a `__*_chk` twin. Both come from decoded call sites, so that a start-up object or an
unused import says nothing, and FORTIFY is never told from the stack protector.

In a static program the C library's functions can't be told from the program's own; nothing is
said of it. Libraries of C other than glibc have no `__*_chk` twins in this form.

Sources: GCC manual, -fstack-protector; glibc manual, "Source Fortification" (the functions that
_FORTIFY_SOURCE replaces).
"""

from collections.abc import Iterator, Mapping

import lief
import numpy as np
from numpy.typing import NDArray

from assay.examine.elf.functions import Starts, function_starts
from assay.examine.elf.identity import is_static, needed
from assay.model.observations import CodeHardening, Unmeasured

Sites = Mapping[str, NDArray[np.uint64]]

_FAILURES = ("__stack_chk_fail", "__stack_chk_fail_local", "__stack_smash_handler")
_WRAPPER_BYTES = 48
_BYTES_A_FUNCTION = 2048  # on average; compiled C has 100 to 500
_CALL_REL32 = 0xE8
_CALL_SIZE = 5

FORTIFIABLE = frozenset(
    """
    asprintf confstr dprintf explicit_bzero fgets fgets_unlocked fgetws fgetws_unlocked fprintf
    fread fread_unlocked fwprintf getcwd getdomainname getgroups gethostname getlogin_r gets getwd
    longjmp mbsnrtowcs mbsrtowcs mbstowcs memcpy memmove mempcpy memset obstack_printf
    obstack_vprintf poll ppoll pread pread64 printf ptsname_r read readlink readlinkat realpath
    recv recvfrom snprintf sprintf stpcpy stpncpy strcat strcpy strlcat strlcpy strncat strncpy
    swprintf syslog ttyname_r vasprintf vdprintf vfprintf vfwprintf vprintf vsnprintf vsprintf
    vswprintf vsyslog vwprintf wcpcpy wcpncpy wcrtomb wcscat wcscpy wcslcat wcslcpy wcsncat
    wcsncpy wcsnrtombs wcsrtombs wcstombs wctomb wmemcpy wmemmove wmempcpy wmemset wprintf
    """.split()
)


def protection(
    elf: lief.ELF.Binary, data: bytes, sites: Sites
) -> Iterator[CodeHardening | Unmeasured]:
    """Canaries as a share of functions, FORTIFY as a share of calls."""
    if is_static(elf):
        why = "static: the C library's own functions can't be told from the program's"
        yield Unmeasured(what="hardening.canary", why=why)
        yield Unmeasured(what="hardening.fortify", why=why)
        return
    starts = _reliable(elf, function_starts(elf, data))
    if not len(starts):
        why = "neither unwind tables nor symbols say where functions begin"
        yield Unmeasured(what="hardening.canary.functions", why=why)
    protected = _protected(elf, data, starts, _failing(sites))
    fortified, plain = _fortify(sites)
    has_twins = any(name.startswith("libc.so.6") for name in needed(elf)) or fortified > 0
    if not has_twins:
        why = "not linked against a C library that offers checking twins of its functions"
        yield Unmeasured(what="hardening.fortify", why=why)
    yield CodeHardening(
        canary=bool(protected),
        canary_functions=protected if len(starts) else None,
        functions=len(starts) or None,
        fortify=fortified > 0 if has_twins and fortified + plain else None,
        fortified=fortified if has_twins else None,
        fortifiable=plain if has_twins else None,
    )


def _reliable(elf: lief.ELF.Binary, starts: Starts) -> Starts:
    """No starts at all where they are too few for the code: most functions are not among them.

    C code for 32-bit ARM is as a rule compiled without unwind tables; a share over the handful of
    functions that have them would mislead.
    """
    section = elf.get_section(".text")
    size = int(section.size) if section is not None else 0
    return starts if len(starts) * _BYTES_A_FUNCTION >= size else starts[:0]


def _failing(sites: Sites) -> NDArray[np.int64]:
    found = [sites[name].astype(np.int64) for name in _FAILURES if name in sites]
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def _protected(elf: lief.ELF.Binary, data: bytes, starts: Starts, calls: NDArray[np.int64]) -> int:
    """How many functions call the failure routine."""
    if not len(starts):
        return int(bool(len(calls)))
    inside = np.unique(np.searchsorted(starts, calls, side="right") - 1)
    functions = starts[inside[inside >= 0]]
    if elf.header.machine_type == lief.ELF.ARCH.I386 and len(functions) == 1:
        return _through_wrapper(elf, data, starts, int(functions[0]))
    return len(functions)


def _through_wrapper(elf: lief.ELF.Binary, data: bytes, starts: Starts, wrapper: int) -> int:
    """On i386, position-independent code fails through `__stack_chk_fail_local`, a short function
    that every library carries and no symbol names: count the functions that call it."""
    following = starts[np.searchsorted(starts, wrapper, side="right") :]
    if len(following) and following[0] - wrapper > _WRAPPER_BYTES:
        return 1
    callers: set[int] = set()
    for segment in elf.segments:
        if segment.type == lief.ELF.Segment.TYPE.LOAD and int(segment.flags) & 1:
            offset, size = int(segment.file_offset), int(segment.physical_size)
            code = np.frombuffer(data[offset : offset + size], np.uint8)
            callers |= _callers(code, int(segment.virtual_address), starts, wrapper)
    return len(callers) or 1


def _callers(code: NDArray[np.uint8], base: int, starts: Starts, target: int) -> set[int]:
    places = np.flatnonzero(code[: max(0, len(code) - _CALL_SIZE + 1)] == _CALL_REL32)
    relative = np.zeros(len(places), dtype=np.uint32)
    for byte in range(4):
        relative |= code[places + 1 + byte].astype(np.uint32) << np.uint32(8 * byte)
    ends = places + base + _CALL_SIZE
    calls = (ends + relative.view(np.int32)) == target
    functions = np.searchsorted(starts, places[calls] + base, side="right") - 1
    return set(functions[functions >= 0].tolist())


def _fortify(sites: Sites) -> tuple[int, int]:
    fortified = sum(
        len(at) for name, at in sites.items() if name.startswith("__") and name.endswith("_chk")
    )
    plain = sum(len(at) for name, at in sites.items() if name in FORTIFIABLE)
    return fortified, plain
