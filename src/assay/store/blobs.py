"""Documents by the SHA-256 of their content, compressed, each written once."""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

import zstandard

from assay.model.errors import StoreError


class Blobs:
    """A folder of content-addressed blobs. A blob is whole or not there, also after a crash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keep content; gives its SHA-256. One that was damaged is written anew.

        Raises:
            StoreError: it can't be written.
        """
        name = hashlib.sha256(content).hexdigest()
        target = self._path(name)
        try:
            if not self._holds(target, content):
                target.parent.mkdir(parents=True, exist_ok=True)
                _write_whole(target, zstandard.ZstdCompressor(level=3).compress(content))
        except OSError as error:
            raise StoreError(f"{target}: blob can't be written: {error.strerror}") from error
        return name

    def get(self, name: str) -> bytes:
        """The content.

        Raises:
            StoreError: it is not there, or is not what its name says.
        """
        path = self._path(name)
        try:
            content = zstandard.ZstdDecompressor().decompress(path.read_bytes())
        except (OSError, zstandard.ZstdError) as error:
            raise StoreError(f"{path}: blob can't be read: {error}") from error
        if hashlib.sha256(content).hexdigest() != name:
            raise StoreError(f"{path}: blob was changed since it was written")
        return content

    def _holds(self, target: Path, content: bytes) -> bool:
        with suppress(StoreError):
            return target.exists() and self.get(target.name) == content
        return False

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name


def _write_whole(target: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_folder(target.parent)
    _sync_folder(target.parent.parent)


def _sync_folder(folder: Path) -> None:
    """Names of files are the folder's content, and are lost with it unless it is synced too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
