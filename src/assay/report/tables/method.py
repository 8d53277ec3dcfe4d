"""Tables of what was measured, by what, and what was not."""

from assay.model.evaluation import Evaluation, Part
from assay.report.tables.contract import Column, Section, Show, Table
from assay.report.text import NOT_MEASURED, measure_value


def gaps(evaluation: Evaluation) -> Section:
    """Everything that was not measured, and why."""
    listed = sorted(evaluation.not_measured, key=lambda gap: (-gap.files, gap.what, gap.why))
    table = Table(
        id="gaps",
        title="Everything that was not measured",
        columns=(
            Column("What", facet=True),
            Column("Why"),
            Column("Files", Show.NUMBER),
            Column("First file", Show.CODE),
        ),
        rows=tuple((gap.what, gap.why, gap.files, gap.path) for gap in listed),
        empty="Everything that was looked for could be measured.",
        whole=True,
    )
    lead = "“Not measured” is never “fine”: of these things this report says nothing."
    return Section("gaps-section", "What was not measured", lead, (table,))


def measures(evaluation: Evaluation) -> Table:
    """Every measure with its value, those without one too."""
    listed = {info.name for info in evaluation.measure_list}
    named = tuple(
        (
            info.name,
            measure_value(info, evaluation.measures.get(info.name)),
            info.unit.value,
            info.meaning,
        )
        for info in evaluation.measure_list
    )
    unlisted = tuple(
        (name, NOT_MEASURED if value is None else str(value), "", "")
        for name, value in sorted(evaluation.measures.items())
        if name not in listed
    )
    return Table(
        id="measures",
        title="All measures",
        lead="Criteria of written assurances are written over these names.",
        columns=(
            Column("Measure", Show.CODE),
            Column("Value"),
            Column("Unit", facet=True),
            Column("Meaning"),
        ),
        rows=named + unlisted,
        empty="Not measured.",
        whole=True,
    )


def parts(evaluation: Evaluation) -> Table:
    """Versions of everything that took part."""

    def rows(whose: str, listed: tuple[Part, ...]) -> tuple[tuple[str, str, str], ...]:
        return tuple((whose, part.name, part.version) for part in listed)

    tool, knowledge = evaluation.tool, evaluation.knowledge
    return Table(
        id="parts",
        title="Versions of tool and knowledge",
        columns=(Column("Of", facet=True), Column("Part"), Column("Version", Show.CODE)),
        rows=(
            ("tool", tool.name, tool.version),
            *rows("tool", tool.parts),
            ("knowledge", f"as of {knowledge.as_of}", knowledge.version),
            *rows("knowledge", knowledge.parts),
        ),
        empty="",
        whole=True,
    )
