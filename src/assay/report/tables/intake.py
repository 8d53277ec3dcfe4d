"""Tables of what unpacking could not explain."""

from assay.model.evaluation import Evaluation
from assay.model.tree import Region
from assay.report.tables.contract import Cell, Column, Section, Show, Table, nothing
from assay.report.tables.findings import WHOLE_IMAGE


def section(evaluation: Evaluation) -> Section:
    """Bytes that no format explains, and what went wrong on the way."""
    lead = (
        "Bytes in which nothing could be measured. A share of encrypted or unknown bytes is a "
        "limit of everything else that this report says."
    )
    tables = (_regions(evaluation), _problems(evaluation))
    return Section("intake-section", "What was not understood", lead, tables)


def _regions(evaluation: Evaluation) -> Table:
    closed = [region for region in evaluation.tree.regions if not region.understood]
    closed.sort(key=lambda one: (-one.size, one.path, one.offset))
    return Table(
        id="regions",
        title="Regions not understood",
        columns=(
            Column("In", Show.CODE),
            Column("Offset", Show.OFFSET),
            Column("Bytes", Show.NUMBER),
            Column("Format"),
            Column("Entropy, bits a byte", Show.NUMBER),
            Column("Looks", facet=True),
            Column("Why"),
        ),
        rows=tuple(_region(one) for one in closed),
        empty=nothing(evaluation, "intake.understood.share", "Every byte is explained."),
    )


def _region(region: Region) -> tuple[Cell, ...]:
    return (
        region.path or WHOLE_IMAGE,
        region.offset,
        region.size,
        region.format or "unknown",
        region.entropy,
        region.guess.value if region.guess else "not told",
        region.why,
    )


def _problems(evaluation: Evaluation) -> Table:
    return Table(
        id="problems",
        title="Refused or gone wrong while unpacking",
        columns=(
            Column("What", facet=True),
            Column("Why"),
            Column("In", Show.CODE),
            Column("Offset", Show.OFFSET),
        ),
        rows=tuple(
            (one.what, one.why, one.path or WHOLE_IMAGE, one.offset)
            for one in evaluation.tree.problems
        ),
        empty=nothing(evaluation, "intake.understood.share", "Nothing."),
    )
