"""RPM's database: package headers, kept in SQLite or in a Berkeley DB hash.

Known false negatives: the ndb form (told as not measured); what an SQLite write-ahead log holds
that was never written back into the database.

Sources: RPM documentation, package format (header structure) and tags; purl-spec, type rpm.
"""

import re
import sqlite3
import struct
from collections.abc import Iterator

from assay.examine.package_databases import berkeley
from assay.examine.package_databases.package import DatabaseError, Package, without_address

_MOST_HEADER = 16 << 20
_MOST_ENTRIES = 10_000
_PROLOGUE = 8
_INDEX_ENTRY = struct.Struct(">IIII")
_NAME, _VERSION, _RELEASE, _EPOCH = 1000, 1001, 1002, 1003
_VENDOR, _ARCH, _SOURCE = 1011, 1022, 1044
_INT32, _STRING, _I18N = 4, 6, 9
_TEXTS = frozenset({_NAME, _VERSION, _RELEASE, _VENDOR, _ARCH, _SOURCE})
_LONGEST_TEXT = 300
_SOURCE_RPM = re.compile(r"(?P<name>.+)-[^-]+-[^-]+\.(?:no)?src\.rpm")
_SQLITE_STEPS = 20_000_000
_VENDORS = (
    ("fedora", "fedora"),
    ("red hat", "redhat"),
    ("centos", "centos"),
    ("rocky", "rocky"),
    ("almalinux", "almalinux"),
    ("opensuse", "opensuse"),
    ("suse", "suse"),
    ("oracle", "oracle"),
    ("amazon", "amzn"),
    ("wind river", "windriver"),
    ("montavista", "montavista"),
)


def rpm(data: memoryview) -> Iterator[Package]:
    """The packages of an RPM database.

    Raises:
        DatabaseError: it is of a form that is not read, or broken.
    """
    for header in _headers(data):
        package = _package(header)
        # Keys that signatures are checked with are kept as packages without files.
        if package and package.name != "gpg-pubkey":
            yield package


def _headers(data: memoryview) -> Iterator[bytes]:
    if bytes(data[:16]) == b"SQLite format 3\x00":
        return _from_sqlite(data)
    if berkeley.is_hash(data):
        return berkeley.values(data, _MOST_HEADER)
    if bytes(data[:4]) == b"RpmP":
        raise DatabaseError("an RPM database in the ndb form, which is not read")
    raise DatabaseError("an RPM database of unknown form")


def _from_sqlite(data: memoryview) -> Iterator[bytes]:
    content = bytearray(data)
    # Opened from memory there is no write-ahead log: declare the older journal.
    content[18:20] = b"\x01\x01"
    database = sqlite3.connect(":memory:")
    try:
        database.deserialize(bytes(content))
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_HEADER)
        database.set_progress_handler(lambda: 1, _SQLITE_STEPS)
        database.execute("PRAGMA trusted_schema = OFF")
        kind = database.execute(
            "SELECT 1 FROM sqlite_schema WHERE name = 'Packages' AND type = 'table'"
            " AND sql LIKE 'CREATE TABLE%'"
        ).fetchone()
        if kind is None:
            raise DatabaseError("an SQLite file without RPM's table of packages")
        for (blob,) in database.execute("SELECT blob FROM Packages"):
            if isinstance(blob, bytes):
                yield blob
    except sqlite3.Error as error:
        raise DatabaseError(f"RPM's SQLite database can't be read: {error}") from error
    finally:
        database.close()


def _package(header: bytes) -> Package | None:
    tags = _tags(header)
    name, version = str(tags.get(_NAME, "")), str(tags.get(_VERSION, ""))
    if not name or not version:
        return None
    source = _SOURCE_RPM.fullmatch(str(tags.get(_SOURCE, "")))
    vendor = str(tags.get(_VENDOR, ""))
    return Package(
        name=name,
        version=f"{version}-{tags[_RELEASE]}" if _RELEASE in tags else version,
        upstream=version,
        kind="rpm",
        namespace=next((short for part, short in _VENDORS if part in vendor.lower()), ""),
        arch=str(tags.get(_ARCH, "")),
        epoch=str(tags.get(_EPOCH, "")),
        source=source["name"] if source else "",
        supplier=without_address(vendor),
    )


def _tags(header: bytes) -> dict[int, str | int]:
    """The tags that count; a header whose index does not hold together gives none."""
    if len(header) < _PROLOGUE:
        return {}
    count, size = struct.unpack_from(">II", header)
    start = _PROLOGUE + count * _INDEX_ENTRY.size
    if count > _MOST_ENTRIES or start + size > len(header):
        return {}
    found: dict[int, str | int] = {}
    for number in range(count):
        tag, kind, offset, _ = _INDEX_ENTRY.unpack_from(
            header, _PROLOGUE + number * _INDEX_ENTRY.size
        )
        if tag == _EPOCH and kind == _INT32 and offset + 4 <= size:
            found[tag] = int.from_bytes(header[start + offset : start + offset + 4], "big")
        elif tag in _TEXTS and kind in (_STRING, _I18N) and offset < size:
            text = header[start + offset : start + min(size, offset + _LONGEST_TEXT)]
            found[tag] = text.split(b"\x00")[0].decode("utf-8", "replace")
    return found
