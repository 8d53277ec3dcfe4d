"""Where work runs: `concurrent.futures.Executor` is the only seam."""

import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from types import TracebackType

Engine = Callable[[int], Executor]
"""Makes an executor with so many workers. Called again when a worker's death broke the last."""


def process_pool(memory_bytes: int) -> Engine:
    """Worker processes on this machine, each bounded in its address space."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["assay.examine", "assay.runner.work"])

    def make(workers: int) -> Executor:
        return _Pool(workers, mp_context=context, initializer=_confine, initargs=(memory_bytes,))

    return make


class _Pool(ProcessPoolExecutor):
    """Left by an exception (Ctrl-C, for one), it ends its workers and waits for none of them."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        if kind is None:
            return super().__exit__(kind, error, trace)
        workers = list((self._processes or {}).values())
        self.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.kill()
        return None


def _confine(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    # A terminal sends Ctrl-C to all of its processes: whether to stop is the parent's to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
