"""Findings: one for each deficiency, the same from release to release."""

import subprocess
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.assess import load_rules
from assay.assess.facts import gather
from assay.assess.findings import find, stem
from assay.assess.rules import Rule, parse_rules
from assay.examine import EXAMINERS
from assay.examine.contract import Content
from assay.intake.kinds import HEAD_BYTES, kind_of
from assay.model.base import digest
from assay.model.errors import DataError
from assay.model.finding import EVIDENCE_KEPT, Finding, Severity
from assay.model.functions import Family, FunctionClass, FunctionClasses, Safety
from assay.model.observations import CalledFunction, Calls, Evidence, Observation, Weakness
from assay.model.outcome import Examined, Ran
from assay.model.tree import Container, File, Kind, Tree
from assay.runner import Limits
from assay.runner.work import examine_one
from tests.corpus.apt import packages
from tests.corpus.cache import built

CLASSES = FunctionClasses(
    version="1",
    functions=(
        FunctionClass(name="strcpy", family=Family.STRCPY, safety=Safety.UNSAFE, source="here"),
        FunctionClass(name="strcat", family=Family.STRCPY, safety=Safety.UNSAFE, source="here"),
        FunctionClass(name="strlcpy", family=Family.STRCPY, safety=Safety.SAFE, source="here"),
    ),
)


def rules(**changes: str) -> list[Rule]:
    entry = {
        "id": "one",
        "over": "weakness",
        "when": "true",
        "title": "A title",
        "severity": "high",
        "severity_reason": "because",
        "cwe": "CWE-1",
        "remedy": "mend it",
        "practice": "known",
    } | changes
    text = "".join(
        f"{'- ' if number == 0 else '  '}{key}: {value!r}\n"
        for number, (key, value) in enumerate(entry.items())
    )
    return parse_rules(text, "planted.yaml")


def weakness(value: str, offset: int = 0) -> Weakness:
    said = Evidence(offset=offset, excerpt=f"set {value}")
    return Weakness(setting="a", service="b", value=value, evidence=said)


def found(
    applied: list[Rule] | tuple[Rule, ...],
    seen: Mapping[str, list[Observation]],
    **entry: Any,
) -> tuple[Finding, ...]:
    examined = []
    for path, observations in seen.items():
        values: dict[str, Any] = {
            "kind": Kind.TEXT,
            "sha256": sha256(path.encode()).hexdigest(),
            "size": 9,
        }
        file = File(path=path, **(values | entry))
        outcome = Ran(observations=tuple(observations))
        examined.append(Examined(file=file, examiner="planted", outcome=outcome))
    tree = Tree(sha256="0" * 64, size=1, files=tuple(one.file for one in examined))
    return find(applied, gather(tree, examined, CLASSES, "2026-11-24"), {})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("libssl.so.1.1", "libssl.so"),
        ("libssl.so.3", "libssl.so"),
        ("libssl-3.0.so", "libssl.so"),
        ("libglib-2.0.so.0.7400.6", "libglib.so"),
        ("libcrypto.so.1.0.2u", "libcrypto.so"),
        ("vmlinuz-5.10.0-28-amd64", "vmlinuz-amd64"),
        ("vmlinuz-6.1.0-9-amd64", "vmlinuz-amd64"),
        ("busybox-v1.35.0", "busybox"),
        ("busybox", "busybox"),
        ("openssl_1.1.1n-0+deb11u5_armhf.deb", "openssl_armhf.deb"),
        ("openssl_3.0.17-1~deb12u2_armhf.deb", "openssl_armhf.deb"),
        ("python3.11", "python"),
        ("x86_64-linux.conf", "x86_64-linux.conf"),
        ("ipv4.txt", "ipv4.txt"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_stems_hold_no_version(name: str, expected: str) -> None:
    assert stem(name) == expected


@given(st.text(max_size=80))
def test_stems_of_any_name(name: str) -> None:
    assert stem(name) or not name
    assert len(stem(name)) <= len(name)


@given(
    st.sampled_from(["libssl", "libz", "busybox", "httpd"]),
    st.lists(st.integers(0, 99), min_size=2, max_size=4),
    st.lists(st.integers(0, 99), min_size=2, max_size=4),
)
def test_fingerprints_outlive_versions_in_names(name: str, old: list[int], new: list[int]) -> None:
    before, after = (".".join(str(part) for part in version) for version in (old, new))
    for form in (f"usr/lib/{name}.so.{{}}", f"usr/sbin/{name}-{{}}", f"opt/{name}_{{}}.bin"):
        first = found(rules(), {form.format(before): [weakness("x")]})
        second = found(rules(), {form.format(after): [weakness("x")]})
        assert first[0].fingerprint == second[0].fingerprint


def test_fingerprints_tell_rules_files_and_identities_apart() -> None:
    seen: dict[str, list[Observation]] = {"etc/a": [weakness("x")], "etc/b": [weakness("x")]}
    prints = {one.fingerprint for one in found(rules(), seen)}
    prints |= {one.fingerprint for one in found(rules(id="two"), seen)}
    prints |= {one.fingerprint for one in found(rules(identity='"i"'), seen)}
    assert len(prints) == 5


def test_the_fingerprint_is_a_digest_that_others_can_compute() -> None:
    (one,) = found(rules(), {"usr/lib/libssl.so.3": [weakness("x")]})
    text = b'["assay-finding/1","one","libssl.so"]'
    assert one.fingerprint == sha256(text).hexdigest()[:32]
    assert digest(["assay-finding/1", "one", "libssl.so"]) == sha256(text).hexdigest()


def test_places_of_one_fingerprint_are_one_finding_with_bounded_evidence() -> None:
    seen: dict[str, list[Observation]] = {
        f"etc/{number:03}/app.conf": [weakness("x", number), weakness("x", number + 500)]
        for number in range(40)
    }
    (one,) = found(rules(subject="o.value"), seen)
    assert one.places == 80
    assert len(one.evidence) == EVIDENCE_KEPT == 25
    assert one.path == "etc/000/app.conf"
    assert one.title == "A title: x"
    assert (one.evidence[1].offset, one.evidence[1].excerpt) == (500, "set x")


def test_a_title_names_a_subject_only_if_all_places_share_it() -> None:
    seen: dict[str, list[Observation]] = {"etc/a": [weakness("x"), weakness("y")]}
    (one,) = found(rules(subject="o.value"), seen)
    assert one.title == "A title"


def test_findings_stand_worst_first_whatever_the_order_of_rules() -> None:
    severities = ("info", "critical", "low", "high", "medium")
    applied = [
        rule
        for number, name in enumerate(severities)
        for rule in rules(id=f"r{number}", severity=name)
    ]
    seen: dict[str, list[Observation]] = {"etc/b": [weakness("x")], "etc/a": [weakness("x")]}
    listed = found(applied, seen)
    assert [one.severity for one in listed[::2]] == list(Severity)
    assert [one.path for one in listed[:2]] == ["etc/a", "etc/b"]
    assert found(applied[::-1], seen) == listed


def test_a_condition_that_cannot_be_told_finds_nothing() -> None:
    seen: dict[str, list[Observation]] = {"etc/a": [weakness("x")]}
    assert found(rules(when="o.nothing == 1"), seen) == ()
    assert found(rules(when='m["a.b"] > 1'), seen) == ()


def test_evidence_of_calls_is_the_riskiest_functions() -> None:
    counts = {"strcat": 30, "strcpy": 70, "strlcpy": 99}
    functions = tuple(
        CalledFunction(name=name, sites=sites, offsets=(16,)) for name, sites in counts.items()
    )
    step = Container(format="squashfs", path="", offset=64, size=1)
    (one,) = found(
        rules(over="calls", when="o.strcpy_like.unsafe == 100 && o.strcpy_like.safe == 99"),
        {"bin/a": [Calls(functions=functions)]},
        containers=(step,),
    )
    assert [(proof.symbol, proof.excerpt, proof.offset) for proof in one.evidence] == [
        ("strcpy", "70 call sites", 16),
        ("strcat", "30 call sites", 16),
    ]
    assert one.evidence[0].containers == ("squashfs@0x40",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"when": "o."}, "planted.yaml: one"),
        ({"when": "1"}, "must give bool"),
        ({"colour": "red"}, "unknown key colour"),
        ({"remedy": ""}, "remedy is missing"),
        ({"severity": "terrible"}, "severity"),
    ],
)
def test_malformed_rules_are_refused_in_words(changes: dict[str, str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        rules(**changes)


@pytest.mark.parametrize("text", ["a: [", "just text", "- 7", "- over: file"])
def test_malformed_files_of_rules_are_refused_in_words(text: str) -> None:
    with pytest.raises(DataError, match=r"^planted\.yaml: "):
        parse_rules(text, "planted.yaml")


def _library(suite: str, name: str) -> Path:
    """The folder of one package's files, unpacked by dpkg."""

    def unpack(folder: Path) -> None:
        (package,) = packages("amd64", [name], suite=suite, dependencies=False)
        subprocess.run(["dpkg-deb", "-x", str(package.deb), str(folder)], check=True)

    return built(f"findings-{suite or 'stable'}-{name}", unpack)


def _examined(root: Path, name: str, moved_to: str = "") -> tuple[Finding, ...]:
    (real,) = [path for path in root.rglob(name) if not path.is_symlink()]
    content = real.read_bytes()
    file = File(
        path=f"{moved_to}/{real.name}" if moved_to else real.relative_to(root).as_posix(),
        kind=kind_of(content[:HEAD_BYTES]),
        sha256=sha256(content).hexdigest(),
        size=len(content),
    )
    seen = Content(memoryview(content), lambda secret: sha256(secret).hexdigest())
    examined = [
        Examined(
            file=file,
            examiner=examiner.name,
            outcome=examine_one(examiner, seen, file, Limits()).outcome,
        )
        for examiner in EXAMINERS
        if examiner.name in ("executable", "calls")
    ]
    tree = Tree(sha256="0" * 64, size=1, files=(file,))
    facts = gather(tree, examined, CLASSES, "2026-11-24")
    return find((*rules(over="executable", when='o.role == "library"'), *load_rules()), facts, {})


def test_fingerprints_outlive_a_rebuild_a_move_and_a_version_bump() -> None:
    old, new = _library("bullseye", "libssl1.1"), _library("", "libssl3")
    before = {one.rule: one for one in _examined(old, "libssl.so.1.1")}
    after = {one.rule: one for one in _examined(new, "libssl.so.3")}
    moved = {one.rule: one for one in _examined(new, "libssl.so.3", moved_to="opt/acme/lib")}
    assert before["one"].evidence[0].sha256 != after["one"].evidence[0].sha256
    assert before["one"].path != after["one"].path
    shared = before.keys() & after.keys()
    assert "one" in shared
    for rule in shared:
        assert before[rule].fingerprint == after[rule].fingerprint
    assert {rule: one.fingerprint for rule, one in after.items()} == {
        rule: one.fingerprint for rule, one in moved.items()
    }
    other = {one.rule: one for one in _examined(new, "libcrypto.so.3")}
    assert other["one"].fingerprint != after["one"].fingerprint
