"""A stored evaluation held against newer data, without its image.

What is known against components depends on the copies, the kernels and the paths of the tree,
all of which an evaluation holds. So vulnerabilities, support, coverage, the measures and findings
made of them, and what of them was not measured are made anew; everything else stays as it was
measured, by the version of Assay that measured it.
"""

from collections.abc import Iterable, Sequence

from assay.assess.copies import sightings_of
from assay.assess.facts import Facts
from assay.assess.findings import find
from assay.assess.known import PREFIX, gaps_of, with_known
from assay.assess.measures import MEASURES, Unknown, known
from assay.assess.measures.by_component import KINDS, component_measures
from assay.assess.rules import Rule
from assay.model.advisory import Statement
from assay.model.evaluation import Evaluation, Knowledge, NotMeasured
from assay.model.finding import Finding, RuleInfo
from assay.model.known import Background
from assay.model.measure import Value

THEMES = frozenset({"vulnerabilities", "lifecycle"})
_MADE_ANEW = frozenset(measure.info.name for measure in known.MEASURES)


def reassess(
    evaluation: Evaluation,
    background: Background,
    *,
    knowledge: Knowledge,
    rules: Sequence[Rule],
    statements: tuple[Statement, ...] | None = None,
) -> Evaluation:
    """The evaluation as it would be with other advisories, lists and statements; pure.

    Args:
        statements: the vendor's; None keeps those of the evaluation.
    """
    said = evaluation.statements if statements is None else statements
    facts = _facts(evaluation, background, said, knowledge.as_of)
    assert facts.known is not None
    by_component = component_measures(evaluation.components, facts.known)
    folded = {measure.info.name: measure.fold(facts) for measure in known.MEASURES}
    unknown = {name: value.why for name, value in folded.items() if isinstance(value, Unknown)}
    fixed: dict[str, Value] = {
        name: None if isinstance(value, Unknown) else value for name, value in folded.items()
    }
    measures = _kept(evaluation) | fixed
    own = [rule for rule in rules if rule.info.theme in THEMES]
    fresh = find(own, facts, measures)
    findings = _findings(evaluation.findings, fresh, evaluation.rules)
    return evaluation.model_copy(
        update={
            "knowledge": knowledge,
            "vulnerabilities": facts.known.vulnerabilities,
            "support": facts.known.support,
            "coverage": facts.known.coverage,
            "statements": said,
            "measures": measures | {one.info.name: one.value for one in by_component},
            "measure_list": (
                *(measure.info for measure in MEASURES),
                *(one.info for one in by_component),
            ),
            "rules": _rules(evaluation.rules, own, fresh, rules),
            "findings": findings,
            "not_measured": _gaps(evaluation.not_measured, [*gaps_of(facts.known)], unknown),
        }
    )


def _facts(
    evaluation: Evaluation, background: Background, said: tuple[Statement, ...], as_of: str
) -> Facts:
    """What is known now against the copies that the evaluation holds."""
    sightings = sightings_of(
        evaluation.components,
        evaluation.kernels,
        evaluation.tree,
        evaluation.built,
        evaluation.change_logs,
    )
    facts = Facts(evaluation.tree, as_of, (), {})
    until = evaluation.subject.supported_until
    return with_known(facts, sightings, background, said, until)


def _kept(evaluation: Evaluation) -> dict[str, Value]:
    """The measures that stay: all but those that are made anew."""
    return {
        name: value
        for name, value in evaluation.measures.items()
        if name not in _MADE_ANEW and not _of_a_component(name)
    }


def _of_a_component(name: str) -> bool:
    return name.startswith("components.") and any(name.endswith(f".{kind}") for kind in KINDS)


def _findings(
    before: Iterable[Finding], fresh: Iterable[Finding], rules: Iterable[RuleInfo]
) -> tuple[Finding, ...]:
    themes = {rule.id: rule.theme for rule in rules}
    kept = [one for one in before if themes.get(one.rule) not in THEMES]
    return tuple(
        sorted(
            (*kept, *fresh),
            key=lambda one: (one.severity.rank, one.rule, one.path, one.fingerprint),
        )
    )


def _rules(
    before: Iterable[RuleInfo],
    own: Iterable[Rule],
    fresh: Iterable[Finding],
    rules: Sequence[Rule],
) -> tuple[RuleInfo, ...]:
    applied = {one.rule for one in fresh}
    kept = {rule.id: rule for rule in before if rule.theme not in THEMES}
    kept |= {rule.info.id: rule.info for rule in own if rule.info.id in applied}
    order = {rule.info.id: number for number, rule in enumerate(rules)}
    return tuple(sorted(kept.values(), key=lambda rule: (order.get(rule.id, len(order)), rule.id)))


def _gaps(
    before: Iterable[NotMeasured], fresh: Iterable[NotMeasured], unknown: dict[str, str]
) -> tuple[NotMeasured, ...]:
    kept = [
        gap
        for gap in before
        if gap.what not in _MADE_ANEW and not gap.what.startswith(f"{PREFIX} of ")
    ]
    kept += fresh
    kept += [NotMeasured(what=name, why=why) for name, why in unknown.items()]
    return tuple(sorted(kept, key=lambda one: (one.what, one.why, one.path)))
