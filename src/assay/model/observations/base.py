"""What all observations share."""

from typing import Literal

from assay.model.base import Frozen

EXCERPT_LIMIT = 160


class Evidence(Frozen):
    """Where in a file's content a fact was seen, and what proves it.

    `offset` is in bytes from the start of the content. `excerpt` is printable text of at most
    `EXCERPT_LIMIT` characters in which secret values are masked. `symbol` names a function or
    object where one is known.
    """

    offset: int | None = None
    excerpt: str = ""
    symbol: str = ""


class Unmeasured(Frozen):
    """An examiner says what it could not tell of this content, and why. Silence is never "fine"."""

    type: Literal["unmeasured"] = "unmeasured"
    what: str
    why: str
