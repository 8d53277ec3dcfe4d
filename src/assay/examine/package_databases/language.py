"""What packages of programming languages say of themselves: Python's METADATA, Node's package.json.

Sources: Core metadata specifications (Python packaging); package.json (npm documentation);
purl-spec, types pypi and npm.
"""

import json
import re
from collections.abc import Iterator

from assay.examine.package_databases.package import DatabaseError, Package, without_address

_HEAD_BYTES = 64 << 10
_MOST_JSON = 1 << 20
_FIELD = re.compile(rb"^(Name|Version|Author):[ \t]*([^\r\n]{0,300})", re.MULTILINE)


def python(data: memoryview) -> Iterator[Package]:
    """The distribution that a METADATA or PKG-INFO file describes."""
    head = bytes(data[:_HEAD_BYTES]).replace(b"\r\n", b"\n").split(b"\n\n")[0]
    fields: dict[str, str] = {}
    for match in _FIELD.finditer(head):
        fields.setdefault(match[1].decode(), match[2].decode("utf-8", "replace").strip())
    if {"Name", "Version"} <= fields.keys():
        yield Package(
            name=re.sub(r"[-_.]+", "-", fields["Name"]).lower(),
            version=fields["Version"],
            upstream=fields["Version"],
            kind="pypi",
            supplier=without_address(fields.get("Author", "")),
            offset=0,
        )


def node(data: memoryview) -> Iterator[Package]:
    """The package that a package.json describes.

    Raises:
        DatabaseError: it is no JSON, or too large.
    """
    if len(data) > _MOST_JSON:
        raise DatabaseError(f"a package.json of more than {_MOST_JSON:,} bytes")
    try:
        document = json.loads(bytes(data))
    except (ValueError, RecursionError) as error:
        raise DatabaseError(f"a package.json that is no JSON: {error}") from error
    if not isinstance(document, dict):
        return
    full, version = document.get("name"), document.get("version")
    if isinstance(full, str) and isinstance(version, str):
        scope, _, name = full.rpartition("/")
        yield Package(
            name=name,
            version=version,
            upstream=version,
            kind="npm",
            namespace=scope,
            supplier=_author(document.get("author")),
            offset=0,
        )


def _author(author: object) -> str:
    if isinstance(author, dict):
        author = author.get("name")
    return without_address(author.split("(")[0]) if isinstance(author, str) else ""
