"""Final paths: from places in volumes to the paths that an evaluator knows."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.intake.links import resolve
from assay.model.base import digest
from assay.model.tree import LINK_OUTWARD, Container, File, Kind, Problem, Region, Tree

if TYPE_CHECKING:
    from assay.intake.unpack import Findings, Found, Place


@dataclass(frozen=True, slots=True)
class Step:
    """A container before paths are final: where it was found is a place in a volume."""

    format: str
    volume: str
    path: str
    offset: int
    size: int


def assemble(gathered: "Findings", sha256: str, size: int) -> Tree:
    """The tree of what was gathered.

    The files of the volume that holds most of them (the root file system, as a rule) keep their
    plain paths; those of any other volume stand behind the volume's name.
    """
    main = _main_volume(gathered.found)
    files = _with_links([(_file(found, main), found) for found in gathered.found], main)
    outward = [problem for _, problem in files if problem]
    listed = _unique([file for file, _ in files])
    regions = _regions(gathered, main)
    if not sha256:  # a folder: unpacked already, understood as far as its files are
        sha256 = digest([file.model_dump(mode="json") for file in listed])
        size = sum(file.size for file in listed if not file.containers)
        whole = Region(path="", offset=0, size=size, understood=True, format="directory")
        regions = (whole, *regions)
    return Tree(
        sha256=sha256,
        size=size,
        files=tuple(listed),
        regions=regions,
        problems=tuple(
            sorted(
                [*_problems(gathered, main), *outward],
                key=lambda problem: (problem.path, problem.offset or 0, problem.what, problem.why),
            )
        ),
    )


def _main_volume(found: Iterable["Found"]) -> str:
    counts = Counter(item.place.volume for item in found if item.place.path)
    return min(counts, key=lambda volume: (-counts[volume], volume), default="")


def _final(volume: str, path: str, main: str) -> str:
    if not path:
        return volume
    return path if volume in (main, "") else f"{volume}!/{path}"


def _file(found: "Found", main: str) -> File:
    entry, place = found.entry, found.place
    return File(
        path=_final(place.volume, place.path, main) or entry.path,
        kind=entry.kind,
        sha256=entry.sha256,
        size=entry.size,
        mode=entry.mode,
        uid=entry.uid,
        gid=entry.gid,
        target=entry.target,
        capabilities=entry.capabilities,
        containers=tuple(
            Container(
                format=step.format,
                path=_final(step.volume, step.path, main),
                offset=step.offset,
                size=step.size,
            )
            for step in place.steps
        ),
    )


def _with_links(files: list[tuple[File, "Found"]], main: str) -> list[tuple[File, Problem | None]]:
    links: dict[tuple[str, str], dict[str, str]] = {}
    paths: dict[tuple[str, str], set[str]] = {}
    folders: dict[tuple[str, str], set[str]] = {}
    for file, found in files:
        place = found.place
        own = place.path.removeprefix(place.root)
        paths.setdefault((place.volume, place.root), set()).add(own)
        if file.kind is Kind.DIRECTORY:
            folders.setdefault((place.volume, place.root), set()).add(own)
        if file.target is not None:
            links.setdefault((place.volume, place.root), {})[own] = file.target
    frozen = {
        key: (frozenset(members), frozenset(folders.get(key, ()))) for key, members in paths.items()
    }
    return [_resolved(file, found.place, links, frozen, main) for file, found in files]


def _resolved(
    file: File,
    place: "Place",
    links: dict[tuple[str, str], dict[str, str]],
    paths: dict[tuple[str, str], tuple[frozenset[str], frozenset[str]]],
    main: str,
) -> tuple[File, Problem | None]:
    if file.target is None:
        return file, None
    key = (place.volume, place.root)
    result = resolve(place.path.removeprefix(place.root), links[key], *paths[key])
    problem = None
    if result.outward:
        why = f"its target {file.target} climbs above the file system's root"
        problem = Problem(path=file.path, what=LINK_OUTWARD, why=why)
    if result.path is None:
        return file, problem
    final = _final(place.volume, place.root + result.path, main)
    return file.model_copy(update={"resolved": final}), problem


def _unique(files: list[File]) -> list[File]:
    """Sorted by path; a path that stands twice (an archive may say so) gets its offset behind."""
    result: list[File] = []
    files = sorted(files, key=lambda file: (file.path, file.sha256, file.kind))
    counts: Counter[str] = Counter()
    for file in files:
        counts[file.path] += 1
        if counts[file.path] > 1 and file.kind is not Kind.DIRECTORY:
            file = file.model_copy(update={"path": f"{file.path}#{counts[file.path]}"})  # noqa: PLW2901
        if counts[file.path] == 1 or file.kind is not Kind.DIRECTORY:
            result.append(file)
    return sorted(result, key=lambda file: file.path)


def _regions(gathered: "Findings", main: str) -> tuple[Region, ...]:
    named = [
        region.model_copy(update={"path": _final(place.volume, place.path, main)})
        for place, region in gathered.regions
    ]
    return tuple(sorted(named, key=lambda region: (region.path, region.offset, region.size)))


def _problems(gathered: "Findings", main: str) -> list[Problem]:
    return [
        Problem(path=_final(place.volume, place.path, main), what=what, why=why, offset=offset)
        for place, what, why, offset in gathered.problems
    ]
