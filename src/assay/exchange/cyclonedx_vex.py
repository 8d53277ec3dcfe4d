"""CycloneDX 1.6 `vulnerabilities`: what is known against the components of the bill.

Source: CycloneDX specification 1.6 (ECMA-424), JSON schema `bom-1.6`, `vulnerabilities[].analysis`.
*Affected* is "exploitable" in CycloneDX's words (it may be, directly or not), *possibly* is "in
triage", *fixed* by a distribution is "resolved". The vendor's claims stand in the detail.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from assay.exchange.text import plain
from assay.model.base import digest
from assay.model.evaluation import ComponentCopy, Evaluation
from assay.model.known import KnownVulnerability, identity

_STATES = {"affected": "exploitable", "possibly": "in_triage", "fixed": "resolved"}
_RESPONSES = {"affected": ["update"]}
_METHODS = {"CVSS_V2": "CVSSv2", "CVSS_V3": "CVSSv31", "CVSS_V4": "CVSSv4"}
_LONGEST_VERSION = 1024
_NVD = {"name": "NVD", "url": "https://nvd.nist.gov/"}

References = Mapping[tuple[str, str], str]
"""The bill's reference of each component (its identity and release)."""


def references(groups: Mapping[str, Sequence[ComponentCopy]]) -> dict[tuple[str, str], str]:
    """References by identity and release, from the bill's components and the copies behind them."""
    return {
        (identity(copy.name, copy.purl), _release(copy)): reference
        for reference, copies in groups.items()
        for copy in copies
    }


def vulnerabilities(evaluation: Evaluation, known: References, image: str) -> list[dict[str, Any]]:
    """The list; what stands against a component that is not in the bill affects the image."""
    return [_vulnerability(one, known, image) for one in evaluation.vulnerabilities]


def _vulnerability(one: KnownVulnerability, known: References, image: str) -> dict[str, Any]:
    listed = [one.id, one.component, one.state, *one.releases]
    told: dict[str, Any] = {
        "bom-ref": f"vulnerability:{digest(listed)[:24]}",
        "id": plain(one.id),
        "affects": _affects(one, known, image),
        "analysis": _analysis(one),
        "properties": [
            {"name": f"assay:{name}", "value": plain(value)} for name, value in _properties(one)
        ],
    }
    if one.id.startswith("CVE-"):
        told["source"] = _NVD | {"url": f"https://nvd.nist.gov/vuln/detail/{one.id}"}
    if ratings := _ratings(one):
        told["ratings"] = ratings
    if one.summary:
        told["description"] = plain(one.summary)
    if one.fixed_in:
        fixes = " or ".join(one.fixed_in)
        told["recommendation"] = plain(f"Move {one.component} to {fixes} or later.")
    return told


def _ratings(one: KnownVulnerability) -> list[dict[str, Any]]:
    rating: dict[str, Any] = {}
    if one.severity:
        rating["severity"] = one.severity.value
    if one.score is not None:
        rating["score"] = one.score
    if one.rating:
        method = _METHODS.get(one.rating.kind, "other")
        method = "CVSSv3" if one.rating.vector.startswith("CVSS:3.0") else method
        rating |= {"method": method, "vector": plain(one.rating.vector)}
    return [rating] if rating else []


def _affects(one: KnownVulnerability, known: References, image: str) -> list[dict[str, Any]]:
    found: dict[str, list[str]] = {}
    for release in one.releases:
        found.setdefault(known.get((one.component, release), image), []).append(release)
    return [
        {
            "ref": reference,
            "versions": [
                {
                    "version": plain(release)[:_LONGEST_VERSION],
                    "status": "affected" if one.state == "affected" else "unknown",
                }
                for release in releases
            ],
        }
        for reference, releases in sorted(found.items())
        if one.state != "fixed"
    ] or [{"ref": reference} for reference in sorted(found)]


def _analysis(one: KnownVulnerability) -> dict[str, Any]:
    analysis: dict[str, Any] = {"state": _STATES[one.state]}
    if responses := _RESPONSES.get(one.state):
        analysis["response"] = responses
    if detail := _detail(one):
        analysis["detail"] = plain(detail)
    return analysis


def _detail(one: KnownVulnerability) -> str:
    told = [one.why] if one.why else []
    for claim in one.claims:
        told.append(f"{claim.source}: {claim.says or 'no release'} → {claim.state}")
    for said in one.vendor:
        reason = f" ({said.justification})" if said.justification else ""
        told.append(f"vendor: {said.status}{reason}, {said.document}")
        told += [f"contradicted: {said.contradiction}"] if said.contradiction else []
    return "; ".join(told)


def _properties(one: KnownVulnerability) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = [("state", one.state)]
    told += [("exploited", one.exploited)] if one.exploited else []
    told += [("epss", f"{one.epss:g}")] if one.epss is not None else []
    told += [("path", path) for path in one.paths[:20]]
    return told


def _release(copy: ComponentCopy) -> str:
    if copy.version:
        return copy.version
    if copy.versions:
        return f"{copy.versions.low or '…'} to {copy.versions.high or '…'}"
    return ""
