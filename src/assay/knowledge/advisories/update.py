"""What users bring in: files become snapshots in a folder, and what changed by them is told.

A file that was brought in before changes nothing. Snapshots are written whole or not at all, and
named by their content.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.knowledge.advisories.bounds import Refused, day
from assay.knowledge.advisories.library import Library
from assay.knowledge.advisories.reading import Taken, read_path
from assay.knowledge.advisories.shipped import shipped
from assay.knowledge.advisories.snapshot import Content, Snapshot, open_snapshot, pack
from assay.model.advisory import Advisory, Source
from assay.model.errors import InputError, StoreError


@dataclass(frozen=True, slots=True)
class FileUpdate:
    """What one file gave; `new` is false where its content was there before."""

    file: str
    kinds: tuple[str, ...]
    as_of: str
    records: int
    refused: tuple[Refused, ...]
    refused_count: int
    new: bool


@dataclass(frozen=True, slots=True)
class Update:
    """What came in, and the advisories that were added, changed or withdrawn by it, by id."""

    files: tuple[FileUpdate, ...]
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()

    @property
    def is_new(self) -> bool:
        """Whether anything came in that was not there."""
        return any(one.new for one in self.files)


def brought_in(folder: Path) -> tuple[Snapshot, ...]:
    """The snapshots that users brought in.

    Raises:
        DataError: one is damaged; names it.
    """
    files = sorted(folder.glob("*.zip")) if folder.is_dir() else []
    return tuple(open_snapshot(file) for file in files)


def library_of(folder: Path | None = None) -> Library:
    """What ships, and what users brought in."""
    return Library((*shipped(), *(brought_in(folder) if folder else ())))


def update(
    folder: Path, files: Sequence[Path], covers: Iterable[str] = (), as_of: str = ""
) -> Update:
    """Read files into the folder; all of them, or none where one can't be used.

    Args:
        covers: components that the files cover, as whoever brings them in judges.
        as_of: the day (ISO date) that the data is of, where a file does not say it.

    Raises:
        InputError: a file can't be read or has no usable record, or says of no day; names it.
        StoreError: the folder can't be written.
        DataError: a snapshot in the folder is damaged.
    """
    taken = [read_path(file) for file in files]
    before = library_of(folder)
    for one in taken:
        one.as_of = one.as_of or day(as_of)
    packed = [_packed(one, tuple(covers)) for one in taken]
    told: list[FileUpdate] = []
    fresh: list[Snapshot] = []
    for one, content in zip(taken, packed, strict=True):
        target = folder / f"{hashlib.sha256(content).hexdigest()[:24]}.zip"
        new = not target.exists()
        if new:
            _write(target, content)
            fresh.append(Snapshot(content, target.name))
        told.append(
            FileUpdate(
                file=one.file,
                kinds=tuple(sorted(one.kinds)),
                as_of=one.as_of,
                records=one.records,
                refused=one.refused,
                refused_count=one.refused_count,
                new=new,
            )
        )
    if not fresh:
        return Update(tuple(told))
    return _compared(tuple(told), before, library_of(folder), fresh)


def _packed(taken: Taken, covers: tuple[str, ...]) -> bytes:
    if not taken.as_of:
        raise InputError(
            taken.file, "does not say of which day it is", hint="say it: --as-of 2026-11-24"
        )
    source = Source(
        name=f"{' and '.join(sorted(taken.kinds))}: {taken.file}",
        as_of=taken.as_of,
        licence="as its source has it",
        records=taken.records,
        sha256=taken.sha256,
    )
    return pack(
        Content(
            as_of=taken.as_of,
            sources=(source,),
            covers=covers,
            advisories=tuple(taken.advisories),
            exploited=tuple(taken.exploited),
            likelihoods=tuple(taken.likelihoods),
            series=tuple(taken.series),
        )
    )


def _compared(
    files: tuple[FileUpdate, ...], before: Library, after: Library, fresh: Sequence[Snapshot]
) -> Update:
    components = {name for one in fresh for name in one.index.components}
    withdrawn = {name for one in fresh for name in one.index.withdrawn}
    components |= before.components_of(withdrawn)
    added: set[str] = set()
    changed: set[str] = set()
    gone: set[str] = set()
    for component in sorted(components):
        old, new = _by_id(before, component), _by_id(after, component)
        added |= new.keys() - old.keys()
        gone |= old.keys() - new.keys()
        changed |= {name for name in old.keys() & new.keys() if old[name] != new[name]}
    for one in fresh:
        listed = {
            name for name, entry in one.exploited.items() if before.exploited.get(name) != entry
        }
        changed |= listed - gone
    return Update(
        files,
        added=tuple(sorted(added)),
        changed=tuple(sorted(changed - added)),
        withdrawn=tuple(sorted(gone)),
    )


def _by_id(library: Library, component: str) -> dict[str, Advisory]:
    return {one.id: one for one in library.advisories(component)}


def _write(target: Path, content: bytes) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".new-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except OSError as error:
        raise StoreError(f"{target}: can't be written: {error.strerror}") from error
