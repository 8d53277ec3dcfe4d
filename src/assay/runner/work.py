"""What a worker does: opens a file once and shows it to each examiner that wants it."""

import faulthandler
import hashlib
import hmac
import mmap
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from assay.examine.contract import Content, ExamineError, Examiner
from assay.model.outcome import OUTCOME, Failed, Outcome, Ran, Skipped, TimedOut
from assay.model.tree import File
from assay.runner.limits import HARD_FACTOR, Limits

_WHY_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Task:
    """One content, and the examiners whose outcome on it is not known yet, with cache keys."""

    file: File
    content: Path
    wanted: tuple[tuple[str, Examiner], ...]


class Told(NamedTuple):
    """An outcome under its cache key, encoded as it is cached. `lasting` is false for what
    another try, another machine or other limits may end differently."""

    key: str
    encoded: bytes
    lasting: bool


def run_tasks(tasks: Sequence[Task], limits: Limits, seal_key: bytes) -> list[Told]:
    """The outcomes of all tasks, in their order."""
    return [
        Told(key, OUTCOME.dump_json(outcome), lasting=isinstance(outcome, Ran))
        for task in tasks
        for key, outcome in _run(task, limits, seal_key)
    ]


def _run(task: Task, limits: Limits, seal_key: bytes) -> Iterator[tuple[str, Outcome]]:
    if task.file.size > limits.file_bytes:
        why = f"{task.file.size:,} bytes: above the limit of {limits.file_bytes:,}"
        yield from ((key, Skipped(why=why)) for key, _ in task.wanted)
        return
    with _mapped(task.content) as data:
        content = Content(data, _sealer(seal_key))
        for key, examiner in task.wanted:
            yield key, examine_one(examiner, content, task.file, limits)


def examine_one(examiner: Examiner, content: Content, file: File, limits: Limits) -> Outcome:
    """Run one examiner within the time limit; whatever happens becomes an outcome."""
    seen = File(path=file.path, kind=file.kind, sha256=file.sha256, size=file.size)
    if examiner.sees == "content":
        seen = seen.model_copy(update={"path": ""})
    try:
        with _deadline(limits.seconds):
            return Ran(observations=tuple(examiner.examine(content, seen)))
    except _OutOfTimeError:
        return TimedOut(seconds=limits.seconds)
    except ExamineError as error:
        return Failed(why=str(error)[:_WHY_LIMIT])
    except MemoryError:
        return Failed(why="ran out of the memory that a worker may use")
    except Exception as error:  # noqa: BLE001 (a defect of ours must not end the evaluation)
        return Failed(why=f"defect in the examiner: {type(error).__name__}: {error}"[:_WHY_LIMIT])


class _OutOfTimeError(BaseException):
    """Not an `Exception`: an examiner's own handlers must not swallow it."""


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Raises in Python code after `seconds`; ends the process where native code does not return."""
    before = signal.signal(signal.SIGALRM, _out_of_time)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(seconds * HARD_FACTOR, exit=True, file=_NOWHERE)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


_NOWHERE = open(os.devnull, "w")  # noqa: PTH123, SIM115 (lives as long as the worker)


def _out_of_time(_signal: int, _frame: FrameType | None) -> None:
    raise _OutOfTimeError


@contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        view = memoryview(data)
        try:
            yield view
        finally:
            _release(view)


def _release(view: memoryview) -> None:
    # An examiner's result must not look into the map; where one does, the map lives on with it.
    try:
        view.release()
    except BufferError:
        return


def _sealer(key: bytes) -> Callable[[bytes], str]:
    def seal(value: bytes) -> str:
        return hmac.new(key, value, hashlib.sha256).hexdigest()

    return seal
