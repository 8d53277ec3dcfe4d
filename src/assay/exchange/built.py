"""The source files that a build contains, as its build system lists them.

Read are `compile_commands.json` (Clang's compilation database) and plain lists of paths, one a
line, of sources or objects (`find . -name '*.o'`), which stand for their sources.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from assay.model.errors import InputError

_MOST_BYTES = 256 << 20
_SUFFIXES = {".o": ".c", ".ko": ".c"}


def read_built(path: Path) -> tuple[str, ...]:
    """The source files that a list names.

    Raises:
        InputError: it can't be read, is too large, or names none.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(str(path), f"larger than {_MOST_BYTES:,} bytes")
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise InputError(str(path), f"can't be read: {error.strerror}") from error
    found = tuple(sorted(set(_sources(_paths(text, path.name)))))
    if not found:
        raise InputError(str(path), "names no source file")
    return found


def _paths(text: str, name: str) -> Iterator[str]:
    if not text.lstrip().startswith("["):
        yield from text.splitlines()
        return
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(name, f"no JSON: {error}") from error
    for entry in listed:
        if isinstance(entry, dict) and isinstance(entry.get("file"), str):
            yield entry["file"]


def _sources(paths: Iterable[str]) -> Iterator[str]:
    for text in paths:
        path = PurePosixPath(text.strip())
        if path.suffix in (".c", ".S", ".rs", *_SUFFIXES):
            yield str(path.with_suffix(_SUFFIXES.get(path.suffix, path.suffix)))
