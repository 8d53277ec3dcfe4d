"""What an examiner is: the contract between this room and the runner."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from assay.model.observations import Observation
from assay.model.tree import File

Bytes = bytes | memoryview


class ExamineError(Exception):
    """The content is malformed in a way that stops the examiner: becomes a `Failed` outcome.

    The message says what is wrong and, where known, at which offset.
    """


@dataclass(frozen=True, slots=True)
class Content:
    """One file's bytes, and the keyed hash by which secrets in it may be compared.

    `data` may be a memory map: read slices, do not copy the whole.
    `seal` turns a secret value into the workspace's keyed hash of it.
    """

    data: memoryview
    seal: Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class Examiner:
    """One way to look at one file's content.

    `version` is part of the cache's key: raise it with every change of what is observed.
    `wants` is cheap: it sees the tree's entry alone, no content.
    `examine` is pure: the same content and the same `context` give the same observations, in a
    stable order. `sees` names what of the tree's entry the result depends on besides the
    content: `content` nothing, `path` the path too (the runner keeps it out of the cache's key
    and blanks the entry's other fields, so that a wrong declaration shows at once).
    """

    name: str
    version: str
    wants: Callable[[File], bool]
    examine: Callable[[Content, File], Iterable[Observation]]
    sees: Literal["content", "path"] = "content"
