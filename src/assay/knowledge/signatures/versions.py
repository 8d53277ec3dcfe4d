"""Release names in their order, and how they look in tags.

How it works: a version is cut into numbers and words; numbers compare as numbers, a word that
names a stage before the release (`rc`, `beta`) sorts before its end, any other (OpenSSL's patch
letters, `p1`) behind it.

Source: the components' own practice; Debian Policy 5.6.12 for the idea of the `~`.
"""

import re
from functools import cache

_PART = re.compile(r"[0-9]+|[A-Za-z]+")
_BEFORE = re.compile(r"(?i)(alpha|beta|rc|pre|dev|test|snapshot|git|cvs|preview|a|b)\Z")
_EARLY = re.compile(r"(?i)(?<![a-z])(alpha|beta|rc|pre|dev|test|snapshot|preview|candidate)")

Key = tuple[tuple[int, int, str], ...]


@cache
def version_key(version: str) -> Key:
    """What a version is sorted by."""
    parts: list[tuple[int, int, str]] = []
    for number, word in enumerate(_PART.findall(version)):
        if word.isdigit():
            parts.append((2, int(word), ""))
        elif number and _BEFORE.match(word) and len(word) > 1:
            parts.append((-1, 0, word.lower()))
        else:
            parts.append((1, 0, word.lower()))
    parts.append((0, 0, ""))
    return tuple(parts)


def is_early(version: str) -> bool:
    """Whether a version names a stage before a release."""
    return _EARLY.search(re.sub(r"(?<=[0-9])(?=[A-Za-z])", " ", version)) is not None


def series(version: str) -> str:
    """The line that a release belongs to: its first two numbers (`3.0` of 3.0.15)."""
    return ".".join(re.findall(r"[0-9]+", version)[:2])
