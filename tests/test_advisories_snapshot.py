"""Snapshots: the same bytes for the same content, read by component, damaged ones told."""

import hashlib
import json
import os
import random
import zipfile
from importlib import resources
from pathlib import Path

import pytest

from assay.knowledge.advisories.coverage import coverage_table
from assay.knowledge.advisories.library import Library
from assay.knowledge.advisories.shipped import NAMES, make, shipped
from assay.knowledge.advisories.snapshot import Content, Snapshot, open_snapshot, pack
from assay.model.advisory import Advisory, Claim, Exploited, Likelihood, Range, Series
from assay.model.errors import DataError

DATA = resources.files("assay.knowledge").joinpath("data/advisories")
COLLECTED = os.environ.get("ASSAY_COLLECTED_DATA", "")


def advisory(number: int, component: str = "zlib", fixed: str = "1.2") -> Advisory:
    claim = Claim(component=component, source="s", ranges=(Range(fixed=fixed),))
    return Advisory(id=f"CVE-2024-{number:04}", claims=(claim,), modified="2024-01-01")


CONTENT = Content(
    as_of="2026-01-01",
    advisories=(
        *(advisory(number) for number in range(1, 30)),
        advisory(7, "a/b:c@d"),
        Advisory(id="CVE-2020-0001", withdrawn="2021-01-01"),
    ),
    exploited=(Exploited(id="CVE-2024-0001", added="2024-02-02"),),
    likelihoods=(Likelihood(id="CVE-2024-0001", score=0.5, percentile=0.9),),
    series=(Series(component="zlib", series="1.2", source="s", ends="2030-01-01"),),
)


def test_same_content_gives_same_bytes_in_whatever_order() -> None:
    mixed = list(CONTENT.advisories)
    random.Random(3).shuffle(mixed)
    again = CONTENT.model_copy(update={"advisories": tuple(mixed)})
    assert pack(again) == pack(CONTENT)


def test_everything_comes_back() -> None:
    snapshot = Snapshot(pack(CONTENT), "x")
    assert [one.id for one in snapshot.advisories("zlib")][:2] == ["CVE-2024-0001", "CVE-2024-0002"]
    assert snapshot.advisories("a/b:c@d")[0].claims[0].component == "a/b:c@d"
    assert snapshot.advisories("curl") == ()
    assert snapshot.exploited["CVE-2024-0001"].added == "2024-02-02"
    assert snapshot.likelihoods["CVE-2024-0001"] == (0.5, 0.9)
    assert snapshot.series["zlib"][0].ends == "2030-01-01"
    assert snapshot.index.withdrawn == {"CVE-2020-0001": "2021-01-01"}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", pack(CONTENT)[:-30]])
def test_damaged_snapshots_are_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "broken.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.zip"):
        open_snapshot(path)
    with pytest.raises(DataError, match=r"absent\.zip"):
        open_snapshot(tmp_path / "absent.zip")


def test_newer_snapshots_replace_what_a_source_says_and_withdraw() -> None:
    first = Content(as_of="2024-01-01", advisories=(advisory(1), advisory(2)))
    other = Claim(component="zlib", source="t", ranges=(Range(fixed="1.3"),))
    newer = Content(
        as_of="2025-01-01",
        advisories=(
            advisory(1, fixed="1.9").model_copy(
                update={
                    "claims": (*advisory(1, fixed="1.9").claims, other),
                    "summary": "newer",
                }
            ),
            advisory(3),
            Advisory(id="CVE-2024-0002", withdrawn="2025-01-01"),
        ),
    )
    snapshots = [Snapshot(pack(first), "a"), Snapshot(pack(newer), "b")]
    for order in (snapshots, snapshots[::-1]):
        found = {one.id: one for one in Library(order).advisories("zlib")}
        assert sorted(found) == ["CVE-2024-0001", "CVE-2024-0003"]
        one = found["CVE-2024-0001"]
        assert {claim.source: claim.ranges[0].fixed for claim in one.claims} == {
            "s": "1.9",
            "t": "1.3",
        }
        assert one.summary == "newer"


# --- what ships ----------------------------------------------------------------------------------


def test_shipped_counts_are_those_of_the_collection() -> None:
    counted = {
        "openssl": 284,
        "curl": 233,
        "linux": 16_979,
        "wolfssl": 80,
        "busybox": 14,
        "libxml2": 74,
    }
    found = dict.fromkeys(counted, 0)
    for snapshot in shipped():
        for name in counted:
            found[name] += snapshot.index.components.get(name, 0)
    # A record may speak of several components, and linux-only records are counted apart.
    for name, count in counted.items():
        assert count <= found[name] <= count + 3, name
    assert sum(len(snapshot.exploited) for snapshot in shipped()) == 1_647


def test_oss_fuzz_stands_apart() -> None:
    with zipfile.ZipFile(str(DATA.joinpath("ossfuzz.zip"))) as archive:
        index = json.loads(archive.read("index.json"))
    assert [source["licence"] for source in index["sources"]] == ["CC-BY-4.0"]
    with zipfile.ZipFile(str(DATA.joinpath("advisories.zip"))) as archive:
        for member in archive.namelist():
            assert b"oss-fuzz-vulns" not in archive.read(member), member


def test_every_source_has_a_day_a_licence_and_a_digest() -> None:
    for snapshot in shipped():
        for source in snapshot.index.sources:
            assert source.as_of <= "2026-11-24", source.name
            assert source.licence, source.name
            assert len(source.sha256) == 64, source.name
            assert source.records > 0, source.name


def test_terms_travel_with_the_data() -> None:
    terms = DATA.joinpath("CVE-TERMS.txt").read_text("utf-8")
    assert "MITRE hereby grants you a perpetual" in terms
    assert "The MITRE Corporation" in terms


def test_the_table_of_coverage_speaks_of_the_days_of_its_data() -> None:
    table = coverage_table()
    newest = max(snapshot.index.as_of for snapshot in shipped())
    for name, judged in table.components.items():
        assert judged.up_to <= newest, name
        assert judged.judgement == "none" or judged.up_to, name


@pytest.mark.skipif(not COLLECTED, reason="ASSAY_COLLECTED_DATA names the folder of collected data")
def test_the_shipped_files_are_made_bit_for_bit() -> None:
    fresh = make(Path(COLLECTED))
    assert set(fresh) == set(NAMES)
    for name, content in fresh.items():
        shipped_bytes = DATA.joinpath(name).read_bytes()
        assert hashlib.sha256(content).digest() == hashlib.sha256(shipped_bytes).digest(), name
