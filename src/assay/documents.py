"""Documents in a user's folder: each is written whole or not at all.

Takes: a folder, contents. Gives: files. Must not know: what the documents say.
"""

import json
import os
import tempfile
from pathlib import Path

from assay.model.errors import InputError


def encode_json(document: object) -> bytes:
    """Compact JSON with a line's end."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def refuse_inside(image: Path, place: Path, name: str) -> None:
    """Refuse a place within the folder that is evaluated: it would change under the measuring."""
    if image.is_dir() and place.resolve().is_relative_to(image.resolve()):
        raise InputError(
            str(place),
            f"the {name} lies inside the folder that is evaluated",
            hint=f"choose another place for the {name}",
        )


def make_folder(out: Path) -> None:
    """Make a folder to write to.

    Raises:
        InputError: it can't be made or written to.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(str(out), f"can't be made: {error.strerror}") from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise InputError(str(out), "can't be written to")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is the old one or the new one, never half.

    Raises:
        InputError: it can't be written.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        raise InputError(str(path), f"can't be written: {error.strerror}") from error
