"""VEX in and out: the vendor's documents are read, ours are valid and say what was measured."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from assay.assess import VendorSays
from assay.exchange import cyclonedx, openvex
from assay.exchange.schema import evaluation_schema
from assay.exchange.vex import component_of, read_vex, statements
from assay.model.advisory import Statement
from assay.model.errors import AssayError, InputError
from assay.model.evaluation import Evaluation
from assay.reassessing import OPENVEX, write_openvex
from tests.test_advisories_assess import evaluation, sighting

MADE = "2026-11-24T10:00:00+00:00"


# --- read ----------------------------------------------------------------------------------------

OPENVEX_DOCUMENT: dict[str, Any] = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "@id": "https://acme.example/vex/1",
    "author": "Acme",
    "timestamp": "2026-11-01T00:00:00Z",
    "version": 1,
    "statements": [
        {
            "vulnerability": {"name": "CVE-2014-0160", "aliases": ["GHSA-x"]},
            "products": [
                {
                    "@id": "pkg:generic/acme/ar-1000@R22",
                    "subcomponents": [{"@id": "pkg:generic/openssl@1.0.1e"}],
                }
            ],
            "status": "not_affected",
            "justification": "component_not_present",
            "impact_statement": "not in the image",
        },
        {
            "vulnerability": {"name": "CVE-2022-0778"},
            "products": [{"@id": "pkg:generic/acme/ar-1000@R22"}],
            "status": "fixed",
        },
    ],
}
CSAF_DOCUMENT: dict[str, Any] = {
    "document": {
        "category": "csaf_vex",
        "publisher": {"name": "Acme PSIRT"},
        "tracking": {"current_release_date": "2026-11-01T00:00:00Z"},
    },
    "product_tree": {
        "branches": [
            {
                "category": "vendor",
                "branches": [
                    {
                        "category": "product_version",
                        "product": {
                            "product_id": "OPENSSL",
                            "product_identification_helper": {
                                "purl": "pkg:deb/debian/openssl@1.0.1e"
                            },
                        },
                    }
                ],
            }
        ],
        "full_product_names": [{"product_id": "AR", "name": "AR-1000 R22"}],
        "relationships": [
            {
                "product_reference": "OPENSSL",
                "relates_to_product_reference": "AR",
                "full_product_name": {"product_id": "OPENSSL-IN-AR", "name": "x"},
            }
        ],
    },
    "vulnerabilities": [
        {
            "cve": "CVE-2014-0160",
            "product_status": {"known_not_affected": ["OPENSSL-IN-AR"], "fixed": ["AR"]},
            "flags": [{"label": "vulnerable_code_not_present", "product_ids": ["OPENSSL-IN-AR"]}],
            "threats": [{"category": "impact", "details": "why", "product_ids": ["OPENSSL-IN-AR"]}],
        }
    ],
}
CYCLONEDX_DOCUMENT: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [{"bom-ref": "c1", "name": "openssl", "version": "1.0.1e", "type": "library"}],
    "vulnerabilities": [
        {
            "id": "CVE-2014-0160",
            "analysis": {
                "state": "not_affected",
                "justification": "code_not_reachable",
                "detail": "x",
            },
            "affects": [{"ref": "c1"}, {"ref": "urn:cdx:1234/1#pkg:generic%2Fcurl@8.0"}],
        },
        {"id": "CVE-2022-0778", "analysis": {"state": "resolved"}, "affects": []},
        {"id": "CVE-2022-0001"},
    ],
}


def read(document: Any) -> list[Statement]:
    return list(statements(document, "vex.json"))


def test_openvex() -> None:
    found = read(OPENVEX_DOCUMENT)
    assert [(one.id, one.status, one.component, one.version) for one in found] == [
        ("CVE-2014-0160", "not_affected", "openssl", "1.0.1e"),
        ("GHSA-x", "not_affected", "openssl", "1.0.1e"),
        ("CVE-2022-0778", "fixed", "", ""),
    ]
    assert found[0].justification == "component_not_present"
    assert found[0].document == "vex.json by Acme"
    assert found[0].made == "2026-11-01"


def test_csaf() -> None:
    found = {(one.status, one.component): one for one in read(CSAF_DOCUMENT)}
    assert set(found) == {("not_affected", "openssl"), ("fixed", "")}
    claimed = found["not_affected", "openssl"]
    assert claimed.justification == "vulnerable_code_not_present"
    assert (claimed.text, claimed.version) == ("why", "1.0.1e")
    assert claimed.document == "vex.json by Acme PSIRT"


def test_cyclonedx() -> None:
    found = read(CYCLONEDX_DOCUMENT)
    assert [(one.id, one.status, one.component) for one in found] == [
        ("CVE-2014-0160", "not_affected", "openssl"),
        ("CVE-2014-0160", "not_affected", "curl"),
        ("CVE-2022-0778", "fixed", ""),
    ]
    assert found[0].justification == "vulnerable_code_not_in_execute_path"


@pytest.mark.parametrize(
    ("purl", "component"),
    [
        ("pkg:generic/openssl@1.0.1e", ("openssl", "1.0.1e")),
        ("pkg:deb/debian/curl@7.88.1-10%2Bdeb12u5?arch=armhf", ("curl", "7.88.1-10+deb12u5")),
        ("pkg:pypi/Re_quests@2.0", ("pypi/re-quests", "2.0")),
        ("pkg:npm/%40scope/thing@1", ("npm/@scope/thing", "1")),
        ("pkg:generic/openssl", ("openssl", "")),
        ("https://acme.example/x", ("", "")),
    ],
)
def test_components_of_package_urls(purl: str, component: tuple[str, str]) -> None:
    assert component_of(purl) == component


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"nonsense", b'{"@context":"openvex","statements":7}']
)
def test_useless_documents_are_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "vex.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"vex\.json"):
        read_vex(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "@context statements vulnerability name aliases products subcomponents @id status "
                "document product_tree branches product product_id relationships cve affects ref "
                "product_status known_affected flags bomFormat components analysis state "
                "vulnerabilities full_product_name product_reference publisher tracking "
                "identifiers purl".split()
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(
    JSON, st.sampled_from([{"@context": "openvex"}, {"bomFormat": "CycloneDX"}, {"document": {}}])
)
def test_no_json_breaks_the_reader(value: Any, head: dict[str, Any]) -> None:
    for document in (value, {**value, **head} if isinstance(value, dict) else head):
        try:
            statements(document, "fuzz")
        except AssayError:
            continue


# --- written -------------------------------------------------------------------------------------

TEXT = {"type": "string", "minLength": 1}
IRI = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9+.-]*:"}
PART = {
    "type": "object",
    "properties": {
        "@id": IRI,
        "identifiers": {
            "type": "object",
            "properties": {"purl": TEXT, "cpe22": TEXT, "cpe23": TEXT},
            "additionalProperties": False,
        },
        "hashes": {"type": "object", "properties": {"sha-256": {"pattern": "^[0-9a-f]{64}$"}}},
        "subcomponents": {"type": "array", "uniqueItems": True, "items": {"type": "object"}},
    },
    "additionalProperties": False,
}
# OpenVEX specification 0.2.0, "The VEX Document" and "The VEX Statement": fields, which of them a
# document must have, and what a status must come with.
OPENVEX_FIELDS = {
    "type": "object",
    "required": ["@context", "@id", "author", "timestamp", "version", "statements"],
    "additionalProperties": False,
    "properties": {
        "@context": {"const": "https://openvex.dev/ns/v0.2.0"},
        "@id": IRI,
        "author": TEXT,
        "role": TEXT,
        "timestamp": {"type": "string", "format": "date-time"},
        "version": {"type": "integer", "minimum": 1},
        "tooling": TEXT,
        "statements": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {
                "type": "object",
                "required": ["vulnerability", "status"],
                "additionalProperties": False,
                "properties": {
                    "vulnerability": {
                        "type": "object",
                        "required": ["name"],
                        "additionalProperties": False,
                        "properties": {
                            "name": TEXT,
                            "description": TEXT,
                            "aliases": {"type": "array", "uniqueItems": True, "items": TEXT},
                        },
                    },
                    "products": {"type": "array", "uniqueItems": True, "items": PART},
                    "status": {
                        "enum": ["not_affected", "affected", "fixed", "under_investigation"]
                    },
                    "status_notes": TEXT,
                    "justification": TEXT,
                    "impact_statement": TEXT,
                    "action_statement": TEXT,
                },
                "allOf": [
                    {
                        "if": {"properties": {"status": {"const": "affected"}}},
                        "then": {"required": ["action_statement"]},
                    },
                    {
                        "if": {"properties": {"status": {"const": "not_affected"}}},
                        "then": {"anyOf": [{"required": ["justification"]}]},
                    },
                ],
            },
        },
    },
}


def openvex_errors(document: Any) -> list[str]:
    validator = Draft202012Validator(
        OPENVEX_FIELDS, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [
        f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(document)
    ]


def bom_errors(document: Any) -> str:
    errors = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))
    return "" if errors is None else str(errors)


def full() -> Evaluation:
    claims = tuple(read(OPENVEX_DOCUMENT))
    return evaluation(
        ("bin/a", sighting("openssl", "1.0.1e")),
        ("bin/b", sighting("openssl", low="1.0.2a", high="1.0.2k", purl="")),
        ("lib/arm-linux-gnueabihf/c", sighting("curl", "7.88.1")),
        ("bin/d", sighting("busybox", "1.36.0")),
        ("bin/é", sighting("zlib", "1.2.11")),
        vendor=VendorSays(statements=claims, supported_until="2034-12-31"),
    )


@pytest.fixture(scope="module")
def known() -> Evaluation:
    return full()


def test_bill_of_materials_with_vulnerabilities_is_valid(known: Evaluation) -> None:
    document = cyclonedx.bom(known)
    assert bom_errors(document) == ""
    assert len(document["vulnerabilities"]) == len(known.vulnerabilities)
    refs = {one["bom-ref"] for one in document["components"]} | {"image"}
    for one in document["vulnerabilities"]:
        assert one["affects"]
        assert {target["ref"] for target in one["affects"]} <= refs


def test_bill_of_materials_says_states_and_claims(known: Evaluation) -> None:
    listed = cyclonedx.bom(known)["vulnerabilities"]
    states = {(one["id"], one["analysis"]["state"]) for one in listed}
    assert ("CVE-2014-0160", "exploitable") in states
    assert ("CVE-2023-38545", "in_triage") in states
    (bleed,) = [one for one in listed if one["id"] == "CVE-2014-0160"]
    assert (
        "vendor: not_affected (component_not_present), vex.json by Acme"
        in (bleed["analysis"]["detail"])
    )
    assert "contradicted: openssl 1.0.1e was found in bin/a" in bleed["analysis"]["detail"]
    assert bleed["recommendation"] == "Move openssl to 1.0.1g or later."
    properties = {one["name"]: one["value"] for one in bleed["properties"]}
    assert properties["assay:exploited"] == "2022-05-04"
    image = cyclonedx.bom(known)["metadata"]["component"]["properties"]
    told = {one["name"]: one["value"] for one in image}
    assert told["assay:coverage.zlib"] == "thin"


def test_openvex_is_valid_and_true(known: Evaluation) -> None:
    document = openvex.document(known, MADE)
    assert document is not None
    assert openvex_errors(document) == []
    statuses = {(one["vulnerability"]["name"], one["status"]) for one in document["statements"]}
    assert ("CVE-2014-0160", "affected") in statuses
    assert ("CVE-2023-38545", "under_investigation") in statuses
    assert "not_affected" not in {status for _, status in statuses}
    bleed = next(
        one
        for one in document["statements"]
        if one["vulnerability"]["name"] == "CVE-2014-0160" and one["status"] == "affected"
    )
    assert bleed["action_statement"] == "Move openssl to 1.0.1g or later."
    assert "contradicted: openssl 1.0.1e was found in bin/a" in bleed["status_notes"]


def test_documents_are_the_same_each_time(known: Evaluation) -> None:
    texts = [json.dumps(openvex.document(one, MADE)) for one in (known, full())]
    assert len({sha256(text.encode()).hexdigest() for text in texts}) == 1
    bills = [json.dumps(cyclonedx.bom(one)) for one in (known, full())]
    assert bills[0] == bills[1]


def test_our_own_documents_can_be_read_again(known: Evaluation) -> None:
    assert {one.id for one in statements(openvex.document(known, MADE), "x")} >= {"CVE-2014-0160"}
    assert {one.component for one in statements(cyclonedx.bom(known), "x")} >= {"openssl", "curl"}


def test_nothing_to_state_is_no_document(tmp_path: Path) -> None:
    (tmp_path / OPENVEX).write_text("old")
    silent = evaluation(("bin/a", sighting("tcpdump", "4.99")))
    assert openvex.document(silent, MADE) is None
    write_openvex(silent, MADE, tmp_path)
    assert not (tmp_path / OPENVEX).exists()
    write_openvex(full(), MADE, tmp_path)
    assert openvex_errors(json.loads((tmp_path / OPENVEX).read_text("utf-8"))) == []


def test_evaluation_keeps_to_its_schema(known: Evaluation) -> None:
    document = json.loads(
        known.model_copy(update={"tree": known.tree}).model_dump_json(by_alias=True)
    )
    errors = [
        error.message[:200]
        for error in Draft202012Validator(evaluation_schema()).iter_errors(document)
    ]
    assert errors == []
    assert Evaluation.model_validate(document).vulnerabilities == known.vulnerabilities
