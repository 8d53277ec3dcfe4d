"""The table of executables: hardening, and calls of memory functions."""

from assay.model.evaluation import CallTable, Evaluation, ExecutableEntry, FamilyCalls
from assay.model.functions import Family
from assay.model.observations import Hardening
from assay.report.tables.contract import Cell, Column, Detail, Section, Show, Table, nothing
from assay.report.text import NO_MEANING, NOT_MEASURED, answer, percent

LOADED = ("program", "library")

_COLUMNS = (
    Column("File", Show.CODE),
    Column("Role", facet=True),
    Column("Architecture", facet=True),
    Column("PIE", Show.ANSWER, facet=True),
    Column("NX", Show.ANSWER, facet=True),
    Column("RELRO", Show.ANSWER, facet=True),
    Column("Canary", Show.ANSWER, facet=True),
    Column("FORTIFY", Show.ANSWER, facet=True),
    Column("Unsafe calls", Show.NUMBER),
    Column("Bounded calls", Show.NUMBER),
    Column("Safe calls", Show.NUMBER),
    Column("Banned calls", Show.NUMBER),
)
_FUNCTIONS = (
    Column("Function", Show.CODE),
    Column("Family"),
    Column("Class"),
    Column("Call sites", Show.NUMBER),
    Column("First at", Show.OFFSET),
)


def section(evaluation: Evaluation) -> Section:
    """All executables, those with most unsafe calls first."""
    ordered = sorted(
        evaluation.executables, key=lambda one: (-_risky(one.calls), one.path, one.sha256)
    )
    table = Table(
        id="executables",
        title="Executables and libraries",
        columns=_COLUMNS,
        rows=tuple(_row(one) for one in ordered),
        details=tuple(_detail(one) for one in ordered),
        detail_columns=_FUNCTIONS,
        empty=nothing(evaluation, "executables.count", "There is no executable."),
    )
    lead = (
        "Defences that the build put into each file, and its direct calls of memory functions. "
        f"“{NOT_MEASURED}” is neither yes nor no; {NO_MEANING} stands where the question has no "
        "meaning, as PIE of a library. Open a row for compilers, libraries and functions."
    )
    return Section("executables-section", "Executables", lead, (table,))


def _row(one: ExecutableEntry) -> tuple[Cell, ...]:
    hardening, calls = one.hardening, one.calls
    return (
        one.path,
        one.role,
        f"{one.arch}, {one.endian}" if one.arch in _TWO_ENDED else one.arch,
        *_defences(one.role, hardening),
        *((None, None, None, None) if calls is None else _sites(calls)),
    )


_TWO_ENDED = ("arm", "aarch64", "mips", "mips64", "powerpc", "powerpc64")


def _defences(role: str, hardening: Hardening) -> tuple[str, ...]:
    """Objects and kernel modules are not mapped by a loader: most questions miss them."""
    loaded = role in LOADED
    unknown = NOT_MEASURED if loaded else NO_MEANING
    return (
        answer(hardening.pie) if role == "program" or hardening.pie is not None else NO_MEANING,
        unknown if hardening.nx is None else answer(hardening.nx),
        hardening.relro or unknown,
        unknown if hardening.canary is None else answer(hardening.canary),
        unknown if hardening.fortify is None else answer(hardening.fortify),
    )


def _families(calls: CallTable) -> tuple[FamilyCalls, ...]:
    return (calls.memcpy_like, calls.strcpy_like, calls.sprintf_like)


def _sites(calls: CallTable) -> tuple[int, int, int, int]:
    families = _families(calls)
    return (
        sum(one.unsafe for one in families),
        sum(one.bounded for one in families),
        sum(one.safe for one in families),
        calls.banned,
    )


def _risky(calls: CallTable | None) -> int:
    return sum(one.unsafe for one in _families(calls)) if calls else -1


def _detail(one: ExecutableEntry) -> Detail:
    functions = () if one.calls is None else one.calls.functions
    ordered = sorted(functions, key=lambda called: (-called.sites, called.name))
    return Detail(
        texts=tuple((label, text) for label, text in _texts(one) if text),
        rows=tuple(
            (
                called.name,
                called.family.value.replace("_", "-"),
                NO_MEANING if called.family is Family.BANNED else called.safety.value,
                called.sites,
                called.offsets[0] if called.offsets else None,
            )
            for called in ordered
        ),
    )


def _texts(one: ExecutableEntry) -> tuple[tuple[str, str], ...]:
    hardening = one.hardening
    return (
        ("Format", f"{one.format}, {one.bits} bits, {one.endian}-endian"),
        ("Linked", "statically" if one.static else ""),
        ("Interpreter", one.interpreter or ""),
        ("SONAME", one.soname or ""),
        ("Needs", ", ".join(one.needed)),
        ("Compilers", ", ".join(one.compilers)),
        ("Build id", one.build_id or ""),
        ("Stripped", answer(one.stripped)),
        ("Debug information", answer(one.debug_info)),
        ("Functions with canary", _part(hardening.canary_functions, hardening.functions)),
        ("Fortified calls", _fortified(hardening)),
        ("Also", ", ".join(_further(hardening))),
        ("RPATH", ", ".join(hardening.rpath)),
        ("RUNPATH", ", ".join(hardening.runpath)),
        ("Calls of memory functions", NOT_MEASURED if one.calls is None else ""),
        ("SHA-256", one.sha256),
    )


def _fortified(hardening: Hardening) -> str:
    if hardening.fortified is None or hardening.fortifiable is None:
        return NOT_MEASURED
    return _part(hardening.fortified, hardening.fortified + hardening.fortifiable)


def _part(part: int | None, whole: int | None) -> str:
    if part is None or whole is None:
        return NOT_MEASURED
    return f"{part:,} of {whole:,}" + (f" ({percent(part / whole)})" if whole else "")


def _further(hardening: Hardening) -> list[str]:
    named = (
        ("relocates its code", hardening.text_relocations),
        ("asks for an executable stack", hardening.executable_stack),
        ("control-flow integrity (CFI)", hardening.cfi),
        ("indirect branch tracking (IBT)", hardening.ibt),
        ("shadow stack", hardening.shstk),
        ("branch targets (BTI)", hardening.bti),
        ("pointer authentication (PAC)", hardening.pac),
    )
    return [name for name, value in named if value]
