"""Findings: rules applied to facts and measures."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from assay.assess.facts import Facts, Sighting
from assay.assess.rules import SCOPE, Rule
from assay.expression import Values
from assay.model.base import Frozen, digest
from assay.model.evaluation import CallTable
from assay.model.finding import EVIDENCE_KEPT, Finding, FindingEvidence
from assay.model.functions import Family, Safety
from assay.model.measure import Value
from assay.model.observations import Evidence
from assay.model.tree import File, Kind, Region

_CALLS_SHOWN = 5
_SO_VERSION = re.compile(r"\.so(\.\d[\w.]*)?$")
_VERSION = re.compile(r"[-_]?v?\d+(\.\d+)+([a-z]\d*)?(-r?\d+(\.\d+)*|[+~][a-z0-9]+(\.\d+)*)*")


def stem(name: str) -> str:
    """A file's name without versions: `libssl.so.1.1` and `libssl-3.0.so` are both `libssl.so`."""
    return _VERSION.sub("", _SO_VERSION.sub(".so", name)) or name


@dataclass(frozen=True, slots=True)
class _Place:
    """Something that a rule may apply to: the values for its expressions, and its evidence."""

    values: Values
    evidence: tuple[FindingEvidence, ...]


@dataclass(frozen=True, slots=True)
class _Hit:
    identity: str
    subject: str
    evidence: tuple[FindingEvidence, ...]


def find(rules: Iterable[Rule], facts: Facts, measures: Mapping[str, Value]) -> tuple[Finding, ...]:
    """Apply every rule; findings worst first, those of one fingerprint as one finding."""
    by_kind: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        by_kind[rule.over].append(rule)
    hits: dict[str, list[_Hit]] = defaultdict(list)
    infos = {rule.info.id: rule for group in by_kind.values() for rule in group}
    # One evaluation tells of most places that no rule applies to them.
    any_applies = {kind: SCOPE.any_of(one.when for one in group) for kind, group in by_kind.items()}
    for kind, place in _places(facts, measures, frozenset(by_kind)):
        if kind not in by_kind or any_applies[kind].value(place.values) is False:
            continue
        for rule in by_kind[kind]:
            if rule.when.value(place.values) is True:
                hits[rule.info.id].append(_hit(rule, place))
    found = [finding for rule, of_rule in hits.items() for finding in _merge(infos[rule], of_rule)]
    return tuple(
        sorted(found, key=lambda one: (one.severity.rank, one.rule, one.path, one.fingerprint))
    )


def _hit(rule: Rule, place: _Place) -> _Hit:
    identity, subject = rule.identity.value(place.values), rule.subject.value(place.values)
    return _Hit(
        identity if isinstance(identity, str) else "",
        subject if isinstance(subject, str) else "",
        place.evidence,
    )


def _merge(rule: Rule, hits: Iterable[_Hit]) -> Iterator[Finding]:
    by_identity: dict[str, list[_Hit]] = defaultdict(list)
    for hit in hits:
        by_identity[hit.identity].append(hit)
    for identity, same in by_identity.items():
        evidence = [item for hit in same for item in hit.evidence]
        subjects = sorted({hit.subject for hit in same if hit.subject})
        info = rule.info
        yield Finding(
            fingerprint=digest(["assay-finding/1", info.id, identity])[:32],
            rule=info.id,
            title=info.title + (f": {subjects[0]}" if len(subjects) == 1 else ""),
            severity=info.severity,
            cwe=info.cwe,
            path=evidence[0].path if evidence else "",
            places=len(same),
            evidence=tuple(evidence[:EVIDENCE_KEPT]),
        )


def _places(
    facts: Facts, measures: Mapping[str, Value], kinds: frozenset[str]
) -> Iterator[tuple[str, _Place]]:
    """Everything that rules of these kinds look over, with the kind they name it by."""
    listed = {
        name: list(value) if isinstance(value, tuple) else value for name, value in measures.items()
    }
    common: dict[str, Any] = {"o": {}, "file": {}, "m": listed, "as_of": facts.as_of}
    yield "measures", _Place(SCOPE.values(common), (FindingEvidence(path=""),))
    for region in facts.tree.regions:
        values = SCOPE.values(common | {"o": region.model_dump(mode="json")})
        yield "region", _Place(values, (_region_evidence(region),))
    files = {file.path: _file_values(file) for file in facts.tree.files}
    for file in facts.tree.files:
        values = SCOPE.values(common | {"file": files[file.path]})
        yield "file", _Place(values, (_evidence(file, Evidence()),))
    for sightings in facts.sightings.values():
        for seen in sightings:
            kind = _kind(seen.fact)
            if kind in kinds:
                observed = {"o": seen.fact.model_dump(mode="json"), "file": files[seen.file.path]}
                yield kind, _Place(SCOPE.values(common | observed), tuple(_proofs(seen)))


def _kind(fact: Frozen) -> str:
    return "calls" if isinstance(fact, CallTable) else _type_name(fact)


def _type_name(fact: Frozen) -> str:
    name = getattr(fact, "type", "")
    return "" if name == "calls" else name  # rules see the table, not the raw counts


def _file_values(file: File) -> dict[str, Any]:
    mode = file.mode or 0
    return {
        "path": file.path,
        "name": file.name,
        "stem": stem(file.name),
        "kind": file.kind.value,
        "size": file.size,
        "mode": file.mode,
        "setuid": file.has_content and mode & 0o4000 != 0,
        "setgid": file.has_content and mode & 0o2000 != 0,
        "sticky": mode & 0o1000 != 0,
        "world_writable": file.kind is not Kind.SYMLINK and mode & 0o002 != 0,
        "uid": file.uid,
        "gid": file.gid,
        "target": file.target,
        "resolved": file.resolved,
        "capabilities": list(file.capabilities or ()),
        "containers": [f"{step.format}@{step.offset:#x}" for step in file.containers],
    }


def _proofs(seen: Sighting[Any]) -> Iterator[FindingEvidence]:
    if isinstance(seen.fact, CallTable):
        yield from _call_proofs(seen.file, seen.fact)
        return
    proof = getattr(seen.fact, "evidence", None)
    proofs = proof if isinstance(proof, tuple) else (proof,)
    for one in proofs or (None,):
        yield _evidence(seen.file, one or Evidence())


def _call_proofs(file: File, table: CallTable) -> Iterator[FindingEvidence]:
    risky = [
        function
        for function in table.functions
        if function.safety is Safety.UNSAFE or function.family is Family.BANNED
    ]
    risky.sort(key=lambda function: (-function.sites, function.name))
    for function in risky[:_CALLS_SHOWN]:
        yield _evidence(
            file,
            Evidence(
                offset=function.offsets[0] if function.offsets else None,
                symbol=function.name,
                excerpt=f"{function.sites} call sites" if function.sites > 1 else "1 call site",
            ),
        )


def _evidence(file: File, proof: Evidence) -> FindingEvidence:
    return FindingEvidence(
        path=file.path,
        sha256=file.sha256,
        containers=tuple(f"{step.format}@{step.offset:#x}" for step in file.containers),
        offset=proof.offset,
        excerpt=proof.excerpt,
        symbol=proof.symbol,
    )


def _region_evidence(region: Region) -> FindingEvidence:
    said = region.why or (region.guess.value if region.guess else "")
    return FindingEvidence(
        path=region.path, offset=region.offset, excerpt=f"{region.size:,} bytes: {said}"
    )
