"""What became of one examiner on one file: never silence."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from assay.model.base import Frozen
from assay.model.observations import Observation
from assay.model.tree import File


class Ran(Frozen):
    """The examiner finished; it may have seen nothing."""

    status: Literal["ran"] = "ran"
    observations: tuple[Observation, ...] = ()


class Skipped(Frozen):
    """The examiner was not run on content that it wants, and why (a limit, for example)."""

    status: Literal["skipped"] = "skipped"
    why: str


class Failed(Frozen):
    """The examiner could not read the content: malformed input, or a crash of its process."""

    status: Literal["failed"] = "failed"
    why: str


class TimedOut(Frozen):
    """The examiner was stopped after `seconds`."""

    status: Literal["timed out"] = "timed out"
    seconds: float


Outcome = Annotated[Ran | Skipped | Failed | TimedOut, Field(discriminator="status")]
OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)


class Examined(Frozen):
    """What became of one examiner on one file of the tree."""

    file: File
    examiner: str
    outcome: Outcome
