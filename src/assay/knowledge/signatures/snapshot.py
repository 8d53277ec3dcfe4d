"""The snapshot: signatures of many components in one file that is read by mapping it.

The file: 8 bytes of magic, the header's length (8 bytes, little endian), the header (JSON), then
the arrays, each at a multiple of 64 bytes. The header names the schema, the arrays and a SHA-256
over them; equal signatures give equal bytes. It holds hashes, names, releases, dates and where
they were read, no text of the upstream's.

A snapshot may come from anyone: every number that points somewhere is checked when it is opened.

Source: NumPy's own format (NEP 1) for the idea of a small text header before aligned arrays.
"""

import hashlib
import json
import mmap
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.knowledge.signatures.origins import Release
from assay.knowledge.signatures.signature import About, Signature
from assay.model.errors import DataError

SCHEMA = 1
_MAGIC = b"ASSAYSIG"
_ALIGNED = 64
_LONGEST_HEADER = 1 << 20
_LONGEST_NAMES = 64 << 20
_NOTE = "facts derived from public source: hashes, names, releases, dates; no upstream text"
_ARRAYS = {
    "hashes": "<u8",  # all features, sorted
    "owners": "<u2",  # a feature's component
    "kinds": "|u1",
    "files": "<u2",  # its source file, counted within the component
    "sets": "<u4",  # its release set, counted over all
    "starts": "<u4",  # a set's first interval
    "bounds": "<u2",  # intervals of releases, two numbers each
    "names": "|u1",  # components with their releases and source files: compressed JSON
}
_MOST_RELEASES = 4096


@dataclass(frozen=True)
class Snapshot:
    """Signatures, sorted by hash over all components. Arrays are views of the mapped file."""

    digest: str
    hashes: NDArray[np.uint64]
    owners: NDArray[np.uint16]
    kinds: NDArray[np.uint8]
    files: NDArray[np.uint16]
    sets: NDArray[np.uint32]
    starts: NDArray[np.uint32]
    bounds: NDArray[np.uint16]
    components: tuple[About, ...]
    paths: tuple[tuple[str, ...], ...]

    @cached_property
    def present(self) -> NDArray[np.bool_]:
        """Whether any feature begins with so many bits: most lookups end here."""
        table = np.zeros(1 << PREFIX_BITS, np.bool_)
        table[self.hashes >> np.uint64(64 - PREFIX_BITS)] = True
        return table

    def number_of(self, name: str) -> int | None:
        """A component's number."""
        return next((n for n, one in enumerate(self.components) if one.name == name), None)

    def signature(self, number: int) -> Signature:
        """One component's own features, taken out."""
        mine = np.flatnonzero(self.owners == number)
        used, sets = np.unique(self.sets[mine], return_inverse=True)
        counts = self.starts[used + 1] - self.starts[used]
        starts = np.zeros(len(used) + 1, np.uint32)
        np.cumsum(counts, out=starts[1:])
        rows = np.repeat(self.starts[used].astype(np.int64) - starts[:-1], counts)
        rows += np.arange(len(rows))
        return Signature(
            about=self.components[number],
            paths=self.paths[number],
            hashes=self.hashes[mine],
            kinds=self.kinds[mine],
            files=self.files[mine],
            sets=sets.astype(np.uint32),
            starts=starts,
            bounds=self.bounds[rows],
        )


PREFIX_BITS = 24


def pack(signatures: Iterable[Signature]) -> bytes:
    """Signatures → the file's bytes; the order they come in does not matter."""
    ordered = sorted(signatures, key=lambda one: one.about.name)
    arrays = _merged(ordered)
    names = [
        {**one.about._asdict(), "releases": list(map(list, _rows(one.about))), "paths": one.paths}
        for one in ordered
    ]
    plain = json.dumps(names, sort_keys=True, separators=(",", ":")).encode()
    arrays["names"] = np.frombuffer(zlib.compress(plain, 9), np.uint8)
    body, places = bytearray(), []
    for name, form in _ARRAYS.items():
        content = arrays[name].astype(form).tobytes()
        places.append({"name": name, "at": len(body), "bytes": len(content)})
        body += content + b"\0" * (-len(content) % _ALIGNED)
    header = json.dumps(
        {
            "schema": SCHEMA,
            "note": _NOTE,
            "components": len(ordered),
            "arrays": places,
            "sha256": hashlib.sha256(body).hexdigest(),
        },
        sort_keys=True,
        separators=(",", ":"),
    ).encode()
    header += b" " * (-(len(header) + 16) % _ALIGNED)
    return _MAGIC + len(header).to_bytes(8, "little") + header + body


def _rows(about: About) -> Iterable[tuple[str, str, str]]:
    return ((one.version, one.date, one.tag) for one in about.releases)


def _merged(ordered: list[Signature]) -> dict[str, NDArray[Any]]:
    if not ordered:
        raise DataError("a snapshot needs at least one component")
    hashes = np.concatenate([one.hashes for one in ordered])
    owners = np.concatenate(
        [np.full(len(one.hashes), number, np.uint16) for number, one in enumerate(ordered)]
    )
    first_set = np.cumsum([0] + [len(one.starts) - 1 for one in ordered])
    first_bound = np.cumsum([0] + [len(one.bounds) for one in ordered])
    sets = np.concatenate([one.sets + int(first_set[n]) for n, one in enumerate(ordered)])
    starts = [one.starts[:-1] + int(first_bound[n]) for n, one in enumerate(ordered)]
    order = np.lexsort((owners, hashes))
    return {
        "hashes": hashes[order],
        "owners": owners[order],
        "kinds": np.concatenate([one.kinds for one in ordered])[order],
        "files": np.concatenate([one.files for one in ordered])[order],
        "sets": sets[order],
        "starts": np.concatenate([*starts, [int(first_bound[-1])]]),
        "bounds": np.concatenate([one.bounds for one in ordered]),
    }


def snapshot_digest(file: Path) -> str:
    """The digest that a snapshot's header states, read without the rest.

    Raises:
        DataError: no snapshot.
    """
    with file.open("rb") as opened:
        return str(_header(opened.read(16 + _LONGEST_HEADER), str(file))[0]["sha256"])


def open_snapshot(file: Path, *, verify: bool = False) -> Snapshot:
    """Map a snapshot. `verify` also computes its digest (for one that is imported).

    Raises:
        DataError: it is no snapshot of this schema, is cut short, or points outside itself.
    """
    try:
        with file.open("rb") as opened:
            data = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: can't be read: {error}") from error
    return read_snapshot(data, str(file), verify=verify)


def read_snapshot(data: bytes | memoryview, origin: str, *, verify: bool = False) -> Snapshot:
    """A snapshot's bytes, checked. `origin` names it in errors.

    Raises:
        DataError: as for `open_snapshot`.
    """
    header, start = _header(data, origin)
    body = memoryview(data)[start:]
    if verify and hashlib.sha256(body).hexdigest() != header["sha256"]:
        raise DataError(f"{origin}: its content is not what its digest says")
    arrays = _views(header, body, origin)
    components, paths = _named(arrays.pop("names"), origin)
    bounds = arrays["bounds"]
    if len(bounds) % 2:
        raise DataError(f"{origin}: bounds: an interval lacks its end")
    arrays["bounds"] = bounds.reshape(-1, 2)
    snapshot = Snapshot(digest=str(header["sha256"]), components=components, paths=paths, **arrays)
    _check(snapshot, origin)
    return snapshot


def _header(data: bytes | memoryview, origin: str) -> tuple[dict[str, Any], int]:
    if bytes(data[:8]) != _MAGIC:
        raise DataError(f"{origin}: no snapshot of signatures")
    length = int.from_bytes(data[8:16], "little")
    if length > _LONGEST_HEADER or len(data) < 16 + length:
        raise DataError(f"{origin}: cut short within its header")
    try:
        header = json.loads(bytes(data[16 : 16 + length]))
        known = header["schema"] == SCHEMA and len(header["sha256"]) == 64  # noqa: PLR2004
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{origin}: its header can't be read: {error}") from error
    if not known:
        raise DataError(
            f"{origin}: schema {header['schema']!r}, expected {SCHEMA}",
            "build it anew with `assay knowledge build`",
        )
    return header, 16 + length


def _views(header: dict[str, Any], body: memoryview, origin: str) -> dict[str, NDArray[Any]]:
    views: dict[str, NDArray[Any]] = {}
    try:
        for place in header["arrays"]:
            name, at, size = place["name"], int(place["at"]), int(place["bytes"])
            form = np.dtype(_ARRAYS[name])
            if at < 0 or size < 0 or at % _ALIGNED or size % form.itemsize or at + size > len(body):
                raise DataError(f"{origin}: {name} lies outside of the file")
            views[name] = np.frombuffer(body[at : at + size], form)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{origin}: its arrays can't be read: {error}") from error
    if missing := _ARRAYS.keys() - views.keys():
        raise DataError(f"{origin}: lacks {sorted(missing)[0]}")
    return views


def _named(
    packed: NDArray[np.uint8], origin: str
) -> tuple[tuple[About, ...], tuple[tuple[str, ...], ...]]:
    try:
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(packed.tobytes(), _LONGEST_NAMES)
        if unpacker.unconsumed_tail or not unpacker.eof:
            raise DataError(f"{origin}: its names are cut short or too many")
        entries = json.loads(plain)
        abouts = tuple(
            About(
                name=str(entry["name"]),
                purl=str(entry["purl"]),
                repository=str(entry["repository"]),
                family=str(entry["family"]),
                core=tuple(str(one) for one in entry["core"]),
                releases=tuple(Release(*(str(word) for word in row)) for row in entry["releases"]),
            )
            for entry in entries
        )
        paths = tuple(tuple(str(path) for path in entry["paths"]) for entry in entries)
    except (zlib.error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DataError(f"{origin}: its names can't be read: {error}") from error
    return abouts, paths


def _check(one: Snapshot, origin: str) -> None:
    """Refuse what points outside: everything later may index without asking."""
    count = len(one.hashes)
    if any(len(column) != count for column in (one.owners, one.kinds, one.files, one.sets)):
        raise DataError(f"{origin}: its columns are of different lengths")
    if not one.components or count == 0:
        raise DataError(f"{origin}: holds no component")
    if len({about.name for about in one.components}) != len(one.components):
        raise DataError(f"{origin}: a component stands in it twice")
    if bool(np.any(one.hashes[1:] < one.hashes[:-1])):
        raise DataError(f"{origin}: its features are not sorted")
    if int(one.owners.max()) >= len(one.components):
        raise DataError(f"{origin}: a feature belongs to no component")
    files = np.array([len(paths) for paths in one.paths], np.int64)
    if bool(np.any(one.files >= files[one.owners])):
        raise DataError(f"{origin}: a feature stands in no source file")
    _check_sets(one, origin)


def _check_sets(one: Snapshot, origin: str) -> None:
    starts, bounds = one.starts, one.bounds
    if len(starts) == 0 or int(one.sets.max()) >= len(starts) - 1:
        raise DataError(f"{origin}: a feature has no release set")
    if bool(np.any(starts[1:] < starts[:-1])) or int(starts[-1]) > len(bounds):
        raise DataError(f"{origin}: a release set lies outside of the intervals")
    if bool(np.any(bounds[:, 0] >= bounds[:, 1])):
        raise DataError(f"{origin}: an interval ends before it starts")
    releases = np.array([len(about.releases) for about in one.components], np.int64)
    if int(releases.max()) > _MOST_RELEASES:
        raise DataError(f"{origin}: a component has more than {_MOST_RELEASES} releases")
    ends = np.zeros(len(starts) - 1, np.int64)
    lengths = starts[1:].astype(np.int64) - starts[:-1]
    of_set = np.repeat(np.arange(len(ends)), lengths)
    np.maximum.at(ends, of_set, bounds[int(starts[0]) : int(starts[-1]), 1].astype(np.int64))
    if bool(np.any(ends[one.sets] > releases[one.owners])):
        raise DataError(f"{origin}: an interval holds a release that does not exist")
