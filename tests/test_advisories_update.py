"""What users bring in: offline, idempotent; what changed is told, evaluations assessed again."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner

from assay.cli import advisories as command
from assay.knowledge import AS_OF, knowledge_base
from assay.knowledge.advisories.update import library_of, update
from assay.model.advisory import Source
from assay.model.errors import DataError, InputError
from assay.model.evaluation import Evaluation
from assay.model.staleness import stale_in_short, staleness
from assay.reassessing import read_vendor_says, reassess_all
from assay.store import Seal, StoredEvaluation, open_store
from tests.test_advisories_assess import evaluation, sighting


def record(name: str, fixed: str = "1.4", **changes: Any) -> dict[str, Any]:
    return {
        "id": name,
        "modified": "2026-12-01T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": "generic", "name": "zlib"},
                "ranges": [
                    {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}
                ],
                "database_specific": {"source": "test"},
            }
        ],
    } | changes


def write(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("\n".join(json.dumps(one) for one in records))
    return path


def test_update_tells_what_changed_and_again_changes_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "advisories"
    first = write(tmp_path / "a.jsonl", record("CVE-2027-0001"), record("CVE-2027-0002"), {"id": 7})
    done = update(folder, [first])
    assert done.is_new
    assert done.added == ("CVE-2027-0001", "CVE-2027-0002")
    assert (done.changed, done.withdrawn) == ((), ())
    assert (done.files[0].records, done.files[0].refused_count) == (2, 1)
    assert done.files[0].as_of == "2026-12-01"
    kept = {file.name: file.read_bytes() for file in folder.iterdir()}
    again = update(folder, [first])
    assert not again.is_new
    assert (again.added, again.changed, again.withdrawn) == ((), (), ())
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == kept


def test_later_files_change_and_withdraw(tmp_path: Path) -> None:
    folder = tmp_path / "advisories"
    update(folder, [write(tmp_path / "a.jsonl", record("CVE-2027-0001"), record("CVE-2027-0002"))])
    later = {"modified": "2026-12-09T00:00:00Z"}
    second = write(
        tmp_path / "b.jsonl",
        record("CVE-2027-0001", "1.5", **later),
        record("CVE-2027-0002", **later, withdrawn="2026-12-09T00:00:00Z"),
        record("CVE-2018-25032", "1.2.12", **later),
    )
    done = update(folder, [second])
    assert done.added == ()
    assert done.changed == ("CVE-2018-25032", "CVE-2027-0001")
    assert done.withdrawn == ("CVE-2027-0002",)


def test_the_files_of_one_update_come_in_together_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "advisories"
    good = write(tmp_path / "a.jsonl", record("CVE-2027-0001"))
    bad = tmp_path / "b.json"
    bad.write_text("nonsense")
    with pytest.raises(InputError, match=r"b\.json"):
        update(folder, [good, bad])
    assert not folder.exists() or not list(folder.iterdir())


def test_a_file_that_does_not_say_its_day_needs_one(tmp_path: Path) -> None:
    path = tmp_path / "epss.csv"
    path.write_text("cve;epss;percentile\nCVE-2021-3156;0.92;0.997\n")
    with pytest.raises(InputError, match=r"epss\.csv.*day"):
        update(tmp_path / "advisories", [path])
    done = update(tmp_path / "advisories", [path], as_of="2026-11-20")
    assert done.files[0].as_of == "2026-11-20"
    assert library_of(tmp_path / "advisories").sources[0].as_of


def test_a_damaged_snapshot_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "advisories"
    update(folder, [write(tmp_path / "a.jsonl", record("CVE-2027-0001"))])
    (kept,) = folder.iterdir()
    kept.write_bytes(b"damaged")
    with pytest.raises(DataError, match=kept.name):
        library_of(folder)


def test_knowledge_says_what_was_brought_in(tmp_path: Path) -> None:
    folder = tmp_path / "advisories"
    shipped = knowledge_base(advisories=folder).info
    assert (shipped.version, shipped.as_of) == (AS_OF, AS_OF)
    assert {source.name for source in shipped.sources} >= {"KEV (CISA)", "EPSS (FIRST)"}
    update(folder, [write(tmp_path / "a.jsonl", record("CVE-2027-0001"))], covers=["zlib"])
    base = knowledge_base(advisories=folder)
    assert base.info.as_of == "2026-12-01"
    assert base.info.version.startswith("2026-12-01+")
    assert "OSV: a.jsonl" in {source.name for source in base.info.sources}
    coverage = library_of(folder).coverage("zlib")
    assert coverage.is_measured
    assert "whoever brought" in coverage.why


def test_staleness_is_said_with_the_day_handed_in() -> None:
    sources = (Source(name="a", as_of="2026-08-22"), Source(name="b", as_of="2026-06-10"))
    assert staleness(sources, date(2026, 6, 20)) == ""
    told = staleness(sources, date(2026, 11, 24))
    assert "2 of 2 sources" in told
    assert "2026-08-22" in told
    assert "(b) 167 days" in told
    assert "not measured" in staleness((), date(2026, 11, 24))
    short = stale_in_short(sources, date(2026, 11, 24))
    assert short == "2 of 2 sources are old; the newest ends 2026-08-22"
    assert stale_in_short(sources, date(2026, 6, 20)) == ""


# --- stored evaluations --------------------------------------------------------------------------


def stored(one: Evaluation, document: str, moment: str) -> StoredEvaluation:
    return StoredEvaluation(
        id=document[:12],
        vendor=one.subject.vendor,
        product=one.subject.product,
        release=one.subject.release,
        image_name=one.subject.name,
        image_sha256=one.subject.sha256,
        evaluated_at=moment,
        tool_version="1",
        knowledge_version=one.knowledge.version,
        understood=None,
        findings=len(one.findings),
        worst=None,
        document=document,
    )


def test_stored_evaluations_are_assessed_again_beside_the_old(tmp_path: Path) -> None:
    store = open_store(tmp_path / "ws")
    folder = tmp_path / "ws/knowledge/advisories"
    before = evaluation(("bin/a", sighting("zlib", "1.3.1")))
    document = store.put_document(before.model_dump_json(by_alias=True).encode())
    old = stored(before, document, "2026-11-24T00:00:00+00:00")
    store.save_evaluation(old, [Seal(seal="s", what="private key", path="bin/a")])

    def load(one: StoredEvaluation) -> Evaluation:
        return Evaluation.model_validate_json(store.get_document(one.document))

    def record_it(one: Evaluation, name: str) -> StoredEvaluation:
        return stored(one, name, "2026-12-02T00:00:00+00:00")

    assert reassess_all(store, load, knowledge_base(advisories=folder), record_it) == ()
    update(folder, [write(tmp_path / "a.jsonl", record("CVE-2027-0001"))])
    (done,) = reassess_all(store, load, knowledge_base(advisories=folder), record_it)
    assert [one.id for one in done.appeared] == ["CVE-2027-0001"]
    assert done.gone == ()
    assert {one.id for one in store.evaluations()} == {old.id, done.after.id}
    assert load(old).vulnerabilities == before.vulnerabilities
    assert load(done.after).measures["components.zlib.vulnerabilities"] == 1
    assert store.seals(done.after.id) == store.seals(old.id)
    assert reassess_all(store, load, knowledge_base(advisories=folder), record_it) == ()


# --- the command ---------------------------------------------------------------------------------


def test_the_command_tells_what_changed(tmp_path: Path) -> None:
    pytest.importorskip("assay.report")
    app = Typer()
    app.callback()(lambda: None)
    command.register(app)
    file = write(tmp_path / "a.jsonl", record("CVE-2027-0001"), {"id": "\x1b[31m", "modified": "x"})
    words = ["update", str(file), "--workspace", str(tmp_path / "ws")]
    first = CliRunner().invoke(app, words)
    assert first.exit_code == 0, first.output
    assert "1 added: CVE-2027-0001" in first.output
    assert "No stored evaluation changes." in first.output
    assert "\x1b" not in first.output
    second = CliRunner().invoke(app, words)
    assert "known already" in second.output
    assert "0 added" in second.output


# --- files of the vendor -------------------------------------------------------------------------


def test_what_the_vendor_says_is_read(tmp_path: Path) -> None:
    listed = tmp_path / "objects.txt"
    listed.write_text("./net/netfilter/nft_set_rbtree.o\n./mm/slub.o\nREADME\n")
    commands = tmp_path / "compile_commands.json"
    commands.write_text(json.dumps([{"file": "/src/linux/mm/slub.c", "command": "cc"}]))
    says = read_vendor_says((), "2030-12-31", [("linux", listed), ("busybox", commands)])
    assert says.supported_until == "2030-12-31"
    assert says.built["linux"] == ("mm/slub.c", "net/netfilter/nft_set_rbtree.c")
    assert says.built["busybox"] == ("/src/linux/mm/slub.c",)
    with pytest.raises(InputError, match="a day"):
        read_vendor_says((), "next year")
    (tmp_path / "none.txt").write_text("nothing\n")
    with pytest.raises(InputError, match=r"none\.txt"):
        read_vendor_says((), "", [("linux", tmp_path / "none.txt")])
