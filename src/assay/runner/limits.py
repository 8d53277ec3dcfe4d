"""Bounds on what one examiner may cost on one file."""

from assay.model.base import Frozen


class Limits(Frozen):
    """`seconds` is one examiner's time on one file; what does not heed it is killed after
    `HARD_FACTOR` times as long. `memory_bytes` is a worker's address space; a larger file than
    `file_bytes` is skipped, and said to be."""

    seconds: float = 60.0
    memory_bytes: int = 8 << 30
    file_bytes: int = 1 << 30


HARD_FACTOR = 3
