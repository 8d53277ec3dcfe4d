"""The shipped signatures against real binaries whose truth is known from their packages."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.examine.components import EXAMINER, examiner
from assay.examine.contract import Content
from assay.examine.recognition.merge import fits, merged
from assay.knowledge.signatures import load_signatures, shipped_snapshot
from assay.model.observations import ComponentSighting
from assay.model.tree import File, Kind
from tests.corpus import CorpusError, binaries, wheels
from tests.corpus.linked import linked

pytestmark = pytest.mark.skipif(shipped_snapshot() is None, reason="no snapshot is shipped")


def sightings(data: bytes, name: str = "a", kind: Kind = Kind.ELF) -> dict[str, ComponentSighting]:
    file = File(path=name, kind=kind, sha256="0" * 64, size=len(data))
    found = EXAMINER.examine(Content(memoryview(data), lambda value: ""), file)
    return {one.name: one for one in found if isinstance(one, ComponentSighting)}


def had(make: Callable[[], list[Path]]) -> list[Path]:
    try:
        return make()
    except CorpusError as error:
        pytest.skip(str(error))


def test_programs_linked_statically_yield_exactly_their_libraries() -> None:
    try:
        programs = linked()
    except CorpusError as error:
        pytest.skip(str(error))
    known = load_signatures().releases()
    for program in programs:
        found = sightings(program.path.read_bytes())
        assert set(found) - {"glibc"} == set(program.truth), program.path.name
        for name, version in program.truth.items():
            assert found[name].copy_extent == "full"
            if version in known[name]:
                assert found[name].version == version
            else:  # newer than the signatures know: not said to be the newest that they know
                assert found[name].version == ""
                assert found[name].low in known[name]
            assert found[name].evidence


@pytest.mark.parametrize("arch", ["amd64", "armhf"])
def test_a_caller_of_openssl_is_no_copy_of_it(arch: str) -> None:
    for path in had(lambda: binaries(arch)):
        data = path.read_bytes()
        if b"libssl.so.3\0" in data and path.name != "openssl" and "ssl" not in path.name:
            assert "openssl" not in sightings(data, path.name), path.name


def test_openssl_in_a_wheel_by_its_features(tmp_path: Path) -> None:

    for wheel in had(wheels):
        if wheel.name.startswith("cryptography-36.0.2"):
            with zipfile.ZipFile(wheel) as archive:
                (name,) = [one for one in archive.namelist() if "_openssl" in one]
                found = sightings(archive.read(name))
            assert found["openssl"].version == "1.1.1n"
            assert found["openssl"].copy_extent == "full"


def test_a_list_of_texts_is_no_copy() -> None:
    texts = b"\0".join(
        b"OpenSSL 1.1.1%c  text number %d of a list of patterns" % (97 + number % 26, number)
        for number in range(500)
    )
    assert sightings(texts, "patterns.db", Kind.DATA).keys() <= {"openssl"}
    assert not [
        one for one in sightings(texts, "p", Kind.DATA).values() if one.method == "signature"
    ]


def test_hostile_bytes_end_nothing() -> None:
    for data in (
        b"\x7fELF",
        b"\x7fELF" + b"\xff" * 200,
        b"\x7fELF\x02\x01\x01" + bytes(60),
        b"\0" * 64,
    ):
        sightings(data)


def sighting(**fields: object) -> ComponentSighting:
    whole = {
        "name": "a",
        "purl": "pkg:generic/a",
        "method": "signature",
        "confidence": 0.8,
    } | fields
    return ComponentSighting.model_validate(whole)


def test_what_text_and_features_say_becomes_one() -> None:
    text = sighting(version="1.2.3", purl="pkg:generic/a@1.2.3", method="version-string")
    features = sighting(low="1.2.0", high="1.2.5", copy_extent="partial")
    (one,) = merged([text, features])
    assert (one.version, one.copy_extent, one.low, one.high) == ("1.2.3", "partial", "", "")
    assert one.confidence > 0.8


def test_a_contradiction_is_said_and_lowers_confidence() -> None:
    text = sighting(version="1.9", purl="pkg:generic/a@1.9", method="version-string")
    (one,) = merged([text, sighting(low="1.2.0", high="1.2.5", copy_extent="full")])
    assert (one.version, one.low, one.high) == ("1.9", "1.2.0", "1.2.5")
    assert one.confidence < 0.6
    assert "the features fit 1.2.0 to 1.2.5" in one.evidence[0].excerpt


def test_an_open_end_fits_whatever_is_newer() -> None:
    assert fits("9.9", sighting(low="1.2"))
    assert not fits("1.1", sighting(low="1.2"))
    assert fits("5.2.15", sighting(version="5.2"))
    assert not fits("5.20", sighting(version="5.2"))


def test_the_examiners_version_names_its_signatures(tmp_path: Path) -> None:
    shipped = shipped_snapshot()
    assert shipped is not None
    own = tmp_path / "own.signatures"
    own.write_bytes(shipped.read_bytes())
    assert examiner((str(own),)).version != EXAMINER.version
