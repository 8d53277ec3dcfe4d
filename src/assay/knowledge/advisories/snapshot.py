"""A body of advisories and lists in one compact file, read by component.

The file is a zip archive with one member for each component, so that an image without a kernel
never pays for the kernel's seventeen thousand records. Members are compressed with LZMA, dates
and attributes are fixed: the same content gives the same bytes.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from pydantic import Field, TypeAdapter, ValidationError

from assay.model.advisory import Advisory, Claim, Exploited, Likelihood, Series, Source
from assay.model.base import Frozen
from assay.model.errors import DataError

T = TypeVar("T")

FORM = "1"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ADVISORIES: TypeAdapter[tuple[Advisory, ...]] = TypeAdapter(tuple[Advisory, ...])
_EXPLOITED: TypeAdapter[tuple[Exploited, ...]] = TypeAdapter(tuple[Exploited, ...])
_SERIES: TypeAdapter[tuple[Series, ...]] = TypeAdapter(tuple[Series, ...])


class Index(Frozen):
    """What a snapshot holds. `components` counts advisories; `covers` are the components that
    whoever brought it in says it covers."""

    form: str = FORM
    as_of: str = ""
    sources: tuple[Source, ...] = ()
    components: dict[str, int] = Field(default_factory=dict)
    covers: tuple[str, ...] = ()
    withdrawn: dict[str, str] = Field(default_factory=dict)


class Content(Frozen):
    """What goes into a snapshot."""

    as_of: str = ""
    sources: tuple[Source, ...] = ()
    covers: tuple[str, ...] = ()
    advisories: tuple[Advisory, ...] = ()
    exploited: tuple[Exploited, ...] = ()
    likelihoods: tuple[Likelihood, ...] = ()
    series: tuple[Series, ...] = ()


class Snapshot:
    """A snapshot, opened; members are read when they are asked for."""

    def __init__(self, content: bytes, name: str) -> None:
        self.name = name
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
            self.index = Index.model_validate_json(self._archive.read("index.json"))
        except (zipfile.BadZipFile, KeyError, ValidationError, EOFError) as error:
            raise DataError(f"{name}: no snapshot of advisories: {error}") from error
        if self.index.form != FORM:
            raise DataError(f"{name}: form {self.index.form} is not known to this version")

    def advisories(self, component: str) -> tuple[Advisory, ...]:
        """All advisories that speak of a component, with the claims about it alone."""
        if component not in self.index.components:
            return ()
        return self._lines(_ADVISORIES, _member(component))

    @cached_property
    def exploited(self) -> Mapping[str, Exploited]:
        """What is known to be exploited, by id."""
        return {one.id: one for one in self._lines(_EXPLOITED, "exploited.jsonl")}

    @cached_property
    def likelihoods(self) -> Mapping[str, tuple[float, float]]:
        """Score and percentile by id."""
        rows = (row.split(",") for row in self._read("likelihoods.csv").decode().splitlines())
        return {name: (float(score), float(share)) for name, score, share in rows}

    @cached_property
    def series(self) -> Mapping[str, tuple[Series, ...]]:
        """Series of releases by component."""
        found: dict[str, list[Series]] = {}
        for one in self._lines(_SERIES, "series.jsonl"):
            found.setdefault(one.component, []).append(one)
        return {component: tuple(listed) for component, listed in found.items()}

    def _lines(self, kind: TypeAdapter[tuple[T, ...]], member: str) -> tuple[T, ...]:
        lines = self._read(member).splitlines()
        try:
            return kind.validate_json(b"[" + b",".join(lines) + b"]")
        except ValidationError as error:
            raise DataError(f"{self.name}: {member}: {error.errors()[0]['msg']}") from error

    def _read(self, member: str) -> bytes:
        try:
            return self._archive.read(member)
        except KeyError:
            return b""
        except (zipfile.BadZipFile, EOFError, OSError) as error:
            raise DataError(f"{self.name}: {member}: damaged: {error}") from error


def open_snapshot(path: Path) -> Snapshot:
    """A snapshot in a file.

    Raises:
        DataError: it can't be read or is none.
    """
    try:
        return Snapshot(path.read_bytes(), path.name)
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror}") from error


def pack(content: Content) -> bytes:
    """The bytes of a snapshot: the same for the same content, in whatever order it came."""
    by_component: dict[str, dict[str, Advisory]] = {}
    for advisory in content.advisories:
        for component, claims in _by_component(advisory).items():
            by_component.setdefault(component, {})[advisory.id] = advisory.model_copy(
                update={"claims": claims}
            )
    index = Index(
        as_of=content.as_of,
        sources=tuple(sorted(content.sources, key=lambda one: (one.name, one.sha256))),
        components={name: len(found) for name, found in sorted(by_component.items())},
        covers=tuple(sorted(content.covers)),
        withdrawn={
            one.id: one.withdrawn
            for one in sorted(content.advisories, key=lambda one: one.id)
            if one.withdrawn
        },
    )
    members = {"index.json": index.model_dump_json(indent=1).encode() + b"\n"}
    for component, found in sorted(by_component.items()):
        members[_member(component)] = _encoded(found[name] for name in sorted(found, key=_by_year))
    members["exploited.jsonl"] = _encoded(_unique(content.exploited))
    series = sorted(content.series, key=lambda one: (one.component, one.series, one.source))
    members["series.jsonl"] = _encoded(series)
    rows = sorted({one.id: one for one in content.likelihoods}.items())
    members["likelihoods.csv"] = "".join(
        f"{name},{one.score:g},{one.percentile:g}\n" for name, one in rows
    ).encode()
    return _zip({name: body for name, body in members.items() if body})


def _by_component(advisory: Advisory) -> dict[str, tuple[Claim, ...]]:
    found: dict[str, tuple[Claim, ...]] = {}
    for claim in advisory.claims:
        found[claim.component] = (*found.get(claim.component, ()), claim)
    return found


def _unique(listed: Iterable[Exploited]) -> Iterator[Exploited]:
    by_id: dict[str, Exploited] = {}
    for one in sorted(listed, key=lambda one: (one.id, one.due, one.added)):
        by_id[one.id] = one
    yield from by_id.values()


def _by_year(name: str) -> tuple[str, int, str]:
    head, _, number = name.rpartition("-")
    return (head, int(number) if number.isdecimal() and len(number) < 20 else 0, name)  # noqa: PLR2004


def _encoded(values: Iterable[Frozen]) -> bytes:
    return b"".join(one.model_dump_json(exclude_defaults=True).encode() + b"\n" for one in values)


def _zip(members: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, body in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_LZMA
            archive.writestr(info, body)
    return packed.getvalue()


def _member(component: str) -> str:
    return f"advisories/{quote(component, safe='')}.jsonl"
