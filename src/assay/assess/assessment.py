"""The stage as a whole: observations to measures, findings and gaps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from assay.assess.copies import copies_of, kernels_of, logs_of, sightings_of
from assay.assess.facts import Facts, gather
from assay.assess.findings import find
from assay.assess.gaps import gaps
from assay.assess.known import with_known
from assay.assess.measures import MEASURES, Unknown
from assay.assess.measures.by_component import ComponentMeasure, component_measures
from assay.assess.rules import Rule
from assay.model.advisory import Statement
from assay.model.evaluation import NotMeasured
from assay.model.finding import Finding
from assay.model.functions import FunctionClasses
from assay.model.known import Background
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
    by_component: tuple[ComponentMeasure, ...] = ()
    statements: tuple[Statement, ...] = ()
    built: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VendorSays:
    """What the vendor says of the release: of vulnerabilities (VEX), to which day (ISO date)
    support is promised, and which source files a component's build contains."""

    statements: tuple[Statement, ...] = ()
    supported_until: str = ""
    built: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consulted:
    """What the components are held against: the data, and what the vendor says."""

    background: Background
    vendor: VendorSays = VendorSays()


def assess(
    tree: Tree,
    examined: Iterable[Examined],
    *,
    classes: FunctionClasses,
    rules: Sequence[Rule],
    as_of: str,
    consulted: Consulted | None = None,
) -> Assessment:
    """Fold observations into measures and apply the rules; pure, the same for the same input."""
    facts = _consult(gather(tree, examined, classes, as_of), consulted)
    by_component = component_measures(copies_of(facts), facts.known)
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
        by_component=by_component,
        statements=consulted.vendor.statements if consulted else (),
        built=consulted.vendor.built if consulted else {},
    )


def _consult(facts: Facts, consulted: Consulted | None) -> Facts:
    if consulted is None:
        return facts
    sightings = sightings_of(
        copies_of(facts), kernels_of(facts), facts.tree, consulted.vendor.built, logs_of(facts)
    )
    return with_known(
        facts,
        sightings,
        consulted.background,
        consulted.vendor.statements,
        consulted.vendor.supported_until,
    )
