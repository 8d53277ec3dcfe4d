"""Measures of executables: what they are, hardening, call sites."""

from collections.abc import Callable

from assay.assess.facts import Facts
from assay.assess.measures.contract import Measure, Unknown, measure, share, share_of
from assay.model.evaluation import CallTable
from assay.model.functions import Family, Safety
from assay.model.measure import Unit, Value
from assay.model.observations import Executable, Hardening, KernelModule

_NONE = "no executable in which it could be told"
_NO_CALLS = "no executable whose call sites could be decoded"
_LOADED = ("program", "library")
_STRUCTURE = ("executable",)


def _loaded(facts: Facts) -> list[Executable]:
    """Programs and libraries: what a loader maps into a process."""
    return [seen.fact for seen in facts.of(Executable) if seen.fact.role in _LOADED]


@measure("executables.count", Unit.COUNT, "executables and libraries, kernel modules and objects")
def count(facts: Facts) -> Value | Unknown:
    found = facts.of(Executable)
    if not found and facts.tried["executable"]:
        return Unknown("none of the executables could be examined")
    return len(found) if facts.tree.files else Unknown("the tree has no files")


@measure("executables.static", Unit.COUNT, "programs that are linked statically", _STRUCTURE)
def static(facts: Facts) -> Value:
    return sum(one.static for one in _loaded(facts) if one.role == "program")


@measure("executables.architectures", Unit.SET, "processor architectures that occur", _STRUCTURE)
def architectures(facts: Facts) -> Value:
    return tuple(sorted({seen.fact.arch for seen in facts.of(Executable)}))


@measure("executables.stripped.share", Unit.SHARE, "programs and libraries without symbol table")
def stripped(facts: Facts) -> Value | Unknown:
    return share_of((one.stripped for one in _loaded(facts)), _NONE)


@measure(
    "executables.debug_info",
    Unit.COUNT,
    "programs and libraries that ship debug information",
    _STRUCTURE,
)
def debug_info(facts: Facts) -> Value:
    return sum(bool(one.debug_info) for one in _loaded(facts))


def _hardening_share(
    name: str, meaning: str, answer: Callable[[Hardening], bool | None], *, programs: bool = False
) -> Measure:
    def fold(facts: Facts) -> Value | Unknown:
        chosen = [one for one in _loaded(facts) if not programs or one.role == "program"]
        return share_of((answer(one.hardening) for one in chosen), _NONE)

    return measure(f"hardening.{name}.share", Unit.SHARE, meaning)(fold)


def _hardening_count(name: str, meaning: str, answer: Callable[[Hardening], bool]) -> Measure:
    def fold(facts: Facts) -> Value:
        return sum(answer(one.hardening) for one in _loaded(facts))

    return measure(f"hardening.{name}", Unit.COUNT, meaning, _STRUCTURE)(fold)


def _relro_full(hardening: Hardening) -> bool | None:
    return None if hardening.relro is None else hardening.relro == "full"


def _relro_any(hardening: Hardening) -> bool | None:
    return None if hardening.relro is None else hardening.relro != "none"


@measure(
    "hardening.canary.functions.share",
    Unit.SHARE,
    "functions that check a stack canary, among those whose bounds are known",
)
def canary_functions(facts: Facts) -> Value | Unknown:
    pairs = [
        (one.hardening.canary_functions, one.hardening.functions)
        for one in _loaded(facts)
        if one.hardening.canary_functions is not None and one.hardening.functions
    ]
    return share(sum(a or 0 for a, _ in pairs), sum(b or 0 for _, b in pairs), _NONE)


@measure(
    "hardening.fortify.calls.share",
    Unit.SHARE,
    "call sites that FORTIFY replaced by a checking function, among those that have such a twin",
)
def fortified_calls(facts: Facts) -> Value | Unknown:
    pairs = [
        (one.hardening.fortified, one.hardening.fortifiable)
        for one in _loaded(facts)
        if one.hardening.fortified is not None and one.hardening.fortifiable is not None
    ]
    fortified = sum(a or 0 for a, _ in pairs)
    return share(fortified, fortified + sum(b or 0 for _, b in pairs), _NONE)


@measure("hardening.toolchains", Unit.SET, "compilers named in the executables' notes", _STRUCTURE)
def toolchains(facts: Facts) -> Value:
    return tuple(sorted({text for one in _loaded(facts) for text in one.compilers}))


_HARDENING: tuple[Measure, ...] = (
    _hardening_share(
        "pie", "programs at a random address (PIE)", lambda one: one.pie, programs=True
    ),
    _hardening_share(
        "nx", "programs and libraries without executable stack (NX)", lambda one: one.nx
    ),
    _hardening_share(
        "relro_full", "with all relocation tables read-only (full RELRO)", _relro_full
    ),
    _hardening_share("relro", "with relocation tables read-only, partly or fully", _relro_any),
    _hardening_share(
        "canary", "with a stack canary in at least one function", lambda one: one.canary
    ),
    _hardening_share("fortify", "with at least one fortified call", lambda one: one.fortify),
    _hardening_share("ibt", "x86 with indirect branch tracking", lambda one: one.ibt),
    _hardening_share("shstk", "x86 with shadow stack", lambda one: one.shstk),
    _hardening_share("bti", "AArch64 with branch target identification", lambda one: one.bti),
    _hardening_share("pac", "AArch64 with pointer authentication", lambda one: one.pac),
    _hardening_share("cfi", "with control-flow integrity of the compiler", lambda one: one.cfi),
    _hardening_count(
        "rpath", "files with RPATH or RUNPATH", lambda one: bool(one.rpath or one.runpath)
    ),
    _hardening_count(
        "text_relocations", "files that relocate their code", lambda one: bool(one.text_relocations)
    ),
    _hardening_count(
        "executable_stack",
        "files that ask for an executable stack",
        lambda one: bool(one.executable_stack),
    ),
)


def _sites(facts: Facts, family: Family, safety: Safety) -> int | Unknown:
    tables = [seen.fact for seen in facts.of(CallTable)]
    if not tables:
        return Unknown(_NO_CALLS)
    return sum(_count_of(table, family, safety) for table in tables)


def _count_of(table: CallTable, family: Family, safety: Safety) -> int:
    counts = {
        Family.MEMCPY: table.memcpy_like,
        Family.STRCPY: table.strcpy_like,
        Family.SPRINTF: table.sprintf_like,
    }[family]
    return {
        Safety.SAFE: counts.safe,
        Safety.BOUNDED: counts.bounded,
        Safety.UNSAFE: counts.unsafe,
    }[safety]


def _site_measure(family: Family, safety: Safety, meaning: str) -> Measure:
    return measure(f"calls.{family}.{safety}", Unit.COUNT, meaning)(
        lambda facts: _sites(facts, family, safety)
    )


def _function_measure(family: Family, safety: Safety) -> Measure:
    def fold(facts: Facts) -> Value | Unknown:
        if not facts.of(CallTable):
            return Unknown(_NO_CALLS)
        return len(
            {
                function.name
                for seen in facts.of(CallTable)
                for function in seen.fact.functions
                if function.family is family and function.safety is safety and function.sites
            }
        )

    name = f"calls.{family}.{safety}_functions"
    return measure(name, Unit.COUNT, f"different {safety} {_say(family)} functions called")(fold)


def _unsafe_share(family: Family) -> Measure:
    def fold(facts: Facts) -> Value | Unknown:
        safe, unsafe = _sites(facts, family, Safety.SAFE), _sites(facts, family, Safety.UNSAFE)
        if isinstance(safe, Unknown) or isinstance(unsafe, Unknown):
            return Unknown(_NO_CALLS)
        return share(unsafe, safe + unsafe, f"no {_say(family)} call was found")

    meaning = f"unsafe among safe and unsafe {_say(family)} call sites"
    return measure(f"calls.{family}.unsafe_share", Unit.SHARE, meaning)(fold)


def _say(family: Family) -> str:
    return family.value.replace("_", "-")


def _family_measures(family: Family) -> tuple[Measure, ...]:
    return (
        *(
            _site_measure(family, safety, f"direct call sites of {safety} {_say(family)} functions")
            for safety in Safety
        ),
        *(_function_measure(family, safety) for safety in Safety),
        _unsafe_share(family),
    )


@measure("calls.banned", Unit.COUNT, "direct call sites of functions that guidance bans outright")
def banned(facts: Facts) -> Value | Unknown:
    tables = [seen.fact for seen in facts.of(CallTable)]
    return sum(table.banned for table in tables) if tables else Unknown(_NO_CALLS)


@measure("calls.measured.share", Unit.SHARE, "programs and libraries whose call sites were decoded")
def calls_measured(facts: Facts) -> Value | Unknown:
    decoded = {seen.file.path for seen in facts.of(CallTable)}
    loaded = [seen.file.path for seen in facts.of(Executable) if seen.fact.role in _LOADED]
    return share(sum(path in decoded for path in loaded), len(loaded), "no executable")


@measure("kernel.modules.count", Unit.COUNT, "loadable kernel modules", _STRUCTURE)
def modules(facts: Facts) -> Value:
    return len(facts.of(KernelModule))


@measure(
    "kernel.modules.unsigned", Unit.COUNT, "loadable kernel modules without a signature", _STRUCTURE
)
def modules_unsigned(facts: Facts) -> Value:
    return sum(not seen.fact.signed for seen in facts.of(KernelModule))


MEASURES: tuple[Measure, ...] = (
    count,
    static,
    architectures,
    stripped,
    debug_info,
    *_HARDENING,
    canary_functions,
    fortified_calls,
    toolchains,
    *_family_measures(Family.MEMCPY),
    *_family_measures(Family.STRCPY),
    *_family_measures(Family.SPRINTF),
    banned,
    calls_measured,
    modules,
    modules_unsigned,
)
