"""Advisories in OSV form.

Source: OSSF, Open Source Vulnerability format, version 1.7.x: `affected`, `ranges`, `events`.
An advisory of a distribution that speaks of several CVEs (`upstream`, `aliases`) becomes one for
each of them, so that what all sources say of one CVE stands together. Ranges of commits can't be
held against a release; they are left out, and such a claim stays without ranges.
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
from assay.knowledge.advisories.branches import disjoint
from assay.knowledge.advisories.names import component_of_package
from assay.knowledge.versions import Key, key
from assay.model.advisory import GENERIC, Advisory, Claim, Range, Rating
from assay.model.known import package_identity

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")
_ID = re.compile(r"[A-Za-z][\w.:+-]{2,80}")
_UPSTREAM = frozenset({"", GENERIC, "bitnami", "git", "linux", "oss-fuzz"})
_DISTRIBUTIONS = frozenset(
    (
        *("alpine", "almalinux", "azure linux", "debian", "mageia", "opensuse", "openwrt"),
        *("red hat", "rocky linux", "suse", "ubuntu"),
    )
)
_PURL_TYPES = {"crates.io": "cargo", "go": "golang", "packagist": "composer", "rubygems": "gem"}


def is_osv(record: Any) -> bool:
    """Whether a JSON value looks like an OSV record."""
    return isinstance(record, dict) and isinstance(record.get("id"), str) and "modified" in record


def read_osv(record: JSON) -> Iterator[Advisory]:
    """The advisories of one record: one, or one for each CVE that it speaks of.

    Raises:
        RecordError: it has no id or is malformed; says where.
    """
    own = text_of(record.get("id"), 90)
    if not _ID.fullmatch(own):
        raise RecordError("id: missing or no identifier")
    others = (*texts(record.get("aliases")), *texts(record.get("upstream")))
    cves = [own] if _CVE.fullmatch(own) else list(dict.fromkeys(filter(_CVE.fullmatch, others)))
    claims = tuple(_claims(record, own))
    told = mapping(record.get("database_specific") or {}, "database_specific")
    severity = told.get("severity_text") or told.get("severity")
    for name in cves or [own]:
        yield Advisory(
            id=name,
            aliases=tuple(one for one in dict.fromkeys((own, *others)) if _is_alias(one, name)),
            summary=text_of(record.get("summary") or record.get("details"), 300),
            published=day(record.get("published")),
            modified=day(record.get("modified")),
            withdrawn=day(record.get("withdrawn")),
            claims=claims,
            ratings=tuple(_ratings(record.get("severity"))),
            severity=_word(severity),
            rated_by=text_of(told.get("severity_source"), 80),
            cwes=texts(told.get("cwe_ids"), 10),
            references=_links(record),
        )


def _is_alias(one: str, name: str) -> bool:
    return one != name and not (_CVE.fullmatch(one) and _CVE.fullmatch(name))


def _links(record: JSON) -> tuple[str, ...]:
    listed = (
        text_of(one.get("url"), 300) for one in objects(record.get("references"), "references")
    )
    return tuple(url for url in listed if url.startswith(("https://", "http://")))[:5]


def _word(value: Any) -> str:
    word = text_of(value, 20).lower()
    return {"moderate": "medium", "important": "high"}.get(word, word)


def _ratings(listed: Any) -> Iterator[Rating]:
    for one in objects(listed, "severity"):
        kind, vector = text_of(one.get("type"), 20), text_of(one.get("score"), 200)
        if kind.startswith("CVSS_") and vector:
            yield Rating(kind=kind, vector=vector)


def _claims(record: JSON, own: str) -> Iterator[Claim]:
    for number, affected in enumerate(objects(record.get("affected"), "affected")):
        where = f"affected[{number}]"
        package = mapping(affected.get("package") or {}, f"{where}.package")
        name, ecosystem = text_of(package.get("name"), 200), text_of(package.get("ecosystem"), 80)
        told = mapping(affected.get("database_specific") or {}, f"{where}.database_specific")
        if not name:
            continue
        family = ecosystem.partition(":")[0].lower()
        component = _component(name, family)
        kept = GENERIC if family in _UPSTREAM else ecosystem
        ranges = [
            one
            for listed in objects(affected.get("ranges"), f"{where}.ranges")
            if listed.get("type") in ("ECOSYSTEM", "SEMVER")
            for one in _ranges(listed, component, kept, f"{where}.ranges")
        ]
        yield Claim(
            component=component,
            source=text_of(told.get("source"), 80) or _source(own, ecosystem),
            ecosystem=kept,
            ranges=disjoint(component, ranges),
            versions=texts(affected.get("versions"), 5_000),
            also=texts(told.get("also"), 20),
            part=text_of(told.get("part"), 40),
            files=texts(told.get("files"), 500),
        )


def _component(name: str, family: str) -> str:
    """The component; of a language's ecosystem, the package under that ecosystem's name."""
    if family == "linux":  # OSV's only package there is "Kernel"
        return "linux"
    if family in _UPSTREAM | _DISTRIBUTIONS:
        return component_of_package(name)
    return package_identity(_PURL_TYPES.get(family, family), name)


def _source(own: str, ecosystem: str) -> str:
    return f"{own.partition('-')[0]} ({ecosystem})" if ecosystem else own.partition("-")[0]


def _ranges(listed: JSON, component: str, ecosystem: str, where: str) -> Iterator[Range]:
    """Events in the order of their versions, paired: from each introduction to what ends it."""
    events = [_event(one, where) for one in objects(listed.get("events"), where)]
    if len(events) > 2:  # noqa: PLR2004 (of a single pair the order is plain)
        numbered = sorted(
            range(len(events)), key=lambda n: _place(events[n], component, ecosystem, n)
        )
        events = [events[number] for number in numbered]
    start: str | None = None
    for kind, version in events:
        if kind == "introduced":
            start = version if start is None else start
        elif kind in ("fixed", "limit"):
            if version != "*":
                yield Range(introduced=start or "0", fixed=version)
                start = None
        else:
            yield Range(introduced=start or "0", last_affected=version)
            start = None
    if start is not None:
        yield Range(introduced=start)


def _event(event: JSON, where: str) -> tuple[str, str]:
    for kind in ("introduced", "fixed", "last_affected", "limit"):
        if kind in event:
            version = event[kind]
            if not isinstance(version, str) or not version or len(version) > 128:  # noqa: PLR2004
                raise RecordError(f"{where}: {kind}: a version is expected")
            return kind, text_of(version)
    raise RecordError(f"{where}: an event of no known kind")


def _place(
    event: tuple[str, str], component: str, ecosystem: str, number: int
) -> tuple[int, Any, int, int]:
    """Where an event stands: the beginning of all, then by version; what can't be read, last."""
    kind, version = event
    rank = {"introduced": 1, "fixed": 0, "limit": 0, "last_affected": 2}[kind]
    if version == "0":
        return (0, 0, rank, number)
    found: Key | None = key(component, version, ecosystem)
    # Keys compare among themselves alone: what has none is put behind all that have one.
    return (1, found, rank, number) if found is not None else (2, 0, number, rank)
