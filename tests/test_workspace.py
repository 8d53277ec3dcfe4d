"""A workspace remembers evaluations, compares secrets, and writes documents whole."""

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from assay.assess import MEASURES
from assay.examine import EXAMINERS
from assay.model.errors import InputError, StoreError
from assay.workspace import (
    DOCUMENTS,
    Done,
    Request,
    Settings,
    Workspace,
    default_folder,
    encode,
    measure_list,
    open_workspace,
    rule_list,
    schemas,
)
from tests.corpus import debs


class Clock:
    """A minute passes between any two looks."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 24, tzinfo=UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(minutes=1)
        return self._now


class Bench:
    """A workspace, and small images that share a private key."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workspace = Workspace(Settings(folder / "workspace", workers=1), Clock())
        self.key = folder / "key.pem"
        words = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        subprocess.run([*words, "-out", str(self.key)], check=True, capture_output=True)

    def image(self, name: str, *, key_at: str = "") -> Path:
        image = self.folder / name
        (image / "etc").mkdir(parents=True)
        (image / "etc" / "version").write_text(f"{name}\n")
        if key_at:
            shutil.copy(self.key, image / key_at)
        return image

    def evaluate(self, image: Path, vendor: str, release: str) -> Done:
        request = Request(image, vendor, "AR-1000", release)
        return self.workspace.evaluate(request, self.folder / f"out-{vendor}-{release}")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    bench = Bench(tmp_path_factory.mktemp("bench"))
    bench.evaluate(bench.image("one", key_at="etc/server.key"), "Acme", "R1")
    bench.evaluate(bench.image("two", key_at="etc/other.key"), "Bolt", "R2")
    bench.evaluate(bench.image("three"), "Acme", "R3")
    return bench


def test_evaluations_are_found_again(bench: Bench) -> None:
    listed = bench.workspace.evaluations()
    assert [(one.vendor, one.release) for one in listed] == [
        ("Acme", "R3"),
        ("Bolt", "R2"),
        ("Acme", "R1"),
    ]
    newest = listed[0]
    for reference in ("R3", "AR-1000/R3", "Acme/AR-1000/R3", newest.id, newest.id[:4]):
        assert bench.workspace.find(reference) == newest
    assert bench.workspace.load(newest).subject.release == "R3"
    assert newest.evaluated_at == "2026-11-24T00:03:00+00:00"


@pytest.mark.parametrize("reference", ["R9", "Acme", "Bolt/AR-1000/R1", "000", "", "/"])
def test_references_to_nothing_are_told(bench: Bench, reference: str) -> None:
    with pytest.raises(InputError, match="no such evaluation"):
        bench.workspace.find(reference)


def test_a_reference_to_several_releases_is_told(bench: Bench, tmp_path: Path) -> None:
    other = Bench(tmp_path)
    image = other.image("one")
    other.evaluate(image, "Acme", "R1")
    other.evaluate(image, "Bolt", "R1")
    with pytest.raises(InputError, match="Acme/AR-1000/R1, Bolt/AR-1000/R1"):
        other.workspace.find("R1")


def test_the_same_evaluation_again_is_one_entry(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    image = bench.image("one")
    first = bench.evaluate(image, "Acme", "R1")
    again = bench.evaluate(image, "Acme", "R1")
    assert first.id == again.id
    (stored,) = bench.workspace.evaluations()
    assert stored.evaluated_at == "2026-11-24T00:02:00+00:00"


def test_a_key_in_two_releases_shows_in_the_later_report(bench: Bench) -> None:
    page = (bench.folder / "out-Bolt-R2" / "report.html").read_text("utf-8")
    assert "etc/other.key" in page
    assert "etc/server.key" in page
    assert "Acme" in page
    alone = (bench.folder / "out-Acme-R1" / "report.html").read_text("utf-8")
    assert "etc/other.key" not in alone
    assert "Bolt" not in alone


def test_reports_written_again_know_of_later_releases(bench: Bench, tmp_path: Path) -> None:
    first = bench.workspace.find("Acme/AR-1000/R1")
    page = bench.workspace.report(first, tmp_path / "again")
    assert "etc/other.key" in page.read_text("utf-8")


def test_another_evaluation_of_the_same_release_is_not_elsewhere(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.evaluate(bench.image("one", key_at="etc/first.key"), "Acme", "R1")
    bench.evaluate(bench.image("two", key_at="etc/second.key"), "Acme", "R1")
    page = (tmp_path / "out-Acme-R1" / "report.html").read_text("utf-8")
    assert "etc/first.key" not in page


def test_no_secret_and_no_seal_is_written(bench: Bench) -> None:
    lines = bench.key.read_text().splitlines()[1:-1]
    out = bench.folder / "out-Acme-R1"
    for name in DOCUMENTS:
        text = (out / name).read_text("utf-8")
        assert not any(line in text for line in lines)
    database = (bench.folder / "workspace" / "assay.sqlite").read_bytes()
    assert not any(line.encode() in database for line in lines)


def test_documents_are_there_and_nothing_else(bench: Bench) -> None:
    out = bench.folder / "out-Acme-R1"
    assert {path.name for path in out.iterdir()} == set(DOCUMENTS)
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in out.iterdir())
    assert json.loads((out / "evaluation.json").read_text())["subject"]["vendor"] == "Acme"
    assert not list((bench.folder / "workspace" / "scratch").iterdir())


def test_a_lost_report_is_written_anew(bench: Bench, tmp_path: Path) -> None:
    stored = bench.workspace.find("R3")
    page = bench.workspace.report(stored)
    assert page == bench.folder / "out-Acme-R3" / "report.html"
    moved = tmp_path / "moved"
    shutil.move(bench.folder / "out-Acme-R3", moved)
    anew = bench.workspace.report(stored)
    assert anew == bench.folder / "workspace" / "reports" / stored.id / "report.html"
    for name in DOCUMENTS:
        assert (anew.parent / name).read_bytes() == (moved / name).read_bytes()
    shutil.move(moved, bench.folder / "out-Acme-R3")


def _a_file(folder: Path) -> Path:
    (folder / "file").touch()
    return folder / "file"


def _below_a_file(folder: Path) -> Path:
    return _a_file(folder) / "report"


def _where_nobody_writes(_folder: Path) -> Path:
    return Path("/proc/assay")


def _inside_the_image(folder: Path) -> Path:
    return folder / "image" / "report"


@pytest.mark.parametrize("out", [_a_file, _below_a_file, _where_nobody_writes, _inside_the_image])
def test_an_unusable_folder_is_told_before_any_work(
    tmp_path: Path, out: Callable[[Path], Path]
) -> None:
    bench = Bench(tmp_path)
    image = bench.image("image")
    steps: list[Any] = []
    with pytest.raises(InputError):
        bench.workspace.evaluate(Request(image, "A", "B", "C"), out(tmp_path), steps.append)
    assert steps == []


def test_a_workspace_inside_the_image_is_refused(tmp_path: Path) -> None:
    workspace = open_workspace(Settings(tmp_path / "image" / "workspace"))
    with pytest.raises(InputError, match="workspace lies inside"):
        workspace.evaluate(Request(tmp_path / "image", "A", "B", "C"), tmp_path / "out")


def test_an_evaluation_that_was_damaged_is_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.evaluate(bench.image("one"), "Acme", "R1")
    (stored,) = bench.workspace.evaluations()
    blob = tmp_path / "workspace" / "blobs" / stored.document[:2] / stored.document
    blob.write_bytes(b"damaged")
    with pytest.raises(StoreError, match=stored.document):
        bench.workspace.load(stored)


def test_the_default_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ASSAY_WORKSPACE", str(tmp_path))
    assert default_folder() == tmp_path
    monkeypatch.delenv("ASSAY_WORKSPACE")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert default_folder() == tmp_path / "data" / "assay"


def test_lists_are_whole() -> None:
    assert len(measure_list()) == len(MEASURES)
    assert all(one.meaning and one.unit for one in measure_list())
    assert len({one.id for one in rule_list()}) == len(rule_list()) > 50
    assert set(schemas()) == {"evaluation"}


def test_the_tool_names_every_examiner(bench: Bench) -> None:
    evaluation = bench.workspace.load(bench.workspace.find("R3"))
    parts = {part.name: part.version for part in evaluation.tool.parts}
    assert {one.name: one.version for one in EXAMINERS}.items() <= parts.items()


@pytest.fixture(scope="module")
def package() -> Path:
    return debs("amd64", ["dropbear-bin"])[0]


def test_the_same_image_is_recalled_under_the_name_it_is_given(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = open_workspace(Settings(folder=tmp_path / "workspace"))
    first = workspace.evaluate(Request(package, "Debian", "dropbear", "12"), tmp_path / "one")
    monkeypatch.setattr("assay.pipeline.evaluate", _nothing_was_to_be_evaluated)
    again = workspace.evaluate(Request(package, "Debian", "dropbear", "12"), tmp_path / "two")
    assert encode(again.evaluation) == encode(first.evaluation)
    copy = tmp_path / "copy.deb"
    copy.write_bytes(package.read_bytes())
    renamed = workspace.evaluate(Request(copy, "Acme", "AR-1", "R2"), tmp_path / "three")
    named = {"vendor": "Acme", "product": "AR-1", "release": "R2", "name": "copy.deb"}
    assert renamed.evaluation.subject == first.evaluation.subject.model_copy(update=named)
    assert renamed.evaluation.findings == first.evaluation.findings


def test_another_list_of_functions_is_evaluated_anew(package: Path, tmp_path: Path) -> None:
    plain = open_workspace(Settings(folder=tmp_path / "workspace"))
    request = Request(package, "Debian", "dropbear", "12")
    first = plain.evaluate(request, tmp_path / "out").evaluation
    functions = tmp_path / "own.yaml"
    functions.write_text(
        'version: "1"\nsources: {own: "planted"}\n'
        "strcpy_like: {unsafe: [{source: own, names: [getaddrinfo]}]}\n"
    )
    own = open_workspace(Settings(folder=tmp_path / "workspace", functions=functions))
    again = own.evaluate(request, tmp_path / "out").evaluation
    unsafe = "calls.strcpy_like.unsafe"
    more, before = again.measures[unsafe], first.measures[unsafe]
    assert isinstance(more, int)
    assert isinstance(before, int)
    assert more > before


def _nothing_was_to_be_evaluated(*_: object) -> None:
    raise AssertionError("nothing was to be evaluated")
