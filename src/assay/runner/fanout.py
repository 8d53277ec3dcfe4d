"""Every file to every examiner that wants it, each content once."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from assay.examine.contract import Examiner
from assay.model.outcome import OUTCOME, Examined, Failed, Outcome
from assay.model.tree import File
from assay.runner.engine import Engine
from assay.runner.limits import Limits
from assay.runner.work import Task, Told, run_tasks

_BATCH_BYTES = 4 << 20
_BATCH_TASKS = 64
_DIED = "the worker's process died: native code crashed, or took too long or too much memory"


class Cache(Protocol):
    """Encoded outcomes by key: content, examiner, its version."""

    def load(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """The outcomes that are known, of those asked for."""

    def save(self, outcomes: Sequence[tuple[str, bytes]]) -> None:
        """Remember outcomes."""


def cache_key(file: File, examiner: Examiner) -> str:
    """What an outcome depends on: content, examiner, version, and the path where it is seen."""
    path = "" if examiner.sees == "content" else sha256(file.path.encode()).hexdigest()[:16]
    return f"{file.sha256}:{examiner.name}:{examiner.version}:{path}"


def missing(files: Iterable[File], examiners: Sequence[Examiner], cache: Cache) -> bool:
    """Whether any outcome that these files ask for is not in the cache."""
    keys = {key for _, _, key in _wanted(files, examiners)}
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
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Examined, ...]:
    """Outcomes of every examiner on every file that it wants, in the order of files.

    `progress` is told bytes done and bytes in all.
    """
    wanted = list(_wanted(files, examiners))
    known = dict(cache.load(sorted({key for _, _, key in wanted})))
    tasks = _tasks(wanted, known, contents)
    total = sum(file.size for file, _, _ in wanted)
    done = total - sum(len(task.wanted) * task.file.size for task in tasks)
    progress(done, total)
    for batch, outcomes in _run(tasks, engine, workers, limits, seal_key):
        cache.save([(told.key, told.encoded) for told in outcomes if told.lasting])
        known.update((told.key, told.encoded) for told in outcomes)
        done += sum(len(task.wanted) * task.file.size for task in batch)
        progress(done, total)
    decoded: dict[str, Outcome] = {}
    return tuple(
        Examined.model_construct(
            file=file, examiner=examiner.name, outcome=_decode(key, known, decoded)
        )
        for file, examiner, key in wanted
    )


def _wanted(
    files: Iterable[File], examiners: Sequence[Examiner]
) -> Iterator[tuple[File, Examiner, str]]:
    for file in files:
        for examiner in examiners:
            if file.has_content and file.size and examiner.wants(file):
                yield file, examiner, cache_key(file, examiner)


def _decode(key: str, known: Mapping[str, bytes], decoded: dict[str, Outcome]) -> Outcome:
    if key not in decoded:
        decoded[key] = OUTCOME.validate_json(known[key])
    return decoded[key]


def _tasks(
    wanted: Iterable[tuple[File, Examiner, str]],
    known: Mapping[str, bytes],
    contents: Mapping[str, Path],
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


def _run(
    tasks: Sequence[Task], engine: Engine, workers: int, limits: Limits, seal_key: bytes
) -> Iterator[tuple[list[Task], list[Told]]]:
    """Batches and their outcomes as they come; after a worker's death, task by task."""
    suspects: list[Task] = []
    if tasks:
        with engine(workers) as executor:
            under_way = {
                executor.submit(run_tasks, batch, limits, seal_key): batch
                for batch in _batches(tasks)
            }
            for future, batch in _as_completed(under_way):
                try:
                    yield batch, future.result()
                except BrokenExecutor:
                    suspects += batch
    yield from _one_by_one(suspects, engine, limits, seal_key)


def _as_completed(
    under_way: dict[Future[list[Told]], list[Task]],
) -> Iterator[tuple[Future[list[Told]], list[Task]]]:
    pending = set(under_way)
    while pending:
        finished, pending = wait(pending, return_when=FIRST_COMPLETED)
        yield from ((future, under_way[future]) for future in finished)


def _one_by_one(
    tasks: Iterable[Task], engine: Engine, limits: Limits, seal_key: bytes
) -> Iterator[tuple[list[Task], list[Told]]]:
    """Find out which file and examiner kills its worker, and measure all the others."""
    single = [Task(task.file, task.content, (one,)) for task in tasks for one in task.wanted]
    position = 0
    while position < len(single):
        with engine(1) as executor:
            for task in single[position:]:
                position += 1
                try:
                    yield [task], executor.submit(run_tasks, [task], limits, seal_key).result()
                except BrokenExecutor:
                    failed = OUTCOME.dump_json(Failed(why=_DIED))
                    yield [task], [Told(key, failed, lasting=False) for key, _ in task.wanted]
                    break


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
