"""The hash of texts, and what literals leave in an object: against Python and against gcc."""

import re
import shutil
import subprocess
from pathlib import Path

import lief
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.knowledge.signatures.literals import texts
from assay.knowledge.signatures.source import read_source
from assay.knowledge.signatures.tables import TableFinder, hash_tables
from assay.knowledge.signatures.text import (
    LONGEST,
    SHORTEST,
    find_runs,
    hash_name,
    hash_names,
    hash_text,
    hash_texts,
)

_RUN = re.compile(rb"[\x20-\x7e\t]+")


@given(st.binary(max_size=4000) | st.text("ab %\n\t\0é", max_size=4000).map(str.encode))
@settings(deadline=None)
def test_runs_and_hashes_equal_the_plain_ones(data: bytes) -> None:
    expected = [m for m in _RUN.finditer(data) if SHORTEST <= len(m[0]) <= LONGEST]
    found = find_runs(data)
    assert found.starts.tolist() == [m.start() for m in expected]
    assert found.lengths.tolist() == [len(m[0]) for m in expected]
    assert found.hashes.tolist() == [hash_text(m[0]) for m in expected]


def test_runs_across_the_pieces_that_a_file_is_read_in() -> None:
    data = b"".join(b"text number %06d\0" % number for number in range(40_000))
    found = find_runs(data)
    assert len(found.hashes) == 40_000
    assert found.hashes[39_999] == hash_text(b"text number 039999")


def test_one_endless_run_is_data_and_ends_nothing() -> None:
    assert len(find_runs(b"x" * 1_000_000 + b"\0a sentence\0").hashes) == 1


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=50))
def test_names_are_hashed_alike_alone_and_together(names: list[bytes]) -> None:
    assert hash_names(names).tolist() == [hash_name(name) for name in names]


def test_a_name_is_no_text() -> None:
    assert hash_name(b"inflateInit_") != hash_text(b"inflateInit_")


def test_texts_that_are_no_runs_are_refused() -> None:
    with pytest.raises(ValueError, match="no run"):
        hash_texts([b"two long\nlines of text"])


def test_tables_are_found_at_multiples_of_four() -> None:
    random = np.random.default_rng(1)
    tables = [random.bytes(width) for width in (16, 32, 64, 128)]
    data = bytearray(random.bytes(5000))
    for number, table in enumerate(tables):
        start = 400 + number * 1004
        data[start : start + len(table)] = table
    found, places = TableFinder(hash_tables(tables)).find(bytes(data))
    assert set(found.tolist()) == set(hash_tables(tables).tolist())
    assert sorted(places.tolist()) == [400, 1404, 2408, 3412]


def test_a_table_of_zeros_is_no_table() -> None:
    assert hash_tables([bytes(16)]).tolist() == [0]


_PROGRAM = rb"""
#include <stdio.h>
#include <inttypes.h>
#define NAME "gadget" /* "not this one" */
#define UNUSED_ONE "never in the object"
#define VERSION NAME " version 1.2.3"
char apostrophe = '"'; // "nor this"
const char *const one = "concatenated " /* in between */ "of two\x41\102 parts";
const char *const macro = "before " NAME " and behind it";
const char *const split = "first half\0second half\nand a line of its own\tafter a tab";
const char *const lines = "continued \
on the next";
const char *const quoted = "he said \"so it is\" and left";
int report(uint64_t count, uint32_t few) {
  printf("with a line's end\n");
  printf("%" PRIu64 " of a great number\n", count);
  return printf("number %" PRIu32 " of a few\n", few);
}
"""


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
@pytest.mark.parametrize("level", ["-O0", "-O2"])
def test_literals_are_those_that_gcc_leaves(tmp_path: Path, level: str) -> None:
    source, compiled = tmp_path / "a.c", tmp_path / "a.o"
    source.write_bytes(_PROGRAM)
    subprocess.run(["gcc", level, "-w", "-c", str(source), "-o", str(compiled)], check=True)
    elf = lief.ELF.parse(str(compiled))
    assert elf is not None
    data = b"\0".join(
        bytes(one.content) for one in elf.sections if str(one.name).startswith(".rodata")
    )
    made = {m[0] for m in _RUN.finditer(data) if len(m[0]) >= SHORTEST}
    read = set(texts(_PROGRAM))
    assert len(made) >= 9
    assert made <= read
    assert {b"not this one", b"nor this"}.isdisjoint(read)


def test_what_an_unknown_macro_touches_is_dropped_and_the_rest_stays() -> None:
    read = set(texts(b'x = "some words " UNKNOWN " behind\\nbut this line is known\\n";'))
    assert read == {b"but this line is known"}


def test_both_widths_of_a_format() -> None:
    assert set(texts(b'x = "%" PRIu64 " octets";')) == {b"%lu octets", b"%llu octets"}


def test_an_unclosed_literal_costs_no_time() -> None:
    assert list(texts(b"#error don't \"" + b"a\\b" * 20_000)) == []


def test_names_expressions_and_tables() -> None:
    source = read_source(
        b"EXPORT(int *) open_gadget(const char *name)\n{\n  assert(name   != NULL);\n"
        b"  if (call_other(name)) return 0;\n}\n"
        b"static const unsigned char box[] = {1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,0x10};\n",
        code=True,
    )
    assert source.names == set()  # the first line has none before it
    source = read_source(b"\nint open_gadget (void)\n{\n  call_other();\n}\n", code=True)
    assert source.names == {b"open_gadget"}
    source = read_source(
        b"x\nassert(name   != NULL);\nint t[]={1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16}", code=False
    )
    assert source.expressions == {b"name != NULL"}
    assert bytes(range(1, 17)) in source.tables
    assert len(source.tables) == 7  # one byte wide; two, four and eight in two orders


def test_generated_parsers_say_nothing() -> None:
    source = read_source(
        b'/* A Bison parser, made by GNU Bison 3.8 */\nx = "syntax error, unexpected";', code=True
    )
    assert source.texts == set()
