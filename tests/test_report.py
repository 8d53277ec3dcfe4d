"""The report: true to the evaluation, whole without network or script, inert to hostile text."""

import json
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.assess import MEASURES, load_rules
from assay.model.evaluation import (
    NotMeasured,
    Seen,
)
from assay.model.finding import Severity
from assay.model.functions import Family, Safety
from assay.model.measure import Unit
from assay.model.observations import (
    Hardening,
)
from assay.model.tree import File, Kind, Tree
from assay.report import ReusedKey, render_html, summarise
from assay.report.text import percent, visible
from tests.report_plants import (
    GENERATED,
    HOSTILE,
    IMAGE_HASH,
    Page,
    called,
    calls,
    cells_of,
    certificate,
    copy_of,
    evaluation,
    executable,
    finding,
    full,
    rule,
)

# --- the summary ----------------------------------------------------------------------------------


def test_every_severity_is_counted_worst_first() -> None:
    rules = (rule("a.one", Severity.LOW), rule("b.two", Severity.CRITICAL))
    found = (finding(rules[0], 1), finding(rules[0], 2), finding(rules[1], 3))
    assert summarise(evaluation(rules=rules, findings=found)).severities == (
        (Severity.CRITICAL, 1),
        (Severity.HIGH, 0),
        (Severity.MEDIUM, 0),
        (Severity.LOW, 2),
        (Severity.INFO, 0),
    )


def test_five_groups_matter_the_worst_first_then_the_widest() -> None:
    rules = (
        rule("medium.wide", Severity.MEDIUM),
        rule("high.narrow", Severity.HIGH),
        rule("high.wide", Severity.HIGH),
        rule("critical.one", Severity.CRITICAL),
        rule("low.wide", Severity.LOW),
        rule("low.narrow", Severity.LOW),
    )
    places = (500, 2, 9, 1, 7, 3)
    found = [
        finding(one, at, places=n) for at, (one, n) in enumerate(zip(rules, places, strict=True))
    ]
    found.append(finding(rules[2], 50, places=4))
    matters = summarise(evaluation(rules=rules, findings=tuple(found))).matters
    assert [(group.rule.id, group.places, len(group.findings)) for group in matters] == [
        ("critical.one", 1, 1),
        ("high.wide", 13, 2),
        ("high.narrow", 2, 1),
        ("medium.wide", 500, 1),
        ("low.wide", 7, 1),
    ]


def test_mere_information_does_not_matter_most() -> None:
    of = rule("a.note", Severity.INFO)
    assert summarise(evaluation(rules=(of,), findings=(finding(of),))).matters == ()


def test_findings_of_an_unlisted_rule_are_told_all_the_same() -> None:
    of = rule("gone.rule")
    (group,) = summarise(evaluation(findings=(finding(of),))).matters
    assert (group.rule.id, group.rule.title, group.severity) == (
        "gone.rule",
        "Title of gone.rule: 0",
        Severity.HIGH,
    )


def test_the_table_of_the_oversight_reports() -> None:
    """Sites added up, functions told apart by name; bounded ones in neither part of the share."""
    one = calls(
        called("memcpy", Family.MEMCPY, Safety.UNSAFE, 30),
        called("memmove", Family.MEMCPY, Safety.UNSAFE, 3),
        called("__memcpy_chk", Family.MEMCPY, Safety.SAFE, 60),
        called("strncpy", Family.STRCPY, Safety.BOUNDED, 7),
        called("gets", Family.BANNED, Safety.UNSAFE, 99),
    )
    other = calls(
        called("memcpy", Family.MEMCPY, Safety.UNSAFE, 7),
        called("strcpy", Family.STRCPY, Safety.UNSAFE, 4),
        called("strlcpy", Family.STRCPY, Safety.SAFE, 12),
        called("sprintf", Family.SPRINTF, Safety.UNSAFE, 0),
    )
    entries = (executable("a", calls=one), executable("b", calls=other), executable("c"))
    table = summarise(evaluation(executables=entries)).calls
    assert table.counted
    told = [
        (
            row.label,
            *((tally.sites, tally.functions) for tally in (row.safe, row.bounded, row.unsafe)),
            row.unsafe_share,
        )
        for row in table.families
    ]
    assert told == [
        ("memcpy-like", (60, 1), (0, 0), (40, 2), 0.4),
        ("strcpy-like", (12, 1), (7, 1), (4, 1), 0.25),
        ("sprintf-like", (0, 0), (0, 0), (0, 0), None),
    ]


def test_calls_that_nobody_decoded_are_not_measured() -> None:
    assert not summarise(evaluation(executables=(executable("a"),))).calls.counted
    assert summarise(evaluation(executables=(executable("a", calls=calls()),))).calls.counted


# --- the page without a browser -------------------------------------------------------------------


@cache
def skeleton(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The page's tags and the names of their attributes: all that a text could have changed."""
    page = Page(render_html(full(text), (ReusedKey(f"etc/{text}", text, text, text, text),), text))
    return tuple((tag, tuple(attributes)) for tag, attributes in page.tags)


def test_the_page_refers_to_nothing_outside_itself() -> None:
    source = render_html(full(), (), GENERATED)
    page = Page(source)
    loading = {"src", "srcset", "data", "action", "poster", "background"}
    for tag, attributes in page.tags:
        assert not loading & set(attributes), tag
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        assert (attributes.get("href") or "#").startswith("#")
    assert "@import" not in source
    assert re.findall(r"url\((?!#)", source) == []
    assert re.findall(r"https?://", source) == []


def test_links_within_the_page_lead_somewhere() -> None:
    of = rule("a.one")
    page = Page(render_html(full().model_copy(update={"findings": (finding(of),)}), (), GENERATED))
    targets = {attributes["id"] for _, attributes in page.tags if attributes.get("id")}
    named = ("href", "aria-labelledby")
    wanted = {
        str(attributes[name]).removeprefix("#")
        for _, attributes in page.tags
        for name in named
        if attributes.get(name)
    }
    assert wanted <= targets


def test_the_same_evaluation_gives_the_same_page() -> None:
    assert render_html(full(), (), GENERATED) == render_html(full(), (), GENERATED)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_changes_no_tag(text: str) -> None:
    assert skeleton(text) == skeleton("planted")


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_text_changes_a_tag(text: str) -> None:
    # A text of nothing leaves out the rows that would tell it.
    assert skeleton(f"x{text}") == skeleton("planted")


@given(st.text(max_size=40))
@settings(deadline=None)
def test_text_becomes_visible_and_stays_itself_where_it_is(text: str) -> None:
    shown = visible(text)
    assert shown.isprintable()
    assert shown == text or not text.isprintable()
    shown.encode()


def test_a_page_with_broken_file_names_is_utf_8() -> None:
    source = render_html(full("lone \udcff \ud800"), (), GENERATED)
    assert b"lone \\udcff \\ud800" in source.encode()


def test_an_empty_evaluation_claims_nothing() -> None:
    """Where nothing was measured, no sentence says that nothing was found."""
    words = Page(render_html(evaluation())).words
    assert words.count("Not measured.") >= 12
    assert re.findall(r"No [\w ]+ was (found|recognised)", words) == []
    assert "Every byte is explained" not in words
    assert "Calls of memory functions: not measured" in words


def test_measured_and_absent_is_said_as_such() -> None:
    measures = {"secrets.private_keys": 0, "intake.understood.share": 1.0}
    words = Page(render_html(evaluation(measures=measures))).words
    assert "No private key was found." in words
    assert "Every byte is explained." in words


def test_everything_not_measured_is_listed() -> None:
    gaps = tuple(
        NotMeasured(what=f"thing {n}", why=f"reason {n}", path=f"file{n}", files=n + 1)
        for n in range(120)
    )
    rows = cells_of(render_html(evaluation(not_measured=gaps)), "gaps")
    assert sorted(rows) == sorted([g.what, g.why, g.files, g.path] for g in gaps)


def test_a_page_of_a_hostile_image_stays_small_and_says_so() -> None:
    gaps = tuple(NotMeasured(what="x", why=str(n)) for n in range(20_500))
    source = render_html(evaluation(not_measured=gaps))
    assert len(cells_of(source, "gaps")) == 20_000
    assert "The first 20,000 are in this page, all in evaluation.json." in Page(source).words
    assert "20,500" in Page(source).words


def test_every_measure_is_listed_with_unit_and_meaning() -> None:
    infos = tuple(one.info for one in MEASURES)
    values = {info.name: (0.25 if info.unit is Unit.SHARE else None) for info in infos}
    rows = cells_of(render_html(evaluation(measures=values, measure_list=infos)), "measures")
    assert rows == [
        [
            info.name,
            "25.0%" if info.unit is Unit.SHARE else "not measured",
            info.unit.value,
            info.meaning,
        ]
        for info in infos
    ]


def test_hardening_keeps_not_measured_apart_from_no() -> None:
    entries = (
        executable("a", hardening=Hardening(pie=True, nx=True, relro="full", canary=True)),
        executable("b", hardening=Hardening(pie=False, nx=True, relro="partial", canary=False)),
        executable("c", hardening=Hardening(relro="none", fortify=True)),
        executable("d.so", "library", hardening=Hardening(nx=False)),
        executable("e.ko", "module", hardening=Hardening(nx=False)),
    )
    source = render_html(evaluation(executables=entries))
    bars = re.findall(r'<th scope="row">([^<]+)</th>.*?</svg></td>\n(.*?)</tr>', source, re.DOTALL)
    told = {label: re.findall(r">([^<\n]+)</td>", cells) for label, cells in bars}
    # yes, partial, no, not measured; of PIE, programs alone
    assert told["PIE (programs)"] == ["1", "0", "1", "1"]
    assert told["NX"] == ["2", "0", "1", "1"]
    assert told["RELRO"] == ["1", "1", "1", "1"]
    assert told["Stack canary"] == ["1", "0", "1", "2"]
    assert told["FORTIFY"] == ["1", "0", "0", "3"]
    rows = {row[0]: row[3:8] for row in cells_of(source, "executables")}
    no, yes, gap, void = "no", "yes", "not measured", "–"
    assert rows == {
        "a": [yes, yes, "full", yes, gap],
        "b": [no, yes, "partial", no, gap],
        "c": [gap, gap, "none", gap, yes],
        "d.so": [void, no, gap, gap, gap],
        "e.ko": [void, no, void, void, void],
    }


def test_bars_of_a_chart_fill_it_and_no_more() -> None:
    source = render_html(full())
    for svg in re.findall(r'<svg width="100%".*?</svg>', source):
        widths = [float(width) for width in re.findall(r'x="[\d.]+%" width="([\d.]+)%"', svg)]
        starts = [float(start) for start in re.findall(r'x="([\d.]+)%"', svg)]
        assert sum(widths) <= 100.01
        assert all(
            start == pytest.approx(sum(widths[:at]), abs=0.01) for at, start in enumerate(starts)
        )


def test_components_are_counted_by_file_and_by_certain_version() -> None:
    copies = (
        copy_of("zlib", "lib/a", "1.2.11"),
        copy_of("zlib", "lib/a", "1.2.11"),
        copy_of("zlib", "lib/b", "1.3"),
        copy_of("zlib", "lib/c"),
        copy_of("curl", "bin/curl", "8.1"),
    )
    rows = cells_of(render_html(evaluation(components=copies)), "components")
    assert [row[:4] for row in rows] == [["zlib", "1.2.11, 1.3", 2, 3], ["curl", "8.1", 1, 1]]


def test_rights_are_read_from_the_modes() -> None:
    files = (
        File(path="bin/su", kind=Kind.ELF, sha256="a" * 64, mode=0o4755, uid=0, gid=0),
        File(path="bin/wall", kind=Kind.ELF, sha256="a" * 64, mode=0o2755, uid=0, gid=5),
        File(path="etc/open", kind=Kind.TEXT, sha256="a" * 64, mode=0o666),
        File(path="etc/link", kind=Kind.SYMLINK, mode=0o777, target="open"),
        File(path="tmp", kind=Kind.DIRECTORY, mode=0o1777),
        File(path="share", kind=Kind.DIRECTORY, mode=0o777),
        File(path="etc/fine", kind=Kind.TEXT, sha256="a" * 64, mode=0o644),
        File(path="etc/unknown", kind=Kind.TEXT, sha256="a" * 64),
    )
    tree = Tree(sha256=IMAGE_HASH, size=9, files=files)
    rows = cells_of(render_html(evaluation(tree=tree)), "rights")
    assert [(row[1], row[2]) for row in rows] == [
        ("bin/su", "4755"),
        ("bin/wall", "2755"),
        ("etc/open", "0666"),
        ("share", "0777"),
    ]


def test_certificates_are_judged_on_the_day_of_the_knowledge() -> None:
    days = (
        ("valid", "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"),
        ("expired", "2020-01-01T00:00:00Z", "2026-10-31T23:59:59Z"),
        ("not yet valid", "2026-11-02T00:00:00Z", "2030-06-01T00:00:00Z"),
        ("not measured", "2020-01-01T00:00:00Z", "no date"),
    )
    planted = tuple(Seen(path="etc/c.pem", fact=certificate(*one)) for one in days)
    rows = cells_of(render_html(evaluation(certificates=planted)), "certificates")
    assert sorted((row[0], row[1]) for row in rows) == sorted((one[0], one[0]) for one in days)


def test_reused_keys_stand_at_the_top_and_beside_the_key() -> None:
    reused = (ReusedKey("etc/planted", "Other", "Box", "1.0", "etc/their.key"),)
    source = render_html(full(), reused, GENERATED)
    assert "the same key is in Other Box 1.0" in Page(source).words
    assert cells_of(source, "reused-keys") == [
        ["etc/planted", "Other", "Box", "1.0", "etc/their.key"]
    ]
    assert cells_of(source, "private-keys")[0][6] == "Other Box 1.0"


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (1.0, "100%"),
        (0.99999, "over 99.9%"),
        (0.00001, "under 0.1%"),
        (0.0, "0%"),
        (0.5, "50.0%"),
        (None, "not measured"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float | None, said: str) -> None:
    assert percent(share) == said


def test_rules_that_ship_are_told_in_full() -> None:
    """Whatever rule applies, its reason, remedy and practice stand with the finding."""
    rules = tuple(one.info for one in load_rules())
    found = tuple(finding(one, at) for at, one in enumerate(rules))
    data = json.loads(Page(render_html(evaluation(rules=rules, findings=found))).scripts[0])
    texts = set(data["texts"])
    for one in rules:
        assert {one.severity_reason, one.remedy, one.practice, one.id} <= texts


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2) of `#rrggbb`."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_bars_stand_out_enough(scheme: str) -> None:
    """WCAG 2.2 AA: 4.5 to 1 for text (1.4.3), 3 to 1 for graphics against the page (1.4.11)."""
    style = render_html(evaluation()).split("<style>")[1]
    light, dark, *_ = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    if scheme == "dark":
        colours |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark))
    texts = [
        *((text, ground) for text in ("ink", "soft", "accent") for ground in ("paper", "ground")),
        *((text, "paper") for text in ("yes", "no", "partial")),
        *(("on-dark", ground) for ground in ("critical", "high")),
        ("on-light", "medium"),
        *(("ink", ground) for ground in ("low", "info", "mark", "hover")),
    ]
    weak = [pair for pair in texts if contrast(*(colours[name] for name in pair)) < 4.5]
    bars = ("well", "ill", "plain", "unknown-line")
    weak += [(bar, "paper") for bar in bars if contrast(colours[bar], colours["paper"]) < 3]
    assert weak == []
