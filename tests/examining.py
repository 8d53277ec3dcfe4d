"""Running examiners on content in tests, as the runner does."""

import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from assay.examine.contract import Content, Examiner
from assay.intake.kinds import HEAD_BYTES, kind_of
from assay.model.observations import Observation
from assay.model.tree import File

KEY = b"k" * 32


def content(data: bytes, key: bytes = KEY) -> Content:
    """Content as a worker hands it in."""
    return Content(memoryview(data), lambda value: hmac.new(key, value, hashlib.sha256).hexdigest())


def entry(path: str, data: bytes, mode: int | None = None) -> File:
    """The tree's entry of a file with that content."""
    digest = hashlib.sha256(data).hexdigest()
    return File(
        path=path, kind=kind_of(data[:HEAD_BYTES]), sha256=digest, size=len(data), mode=mode
    )


def observe(
    examiners: Iterable[Examiner], path: str, data: bytes, key: bytes = KEY
) -> list[Observation]:
    """What they say of a file."""
    file = entry(path, data)
    return [
        seen
        for examiner in examiners
        if examiner.wants(file)
        for seen in examiner.examine(content(data, key), file)
    ]


def regular_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Path inside the root, and path here, of every regular file with content, in order."""
    for place, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            if not path.is_symlink() and path.is_file() and path.stat().st_size:
                yield path.relative_to(root).as_posix(), path
