"""How random bytes are, and what that lets one guess."""

import mmap
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assay.model.tree import Guess

SAMPLE_BYTES = 4 << 20
_HIGH_ENTROPY = 7.9
_CHI_SQUARE_95 = 293.25  # 255 degrees of freedom, 5 % level
_TEXT_SHARE = 0.95


def measure(path: Path, offset: int, size: int) -> tuple[float, Guess]:
    """Shannon entropy in bits a byte and a guess, from at most `SAMPLE_BYTES` spread over a run.

    Compressed data is almost but not quite uniform; a chi-square test over the byte values tells
    it from a cipher's output for all but the best compressors, so *encrypted* stays a guess.
    """
    counts = _histogram(path, offset, size)
    total = int(counts.sum())
    entropy = _shannon(counts, total)
    return round(entropy, 3), _guess(counts, total, entropy)


def _histogram(path: Path, offset: int, size: int) -> npt.NDArray[np.int64]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        whole = np.frombuffer(data, dtype=np.uint8, count=size, offset=offset)
        step = max(1, size // SAMPLE_BYTES)
        blocks = whole if step == 1 else _spread(whole, step)
        counts = np.bincount(blocks, minlength=256)
        del whole, blocks  # the map can't be closed while arrays look into it
    return counts


def _spread(whole: npt.NDArray[np.uint8], step: int) -> npt.NDArray[np.uint8]:
    block = 4096
    starts = range(0, whole.size - block, block * step)
    return np.concatenate([whole[start : start + block] for start in starts])


def _shannon(counts: npt.NDArray[np.int64], total: int) -> float:
    shares = counts[counts > 0] / total
    return abs(float(-(shares * np.log2(shares)).sum()))


def _guess(counts: npt.NDArray[np.int64], total: int, entropy: float) -> Guess:
    if np.count_nonzero(counts) == 1:
        return Guess.PADDING
    if entropy >= _HIGH_ENTROPY:
        expected = total / 256
        chi_square = float(((counts - expected) ** 2 / expected).sum())
        uniform = chi_square < _CHI_SQUARE_95
        return Guess.ENCRYPTED if uniform else Guess.COMPRESSED_OR_ENCRYPTED
    printable = int(counts[0x20:0x7F].sum() + counts[9] + counts[10] + counts[13])
    return Guess.TEXT if printable >= _TEXT_SHARE * total else Guess.CODE_OR_DATA
