"""What is known against the components, in a few lines; how old the data is, always."""

from datetime import UTC, datetime

from rich.console import Console
from rich.text import Text

from assay.cli.tables import SEVERITY_STYLE, safe
from assay.model.evaluation import Evaluation
from assay.model.known import KnownVulnerability
from assay.model.staleness import stale_in_short

_SHOWN = 3


def print_known(console: Console, evaluation: Evaluation) -> None:
    """Counts, the first few vulnerabilities with the way out, and what the data can't tell."""
    counts = ("possibly", "known", "exploited", "critical")
    measured = {one: evaluation.measures.get(f"vulnerabilities.{one}") for one in counts}
    told = [f"{value:,} {one}" for one, value in measured.items() if isinstance(value, int)]
    untold = [one for one, value in measured.items() if value is None]
    told += [f"not measured: {', '.join(untold)}"] if untold else []
    console.print(Text("Known     ", "bold") + Text("   ".join(told)))
    first = {(one.id, one.component): one for one in reversed(evaluation.vulnerabilities)}
    for one in list(reversed(first.values()))[:_SHOWN]:
        line = _line(one)
        line.truncate(console.width, overflow="ellipsis")
        console.print(line)
    unsupported = _count(evaluation, "lifecycle.unsupported")
    console.print(Text("Support   ", "bold") + Text(f"{unsupported} releases out of support"))
    silent = [one.component for one in evaluation.coverage if not one.is_measured]
    limits = [f"says little or nothing of {len(silent)} components"] if silent else []
    old = stale_in_short(evaluation.knowledge.sources, datetime.now(UTC).date())
    limits += [old] if old else []
    for limit in limits:
        console.print(Text("Data      ", "bold") + Text(limit, "yellow"))


def _line(one: KnownVulnerability) -> Text:
    style = SEVERITY_STYLE.get(one.severity.value, "") if one.severity else ""
    line = Text("          ") + Text(f"{one.severity.value if one.severity else '–':<8} ", style)
    fix = f", fixed in {' or '.join(one.fixed_in)}" if one.fixed_in else ""
    exploited = ", exploited in the wild" if one.exploited else ""
    releases = ", ".join(one.releases)
    said = f"{one.id} {one.state}: {one.component} {releases}{fix}{exploited}"
    return line + safe(said)


def _count(evaluation: Evaluation, name: str) -> str:
    value = evaluation.measures.get(name)
    return f"{value:,}" if isinstance(value, int | float) else "not measured:"
