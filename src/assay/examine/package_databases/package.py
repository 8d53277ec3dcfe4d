"""An installed package as its database describes it, and how that becomes a sighting."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from packageurl import PackageURL

from assay.model.observations import EXCERPT_LIMIT, ComponentSighting, Evidence

MOST_PACKAGES = 50_000
_LONGEST = 200
_NAME = re.compile(r"[A-Za-z0-9@_][\w@/.+~-]*")
_VERSION = re.compile(r"[\w.+:~^!-]+")
_SURE = 0.95


class DatabaseError(Exception):
    """The database is malformed or of a form that is not read; the message says which."""


@dataclass(frozen=True, slots=True)
class Package:
    """`version` stands as the database writes it, `upstream` without the distribution's own part.

    `source` is the source package where the database names it. `kind` and `namespace` are those
    of the package URL. `offset` is where the package's entry begins, if the form has such a place.
    """

    name: str
    version: str
    upstream: str
    kind: str
    namespace: str = ""
    arch: str = ""
    epoch: str = ""
    source: str = ""
    supplier: str = ""
    offset: int | None = None

    @property
    def is_sound(self) -> bool:
        """Whether name and version can be those of a package at all."""
        fits = len(self.name) <= _LONGEST and len(self.version) <= _LONGEST
        named = _NAME.fullmatch(self.name) and _VERSION.fullmatch(self.version)
        return fits and bool(named) and bool(self.upstream)

    @property
    def purl(self) -> str:
        """The package URL of the package itself, with the distribution's version."""
        qualifiers = {"arch": self.arch, "epoch": self.epoch}
        return PackageURL(
            self.kind,
            self.namespace or None,
            self.name,
            self.version,
            {key: value for key, value in qualifiers.items() if value},
        ).to_string()


def sighting(
    package: Package,
    names: Mapping[str, str],
    method: Literal["package-database", "metadata"] = "package-database",
) -> ComponentSighting:
    """The component that a package carries.

    `names` maps packages to components. A source package's name goes before the binary's, and
    stands for the component where neither is known.
    """
    source = package.source or package.name
    name = names.get(source) or names.get(package.name) or source
    return ComponentSighting(
        name=name[:_LONGEST],
        purl=package.purl,
        version=package.upstream,
        method=method,
        confidence=_SURE,
        supplier=package.supplier[:_LONGEST],
        evidence=(
            Evidence(
                offset=package.offset,
                excerpt=f"{package.name} {package.version}"[:EXCERPT_LIMIT],
            ),
        ),
    )


def without_address(text: str) -> str:
    """A maintainer's name; an e-mail address is nobody's business here."""
    return re.sub(r"\s*<[^>]*>?", "", text).strip().strip('"')
