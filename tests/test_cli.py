"""The command: its options, one screen, exit codes, and words instead of tracebacks."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from jsonschema import Draft202012Validator

from assay import __version__
from assay.assess import MEASURES
from assay.cli.main import main
from assay.intake import extractors
from tests.corpus import debs

ROOT = Path(__file__).parent.parent
ASSAY = [sys.executable, "-c", "from assay.cli.main import main\nif __name__ == '__main__': main()"]
SCREEN = {"COLUMNS": "80", "LINES": "40", "TERM": "xterm", "NO_COLOR": "1"}


class Said(NamedTuple):
    code: int
    out: str
    err: str


class Command:
    """Runs the command in this process, with a workspace of its own."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        for name, value in SCREEN.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ASSAY_WORKSPACE", str(folder))

    def __call__(self, *words: object) -> Said:
        self._monkeypatch.setattr(sys, "argv", ["assay", *(str(word) for word in words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self._capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        assert "Traceback" not in out + err
        return Said(code, out, err)


class Evaluated(NamedTuple):
    workspace: Path
    out: Path
    said: "subprocess.CompletedProcess[str]"


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    """A real package evaluated by the command as a user gives it."""
    folder = tmp_path_factory.mktemp("cli")
    package = debs("amd64", ["dropbear-bin"])[0]
    words = ["evaluate", package, "--vendor", "Acme", "--product", "AR-1000", "--release", "R22"]
    words += ["--out", folder / "report", "--workspace", folder / "workspace", "--jobs", "2"]
    said = subprocess.run(
        [*ASSAY, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | SCREEN,
    )
    return Evaluated(folder / "workspace", folder / "report", said)


@pytest.fixture
def assay(
    evaluated: Evaluated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(evaluated.workspace, monkeypatch, capsys)


def test_evaluate_ends_with_a_summary_of_one_screen(evaluated: Evaluated) -> None:
    said = evaluated.said
    assert said.returncode == 0, said.stderr
    assert said.stderr.split() == "Reading … Unpacking … Examining … Assessing … Writing …".split()
    lines = said.stdout.splitlines()
    assert len(lines) <= 40
    report = str(evaluated.out / "report.html")
    assert max(len(line) for line in lines if report not in line) <= 80
    for words in ("Acme AR-1000 R22", "Findings", "Hardening", "Secrets", "Not measured", report):
        assert words in said.stdout
    assert {path.name for path in evaluated.out.iterdir()} == {
        "report.html",
        "evaluation.json",
        "sbom.cdx.json",
        "findings.openvex.json",
        "findings.sarif",
    }


def test_list_show_and_open_find_it_again(assay: Command, evaluated: Evaluated) -> None:
    listed = assay("list")
    assert listed.code == 0
    identity = listed.out.splitlines()[1].split()[0]
    assert "AR-1000" in listed.out
    shown = assay("show", "R22")
    assert shown.code == 0
    assert assay("show", identity).out == shown.out
    assert len(shown.out.splitlines()) <= 40
    summary = evaluated.said.stdout.split("\nReport")[0]
    assert shown.out.startswith(summary)
    opened = assay("open", "AR-1000/R22")
    assert (opened.code, opened.out.strip()) == (0, str(evaluated.out / "report.html"))


def test_open_writes_the_documents_elsewhere(
    assay: Command, evaluated: Evaluated, tmp_path: Path
) -> None:
    opened = assay("open", "R22", "--out", tmp_path / "again")
    assert opened.out.strip() == str(tmp_path / "again" / "report.html")
    for path in evaluated.out.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_an_empty_workspace_says_what_to_do(assay: Command, tmp_path: Path) -> None:
    said = assay("list", "--workspace", tmp_path / "new")
    assert said.code == 0
    assert "assay evaluate" in said.out


def test_measures_are_listed_with_unit_and_meaning(assay: Command) -> None:
    words = " ".join(assay("measures").out.split())
    for measure in MEASURES:
        assert f"{measure.info.name} {measure.info.unit.value} " in words


def test_rules_are_listed_and_shown(assay: Command) -> None:
    assert "secrets.private_key" in assay("rules").out
    shown = assay("rules", "secrets.private_key")
    assert shown.code == 0
    for words in ("CWE-321", "Remedy", "Practice", "high:"):
        assert words in shown.out
    missing = assay("rules", "no.such")
    assert (missing.code, missing.out) == (1, "")
    assert "assay rules" in missing.err


def test_the_schema_is_one_and_the_document_fits_it(assay: Command, evaluated: Evaluated) -> None:
    import json  # noqa: PLC0415

    schema = json.loads(assay("schema", "evaluation").out)
    Draft202012Validator.check_schema(schema)
    document = json.loads((evaluated.out / "evaluation.json").read_text())
    Draft202012Validator(schema).validate(document)
    assert assay("schema", "nonsense").code == 1


def test_doctor_tells_what_is_here(assay: Command) -> None:
    said = assay("doctor")
    assert said.code == (0 if all(one.present for one in extractors()) else 1)
    for one in extractors():
        assert one.program in said.out


def test_help_and_version(assay: Command) -> None:
    assert assay("--version").out.strip() == f"assay {__version__}"
    shown = assay("evaluate", "--help")
    assert shown.code == 0
    for option in ("--vendor", "--product", "--release", "--out", "--jobs", "--workspace"):
        assert option in shown.out
    assert max(len(line) for line in shown.out.splitlines()) <= 80


@pytest.mark.parametrize(
    "words",
    [
        ["evaluate"],
        ["evaluate", "image", "--vendor", "Acme"],
        ["evaluate", "image", *"--vendor A --product B --release C --jobs 0".split()],
        ["no-such-command"],
        ["list", "--no-such-option"],
        ["show"],
    ],
)
def test_wrong_usage_is_2(assay: Command, words: list[str]) -> None:
    said = assay(*words)
    assert said.code == 2
    assert said.err


def evaluation_of(image: object, *more: object) -> list[object]:
    return ["evaluate", image, "--vendor", "A", "--product", "B", "--release", "C", *more]


def test_a_missing_image_is_told(assay: Command, tmp_path: Path) -> None:
    said = assay(*evaluation_of(tmp_path / "no-image", "--out", tmp_path / "out"))
    assert said.code == 1
    assert "no-image" in said.err
    assert "o such file" in said.err


def test_an_out_that_cannot_be_is_told(assay: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = assay(*evaluation_of(tmp_path / "file", "--out", tmp_path / "file" / "out"))
    assert (said.code, said.out) == (1, "")
    assert str(tmp_path / "file") in said.err


def test_a_malformed_list_of_functions_is_told(assay: Command, tmp_path: Path) -> None:
    functions = tmp_path / "mine.yaml"
    functions.write_text("functions: [nonsense")
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "file").write_text("something\n")
    options = ["--out", tmp_path / "out", "--functions", functions]
    said = assay(*evaluation_of(tmp_path / "image", *options))
    assert said.code == 1
    assert "mine.yaml" in said.err
    gone = assay(*evaluation_of(tmp_path / "image", *options[:-1], tmp_path / "gone.yaml"))
    assert gone.code == 1
    assert "gone.yaml" in gone.err


def test_a_broken_workspace_is_told(assay: Command, tmp_path: Path) -> None:
    (tmp_path / "assay.sqlite").write_bytes(b"no database at all " * 99)
    for words in (["list"], ["show", "R22"], evaluation_of(ROOT / "src", "--out", tmp_path / "o")):
        said = assay(*words, "--workspace", tmp_path)
        assert (said.code, said.out) == (1, "")
        assert str(tmp_path) in said.err


def test_a_newer_workspace_is_told(assay: Command, tmp_path: Path) -> None:
    assay("list", "--workspace", tmp_path)
    with closing(sqlite3.connect(tmp_path / "assay.sqlite")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9000'")
        database.commit()
    said = assay("list", "--workspace", tmp_path)
    assert said.code == 1
    assert "newer version" in said.err


def test_an_unknown_reference_is_told(assay: Command) -> None:
    said = assay("show", "R99")
    assert said.code == 1
    assert "assay list" in said.err


def test_defects_of_our_own_are_told_without_quoting(
    assay: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_: object) -> None:
        raise ValueError("hunter2")

    monkeypatch.setattr("assay.workspace.open_workspace", stumble)
    said = assay("list")
    assert said.code == 3
    assert "ValueError" in said.err
    assert "stumble" in said.err
    assert "hunter2" not in said.err


def test_a_full_disk_is_told(assay: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device", "/somewhere")

    monkeypatch.setattr("assay.workspace.open_workspace", fill)
    said = assay("list")
    assert said.code == 1
    assert "/somewhere: No space left on device" in said.err


def test_names_out_of_an_image_send_nothing_to_the_terminal(assay: Command, tmp_path: Path) -> None:
    image = tmp_path / "image"
    (image / "etc").mkdir(parents=True)
    evil = "\x1b[31m[bold]inetd.conf"
    (image / "etc" / evil).write_text("x")
    (image / "etc" / "inetd.conf").write_text("telnet stream tcp nowait root /bin/telnetd\n")
    words = ["evaluate", image, "--vendor", "A\x1b[2J", "--product", "[red]B[/]", "--release", "C"]
    said = assay(*words, "--out", tmp_path / "out", "--workspace", tmp_path / "workspace")
    assert said.code == 0
    assert "\x1b" not in said.out
    assert "A\\x1b[2J [red]B[/] C" in said.out
    assert "\x1b" not in assay("list", "--workspace", tmp_path / "workspace").out


def test_a_reader_that_leaves_early_is_no_error(evaluated: Evaluated) -> None:
    words = ["sh", "-c", f'"$0" -c "{ASSAY[2].splitlines()[0]}; main()" measures | head -n 1']
    said = subprocess.run(
        [*words, sys.executable], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert said.stdout.split()[0] == "Measure"
    assert said.stderr == ""


def test_an_interrupt_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    package = debs("amd64", ["dropbear-bin"])[0]
    words = evaluation_of(package, "--out", tmp_path / "out", "--workspace", tmp_path / "ws")
    with subprocess.Popen(
        [*ASSAY, *map(str, words)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    ) as running:
        assert running.stderr is not None
        while "Examining" not in (line := running.stderr.readline()):
            assert line
        os.killpg(running.pid, signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err + out
    assert not list((tmp_path / "ws" / "scratch").iterdir())
    assert _gone(running.pid)


def _gone(group: int) -> bool:
    """Whether all processes of a group have ended, within ten seconds."""
    for _ in range(100):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
