"""A user's own signatures: snapshots in one folder, laid over the shipped one."""

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.knowledge.signatures import shipped_snapshot
from assay.knowledge.signatures.build import build_signature
from assay.knowledge.signatures.recipes import Recipe, load_recipes
from assay.knowledge.signatures.selection import select
from assay.knowledge.signatures.signature import Signature
from assay.knowledge.signatures.snapshot import Snapshot, open_snapshot, pack
from assay.model.errors import InputError, StoreError

_ENDING = ".signatures"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]{0,63}")

Task = tuple[Recipe, tuple[Path, ...]]
Map = Callable[[Callable[[Task], Signature], Iterable[Task]], Iterable[Signature]]
"""How several components are built: `map`, or the same of an executor."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One component that is known: how many releases, the first and last, from where, and whether
    it is the user's own."""

    name: str
    purl: str
    releases: int
    first: str
    last: str
    newest_date: str
    repository: str
    own: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A component in full: its releases with their dates, and how many features tell it."""

    listed: Listed
    releases: tuple[tuple[str, str], ...]
    features: int
    source_files: int


class Shelf:
    """The folder. It is made when something is first put into it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files(self) -> tuple[Path, ...]:
        """The user's snapshots, sorted by name."""
        return tuple(sorted(self._folder.glob(f"*{_ENDING}")))

    def listed(self) -> tuple[Listed, ...]:
        """Every component that is known, the user's own in the place of shipped ones."""
        found: dict[str, Listed] = {}
        for snapshot, own in self._snapshots():
            for number in range(len(snapshot.components)):
                one = _listed(snapshot, number, own=own)
                found[one.name] = one
        return tuple(found[name] for name in sorted(found))

    def show(self, name: str) -> Shown:
        """One component.

        Raises:
            InputError: it is not known.
        """
        for snapshot, own in reversed(self._snapshots()):
            number = snapshot.number_of(name)
            if number is not None:
                about = snapshot.components[number]
                return Shown(
                    listed=_listed(snapshot, number, own=own),
                    releases=tuple((one.version, one.date) for one in about.releases),
                    features=int((snapshot.owners == number).sum()),
                    source_files=len(snapshot.paths[number]),
                )
        raise InputError(name, "no such component", hint="`assay knowledge list` shows them all")

    def build(self, name: str, places: Sequence[Path], out: Path | None = None) -> Path:
        """Make a component's signature and keep it here, or write it to `out`.

        Raises:
            InputError: the source can't be read or tells no release.
        """
        if not _NAME.fullmatch(name):
            raise InputError(name, "a component's name is of letters, digits, `+`, `.`, `_`, `-`")
        recipe = load_recipes().of(name) or Recipe(name=name)
        content = pack(select([build_signature(recipe, list(places))]))
        target = out or self._folder / f"{name}{_ENDING}"
        _write(target, content)
        return target

    def add(self, file: Path) -> Path:
        """Take in a snapshot that someone made; it is checked whole first.

        Raises:
            DataError: it is none, or not what its digest says.
        """
        snapshot = open_snapshot(file, verify=True)
        target = self._folder / f"{snapshot.digest[:16]}{_ENDING}"
        _write(target, file.read_bytes())
        return target

    def export(self, out: Path) -> int:
        """Write all that is known as one snapshot; says how many components it holds."""
        chosen: dict[str, Signature] = {}
        for snapshot, _ in self._snapshots():
            for number, about in enumerate(snapshot.components):
                chosen[about.name] = snapshot.signature(number)
        _write(out, pack(chosen.values()))
        return len(chosen)

    def _snapshots(self) -> list[tuple[Snapshot, bool]]:
        shipped = shipped_snapshot()
        first = [(open_snapshot(shipped), False)] if shipped else []
        return first + [(open_snapshot(file), True) for file in self.files()]


def build_snapshot(folder: Path, out: Path, several: Map) -> tuple[int, tuple[str, ...]]:
    """Build every recipe whose repository lies in a folder as `owner+name` or `owner+name/repo`.

    Args:
        folder: where the repositories are.
        out: the snapshot to write.
        several: `map`, or an executor's, to build several at once.

    Returns:
        How many components it holds, and the names of those whose repository is not there.
    """
    recipes = load_recipes().components
    tasks = [(one, (place,)) for one in recipes if (place := _place(folder, one)) is not None]
    if not tasks:
        raise InputError(str(folder), "no repository of any recipe is in it")
    signatures = list(several(_built, tasks))
    _write(out, pack(select(signatures)))
    have = {recipe.name for recipe, _ in tasks}
    return len(tasks), tuple(one.name for one in recipes if one.name not in have)


def _built(task: Task) -> Signature:
    recipe, places = task
    return build_signature(recipe, list(places))


def _place(folder: Path, recipe: Recipe) -> Path | None:
    base = folder / recipe.repository.replace("/", "+")
    places = (base / "repo", base)
    return next((place for place in places if (place / "HEAD").exists()), None)


def _listed(snapshot: Snapshot, number: int, *, own: bool) -> Listed:
    about = snapshot.components[number]
    first, last = about.releases[0], about.releases[-1]
    return Listed(
        name=about.name,
        purl=about.purl,
        releases=len(about.releases),
        first=first.version,
        last=last.version,
        newest_date=max(one.date for one in about.releases),
        repository=about.repository,
        own=own,
    )


def _write(path: Path, content: bytes) -> None:
    """Write a file so that it is the old one or the new one, never half."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        raise StoreError(f"{path}: can't be written: {error.strerror}") from error
