"""The table of third-party components, open to their copies."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from assay.model.evaluation import ComponentCopy, Evaluation
from assay.report.tables.contract import Cell, Column, Detail, Section, Show, Table, nothing

_COLUMNS = (
    Column("Component"),
    Column("Versions"),
    Column("Different versions", Show.NUMBER),
    Column("Files", Show.NUMBER),
    Column("Copy", facet=True),
    Column("Supplier"),
    Column("Recognised by", facet=True),
)
_COPIES = (
    Column("File", Show.CODE),
    Column("Version"),
    Column("Copy"),
    Column("Recognised by"),
    Column("Confidence", Show.NUMBER),
    Column("Offset", Show.OFFSET),
    Column("Evidence", Show.CODE),
    Column("Package URL", Show.CODE),
)
_EVIDENCE_SHOWN = 3


def by_name(evaluation: Evaluation) -> dict[str, list[ComponentCopy]]:
    """The copies of each component."""
    copies: dict[str, list[ComponentCopy]] = defaultdict(list)
    for copy in evaluation.components:
        copies[copy.name].append(copy)
    return copies


def exact_versions(copies: Sequence[ComponentCopy]) -> set[str]:
    """Versions that are certain; overlapping intervals would prove no difference."""
    return {copy.version for copy in copies if copy.version}


def places(copies: Sequence[ComponentCopy]) -> int:
    """Files in which a component shows itself."""
    return len({copy.path for copy in copies})


def section(evaluation: Evaluation) -> Section:
    """All components, those in most files first."""
    named = sorted(by_name(evaluation).items(), key=lambda item: (-places(item[1]), item[0]))
    table = Table(
        id="components",
        title="Components and their copies",
        columns=_COLUMNS,
        rows=tuple(_row(name, copies) for name, copies in named),
        details=tuple(Detail(rows=tuple(_copy(one) for one in copies)) for _, copies in named),
        detail_columns=_COPIES,
        empty=nothing(evaluation, "components.count", "No third-party component was recognised."),
    )
    lead = (
        "Third-party software and the files in which it shows itself. Every copy has to be "
        "maintained: one component in several versions is several times the work, and the "
        "oldest copy is as old as the product is."
    )
    return Section("components-section", "Components", lead, (table,))


def _row(name: str, copies: Sequence[ComponentCopy]) -> tuple[Cell, ...]:
    said = sorted({_version(one) for one in copies} - {""})
    return (
        name,
        ", ".join(said) or "not told",
        len(exact_versions(copies)),
        places(copies),
        _list(one.extent or "not told" for one in copies),
        _list(one.supplier for one in copies),
        _list(one.method for one in copies),
    )


def _copy(copy: ComponentCopy) -> tuple[Cell, ...]:
    shown = copy.evidence[:_EVIDENCE_SHOWN]
    return (
        copy.path,
        _version(copy) or "not told",
        copy.extent or "not told",
        copy.method,
        float(copy.confidence),
        next((one.offset for one in shown if one.offset is not None), None),
        " · ".join(one.excerpt or one.symbol for one in shown if one.excerpt or one.symbol),
        copy.purl,
    )


def _version(copy: ComponentCopy) -> str:
    if copy.version:
        return copy.version
    if copy.versions is None:
        return ""
    return f"{copy.versions.low or '…'} to {copy.versions.high or '…'}"


def _list(texts: Iterable[str]) -> str:
    return ", ".join(sorted({text for text in texts if text}))
