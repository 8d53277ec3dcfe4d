"""What is known against components, in the evaluation: measures, findings, gaps, statements."""

from dataclasses import replace
from typing import Any

import pytest

from assay.assess import (
    Consulted,
    VendorSays,
    assess,
    compose,
    load_rules,
    reassess,
    value_of,
)
from assay.assess.measures.by_component import component_key
from assay.knowledge import knowledge_base
from assay.knowledge.advisories.library import Library
from assay.knowledge.advisories.shipped import shipped
from assay.knowledge.advisories.snapshot import Content, Snapshot, pack
from assay.model.advisory import Advisory, Claim, Range, Statement
from assay.model.evaluation import Evaluation, Knowledge, Subject, Tool
from assay.model.finding import Severity
from assay.model.measure import nest
from assay.model.observations import ComponentSighting, Evidence, KernelImage, Observation
from assay.model.outcome import Examined, Ran
from assay.model.tree import File, Kind, Tree

AS_OF = "2026-11-24"
KNOWLEDGE = Knowledge(version=AS_OF, as_of=AS_OF)
RULES = load_rules()
CLASSES = knowledge_base().functions


def sighting(name: str, version: str = "", **more: Any) -> ComponentSighting:
    sound: dict[str, Any] = {
        "name": name,
        "purl": f"pkg:generic/{name}",
        "version": version,
        "copy_extent": "full",
        "method": "version-string",
        "confidence": 0.9,
        "evidence": (Evidence(offset=16, excerpt=f"{name} {version}"),),
    }
    return ComponentSighting(**sound | more)


def evaluation(
    *seen: tuple[str, Observation],
    library: Library | None = None,
    vendor: VendorSays | None = None,
) -> Evaluation:
    files = {path: File(path=path, kind=Kind.ELF, sha256="ab" * 32, size=9) for path, _ in seen}
    by_path: dict[str, list[Observation]] = {}
    for path, fact in seen:
        by_path.setdefault(path, []).append(fact)
    tree = Tree(sha256="00" * 32, size=9, files=tuple(files.values()))
    examined = [
        Examined(file=files[path], examiner="components", outcome=Ran(observations=tuple(facts)))
        for path, facts in by_path.items()
    ]
    consulted = Consulted(library or Library(shipped()), vendor or VendorSays())
    assessment = assess(
        tree, examined, classes=CLASSES, rules=RULES, as_of=AS_OF, consulted=consulted
    )
    subject = Subject(
        vendor="Acme",
        product="AR-1000",
        release="R22",
        name="x.bin",
        sha256="00" * 32,
        size=9,
        supported_until=consulted.vendor.supported_until,
    )
    return compose(
        assessment,
        subject=subject,
        tool=Tool(version="1"),
        knowledge=KNOWLEDGE,
        rules=RULES,
    )


def rules_of(one: Evaluation) -> dict[str, int]:
    return {finding.rule: finding.places for finding in one.findings}


# --- measures ------------------------------------------------------------------------------------


def test_measures_of_a_covered_component() -> None:
    found = evaluation(
        ("bin/a", sighting("openssl", "1.0.1e")), ("bin/b", sighting("openssl", "3.5.7"))
    )
    measures = found.measures
    affected = {one.id for one in found.vulnerabilities if one.state == "affected"}
    assert measures["vulnerabilities.known"] == len(affected) > 50
    assert measures["vulnerabilities.exploited"] == 1
    assert measures["vulnerabilities.not_covered"] == ()
    assert measures["vulnerabilities.covered.share"] == 1.0
    assert measures["components.openssl.copies.full"] == 2
    assert measures["components.openssl.copies.partial"] == 0
    assert measures["components.openssl.versions"] == ("1.0.1e", "3.5.7")
    assert measures["components.openssl.oldest"] == ("1.0.1e",)
    assert measures["components.openssl.unsupported"] == 1
    assert measures["components.openssl.vulnerabilities"] == len(affected)
    assert measures["lifecycle.unsupported"] == 1
    assert measures["lifecycle.dated.share"] == 1.0
    listed = {info.name for info in found.measure_list}
    assert listed == set(measures)


def test_hardly_covered_components_are_not_measured() -> None:
    """Never "no known vulnerabilities" where the data says next to nothing."""
    found = evaluation(
        ("bin/a", sighting("tcpdump", "4.99.3")), ("bin/b", sighting("zlib", "1.3.1"))
    )
    assert found.vulnerabilities == ()
    for name in ("known", "possibly", "exploited", "critical"):
        assert found.measures[f"vulnerabilities.{name}"] is None
    assert found.measures["components.tcpdump.vulnerabilities"] is None
    assert found.measures["components.zlib.vulnerabilities"] is None
    assert found.measures["vulnerabilities.not_covered"] == ("tcpdump", "zlib")
    gaps = {gap.what: gap.why for gap in found.not_measured}
    assert "coverage is none" in gaps["vulnerabilities of tcpdump"]
    assert "coverage is thin" in gaps["vulnerabilities of zlib"]
    assert "tcpdump, zlib" in gaps["vulnerabilities.known"]
    assert "vulnerabilities.not_covered" in rules_of(found)


def test_an_unsure_fragment_does_not_bring_a_components_history() -> None:
    some = {"low": "1.0.1", "high": "1.0.1e", "copy_extent": "fragment", "method": "signature"}
    sure = evaluation(("bin/a", sighting("openssl", **some, confidence=0.8)))
    assert sure.vulnerabilities
    unsure = evaluation(("bin/a", sighting("openssl", **some, confidence=0.6)))
    assert unsure.vulnerabilities == ()
    assert unsure.measures["components.openssl.vulnerabilities"] is None


def test_what_is_found_in_a_hardly_covered_component_is_told() -> None:
    found = evaluation(("bin/a", sighting("zlib", "1.2.11")))
    assert found.measures["vulnerabilities.known"] == 3
    assert found.measures["components.zlib.vulnerabilities"] == 3
    assert found.measures["vulnerabilities.not_covered"] == ("zlib",)


def test_a_copy_of_no_known_release_is_not_measured() -> None:
    found = evaluation(("bin/a", sighting("openssl")))
    assert found.measures["vulnerabilities.known"] is None
    assert found.measures["components.openssl.oldest"] is None
    assert any(gap.why == "no release of it is known" for gap in found.not_measured)


def test_without_advisories_nothing_is_measured() -> None:
    file = File(path="bin/a", kind=Kind.ELF, sha256="ab" * 32, size=9)
    ran = Ran(observations=(sighting("openssl", "1.0.1e"),))
    assessment = assess(
        Tree(sha256="00" * 32, size=9, files=(file,)),
        [Examined(file=file, examiner="components", outcome=ran)],
        classes=CLASSES,
        rules=RULES,
        as_of=AS_OF,
    )
    assert assessment.measures["vulnerabilities.known"] is None
    assert assessment.measures["lifecycle.unsupported"] is None
    values = {one.info.name: one.value for one in assessment.by_component}
    assert values["components.openssl.copies.full"] == 1
    assert values["components.openssl.vulnerabilities"] is None


def test_names_of_components_in_measures() -> None:
    assert component_key("libjpeg-turbo") == "libjpeg_turbo"
    assert component_key("pypi/Re.quests") == "pypi_re_quests"
    assert component_key("count") == "count_"
    assert component_key("") == "_"
    odd = ("count", "places", "a.b", "A-B", "x y")
    found = evaluation(*((f"bin/{number}", sighting(name, "1")) for number, name in enumerate(odd)))
    assert nest(found.measures)
    assert found.measures["components.a_b.copies.full"] == 2
    assert found.measures["components.count"] == 5


def test_criteria_may_speak_of_components_that_are_not_there() -> None:
    found = evaluation(("bin/a", sighting("openssl", "3.5.7")))
    known = ("openssl", "busybox", "libjpeg-turbo")
    measures = found.measures

    def value(name: str) -> object:
        return value_of(name, measures, known)

    assert value("components.openssl.copies.full") == 1
    assert value("components.busybox.copies.full") == 0
    assert value("components.libjpeg_turbo.unsupported") == 0
    assert value("components.busybox.versions") == ()
    assert value("components.never_heard_of.copies.full") is None
    assert value("components.busybox.colour") is None
    assert value("hardening.pie.share") == measures["hardening.pie.share"]
    assert value_of("components.busybox.copies.full", {"components.count": None}, known) is None


# --- findings ------------------------------------------------------------------------------------


def test_findings_of_an_exploited_vulnerability() -> None:
    found = evaluation(
        ("bin/a", sighting("openssl", "1.0.1e")), ("bin/b", sighting("openssl", "1.0.1e"))
    )
    (finding,) = [one for one in found.findings if one.rule == "vulnerabilities.exploited"]
    assert finding.severity is Severity.CRITICAL
    assert finding.title.endswith("CVE-2014-0160 in openssl")
    assert finding.places == 2
    assert "fixed in 1.0.1g" in finding.evidence[0].excerpt
    assert finding.evidence[0].offset == 16
    assert "lifecycle.ended_long_ago" in rules_of(found)
    other = evaluation(("lib/moved", sighting("openssl", "1.0.1f")))
    again = [one for one in other.findings if one.rule == "vulnerabilities.exploited"]
    assert again[0].fingerprint == finding.fingerprint


def test_possible_ones_make_findings_only_if_exploited() -> None:
    found = evaluation(("bin/a", sighting("openssl", low="1.0.1e", high="1.0.1h")))
    rules = rules_of(found)
    assert "vulnerabilities.exploited_possibly" in rules
    assert "vulnerabilities.exploited" not in rules
    assert found.measures["vulnerabilities.exploited"] == 0
    assert found.measures["vulnerabilities.exploited_possibly"] == 1


def test_a_kernel_that_only_its_own_examiner_saw() -> None:
    banner = "Linux version 5.10.0-30-armmp (x@y) #1 SMP Debian 5.10.218-1 (2024-06-01)"
    kernel = KernelImage(
        version="5.10.0-30-armmp", banner=banner, configured=False, evidence=Evidence()
    )
    found = evaluation(("boot/vmlinuz", kernel))
    assert [one.release for one in found.support] == ["5.10.218"]
    assert {one.state for one in found.vulnerabilities} == {"possibly"}
    assert all(one.paths == ("boot/vmlinuz",) for one in found.vulnerabilities[:5])


def test_support_that_ends_before_the_products_own() -> None:
    seen = ("bin/a", sighting("openssl", "3.5.7"))
    vendor = VendorSays(supported_until="2034-12-31")
    assert "lifecycle.ends_before_product" in rules_of(evaluation(seen, vendor=vendor))
    sooner = VendorSays(supported_until="2029-12-31")
    assert "lifecycle.ends_before_product" not in rules_of(evaluation(seen, vendor=sooner))
    assert "lifecycle.ends_before_product" not in rules_of(evaluation(seen))


# --- the vendor's statements ---------------------------------------------------------------------


def statement(**changes: Any) -> Statement:
    sound: dict[str, Any] = {
        "id": "CVE-2014-0160",
        "status": "not_affected",
        "component": "openssl",
        "justification": "vulnerable_code_not_in_execute_path",
        "document": "vex.json by Acme",
    }
    return Statement(**sound | changes)


def said(*statements: Statement, version: str = "1.0.1e", **between: str) -> Evaluation:
    copy = sighting("openssl", version, **between)
    return evaluation(("bin/a", copy), vendor=VendorSays(statements=statements))


def test_a_statement_stands_beside_the_match_and_hides_nothing() -> None:
    silent, answered = said(), said(statement())
    assert answered.measures["vulnerabilities.known"] == silent.measures["vulnerabilities.known"]
    assert rules_of(answered) == rules_of(silent)
    (one,) = [v for v in answered.vulnerabilities if v.id == "CVE-2014-0160"]
    assert one.state == "affected"
    assert one.vendor[0].status == "not_affected"
    assert one.vendor[0].contradiction == ""
    assert answered.measures["vulnerabilities.answered"] == 1
    assert answered.statements == (statement(),)


@pytest.mark.parametrize(
    ("changes", "contradiction"),
    [
        ({"justification": "component_not_present"}, "openssl 1.0.1e was found in bin/a"),
        (
            {"status": "fixed", "justification": ""},
            "bin/a carries openssl 1.0.1e, and the fix is in 1.0.1g",
        ),
        ({"status": "affected", "justification": ""}, ""),
        ({"status": "under_investigation", "justification": ""}, ""),
    ],
)
def test_contradictions(changes: dict[str, str], contradiction: str) -> None:
    found = said(statement(**changes))
    (one,) = [v for v in found.vulnerabilities if v.id == "CVE-2014-0160"]
    assert one.vendor[0].contradiction == contradiction
    assert found.measures["vulnerabilities.contradicted"] == bool(contradiction)
    assert ("vulnerabilities.contradicted" in rules_of(found)) is bool(contradiction)


def test_what_cannot_be_told_contradicts_nobody() -> None:
    found = said(statement(status="fixed"), version="", low="1.0.1e", high="1.0.1h")
    (one,) = [v for v in found.vulnerabilities if v.id == "CVE-2014-0160"]
    assert (one.state, one.vendor[0].contradiction) == ("possibly", "")


def test_a_statement_on_another_component_is_not_applied() -> None:
    found = said(statement(component="gnutls"))
    assert all(not one.vendor for one in found.vulnerabilities)
    whole = said(statement(component=""))
    assert any(one.vendor for one in whole.vulnerabilities)


def test_the_build_contradicts_that_the_code_is_not_there() -> None:
    claim = statement(
        id="CVE-2024-26581", component="linux", justification="vulnerable_code_not_present"
    )
    files = ("build/kernel/net/netfilter/nft_set_rbtree.c",)
    vendor = VendorSays(statements=(claim,), built={"linux": files})
    found = evaluation(("boot/vmlinux", sighting("linux", "6.6.16")), vendor=vendor)
    (one,) = [v for v in found.vulnerabilities if v.id == "CVE-2024-26581"]
    assert "nft_set_rbtree.c" in one.vendor[0].contradiction
    assert again(found, Library(shipped())).model_dump_json() == found.model_dump_json()


# --- assessed again ------------------------------------------------------------------------------


def newer(*advisories: Advisory) -> Library:
    content = Content(as_of="2026-12-01", advisories=advisories, covers=("zlib",))
    return Library([*shipped(), Snapshot(pack(content), "new")])


def again(one: Evaluation, library: Library, **more: Any) -> Evaluation:
    return reassess(one, library, knowledge=KNOWLEDGE, rules=RULES, **more)


def test_reassessment_with_the_same_data_changes_nothing() -> None:
    first = evaluation(
        ("bin/a", sighting("openssl", "1.0.1e")),
        ("bin/b", sighting("tcpdump", "4.9")),
        ("bin/c", sighting("busybox", "1.36.0")),
        vendor=VendorSays(statements=(statement(),), supported_until="2034-12-31"),
    )
    assert again(first, Library(shipped())).model_dump_json() == first.model_dump_json()


def test_reassessment_is_what_a_new_evaluation_would_be() -> None:
    claim = Claim(component="zlib", source="s", ranges=(Range(fixed="1.4"),))
    library = newer(Advisory(id="CVE-2027-0001", severity="critical", claims=(claim,)))
    seen = (("bin/a", sighting("zlib", "1.3.1")), ("bin/b", sighting("openssl", "3.5.7")))
    before = evaluation(*seen)
    after = again(before, library)
    assert after.model_dump_json() == evaluation(*seen, library=library).model_dump_json()
    assert before.measures["components.zlib.vulnerabilities"] is None
    assert after.measures["components.zlib.vulnerabilities"] == 1
    assert after.measures["vulnerabilities.critical"] == 1
    assert "vulnerabilities.critical" in rules_of(after)
    assert "vulnerabilities.not_covered" not in rules_of(after)


def test_reassessment_survives_storage() -> None:
    first = evaluation(("bin/a", sighting("openssl", "1.0.1e")))
    stored = Evaluation.model_validate_json(first.model_dump_json(by_alias=True))
    assert again(stored, Library(shipped())).model_dump_json() == first.model_dump_json()


def test_other_findings_and_measures_stay() -> None:
    first = evaluation(("bin/a", sighting("openssl", "1.0.1e")))
    kept = first.model_copy(
        update={"measures": first.measures | {"calls.banned": 7}, "findings": first.findings}
    )
    after = again(kept, Library(shipped()))
    assert after.measures["calls.banned"] == 7
    assert after.tool == first.tool


def test_sealed_by_frozen_types() -> None:
    vendor = VendorSays()
    with pytest.raises(AttributeError):
        vendor.supported_until = "x"  # type: ignore[misc]
    assert replace(vendor, supported_until="2030-01-01").supported_until == "2030-01-01"
