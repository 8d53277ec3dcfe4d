"""The frozen base of every value that crosses a room's border, and its canonical encoding."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value: unknown fields are refused, equality is by content."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def canonical_json(value: Any) -> bytes:
    """Encode JSON-ready data so that equal data gives equal bytes.

    Keys sorted, no insignificant white space, UTF-8, no NaN (the rules of RFC 8785 that
    matter for data without exotic floats).

    Raises:
        ValueError: a float is not finite.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode("utf-8", errors="surrogatepass")


def digest(value: Any) -> str:
    """SHA-256 of the canonical encoding, in lower-case hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
