"""Files of others become advisories, lists and lifecycles, whatever form they have.

The form is told by the content, never by the name: zip, gzip, JSON, lines of JSON, CSV. A record
that can't be used is counted and listed with the reason; the rest loads. A file of which nothing
can be used is an error.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from assay.knowledge.advisories.bounds import (
    LIMITS,
    Limits,
    RecordError,
    Refusals,
    Refused,
    check_depth,
    day,
    gunzip,
    objects,
    parse_json,
)
from assay.knowledge.advisories.cve5 import is_cve5, read_cve5
from assay.knowledge.advisories.lists import (
    epss_day,
    is_eol,
    read_eol,
    read_epss,
    read_kev,
    rows_of,
)
from assay.knowledge.advisories.nvd import is_nvd, read_nvd
from assay.knowledge.advisories.osv import is_osv, read_osv
from assay.model.advisory import Advisory, Exploited, Likelihood, Series
from assay.model.errors import InputError

_HINT = (
    "read are: OSV (JSON, lines of JSON, zip), NVD 2.0 feeds, CVE List v5, KEV (CSV, JSON), "
    "EPSS (CSV), endoflife.date (JSON); each also gzipped"
)


@dataclass(slots=True)
class Taken:
    """What one file gave. `as_of` is the newest day that it tells of; `kinds` what it held."""

    file: str
    sha256: str
    as_of: str = ""
    kinds: set[str] = field(default_factory=set)
    advisories: list[Advisory] = field(default_factory=list)
    exploited: list[Exploited] = field(default_factory=list)
    likelihoods: list[Likelihood] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    refused: tuple[Refused, ...] = ()
    refused_count: int = 0

    @property
    def records(self) -> int:
        """How many records could be used."""
        lists = (self.advisories, self.exploited, self.likelihoods, self.series)
        return sum(len(listed) for listed in lists)


def read_path(path: Path, limits: Limits = LIMITS) -> Taken:
    """Read a file.

    Raises:
        InputError: it can't be read, is too large, of no known form, or without a usable record.
    """
    try:
        if path.stat().st_size > limits.file_bytes:
            raise InputError(str(path), f"larger than {limits.file_bytes:,} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), f"can't be read: {error.strerror}") from error
    return read_bytes(content, path.name, limits)


def read_bytes(content: bytes, name: str, limits: Limits = LIMITS) -> Taken:
    """Read a file's content; `name` names it in errors.

    Raises:
        InputError: as `read_path`.
    """
    reader = _Reader(Taken(name, hashlib.sha256(content).hexdigest()), Refusals(name), limits)
    if content[:2] == b"\x1f\x8b":
        content = gunzip(content, name, limits)
    if content[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        reader.archive(content)
    else:
        reader.document(content, Path(name).name.split(".", 1)[0])
    taken, refusals = reader.taken, reader.refusals
    taken.refused, taken.refused_count = tuple(refusals.kept), refusals.count
    if not taken.records:
        first = (
            f"; {refusals.count:,} refused, the first: {refusals.kept[0].record}: "
            if (refusals.kept)
            else ""
        )
        why = refusals.kept[0].why if refusals.kept else ""
        raise InputError(name, f"no record that can be used{first}{why}", hint=_HINT)
    return taken


class _Reader:
    """Takes records of every kind into one `Taken`."""

    def __init__(self, taken: Taken, refusals: Refusals, limits: Limits) -> None:
        self.taken = taken
        self.refusals = refusals
        self.limits = limits

    def archive(self, content: bytes) -> None:
        """Every JSON file in a zip archive, each one record or one document."""
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                members = sorted(archive.infolist(), key=lambda one: one.filename)
                if len(members) > self.limits.records:
                    raise InputError(self.taken.file, "too many members")
                for member in members:
                    if member.filename.endswith(".json"):
                        self._member(archive, member)
        except zipfile.BadZipFile as error:
            raise InputError(self.taken.file, f"damaged zip: {error}") from error

    def _member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
        if member.file_size > self.limits.document_bytes:
            self.refusals.add(member.filename, "too large")
            return
        try:
            # The stated size is a claim: no more is read, and the CRC is checked at its end.
            with archive.open(member) as opened:
                text = opened.read(member.file_size + 1)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
            self.refusals.add(member.filename, f"can't be unpacked: {error}")
            return
        except Exception as error:  # noqa: BLE001 (zlib.error, lzma.LZMAError and their like)
            self.refusals.add(member.filename, f"can't be unpacked: {error}")
            return
        try:
            self._value(parse_json(text, self.limits), member.filename)
        except RecordError as error:
            self.refusals.add(member.filename, str(error))

    def document(self, content: bytes, name: str) -> None:
        """A file that is no archive: JSON, lines of JSON, or CSV."""
        start = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if start not in (b"{", b"["):
            self._csv(content)
            return
        if len(content) > self.limits.document_bytes:
            raise InputError(self.taken.file, "too large")
        first = content.lstrip().split(b"\n", 1)
        if len(first) == 2 and _is_whole(first[0]):  # noqa: PLR2004 (a line and the rest)
            self._lines(content)
            return
        try:
            self._value(parse_json(content.removeprefix(b"\xef\xbb\xbf"), self.limits), name)
        except RecordError as error:
            self.refusals.add("the file", str(error))

    def _lines(self, content: bytes) -> None:
        for number, line in enumerate(content.splitlines(), start=1):
            if not line.strip():
                continue
            if number > self.limits.records:
                raise InputError(self.taken.file, "too many records")
            with _Noting(self.refusals, f"line {number}"):
                if len(line) > self.limits.record_bytes:
                    raise RecordError("larger than a record may be")
                self._value(parse_json(line, self.limits), f"line {number}")

    def _value(self, value: Any, name: str) -> None:
        """A parsed JSON document: one record, or one of the documents that hold many."""
        if is_nvd(value):
            self._moment(value.get("timestamp"))
            self._each(value["vulnerabilities"], name, self._nvd, "NVD")
        elif isinstance(value, dict) and isinstance(value.get("vulnerabilities"), list):
            self._moment(value.get("dateReleased"))
            self._each(value["vulnerabilities"], name, self._kev, "KEV")
        elif is_eol(value):
            self._eol(value, name)
        elif isinstance(value, list):
            self._each(value, name, self._record, "")
        else:
            self._each([value], name, self._record, "")

    def _each(self, listed: list[Any], name: str, take: Callable[[Any], None], kind: str) -> None:
        if len(listed) > self.limits.records:
            raise InputError(self.taken.file, "too many records")
        if kind:
            self.taken.kinds.add(kind)
        for number, one in enumerate(listed):
            label = _label(one) or (f"{name}, record {number + 1}" if len(listed) > 1 else name)
            with _Noting(self.refusals, label):
                check_depth(one, self.limits)
                take(next(objects([one], "record")))

    def _record(self, value: Any) -> None:
        if is_cve5(value):
            self.taken.kinds.add("CVE List")
            advisory, exploited = read_cve5(value)
            self._advisory(advisory)
            self.taken.exploited += [exploited] if exploited else []
        elif is_osv(value):
            self.taken.kinds.add("OSV")
            for advisory in read_osv(value):
                self._advisory(advisory)
        else:
            raise RecordError("of no known form")

    def _nvd(self, value: Any) -> None:
        advisory, exploited = read_nvd(value)
        self._advisory(advisory)
        self.taken.exploited += [exploited] if exploited else []

    def _advisory(self, advisory: Advisory) -> None:
        self._moment(advisory.modified)
        # What speaks of no component that is known here is of no use to any image.
        if advisory.claims or advisory.withdrawn:
            self.taken.advisories.append(advisory)

    def _kev(self, value: Any) -> None:
        one = read_kev(value)
        self._moment(one.added)
        self.taken.exploited.append(one)

    def _eol(self, value: Any, name: str) -> None:
        self.taken.kinds.add("endoflife.date")
        with _Noting(self.refusals, name):
            check_depth(value, self.limits)
            for series in read_eol(value, name, self.refusals):
                self.taken.series.append(series)
                self._moment(series.latest_released)
            if isinstance(value, dict) and isinstance(value.get("snapshot"), list):
                self._moment(next((day(one) for one in value["snapshot"] if day(one)), ""))

    def _csv(self, content: bytes) -> None:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(self.taken.file, "of no known form", error.start, _HINT) from error
        head, rows = rows_of(text)
        self._moment(epss_day(head))
        for number, row in rows:
            if number > self.limits.records:
                raise InputError(self.taken.file, "too many records")
            with _Noting(self.refusals, f"line {number}"):
                if "epss" in row:
                    self.taken.kinds.add("EPSS")
                    self.taken.likelihoods.append(read_epss(row))
                else:
                    self._kev(row)
                    self.taken.kinds.add("KEV")

    def _moment(self, told: Any) -> None:
        self.taken.as_of = max(self.taken.as_of, day(told))


class _Noting:
    """What goes wrong inside is noted as a refusal of the record, and the next one's turn comes."""

    def __init__(self, refusals: Refusals, record: str) -> None:
        self._refusals, self._record = refusals, record

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, ValidationError):
            self._refusals.add(self._record, str(error.errors()[0]["msg"]))
            return True
        if isinstance(error, RecordError):
            self._refusals.add(self._record, str(error))
            return True
        return False


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _label(record: Any) -> str:
    """A record's own name, where it has one."""
    if not isinstance(record, dict):
        return ""
    inner = record.get("cve")
    names = (
        record.get("id"),
        record.get("cveID"),
        inner.get("id") if isinstance(inner, dict) else None,
        record.get("cveMetadata", {}).get("cveId")
        if isinstance(record.get("cveMetadata"), dict)
        else None,
    )
    return next((one[:80] for one in names if isinstance(one, str) and one), "")
