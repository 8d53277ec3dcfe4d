"""Lists beside the advisories: what is exploited (KEV), how likely that is (EPSS), support ends.

Sources: CISA, Known Exploited Vulnerabilities catalogue (CSV, JSON); FIRST, EPSS data (CSV with a
`#model_version` line, and the form with semicolons that others pass on); endoflife.date (answers
of its API v0 and v1, and collections of them); OpenSSL's own list of releases.
"""

import csv
import io
import math
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from assay.knowledge.advisories.bounds import (
    JSON,
    RecordError,
    Refusals,
    day,
    mapping,
    objects,
    text_of,
)
from assay.knowledge.advisories.names import component_of_package
from assay.model.advisory import Exploited, Likelihood, Series

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,}")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PRODUCTS = {
    "apache-http-server": "apache-httpd",
    "linux-kernel": "linux",
    "linux": "linux",
    "erlang": "erlang-otp",
}
_DAYS_ON = re.compile(r"(?:score_date|commit_date):\s*([0-9]{4}-[0-9]{2}-[0-9]{2})")


def read_kev(entry: JSON) -> Exploited:
    """One vulnerability of the catalogue, by the names of its JSON, its CSV or a short form.

    Raises:
        RecordError: it has no CVE id or no day.
    """
    name = text_of(entry.get("cveID") or entry.get("cve"), 40).strip()
    added = day(entry.get("dateAdded") or entry.get("added"))
    if not _CVE.fullmatch(name) or not added:
        raise RecordError("a CVE id and the day of its addition are expected")
    used = entry.get("knownRansomwareCampaignUse") or entry.get("ransomware") or ""
    due = day(entry.get("dueDate") or entry.get("due"))
    return Exploited(id=name, added=added, due=due, ransomware=str(used).lower() == "known")


def rows_of(text: str) -> tuple[str, Iterator[tuple[int, JSON]]]:
    """The comment lines at a CSV file's head, and its rows by the names in its first line."""
    lines = text.splitlines(keepends=True)
    head = 0
    while head < len(lines) and lines[head].startswith("#"):
        head += 1
    body = "".join(lines[head:])
    first = body.split("\n", 1)[0]
    separator = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(body), delimiter=separator)
    return "".join(lines[:head]), _named(reader, head)


def _named(reader: Any, head: int) -> Iterator[tuple[int, JSON]]:
    names: list[str] | None = None
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield head + reader.line_num, {"error": str(error)}
            continue
        if names is None:
            names = [name.strip().lstrip("\ufeff") for name in row]
        elif row:
            yield head + reader.line_num, dict(zip(names, row, strict=False))


def read_epss(row: JSON) -> Likelihood:
    """One row of EPSS.

    Raises:
        RecordError: it has no CVE id, or its numbers are not between 0 and 1.
    """
    name = text_of(row.get("cve"), 40).strip()
    try:
        score, percentile = float(row.get("epss", "")), float(row.get("percentile", ""))
    except (TypeError, ValueError):
        raise RecordError("epss and percentile: numbers are expected") from None
    sound = all(math.isfinite(one) and 0 <= one <= 1 for one in (score, percentile))
    if not _CVE.fullmatch(name) or not sound:
        raise RecordError("a CVE id and numbers between 0 and 1 are expected")
    return Likelihood(id=name, score=score, percentile=percentile)


def epss_day(head: str) -> str:
    """The day that a list of EPSS scores is of, by its first line."""
    match = _DAYS_ON.search(head)
    return match[1] if match else ""


def is_eol(document: Any) -> bool:
    """Whether a JSON value looks like data of endoflife.date, or OpenSSL's list."""
    if isinstance(document, list):
        return bool(document) and isinstance(document[0], dict) and "cycle" in document[0]
    return isinstance(document, dict) and (
        "products" in document
        or ("releases" in document and "statements" in document)
        or "result" in document
    )


def read_eol(document: Any, name: str, refusals: Refusals) -> Iterator[Series]:
    """All series of a document; `name` is the product where the document does not say it."""
    if isinstance(document, list):
        products = [(name, list(objects(document, "cycles")))]
    elif "products" in document:
        products = [_product(one) for one in objects(document["products"], "products")]
    elif "result" in document:
        result = document["result"]
        listed = result if isinstance(result, list) else [result]
        products = [_product(one) for one in objects(listed, "result")]
    else:
        yield from _openssl(mapping(document.get("releases"), "releases"), refusals)
        return
    for product, cycles in products:
        for cycle in cycles:
            try:
                yield _series(product, cycle)
            except RecordError as error:
                refusals.add(f"{product}: {text_of(cycle.get('cycle'), 40)}", str(error))


def _product(entry: JSON) -> tuple[str, list[JSON]]:
    slug = text_of(entry.get("component") or entry.get("slug") or entry.get("name"), 100)
    return slug, list(objects(entry.get("releases"), "releases"))


def _series(product: str, cycle: JSON) -> Series:
    name = text_of(cycle.get("releaseCycle") or cycle.get("cycle") or cycle.get("name"), 60)
    if not name or not product:
        raise RecordError("a product and the name of its cycle are expected")
    latest = cycle.get("latest")
    newest = latest if isinstance(latest, dict) else {"name": latest}
    ends, ended = _end(cycle)
    return Series(
        component=_PRODUCTS.get(product, component_of_package(product)),
        series=name,
        source="endoflife.date",
        released=day(cycle.get("releaseDate")),
        ends=ends,
        ended=ended,
        latest=text_of(newest.get("name"), 60),
        latest_released=day(newest.get("date") or cycle.get("latestReleaseDate")),
    )


def _end(cycle: JSON) -> tuple[str, bool | None]:
    if "isEol" in cycle:
        return day(cycle.get("eolFrom")), cycle["isEol"] if isinstance(
            cycle["isEol"], bool
        ) else None
    eol = cycle.get("eol")
    if isinstance(eol, bool):
        return "", eol
    if eol is not None and not day(eol):
        raise RecordError("eol: a day, true or false is expected")
    return day(eol), None


def _openssl(releases: JSON, refusals: Refusals) -> Iterator[Series]:
    for name, told in sorted(releases.items()):
        ends = _spelt_out(told.get("eol") if isinstance(told, dict) else None)
        if not ends:
            refusals.add(f"openssl: {name}", "eol: a day is expected")
            continue
        released = _spelt_out(told.get("release"))
        yield Series(
            component="openssl", series=name, source="OpenSSL", released=released, ends=ends
        )


def _spelt_out(text: Any) -> str:
    """`07 Sep 2026` as an ISO date; of a month alone, its last day."""
    words = text.lower().split() if isinstance(text, str) else []
    if len(words) not in (2, 3) or words[-2][:3] not in _MONTHS or not words[-1].isdigit():
        return ""
    month, year = _MONTHS.index(words[-2][:3]) + 1, int(words[-1])
    try:
        if len(words) == 3:  # noqa: PLR2004 (day, month, year)
            return date(year, month, int(words[0])).isoformat()
        following = date(year + month // 12, month % 12 + 1, 1)
        return (following - timedelta(days=1)).isoformat()
    except ValueError:
        return ""
