"""The evaluation as one value, and the seals that stay behind in the workspace."""

from collections.abc import Sequence
from typing import Any, TypeVar

from assay.assess.assessment import Assessment
from assay.assess.copies import copies_of, logs_of
from assay.assess.facts import Facts, Sighting
from assay.assess.measures import MEASURES
from assay.assess.rules import Rule
from assay.model.base import Frozen
from assay.model.evaluated import SealedSecret
from assay.model.evaluation import (
    CallTable,
    Evaluation,
    ExecutableEntry,
    Knowledge,
    Seen,
    Subject,
    Tool,
)
from assay.model.observations import (
    Account,
    AuthorizedKey,
    Certificate,
    Credential,
    Executable,
    KernelImage,
    KernelModule,
    PrivateKey,
    Service,
    Weakness,
)

F = TypeVar("F", bound=Frozen)


def compose(
    assessment: Assessment,
    *,
    subject: Subject,
    tool: Tool,
    knowledge: Knowledge,
    rules: Sequence[Rule],
) -> Evaluation:
    """Put the evaluation together. Secrets' seals are blanked: they differ between workspaces."""
    facts = assessment.facts
    applied = {finding.rule for finding in assessment.findings}
    return Evaluation(
        tool=tool,
        knowledge=knowledge,
        subject=subject,
        tree=facts.tree,
        components=copies_of(facts),
        vulnerabilities=facts.known.vulnerabilities if facts.known else (),
        support=facts.known.support if facts.known else (),
        coverage=facts.known.coverage if facts.known else (),
        statements=assessment.statements,
        built=dict(assessment.built),
        change_logs=logs_of(facts),
        executables=_executables(facts),
        modules=_seen(facts, KernelModule),
        kernels=_seen(facts, KernelImage),
        private_keys=_seen(facts, PrivateKey),
        certificates=_seen(facts, Certificate),
        accounts=_seen(facts, Account),
        authorized_keys=_seen(facts, AuthorizedKey),
        credentials=_seen(facts, Credential),
        services=_seen(facts, Service),
        weaknesses=_seen(facts, Weakness),
        measures=assessment.measures
        | {one.info.name: one.value for one in assessment.by_component},
        measure_list=(
            *(measure.info for measure in MEASURES),
            *(one.info for one in assessment.by_component),
        ),
        rules=tuple(rule.info for rule in rules if rule.info.id in applied),
        findings=assessment.findings,
        not_measured=assessment.not_measured,
    )


def seals(facts: Facts) -> tuple[SealedSecret, ...]:
    """The secrets by which releases can be compared: not account fields that hold no password."""
    secrets: list[Sighting[Any]] = [
        *facts.of(PrivateKey),
        *facts.of(Credential),
        *facts.of(Account),
    ]
    found = [
        SealedSecret(seen.fact.seal, _say(seen.fact), seen.file.path)
        for seen in secrets
        if seen.fact.seal
    ]
    return tuple(sorted(set(found), key=lambda one: (one.path, one.what, one.seal)))


def _say(fact: Frozen) -> str:
    if isinstance(fact, PrivateKey):
        return f"{fact.algorithm} private key"
    if isinstance(fact, Credential):
        return fact.category
    return "account password"


def _seen(facts: Facts, kind: type[F]) -> tuple[Seen[F], ...]:
    return tuple(
        Seen[F].model_construct(path=seen.file.path, fact=_unsealed(seen.fact))
        for seen in facts.of(kind)
    )


def _unsealed(fact: F) -> F:
    return fact.model_copy(update={"seal": ""}) if getattr(fact, "seal", "") else fact


def _executables(facts: Facts) -> tuple[ExecutableEntry, ...]:
    tables = {seen.file.path: seen.fact for seen in facts.of(CallTable)}
    return tuple(_executable(seen, tables.get(seen.file.path)) for seen in facts.of(Executable))


def _executable(seen: Sighting[Executable], calls: CallTable | None) -> ExecutableEntry:
    values: dict[str, Any] = {
        name: getattr(seen.fact, name) for name in type(seen.fact).model_fields
    }
    values.pop("type")
    return ExecutableEntry(path=seen.file.path, sha256=seen.file.sha256, calls=calls, **values)
