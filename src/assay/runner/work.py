"""What a worker does: opens a file once and shows it to each examiner that wants it."""

import faulthandler
import hashlib
import hmac
import mmap
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import NamedTuple

from assay.examine.contract import Content, ExamineError, Examiner
from assay.model.outcome import OUTCOME, Failed, Outcome, Ran, TimedOut
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


class Verdict(NamedTuple):
    """An outcome, and whether it is the content's own: true wherever this is run again."""

    outcome: Outcome
    lasting: bool = False


def run_tasks(tasks: Sequence[Task], limits: Limits, seal_key: bytes) -> list[Told]:
    """The outcomes of all tasks, in their order."""
    return [_told(key, verdict) for task in tasks for key, verdict in _run(task, limits, seal_key)]


def _told(key: str, verdict: Verdict) -> Told:
    try:
        return Told(key, OUTCOME.dump_json(verdict.outcome), verdict.lasting)
    except ValueError:  # text that is not Unicode
        failed = Failed(why="defect in the examiner: what it observed can't be encoded")
        return Told(key, OUTCOME.dump_json(failed), lasting=False)


def _run(task: Task, limits: Limits, seal_key: bytes) -> Iterator[tuple[str, Verdict]]:
    try:
        with _mapped(task.content) as data:
            content = Content(data, _sealer(seal_key))
            for key, examiner in task.wanted:
                yield key, examine_one(examiner, content, task.file, limits)
    except (OSError, ValueError) as error:  # ValueError: it is empty by now
        why = f"can't be read: {getattr(error, 'strerror', None) or error}"[:_WHY_LIMIT]
        yield from ((key, Verdict(Failed(why=why))) for key, _ in task.wanted)


def examine_one(examiner: Examiner, content: Content, file: File, limits: Limits) -> Verdict:
    """Run one examiner within the time limit; whatever happens becomes an outcome."""
    seen = File(path=file.path, kind=file.kind, sha256=file.sha256, size=file.size)
    if examiner.sees == "content":
        seen = seen.model_copy(update={"path": ""})
    try:
        with _deadline(limits.seconds):
            return Verdict(Ran(observations=tuple(examiner.examine(content, seen))), lasting=True)
    except _OutOfTimeError:
        return Verdict(TimedOut(seconds=limits.seconds))
    except ExamineError as error:
        return Verdict(Failed(why=str(error)[:_WHY_LIMIT]), lasting=True)
    except MemoryError:
        return Verdict(Failed(why="ran out of the memory that a worker may use"))
    except (Exception, SystemExit) as error:  # noqa: BLE001 (a defect of ours must not end it all)
        return Verdict(Failed(why=f"defect in the examiner: {_place(error)}"))


def _place(error: BaseException) -> str:
    """What was raised, and where. Not its text: that may quote the content, secrets and all."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" in {trace.tb_frame.f_code.co_qualname}" if trace is not None else ""
    return f"{type(error).__name__}{where}"


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
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    view = memoryview(data)
    try:
        yield view
    finally:
        # An examiner's result must not look into the map; where one does, the map lives on.
        with suppress(BufferError):
            view.release()
            data.close()


def _sealer(key: bytes) -> Callable[[bytes], str]:
    def seal(value: bytes) -> str:
        return hmac.new(key, value, hashlib.sha256).hexdigest()

    return seal
