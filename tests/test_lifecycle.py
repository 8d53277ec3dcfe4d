"""Support of series, and how far behind a copy is: by the projects' own dates."""

from collections.abc import Sequence

import pytest

from assay.knowledge.advisories.library import Library
from assay.knowledge.advisories.shipped import shipped
from assay.knowledge.advisories.support import months_between
from assay.model.known import Place, Sightings, Support
from assay.model.observations import Evidence

AS_OF = "2026-11-24"


def dates(component: str) -> Sequence[tuple[str, str]]:
    known = {
        "busybox": [("1.33.0", "2020-12-29"), ("1.35.0", "2021-12-26"), ("1.36.1", "2023-05-18")],
        "openssl": [("3.0.13", "2024-01-30"), ("3.0.14", "2024-06-04"), ("3.0.15", "2024-09-03")],
    }
    return known.get(component, [])


@pytest.fixture(scope="module")
def library() -> Library:
    return Library(shipped())


def support(
    library: Library,
    component: str,
    version: str = "",
    low: str = "",
    high: str = "",
    text: str = "",
) -> Support:
    evidence = (Evidence(excerpt=text),) if text else ()
    copy = Place(path="opt/x", version=version, low=low, high=high, evidence=evidence)
    (found,) = library.against(Sightings(places={component: (copy,)}), AS_OF).support
    return found


# openssl-library.org, release strategy; kernel.org, active releases; python.org, versions.
@pytest.mark.parametrize(
    ("component", "version", "series", "ends", "supported"),
    [
        ("openssl", "1.0.2k", "1.0.2", "2019-12-31", False),
        ("openssl", "1.1.1w", "1.1.1", "2023-09-11", False),
        ("openssl", "3.0.14", "3.0", "2026-09-07", False),
        ("openssl", "3.5.1", "3.5", "2030-04-08", True),
        ("linux", "5.10.160", "5.10", "2026-12-31", True),
        ("linux", "4.14.180", "4.14", "2024-01-18", False),
        ("python", "3.11.2", "3.11", "2027-10-31", True),
        ("python", "3.1.5", "3.1", "2012-04-09", False),
        ("lua", "5.1.5", "5.1", None, False),
    ],
)
def test_series(
    library: Library, component: str, version: str, series: str, ends: str | None, supported: bool
) -> None:
    found = support(library, component, version)
    assert (found.series, found.supported) == (series, supported)
    if ends:
        assert abs(months_between(min(found.ends, ends), max(found.ends, ends))) == 0, found.ends


def test_openssl_is_dated_by_itself_and_by_another(library: Library) -> None:
    assert support(library, "openssl", "3.0.14").claims == (
        ("OpenSSL", "2026-09-07"),
        ("endoflife.date", "2026-09-07"),
    )


def test_a_series_that_begins_alike_is_not_meant(library: Library) -> None:
    assert support(library, "python", "3.14.1").series == "3.14"
    assert support(library, "linux", "5.1.2").series != "5.10"


@pytest.mark.parametrize("component", ["busybox", "dropbear", "zlib", "curl", "glibc"])
def test_what_nobody_dates_is_not_known(library: Library, component: str) -> None:
    found = support(library, component, "1.30.0")
    assert found.supported is None
    assert found.why


def test_interval_is_unsupported_only_if_all_of_it_is(library: Library) -> None:
    assert support(library, "openssl", low="1.0.2a", high="1.1.1k").supported is False
    assert support(library, "openssl", low="1.1.1a", high="3.5.1").supported is None
    within = support(library, "openssl", low="3.5.0", high="3.5.2")
    assert (within.series, within.supported) == ("3.5", True)


def test_behind_the_newest_of_the_series(library: Library) -> None:
    newest = support(library, "linux", "7.1.9")
    assert (newest.behind_months, newest.newest) == (0, "7.1.9")
    dated = support(library, "openssl", "3.0.14", text="OpenSSL 3.0.14 4 Jun 2024")
    assert dated.released == "2024-06-04"
    assert dated.behind_months == months_between("2024-06-04", dated.newest_released)
    quoted = support(library, "openssl", "3.0.14", text="OpenSSL 3.0.13 30 Jan 2024")
    assert quoted.released == ""
    assert quoted.behind_months is None


def test_behind_by_release_dates_that_are_handed_in() -> None:
    library = Library(shipped(), dates)
    found = support(library, "busybox", "1.33.0")
    assert found.newest == "1.36.1"
    assert found.behind_months == 28
    assert found.behind_releases == 2
    assert support(library, "busybox", "1.36.1").behind_months == 0
    assert support(library, "openssl", "3.0.13").behind_releases == 2


def test_months() -> None:
    assert months_between("2024-01-31", "2024-02-29") == 0
    assert months_between("2024-01-31", "2025-01-31") == 12
    assert months_between("2024-06-04", "2024-07-04") == 1
