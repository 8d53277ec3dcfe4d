"""From a real package to the same bytes, whoever works on it; and quickly the second time."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from assay.assess import load_rules
from assay.examine import EXAMINERS, Content
from assay.examine.contract import Examiner
from assay.intake import Limits as IntakeLimits
from assay.knowledge import knowledge_base
from assay.model.base import Frozen
from assay.model.errors import InputError
from assay.model.evaluation import Evaluation
from assay.model.observations import Observation
from assay.model.tree import File
from assay.pipeline import Evaluated, Ports, Request, Step, evaluate
from assay.runner import Limits as RunLimits
from assay.runner import process_pool
from assay.workspace import encode
from tests.corpus import debs

ROOT = Path(__file__).parent.parent


class Memory:
    """A store in memory; knows what was saved since it was last asked."""

    def __init__(self) -> None:
        self.outcomes: dict[str, bytes] = {}
        self.remembered: dict[str, bytes] = {}
        self.saved: set[str] = set()

    def load(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return {key: self.outcomes[key] for key in keys if key in self.outcomes}

    def save(self, outcomes: Sequence[tuple[str, bytes]]) -> None:
        self.outcomes.update(outcomes)
        self.saved |= {key for key, _ in outcomes}

    def recall(self, key: str) -> bytes | None:
        return self.remembered.get(key)

    def remember(self, key: str, content: bytes) -> None:
        self.remembered[key] = content


@pytest.fixture(scope="module")
def package() -> Path:
    return debs("amd64", ["dropbear-bin"])[0]


@pytest.fixture
def ports(tmp_path: Path) -> Ports:
    limits = RunLimits(memory_bytes=4 << 30)
    return Ports(
        memory=Memory(),
        engine=process_pool(limits.memory_bytes),
        workers=2,
        scratch=tmp_path,
        examiners=EXAMINERS,
        knowledge=knowledge_base(),
        rules=load_rules(),
        seal_key=bytes(32),
        intake_limits=IntakeLimits(),
        run_limits=limits,
        progress=lambda step: None,
    )


def of(image: Path, ports: Ports) -> Evaluated:
    return evaluate(Request(image, "Debian", "dropbear", "12"), ports)


def no_engine(_workers: int) -> Executor:
    raise AssertionError("no work was to be done")


def test_the_second_evaluation_unpacks_and_examines_nothing(
    package: Path, ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    phases: list[str] = []
    told = replace(ports, progress=lambda step: phases.append(step.phase))
    first = of(package, told)
    assert list(dict.fromkeys(phases)) == ["Reading", "Unpacking", "Examining", "Assessing"]
    phases.clear()
    monkeypatch.setattr("assay.pipeline.unpack", no_unpacking)
    again = of(package, replace(told, engine=no_engine))
    assert list(dict.fromkeys(phases)) == ["Reading", "Examining", "Assessing"]
    assert encode(again.evaluation) == encode(first.evaluation)
    assert again.seals == first.seals
    assert not list(ports.scratch.iterdir())


def test_other_rules_assess_anew_without_reading_the_image(
    package: Path, ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = of(package, ports).evaluation
    assert first.findings
    monkeypatch.setattr("assay.pipeline.unpack", no_unpacking)
    without = replace(ports, rules=(), engine=no_engine)
    again = of(package, without).evaluation
    assert again.findings == ()
    assert again.measures == first.measures


def no_unpacking(*_: object, **__: object) -> None:
    raise AssertionError("nothing was to be unpacked")


def test_a_changed_version_runs_that_examiner_alone(package: Path, ports: Ports) -> None:
    memory = Memory()
    kept = replace(ports, memory=memory)
    of(package, kept)
    memory.saved.clear()
    raised = replace(EXAMINERS[0], version="raised")
    of(package, replace(kept, examiners=(raised, *EXAMINERS[1:])))
    assert {tuple(key.split(":")[2:4]) for key in memory.saved} == {(raised.name, "raised")}


def test_an_image_that_shares_files_is_examined_where_it_differs(
    package: Path, ports: Ports, tmp_path: Path
) -> None:
    memory = Memory()
    kept = replace(ports, memory=memory)
    root = tmp_path / "root"
    subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
    of(root, kept)
    memory.saved.clear()
    extra = root / "usr" / "extra.conf"
    extra.write_text("telnet stream tcp nowait root /usr/sbin/telnetd\n")
    of(root, kept)
    content = sha256(extra.read_bytes()).hexdigest()
    assert {key.split(":")[0] for key in memory.saved} == {content}


def test_the_evaluation_agrees_with_the_package(
    package: Path, ports: Ports, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
    document = json.loads(encode(of(package, ports).evaluation))
    assert document["subject"]["sha256"] == sha256(package.read_bytes()).hexdigest()
    inside = {(file["path"], file["sha256"]) for file in document["tree"]["files"]}
    shipped = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(shipped) > 5
    for path in shipped:
        name, digest = path.relative_to(root).as_posix(), sha256(path.read_bytes()).hexdigest()
        assert any(place.endswith(name) and seen == digest for place, seen in inside), name
    programs = {one["path"] for one in document["executables"]}
    assert any(path.endswith("usr/sbin/dropbear") for path in programs)
    assert document["measures"]["executables"]["count"] == len(programs)


_SCRIPT = """
import sys
from pathlib import Path
from assay.workspace import Request, Settings, encode, open_workspace
if __name__ == "__main__":
    image, folder, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    workspace = open_workspace(Settings(folder=folder / "workspace", workers=workers))
    workspace.evaluate(Request(image, "Debian", "dropbear", "12"), folder / "out")
"""


def test_workers_and_hash_seeds_change_no_byte(package: Path, tmp_path: Path) -> None:
    documents = set()
    for workers, seed in ((1, "0"), (2, "4711")):
        folder = tmp_path / seed
        words = [sys.executable, "-c", _SCRIPT, str(package), str(folder), str(workers)]
        subprocess.run(words, check=True, cwd=ROOT, env=os.environ | {"PYTHONHASHSEED": seed})
        outputs = ("evaluation.json", "sbom.cdx.json", "findings.sarif")
        documents.add(tuple((folder / "out" / name).read_bytes() for name in outputs))
    assert len(documents) == 1


def _wants_dropbear(file: File) -> bool:
    return file.name == "dropbear"


def _abort(_content: Content, _file: File) -> list[Observation]:
    os.abort()


def test_a_crash_is_told_and_all_else_stands(package: Path, ports: Ports) -> None:
    crashing = Examiner("crashing", "1", _wants_dropbear, _abort)
    sound = of(package, ports).evaluation
    memory = Memory()
    result = of(package, replace(ports, memory=memory, examiners=(crashing, *EXAMINERS))).evaluation
    (gap,) = [gap for gap in result.not_measured if gap.what == "crashing"]
    assert gap.path.endswith("/dropbear")
    assert "died" in gap.why
    assert [gap for gap in result.not_measured if gap.what != "crashing"] == list(
        sound.not_measured
    )
    assert result.measures == sound.measures
    assert result.findings == sound.findings
    assert result.executables == sound.executables
    assert not any(":crashing:" in key for key in memory.outcomes)


def test_what_was_remembered_in_another_form_is_made_anew(package: Path, ports: Ports) -> None:
    memory = Memory()
    kept = replace(ports, memory=memory)
    first = of(package, kept)
    memory.remembered = dict.fromkeys(memory.remembered, b'{"form": "of the past"}')
    assert encode(of(package, kept).evaluation) == encode(first.evaluation)


def test_secrets_seals_stay_out_of_the_evaluation(ports: Ports, tmp_path: Path) -> None:
    key = tmp_path / "image" / "etc" / "server.key"
    key.parent.mkdir(parents=True)
    words = ["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
    subprocess.run([*words, "-out", str(key)], check=True, capture_output=True)
    result = of(key.parent.parent, ports)
    document = encode(result.evaluation).decode()
    assert [seal.path for seal in result.seals] == ["etc/server.key"]
    assert result.seals[0].seal not in document
    assert result.evaluation.measures["secrets.private_keys"] == 1
    assert not any(line in document for line in key.read_text().splitlines()[1:-1])
    other = of(key.parent.parent, replace(ports, seal_key=b"o" * 32, memory=Memory()))
    assert other.seals[0].seal != result.seals[0].seal
    assert encode(other.evaluation).decode() == document


def test_an_evaluation_comes_back_from_its_bytes(package: Path, ports: Ports) -> None:
    evaluation = of(package, ports).evaluation
    again = Evaluation.model_validate_json(encode(evaluation))
    assert isinstance(again, Frozen)
    assert again == evaluation
    assert encode(again) == encode(evaluation)


def test_progress_goes_forward(package: Path, ports: Ports) -> None:
    steps: list[Step] = []
    of(package, replace(ports, progress=steps.append))
    examining = [step for step in steps if step.phase == "Examining"]
    assert examining[-1].done == examining[-1].total > 0
    assert [step.files for step in examining] == sorted(step.files for step in examining)
    assert [step.done for step in examining] == sorted(step.done for step in examining)


def test_a_missing_image_is_told_in_words(ports: Ports, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing-here"):
        of(tmp_path / "nothing-here", ports)


def test_names_that_are_no_text_are_kept_apart(ports: Ports, tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.mkdir()
    for name in (b"caf\xe9", b"caf\xe8", "café".encode(), b"new\nline"):
        Path(os.fsdecode(os.fsencode(image) + b"/" + name)).write_bytes(b"content of " + name)
    document = encode(of(image, ports).evaluation)
    paths = [file["path"] for file in json.loads(document)["tree"]["files"]]
    assert len(set(paths)) == 4
