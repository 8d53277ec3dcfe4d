"""Charts as rows of horizontal bars: every chart is a table whose numbers can be read."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from assay.model.evaluation import Evaluation, ExecutableEntry
from assay.model.observations import Hardening
from assay.report.summary import CallRow, Calls
from assay.report.tables.components import by_name, exact_versions, places
from assay.report.tables.executables import LOADED
from assay.report.text import NOT_MEASURED, percent, plural, size

COMPONENTS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: `tone` names its colour, `start` and `width` are percentages of the bar."""

    tone: str
    label: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a chart. `cells` stand beside the bar, one for each of the chart's headings."""

    label: str
    segments: tuple[Segment, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: a heading, what it shows, a legend of tones, bars, and a note beneath."""

    id: str
    title: str
    shows: str
    label: str
    headings: tuple[str, ...]
    bars: tuple[Bar, ...]
    legend: tuple[tuple[str, str], ...] = ()
    note: str = ""
    empty: str = ""


def charts(evaluation: Evaluation, calls: Calls) -> tuple[Chart, ...]:
    """The charts of the report."""
    return (
        _hardening(evaluation),
        _unsafe_calls(calls),
        _copies(evaluation),
        _composition(evaluation),
    )


def _stack(parts: Iterable[tuple[str, str, float]], whole: float) -> tuple[Segment, ...]:
    """Parts (tone, label, amount) one after the other; those of nothing are left out."""
    segments, start = [], 0.0
    for tone, label, amount in parts:
        if amount > 0 and whole > 0:
            width = 100 * amount / whole
            segments.append(Segment(tone, label, round(start, 3), round(width, 3)))
            start += width
    return tuple(segments)


# --- hardening by binary ---

_WELL, _PARTLY, _ILL, _UNKNOWN = "well", "partly", "ill", "unknown"
_TONES = ((_WELL, "yes"), (_PARTLY, "partial"), (_ILL, "no"), (_UNKNOWN, NOT_MEASURED))


def _tone(value: bool | None) -> str:
    if value is None:
        return _UNKNOWN
    return _WELL if value else _ILL


def _relro(hardening: Hardening) -> str:
    tones = {"full": _WELL, "partial": _PARTLY, "none": _ILL, None: _UNKNOWN}
    return tones[hardening.relro]


_DEFENCES: tuple[tuple[str, tuple[str, ...], Callable[[Hardening], str]], ...] = (
    ("PIE (programs)", ("program",), lambda one: _tone(one.pie)),
    ("NX", LOADED, lambda one: _tone(one.nx)),
    ("RELRO", LOADED, _relro),
    ("Stack canary", LOADED, lambda one: _tone(one.canary)),
    ("FORTIFY", LOADED, lambda one: _tone(one.fortify)),
)


def _hardening(evaluation: Evaluation) -> Chart:
    loaded = [one for one in evaluation.executables if one.role in LOADED]
    programs = sum(one.role == "program" for one in loaded)
    return Chart(
        id="chart-hardening",
        title="Hardening by binary",
        shows="Share of programs and libraries with each defence that a build can put in.",
        label="Defence",
        headings=("Yes", "Partial", "No", "Not measured"),
        bars=tuple(_defence(*one, loaded) for one in _DEFENCES) if loaded else (),
        legend=_TONES,
        note=f"{plural(programs, 'program')}, "
        f"{plural(len(loaded) - programs, 'library', 'libraries')}. A canary or FORTIFY counts "
        "as yes from one function on; shares by function and call stand in the measures.",
        empty="There is no program or library in which it could be measured.",
    )


def _defence(
    label: str,
    roles: Sequence[str],
    tone: Callable[[Hardening], str],
    loaded: Iterable[ExecutableEntry],
) -> Bar:
    counts = Counter(tone(one.hardening) for one in loaded if one.role in roles)
    parts = [(name, f"{counts[name]:,} {said}", counts[name]) for name, said in _TONES]
    return Bar(label, _stack(parts, counts.total()), tuple(f"{counts[n]:,}" for n, _ in _TONES))


# --- unsafe shares by family ---


def _unsafe_calls(calls: Calls) -> Chart:
    return Chart(
        id="chart-calls",
        title="Unsafe shares by family",
        shows="Direct calls of memory functions: unsafe among safe and unsafe; bounded ones apart.",
        label="Family",
        headings=("Unsafe share", "Safe", "Bounded", "Unsafe"),
        bars=tuple(_family(row) for row in calls.families) if calls.counted else (),
        legend=((_WELL, "safe"), (_ILL, "unsafe")),
        note="Call sites / different functions called. An indicator of engineering practice: "
        "an unsafe call is not by itself a vulnerability. Indirect calls are not counted.",
        empty="Calls of memory functions: not measured.",
    )


def _family(row: CallRow) -> Bar:
    safe, unsafe = row.safe.sites, row.unsafe.sites
    parts = ((_ILL, f"{unsafe:,} unsafe", unsafe), (_WELL, f"{safe:,} safe", safe))
    tallies = tuple(
        f"{one.sites:,} / {one.functions}" for one in (row.safe, row.bounded, row.unsafe)
    )
    share = "no call" if row.unsafe_share is None else percent(row.unsafe_share)
    return Bar(row.label, _stack(parts, safe + unsafe), (share, *tallies))


# --- copies per component ---


def _copies(evaluation: Evaluation) -> Chart:
    counted = [
        (name, places(copies), len(exact_versions(copies)))
        for name, copies in by_name(evaluation).items()
    ]
    # Those in several versions are what the chart is for: they are shown before wider ones.
    counted.sort(key=lambda one: (one[2] <= 1, -one[1], one[0]))
    shown = sorted(counted[:COMPONENTS_SHOWN], key=lambda one: (-one[1], one[0]))
    most = max((files for _, files, _ in shown), default=0)
    rest = len(counted) - len(shown)
    measured = evaluation.measures.get("components.count") is not None
    return Chart(
        id="chart-components",
        title="Copies per component",
        shows="Files in which a third-party component shows itself.",
        label="Component",
        headings=("Files", "Versions"),
        bars=tuple(
            Bar(
                name,
                _stack(((_PARTLY if versions > 1 else "plain", f"{files:,} files", files),), most),
                (f"{files:,}", f"{versions:,}" if versions else "not told"),
            )
            for name, files, versions in shown
        ),
        legend=(("plain", "one version, or not told"), (_PARTLY, "several versions")),
        note=f"{plural(rest, 'more component stands', 'more components stand')} in the table below."
        if rest
        else "",
        empty="No third-party component was recognised."
        if measured
        else "Components: not measured.",
    )


# --- composition of the image ---


def _composition(evaluation: Evaluation) -> Chart:
    image = _understood(evaluation)
    kinds: Counter[str] = Counter()
    for file in evaluation.tree.files:
        if file.has_content:
            kinds[file.kind.value] += file.size
    whole = kinds.total()
    by_kind = tuple(
        Bar(
            _KINDS.get(kind, kind),
            _stack((("plain", size(count), count),), whole),
            _amount(count, whole),
        )
        for kind, count in sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
        if count
    )
    return Chart(
        id="chart-composition",
        title="Composition of the image",
        shows="The image's own bytes, and beneath them the bytes of the unpacked files by kind.",
        label="What",
        headings=("Bytes", "Share"),
        bars=(image, *by_kind),
        legend=((_WELL, "understood"), (_ILL, "not understood"), ("plain", "files by kind")),
        note="Unpacked files are larger than the image where it was compressed; a container inside "
        "the image counts beside what came out of it.",
    )


_KINDS = {
    "elf": "ELF executables",
    "pe": "PE executables",
    "macho": "Mach-O executables",
    "script": "Scripts",
    "text": "Text",
    "container": "Archives, file systems",
    "data": "Other data",
}


def _understood(evaluation: Evaluation) -> Bar:
    known = evaluation.measures.get("intake.understood.bytes")
    unknown = evaluation.measures.get("intake.not_understood.bytes")
    if not isinstance(known, int | float) or not isinstance(unknown, int | float):
        whole = (Segment(_UNKNOWN, NOT_MEASURED, 0, 100),)
        return Bar("Image understood", whole, (size(evaluation.subject.size), NOT_MEASURED))
    parts = (
        (_WELL, f"{size(known)} understood", known),
        (_ILL, f"{size(unknown)} not understood", unknown),
    )
    return Bar("Image understood", _stack(parts, known + unknown), _amount(known, known + unknown))


def _amount(part: float, whole: float) -> tuple[str, str]:
    return size(part), percent(part / whole) if whole else NOT_MEASURED
