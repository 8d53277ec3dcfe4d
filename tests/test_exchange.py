"""Documents for others: valid against the official schemas, true to the evaluation, stable.

The schema of CycloneDX comes with cyclonedx-python-lib. That of SARIF comes with the source
distribution of sarif-om, in its last candidate; the few places where OASIS's published one differs
are told here, and a digest of the published one proves that nothing else does.
"""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urljoin

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator

from assay.assess import MEASURES, load_rules
from assay.examine import calls as call_sites
from assay.examine import configuration, executable
from assay.exchange import cyclonedx, sarif
from assay.exchange.schema import evaluation_schema
from assay.exchange.text import relative_uri
from assay.intake import Limits as IntakeLimits
from assay.knowledge import knowledge_base
from assay.model.evaluation import (
    CallTable,
    ComponentCopy,
    CopyEvidence,
    Evaluation,
    ExecutableEntry,
    Knowledge,
    NotMeasured,
    Part,
    Subject,
    Tool,
    VersionRange,
)
from assay.model.finding import Finding, FindingEvidence, Severity
from assay.model.observations import Hardening
from assay.model.tree import Container, File, Kind, Region, Tree
from assay.pipeline import Ports, Request, evaluate
from assay.runner import Limits as RunLimits
from assay.runner import process_pool
from tests.corpus import debs
from tests.corpus.cache import built

SARIF_OM = (
    "sarif-om==1.0.4 "
    "--hash=sha256:cd5f416b3083e00d402a92e449a7ff67af46f11241073eea0461802a3b5aef98\n"
)
# docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json without its
# descriptions, titles and id; JSON with sorted keys and without white space.
OASIS_DIGEST = "4c5571a545770e4bc51def9b9cddc8589477c6191d950221fa138acd06441adf"

IMAGE_HASH = "ab" * 32


# --- validators, for other tests too --------------------------------------------------------------


def bom_errors(document: dict[str, Any]) -> str:
    """What CycloneDX's strict schema says against it; empty if nothing."""
    errors = _bom_validator().validate_str(json.dumps(document))
    return "" if errors is None else str(errors)


def sarif_errors(document: dict[str, Any]) -> list[str]:
    """What OASIS's schema says against it."""
    found = _sarif_validator().iter_errors(document)
    return [f"{error.json_path}: {error.message[:300]}" for error in found]


def evaluation_errors(document: dict[str, Any]) -> list[str]:
    """What our own schema says against it."""
    found = Draft202012Validator(evaluation_schema()).iter_errors(document)
    return [f"{error.json_path}: {error.message[:300]}" for error in found]


@cache
def _bom_validator() -> JsonStrictValidator:
    return JsonStrictValidator(SchemaVersion.V1_6)


@cache
def _sarif_validator() -> Draft4Validator:
    # Draft 4 itself has no uri-reference, which the schema asks for.
    return Draft4Validator(oasis_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)


@cache
def oasis_schema() -> dict[str, Any]:
    """The schema of SARIF 2.1.0 with errata 01."""
    archive = next(built("sarif-om-1.0.4", _download_sarif_om).glob("sarif_om-*.tar.gz"))
    with tarfile.open(archive) as tar:
        member = tar.extractfile("sarif_om-1.0.4/sarif-2.1.0-rtm.4.json")
        assert member is not None
        schema: dict[str, Any] = json.load(member)
    _bring_to_errata_01(schema)
    return schema


def _download_sarif_om(folder: Path) -> None:
    pinned = folder / "pinned.txt"
    pinned.write_text(SARIF_OM)
    words = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
    done = subprocess.run(
        [*words, "-d", str(folder), "-r", str(pinned)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def _bring_to_errata_01(schema: dict[str, Any]) -> None:
    defined = schema["definitions"]
    for name, member in (
        ("externalProperties", "version"),
        ("notification", "level"),
        ("reportingConfiguration", "level"),
        ("result", "baselineState"),
        ("result", "kind"),
        ("result", "level"),
        ("run", "columnKind"),
        ("suppression", "kind"),
        ("threadFlowLocation", "importance"),
    ):
        defined[name]["properties"][member]["type"] = "string"
    schema["properties"]["version"]["type"] = "string"
    schema["properties"]["runs"]["type"] = ["array", "null"]
    defined["artifact"]["properties"]["roles"]["items"]["type"] = "string"
    defined["toolComponent"]["properties"]["contents"]["items"]["type"] = "string"
    for name in ("run", "toolComponent"):
        defined[name]["properties"]["language"]["pattern"] = "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$"
    defined["region"]["anyOf"] = [
        {"required": [member]} for member in ("startLine", "charOffset", "byteOffset")
    ]
    suppression = defined["suppression"]["properties"]
    suppression["status"] = suppression.pop("state") | {"type": "string"}


def _bare(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_bare(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    prose = ("description", "title", "id", "$comment")
    return {
        key: _bare(value)
        for key, value in schema.items()
        if not (key in prose and isinstance(value, str))
    }


def test_sarif_schema_is_the_published_one() -> None:
    text = json.dumps(_bare(oasis_schema()), sort_keys=True, separators=(",", ":"))
    assert sha256(text.encode()).hexdigest() == OASIS_DIGEST


# --- an evaluation that has everything ------------------------------------------------------------


def _file(path: str, *containers: Container, kind: Kind = Kind.ELF) -> File:
    content = sha256(path.encode("utf-8", "surrogatepass")).hexdigest()
    return File(path=path, kind=kind, sha256=content, size=1000, mode=0o644, containers=containers)


def _copy(path: str, version: str | None = "3.0.14", **changes: Any) -> ComponentCopy:
    sound: dict[str, Any] = {
        "name": "openssl",
        "purl": f"pkg:generic/openssl@{version}" if version else "pkg:generic/openssl",
        "version": version,
        "copy": "full",
        "path": path,
        "sha256": sha256(path.encode("utf-8", "surrogatepass")).hexdigest(),
        "method": "version-string",
        "confidence": 0.9,
        "evidence": (CopyEvidence(offset=4096, excerpt="OpenSSL 3.0.14 4 Jun 2024"),),
    }
    return ComponentCopy(**sound | changes)


def _finding(rule: str, *evidence: FindingEvidence, **changes: Any) -> Finding:
    sound: dict[str, Any] = {
        "fingerprint": sha256(rule.encode()).hexdigest()[:32],
        "rule": rule,
        "title": "A deficiency",
        "severity": Severity.MEDIUM,
        "cwe": "CWE-693",
        "path": evidence[0].path if evidence else "",
        "places": max(len(evidence), 1),
        "evidence": evidence,
    }
    return Finding(**sound | changes)


UIMAGE = Container(format="uimage", path="", offset=0, size=9000)
SQUASHFS = Container(format="squashfs_v4_le", path="uimage@0x0", offset=64, size=8900)
LIBRARY = "usr/lib/libssl.so.3"
PROGRAM = "usr/sbin/httpd"
PACKED = "usr/share/extra.tar"
INNER = "usr/share/extra.tar!/bin/tool"


def full_evaluation(**changes: Any) -> Evaluation:
    """An evaluation in which no list is empty."""
    step = Container(format="tar", path=PACKED, offset=0, size=1000)
    tree = Tree(
        sha256=IMAGE_HASH,
        size=9000,
        files=(
            _file(LIBRARY, UIMAGE, SQUASHFS),
            _file(PROGRAM, UIMAGE, SQUASHFS),
            _file(PACKED, UIMAGE, SQUASHFS, kind=Kind.CONTAINER),
            _file(INNER, UIMAGE, SQUASHFS, step),
        ),
        regions=(
            Region(path="", offset=0, size=9000, understood=True, format="uimage"),
            Region(path="", offset=9000, size=70_000, understood=False, entropy=7.99),
        ),
    )
    sound: dict[str, Any] = {
        "tool": Tool(version="1.2.3", parts=(Part(name="elf", version="1"),)),
        "knowledge": Knowledge(version="2026-11-24", as_of="2026-11-24"),
        "subject": Subject(
            vendor="Acme",
            product="AR-1000",
            release="R22",
            name="router image.bin",
            sha256=IMAGE_HASH,
            size=9000,
        ),
        "tree": tree,
        "components": (
            _copy(LIBRARY),
            _copy(PROGRAM),
            _copy(PROGRAM, "1.1.1w"),
            _copy(INNER, None, versions=VersionRange(low="1.0.2a", high="1.0.2k"), copy="fragment"),
            _copy(PROGRAM, name="busybox", version=None, purl="", copy=None, method="soname"),
        ),
        "executables": (_entry(PROGRAM), _entry(LIBRARY, role="library")),
        "measures": {
            **{measure.info.name: None for measure in MEASURES},
            "intake.understood.share": 0.5,
            "components.count": 2,
            "executables.architectures": ("arm",),
        },
        "measure_list": tuple(measure.info for measure in MEASURES),
        "rules": tuple(rule.info for rule in load_rules()),
        "findings": (
            _finding(
                "secrets.private_key",
                FindingEvidence(path=INNER, offset=12, excerpt="-----BEGIN ••••", symbol="key"),
                FindingEvidence(path=LIBRARY, offset=99),
                FindingEvidence(path=LIBRARY, offset=99),
                severity=Severity.CRITICAL,
            ),
            _finding("hardening.relro_partial", FindingEvidence(path="")),
            _finding("intake.opaque", FindingEvidence(path="", offset=9000)),
            _finding("a.rule_of_ones_own", severity=Severity.INFO),
        ),
        "not_measured": (
            NotMeasured(what="calls", why="stripped", path=PROGRAM, files=3),
            NotMeasured(what="hardening.bti.share", why="no AArch64"),
        ),
    }
    return Evaluation(**sound | changes)


def _entry(path: str, role: str = "program") -> ExecutableEntry:
    return ExecutableEntry(
        path=path,
        sha256=sha256(path.encode()).hexdigest(),
        format="elf",
        arch="arm",
        bits=32,
        endian="little",
        role=role,
        static=False,
        hardening=Hardening(pie=True, relro="partial"),
        calls=CallTable(),
    )


def _run(evaluation: Evaluation) -> dict[str, Any]:
    run: dict[str, Any] = sarif.log(evaluation)["runs"][0]
    return run


def _physical(run: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for result in run["results"]:
        for location in result["locations"] + result.get("relatedLocations", []):
            yield location["physicalLocation"]
    for notification in run["invocations"][0]["toolExecutionNotifications"]:
        for location in notification["locations"]:
            yield location["physicalLocation"]


# --- all three ------------------------------------------------------------------------------------


def test_documents_are_valid() -> None:
    evaluation = full_evaluation()
    assert bom_errors(cyclonedx.bom(evaluation)) == ""
    assert sarif_errors(sarif.log(evaluation)) == []
    assert evaluation_errors(json.loads(evaluation.model_dump_json(by_alias=True))) == []


def test_documents_of_nothing_are_valid() -> None:
    none: dict[str, Any] = dict.fromkeys(
        ("components", "executables", "rules", "findings", "not_measured", "measure_list"), ()
    )
    subject = Subject(vendor="", product="", release="", name="", sha256="", size=0)
    tree = Tree(sha256="", size=0, files=())
    evaluation = full_evaluation(**none, measures={}, subject=subject, tree=tree)
    assert bom_errors(cyclonedx.bom(evaluation)) == ""
    assert sarif_errors(sarif.log(evaluation)) == []
    assert evaluation_errors(json.loads(evaluation.model_dump_json(by_alias=True))) == []


def test_validators_can_say_no() -> None:
    bom, log = cyclonedx.bom(full_evaluation()), sarif.log(full_evaluation())
    bom["components"][0]["evidence"]["identity"][0]["methods"][0]["technique"] = "guessing"
    log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] = {
        "uri": "a b"
    }
    assert "guessing" in bom_errors(bom)
    assert "uri-reference" in sarif_errors(log)[0]


_PRINT_DIGESTS = """
import hashlib, json, sys
from assay.exchange import cyclonedx, sarif
from assay.model.evaluation import Evaluation
evaluation = Evaluation.model_validate_json(sys.stdin.read())
for make in (cyclonedx.bom, sarif.log):
    print(hashlib.sha256(json.dumps(make(evaluation)).encode()).hexdigest())
"""


def test_same_evaluation_gives_same_bytes_in_every_process() -> None:
    path = str(Path(__file__).parent.parent / "src")
    shown = [
        subprocess.run(
            [sys.executable, "-c", _PRINT_DIGESTS],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": path},
            input=full_evaluation().model_dump_json(by_alias=True),
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert shown[0] == shown[1]
    assert len(shown[0].split()) == 2


# --- CycloneDX ------------------------------------------------------------------------------------


def test_bom_has_a_component_for_each_version_and_an_occurrence_for_each_copy() -> None:
    components = cyclonedx.bom(full_evaluation())["components"]
    told = [
        (one["name"], one.get("version"), [at["location"] for at in one["evidence"]["occurrences"]])
        for one in components
    ]
    assert told == [
        ("busybox", None, [PROGRAM]),
        ("openssl", None, [INNER]),
        ("openssl", "1.1.1w", [PROGRAM]),
        ("openssl", "3.0.14", [LIBRARY, PROGRAM]),
    ]


def test_bom_says_an_interval_in_properties() -> None:
    interval = cyclonedx.bom(full_evaluation())["components"][1]
    properties = {one["name"]: one["value"] for one in interval["properties"]}
    assert "version" not in interval
    assert properties["assay:version.low"] == "1.0.2a"
    assert properties["assay:version.high"] == "1.0.2k"


def test_bom_has_the_hash_of_a_whole_file_and_of_nothing_else() -> None:
    by_version = {
        one.get("version"): one.get("hashes")
        for one in cyclonedx.bom(full_evaluation())["components"]
    }
    whole = [{"alg": "SHA-256", "content": sha256(PROGRAM.encode()).hexdigest()}]
    assert by_version == {None: None, "1.1.1w": whole, "3.0.14": None}


def test_bom_does_not_claim_to_be_complete() -> None:
    bom = cyclonedx.bom(full_evaluation())
    assert {one["aggregate"] for one in bom["compositions"]} == {"incomplete", "unknown"}
    references = {one["bom-ref"] for one in bom["components"]}
    assert len(references) == len(bom["components"])
    assert set(bom["dependencies"][0]["dependsOn"]) == references


def test_bom_serial_number_follows_the_content() -> None:
    one = cyclonedx.bom(full_evaluation())
    other = cyclonedx.bom(full_evaluation(components=(_copy(PROGRAM),)))
    assert one["serialNumber"] == cyclonedx.bom(full_evaluation())["serialNumber"]
    assert one["serialNumber"] != other["serialNumber"]


@pytest.mark.parametrize("purl", ["", "openssl", "pkg:", "pkg:generic/", "pkg:generic/a\udcff"])
def test_bom_leaves_malformed_package_urls_out(purl: str) -> None:
    bom = cyclonedx.bom(full_evaluation(components=(_copy(PROGRAM, purl=purl, confidence=7.0),)))
    assert bom_errors(bom) == ""
    assert "purl" not in bom["components"][0]
    assert bom["components"][0]["evidence"]["identity"][0]["field"] == "name"


# --- SARIF ----------------------------------------------------------------------------------------


def test_sarif_indices_point_at_what_they_say() -> None:
    run = _run(full_evaluation())
    rules, taxa = run["tool"]["driver"]["rules"], run["taxonomies"][0]["taxa"]
    for result in run["results"]:
        assert ("ruleIndex" in result) == (result["ruleId"] != "a.rule_of_ones_own")
        if "ruleIndex" in result:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    for rule in rules:
        for relation in rule["relationships"]:
            assert taxa[relation["target"]["index"]]["id"] == relation["target"]["id"]
    for place in _physical(run):
        index = place["artifactLocation"]["index"]
        assert run["artifacts"][index]["location"] == place["artifactLocation"]


def test_sarif_artifacts_lead_from_the_file_to_the_image() -> None:
    evaluation = full_evaluation()
    artifacts = _run(evaluation)["artifacts"]
    by_uri = {one["location"]["uri"]: one for one in artifacts if "location" in one}
    inner = by_uri[relative_uri(INNER)]
    way = []
    index = inner["properties"]["containerIndex"]
    while index != 0:
        step = artifacts[index]
        way.append((step.get("description", {}).get("text"), step.get("offset")))
        index = (
            step["parentIndex"] if "parentIndex" in step else step["properties"]["containerIndex"]
        )
    assert way == [("tar", 0), (None, None), ("squashfs_v4_le", 64), ("uimage", 0)]
    assert artifacts[0]["hashes"] == {"sha-256": IMAGE_HASH}
    assert inner["hashes"] == {"sha-256": sha256(INNER.encode()).hexdigest()}


def test_sarif_places() -> None:
    key, image, opaque, own = _run(full_evaluation())["results"]
    first = key["locations"][0]
    assert first["physicalLocation"]["region"] == {"byteOffset": 12}
    assert first["message"]["text"] == "-----BEGIN ••••"
    assert first["logicalLocations"] == [{"name": "key"}]
    assert len(key["relatedLocations"]) == 1, "two equal places are one"
    for result in (image, own):
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "router%20image.bin", "index": 0}
    region = opaque["locations"][0]["physicalLocation"]["region"]
    assert region == {"byteOffset": 9000, "byteLength": 70_000}
    assert key["partialFingerprints"] == {"assay/v1": key["partialFingerprints"]["assay/v1"]}


def test_sarif_levels_follow_severity() -> None:
    rules = _run(full_evaluation())["tool"]["driver"]["rules"]
    scores = {
        level: {
            float(rule["properties"]["security-severity"])
            for rule in rules
            if rule["defaultConfiguration"]["level"] == level
        }
        for level in ("error", "warning", "note")
    }
    # docs.github.com, SARIF support: over 9.0 critical, 7.0 to 8.9 high, 4.0 to 6.9 medium
    assert min(scores["error"]) >= 7 > max(scores["warning"])
    assert min(scores["warning"]) >= 4 > max(scores["note"])


def test_sarif_tells_everything_that_was_not_measured() -> None:
    run = _run(full_evaluation())
    told = run["invocations"][0]["toolExecutionNotifications"]
    assert [one["message"]["text"] for one in told] == [
        "Not measured: calls (3 files): stripped",
        "Not measured: hardening.bti.share: no AArch64",
    ]
    assert run["tool"]["driver"]["notifications"][0]["id"] == told[0]["descriptor"]["id"]


def test_sarif_messages_have_no_placeholders_and_no_links_of_an_images_making() -> None:
    evidence = FindingEvidence(path=PROGRAM, offset=1, excerpt="{0} [click](http://x.example)")
    result = _run(full_evaluation(findings=(_finding("calls.gets", evidence),)))["results"][0]
    assert result["locations"][0]["message"]["text"] == "{{0}} [click] (http://x.example)"


@pytest.mark.parametrize(
    ("version", "semantic"), [("1.2.3", True), ("1.2.3-rc.1+g1", True), ("1.2", False), ("", False)]
)
def test_sarif_says_a_semantic_version_only_where_it_is_one(version: str, semantic: bool) -> None:
    driver = _run(full_evaluation(tool=Tool(version=version)))["tool"]["driver"]
    assert ("semanticVersion" in driver) == semantic


# --- hostile names --------------------------------------------------------------------------------

NASTY = st.sampled_from(
    ["..", ".", "", "a b", "#", "?", "%", "%2e%2e", "C:", "javascript:x", "\\", "\0", "\n", "ä",
     "\udcff\udcfe", "\ud800", "💥", "{0}", "[a](1)", "-", "~", "//", "\u202e", "x" * 1100]
)  # fmt: skip
TEXT = st.text(st.characters(), max_size=20) | NASTY
PATH = st.lists(TEXT, min_size=1, max_size=4).map("/".join)


@st.composite
def hostile_evaluations(draw: st.DrawFn) -> Evaluation:
    path, other, text = draw(PATH), draw(PATH), draw(TEXT)
    offset = draw(st.none() | st.integers(0, 2**63))
    step = Container(format=text, path=draw(st.sampled_from(["", path, other])), offset=0, size=5)
    evidence = (
        FindingEvidence(path=path, offset=offset, excerpt=text, symbol=draw(TEXT)),
        FindingEvidence(path=other, excerpt=draw(TEXT)),
        FindingEvidence(path=""),
    )
    subject = Subject(
        vendor=text, product=draw(TEXT), release=draw(TEXT), name=other, sha256=IMAGE_HASH, size=1
    )
    files = {one.path: one for one in (_file(path, step), _file(other, step, step))}
    copies = (
        _copy(path, draw(TEXT), name=draw(TEXT), purl=draw(TEXT), supplier=text, sha256=text),
        _copy(
            other,
            None,
            versions=VersionRange(low=text, high=draw(TEXT)),
            evidence=(CopyEvidence(offset=offset, excerpt=text, symbol=text),),
        ),
    )
    return full_evaluation(
        subject=subject,
        tool=Tool(version=text, parts=(Part(name=text, version=draw(TEXT)),)),
        tree=Tree(sha256=IMAGE_HASH, size=1, files=tuple(files.values())),
        components=copies,
        rules=full_evaluation().rules[:3],
        measure_list=(),
        findings=(_finding("calls.gets", *evidence, title=text),),
        not_measured=(NotMeasured(what=text, why=draw(TEXT), path=path),),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(hostile_evaluations())
def test_documents_of_hostile_names_are_valid(evaluation: Evaluation) -> None:
    bom, log = cyclonedx.bom(evaluation), sarif.log(evaluation)
    assert bom_errors(bom) == ""
    assert sarif_errors(log) == []
    for document in (bom, log):
        json.dumps(document, ensure_ascii=False).encode("utf-8")


@settings(max_examples=300)
@given(PATH)
def test_uris_stay_below_the_image(path: str) -> None:
    uri, base = relative_uri(path), "file:///image/root/"
    assert uri.isascii()
    assert urljoin(base, uri) == base + uri
    assert not {".", ".."} & set(unquote(uri).split("/"))


@settings(max_examples=300)
@given(st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=4))
def test_uris_tell_the_bytes_of_the_name(steps: list[bytes]) -> None:
    names = [step.replace(b"/", b"_") for step in steps if step not in (b".", b"..")] or [b"x"]
    path = b"/".join(names)
    assert unquote_to_bytes(relative_uri(path.decode("utf-8", "surrogateescape"))) == path


# --- the evaluation's own schema ------------------------------------------------------------------


def test_evaluation_schema_is_a_schema() -> None:
    schema = evaluation_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$id"]
    assert schema["title"]
    assert set(schema["required"]) >= {
        "tool", "knowledge", "subject", "tree", "components", "executables", "measures",
        "findings", "not_measured",
    }  # fmt: skip
    copy = schema["$defs"]["ComponentCopy"]["properties"]
    assert {"copy", "versions", "evidence"} <= set(copy)


def _change(document: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    change(document)
    return document


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.pop("tree"),
        lambda one: one.update(extra=1),
        lambda one: one["measures"]["intake"].update(understood="half"),
        lambda one: one["findings"][0].update(severity="grave"),
        lambda one: one["components"][0].update(copy="most"),
        lambda one: one["tree"]["files"][0].pop("sha256"),
    ],
)
def test_evaluation_schema_can_say_no(change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(full_evaluation().model_dump_json(by_alias=True))
    assert evaluation_errors(_change(document, change)) != []


def test_evaluation_survives_its_own_form() -> None:
    evaluation = full_evaluation()
    read = Evaluation.model_validate_json(evaluation.model_dump_json(by_alias=True))
    assert read == evaluation
    assert sarif.log(read) == sarif.log(evaluation)
    assert cyclonedx.bom(read) == cyclonedx.bom(evaluation)


# --- real and large -------------------------------------------------------------------------------


class _Forgetful:
    """A memory that keeps nothing."""

    def load(self, keys: object) -> dict[str, bytes]:
        return {}

    def save(self, outcomes: object) -> None:
        pass

    def recall(self, key: str) -> None:
        return None

    def remember(self, key: str, tree: bytes) -> None:
        pass


@pytest.fixture(scope="module")
def package() -> Path:
    return debs("armhf", ["vsftpd"])[0]


@pytest.fixture(scope="module")
def evaluated(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """A real package, evaluated."""
    limits = RunLimits()
    ports = Ports(
        memory=_Forgetful(),
        engine=process_pool(limits.memory_bytes),
        workers=2,
        scratch=tmp_path_factory.mktemp("scratch"),
        examiners=(executable.EXAMINER, call_sites.EXAMINER, configuration.EXAMINER),
        knowledge=knowledge_base(),
        rules=load_rules(),
        seal_key=bytes(32),
        intake_limits=IntakeLimits(),
        run_limits=limits,
        progress=lambda step: None,
    )
    return evaluate(Request(package, "Debian", "vsftpd", "12"), ports).evaluation


def test_documents_of_a_real_package_are_valid(evaluated: Evaluation) -> None:
    assert evaluated.findings
    assert bom_errors(cyclonedx.bom(evaluated)) == ""
    assert sarif_errors(sarif.log(evaluated)) == []
    assert evaluation_errors(json.loads(evaluated.model_dump_json(by_alias=True))) == []


def test_sarif_of_a_real_package_names_its_files(
    evaluated: Evaluation, package: Path, tmp_path: Path
) -> None:
    subprocess.run(["dpkg-deb", "-x", str(package), str(tmp_path)], check=True)
    run = _run(evaluated)
    uris = [one["artifactLocation"]["uri"] for one in _physical(run) if _below_root(one)]
    assert any(uri.endswith("/vsftpd") for uri in uris)
    hashes = {
        one["location"]["uri"]: one["hashes"]["sha-256"]
        for one in run["artifacts"]
        if "uriBaseId" in one.get("location", {}) and "hashes" in one
    }
    shipped = {uri for uri in uris if (tmp_path / unquote(uri)).is_file()}
    assert any(uri.endswith("/vsftpd") for uri in shipped)
    for uri in shipped:
        assert sha256((tmp_path / unquote(uri)).read_bytes()).hexdigest() == hashes[uri]
    assert run["artifacts"][0]["hashes"]["sha-256"] == sha256(package.read_bytes()).hexdigest()


def _below_root(place: dict[str, Any]) -> bool:
    return "uriBaseId" in place["artifactLocation"]


def _large() -> Evaluation:
    paths = [f"usr/lib/module-{number}/libthing-{number}.so" for number in range(1577)]
    evidence = partial(FindingEvidence, excerpt="strcpy in 3 places", symbol="strcpy")
    findings = [
        _finding(
            "calls.strcpy",
            *(evidence(path=paths[(number + step) % 1577], offset=step) for step in range(10)),
            fingerprint=f"{number:032x}",
        )
        for number in range(5000)
    ]
    return full_evaluation(
        tree=Tree(
            sha256=IMAGE_HASH,
            size=1,
            files=tuple(_file(path, UIMAGE, SQUASHFS) for path in paths),
        ),
        components=tuple(_copy(path, f"1.{number % 200}") for number, path in enumerate(paths)),
        executables=tuple(_entry(path) for path in paths),
        findings=tuple(findings),
    )


def test_large_evaluations_are_written_whole() -> None:
    evaluation = _large()
    run = _run(evaluation)
    assert len(run["results"]) == 5000
    assert sum(len(one.get("relatedLocations", [])) for one in run["results"]) == 5000 * 9
    occurrences = [
        one["evidence"]["occurrences"] for one in cyclonedx.bom(evaluation)["components"]
    ]
    assert sum(len(places) for places in occurrences) == 1577
