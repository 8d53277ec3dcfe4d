"""Records of the National Vulnerability Database, JSON 2.0 (API answers and yearly feeds).

Source: NIST, CVE and CPE API documentation 2.0 and its schema. Only matches that are marked
vulnerable count, and of those only the component's own CPE name: platforms of an `AND` node and
products that carry the component say nothing of its releases. Newer members (`affected` with what
the CNA says, `cisaExploitAdd`, `vulnStatus` "Deferred") are used where they are there.
"""

from collections.abc import Iterator
from typing import Any

from assay.knowledge.advisories.bounds import (
    JSON,
    RecordError,
    day,
    mapping,
    objects,
    text_of,
)
from assay.knowledge.advisories.branches import disjoint
from assay.knowledge.advisories.cve5 import affected_claims, english
from assay.knowledge.advisories.names import component_of_cpe
from assay.model.advisory import Advisory, Claim, Exploited, Range, Rating

_SOURCE = "NVD"
_KINDS = {
    "cvssMetricV40": "CVSS_V4",
    "cvssMetricV31": "CVSS_V3",
    "cvssMetricV30": "CVSS_V3",
    "cvssMetricV2": "CVSS_V2",
}


def is_nvd(document: Any) -> bool:
    """Whether a JSON value looks like a feed or an answer of the API."""
    if not isinstance(document, dict) or not isinstance(document.get("vulnerabilities"), list):
        return False
    return str(document.get("format", "")).startswith("NVD_CVE") or any(
        isinstance(one, dict) and "cve" in one for one in document["vulnerabilities"][:1]
    )


def read_nvd(entry: JSON) -> tuple[Advisory, Exploited | None]:
    """One entry of `vulnerabilities`.

    Raises:
        RecordError: it has no id or is malformed; says where.
    """
    record = mapping(entry.get("cve"), "cve")
    name = text_of(record.get("id"), 40)
    if not name.startswith("CVE-"):
        raise RecordError("cve.id: missing or no CVE id")
    changed = day(record.get("lastModified"))
    rejected = str(record.get("vulnStatus", "")).lower() == "rejected"
    ratings, severity = _ratings(mapping(record.get("metrics") or {}, "metrics"))
    advisory = Advisory(
        id=name,
        summary=english(record),
        published=day(record.get("published")),
        modified=changed,
        withdrawn=(changed or "1970-01-01") if rejected else "",
        claims=(*_claims(record), *_of_the_cna(record)),
        ratings=ratings,
        severity=severity,
        rated_by=_SOURCE if severity else "",
        cwes=_weaknesses(record),
        references=(f"https://nvd.nist.gov/vuln/detail/{name}",),
    )
    added = day(record.get("cisaExploitAdd"))
    due = day(record.get("cisaActionDue"))
    return advisory, Exploited(id=name, added=added, due=due) if added else None


def _weaknesses(record: JSON) -> tuple[str, ...]:
    found = (
        text_of(text.get("value"), 20)
        for one in objects(record.get("weaknesses"), "weaknesses")
        for text in objects(one.get("description"), "weaknesses.description")
    )
    return tuple(dict.fromkeys(cwe for cwe in found if cwe.startswith("CWE-")))[:10]


def _ratings(metrics: JSON) -> tuple[tuple[Rating, ...], str]:
    """One vector of each CVSS version, NVD's own before others', and the newest one's word."""
    found: list[Rating] = []
    severity = ""
    for member, kind in _KINDS.items():
        listed = sorted(
            objects(metrics.get(member), member), key=lambda one: one.get("type") != "Primary"
        )
        if not listed or any(one.kind == kind for one in found):
            continue
        data = mapping(listed[0].get("cvssData") or {}, f"{member}.cvssData")
        vector = text_of(data.get("vectorString"), 200)
        word = data.get("baseSeverity") or listed[0].get("baseSeverity")
        severity = severity or text_of(word, 20).lower()
        if vector:
            found.append(Rating(kind=kind, vector=vector))
    return tuple(found), severity


def _claims(record: JSON) -> Iterator[Claim]:
    ranges: dict[str, list[Range]] = {}
    versions: dict[str, list[str]] = {}
    for match in _matches(record):
        component, version = component_of_cpe(text_of(match.get("criteria"), 500))
        if not component or version == "-":
            continue
        ranges.setdefault(component, [])
        if version not in ("*", ""):
            versions.setdefault(component, []).append(version)
        else:
            ranges[component].append(_range(match))
    for component, listed in ranges.items():
        yield Claim(
            component=component,
            source=_SOURCE,
            ranges=disjoint(component, listed),
            versions=tuple(dict.fromkeys(versions.get(component, ()))),
        )


def _matches(record: JSON) -> Iterator[JSON]:
    for configuration in objects(record.get("configurations"), "configurations"):
        for node in objects(configuration.get("nodes"), "configurations.nodes"):
            if node.get("negate") is True:
                continue
            for match in objects(node.get("cpeMatch"), "configurations.nodes.cpeMatch"):
                if match.get("vulnerable") is True:
                    yield match


def _range(match: JSON) -> Range:
    after = text_of(match.get("versionStartExcluding"), 128)
    return Range(
        introduced=text_of(match.get("versionStartIncluding"), 128) or after or "0",
        after=bool(after),
        fixed=text_of(match.get("versionEndExcluding"), 128),
        last_affected=text_of(match.get("versionEndIncluding"), 128),
    )


def _of_the_cna(record: JSON) -> Iterator[Claim]:
    """What the CNA says, where the record repeats it: a claim of its own beside NVD's."""
    listed = record.get("affected")
    for one in objects(listed if isinstance(listed, list) else None, "affected"):
        source = f"CNA {text_of(one.get('source'), 60)}".strip()
        inner = one.get("affectedData")
        yield from affected_claims(inner if isinstance(inner, list) else [one], source)
