"""What was evaluated before: the same image, code, knowledge and settings give the same evaluation.

Takes: all that an evaluation depends on, a memory. Gives: the evaluation and its seals, without
loading the rooms that made them. Must not know: how an evaluation is made.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from assay.model.base import digest
from assay.model.evaluated import Evaluated
from assay.model.request import Request

_EVALUATED = TypeAdapter(Evaluated)
_PACKAGE = Path(__file__).parent
_DECIDES = frozenset({".py", ".yaml", ".zip", ".bin"})


class Memory(Protocol):
    """Where contents are remembered by key."""

    def recall(self, key: str) -> bytes | None:
        """What was remembered under a key."""

    def remember(self, key: str, content: bytes) -> None:
        """Remember content under a key."""


def evaluation_key(image: str, files: Iterable[Path], settings: Iterable[str]) -> str:
    """Everything that an evaluation depends on, but for the names in its subject.

    Args:
        image: SHA-256 of the image; empty for a folder, which is not remembered: to know its
            content costs as much as to take it.
        files: what users brought in: lists, advisories, signatures.
        settings: limits, keys, what the vendor says.
    """
    if not image:
        return ""
    brought = [_sha256(file) for file in sorted(files)]
    return f"evaluation:{digest([image, _own_form(), brought, list(settings)])}"


def recall(key: str, request: Request, supported_until: str, memory: Memory) -> Evaluated | None:
    """The evaluation under a key, told under the request's names."""
    encoded = memory.recall(key) if key else None
    try:
        known = _EVALUATED.validate_json(encoded) if encoded else None
    except ValidationError:  # written in another form
        return None
    if known is None:
        return None
    named = known.evaluation.subject.model_copy(
        update={
            "vendor": request.vendor,
            "product": request.product,
            "release": request.release,
            "name": request.image.resolve().name,
            "supported_until": supported_until,
        }
    )
    return replace(known, evaluation=known.evaluation.model_copy(update={"subject": named}))


def remember(key: str, evaluated: Evaluated, memory: Memory) -> None:
    """Remember an evaluation, unless another try may get further."""
    if key and evaluated.lasting:
        memory.remember(key, _EVALUATED.dump_json(evaluated, by_alias=True))


def _own_form() -> str:
    """SHA-256 over Assay's own code and data: a version number would be forgotten in the one change
    that matters."""
    files = (path for path in _PACKAGE.rglob("*") if path.suffix in _DECIDES and path.is_file())
    return digest([[str(path.relative_to(_PACKAGE)), _sha256(path)] for path in sorted(files)])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
