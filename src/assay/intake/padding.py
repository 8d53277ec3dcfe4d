"""Padding at the ends of a gap between containers."""

from collections.abc import Iterator

import numpy as np

_SHORTEST = 1024  # a shorter run of equal bytes may well be data


def split_padding(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Split a run of bytes into padding, rest and padding: (start, end, format) of each.

    Flash images fill the space up to the next erase block with one byte, zeros or ones.
    """
    run = np.frombuffer(data, dtype=np.uint8, count=end - start, offset=start)
    differs = np.flatnonzero(run != run[0])
    lead = int(differs[0]) if differs.size else run.size
    lead = lead if lead >= _SHORTEST else 0
    differs = np.flatnonzero(run != run[-1])
    tail = run.size - 1 - int(differs[-1]) if differs.size else 0
    tail = tail if tail >= _SHORTEST and lead < run.size else 0
    bounds = (
        (0, lead, "padding"),
        (lead, run.size - tail, ""),
        (run.size - tail, run.size, "padding"),
    )
    del run, differs
    for first, last, form in bounds:
        if last > first:
            yield start + first, start + last, form
