"""Where a component's source comes from: a git repository, tarballs or folders.

Takes: a place and how its releases are named. Gives: releases with their files. Must not know:
what is read out of the files.

How it works: of a git repository each distinct tree object is read once, whatever the number of
tags that hold it, so that a release costs what changed in it. Nothing is checked out, no program
is run. A tarball's or a folder's files are named by their content's hash, as git names them.

Source: Git's documentation, gitformat-pack and gitcore-tutorial (objects named by content).
"""

import hashlib
import tarfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pygit2

from assay.knowledge.signatures.versions import version_key
from assay.model.errors import InputError

Wanted = Callable[[str], bool]

_LARGEST_FILE = 12 << 20


@dataclass(frozen=True, slots=True)
class Release:
    """One release: its version, the day that it was made (empty where not known), its name at the
    origin (a tag, a file)."""

    version: str
    date: str
    tag: str


@dataclass(slots=True)
class Origin:
    """Releases and their files. `blobs` maps (path, blob) to the set of releases that hold it, as
    a number whose bit n is release n. `read` gives a blob's content, None where it is missing."""

    releases: tuple[Release, ...]
    blobs: dict[tuple[str, str], int]
    read: Callable[[str], bytes | None]
    state: str = ""


@dataclass(slots=True)
class _Held:
    """Contents of files that no git repository keeps."""

    by_name: dict[str, bytes] = field(default_factory=dict)

    def keep(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        self.by_name.setdefault(name, content)
        return name


def git_origin(
    place: Path,
    versions: Callable[[str], str | None],
    wanted: Wanted,
    folder: str = "",
) -> Origin:
    """A git repository, bare or not.

    Args:
        place: the repository's folder.
        versions: the version that a tag names, None where it names no release.
        wanted: whether to look into a path (folders end in a slash).
        folder: the component's own folder in it; paths are told from there.

    Raises:
        InputError: there is no repository, or none of its tags is a release.
    """
    try:
        repository = pygit2.Repository(str(place))
    except pygit2.GitError as error:
        raise InputError(str(place), f"no git repository: {error}") from error
    tagged = _tagged(repository, versions)
    if not tagged:
        raise InputError(str(place), "no tag names a release", hint="see the recipe's `tags`")
    blobs = _blobs(repository, [commit for _, commit in tagged], wanted, folder)
    return Origin(
        releases=tuple(release for release, _ in tagged),
        blobs=blobs,
        read=lambda name: _content(repository, name),
        state=hashlib.sha256(
            "".join(f"{release.tag} {commit.id}\n" for release, commit in tagged).encode()
        ).hexdigest(),
    )


def _tagged(
    repository: pygit2.Repository, versions: Callable[[str], str | None]
) -> list[tuple[Release, pygit2.Commit]]:
    """Releases with their commits, by version; of several tags for one, the shortest name."""
    found: dict[str, tuple[Release, pygit2.Commit]] = {}
    names = [name for name in repository.references if name.startswith("refs/tags/")]
    for name in sorted(names, key=lambda name: (len(name), name)):
        tag = name.removeprefix("refs/tags/")
        version = versions(tag)
        if version is None or version in found:
            continue
        try:
            commit = repository.references[name].peel(pygit2.Commit)
            commit.tree_id  # noqa: B018 (a snapshot may lack objects)
        except (pygit2.GitError, KeyError, ValueError):
            continue
        day = datetime.fromtimestamp(commit.commit_time, UTC).date().isoformat()
        found[version] = Release(version, day, tag), commit
    from_oldest = sorted(found, key=lambda version: (version_key(version), version))
    return [found[version] for version in from_oldest]


def _blobs(
    repository: pygit2.Repository, commits: list[pygit2.Commit], wanted: Wanted, folder: str
) -> dict[tuple[str, str], int]:
    """All wanted files of all releases: level by level, each tree once for all that hold it."""
    level: dict[tuple[str, str], int] = defaultdict(int)
    for number, commit in enumerate(commits):
        if (root := _inside(repository, commit.tree_id, folder)) is not None:
            level["", root] |= 1 << number
    blobs: dict[tuple[str, str], int] = defaultdict(int)
    while level:
        below: dict[tuple[str, str], int] = defaultdict(int)
        for (path, tree), releases in level.items():
            for name, kind, entry in _entries(repository, tree):
                if kind == "tree" and wanted(f"{path}{name}/"):
                    below[f"{path}{name}/", entry] |= releases
                elif kind == "blob" and wanted(path + name):
                    blobs[path + name, entry] |= releases
        level = below
    return blobs


def _inside(repository: pygit2.Repository, tree: pygit2.Oid, folder: str) -> str | None:
    at = str(tree)
    for name in PurePosixPath(folder).parts:
        here = {entry: (kind, oid) for entry, kind, oid in _entries(repository, at)}
        kind, at = here.get(name, ("", ""))
        if kind != "tree":
            return None
    return at


def _entries(repository: pygit2.Repository, tree: str) -> list[tuple[str, str, str]]:
    """Names, kinds and object names in a tree; nothing where a snapshot lacks it."""
    try:
        found = repository[tree]
    except KeyError:
        return []
    if not isinstance(found, pygit2.Tree):
        return []
    # Links (mode 0120000) hold a path, no source.
    return [
        (entry.name, entry.type_str, str(entry.id))
        for entry in found
        if entry.name and entry.filemode != pygit2.enums.FileMode.LINK
    ]


def _content(repository: pygit2.Repository, name: str) -> bytes | None:
    try:
        found = repository[name]
    except KeyError:
        return None
    if not isinstance(found, pygit2.Blob) or found.size > _LARGEST_FILE:
        return None
    return found.data


def files_origin(
    places: Iterable[Path], versions: Callable[[str], str | None], wanted: Wanted
) -> Origin:
    """Tarballs and unpacked folders, one for each release, the version in their names.

    Raises:
        InputError: one can't be read, or its name tells no version.
    """
    held = _Held()
    read: dict[str, tuple[str, dict[str, str]]] = {}
    for place in places:
        name = _bare(place)
        version = versions(name)
        if version is None:
            raise InputError(str(place), "its name tells no version", hint="name-1.2.3.tar.gz")
        pairs = _members(place) if place.is_file() else _under(place)
        read[version] = (
            place.name,
            {path: held.keep(content) for path, content in pairs if wanted(path)},
        )
    ordered = sorted(read, key=lambda version: (version_key(version), version))
    blobs: dict[tuple[str, str], int] = defaultdict(int)
    for number, version in enumerate(ordered):
        for path, name in read[version][1].items():
            blobs[path, name] |= 1 << number
    return Origin(
        releases=tuple(Release(version, "", read[version][0]) for version in ordered),
        blobs=blobs,
        read=held.by_name.get,
    )


def _bare(place: Path) -> str:
    name = place.name
    for ending in (".tar.gz", ".tar.xz", ".tar.bz2", ".tgz", ".txz", ".tbz2", ".tar"):
        name = name.removesuffix(ending)
    return name


def _members(place: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with tarfile.open(place) as archive:
            for member in archive:
                if member.isfile() and member.size <= _LARGEST_FILE:
                    content = archive.extractfile(member)
                    # The first folder is the release's own.
                    yield member.name.partition("/")[2], content.read() if content else b""
    except (OSError, tarfile.TarError, EOFError) as error:
        raise InputError(str(place), f"no readable tarball: {error}") from error


def _under(place: Path) -> Iterator[tuple[str, bytes]]:
    if not place.is_dir():
        raise InputError(str(place), "neither a tarball nor a folder")
    for path in sorted(place.rglob("*")):
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= _LARGEST_FILE:
            yield path.relative_to(place).as_posix(), path.read_bytes()
