"""OpenVEX: what the evaluator says of the release's vulnerabilities, for others' tools.

Source: OpenVEX specification 0.2.0. *Affected* is said of releases that an advisory names, with
the action to take; *possibly* is "under investigation", with what is not known; *fixed* is said
where the distribution says so of its build. "Not affected" is never said: nothing that was
measured shows it. What the vendor claims stands in the notes, and where it is contradicted.
"""

import uuid
from datetime import date
from typing import Any

from packageurl import PackageURL

from assay.exchange.text import is_sha256, plain
from assay.model.base import digest
from assay.model.evaluation import Evaluation
from assay.model.known import KnownVulnerability
from assay.model.staleness import staleness

_NAMESPACE = uuid.UUID("5b1f0c3e-6f0a-5d2b-9a3e-2f6f0f7a4c11")
_STATUS = {"affected": "affected", "possibly": "under_investigation", "fixed": "fixed"}


def document(evaluation: Evaluation, made: str) -> dict[str, Any] | None:
    """The document of an evaluation; None where nothing is known, for it must say something.

    Args:
        made: the moment (ISO 8601) at which the evaluation was made.
    """
    said = [_statement(evaluation, one) for one in evaluation.vulnerabilities]
    if not said:
        return None
    content: dict[str, Any] = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "author": "Assay",
        "role": "Evaluator (not the vendor)",
        "timestamp": made,
        "version": 1,
        "tooling": _tooling(evaluation, made),
        "statements": list({repr(one): one for one in said}.values()),
    }
    return {**content, "@id": f"urn:uuid:{uuid.uuid5(_NAMESPACE, digest(content))}"}


def _tooling(evaluation: Evaluation, made: str) -> str:
    knowledge = evaluation.knowledge
    told = f"assay {plain(evaluation.tool.version)}, knowledge {plain(knowledge.version)}"
    old = staleness(knowledge.sources, date.fromisoformat(made[:10]))
    return plain(f"{told}. {old}" if old else told)


def _statement(evaluation: Evaluation, one: KnownVulnerability) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "vulnerability": _vulnerability(one),
        "products": [_product(evaluation, one)],
        "status": _STATUS[one.state],
    }
    if notes := _notes(one):
        statement["status_notes"] = plain(notes)
    if one.state == "affected":
        statement["action_statement"] = plain(_action(one))
    return statement


def _vulnerability(one: KnownVulnerability) -> dict[str, Any]:
    told: dict[str, Any] = {"name": plain(one.id)}
    if one.summary:
        told["description"] = plain(one.summary)
    if one.aliases:
        told["aliases"] = sorted({plain(alias) for alias in one.aliases})
    return told


def _product(evaluation: Evaluation, one: KnownVulnerability) -> dict[str, Any]:
    subject = evaluation.subject
    purl = _purl(subject.vendor, subject.product, subject.release)
    product: dict[str, Any] = {"@id": purl, "identifiers": {"purl": purl}}
    if is_sha256(subject.sha256):
        product["hashes"] = {"sha-256": subject.sha256}
    parts = [_purl("", one.component, release) for release in one.releases]
    product["subcomponents"] = [
        {"@id": part, "identifiers": {"purl": part}} for part in dict.fromkeys(parts)
    ]
    return product


def _purl(namespace: str, name: str, version: str) -> str:
    kind, _, rest = name.partition("/")
    if rest and kind.isalnum() and not namespace:
        group, _, last = rest.rpartition("/")
        return PackageURL(kind, plain(group) or None, plain(last), plain(version)).to_string()
    words = (plain(word).strip().strip("/") for word in (namespace, name, version))
    group, last, release = words
    return PackageURL("generic", group or None, last or "unnamed", release or None).to_string()


def _action(one: KnownVulnerability) -> str:
    if one.fixed_in:
        return f"Move {one.component} to {' or '.join(one.fixed_in)} or later."
    named = "; ".join(dict.fromkeys(claim.says for claim in one.claims if claim.says))
    return f"Move {one.component} to a release that no advisory names ({named})."


def _notes(one: KnownVulnerability) -> str:
    told = [one.why] if one.why else []
    told += [f"exploited in the wild since {one.exploited} or before"] if one.exploited else []
    for claim in one.vendor:
        reason = f" ({claim.justification})" if claim.justification else ""
        told.append(f"the vendor says {claim.status}{reason}, {claim.document}")
        told += [f"contradicted: {claim.contradiction}"] if claim.contradiction else []
    return "; ".join(told)
