"""Text out of an image, fit for any document."""

import re
from urllib.parse import quote

_SHA256 = re.compile(r"[0-9a-f]{64}")
# RFC 3986 `pchar` without the colon: in a first step it would read as a scheme.
_LITERAL = "!$&'()*+,;=@~"


def plain(text: str) -> str:
    """Unpaired surrogates, which JSON in UTF-8 can't carry, as `\\udcff`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def relative_uri(path: str) -> str:
    """A tree path as a relative URI reference (RFC 3986) that stays below its base.

    No scheme, no authority, no query, no dot steps. Bytes of a name that were no UTF-8 (unpaired
    surrogates U+DC80 to U+DCFF) become those bytes again, percent-encoded. A step `.` or `..`,
    which no file system can hold, is encoded twice: readers take `%2E%2E` for `..` too.
    """
    steps = [_step(step) for step in path.split("/") if step]
    return "/".join(steps) or "%20"


def _step(step: str) -> str:
    if step in (".", ".."):
        return "%252E" * len(step)
    return quote(_bytes(step), safe=_LITERAL)


def _bytes(name: str) -> bytes:
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        return name.encode("utf-8", "backslashreplace")


def is_sha256(text: str) -> bool:
    """Whether it is a SHA-256 as Assay writes it: 64 lower-case hex digits."""
    return _SHA256.fullmatch(text) is not None
