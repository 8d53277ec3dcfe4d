"""Whatever an examiner does to its worker becomes an outcome, and touches no other outcome."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from assay.examine.contract import Content, ExamineError, Examiner
from assay.model.observations import ComponentSighting, Observation, Unmeasured
from assay.model.outcome import Examined, Failed, Outcome, Ran, Skipped, TimedOut
from assay.model.tree import Container, File, Kind
from assay.runner import Limits, examine_all, missing, process_pool
from assay.runner.fanout import cache_key

MEMORY = 1 << 30
QUICK = Limits(seconds=20.0, memory_bytes=MEMORY)


def anything(_file: File) -> bool:
    return True


def first_word(content: Content, _file: File) -> Iterator[Observation]:
    yield Unmeasured(what=bytes(content.data[:9]).decode("latin-1"), why="planted")


def abort_on_evil(content: Content, _file: File) -> Iterator[Observation]:
    if bytes(content.data).startswith(b"evil"):
        os.abort()
    yield from first_word(content, _file)


def kill_on_evil(content: Content, _file: File) -> Iterator[Observation]:
    if bytes(content.data).startswith(b"evil"):
        os.kill(os.getpid(), signal.SIGKILL)
    yield from first_word(content, _file)


def loop(_content: Content, _file: File) -> list[Observation]:
    while True:
        pass


def loop_deaf(_content: Content, _file: File) -> list[Observation]:
    """As native code that never comes back to the interpreter's signal handlers."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    while True:
        time.sleep(1)


def devour(_content: Content, _file: File) -> list[Observation]:
    hoard = []
    while True:
        hoard.append(bytearray(16 << 20))


def stumble(content: Content, _file: File) -> list[Observation]:
    int(bytes(content.data))  # ValueError that quotes the content
    return []


def refuse(_content: Content, _file: File) -> list[Observation]:
    raise ExamineError("header too short at offset 0x10")


def leave(_content: Content, _file: File) -> list[Observation]:
    sys.exit(3)


def descend(content: Content, file: File) -> list[Observation]:
    return descend(content, file)


def say_nonsense(_content: Content, _file: File) -> list[Any]:
    return ["not an observation"]


def say_surrogates(_content: Content, _file: File) -> list[Observation]:
    return [Unmeasured(what="\udcff", why="planted")]


_KEPT: list[memoryview] = []


def keep_a_view(content: Content, file: File) -> Iterator[Observation]:
    _KEPT.append(content.data[1:3])
    yield from first_word(content, file)


def tell_entry(_content: Content, file: File) -> list[Observation]:
    return [Unmeasured(what=file.model_dump_json(), why="planted")]


def seal(content: Content, _file: File) -> list[Observation]:
    return [Unmeasured(what=content.seal(b"secret"), why="planted")]


def planted(examine: Callable[[Content, File], Any], **changes: Any) -> Examiner:
    plain = Examiner(examine.__name__, "1", anything, examine)
    return replace(plain, **changes)


class Remembering(dict[str, bytes]):
    """A cache in memory that counts what it is asked to save."""

    def load(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        return {key: self[key] for key in keys if key in self}

    def save(self, outcomes: Sequence[tuple[str, bytes]]) -> None:
        self.update(outcomes)


class Material:
    """Files of a tree with their contents on disk."""

    def __init__(self, folder: Path, contents: Mapping[str, bytes]) -> None:
        self.files: list[File] = []
        self.contents: dict[str, Path] = {}
        for path, content in contents.items():
            digest = sha256(content).hexdigest()
            place = folder / digest
            place.write_bytes(content)
            self.contents[digest] = place
            self.files.append(File(path=path, kind=Kind.DATA, sha256=digest, size=len(content)))

    def examine(
        self,
        *examiners: Examiner,
        cache: Remembering | None = None,
        limits: Limits = QUICK,
        workers: int = 2,
        engine: Callable[[int], Executor] | None = None,
        **options: Any,
    ) -> tuple[Examined, ...]:
        return examine_all(
            self.files,
            self.contents,
            examiners,
            cache=Remembering() if cache is None else cache,
            engine=engine or process_pool(limits.memory_bytes),
            workers=workers,
            limits=limits,
            seal_key=b"k" * 32,
            **options,
        )


@pytest.fixture
def four(tmp_path: Path) -> Material:
    names = ("good one", "evil one", "good two", "good thr")
    return Material(tmp_path, {f"bin/{name}": f"{name} of four".encode() for name in names})


def by_place(examined: Sequence[Examined]) -> dict[tuple[str, str], Outcome]:
    return {(one.file.path, one.examiner): one.outcome for one in examined}


def said(outcome: Outcome) -> str:
    assert isinstance(outcome, Ran), outcome
    (observation,) = outcome.observations
    assert isinstance(observation, Unmeasured)
    return observation.what


@pytest.mark.parametrize("deadly", [abort_on_evil, kill_on_evil])
def test_a_dead_worker_costs_one_file_and_examiner(
    four: Material, deadly: Callable[[Content, File], Any]
) -> None:
    cache = Remembering()
    outcomes = by_place(four.examine(planted(first_word), planted(deadly), cache=cache))
    assert len(outcomes) == 8
    dead = outcomes.pop(("bin/evil one", deadly.__name__))
    assert isinstance(dead, Failed)
    assert "process died" in dead.why
    for (path, _), outcome in outcomes.items():
        assert said(outcome) == f"{path.removeprefix('bin/')} "
    assert len(cache) == 7


def test_many_files_survive_several_deaths(tmp_path: Path) -> None:
    evil = {7, 150, 151, 290}
    contents = {
        f"{number}": (b"evil %d" if number in evil else b"file %d") % number
        for number in range(300)
    }
    outcomes = by_place(Material(tmp_path, contents).examine(planted(abort_on_evil)))
    assert {path for (path, _), one in outcomes.items() if isinstance(one, Failed)} == {
        str(number) for number in evil
    }
    assert sum(isinstance(one, Ran) for one in outcomes.values()) == 296


def test_an_endless_loop_is_stopped(four: Material) -> None:
    cache = Remembering()
    limits = Limits(seconds=0.3, memory_bytes=MEMORY)
    outcomes = by_place(
        four.examine(planted(loop), planted(first_word), cache=cache, limits=limits)
    )
    stopped = [outcome for (_, name), outcome in outcomes.items() if name == "loop"]
    assert stopped == [TimedOut(seconds=0.3)] * 4
    assert sum(isinstance(outcome, Ran) for outcome in outcomes.values()) == 4
    assert all(":first_word:" in key for key in cache)


def test_code_that_heeds_no_signal_is_killed(tmp_path: Path) -> None:
    material = Material(tmp_path, {"one": b"one"})
    limits = Limits(seconds=0.2, memory_bytes=MEMORY)
    outcomes = by_place(material.examine(planted(loop_deaf), planted(first_word), limits=limits))
    assert isinstance(outcomes["one", "loop_deaf"], Failed)
    assert said(outcomes["one", "first_word"]) == "one"


def test_running_out_of_memory_is_an_outcome(four: Material) -> None:
    cache = Remembering()
    outcomes = by_place(four.examine(planted(devour), planted(first_word), cache=cache))
    for (_, name), outcome in outcomes.items():
        if name == "devour":
            assert isinstance(outcome, Failed)
            assert "memory" in outcome.why
        else:
            assert isinstance(outcome, Ran)
    assert all(":first_word:" in key for key in cache)


@pytest.mark.parametrize("examine", [stumble, leave, descend, say_nonsense, say_surrogates])
def test_defects_are_outcomes_that_quote_no_content(
    tmp_path: Path, examine: Callable[[Content, File], Any]
) -> None:
    material = Material(tmp_path, {"etc/secret": b"hunter2hunter2", "etc/other": b"swordfish"})
    cache = Remembering()
    outcomes = by_place(material.examine(planted(examine), planted(first_word), cache=cache))
    failed = outcomes["etc/secret", examine.__name__]
    assert isinstance(failed, Failed)
    assert failed.why.startswith("defect in the examiner")
    assert "hunter2" not in failed.why
    assert said(outcomes["etc/other", "first_word"]) == "swordfish"
    assert len(cache) == 2


def test_malformed_content_is_remembered_as_such(four: Material) -> None:
    cache = Remembering()
    first = four.examine(planted(refuse), cache=cache)
    assert [one.outcome for one in first] == [Failed(why="header too short at offset 0x10")] * 4
    assert not missing(four.files, [planted(refuse)], cache, QUICK)
    assert four.examine(planted(refuse), cache=cache, engine=no_engine) == first


def no_engine(_workers: int) -> Executor:
    raise AssertionError("no work was to be done")


def test_what_is_too_large_is_skipped_and_said_to_be(four: Material) -> None:
    limits = Limits(file_bytes=5, memory_bytes=MEMORY)
    cache = Remembering()
    examined = four.examine(planted(first_word), cache=cache, limits=limits, engine=no_engine)
    assert all(isinstance(one.outcome, Skipped) and "5" in one.outcome.why for one in examined)
    assert not missing(four.files, [planted(first_word)], cache, limits)
    assert missing(four.files, [planted(first_word)], cache, QUICK)
    assert all(isinstance(one.outcome, Ran) for one in four.examine(planted(first_word)))


def test_files_that_went_away_or_shrank_are_failures(four: Material) -> None:
    four.contents[four.files[0].sha256].unlink()
    four.contents[four.files[1].sha256].write_bytes(b"")
    cache = Remembering()
    outcomes = [one.outcome for one in four.examine(planted(first_word), cache=cache)]
    assert [type(outcome) for outcome in outcomes] == [Failed, Failed, Ran, Ran]
    assert len(cache) == 2


def test_a_view_that_is_kept_ends_nothing(four: Material) -> None:
    outcomes = four.examine(planted(keep_a_view), planted(first_word))
    assert len(outcomes) == 8
    assert all(isinstance(one.outcome, Ran) for one in outcomes)


def test_a_changed_version_runs_that_examiner_alone(four: Material) -> None:
    cache = Remembering()
    four.examine(planted(first_word), planted(seal), cache=cache)
    before = set(cache)
    again = (planted(first_word), planted(seal, version="2"))
    assert missing(four.files, again, cache, QUICK)
    four.examine(*again, cache=cache)
    assert {key.split(":")[2:4] == ["seal", "2"] for key in set(cache) - before} == {True}
    assert len(set(cache) - before) == 4


def test_a_changed_file_is_examined_alone(tmp_path: Path) -> None:
    cache = Remembering()
    contents = {f"bin/{number}": b"content %d" % number for number in range(40)}
    Material(tmp_path, contents).examine(planted(first_word), cache=cache)
    before = set(cache)
    contents["bin/7"] = b"another content"
    outcomes = by_place(Material(tmp_path, contents).examine(planted(first_word), cache=cache))
    (new,) = set(cache) - before
    assert new.startswith(sha256(b"another content").hexdigest())
    assert said(outcomes["bin/7", "first_word"]) == "another c"
    assert said(outcomes["bin/8", "first_word"]) == "content 8"


def test_one_content_at_two_paths_is_examined_once(tmp_path: Path) -> None:
    cache = Remembering()
    material = Material(tmp_path, {"a": b"same", "b": b"same", "c": b"other"})
    outcomes = by_place(material.examine(planted(tell_entry), cache=cache))
    assert len(cache) == 2
    assert said(outcomes["a", "tell_entry"]) == said(outcomes["b", "tell_entry"])


def test_an_examiner_that_sees_the_path_is_asked_for_each_path(tmp_path: Path) -> None:
    material = Material(tmp_path, {"a": b"same", "b": b"same"})
    outcomes = by_place(material.examine(planted(tell_entry, sees="path")))
    assert '"path":"a"' in said(outcomes["a", "tell_entry"])
    assert '"path":"b"' in said(outcomes["b", "tell_entry"])


def test_what_is_no_part_of_the_key_is_not_shown(tmp_path: Path) -> None:
    material = Material(tmp_path, {"usr/bin/su": b"same"})
    step = Container(format="tar", path="", offset=0, size=9)
    shown = {"mode": 0o4755, "uid": 77, "gid": 78, "target": "there", "containers": (step,)}
    material.files = [file.model_copy(update=shown) for file in material.files]
    for sees in ("content", "path"):
        (one,) = material.examine(planted(tell_entry, sees=sees))
        seen = File.model_validate_json(said(one.outcome))
        assert (seen.mode, seen.uid, seen.gid, seen.target, seen.containers) == (*[None] * 4, ())
        assert one.file.mode == 0o4755


def test_the_kind_is_part_of_the_key() -> None:
    file = File(path="a", kind=Kind.DATA, sha256="0" * 64, size=1)
    other = file.model_copy(update={"kind": Kind.TEXT})
    assert cache_key(file, planted(first_word)) != cache_key(other, planted(first_word))


def test_the_seal_is_an_hmac_of_the_workspace(four: Material) -> None:
    expected = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", "k" * 32],
        input=b"secret",
        capture_output=True,
        check=True,
    ).stdout.split()[-1]
    assert {said(one.outcome) for one in four.examine(planted(seal))} == {expected.decode()}


class Shuffled(ThreadPoolExecutor):
    """Gives results in an order of its own."""

    def __init__(self, seed: int) -> None:
        super().__init__(1)
        self._order = random.Random(seed)
        self._held: list[Callable[[], None]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()

        def finish() -> None:
            future.set_result(fn(*args, **kwargs))

        self._held.append(finish)
        if len(self._held) > self._order.randrange(4):
            self._order.shuffle(self._held)
            self._release()
        else:
            super().submit(self._release_late)
        return future

    def _release(self) -> None:
        while self._held:
            self._held.pop()()

    def _release_late(self) -> None:
        time.sleep(0.01)
        self._release()


def shuffled(seed: int, _workers: int) -> Executor:
    return Shuffled(seed)


def test_the_order_of_completion_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.runner.work._deadline", no_deadline)
    monkeypatch.setattr("assay.runner.fanout._BATCH_TASKS", 5)
    contents = {f"{number}": b"%d is it" % (number % 90) for number in range(400)}
    material = Material(tmp_path, contents)
    examiners = (planted(first_word), planted(tell_entry))
    results = []
    for seed in range(5):
        engine = partial(shuffled, seed)
        results.append(material.examine(*examiners, engine=engine, workers=9))
    assert all(result == results[0] for result in results)
    assert [one.file.path for one in results[0][::2]] == list(contents)


class no_deadline:  # noqa: N801 (stands for a function)
    """Signals are for main threads; these run in others."""

    def __init__(self, _seconds: float) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def test_workers_of_any_number_give_the_same(four: Material) -> None:
    examiners = (planted(first_word), planted(abort_on_evil), planted(tell_entry))
    assert four.examine(*examiners, workers=1) == four.examine(*examiners, workers=2)


def test_progress_ends_at_the_whole(four: Material) -> None:
    told: list[tuple[int, int, int]] = []
    cache = Remembering()

    def tell(files: int, done: int, total: int) -> None:
        told.append((files, done, total))

    four.examine(planted(abort_on_evil), planted(first_word), cache=cache, progress=tell)
    whole = 2 * sum(file.size for file in four.files)
    assert told[0] == (0, 0, whole)
    assert told[-1] == (4, whole, whole)
    assert told == sorted(told)
    told.clear()
    four.examine(planted(first_word), cache=cache, progress=tell)
    assert told == [(4, whole // 2, whole // 2)]


def test_an_interrupt_ends_the_workers_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.runner.fanout._BATCH_TASKS", 1)
    material = Material(tmp_path, {f"{number}": b"%d" % number for number in range(8)})
    before = workers_alive()

    def interrupt(files: int, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        material.examine(planted(first_then_sleep), progress=interrupt)
    for _ in range(100):
        if workers_alive() <= before:
            break
        time.sleep(0.1)
    assert workers_alive() <= before


def first_then_sleep(content: Content, file: File) -> Iterator[Observation]:
    if bytes(content.data) != b"0":
        time.sleep(600)
    yield from first_word(content, file)


def workers_alive() -> set[int]:
    """Children of the fork server, which is a child of this process."""
    servers = _children(os.getpid())
    return {child for server in servers for child in _children(server)}


def _children(pid: int) -> set[int]:
    found = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found |= {int(word) for word in task.read_text().split()}
    return found


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "worker"
    script = (
        "import sys; sys.path.insert(0, '.')\n"
        "from tests.test_runner import *\n"
        "if __name__ == '__main__':\n"
        "    from pathlib import Path\n"
        f"    folder = Path({str(tmp_path)!r})\n"
        "    Material(folder, {'one': str(folder / 'worker').encode()})"
        ".examine(planted(tell_pid_and_sleep), workers=1)\n"
    )
    root = Path(__file__).parent.parent
    with subprocess.Popen([sys.executable, "-c", script], cwd=root) as parent:
        pid = _wait_for(told)
        parent.kill()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.1)
    raise AssertionError("the worker outlived its parent")


def tell_pid_and_sleep(content: Content, _file: File) -> list[Observation]:
    place = Path(bytes(content.data).decode())
    place.with_suffix(".part").write_text(str(os.getpid()))
    place.with_suffix(".part").rename(place)
    time.sleep(600)
    return []


def _wait_for(path: Path) -> int:
    for _ in range(300):
        if path.exists():
            return int(path.read_text())
        time.sleep(0.1)
    raise AssertionError("the worker did not start")


def test_observations_cross_the_border_whole(tmp_path: Path) -> None:
    (one,) = Material(tmp_path, {"lib": b"x"}).examine(planted(tell_component))
    assert one.outcome == Ran(observations=tuple(tell_component(None, None)))


def tell_component(_content: object, _file: object) -> list[Observation]:
    return [
        ComponentSighting(
            name="zlib",
            purl="pkg:generic/zlib@1.2.13",
            version="1.2.13",
            method="version-string",
            confidence=0.9,
            copy_extent="full",
        )
    ]
