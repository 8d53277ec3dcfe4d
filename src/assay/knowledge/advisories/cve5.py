"""CVE records, JSON 5 (the CVE List).

Source: CVE Program, record format 5.x: `affected`, `versions`, `defaultStatus`. The kernel's
records say each thing up to three times; ranges of commits and `cpeApplicability` are left out,
for the first can't be held against a release and the second overlaps (see `branches`).
Ranges that stand as text in a version (`>= 2.4, < 2.4.9`) are read; "n/a" says nothing.
"""

import re
from collections.abc import Iterator
from typing import Any

from assay.knowledge.advisories.bounds import (
    JSON,
    RecordError,
    day,
    mapping,
    objects,
    text_of,
    texts,
)
from assay.knowledge.advisories.branches import between, disjoint
from assay.knowledge.advisories.names import component_of, component_of_cpe
from assay.model.advisory import Advisory, Claim, Exploited, Range, Rating

_NOTHING = frozenset({"", "n/a", "-", "unspecified", "unknown", "none", "not applicable"})
_BOUND = re.compile(r"(<=|>=|<|>|=)\s*v?([0-9][\w.+~-]*)")
_THROUGH = re.compile(
    r"(?:through|up to(?: and including)?|<=)\s*v?([0-9][\w.+~-]*)", re.IGNORECASE
)
_BEFORE = re.compile(r"(?:before|prior to|<)\s*v?([0-9][\w.+~-]*)", re.IGNORECASE)
_VERSION = re.compile(r"v?([0-9][\w.+~-]*)")
_KINDS = (("cvssV4_0", "CVSS_V4"), ("cvssV3_1", "CVSS_V3"), ("cvssV3_0", "CVSS_V3"))


def is_cve5(record: Any) -> bool:
    """Whether a JSON value looks like a CVE record."""
    return isinstance(record, dict) and (
        record.get("dataType") == "CVE_RECORD" or "cveMetadata" in record
    )


def read_cve5(record: JSON) -> tuple[Advisory, Exploited | None]:
    """One record: what the CNA and those who add to it say.

    Raises:
        RecordError: it has no id or is malformed; says where.
    """
    about = mapping(record.get("cveMetadata"), "cveMetadata")
    name = text_of(about.get("cveId"), 40)
    if not name.startswith("CVE-"):
        raise RecordError("cveMetadata.cveId: missing or no CVE id")
    changed = day(about.get("dateUpdated")) or day(about.get("datePublished"))
    rejected = about.get("state") == "REJECTED"
    containers = mapping(record.get("containers") or {}, "containers")
    cna = mapping(containers.get("cna") or {}, "containers.cna")
    adps = list(objects(containers.get("adp"), "containers.adp"))
    ratings, severity, by = _ratings([cna, *adps])
    advisory = Advisory(
        id=name,
        summary=text_of(cna.get("title"), 300) or english(cna),
        published=day(about.get("datePublished")),
        modified=changed,
        withdrawn=(changed or "1970-01-01") if rejected else "",
        claims=tuple(claim for one in (cna, *adps) for claim in _claims(one)),
        ratings=ratings,
        severity=severity,
        rated_by=by,
        cwes=_weaknesses(cna),
        references=(f"https://www.cve.org/CVERecord?id={name}",),
    )
    return advisory, _exploited(name, adps)


def affected_claims(listed: Any, source: str) -> Iterator[Claim]:
    """The claims of an `affected` list, one for each component."""
    ranges: dict[str, list[Range]] = {}
    versions: dict[str, list[str]] = {}
    files: dict[str, list[str]] = {}
    for one in objects(listed, "affected"):
        component = _component(one)
        if not component:
            continue
        found, exact = _versions(one, component)
        ranges.setdefault(component, []).extend(found)
        versions.setdefault(component, []).extend(exact)
        files.setdefault(component, []).extend(texts(one.get("programFiles"), 500))
    for component, found in ranges.items():
        yield Claim(
            component=component,
            source=source,
            ranges=disjoint(component, found),
            versions=tuple(dict.fromkeys(versions[component])),
            files=tuple(dict.fromkeys(files[component])),
        )


def _claims(container: JSON) -> Iterator[Claim]:
    provider = mapping(container.get("providerMetadata") or {}, "providerMetadata")
    source = text_of(provider.get("shortName"), 60) or "unnamed"
    yield from affected_claims(container.get("affected"), f"CVE List: {source}")


def _component(affected: JSON) -> str:
    vendor, product = text_of(affected.get("vendor"), 200), text_of(affected.get("product"), 200)
    package = text_of(affected.get("packageName"), 200)
    found = component_of(vendor, product) or component_of(vendor, package)
    for name in texts(affected.get("cpes"), 50):
        found = found or component_of_cpe(name)[0]
    return found


def _versions(affected: JSON, component: str) -> tuple[list[Range], list[str]]:
    ranges: list[Range] = []
    exact: list[str] = []
    starts: list[str] = []
    ends: list[str] = []
    for one in objects(affected.get("versions"), "affected.versions"):
        if one.get("versionType") == "git":
            continue
        version = text_of(one.get("version"), 128).strip()
        status = one.get("status")
        if status == "affected":
            _affected(one, version, ranges, exact, starts)
        elif status == "unaffected" and version not in ("0", *_NOTHING):
            ends.append(version)
    if affected.get("defaultStatus") == "affected":
        # All releases from a start on, but for the fixes that are named.
        for start in starts or (["0"] if ends else []):
            ranges += between(component, start, ends) or [Range(introduced=start)]
    else:
        exact += starts
    return ranges, exact


def _affected(
    one: JSON, version: str, ranges: list[Range], exact: list[str], starts: list[str]
) -> None:
    """Sort one entry of status "affected" into ranges, exact releases, or mere starts."""
    before, through = text_of(one.get("lessThan"), 128), text_of(one.get("lessThanOrEqual"), 128)
    start = "0" if version.lower() in (*_NOTHING, "*") else version.removeprefix("v")
    if before or through:
        ranges.append(_range(start, before.strip(), through.strip()))
    elif found := _in_text(version):
        ranges.append(found)
    elif match := _VERSION.fullmatch(version):
        starts.append(match[1])


def _range(start: str, before: str, through: str) -> Range:
    if before in ("*", "") and through in ("*", ""):
        return Range(introduced=start)
    if before and before != "*":
        return Range(introduced=start, fixed=before.removeprefix("v"))
    if through.endswith(".*"):
        stem, _, last = through[:-2].rpartition(".")
        above = f"{stem}.{int(last) + 1}" if last.isdigit() else through
        return Range(introduced=start, fixed=above.lstrip("."))
    return Range(introduced=start, last_affected=through.removeprefix("v"))


def _in_text(version: str) -> Range | None:
    """A range that stands as a text where a version should."""
    bounds = {sign: number for sign, number in _BOUND.findall(version)}
    if bounds.keys() & {"<", "<="} and bounds.keys() & {">", ">="}:
        return Range(
            introduced=bounds.get(">=") or bounds[">"],
            after=">=" not in bounds,
            fixed=bounds.get("<", ""),
            last_affected="" if "<" in bounds else bounds["<="],
        )
    if match := _THROUGH.search(version):
        return Range(last_affected=match[1])
    if match := _BEFORE.search(version):
        return Range(fixed=match[1])
    return None


def _ratings(containers: list[JSON]) -> tuple[tuple[Rating, ...], str, str]:
    found: dict[str, Rating] = {}
    severity = by = ""
    for container in containers:
        provider = mapping(container.get("providerMetadata") or {}, "providerMetadata")
        for metric in objects(container.get("metrics"), "metrics"):
            for member, kind in _KINDS:
                data = metric.get(member)
                if isinstance(data, dict) and (vector := text_of(data.get("vectorString"), 200)):
                    found.setdefault(kind, Rating(kind=kind, vector=vector))
                    if not severity:
                        severity = text_of(data.get("baseSeverity"), 20).lower()
                        by = text_of(provider.get("shortName"), 60)
    return tuple(found[kind] for kind in sorted(found, reverse=True)), severity, by


def english(container: JSON) -> str:
    """The first English description of a record, in the form that CVE and NVD share."""
    for one in objects(container.get("descriptions"), "descriptions"):
        if str(one.get("lang", "")).startswith("en"):
            return text_of(one.get("value"), 300)
    return ""


def _weaknesses(container: JSON) -> tuple[str, ...]:
    found = (
        text_of(one.get("cweId"), 20)
        for kind in objects(container.get("problemTypes"), "problemTypes")
        for one in objects(kind.get("descriptions"), "problemTypes.descriptions")
    )
    return tuple(dict.fromkeys(cwe for cwe in found if cwe.startswith("CWE-")))[:10]


def _exploited(name: str, adps: list[JSON]) -> Exploited | None:
    """What CISA adds to a record of a vulnerability that it lists as exploited."""
    for container in adps:
        for metric in objects(container.get("metrics"), "metrics"):
            other = metric.get("other")
            if isinstance(other, dict) and other.get("type") == "kev":
                content = other.get("content")
                added = day(content.get("dateAdded")) if isinstance(content, dict) else ""
                return Exploited(id=name, added=added) if added else None
    return None
