"""Copies against advisories: the traps of the data, each by a documented case.

The truth is written down from the projects' own advisories, or read from the shipped records in
plain Python by rules of the test's own.
"""

import json
import re
import zipfile
from functools import cache
from importlib import resources
from typing import Any

import pytest

from assay.knowledge.advisories.cvss import base_score, severity_of
from assay.knowledge.advisories.distribution import built_by, system_of
from assay.knowledge.advisories.library import Library
from assay.knowledge.advisories.ranges import answer, bounds, span
from assay.knowledge.advisories.shipped import shipped
from assay.knowledge.advisories.snapshot import Content, Snapshot, pack
from assay.model.advisory import GENERIC, Advisory, Claim, Judgement, Range
from assay.model.finding import Severity
from assay.model.known import Known, KnownVulnerability, Place, Sightings
from assay.model.observations import Evidence

AS_OF = "2026-11-24"
DATA = resources.files("assay.knowledge").joinpath("data/advisories")


@pytest.fixture(scope="module")
def library() -> Library:
    return Library(shipped())


def place(version: str = "", low: str = "", high: str = "", **more: Any) -> Place:
    return Place(
        **{"path": "opt/app/bin/tool", "version": version, "low": low, "high": high} | more
    )


def against(library: Library, component: str, *places: Place, **more: Any) -> Known:
    return library.against(Sightings(places={component: places}, **more), AS_OF)


def states(known: Known) -> dict[str, str]:
    return {one.id: one.state for one in known.vulnerabilities}


def one_of(known: Known, name: str) -> KnownVulnerability:
    (found,) = [one for one in known.vulnerabilities if one.id == name]
    return found


@cache
def raw(file: str, component: str) -> list[dict[str, Any]]:
    """Shipped records as plain JSON."""
    with zipfile.ZipFile(str(DATA.joinpath(file))) as archive:
        lines = archive.read(f"advisories/{component}.jsonl").splitlines()
    return [json.loads(line) for line in lines]


# --- exact releases ------------------------------------------------------------------------------

# openssl.org, "Vulnerabilities": affected releases and the first that have the fix.
OPENSSL = [
    ("CVE-2014-0160", ["1.0.1", "1.0.1f"], ["1.0.0t", "1.0.1g", "1.0.2", "3.0.0"]),
    ("CVE-2022-0778", ["1.0.2", "1.0.2zc", "1.1.1m", "3.0.1"], ["1.0.2zd", "1.1.1n", "3.0.2"]),
    (
        "CVE-2023-0464",
        ["1.0.2zg", "1.1.1t", "3.0.8", "3.1.0"],
        ["1.0.2zh", "1.1.1u", "3.0.9", "3.1.1"],
    ),
    ("CVE-2022-3602", ["3.0.0", "3.0.6"], ["1.1.1s", "3.0.7", "3.1.0"]),
    ("CVE-2024-6119", ["3.0.14", "3.3.1"], ["3.0.15", "3.3.2", "1.1.1w", "1.0.2k"]),
]
OTHERS = [
    ("openssh", "CVE-2023-38408", ["9.2p1", "9.3", "9.3p1"], ["9.3p2", "9.4p1"]),
    ("sudo", "CVE-2021-3156", ["1.8.31", "1.9.5", "1.9.5p1"], ["1.8.32", "1.9.5p2", "1.9.15p5"]),
    ("zlib", "CVE-2018-25032", ["1.2.11", "1.2.2.2"], ["1.2.12", "1.2.13", "1.3.1"]),
    ("curl", "CVE-2023-38545", ["7.69.0", "8.3.0"], ["7.68.0", "8.4.0"]),
    ("busybox", "CVE-2022-28391", ["1.35.0"], []),
]


@pytest.mark.parametrize(
    ("component", "name", "affected", "free"),
    [("openssl", *one) for one in OPENSSL] + OTHERS,
)
def test_exact_releases(
    library: Library, component: str, name: str, affected: list[str], free: list[str]
) -> None:
    if not any(one.id == name for one in library.advisories(component)):
        pytest.skip("not in the shipped data")
    for version in affected:
        assert states(against(library, component, place(version))).get(name) == "affected", version
    for version in free:
        assert name not in states(against(library, component, place(version))), version


def test_the_fix_is_that_of_the_copys_own_series(library: Library) -> None:
    for version, fix in (("1.0.2k", "1.0.2zh"), ("1.1.1t", "1.1.1u"), ("3.0.8", "3.0.9")):
        assert one_of(against(library, "openssl", place(version)), "CVE-2023-0464").fixed_in == (
            fix,
        )


# --- intervals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "state"),
    [
        ("1.0.1", "1.0.1f", "affected"),
        ("1.0.1a", "1.0.1a", "affected"),
        ("1.0.1e", "1.0.1h", "possibly"),
        ("1.0.1g", "1.0.1u", None),
        ("1.0.0", "1.0.1", "possibly"),
        ("", "1.0.1", "possibly"),
        ("1.0.1c", "", "possibly"),
        ("", "1.0.0t", None),
        ("1.0.1g", "", None),
    ],
)
def test_intervals(library: Library, low: str, high: str, state: str | None) -> None:
    known = against(library, "openssl", place(low=low, high=high))
    assert states(known).get("CVE-2014-0160") == state


def test_interval_over_ranges_that_touch_is_affected() -> None:
    claim = Claim(
        component="linux",
        source="x",
        ranges=(Range(introduced="6.4.8", fixed="6.5"), Range(introduced="6.5", fixed="6.6.17")),
    )
    between = span("linux", "", "6.4.9", "6.6.16", GENERIC)
    assert between is not None
    assert answer(claim, bounds(claim), between) == "inside"
    apart = claim.model_copy(
        update={
            "ranges": (Range(introduced="6.4.8", fixed="6.5"), Range(introduced="6.6", fixed="6.7"))
        }
    )
    assert answer(apart, bounds(apart), between) == "unknown"


def test_bounds_that_cannot_be_read_conclude_nothing() -> None:
    library = made(Range(introduced="1da177e4c3f4", fixed="6.5"), component="x")
    assert states(against(library, "x", place("6.4"))) == {"CVE-2024-0001": "possibly"}
    assert states(against(library, "x", place("6.5"))) == {}


def test_after_excludes_its_own_release() -> None:
    library = made(Range(introduced="7.1", after=True, last_affected="7.9"), component="x")
    assert states(against(library, "x", place("7.1"))) == {}
    assert states(against(library, "x", place("7.1.1"))) == {"CVE-2024-0001": "affected"}
    assert states(against(library, "x", place("7.9"))) == {"CVE-2024-0001": "affected"}
    assert states(against(library, "x", place("7.9.1"))) == {}


def test_without_any_release_nothing_is_listed(library: Library) -> None:
    known = against(library, "openssl", place())
    assert known.vulnerabilities == ()
    assert known.coverage[0].releases == ("no release known",)


def made(*ranges: Range, component: str = "busybox", **claim: Any) -> Library:
    """A library with one advisory."""
    told = Claim(component=component, source="a", ranges=ranges, **claim)
    advisory = Advisory(id="CVE-2024-0001", claims=(told,))
    return library_of(advisory)


def library_of(*advisories: Advisory, **content: Any) -> Library:
    return Library([Snapshot(pack(Content(as_of=AS_OF, advisories=advisories, **content)), "x")])


# --- sources that differ -------------------------------------------------------------------------


def test_contradicting_sources_stay_apart(library: Library) -> None:
    """CVE-2022-48174: the record's text says before 1.35, NVD's range through 1.36.1."""
    disputed = one_of(against(library, "busybox", place("1.36.0")), "CVE-2022-48174")
    assert disputed.state == "possibly"
    assert disputed.disagreement
    assert {claim.source: claim.state for claim in disputed.claims} == {
        "NVD": "affected",
        "text of the CVE record": "not affected",
    }
    agreed = one_of(against(library, "busybox", place("1.34.1")), "CVE-2022-48174")
    assert agreed.state == "affected"
    assert not agreed.disagreement
    assert "CVE-2022-48174" not in states(against(library, "busybox", place("1.37.0")))


def test_all_three_documented_contradictions_are_there(library: Library) -> None:
    sources = {
        one.id: {claim.source for claim in one.claims} for one in library.advisories("busybox")
    }
    for name in ("CVE-2022-48174", "CVE-2021-28831", "CVE-2021-42386"):
        assert len(sources[name]) == 2, name
    early = one_of(against(library, "busybox", place("1.31.0")), "CVE-2021-28831")
    assert (early.state, early.disagreement) == ("possibly", True)


def test_change_logs_tell_the_fix_alone(library: Library) -> None:
    listed = [
        one
        for one in against(library, "dnsmasq", place("2.70")).vulnerabilities
        if {claim.source for claim in one.claims} == {"dnsmasq-CHANGELOG"}
    ]
    assert listed
    assert {one.state for one in listed} == {"possibly"}
    assert all("fix alone" in one.why for one in listed)


def test_fuzzing_records_are_possible_at_most(library: Library) -> None:
    for record in raw("ossfuzz.zip", "libxml2"):
        for claim in record["claims"]:
            for version in claim.get("versions", ())[:1]:
                state = states(against(library, "libxml2", place(version)))[record["id"]]
                assert state == "possibly"


# --- the kernel ----------------------------------------------------------------------------------

RBTREE = frozenset({"net/netfilter/nft_set_rbtree.c"})


def test_kernel_ranges_of_branches_do_not_overlap(library: Library) -> None:
    """6.6.17 mended CVE-2024-26581 on its branch; 6.6.20 lies in ranges of later branches."""
    for version, hit in (("6.6.16", True), ("6.6.17", False), ("6.6.20", False), ("6.7.4", True)):
        known = against(library, "linux", place(version), built={"linux": RBTREE})
        assert ("CVE-2024-26581" in states(known)) is hit, version
    for version in ("6.7.5", "6.8", "5.4.269", "5.10.210", "4.19.300"):
        known = against(library, "linux", place(version), built={"linux": RBTREE})
        assert "CVE-2024-26581" not in states(known), version


def test_kernel_by_the_source_files_of_its_build(library: Library) -> None:
    unknown = against(library, "linux", place("6.6.16"))
    assert one_of(unknown, "CVE-2024-26581").state == "possibly"
    assert "source files" in one_of(unknown, "CVE-2024-26581").why
    built = against(library, "linux", place("6.6.16"), built={"linux": RBTREE})
    assert one_of(built, "CVE-2024-26581").state == "affected"
    other = against(library, "linux", place("6.6.16"), built={"linux": frozenset({"mm/slub.c"})})
    assert "CVE-2024-26581" not in states(other)
    # What was affected by version alone is now less than a twentieth.
    sure = sum(one.state == "affected" for one in built.vulnerabilities)
    assert sure < len(unknown.vulnerabilities) / 20


def test_header_files_are_never_ruled_out() -> None:
    library = made(Range(fixed="6.6"), component="linux", files=("include/net/tcp.h", "net/x.c"))
    known = against(library, "linux", place("6.5"), built={"linux": frozenset({"mm/slub.c"})})
    assert states(known) == {"CVE-2024-0001": "possibly"}


def plain(version: str) -> tuple[list[int], int] | None:
    match = re.fullmatch(r"(\d+(?:\.\d+)*)(?:[-~]rc(\d+))?", version)
    if match is None:
        return None
    numbers = [int(part) for part in match[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers, int(match[2]) if match[2] else 999


def inside(claim: dict[str, Any], version: str) -> bool:
    """Whether any range holds a version, by rules of the test's own."""
    wanted = plain(version)
    assert wanted is not None
    for one in claim.get("ranges", ()):
        low, high = plain(one.get("introduced", "0")), plain(one.get("fixed", ""))
        last = plain(one.get("last_affected", ""))
        after = low is None or low <= wanted
        if after and (high is None or wanted < high) and (last is None or wanted <= last):
            return True
    return version in claim.get("versions", ())


@pytest.mark.parametrize(("version", "count"), [("5.10.160", 6122), ("4.14.180", 5101)])
def test_kernel_counts_are_those_of_the_collectors(
    library: Library, version: str, count: int
) -> None:
    truth = {
        record["id"]
        for record in raw("advisories.zip", "linux")
        if any(inside(claim, version) for claim in record["claims"])
    }
    found = set(states(against(library, "linux", place(version))))
    assert found == truth
    # One record (CVE-2022-1462) has ranges that overlap: 5.10.134 mended it on the branch of 5.10.
    assert count - 1 <= len(found) <= count
    assert ("CVE-2022-1462" in found) is (version == "4.14.180")


# --- distributions -------------------------------------------------------------------------------

DEBIAN_CURL = {"path": "var/lib/dpkg/status", "purl": "pkg:deb/debian/curl@7.88.1-10%2Bdeb12u5"}


def test_a_distributions_build_is_possibly_affected(library: Library) -> None:
    """Debian mended CVE-2023-38545 in 7.88.1-10+deb12u4: the upstream release stayed 7.88.1."""
    found = one_of(against(library, "curl", place("7.88.1", **DEBIAN_CURL)), "CVE-2023-38545")
    assert found.state == "possibly"
    assert "Debian package" in found.why
    known = against(library, "curl", place("7.88.1", **DEBIAN_CURL))
    assert set(states(known).values()) == {"possibly"}


def debian(fixed: str, ecosystem: str = "Debian:12") -> Advisory:
    claim = Claim(
        component="curl", source="DEBIAN", ecosystem=ecosystem, ranges=(Range(fixed=fixed),)
    )
    upstream = Claim(
        component="curl",
        source="curl-vuln.pm",
        ranges=(Range(introduced="7.69.0", last_affected="8.3.0"),),
    )
    return Advisory(id="CVE-2023-38545", claims=(upstream, claim))


@pytest.mark.parametrize(
    ("package", "state"),
    [
        ("7.88.1-10+deb12u3", "affected"),
        ("7.88.1-10+deb12u4", "fixed"),
        ("7.88.1-10+deb12u12", "fixed"),
        ("7.74.0-1.3+deb11u9", "possibly"),
    ],
)
def test_what_the_distribution_says_of_its_package_decides(package: str, state: str) -> None:
    library = library_of(debian("7.88.1-10+deb12u4"))
    purl = f"pkg:deb/debian/curl@{package.replace('+', '%2B')}?arch=armhf"
    upstream = package.partition("-")[0]
    found = one_of(
        against(library, "curl", place(upstream, path="var/lib/dpkg/status", purl=purl)),
        "CVE-2023-38545",
    )
    assert found.state == state
    assert {claim.source for claim in found.claims} >= {"curl-vuln.pm"}


def test_a_binary_beside_its_package_is_judged_by_the_package() -> None:
    library = library_of(debian("7.88.1-10+deb12u4"))
    package = place("7.88.1", **DEBIAN_CURL)
    binary = place("7.88.1", path="usr/bin/curl")
    own = place("7.88.1", path="opt/vendor/curl", sha256="ab" * 32)
    known = against(library, "curl", package, binary, own)
    by_path = {path: one.state for one in known.vulnerabilities for path in one.paths}
    assert by_path == {
        "var/lib/dpkg/status": "fixed",
        "usr/bin/curl": "fixed",
        "opt/vendor/curl": "affected",
    }


def test_a_vendors_own_build_is_affected(library: Library) -> None:
    marked = Evidence(excerpt="GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release")
    libc = place("2.36", path="lib/libc.so.6", evidence=(marked,))
    places = {
        "glibc": (libc,),
        "curl": (
            place("7.88.1", path="usr/bin/curl"),
            place("7.88.1", path="opt/vendor/bin/curl"),
            place("7.88.1", path="usr/local/bin/curl"),
        ),
    }
    known = library.against(Sightings(places=places), AS_OF)
    by_path = {
        path: one.state
        for one in known.vulnerabilities
        if one.id == "CVE-2023-38545"
        for path in one.paths
    }
    assert by_path == {
        "usr/bin/curl": "possibly",
        "opt/vendor/bin/curl": "affected",
        "usr/local/bin/curl": "affected",
    }


def test_the_same_bytes_are_the_same_build(library: Library) -> None:
    system = place("7.88.1", path="usr/lib/arm-linux-gnueabihf/libcurl.so.4", sha256="ab" * 32)
    copied = place("7.88.1", path="opt/vendor/libcurl.so.4", sha256="ab" * 32)
    known = against(library, "curl", system, copied)
    assert {one.state for one in known.vulnerabilities} == {"possibly"}


@pytest.mark.parametrize(
    ("path", "text", "is_one"),
    [
        ("opt/x", "BusyBox v1.35.0 (Debian 1:1.35.0-4+deb12u1+b1)", True),
        ("opt/x", "OpenSSL 1.1.1f-1ubuntu2.22", True),
        ("opt/x", "curl 7.61.1-34.el8", True),
        ("opt/x", "OpenSSL 3.0.14 4 Jun 2024", False),
        ("usr/lib/aarch64-linux-gnu/libz.so.1", "", True),
        ("usr/lib/libz.so.1", "", False),
        ("squashfs.img!/usr/lib/arm-linux-gnueabihf/libz.so.1", "", True),
    ],
)
def test_marks_of_distributions(path: str, text: str, is_one: bool) -> None:
    evidence = (Evidence(excerpt=text),) if text else ()
    assert bool(built_by(place("1.0", path=path, evidence=evidence), "")) is is_one


def test_the_images_own_system() -> None:
    assert system_of(["rootfs/etc/debian_version", "usr/bin/x"], ()) == "Debian"
    assert system_of(["etc/openwrt_release"], ()) == "OpenWrt"
    assert system_of(["usr/share/etc/hosts"], ()) == ""


def test_packages_of_languages_are_not_the_component_of_their_name(library: Library) -> None:
    redis = place("4.5.1", purl="pkg:pypi/redis@4.5.1")
    known = library.against(Sightings(places={"pypi/redis": (redis,)}), AS_OF)
    assert known.vulnerabilities == ()
    assert known.coverage[0].judgement is Judgement.NONE


# --- coverage ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("component", "judgement"),
    [
        ("openssl", Judgement.GOOD),
        ("linux", Judgement.GOOD),
        ("wolfssl", Judgement.FAIR),
        ("busybox", Judgement.PARTIAL),
        ("zlib", Judgement.THIN),
        ("tcpdump", Judgement.NONE),
        ("never-heard-of", Judgement.NONE),
        ("nodejs", Judgement.THIN),
    ],
)
def test_coverage(library: Library, component: str, judgement: Judgement) -> None:
    coverage = library.coverage(component)
    assert coverage.judgement is judgement
    assert coverage.is_measured is (judgement in ("good", "fair", "partial"))
    assert bool(coverage.why) or judgement not in ("none", "thin") or coverage.sources
    if component == "openssl":
        assert coverage.up_to == "2026-06-10"
        assert "openssl-secjson" in coverage.sources
        assert coverage.advisories >= 274


# --- order and figures ---------------------------------------------------------------------------


def test_exploited_and_likely_come_first(library: Library) -> None:
    listed = against(library, "openssl", place("1.0.1e")).vulnerabilities
    assert listed[0].id == "CVE-2014-0160"
    assert listed[0].exploited == "2022-05-04"
    assert listed[0].due == "2022-05-25"
    assert listed[0].fixed_in == ("1.0.1g",)
    rest = [one.epss or 0.0 for one in listed[1:] if one.state == "affected"]
    assert rest == sorted(rest, reverse=True)


# FIRST, CVSS v3.1 examples and v2 guide, section 3.3.
@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", 7.5),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
        ("CVSS:3.0/AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N", 3.1),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("AV:N/AC:L/Au:N/C:N/I:N/A:C", 7.8),
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0),
        ("AV:L/AC:H/Au:N/C:C/I:C/A:C", 6.2),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", None),
        ("CVSS:3.1/AV:N", None),
        ("nonsense", None),
    ],
)
def test_base_scores(vector: str, score: float | None) -> None:
    assert base_score(vector) == score


def test_severity_words() -> None:
    words = [severity_of(score) for score in (9.0, 8.9, 7.0, 6.9, 4.0, 3.9, 0.1, 0.0)]
    assert [word.value for word in words] == [
        *("critical", "high", "high", "medium", "medium", "low", "low", "info"),
    ]
    assert Severity("critical").rank == 0


# --- the same for the same -----------------------------------------------------------------------


def test_the_answer_is_the_same_each_time(library: Library) -> None:
    again = Library(tuple(reversed(shipped())))
    for component, version in (("openssl", "1.0.2k"), ("busybox", "1.33.0")):
        first = against(library, component, place(version)).model_dump_json()
        assert against(again, component, place(version)).model_dump_json() == first


def test_without_a_kernel_the_kernels_records_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    plain_read = Snapshot.advisories

    def noted(self: Snapshot, component: str) -> tuple[Advisory, ...]:
        asked.append(component)
        return plain_read(self, component)

    monkeypatch.setattr(Snapshot, "advisories", noted)
    against(Library(shipped()), "openssl", place("3.0.14"))
    assert set(asked) == {"openssl"}
