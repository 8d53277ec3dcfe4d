"""Bounds on what one image may cost while it is unpacked."""

from assay.model.base import Frozen

GIB = 1 << 30


class Limits(Frozen):
    """Reached, a bound ends the extraction it was reached in, not the evaluation.

    `total_bytes` and `files` bound all that is unpacked from one image, `file_bytes` one file,
    `depth` the containers within containers, `seconds` one extraction.
    `memory_bytes` bounds the address space of an extractor.
    """

    total_bytes: int = 32 * GIB
    file_bytes: int = 8 * GIB
    files: int = 500_000
    depth: int = 16
    seconds: float = 1800.0
    memory_bytes: int = 8 * GIB
