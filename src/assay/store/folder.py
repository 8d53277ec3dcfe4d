"""What a workspace's folder holds beside the database: the seal key, and scratch space."""

import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.model.errors import StoreError

_KEY_BYTES = 32


def seal_key(folder: Path) -> bytes:
    """The workspace's key for hashes of secrets, made once, readable by its owner alone.

    Raises:
        StoreError: it can't be read or made, or was damaged.
    """
    path = folder / "seal.key"
    try:
        if not path.exists():
            _make_key(path)
        key = path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: can't be used: {error.strerror}") from error
    if len(key) != _KEY_BYTES:
        raise StoreError(f"{path}: not a seal key; secrets can't be compared")
    return key


def _make_key(path: Path) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".seal.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # Linked into place whole: another process reads this key, or makes it read its own.
        path.hardlink_to(temporary)
    except FileExistsError:
        return
    finally:
        temporary.unlink()


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """Scratch space for one evaluation, gone afterwards; what a crash left behind is removed.

    A folder is locked while it is in use, and the lock ends with its process.

    Raises:
        StoreError: there is no room for it.
    """
    place = folder / "scratch"
    try:
        place.mkdir(exist_ok=True)
        with _locked(place, fcntl.LOCK_EX):
            _sweep(place)
            mine = Path(tempfile.mkdtemp(dir=place))
            handle = os.open(mine, os.O_RDONLY)
            fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:
        raise StoreError(f"{place}: can't be used: {error.strerror}") from error
    try:
        yield mine
    finally:
        shutil.rmtree(mine, ignore_errors=True)
        os.close(handle)


def _sweep(place: Path) -> None:
    for left in place.iterdir():
        with _locked(left, fcntl.LOCK_EX | fcntl.LOCK_NB) as free:
            if free:
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[bool]:
    handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(handle, how)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(handle)
