"""Where built material is kept: outside the tree, whole or not at all."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_root() -> Path:
    """`$ASSAY_CORPUS`, or a folder in the user's cache."""
    chosen = os.environ.get("ASSAY_CORPUS")
    root = Path(chosen) if chosen else Path.home() / ".cache" / "assay-corpus"
    root.mkdir(parents=True, exist_ok=True)
    return root


@contextmanager
def locked(name: str) -> Iterator[None]:
    """One builder at a time for one thing, across processes."""
    folder = cache_root() / "locks"
    folder.mkdir(exist_ok=True)
    with (folder / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def built(name: str, build: Callable[[Path], None]) -> Path:
    """The folder `name`, built on first use in a folder aside and then renamed."""
    target = cache_root() / name
    if target.exists():
        return target
    with locked(name.replace("/", "-")):
        if not target.exists():
            aside = target.with_name(target.name + ".part")
            shutil.rmtree(aside, ignore_errors=True)
            aside.mkdir(parents=True)
            build(aside)
            aside.rename(target)
    return target
