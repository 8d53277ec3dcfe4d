"""What a board member reads first: key figures, and how far the evaluation reaches."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from assay.model.evaluation import Evaluation
from assay.model.measure import Value
from assay.report.tables.secrets import ReusedKey
from assay.report.text import NOT_MEASURED, number, percent, plural, size


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure, and the sentence that says what it means."""

    label: str
    value: str
    meaning: str
    section: str


@dataclass(frozen=True, slots=True)
class Overview:
    """Key figures; `reused` says where keys of this release are found too, empty if nowhere."""

    figures: tuple[Figure, ...]
    reused: str


def overview(evaluation: Evaluation, reused: tuple[ReusedKey, ...]) -> Overview:
    """The key figures of an evaluation."""
    return Overview(figures=_figures(evaluation), reused=_reused(reused))


def _figures(evaluation: Evaluation) -> tuple[Figure, ...]:
    measures = evaluation.measures
    closed = measures.get("intake.not_understood.bytes")
    left = "" if not isinstance(closed, int | float) else f"; {size(closed)} not understood"
    findings = evaluation.findings
    return (
        Figure(
            "Understood",
            percent(_real(measures.get("intake.understood.share"))),
            f"of {size(evaluation.subject.size)}{left}",
            "intake-section",
        ),
        Figure(
            "Files",
            _count(measures.get("files.count")),
            "unpacked from the image",
            "intake-section",
        ),
        Figure(
            "Executables",
            _count(measures.get("executables.count")),
            _said(
                "calls decoded in {} of programs and libraries",
                percent,
                measures,
                "calls.measured.share",
            ),
            "executables-section",
        ),
        Figure(
            "Components",
            _count(measures.get("components.count")),
            _said("{} in several versions", number, measures, "components.several_versions"),
            "components-section",
        ),
        Figure(
            "Findings",
            number(len(findings)),
            f"by {plural(len({one.rule for one in findings}), 'rule')}",
            "findings-section",
        ),
        Figure(
            "Not measured",
            number(len(evaluation.not_measured)),
            "things of which this report says nothing",
            "gaps-section",
        ),
    )


def _reused(reused: tuple[ReusedKey, ...]) -> str:
    if not reused:
        return ""
    keys = plural(len({one.path for one in reused}), "file") + " with a private key"
    others = sorted({f"{one.vendor} {one.product} {one.release}" for one in reused})
    shown = ", ".join(others[:3]) + (f" and {len(others) - 3:,} more" if len(others) > 3 else "")  # noqa: PLR2004 (shown)
    return f"{keys} of this release: the same key is in {shown}"


def _said(
    sentence: str, show: Callable[[float], str], measures: Mapping[str, Value], name: str
) -> str:
    """A sentence about a measure, nothing where there is no value."""
    value = measures.get(name)
    return sentence.format(show(value)) if isinstance(value, int | float) else ""


def _real(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _count(value: Value) -> str:
    return number(value) if isinstance(value, int | float) else NOT_MEASURED
