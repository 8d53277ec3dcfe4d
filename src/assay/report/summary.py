"""What every view of an evaluation opens with."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from assay.model.evaluation import Evaluation, FunctionCalls
from assay.model.finding import Finding, RuleInfo, Severity
from assay.model.functions import Family, Safety

MATTERS_KEPT = 5
PATHS_SHOWN = 3

_FAMILIES = (
    (Family.MEMCPY, "memcpy-like"),
    (Family.STRCPY, "strcpy-like"),
    (Family.SPRINTF, "sprintf-like"),
)


@dataclass(frozen=True, slots=True)
class Group:
    """All findings of one rule; `places` adds up theirs."""

    rule: RuleInfo
    severity: Severity
    findings: tuple[Finding, ...]
    places: int

    @property
    def first_paths(self) -> tuple[str, ...]:
        """A few different files, in the findings' order."""
        return self._paths()[:PATHS_SHOWN]

    @property
    def more_paths(self) -> bool:
        """Whether it occurs in further files, or in places of which no evidence was kept."""
        untold = any(one.places > len(one.evidence) for one in self.findings)
        return untold or len(self._paths()) > PATHS_SHOWN

    def _paths(self) -> tuple[str, ...]:
        paths = (
            path
            for one in self.findings
            for path in (one.path, *(proof.path for proof in one.evidence))
        )
        return tuple(dict.fromkeys(path for path in paths if path))


@dataclass(frozen=True, slots=True)
class Tally:
    """Call sites, and how many different functions they call."""

    sites: int = 0
    functions: int = 0


@dataclass(frozen=True, slots=True)
class CallRow:
    """One family of functions by safety.

    `unsafe_share` is unsafe / (safe + unsafe), as the oversight reports quote it: bounded calls
    stand apart. None where there is neither.
    """

    label: str
    safe: Tally
    bounded: Tally
    unsafe: Tally
    unsafe_share: float | None


@dataclass(frozen=True, slots=True)
class Calls:
    """The table of the oversight reports. `counted` is false where no call site was measured."""

    counted: bool
    families: tuple[CallRow, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts by severity (all, worst first), the groups that matter most, the calls."""

    severities: tuple[tuple[Severity, int], ...]
    matters: tuple[Group, ...]
    calls: Calls


def summarise(evaluation: Evaluation) -> Summary:
    """The summary of an evaluation: a pure fold over it."""
    counts = Counter(finding.severity for finding in evaluation.findings)
    return Summary(
        severities=tuple((severity, counts[severity]) for severity in Severity),
        matters=_matters(group_by_rule(evaluation)),
        calls=_calls(evaluation),
    )


def group_by_rule(evaluation: Evaluation) -> tuple[Group, ...]:
    """Findings grouped by rule: the worst severity first, then what occurs in most places.

    A rule that the evaluation does not list is told by what its findings say.
    """
    rules = {rule.id: rule for rule in evaluation.rules}
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in evaluation.findings:
        by_rule[finding.rule].append(finding)
    groups = [
        Group(
            rule=rules.get(rule) or _unlisted(findings[0]),
            severity=min((one.severity for one in findings), key=lambda one: one.rank),
            findings=tuple(findings),
            places=sum(one.places for one in findings),
        )
        for rule, findings in by_rule.items()
    ]
    return tuple(sorted(groups, key=lambda one: (one.severity.rank, -one.places, one.rule.id)))


def _matters(groups: Iterable[Group]) -> tuple[Group, ...]:
    """The first few; what is mere information never matters most."""
    chosen = [group for group in groups if group.severity is not Severity.INFO]
    return tuple(chosen[:MATTERS_KEPT])


def _unlisted(finding: Finding) -> RuleInfo:
    return RuleInfo(
        id=finding.rule,
        theme=finding.rule.split(".", maxsplit=1)[0],
        title=finding.title,
        severity=finding.severity,
        severity_reason="",
        cwe=finding.cwe,
        remedy="",
        practice="",
    )


def _calls(evaluation: Evaluation) -> Calls:
    tables = [one.calls for one in evaluation.executables if one.calls is not None]
    called = [function for table in tables for function in table.functions if function.sites]
    rows = tuple(_row(family, label, called) for family, label in _FAMILIES)
    return Calls(counted=bool(tables), families=rows)


def _row(family: Family, label: str, called: Iterable[FunctionCalls]) -> CallRow:
    sites: Counter[Safety] = Counter()
    names: dict[Safety, set[str]] = defaultdict(set)
    for function in called:
        if function.family is family:
            sites[function.safety] += function.sites
            names[function.safety].add(function.name)
    tallies = {safety: Tally(sites[safety], len(names[safety])) for safety in Safety}
    whole = sites[Safety.SAFE] + sites[Safety.UNSAFE]
    return CallRow(
        label=label,
        safe=tallies[Safety.SAFE],
        bounded=tallies[Safety.BOUNDED],
        unsafe=tallies[Safety.UNSAFE],
        unsafe_share=sites[Safety.UNSAFE] / whole if whole else None,
    )
