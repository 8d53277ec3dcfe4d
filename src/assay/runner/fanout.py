"""Every file to every examiner that wants it, each content once."""

import functools
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from assay.examine.contract import Examiner
from assay.model.base import digest
from assay.model.outcome import OUTCOME, Examined, Failed, Outcome, Skipped
from assay.model.tree import File
from assay.runner.engine import Engine
from assay.runner.limits import Limits
from assay.runner.work import Task, Told, run_tasks

_BATCH_BYTES = 4 << 20
_BATCH_TASKS = 64
_BATCHES_A_WORKER = 2
_DIED = "the worker's process died: native code crashed, or took too long or too much memory"

Progress = Callable[[int, int, int], None]
"""Told files done, bytes done and bytes in all: those of a file once for every examiner."""

_Wanted = tuple[File, Examiner, str]
_Done = tuple[list[Task], list[Told]]


class Cache(Protocol):
    """Encoded outcomes by key: content, examiner, its version."""

    def load(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The outcomes that are known, of those asked for."""

    def save(self, outcomes: Sequence[tuple[str, bytes]]) -> None:
        """Remember outcomes."""


def cache_key(file: File, examiner: Examiner) -> str:
    """What an outcome depends on: content, kind, examiner, version, and where it sees that, path.

    The kind is judged by intake, whose judgement may change while content and examiner do not.
    """
    path = "" if examiner.sees == "content" else sha256(file.path.encode()).hexdigest()[:32]
    told_by = f"{examiner.name}:{examiner.version}"
    return f"{file.sha256}:{file.kind.value}:{told_by}:{path}:{_form()}"


@functools.cache
def _form() -> str:
    """The form of encoded outcomes: those of another form can't be read."""
    return digest(OUTCOME.json_schema())[:8]


def missing(
    files: Iterable[File], examiners: Sequence[Examiner], cache: Cache, limits: Limits
) -> bool:
    """Whether any outcome that these files ask for needs their contents to be told."""
    keys = {key for file, _, key in _wanted(files, examiners) if not _too_large(file, limits)}
    return len(cache.load(sorted(keys))) < len(keys)


def examine_all(
    files: Sequence[File],
    contents: Mapping[str, Path],
    examiners: Sequence[Examiner],
    *,
    cache: Cache,
    engine: Engine,
    workers: int,
    limits: Limits,
    seal_key: bytes,
    progress: Progress = lambda files, done, total: None,
) -> tuple[Examined, ...]:
    """Outcomes of every examiner on every file that it wants, in the order of files."""
    wanted = list(_wanted(files, examiners))
    known = dict(cache.load(sorted({key for _, _, key in wanted})))
    known |= _skipped(wanted, limits)
    tasks = _tasks(wanted, known, contents)
    run = _Run(engine, workers, limits, seal_key)
    said = _Said(progress, wanted, tasks)
    with closing(run.of(tasks)) as batches:
        for batch, outcomes in batches:
            cache.save([(told.key, told.encoded) for told in outcomes if told.lasting])
            known.update((told.key, told.encoded) for told in outcomes)
            said.done(batch)
    decoded: dict[str, Outcome] = {}
    return tuple(
        Examined.model_construct(
            file=file, examiner=examiner.name, outcome=_decode(key, known, decoded)
        )
        for file, examiner, key in wanted
    )


def _wanted(files: Iterable[File], examiners: Sequence[Examiner]) -> Iterator[_Wanted]:
    for file in files:
        for examiner in examiners:
            if file.has_content and file.size and examiner.wants(file):
                yield file, examiner, cache_key(file, examiner)


def _too_large(file: File, limits: Limits) -> bool:
    return file.size > limits.file_bytes


def _skipped(wanted: Iterable[_Wanted], limits: Limits) -> dict[str, bytes]:
    """Outcomes of what is too large to be looked at. Told anew each time: limits differ."""
    return {
        key: OUTCOME.dump_json(
            Skipped(why=f"{file.size:,} bytes: above the limit of {limits.file_bytes:,}")
        )
        for file, _, key in wanted
        if _too_large(file, limits)
    }


def _decode(key: str, known: Mapping[str, bytes], decoded: dict[str, Outcome]) -> Outcome:
    if key not in decoded:
        decoded[key] = OUTCOME.validate_json(known[key])
    return decoded[key]


def _tasks(
    wanted: Iterable[_Wanted], known: Mapping[str, bytes], contents: Mapping[str, Path]
) -> list[Task]:
    by_file: dict[str, tuple[File, dict[str, Examiner]]] = {}
    taken = set(known)
    for file, examiner, key in wanted:
        if key not in taken:
            taken.add(key)
            by_file.setdefault(file.path, (file, {}))[1][key] = examiner
    return [
        Task(file, contents[file.sha256], tuple(examiners.items()))
        for file, examiners in by_file.values()
    ]


class _Said:
    """How far the work is, in files (each content once) and in bytes shown to examiners."""

    def __init__(self, progress: Progress, wanted: Iterable[_Wanted], tasks: list[Task]) -> None:
        looks = list(wanted)
        self._progress = progress
        self._total = sum(file.size for file, _, _ in looks)
        self._bytes = self._total - sum(len(task.wanted) * task.file.size for task in tasks)
        self._open = {task.file.path: len(task.wanted) for task in tasks}
        self._files = len({file.path for file, _, _ in looks} - self._open.keys())
        progress(self._files, self._bytes, self._total)

    def done(self, batch: Iterable[Task]) -> None:
        """Count a batch of tasks as done."""
        for task in batch:
            self._bytes += len(task.wanted) * task.file.size
            self._open[task.file.path] -= len(task.wanted)
            self._files += self._open[task.file.path] == 0
        self._progress(self._files, self._bytes, self._total)


class _Run:
    """Runs tasks to their end whatever they do to their workers."""

    def __init__(self, engine: Engine, workers: int, limits: Limits, seal_key: bytes) -> None:
        self._engine = engine
        self._workers = workers
        self._limits = limits
        self._seal_key = seal_key

    def of(self, tasks: Sequence[Task]) -> Generator[_Done, None, None]:
        """Batches and their outcomes as they come. After a worker's death, what was under way
        is run one by one to find out which file and examiner it was; the rest goes on."""
        waiting = deque(_batches(tasks))
        while waiting:
            suspects: list[Task] = []
            yield from self._until_death(waiting, suspects)
            yield from self._one_by_one(suspects)

    def _until_death(self, waiting: deque[list[Task]], suspects: list[Task]) -> Iterator[_Done]:
        under_way: dict[Future[list[Told]], list[Task]] = {}
        with self._engine(self._workers) as executor:
            while under_way or (waiting and not suspects):
                if not suspects:
                    self._fill(executor, waiting, under_way, suspects)
                finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in finished:
                    batch = under_way.pop(future)
                    try:
                        outcomes = future.result()
                    except BrokenExecutor:
                        suspects += batch
                    else:
                        yield batch, outcomes

    def _fill(
        self,
        executor: Executor,
        waiting: deque[list[Task]],
        under_way: dict[Future[list[Told]], list[Task]],
        suspects: list[Task],
    ) -> None:
        """Keep the workers busy, with little under way: all of that is suspect after a death."""
        while waiting and len(under_way) < self._workers * _BATCHES_A_WORKER:
            batch = waiting.popleft()
            try:
                under_way[self._submit(executor, batch)] = batch
            except BrokenExecutor:
                suspects += batch
                return

    def _one_by_one(self, tasks: Iterable[Task]) -> Iterator[_Done]:
        """One file and examiner at a time, so that a death has one that it is laid to."""
        single = deque(
            Task(task.file, task.content, (one,)) for task in tasks for one in task.wanted
        )
        while single:
            with self._engine(1) as executor:
                yield from self._singly(executor, single)

    def _singly(self, executor: Executor, single: deque[Task]) -> Iterator[_Done]:
        while single:
            try:
                future = self._submit(executor, [single[0]])
            except BrokenExecutor:
                return  # its worker died while it was idle: this task has no part in that
            task = single.popleft()
            try:
                outcomes = future.result()
            except BrokenExecutor:
                failed = OUTCOME.dump_json(Failed(why=_DIED))
                yield [task], [Told(key, failed, lasting=False) for key, _ in task.wanted]
                return
            yield [task], outcomes

    def _submit(self, executor: Executor, batch: list[Task]) -> Future[list[Told]]:
        return executor.submit(run_tasks, batch, self._limits, self._seal_key)


def _batches(tasks: Sequence[Task]) -> Iterator[list[Task]]:
    """Batches of like cost, the largest files first: no straggler at the end."""
    batch: list[Task] = []
    size = 0
    for task in sorted(tasks, key=lambda task: -task.file.size):
        batch.append(task)
        size += task.file.size
        if size >= _BATCH_BYTES or len(batch) >= _BATCH_TASKS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
