"""Files of others: every form is read, every fault is named, nothing hostile breaks the reader."""

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.knowledge.advisories.bounds import Limits, gunzip
from assay.knowledge.advisories.branches import disjoint
from assay.knowledge.advisories.names import component_of, component_of_cpe
from assay.knowledge.advisories.reading import Taken, read_bytes, read_path
from assay.model.advisory import Claim, Range
from assay.model.errors import AssayError, InputError


def read(value: Any, name: str = "file.json", **limits: int) -> Taken:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return read_bytes(text, name, Limits(**limits))


def osv(name: str = "CVE-2024-0001", **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "modified": "2024-05-01T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": "generic", "name": "zlib"},
                "ranges": [
                    {
                        "type": "ECOSYSTEM",
                        "events": [{"introduced": "1.2.0"}, {"fixed": "1.2.12"}],
                    }
                ],
                "database_specific": {"source": "test"},
            }
        ],
    } | changes


def only(taken: Taken) -> Claim:
    (advisory,) = taken.advisories
    (claim,) = advisory.claims
    return claim


# --- OSV -----------------------------------------------------------------------------------------


def test_osv_record() -> None:
    taken = read(osv(summary="text", withdrawn="2024-06-01T00:00:00Z"))
    (advisory,) = taken.advisories
    assert (advisory.id, advisory.modified, advisory.withdrawn) == (
        "CVE-2024-0001",
        "2024-05-01",
        "2024-06-01",
    )
    claim = only(taken)
    assert (claim.component, claim.source, claim.ecosystem) == ("zlib", "test", "generic")
    assert claim.ranges == (Range(introduced="1.2.0", fixed="1.2.12"),)
    assert taken.as_of == "2024-05-01"


def events(*pairs: tuple[str, str]) -> Taken:
    record = osv()
    record["affected"][0]["ranges"][0]["events"] = [{kind: version} for kind, version in pairs]
    return read(record)


def test_osv_events_in_any_order_pair_by_version() -> None:
    taken = events(("fixed", "3.1"), ("introduced", "2.0"), ("introduced", "0"), ("fixed", "1.5"))
    assert only(taken).ranges == (
        Range(introduced="0", fixed="1.5"),
        Range(introduced="2.0", fixed="3.1"),
    )
    assert only(events(("introduced", "1.0"))).ranges == (Range(introduced="1.0"),)
    assert only(events(("introduced", "0"), ("last_affected", "1.36.1"))).ranges == (
        Range(introduced="0", last_affected="1.36.1"),
    )


def test_osv_of_a_distribution_stands_under_each_cve() -> None:
    record = osv("DSA-5532-1", upstream=["CVE-2023-5363", "CVE-2023-5678"])
    record["affected"][0]["package"] = {"ecosystem": "Debian:12", "name": "openssl"}
    taken = read(record)
    assert [one.id for one in taken.advisories] == ["CVE-2023-5363", "CVE-2023-5678"]
    assert all("DSA-5532-1" in one.aliases for one in taken.advisories)
    assert taken.advisories[0].claims[0].ecosystem == "Debian:12"
    assert taken.advisories[0].claims[0].component == "openssl"


def test_osv_of_a_language_is_never_the_component_of_that_name() -> None:
    record = osv("GHSA-aaaa-bbbb-cccc")
    record["affected"][0]["package"] = {"ecosystem": "PyPI", "name": "Redis_Client"}
    assert only(read(record)).component == "pypi/redis-client"


def test_osv_of_the_kernel_and_of_bitnami_are_upstreams() -> None:
    for ecosystem, name, component in (("Linux", "Kernel", "linux"), ("Bitnami", "curl", "curl")):
        record = osv()
        record["affected"][0]["package"] = {"ecosystem": ecosystem, "name": name}
        claim = only(read(record))
        assert (claim.component, claim.ecosystem) == (component, "generic")


def test_osv_commit_ranges_are_left_out() -> None:
    record = osv()
    record["affected"][0]["ranges"] = [
        {"type": "GIT", "repo": "https://x", "events": [{"introduced": "0"}, {"fixed": "ab" * 20}]}
    ]
    assert only(read(record)).ranges == ()


def test_osv_lines_zip_and_gzip_give_the_same() -> None:
    records = [osv(f"CVE-2024-{number:04}") for number in range(1, 4)]
    lines = b"\n".join(json.dumps(one).encode() for one in records)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for one in records:
            archive.writestr(f"{one['id']}.json", json.dumps(one))
        archive.writestr("README.md", "no record")
    wanted = [one.model_dump() for one in read(lines).advisories]
    assert len(wanted) == 3
    for content in (gzip.compress(lines, mtime=0), packed.getvalue(), json.dumps(records).encode()):
        assert [one.model_dump() for one in read(content).advisories] == wanted


# --- NVD -----------------------------------------------------------------------------------------


def nvd(*matches: dict[str, Any], **changes: Any) -> dict[str, Any]:
    cve = {
        "id": "CVE-2018-25032",
        "published": "2022-03-25T09:15:08.187",
        "lastModified": "2024-11-21T04:03:22.940",
        "vulnStatus": "Deferred",
        "cveTags": [],
        "descriptions": [{"lang": "en", "value": "zlib before 1.2.12 allows memory corruption"}],
        "metrics": {
            "cvssMetricV31": [
                {
                    "type": "Secondary",
                    "cvssData": {"vectorString": "CVSS:3.1/AV:L", "baseSeverity": "LOW"},
                },
                {
                    "type": "Primary",
                    "cvssData": {
                        "vectorString": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H",
                        "baseSeverity": "HIGH",
                    },
                },
            ],
            "ssvcV203": [{"whatever": 1}],
        },
        "weaknesses": [{"description": [{"lang": "en", "value": "CWE-787"}]}],
        "configurations": [
            {"operator": "AND", "nodes": [{"operator": "OR", "cpeMatch": list(matches)}]}
        ],
    }
    return {
        "format": "NVD_CVE",
        "version": "2.0",
        "timestamp": "2026-11-20T00:00:00.000",
        "vulnerabilities": [{"cve": cve | changes}],
    }


def cpe(name: str, vulnerable: bool = True, **bounds: str) -> dict[str, Any]:
    return {"vulnerable": vulnerable, "criteria": f"cpe:2.3:a:{name}:*:*:*:*:*:*:*"} | bounds


def test_nvd_counts_the_components_own_name_alone() -> None:
    taken = read(
        nvd(
            cpe("zlib:zlib:*", versionEndExcluding="1.2.12"),
            cpe("python:python:*", versionStartIncluding="3.7.0", versionEndExcluding="3.7.14"),
            cpe("siemens:scalance:*"),
            cpe("mariadb:mariadb:*", versionStartIncluding="10.3.0", versionEndExcluding="10.3.36"),
            cpe("linux:linux_kernel:-", vulnerable=False),
        )
    )
    (advisory,) = taken.advisories
    found = {claim.component: claim.ranges for claim in advisory.claims}
    assert found["zlib"] == (Range(fixed="1.2.12"),)
    assert "linux" not in found
    assert not {"scalance", "siemens"} & set(found)
    assert advisory.severity == "high"
    assert advisory.ratings[0].vector.endswith("A:H")
    assert advisory.cwes == ("CWE-787",)
    assert taken.as_of == "2026-11-20"


def test_nvd_patch_levels_stand_in_the_update() -> None:
    taken = read(
        nvd(
            {"vulnerable": True, "criteria": "cpe:2.3:a:openbsd:openssh:9.3:p1:*:*:*:*:*:*"},
            {"vulnerable": True, "criteria": "cpe:2.3:a:openbsd:openssh:9.3:-:*:*:*:*:*:*"},
            {
                "vulnerable": True,
                "criteria": "cpe:2.3:a:sudo_project:sudo:1.9.5:patch1:*:*:*:*:*:*",
            },
        )
    )
    found = {claim.component: claim.versions for claim in taken.advisories[0].claims}
    assert found == {"openssh": ("9.3p1", "9.3"), "sudo": ("1.9.5p1",)}


def test_nvd_newer_members_are_used() -> None:
    document = nvd(
        cpe("curl:curl:*", versionStartExcluding="7.1", versionEndIncluding="7.9"),
        cisaExploitAdd="2024-01-02",
        cisaActionDue="2024-01-23",
        affected=[
            {
                "source": "cna",
                "affectedData": [
                    {
                        "vendor": "curl",
                        "product": "curl",
                        "versions": [{"version": "7.0", "lessThan": "7.9", "status": "affected"}],
                    }
                ],
            }
        ],
    )
    taken = read(document)
    assert taken.exploited[0].added == "2024-01-02"
    claims = {claim.source: claim for claim in taken.advisories[0].claims}
    assert claims["NVD"].ranges == (Range(introduced="7.1", after=True, last_affected="7.9"),)
    assert claims["CNA cna"].ranges == (Range(introduced="7.0", fixed="7.9"),)


def test_nvd_rejected_is_withdrawn() -> None:
    taken = read(nvd(vulnStatus="Rejected"))
    assert taken.advisories[0].withdrawn == "2024-11-21"


def test_names_of_components() -> None:
    for vendor, product in (("haxx", "curl"), ("haxx", "libcurl"), ("curl", "curl")):
        assert component_of(vendor, product) == "curl"
    for vendor in ("samba", "point-to-point_protocol_project"):
        product = "ppp" if vendor == "samba" else "point-to-point_protocol"
        assert component_of(vendor, product) == "ppp"
    assert component_of("gnu", "bash") == "bash"
    assert component_of("expat_project", "expat") == "expat"
    assert component_of("siemens", "zlib") == ""
    assert component_of("redhat", "openssl") == ""
    assert component_of_cpe("cpe:2.3:a:a\\:b:c:1:*:*:*:*:*:*:*") == ("", "1")
    assert component_of_cpe("nonsense") == ("", "")


# --- CVE List ------------------------------------------------------------------------------------


def cve5(*affected: dict[str, Any], **cna: Any) -> dict[str, Any]:
    return {
        "dataType": "CVE_RECORD",
        "dataVersion": "5.1",
        "cveMetadata": {
            "cveId": "CVE-2024-26581",
            "state": "PUBLISHED",
            "dateUpdated": "2024-08-02T00:07:19.000Z",
        },
        "containers": {
            "cna": {
                "providerMetadata": {"shortName": "Linux"},
                "title": "netfilter: nft_set_rbtree",
                "affected": list(affected),
            }
            | cna
        },
    }


KERNEL_GIT = {
    "vendor": "Linux",
    "product": "Linux",
    "defaultStatus": "unaffected",
    "programFiles": ["net/netfilter/nft_set_rbtree.c"],
    "versions": [
        {
            "version": "f718863aca469a",
            "lessThan": "1296c110c5a0b4",
            "status": "affected",
            "versionType": "git",
        }
    ],
}
KERNEL_VERSIONS = {
    "vendor": "Linux",
    "product": "Linux",
    "defaultStatus": "affected",
    "versions": [
        {"version": "6.5", "status": "affected"},
        {"version": "0", "lessThan": "6.5", "status": "unaffected", "versionType": "semver"},
        {"version": "6.6.17", "lessThanOrEqual": "6.6.*", "status": "unaffected"},
        {"version": "6.7.5", "lessThanOrEqual": "6.7.*", "status": "unaffected"},
        {"version": "6.8", "lessThanOrEqual": "*", "status": "unaffected"},
    ],
}


def test_kernel_record_gives_ranges_without_overlap() -> None:
    claim = only(read(cve5(KERNEL_GIT, KERNEL_VERSIONS)))
    assert claim.ranges == (
        Range(introduced="6.5", fixed="6.6.17"),
        Range(introduced="6.7", fixed="6.7.5"),
    )
    assert claim.files == ("net/netfilter/nft_set_rbtree.c",)
    assert claim.source == "CVE List: Linux"


def test_overlapping_ranges_of_branches_are_made_disjoint() -> None:
    overlapping = [Range(introduced="6.5", fixed=fix) for fix in ("6.6.17", "6.7.5", "6.8")]
    assert disjoint("linux", overlapping) == (
        Range(introduced="6.5", fixed="6.6.17"),
        Range(introduced="6.7", fixed="6.7.5"),
    )
    assert disjoint("curl", overlapping) == tuple(overlapping)


@pytest.mark.parametrize(
    ("version", "ranges", "exact"),
    [
        ({"version": ">= 2.4, < 2.4.9"}, (Range(introduced="2.4", fixed="2.4.9"),), ()),
        ({"version": "before 1.34"}, (Range(fixed="1.34"),), ()),
        ({"version": "n/a"}, (), ()),
        ({"version": "1.2.3"}, (), ("1.2.3",)),
        (
            {"version": "1.0", "lessThanOrEqual": "1.2.*"},
            (Range(introduced="1.0", fixed="1.3"),),
            (),
        ),
        ({"version": "unspecified", "lessThan": "1.34.0"}, (Range(fixed="1.34.0"),), ()),
        ({"version": "0", "lessThan": "*"}, (Range(),), ()),
    ],
)
def test_versions_of_a_cna(
    version: dict[str, str], ranges: tuple[Range, ...], exact: tuple[str, ...]
) -> None:
    affected = {
        "vendor": "busybox",
        "product": "busybox",
        "defaultStatus": "unaffected",
        "versions": [version | {"status": "affected"}],
    }
    claim = only(read(cve5(affected)))
    assert (claim.ranges, claim.versions) == (ranges, exact)


def test_cve_record_rejected_and_exploited() -> None:
    record = cve5(KERNEL_VERSIONS)
    record["cveMetadata"]["state"] = "REJECTED"
    record["containers"]["adp"] = [
        {"metrics": [{"other": {"type": "kev", "content": {"dateAdded": "2024-05-30"}}}]}
    ]
    taken = read(record)
    assert taken.advisories[0].withdrawn == "2024-08-02"
    assert taken.exploited[0].added == "2024-05-30"


# --- lists ---------------------------------------------------------------------------------------


def test_kev_in_three_forms() -> None:
    head = "cveID,vendorProject,product,vulnerabilityName,dateAdded,shortDescription,"
    head += "requiredAction,dueDate,knownRansomwareCampaignUse,notes\n"
    official = f"{head}CVE-2021-3156,Sudo,Sudo,Overflow,2022-04-06,x,y,2022-04-27,Known,\n"
    short = "cve,vendor,product,added,due,ransomware,name\n"
    short += "CVE-2021-3156,Sudo,Sudo,2022-04-06,2022-04-27,Known,Overflow\n"
    document = {
        "catalogVersion": "2026.07.16",
        "dateReleased": "2026-07-16T00:00:00Z",
        "vulnerabilities": [
            {
                "cveID": "CVE-2021-3156",
                "dateAdded": "2022-04-06",
                "dueDate": "2022-04-27",
                "knownRansomwareCampaignUse": "Known",
            }
        ],
    }
    found = [read(content).exploited for content in (official.encode(), short.encode(), document)]
    assert found[0] == found[1] == found[2]
    assert found[0][0].ransomware
    assert read(document).as_of == "2026-07-16"


def test_epss_in_both_forms() -> None:
    official = b"#model_version:v2025.03.14,score_date:2026-08-16T00:00:00+0000\n"
    official += b"cve,epss,percentile\nCVE-2021-3156,0.92,0.997\n"
    passed_on = b"cve;epss;percentile\nCVE-2021-3156;0.92;0.997\n"
    taken = read(official)
    assert taken.as_of == "2026-08-16"
    assert taken.likelihoods == read(passed_on).likelihoods
    assert taken.likelihoods[0].score == 0.92


def test_lifecycles_in_their_forms() -> None:
    cycles = [
        {
            "cycle": "3.0",
            "eol": "2026-09-07",
            "latest": "3.0.19",
            "latestReleaseDate": "2026-01-27",
        },
        {"cycle": "1.0.0", "eol": True},
        {"cycle": "9", "eol": 12},
    ]
    v0 = read(cycles, "openssl.json")
    assert [(one.component, one.series, one.ends, one.ended) for one in v0.series] == [
        ("openssl", "3.0", "2026-09-07", None),
        ("openssl", "1.0.0", "", True),
    ]
    assert v0.refused_count == 1
    release = {
        "name": "6.6",
        "isEol": False,
        "eolFrom": "2027-12-31",
        "latest": {"name": "6.6.152", "date": "2026-08-19"},
    }
    v1 = read({"result": {"name": "linux", "releases": [release]}})
    assert (v1.series[0].component, v1.series[0].latest) == ("linux", "6.6.152")
    vendor = {
        "releases": {
            "3.0": {"eol": "07 Sep 2026"},
            "5.0": {"eol": "Nov 2028", "release": "Oct 2027"},
        },
        "statements": [],
        "snapshot": ["ab", "2026-06-10T09:47:25+02:00"],
    }
    assert [(one.series, one.ends) for one in read(vendor).series] == [
        ("3.0", "2026-09-07"),
        ("5.0", "2028-11-30"),
    ]


# --- hostile -------------------------------------------------------------------------------------


def test_a_bad_record_is_told_and_the_rest_loads() -> None:
    bad = osv("CVE-2024-0002", affected=[{"package": "zlib"}])
    lines = b"\n".join(json.dumps(one).encode() for one in (osv(), bad, {"id": 1})) + b"\n{broken"
    taken = read_bytes(lines, "feed.jsonl")
    assert [one.id for one in taken.advisories] == ["CVE-2024-0001"]
    assert taken.refused_count == 3
    told = {(one.record, one.why) for one in taken.refused}
    assert ("CVE-2024-0002", "affected[0].package: an object is expected") in told
    assert all(one.file == "feed.jsonl" for one in taken.refused)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no record"),
        (b"\x00\x01\x02\xff", "of no known form"),
        (b"{}", "no record"),
        (b"[" * 100_000, "no record"),
        (b'{"a":' * 50_000, "no record"),
        (b"PK\x03\x04 broken", "damaged zip"),
        (gzip.compress(b"{}", mtime=0)[:-6], "cut short"),
        (b'{"format":"NVD_CVE","vulnerabilities":[{"cve":{"id":7}}]}', "CVE id"),
        (b'[{"id":"CVE-1-1","modified":' + b"9" * 5000 + b"}]", "no record"),
        (b"cve,epss,percentile\nCVE-2021-3156,nan,2\n", "between 0 and 1"),
    ],
)
def test_useless_files_are_errors_that_name_them(content: bytes, why: str) -> None:
    with pytest.raises(InputError) as caught:
        read_bytes(content, "hostile.bin")
    assert "hostile.bin" in str(caught.value)
    assert why in str(caught.value)


def test_deep_records_are_refused() -> None:
    deep: Any = "x"
    for _ in range(200):
        deep = [deep]
    taken = read([osv(), osv("CVE-2024-0002", extra=deep)])
    assert [one.record for one in taken.refused] == ["CVE-2024-0002"]
    assert "deep" in taken.refused[0].why


def test_bombs_are_refused() -> None:
    with pytest.raises(InputError, match="unpacks to more"):
        gunzip(gzip.compress(bytes(1_000_000), mtime=0), "bomb.gz", Limits(document_bytes=10_000))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big.json", " " * 1_000_000)
        archive.writestr("good.json", json.dumps(osv()))
    taken = read(packed.getvalue(), document_bytes=10_000)
    assert [one.record for one in taken.refused] == ["big.json"]
    assert len(taken.advisories) == 1


def test_too_large_and_missing_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "feed.json"
    path.write_bytes(json.dumps(osv()).encode())
    with pytest.raises(InputError, match=r"feed\.json.*larger"):
        read_path(path, Limits(file_bytes=10))
    with pytest.raises(InputError, match=r"absent\.json"):
        read_path(tmp_path / "absent.json")
    with pytest.raises(InputError, match="can't be read"):
        read_path(tmp_path)


def test_unpaired_surrogates_can_be_written_again() -> None:
    taken = read(
        b'{"id":"CVE-2024-0001","modified":"2024","summary":"\\ud800","affected":'
        + json.dumps(osv()["affected"]).encode()
        + b"}"
    )
    assert taken.advisories[0].model_dump_json()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=20,
)
MEMBERS = st.sampled_from(
    "id modified affected package name ranges events introduced fixed versions aliases severity "
    "cve configurations nodes cpeMatch criteria vulnerable metrics cveMetadata cveId containers "
    "cna adp vulnerabilities format result releases cycle eol products references withdrawn".split()
)
LIKE_RECORDS = st.dictionaries(
    MEMBERS,
    st.recursive(
        JSON | st.just("CVE-2024-0001"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4),
        max_leaves=15,
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(LIKE_RECORDS | st.lists(LIKE_RECORDS, max_size=3))
def test_no_json_breaks_the_readers(value: Any) -> None:
    try:
        taken = read(value)
    except AssayError:
        return
    assert taken.records
    for advisory in taken.advisories:
        assert advisory.model_dump_json()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_break_the_readers(content: bytes) -> None:
    for head in (b"", b"\x1f\x8b", b"PK\x03\x04", b"{", b"cve,epss,percentile\n"):
        try:
            read_bytes(head + content, "fuzz")
        except AssayError:
            continue
