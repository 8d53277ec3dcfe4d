"""Lists as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from assay.model.finding import RuleInfo
    from assay.model.measure import MeasureInfo
    from assay.workspace import Extractor, Protection, StoredEvaluation

SEVERITY_STYLE = {
    "critical": "bold white on red",
    "high": "bold red",
    "medium": "yellow",
    "low": "cyan",
    "info": "dim",
}


def plain_table(*headings: str) -> Table:
    """A table without lines, columns as wide as they need."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def safe(text: str) -> Text:
    """Text out of an image: no markup in it counts, control characters are shown, not sent."""
    return Text("".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text))


def print_evaluations(evaluations: Sequence[StoredEvaluation]) -> None:
    """The list of evaluations, or what to do where there is none."""
    console = Console()
    if not evaluations:
        console.print(
            "No evaluation yet. `assay evaluate IMAGE --vendor … --product … --release …`"
        )
        return
    table = plain_table(
        "Id", "Vendor", "Product", "Release", "Understood", "Findings", "Worst", "Evaluated"
    )
    for one in evaluations:
        understood = "not measured" if one.understood is None else f"{one.understood:.1%}"
        table.add_row(
            one.id,
            safe(one.vendor),
            safe(one.product),
            safe(one.release),
            understood,
            f"{one.findings:,}",
            Text(one.worst or "–", SEVERITY_STYLE.get(one.worst or "", "")),
            one.evaluated_at[:16].replace("T", " "),
        )
    console.print(table)


def print_doctor(extractors: Sequence[Extractor], protections: Sequence[Protection]) -> None:
    """What is here and what is missing, with the command that installs it."""
    console = Console()
    table = plain_table("Extractor", "For", "Here", "To install")
    for one in extractors:
        here = Text("yes", "green") if one.present else Text("missing", "bold red")
        table.add_row(one.program, one.formats, here, "" if one.present else one.install)
    console.print(table)
    console.print()
    table = plain_table("Protection", "Active", "")
    for protection in protections:
        active = Text("yes", "green") if protection.active else Text("no", "bold red")
        table.add_row(protection.name, active, protection.detail)
    console.print(table)
    missing = [one.install.rsplit(" ", 1)[-1] for one in extractors if not one.present]
    debian = [one for one in extractors if not one.present and one.install.startswith("apt-get")]
    if missing and debian:
        names = " ".join(one.install.rsplit(" ", 1)[-1] for one in debian)
        console.print(f"\nAll that is missing: apt-get install {names}")


def print_measures(measures: Sequence[MeasureInfo]) -> None:
    """Names, units, meanings."""
    table = plain_table("Measure", "Unit", "Meaning")
    table.columns[0].no_wrap = True
    for one in measures:
        table.add_row(one.name, one.unit.value, one.meaning)
    Console().print(table)


def print_rules(rules: Sequence[RuleInfo]) -> None:
    """Ids, severities, titles."""
    table = plain_table("Rule", "Severity", "CWE", "Title")
    table.columns[0].no_wrap = True
    for one in rules:
        style = SEVERITY_STYLE[one.severity.value]
        table.add_row(one.id, Text(one.severity.value, style), one.cwe, one.title)
    Console().print(table)


def print_rule(rule: RuleInfo) -> None:
    """Everything that a rule says."""
    table = plain_table("", "")
    table.show_header = False
    for label, text in (
        ("Rule", rule.id),
        ("Title", rule.title),
        ("Severity", f"{rule.severity.value}: {rule.severity_reason}"),
        ("Weakness", rule.cwe),
        ("Remedy", rule.remedy),
        ("Practice", rule.practice),
    ):
        table.add_row(Text(label, "bold"), Text(text))
    Console().print(table)
