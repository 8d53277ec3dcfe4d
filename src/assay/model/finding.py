"""Findings: deficiencies with severity, evidence, and a fingerprint that outlives releases."""

from enum import StrEnum

from assay.model.base import Frozen

EVIDENCE_KEPT = 25


class Severity(StrEnum):
    """How much it matters, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


class FindingEvidence(Frozen):
    """One place that proves a finding: the file, the way to it, and the bytes or symbol there.

    `containers` are the steps from the image to the file as `format@offset`.
    """

    path: str
    sha256: str = ""
    containers: tuple[str, ...] = ()
    offset: int | None = None
    excerpt: str = ""
    symbol: str = ""


class RuleInfo(Frozen):
    """What a rule says whenever it applies.

    `severity_reason` says why this severity; `remedy` what an engineer should do; `practice`
    names the known practice that would have avoided the deficiency, with its reference.
    """

    id: str
    theme: str
    title: str
    severity: Severity
    severity_reason: str
    cwe: str
    remedy: str
    practice: str


class Finding(Frozen):
    """A deficiency. `fingerprint` survives a rebuild, a moved file and a version bump.

    `path` is the first place, `places` counts all of them; `evidence` holds at most
    `EVIDENCE_KEPT` of them.
    """

    fingerprint: str
    rule: str
    title: str
    severity: Severity
    cwe: str
    path: str
    places: int
    evidence: tuple[FindingEvidence, ...]
