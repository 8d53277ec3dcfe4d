"""Where work runs: `concurrent.futures.Executor` is the only seam."""

import multiprocessing
import resource
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor

Engine = Callable[[int], Executor]
"""Makes an executor with so many workers. Called again when a worker's death broke the last."""


def process_pool(memory_bytes: int) -> Engine:
    """Worker processes on this machine, each bounded in its address space."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["assay.examine", "assay.runner.work"])

    def make(workers: int) -> Executor:
        return ProcessPoolExecutor(
            workers, mp_context=context, initializer=_confine, initargs=(memory_bytes,)
        )

    return make


def _confine(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
