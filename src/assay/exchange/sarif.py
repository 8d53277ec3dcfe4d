"""SARIF 2.1.0: findings for whatever reads static analysis results.

Source: OASIS, Static Analysis Results Interchange Format 2.1.0 plus errata 01. Places are files
of the image relative to IMAGE_ROOT, regions are byte offsets. What was not measured is a
notification of the run, so that silence about a file is not read as praise.

A finding is one result: its first place is the location, the others are related locations,
because section 3.27.12 forbids several locations that can be corrected one by one. Excerpts are
messages, not snippets: secrets in them are masked, and a snippet must be the bytes themselves.
"""

import re
import uuid
from typing import Any

from assay.exchange.artifacts import IMAGE_ROOT, Artifacts
from assay.exchange.text import plain
from assay.model.evaluation import Evaluation, NotMeasured
from assay.model.finding import Finding, FindingEvidence, RuleInfo, Severity

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# GitHub's reading of `security-severity`: 9 and more is critical, 7 high, 4 medium.
_SCORES = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.0",
}
_NOT_MEASURED = {
    "id": "not-measured",
    "name": "NotMeasured",
    "shortDescription": {"text": "Something could not be measured"},
    "fullDescription": {"text": "No result about it means nothing: neither good nor bad."},
    "defaultConfiguration": {"level": "warning"},
}
_CWE = {
    "name": "CWE",
    "guid": str(uuid.uuid5(uuid.NAMESPACE_URL, "https://cwe.mitre.org/")),
    "index": 0,
}
# semver.org, the grammar of 2.0.0 without its rarer forms.
_SEMVER = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


def log(evaluation: Evaluation) -> dict[str, Any]:
    """The log of an evaluation: one run."""
    artifacts = Artifacts(evaluation)
    numbers = {rule.id: number for number, rule in enumerate(evaluation.rules)}
    results = [_result(finding, numbers, artifacts) for finding in evaluation.findings]
    gaps = [_gap(gap, artifacts) for gap in evaluation.not_measured]
    run = {
        "tool": {"driver": _driver(evaluation)},
        "taxonomies": [_taxonomy(evaluation)],
        "originalUriBaseIds": {IMAGE_ROOT: {"description": _text("Root of the unpacked image")}},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": gaps}],
        "automationDetails": {"id": _automation(evaluation)},
        "properties": _properties(evaluation),
        "artifacts": artifacts.listed,
        "results": results,
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }


def _driver(evaluation: Evaluation) -> dict[str, Any]:
    version = plain(evaluation.tool.version)
    cwes = _cwes(evaluation)
    driver: dict[str, Any] = {
        "name": evaluation.tool.name,
        "version": version,
        "rules": [_rule(rule, cwes) for rule in evaluation.rules],
        "notifications": [_NOT_MEASURED],
        "supportedTaxonomies": [_CWE],
    }
    if _SEMVER.fullmatch(version):
        driver["semanticVersion"] = version
    return driver


def _rule(rule: RuleInfo, cwes: list[str]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": rule.id,
        "name": "".join(word[:1].upper() + word[1:] for word in re.split(r"[._-]", rule.id)),
        "shortDescription": _text(rule.title),
        "fullDescription": _text(rule.severity_reason or rule.title),
        "help": _text(f"{rule.remedy}\n\nPractice: {rule.practice}"),
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {
            "security-severity": _SCORES[rule.severity],
            "tags": ["security", rule.theme],
        },
    }
    if rule.cwe:
        described["properties"]["tags"].append(f"external/cwe/{rule.cwe.lower()}")
        target = {"id": rule.cwe, "index": cwes.index(rule.cwe), "toolComponent": _CWE}
        described["relationships"] = [{"target": target, "kinds": ["superset"]}]
    return described


def _cwes(evaluation: Evaluation) -> list[str]:
    return sorted({rule.cwe for rule in evaluation.rules if rule.cwe})


def _taxonomy(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "name": "CWE",
        "guid": _CWE["guid"],
        "organization": "MITRE",
        "shortDescription": {"text": "Common Weakness Enumeration"},
        "informationUri": "https://cwe.mitre.org/",
        "isComprehensive": False,
        "taxa": [_taxon(cwe) for cwe in _cwes(evaluation)],
    }


def _taxon(cwe: str) -> dict[str, Any]:
    number = cwe.removeprefix("CWE-")
    known = {"helpUri": f"https://cwe.mitre.org/data/definitions/{number}.html"}
    return {"id": cwe, **(known if number.isdecimal() else {})}


def _automation(evaluation: Evaluation) -> str:
    subject = evaluation.subject
    steps = ("assay", subject.vendor, subject.product, subject.release, subject.sha256)
    return "/".join(plain(step).replace("/", "_") or "_" for step in steps)


def _properties(evaluation: Evaluation) -> dict[str, str]:
    subject, knowledge = evaluation.subject, evaluation.knowledge
    told = {
        "vendor": subject.vendor,
        "product": subject.product,
        "release": subject.release,
        "imageSha256": subject.sha256,
        "knowledgeVersion": knowledge.version,
        "knowledgeAsOf": knowledge.as_of,
    }
    return {name: plain(value) for name, value in told.items()}


def _result(finding: Finding, numbers: dict[str, int], artifacts: Artifacts) -> dict[str, Any]:
    places = [_location(place, artifacts) for place in finding.evidence]
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": _text(_message(finding)),
        "locations": places[:1] or [{"physicalLocation": artifacts.physical(finding.path)}],
        "partialFingerprints": {"assay/v1": finding.fingerprint},
        "properties": {"severity": finding.severity.value, "places": finding.places},
    }
    if finding.rule in numbers:
        result["ruleIndex"] = numbers[finding.rule]
    if related := _others(places):
        result["relatedLocations"] = related
    return result


def _others(places: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All but the first, each once: the schema wants related locations to differ."""
    seen = {repr(place): place for place in places[1:]}
    return list(seen.values())


def _message(finding: Finding) -> str:
    return finding.title + (f" ({finding.places:,} places)" if finding.places > 1 else "")


def _location(place: FindingEvidence, artifacts: Artifacts) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": artifacts.physical(place.path, place.offset)}
    if place.symbol:
        location["logicalLocations"] = [{"name": plain(place.symbol)}]
    if place.excerpt:
        location["message"] = _text(place.excerpt)
    return location


def _gap(gap: NotMeasured, artifacts: Artifacts) -> dict[str, Any]:
    many = f" ({gap.files:,} files)" if gap.files > 1 else ""
    return {
        "descriptor": {"id": _NOT_MEASURED["id"], "index": 0},
        "level": "warning",
        "message": _text(f"Not measured: {gap.what}{many}: {gap.why}"),
        "locations": [{"physicalLocation": artifacts.physical(gap.path)}],
    }


def _text(text: str) -> dict[str, str]:
    """A plain text message that says what it says.

    Braces are doubled (section 3.11.5); what would read as an embedded link (3.11.6) is parted.
    """
    literal = plain(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")
    return {"text": literal or " "}
