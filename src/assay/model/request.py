"""What is asked for, and how far the answer is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Request:
    """What to evaluate, and as what."""

    image: Path
    vendor: str
    product: str
    release: str


@dataclass(frozen=True, slots=True)
class Step:
    """How far an evaluation is: the phase, files done, and bytes done of bytes in all (0 = the
    amount is not known)."""

    phase: str
    files: int = 0
    done: int = 0
    total: int = 0


Progress = Callable[[Step], None]
