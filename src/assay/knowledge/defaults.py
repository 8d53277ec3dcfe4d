"""Well-known default passwords: the shipped list."""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from assay.model.errors import DataError

_SHIPPED = "default_passwords.yaml"


@dataclass(frozen=True, slots=True)
class DefaultPassword:
    """One entry. `password` is None where the account's own name is the password."""

    name: str
    password: str | None
    source: str

    def for_user(self, user: str) -> str:
        """The password that this entry means for an account."""
        return user if self.password is None else self.password


@cache
def default_passwords() -> tuple[DefaultPassword, ...]:
    """The shipped list, in its order.

    Raises:
        DataError: the list is malformed; names the entry.
    """
    text = resources.files("assay.knowledge").joinpath("data", _SHIPPED).read_text("utf-8")
    return parse_defaults(text)


def parse_defaults(text: str) -> tuple[DefaultPassword, ...]:
    """Read a list in the shipped one's form.

    Raises:
        DataError: an entry lacks a name, a password or a known source, or stands there twice.
    """
    try:
        document = yaml.safe_load(text)
        sources, entries = document["sources"], document["passwords"]
        read = tuple(_entry(entry, sources) for entry in entries)
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise DataError(f"{_SHIPPED}: {error}") from error
    if len({entry.name for entry in read}) != len(read):
        raise DataError(f"{_SHIPPED}: a name stands there twice")
    return read


def _entry(entry: dict[str, object], sources: dict[str, str]) -> DefaultPassword:
    name, source = entry["name"], entry["source"]
    password = None if entry.get("same_as_user") is True else entry["password"]
    if source not in sources or not isinstance(name, str):
        raise DataError(f"{_SHIPPED}: {name}: a name and a listed source are expected")
    if password is not None and not isinstance(password, str):
        raise DataError(f"{_SHIPPED}: {name}: the password is to stand in quotes")
    return DefaultPassword(name, password, str(source))
