"""An image to its tree: opens containers within containers until nothing more opens."""

import stat
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from assay.intake.crew import Answer, Crew
from assay.intake.entropy import measure
from assay.intake.formats import RECORDS_MODES, STREAM_FORMATS
from assay.intake.limits import Limits
from assay.intake.naming import Step, assemble
from assay.intake.survey import Entry, Refused, inspect, survey, usage
from assay.model.errors import InputError
from assay.model.tree import MODES_NOT_READ, Guess, Kind, Region, Tree

INTAKE_VERSION = "2"

"""The problem that a file system has whose record of modes could not be read."""

_CARVED_AT_LEAST = 256  # shorter gaps between containers are headers and padding
_ENTROPY_AT_LEAST = 4096
_WHOLE = 0.95
_MOST_REFUSALS = 1000  # told of one folder: hostile ones have millions
_OPAQUE = (Guess.COMPRESSED_OR_ENCRYPTED, Guess.ENCRYPTED)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A tree, and for each content's SHA-256 where it lies in the scratch folder.

    `complete` is false where a limit or a missing extractor cut the unpacking short: another
    try, on another machine or with other limits, may get further.
    """

    tree: Tree
    contents: dict[str, Path]
    complete: bool = True


def fingerprint(image: Path) -> str:
    """SHA-256 of a file's content; empty for a folder.

    Raises:
        InputError: the image can't be read.
    """
    _check(image)
    if image.is_dir():
        return ""
    try:
        return inspect(image.resolve())[1]
    except OSError as error:
        raise InputError(str(image), error.strerror or str(error)) from error


def _check(image: Path) -> None:
    """Refuse what is no image, before a byte of it is read: a device may never end."""
    try:
        mode = image.stat().st_mode
        if stat.S_ISDIR(mode):
            empty = not any(image.iterdir())
        elif stat.S_ISREG(mode):
            empty = not image.stat().st_size
        else:
            raise InputError(str(image), "neither a file nor a directory")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise InputError(str(image), (reason or str(error)).lower()) from error
    if empty:
        what = "directory" if stat.S_ISDIR(mode) else "file"
        raise InputError(str(image), f"the {what} is empty: there is nothing to evaluate")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file stands.

    `volume` names the chain of containers that lie directly in the image; `path` the file inside
    it, empty for what has no name there: the image, or the content of a stream. `inner` is the
    prefix of the paths of what comes out of the file. `root` is the prefix of its file system.
    """

    volume: str
    path: str
    inner: str
    root: str
    steps: tuple[Step, ...]

    def within(self, region: dict[str, Any], *, several: bool) -> "Place":
        """The place of what comes out of a region of this file."""
        step = Step(region["format"], self.volume, self.path, region["offset"], region["size"])
        label = f"{region['format']}@{region['offset']:#x}"
        if not self.path:
            volume = f"{self.volume}/{label}" if self.volume else label
            return Place(volume, "", "", "", (*self.steps, step))
        prefix = self.inner + (f"{label}/" if several else "")
        return Place(self.volume, self.path, prefix, prefix, (*self.steps, step))

    def member(self, path: str) -> "Place":
        """The place of a named member of a file system or archive that was opened here."""
        full = self.inner + path
        return Place(self.volume, full, f"{full}!/", self.root, self.steps)

    def stream(self, name: str, several: bool) -> "Place":
        """The place of what a stream at this place decompresses to."""
        if not self.inner:
            volume = f"{self.volume}/{name}" if several else self.volume
            return Place(volume, "", "", "", self.steps)
        inner = f"{self.inner}{name}!/" if several else self.inner
        return Place(self.volume, self.inner + name, inner, self.root, self.steps)


@dataclass(frozen=True, slots=True)
class Found:
    """One entry of the tree before paths are final; `nameless` came out of a stream."""

    place: Place
    entry: Entry
    nameless: bool = False


@dataclass(slots=True)
class Findings:
    """What one run of intake gathers; `regions` and `problems` still name raw places."""

    found: list[Found] = field(default_factory=list)
    regions: list[tuple[Place, Region]] = field(default_factory=list)
    problems: list[tuple[Place, str, str, int | None]] = field(default_factory=list)


def unpack(
    image: Path,
    scratch: Path,
    limits: Limits,
    *,
    jobs: int = 1,
    progress: Callable[[int], None] = lambda files: None,
) -> Unpacked:
    """Unpack an image, whatever it is, into `scratch`, as far as it goes.

    What can't be unpacked is part of the tree: regions that were not understood, and problems.

    Raises:
        InputError: the image can't be read, is empty, or is neither a file nor a directory.
    """
    _check(image)
    return _Unpacking(image.resolve(), scratch, limits, jobs, progress).run()


class _Unpacking:
    def __init__(
        self,
        image: Path,
        scratch: Path,
        limits: Limits,
        jobs: int,
        progress: Callable[[int], None],
    ) -> None:
        self._image = image
        self._scratch = scratch
        self._limits = limits
        self._progress = progress
        self._gathered = Findings()
        self._places: dict[Path, Found] = {}
        self._bytes = 0
        self._files = 0
        self._complete = True
        self._crew = Crew(jobs, scratch, limits, self._watch)

    def run(self) -> Unpacked:
        with self._crew:
            if self._image.is_dir():
                sha256, size = "", 0
                self._take_folder(self._image, {}, Place("", "", "", "", ()), own=True)
            else:
                sha256, size = self._take_image()
            for answer in self._crew.answers():
                self._take_answer(answer)
        tree = assemble(self._gathered, sha256, size)
        contents = {
            found.entry.sha256: found.entry.real
            for found in self._gathered.found
            if found.entry.sha256
        }
        return Unpacked(tree, contents, complete=self._complete)

    def _take_image(self) -> tuple[str, int]:
        try:
            kind, sha256, size, _ = inspect(self._image)
        except OSError as error:
            raise InputError(str(self._image), error.strerror or str(error)) from error
        entry = Entry(
            self._image.name, self._image, kind, sha256, size, None, None, None, None, opens=True
        )
        self._open(Found(Place("", "", "", "", ()), entry, nameless=True))
        return sha256, size

    def _take_folder(
        self, folder: Path, listing: dict[str, Any], place: Place, *, own: bool = False
    ) -> None:
        # An RPM package names owners in its header; the archive in it says root of all.
        nameless = any(step.format == "rpm" for step in place.steps)
        for found in survey(folder, listing, refused=self._refused(place), own=own):
            if why := self._exhausted(self._bytes, self._files):
                self._complete = False
                self._gathered.problems.append((place, "not looked into further", why, None))
                return
            entry = replace(found, uid=None, gid=None) if nameless else found
            self._count(entry)
            self._open(Found(place.member(entry.path), entry))

    def _take_stream(self, folder: Path, place: Place) -> None:
        found = survey(folder, {}, refused=self._refused(place))
        entries = [entry for entry in found if entry.sha256]
        for entry in entries:
            self._count(entry)
            self._open(Found(place.stream(entry.path, len(entries) > 1), entry, nameless=True))

    def _refused(self, place: Place) -> Refused:
        count = 0

        def note(path: str, why: str) -> None:
            nonlocal count
            count += 1
            if count > _MOST_REFUSALS:
                return
            spot = place.member(path) if path else place
            self._gathered.problems.append((spot, "could not be read", why, None))

        return note

    def _count(self, entry: Entry) -> None:
        self._bytes += entry.size
        self._files += 1
        self._progress(self._files)

    def _open(self, found: Found) -> None:
        """Look into a file, if there can be something in it; else it is a leaf of the tree."""
        entry, place = found.entry, found.place
        wanted = entry.size > 0 and (entry.opens or not place.path)
        if not wanted:
            self._gathered.found.append(found)
        elif len(place.steps) >= self._limits.depth:
            self._keep_closed(
                found, f"containers nest deeper than the limit of {self._limits.depth}"
            )
        elif why := self._exhausted(self._bytes, self._files):
            self._keep_closed(found, why)
        else:
            self._places[entry.real] = found
            self._crew.submit(entry.real, self._scratch / f"{len(self._places)}")

    def _keep_closed(self, found: Found, why: str) -> None:
        self._complete = False
        self._gathered.found.append(found)
        self._gathered.problems.append((found.place, "not looked into", why, None))

    def _watch(self, out: Path) -> str:
        spare_bytes = self._limits.total_bytes - self._bytes
        spare_files = self._limits.files - self._files
        used_bytes, used_files = usage(out, spare_bytes, spare_files)
        return self._exhausted(self._bytes + used_bytes, self._files + used_files)

    def _exhausted(self, used_bytes: int, used_files: int) -> str:
        if used_bytes > self._limits.total_bytes:
            return f"stopped at the limit of {self._limits.total_bytes:,} unpacked bytes"
        if used_files > self._limits.files:
            return f"stopped at the limit of {self._limits.files:,} unpacked files"
        return ""

    def _take_answer(self, answer: Answer) -> None:
        found = self._places[answer.path]
        place = found.place
        for problem in answer.problems:
            self._gathered.problems.append(
                (place, problem["what"], problem["why"], problem["offset"])
            )
        regions = list(answer.regions)
        if answer.broken or any("not installed" in region["why"] for region in regions):
            self._complete = False
        if answer.broken:
            regions = [self._broken(answer, found)]
        opened = sum(bool(region["out"]) for region in regions)
        understood = sum(self._take_region(found, region, opened) for region in regions)
        if not opened:
            self._take_leaf(found, listed=bool(regions))
        elif not (found.nameless and understood >= _WHOLE * found.entry.size):
            self._take_holder(found, understood)

    def _broken(self, answer: Answer, found: Found) -> dict[str, Any]:
        """The region in which the worker was stopped: what it had written by then still counts."""
        whole = {"offset": 0, "size": found.entry.size, "format": "", "out": None}
        region = whole | (answer.entered or {}) | {"why": answer.broken, "listing": {}}
        entered = region.pop("entered", None)
        return region | {"out": entered}

    def _take_region(self, found: Found, region: dict[str, Any], opened: int) -> int:
        """Record one of a file's regions, of which `opened` were unpacked, and what came out.

        Gives the bytes of it that were understood.
        """
        place, form = found.place, region["format"]
        understood = form == "padding" or bool(form and region["out"] and not region["why"])
        self._record(found, region, understood)
        if region["out"]:
            below = place.within(region, several=opened > 1)
            for note in region.get("notes", ()):
                self._gathered.problems.append(
                    (place, "not unpacked as it stands", note, region["offset"])
                )
            if form in STREAM_FORMATS:
                self._take_stream(Path(region["out"]), below)
            else:
                self._take_folder(Path(region["out"]), region["listing"], below)
                if not region["listing"] and form.startswith(RECORDS_MODES):
                    why = f"modes, owners and capabilities of its files are unknown ({form})"
                    self._gathered.problems.append((place, MODES_NOT_READ, why, region["offset"]))
        elif opened and not form and not place.path and region["size"] >= _CARVED_AT_LEAST:
            self._carve(found, region)
        return region["size"] if understood else 0

    def _record(self, found: Found, region: dict[str, Any], understood: bool) -> None:
        if understood and found.place.path:
            return  # inside named files, only what was not understood is told
        if found.place.path and (not region["format"] or region["size"] * 2 < found.entry.size):
            return  # that file's own content, or a chance hit in it
        entropy: float | None = None
        guess = Guess.PADDING if region["format"] == "padding" else None
        if not understood:
            entropy, guess = measure(found.entry.real, region["offset"], region["size"])
        self._gathered.regions.append(
            (
                found.place,
                Region(
                    path="",
                    offset=region["offset"],
                    size=region["size"],
                    understood=understood,
                    format=region["format"],
                    guess=guess,
                    entropy=entropy,
                    why=region["why"],
                ),
            )
        )

    def _carve(self, found: Found, region: dict[str, Any]) -> None:
        """Bytes of the image between containers: examined as a file named by their offset."""
        name = f"unknown@{region['offset']:#x}"
        target = self._scratch / f"{len(self._gathered.found)}-{name}"
        with found.entry.real.open("rb") as source, target.open("wb") as out:
            source.seek(region["offset"])
            left = region["size"]
            while left > 0 and (block := source.read(min(left, 1 << 20))):
                out.write(block)
                left -= len(block)
        kind, sha256, size, _ = inspect(target)
        place = found.place
        step = Step("unknown", place.volume, "", region["offset"], region["size"])
        path = f"{place.volume}/{name}" if place.volume else name
        spot = Place(place.volume, name, f"{path}!/", "", (*place.steps, step))
        entry = Entry(name, target, kind, sha256, size, None, None, None, None)
        self._gathered.found.append(Found(spot, entry))

    def _take_leaf(self, found: Found, *, listed: bool) -> None:
        """A file in which no container was found."""
        self._gathered.found.append(found)
        entry, place = found.entry, found.place
        if listed or entry.size < (1 if not place.path else _ENTROPY_AT_LEAST):
            return
        known = entry.kind is not Kind.DATA
        entropy: float | None = None
        guess: Guess | None = None
        if not known:
            entropy, guess = measure(entry.real, 0, entry.size)
        opaque = guess in _OPAQUE or (not place.volume and not place.path)
        if place.path and guess not in _OPAQUE:
            return
        region = Region(
            path="",
            offset=0,
            size=entry.size,
            understood=known or not opaque,
            format=entry.kind.value if known else "",
            guess=guess,
            entropy=entropy,
            why="" if known or not opaque else "no known format",
        )
        self._gathered.regions.append((place, region))

    def _take_holder(self, found: Found, understood: int) -> None:
        """A file that holds containers and is itself of the tree, or has bytes besides them."""
        entry = found.entry
        if not found.place.path and not found.place.volume:
            return  # the image itself: its gaps were carved
        kind = Kind.CONTAINER if understood * 2 >= entry.size else entry.kind
        self._gathered.found.append(Found(found.place, replace(entry, kind=kind), found.nameless))
