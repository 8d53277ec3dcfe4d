"""How third-party components name themselves and their version in what they ship."""

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from string import Formatter

import yaml
from packageurl import PackageURL
from pydantic import Field, ValidationError, field_validator, model_validator

from assay.model.base import Frozen
from assay.model.errors import DataError

_SHIPPED = "version_strings.yaml"
_HINT = "the form is described at the top of the shipped version_strings.yaml"
_VERSION = r"([0-9]+(?:\.[0-9]+){1,3})"


def _regex(text: str) -> str:
    """Spell out `<version>`; refuse what is no regular expression."""
    pattern = text.replace("<version>", _VERSION)
    try:
        re.compile(pattern.encode("latin-1"))
    except (re.error, UnicodeEncodeError) as error:
        raise ValueError(f"{text!r} is no regular expression over bytes: {error}") from error
    return pattern


class Pattern(Frozen):
    """A text, and the version that it gives.

    `gives` is filled with the pattern's groups (`{0}` is the first). `seen` is such a text as a
    real file holds it, and `version` what it must give: the list checks itself.
    """

    pattern: str
    gives: str = "{0}"
    seen: str
    version: str

    _spelt_out = field_validator("pattern")(_regex)

    @model_validator(mode="after")
    def _holds(self) -> "Pattern":
        match = re.search(self.pattern, self.seen)
        found = self.given(match.groups()) if match else None
        if found != self.version:
            raise ValueError(f"{self.pattern!r} gives {found!r} for {self.seen!r}")
        return self

    def given(self, groups: tuple[str | None, ...]) -> str:
        """The version that a match's groups give."""
        if self.gives == "{0}":
            return groups[0] or ""
        # Numbers that are put together anew lose the zeros that filled their places.
        return self.gives.format(*(str(int(g)) if g and g.isdigit() else g or "" for g in groups))

    @field_validator("gives")
    @classmethod
    def _plain(cls, gives: str) -> str:
        # Only {0}, {1} …: no attribute access, no formats.
        for _, name, form, conversion in Formatter().parse(gives):
            if name is not None and (not name.isdigit() or form or conversion):
                raise ValueError(f"gives: {gives!r}: only {{0}}, {{1}} … are allowed")
        return gives


class Interval(Frozen):
    """The releases, both ends inclusive, that a SONAME was used for; an open end is empty."""

    library: str
    low: str = ""
    high: str = ""


class Component(Frozen):
    """What a component's own files look like, and the texts that name its version.

    `texts` count wherever they stand (a library linked in statically carries them too), `own` and
    `alone` only in the component's own files: those whose SONAME is in `libraries`, whose name is
    in `files`, or in which a text of `marks` stands. `alone` is a version that stands as a string
    by itself; `named` gives the version by the file's name. Where `beside` holds texts, one of
    them must stand in the file for `texts` to count outside of own files.
    """

    name: str
    purl: str = ""
    packages: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    texts: tuple[Pattern, ...] = ()
    own: tuple[Pattern, ...] = ()
    alone: str = ""
    named: tuple[Pattern, ...] = ()
    intervals: tuple[Interval, ...] = ()

    @field_validator("libraries", "files", "marks", "beside")
    @classmethod
    def _spelt_out(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_regex(pattern) for pattern in patterns)

    @field_validator("alone")
    @classmethod
    def _alone(cls, pattern: str) -> str:
        return _regex(pattern)

    def purl_of(self, version: str) -> str:
        """The package URL of a release; without a version, of the component."""
        base = PackageURL.from_string(self.purl or f"pkg:generic/{self.name}")
        return base._replace(version=version or None).to_string()


class VersionStrings(Frozen):
    """The whole list."""

    version: str
    components: tuple[Component, ...] = Field(min_length=1)

    def names(self) -> Mapping[str, str]:
        """Names in package databases → the component's name here."""
        return {
            alias: component.name
            for component in self.components
            for alias in (component.name, *component.packages)
        }


@cache
def load_version_strings() -> VersionStrings:
    """The shipped list.

    Raises:
        DataError: it is malformed; names the entry.
    """
    return parse_version_strings(_text(), _SHIPPED)


def parse_version_strings(text: str, origin: str) -> VersionStrings:
    """Read a list. `origin` names it in errors.

    Raises:
        DataError: not YAML, an unknown key, a pattern that does not hold for its own example, a
            name given twice.
    """
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        found = VersionStrings.model_validate(document)
    except (yaml.YAMLError, RecursionError) as error:
        raise DataError(f"{origin}: not YAML: {error}", _HINT) from error
    except ValidationError as error:
        raise DataError(f"{origin}: {_first(error, document)}", _HINT) from error
    seen: set[str] = set()
    for component in found.components:
        for name in {component.name, *component.packages}:
            if name in seen:
                raise DataError(f"{origin}: {name} is named by two entries", _HINT)
            seen.add(name)
    return found


def _first(error: ValidationError, document: object) -> str:
    """The first fault, with the component's name in place of its number."""
    fault = error.errors()[0]
    where = list(fault["loc"])
    if len(where) > 1 and isinstance(document, dict) and isinstance(where[1], int):
        entry = document["components"][where[1]]
        where[1] = entry.get("name", where[1]) if isinstance(entry, dict) else where[1]
    return f"{'.'.join(str(part) for part in where)}: {fault['msg']}"


def fingerprint() -> str:
    """A short digest of the shipped list: what depends on it takes it into its version."""
    return hashlib.sha256(_text().encode()).hexdigest()[:8]


def _text() -> str:
    return resources.files("assay.knowledge").joinpath("data", _SHIPPED).read_text("utf-8")
