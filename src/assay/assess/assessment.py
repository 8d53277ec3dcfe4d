"""The stage as a whole: observations to measures, findings and gaps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assay.assess.facts import Facts, gather
from assay.assess.findings import find
from assay.assess.gaps import gaps
from assay.assess.measures import MEASURES, Unknown
from assay.assess.rules import Rule
from assay.model.evaluation import NotMeasured
from assay.model.finding import Finding
from assay.model.functions import FunctionClasses
from assay.model.measure import Value
from assay.model.outcome import Examined
from assay.model.tree import Tree


@dataclass(frozen=True)
class Assessment:
    """Facts with what was made of them."""

    facts: Facts
    measures: dict[str, Value]
    findings: tuple[Finding, ...]
    not_measured: tuple[NotMeasured, ...]


def assess(
    tree: Tree,
    examined: Iterable[Examined],
    *,
    classes: FunctionClasses,
    rules: Sequence[Rule],
    as_of: str,
) -> Assessment:
    """Fold observations into measures and apply the rules; pure, the same for the same input."""
    facts = gather(tree, examined, classes, as_of)
    folded = {measure.info.name: measure.fold(facts) for measure in MEASURES}
    unknown = {name: value for name, value in folded.items() if isinstance(value, Unknown)}
    measures: dict[str, Value] = {
        name: None if isinstance(value, Unknown) else value for name, value in folded.items()
    }
    return Assessment(
        facts=facts,
        measures=measures,
        findings=find(rules, facts, measures),
        not_measured=gaps(facts, unknown),
    )
