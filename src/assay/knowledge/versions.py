"""Which of two releases is the newer: a comparator for each component and ecosystem.

Where `univers` has the scheme of an ecosystem or component, it decides. Upstreams that follow
none (which is most software in C) are ordered by the rule of `plain_key`. What can't be read as a
version (a commit, a word) has no place in an order: `key` gives None, and nothing is concluded.

Sources: univers (Apache-2.0/BSD/MIT) for its schemes; OpenSSL, release strategy (a letter after the
number is a later patch release; after z comes za); OpenSSH, sudo and NTP (`p1` is a patch level of
the portable release); ISC, BIND version numbers (`P1` patch, `a1`, `b1`, `rc1` before a release);
kernel.org (`-rc1` before a release).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, total_ordering
from typing import Any

from univers.versions import (
    AlpineLinuxVersion,
    ComposerVersion,
    DebianVersion,
    GolangVersion,
    MavenVersion,
    NugetVersion,
    OpensslVersion,
    PypiVersion,
    RpmVersion,
    RubygemsVersion,
    SemverVersion,
)

from assay.model.advisory import GENERIC

_LONGEST = 128
_BEFORE = {"dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "pre": 3, "preview": 3, "rc": 3}
_PATCH = frozenset({"p", "pl", "patch", "sp"})
_END = (1,)
_TOKEN = re.compile(r"[0-9]+|[A-Za-z]+")
_RELEASE = re.compile(r"v?([0-9]+(?:\.[0-9]+)*)")
_COMMIT = re.compile(r"(?=.*[a-f])(?=.*[0-9])[0-9a-f]{12,40}")
_OF_A_BUILD = re.compile(r"[-+](?:fips|quic|dirty|release|final)$", re.IGNORECASE)


@total_ordering
@dataclass(frozen=True, slots=True)
class Key:
    """A version's place in the order of its scheme; keys of different schemes don't compare."""

    scheme: str
    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and bool(self.value == other.value)

    def __lt__(self, other: "Key") -> bool:
        if self.scheme != other.scheme:
            raise TypeError(f"{self.scheme} and {other.scheme} versions don't compare")
        try:
            return bool(self.value < other.value)
        except TypeError:  # parts of different kinds, in versions that no release has
            return str(self.value) < str(other.value)

    def __hash__(self) -> int:
        return hash(str(self.value))


def key(component: str, version: str, ecosystem: str = GENERIC) -> Key | None:
    """A version's place among the component's; None where it can't be read as a version."""
    version = version.strip()
    if not version or len(version) > _LONGEST or not version.isascii():
        return None
    return _key(scheme_of(component, ecosystem), version)


def scheme_of(component: str, ecosystem: str = GENERIC) -> str:
    """The name of the scheme that a component's versions follow in an ecosystem."""
    family = ecosystem.partition(":")[0].lower()
    if family in ("", GENERIC, "git", "oss-fuzz"):
        return _OWN.get(component, "plain")
    return _ECOSYSTEMS.get(family, "plain")


def compare(component: str, one: str, other: str, ecosystem: str = GENERIC) -> int | None:
    """-1, 0 or 1 as `one` is older, the same or newer; None where that can't be told."""
    first, second = key(component, one, ecosystem), key(component, other, ecosystem)
    if first is None or second is None:
        return None
    return 0 if first == second else (-1 if first < second else 1)


def plain_key(version: str) -> tuple[Any, ...] | None:
    """Numbers by value, trailing zeros of no account; then what follows them, word by word.

    A word for what comes before a release (`alpha`, `beta`, `pre`, `rc`, `dev`; `a`, `b` before a
    number) sorts before the end, everything else after it. Of two letters that count as patches
    the longer is the later (z, then za), then the alphabet decides.
    """
    match = _RELEASE.match(version)
    if match is None or _COMMIT.fullmatch(version):
        return None
    numbers = [int(part) for part in match[1].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    rest = _TOKEN.findall(version[match.end() :].lower())
    return (tuple(numbers), *_suffix(rest), _END)


def _suffix(tokens: list[str]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    position = 0
    while position < len(tokens):
        word = tokens[position] if not tokens[position].isdigit() else ""
        position += bool(word)
        numbered = position < len(tokens) and tokens[position].isdigit()
        number = int(tokens[position]) if numbered else 0
        position += numbered
        found.append(_part(word, number, numbered=numbered))
    return found


def _part(word: str, number: int, *, numbered: bool) -> tuple[Any, ...]:
    before = _BEFORE.get(word)
    if before is not None and (numbered or len(word) > 1):
        return (0, before, number)
    if word in _PATCH and numbered:
        word = "p"
    return (2, len(word), word, number)


def _plain(version: str) -> Any:
    return plain_key(version)


def _openssl(version: str) -> Any:
    """OpenSSL by univers; what it does not know (snapshots, products of others) has no place."""
    bare = _OF_A_BUILD.sub("", version.removeprefix("v"))
    if not re.fullmatch(r"[0-9]+\.[0-9]+(?:\.[0-9]+)?(?:[a-z]{1,2})?(?:-[a-z]+[0-9]*)?", bare):
        return None
    if bare.count(".") == 1 and bare[-1].isdigit():  # an advisory's `1.1` is the first of 1.1
        bare += ".0"
    return OpensslVersion(bare)


def _univers(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def read(version: str) -> Any:
        return kind(version)

    return read


_SCHEMES: dict[str, Callable[[str], Any]] = {
    "plain": _plain,
    "openssl": _openssl,
    "alpine": _univers(AlpineLinuxVersion),
    "composer": _univers(ComposerVersion),
    "deb": _univers(DebianVersion),
    "golang": _univers(GolangVersion),
    "maven": _univers(MavenVersion),
    "nuget": _univers(NugetVersion),
    "pypi": _univers(PypiVersion),
    "rpm": _univers(RpmVersion),
    "gem": _univers(RubygemsVersion),
    "semver": _univers(SemverVersion),
}
_OWN = {"openssl": "openssl"}
_ECOSYSTEMS = {
    "alpine": "alpine",
    "almalinux": "rpm",
    "azure linux": "rpm",
    "crates.io": "semver",
    "debian": "deb",
    "go": "golang",
    "mageia": "rpm",
    "maven": "maven",
    "npm": "semver",
    "nuget": "nuget",
    "opensuse": "rpm",
    "packagist": "composer",
    "pypi": "pypi",
    "red hat": "rpm",
    "rocky linux": "rpm",
    "rubygems": "gem",
    "suse": "rpm",
    "ubuntu": "deb",
}


@cache
def _key(scheme: str, version: str) -> Key | None:
    try:
        value = _SCHEMES[scheme](version)
        # Some of univers' classes accept what they can't read, and fail when they are compared.
        return None if value is None or getattr(value, "value", 0) is None else Key(scheme, value)
    except Exception:  # noqa: BLE001 (each of univers' schemes raises errors of its own)
        return None
