"""Broken and hostile executables end in an answer or a typed error, never in a crash."""

import struct
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.examine import ExamineError, calls, executable
from assay.model.tree import Kind
from tests.corpus import CorpusError, binaries
from tests.test_executable import modules, observe, structure

# lief says so of numbers without a name; the examiners handle them.
pytestmark = pytest.mark.filterwarnings("ignore:.* is not a valid ")


@pytest.mark.parametrize("kind", [Kind.PE, Kind.MACHO, Kind.ELF])
@pytest.mark.parametrize("data", [b"", b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"MZ" + b"\0" * 80])
def test_a_file_that_only_begins_like_one_is_refused(kind: Kind, data: bytes) -> None:
    with pytest.raises(ExamineError):
        structure(data, kind)


@cache
def seeds() -> list[bytes]:
    """Small real files, one for each decoder and width."""
    found = []
    for arch in ("amd64", "armhf", "mips64el", "i386", "ppc64el", "s390x", "arm64"):
        try:
            found.append(binaries(arch)[1].read_bytes())
        except CorpusError:
            continue
    return [*found, *(data for data in modules().values() if len(data) < 60_000)][:9]


def _survives(data: bytes) -> None:
    for examiner in (executable.EXAMINER, calls.EXAMINER):
        try:
            observe(examiner, data)
        except ExamineError:
            continue


_Change = tuple[float, int]
_CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12)


def _places(data: bytes) -> Iterator[tuple[int, int]]:
    """Where header, program headers, dynamic section and section headers stand."""
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    programs, sections = struct.unpack_from(
        order + ("QQ" if wide else "II"), data, 32 if wide else 28
    )
    yield 4, 64 if wide else 52
    yield programs, programs + 56 * 10
    yield sections, len(data)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 8), region=st.integers(0, 2), changes=_CHANGES)
def test_mutated_headers_never_crash(seed: int, region: int, changes: list[_Change]) -> None:
    data = bytearray(seeds()[seed % len(seeds())])
    low, high = list(_places(bytes(data)))[region]
    low, high = min(low, len(data) - 1), min(max(high, low + 1), len(data))
    for place, value in changes:
        data[min(low + int(place * (high - low)), len(data) - 1)] = value
    _survives(bytes(data))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 8), changes=_CHANGES, cut=st.floats(0, 1))
def test_mutated_and_cut_files_never_crash(seed: int, changes: list[_Change], cut: float) -> None:
    data = bytearray(seeds()[seed % len(seeds())])
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    _survives(bytes(data[: max(int(len(data) * cut), 4)]))


@settings(max_examples=60, deadline=None)
@given(
    head=st.sampled_from([(1, 1), (1, 2), (2, 1), (2, 2)]),
    machine=st.sampled_from([3, 8, 20, 21, 22, 40, 62, 183, 243, 9999]),
    kind=st.integers(0, 4),
    rest=st.binary(max_size=2000),
)
def test_random_bytes_behind_the_magic_never_crash(
    head: tuple[int, int], machine: int, kind: int, rest: bytes
) -> None:
    order = "<" if head[1] == 1 else ">"
    start = b"\x7fELF" + bytes([*head, 1]) + bytes(9) + struct.pack(order + "HHI", kind, machine, 1)
    _survives(start + rest)
