"""Stack canaries and FORTIFY, as the code shows them.

How it works: a function is protected that calls the canary's failure routine; a call is fortified
that goes to a `__*_chk` twin. Both come from decoded call sites, so that a start-up object or an
unused import says nothing, and FORTIFY is never told from the stack protector.

In a static program the C library's functions can't be told from the program's own; nothing is
said of it. Libraries of C other than glibc have no `__*_chk` twins in this form.

Known false positives: a call to a function of that name that the program itself wrote.

Known false negatives: a `__*_chk` function whose address is passed on instead of being called;
functions that share their unwind entry (see `functions`) count once; copies that the compiler
inlined or proved to fit leave no call, fortified or not: the share is of the calls that are left.

Sources: GCC manual, -fstack-protector; glibc manual, "Source Fortification" (the functions that
_FORTIFY_SOURCE replaces).
"""

from collections.abc import Iterator, Mapping

import lief
import numpy as np
from numpy.typing import NDArray

from assay.examine.callsites.image import ARCH, Bytes, Code, Image, Ints
from assay.examine.callsites.symbols import Symbols
from assay.examine.callsites.targets import joined
from assay.examine.elf.functions import Functions, functions
from assay.examine.elf.identity import is_static, needed, role
from assay.model.observations import CodeHardening, Unmeasured

Sites = Mapping[str, NDArray[np.uint64]]

_FAILURES = ("__stack_chk_fail", "__stack_chk_fail_local", "__stack_smash_handler")
_WRAPPER_BYTES = 48
_COVERED = 0.8  # of the code, by functions with known bounds
_START_UP_BYTES = 768  # code without bounds: start-up objects, short PLTs
# A function has one call of the failure routine; 1.01 was measured over a Debian amd64 router.
_CALLS_A_FUNCTION = 1.5
_CALL_REL32 = 0xE8
_CALL_SIZE = 5
_STATIC = "static: the C library's own functions can't be told from the program's"
_NO_BOUNDS = "too few functions have their bounds in unwind tables or symbols"
_NO_TWINS = "not linked against a C library that offers checking twins of its functions"

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


def unmeasured(why: str) -> Iterator[Unmeasured]:
    """Neither canaries nor FORTIFY could be told."""
    yield Unmeasured(what="hardening.canary", why=why)
    yield Unmeasured(what="hardening.fortify", why=why)


def protection(
    elf: lief.ELF.Binary, image: Image, symbols: Symbols, sites: Sites
) -> Iterator[CodeHardening | Unmeasured]:
    """Canaries as a share of functions, FORTIFY as a share of calls."""
    if role(elf) == "program" and is_static(elf):
        yield from unmeasured(_STATIC)
        return
    failing, known = _failing(sites), functions(elf, image, symbols)
    protected = _protected(image, known.starts, failing)
    bounded = _are_bounded(known) and len(failing) <= _CALLS_A_FUNCTION * protected
    if not bounded:
        yield Unmeasured(what="hardening.canary.functions", why=_NO_BOUNDS)
    fortified, plain = _fortify(sites)
    has_twins = any(name.startswith("libc.so.6") for name in needed(elf)) or fortified > 0
    if not has_twins:
        yield Unmeasured(what="hardening.fortify", why=_NO_TWINS)
    yield CodeHardening(
        canary=len(failing) > 0,
        canary_functions=protected if bounded else None,
        functions=len(known.starts) if bounded else None,
        fortify=fortified > 0 if has_twins and fortified + plain else None,
        fortified=fortified if has_twins else None,
        fortifiable=plain if has_twins else None,
    )


def _are_bounded(known: Functions) -> bool:
    """Whether the code is known by functions: a share over a handful of them would mislead.

    C code for 32-bit ARM and MIPS is as a rule compiled without unwind tables.
    """
    if known.covered >= _COVERED * known.code:
        return len(known.starts) > 0
    return known.code - known.covered <= min(_START_UP_BYTES, known.covered)


def _failing(sites: Sites) -> Ints:
    return joined(sites[name].view(np.int64) for name in _FAILURES if name in sites)


def _protected(image: Image, starts: Ints, calls: Ints) -> int:
    """How many functions call the failure routine."""
    inside = np.unique(np.searchsorted(starts, calls, side="right") - 1)
    functions = starts[inside[inside >= 0]]
    if image.machine == ARCH.I386 and len(functions) == 1:
        return _through_wrapper(image, starts, int(functions[0]))
    return len(functions)


def _through_wrapper(image: Image, starts: Ints, wrapper: int) -> int:
    """On i386, position-independent code fails through `__stack_chk_fail_local`, a short function
    that every library carries and no symbol names: count the functions that call it."""
    following = starts[np.searchsorted(starts, wrapper, side="right") :]
    if len(following) and following[0] - wrapper > _WRAPPER_BYTES:
        return 1
    callers: set[int] = set()
    for code in image.code:
        callers |= _callers(code, starts, wrapper)
    return len(callers) or 1


def _callers(code: Code, starts: Ints, target: int) -> set[int]:
    data: Bytes = code.data
    places = np.flatnonzero(data[: max(0, len(data) - _CALL_SIZE + 1)] == _CALL_REL32)
    relative = np.zeros(len(places), dtype=np.uint32)
    for byte in range(4):
        relative |= data[places + 1 + byte].astype(np.uint32) << np.uint32(8 * byte)
    ends = places + code.address + _CALL_SIZE
    calls = (ends + relative.view(np.int32)) == target
    functions = np.searchsorted(starts, places[calls] + code.address, side="right") - 1
    return set(functions[functions >= 0].tolist())


def _fortify(sites: Sites) -> tuple[int, int]:
    fortified = sum(
        len(at) for name, at in sites.items() if name.startswith("__") and name.endswith("_chk")
    )
    plain = sum(len(at) for name, at in sites.items() if name in FORTIFIABLE)
    return fortified, plain
