"""The table of findings, open to their evidence."""

from assay.model.evaluation import Evaluation
from assay.model.finding import Finding, FindingEvidence, RuleInfo
from assay.report.tables.contract import Cell, Column, Detail, Section, Show, Table

WHOLE_IMAGE = "the image"

_COLUMNS = (
    Column("Severity", Show.SEVERITY, facet=True),
    Column("Finding"),
    Column("Theme", facet=True),
    Column("CWE", Show.SHORT),
    Column("First place", Show.CODE),
    Column("Places", Show.NUMBER),
)
_EVIDENCE = (
    Column("File", Show.CODE),
    Column("Offset", Show.OFFSET),
    Column("Symbol", Show.CODE),
    Column("Excerpt", Show.CODE),
    Column("Out of", Show.CODE),
    Column("SHA-256 of the file", Show.HASH),
)


def section(evaluation: Evaluation) -> Section:
    """All findings, worst first."""
    rules = {rule.id: rule for rule in evaluation.rules}
    findings = sorted(evaluation.findings, key=lambda one: one.severity.rank)
    table = Table(
        id="findings",
        title="All findings",
        columns=_COLUMNS,
        rows=tuple(_row(one, rules.get(one.rule)) for one in findings),
        details=tuple(_detail(one, rules.get(one.rule)) for one in findings),
        detail_columns=_EVIDENCE,
        opened=True,
        empty="No rule applied. That says nothing of what was not measured; see the list below.",
    )
    lead = (
        "A finding is a deficiency that a rule sees in what was measured. Open one for its "
        "evidence, the reason for its severity and what an engineer should do. The fingerprint "
        "stays the same from release to release as long as the deficiency does."
    )
    return Section("findings-section", "Findings", lead, (table,))


def _row(finding: Finding, rule: RuleInfo | None) -> tuple[Cell, ...]:
    return (
        finding.severity.value,
        finding.title,
        rule.theme if rule else finding.rule.split(".", maxsplit=1)[0],
        finding.cwe,
        finding.path or WHOLE_IMAGE,
        finding.places,
    )


def _detail(finding: Finding, rule: RuleInfo | None) -> Detail:
    said = (
        (
            ("Why this severity", rule.severity_reason),
            ("What to do", rule.remedy),
            ("Practice that avoids it", rule.practice),
        )
        if rule
        else ()
    )
    shown, places = len(finding.evidence), finding.places
    known = (
        ("Rule", finding.rule),
        ("Fingerprint", finding.fingerprint),
        ("Evidence", f"{shown:,} of {places:,} places" if 0 < shown < places else ""),
    )
    return Detail(
        texts=tuple((label, text) for label, text in (*said, *known) if text),
        rows=tuple(_evidence(one) for one in finding.evidence),
    )


def _evidence(one: FindingEvidence) -> tuple[Cell, ...]:
    return (
        one.path or WHOLE_IMAGE,
        one.offset,
        one.symbol,
        one.excerpt,
        " › ".join(one.containers),
        one.sha256,
    )
