"""Call sites against `objdump -d` on real binaries, and against what was built in."""

import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from assay.assess.calls import call_table
from assay.examine import calls
from assay.examine.contract import Content
from assay.knowledge.functions import load_functions
from assay.model.observations import OFFSETS_KEPT, Calls
from assay.model.observations.base import Unmeasured
from assay.model.tree import File, Kind
from tests import objdump_text, objdump_truth
from tests.corpus import CorpusError, binaries, netboot_initrd, router, static_binaries
from tests.newc import members

ARCHITECTURES = ("amd64", "i386", "armhf", "arm64", "mipsel", "mips64el", "ppc64el", "s390x")
_LARGEST = 170_000  # bytes of a file whose disassembly takes about a second


def examine(data: bytes) -> Calls | Unmeasured:
    content = Content(memoryview(data), lambda secret: "")
    found = list(calls.EXAMINER.examine(content, File(path="file", kind=Kind.ELF)))
    return next(
        one
        for one in found
        if isinstance(one, Calls) or (isinstance(one, Unmeasured) and one.what == "calls")
    )


def counted(data: bytes) -> Counter[str]:
    found = examine(data)
    assert isinstance(found, Calls)
    return Counter({one.name: one.sites for one in found.functions})


def ours(path: Path, names: objdump_text.Names) -> Counter[str]:
    total: Counter[str] = Counter()
    for name, sites in counted(path.read_bytes()).items():
        total[names.canonical(name)] += sites
    return total


def _real(arch: str) -> list[Path]:
    try:
        paths = binaries(arch)
    except CorpusError as error:
        pytest.skip(str(error))
    return [path for path in paths if path.stat().st_size < _LARGEST][-5:]


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_counts_agree_with_objdump(arch: str) -> None:
    found: Counter[tuple[Path, str]] = Counter()
    truth: Counter[tuple[Path, str]] = Counter()
    for path in _real(arch):
        names = objdump_text.Names(path, thumb=arch == "armhf")
        found += Counter({(path, name): n for name, n in ours(path, names).items()})
        told = objdump_truth.truth(path, arch)
        truth += Counter({(path, name): n for name, n in told.items()})
    assert truth.total() > 1000
    assert objdump_truth.agreement(found, truth) >= 0.99


def test_code_without_optimisation_is_followed_through_moves() -> None:
    """Debian builds this one with -O0: `ld v0, slot; move t9, v0; jalr t9`."""
    try:
        path = router("mips64el").root / "sbin" / "dmsetup"
    except CorpusError as error:
        pytest.skip(str(error))
    truth = objdump_truth.truth(path, "mips64el")
    assert truth["__stack_chk_fail"] > 5
    assert objdump_truth.agreement(ours(path, objdump_text.Names(path)), truth) >= 0.99


def test_a_file_that_calls_nothing_is_measured(folder: Path) -> None:
    source, out = folder / "alone.c", folder / "alone"
    source.write_text("int f(int a) { return a; }\n")
    words = ["gcc", "-shared", "-nostdlib", str(source), "-o", str(out)]
    subprocess.run(words, check=True, capture_output=True)
    assert examine(out.read_bytes()) == Calls(functions=())


@pytest.mark.parametrize("arch", ["armhf", "amd64", "mipsel"])
def test_stripped_static_programs_are_not_measured(arch: str) -> None:
    try:
        paths = static_binaries(arch)
    except CorpusError as error:
        pytest.skip(str(error))
    assert paths
    for path in paths:
        found = examine(path.read_bytes())
        assert isinstance(found, Unmeasured)
        assert "statically linked and stripped" in found.why


_PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
void *volatile any;
__attribute__((noinline)) void copies(char *to, const char *from, size_t n) {
  memcpy(to, from, n); memmove(to, from, n); memcpy(to + n, from, n);
  strcpy(to, from); strcat(to, from); strcat(to, from); strncpy(to, from, n);
}
__attribute__((noinline)) int prints(char *to, const char *from, size_t n) {
  any = (void *)&strtok;
  return sprintf(to, "%d %s", (int)n, from) + snprintf(to, n, "%s!", from)
    + snprintf(to, n, "%s?", from) + vsprintf(to, from, any);
}
int main(int argc, char **argv) {
  copies(argv[0], argv[1], argc); copies(argv[1], argv[0], argc);
  return prints(argv[0], argv[1], argc) + system(argv[1]);
}
"""
_PLANTED = {
    "memcpy": 2, "memmove": 1, "strcpy": 1, "strcat": 2, "strncpy": 1, "sprintf": 1,
    "snprintf": 2, "vsprintf": 1, "system": 1,
}  # fmt: skip
_OPTIONS = ("-O2", "-U_FORTIFY_SOURCE", "-fno-builtin", "-fno-stack-protector")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("calls")
    (place / "program.c").write_text(_PROGRAM)
    return place


def build(folder: Path, *options: str) -> Path:
    out = folder / ("out" + str(abs(hash(options))))
    words = ["gcc", *_OPTIONS, *options, str(folder / "program.c"), "-o", str(out)]
    subprocess.run(words, check=True, capture_output=True)
    return out


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-no-pie", "-fno-PIE"),
        ("-fno-plt",),
        ("-shared", "-fPIC"),
        ("-Wl,-z,lazy",),
        ("-static",),
        ("-c",),
        ("-Os",),
    ],
)
def test_planted_calls_are_counted(folder: Path, options: tuple[str, ...]) -> None:
    path = build(folder, *options)
    found = counted(path.read_bytes())
    if "-static" in options:  # the C library calls them too
        assert all(found[name] >= number for name, number in _PLANTED.items())
    else:
        assert {name: found[name] for name in _PLANTED} == _PLANTED
    assert found["strtok"] == 0 or "-static" in options, "an address taken is no call"
    if "-shared" not in options:
        assert (found["copies"], found["prints"]) == (2, 1)


def test_a_stripped_file_without_sections_tells_the_same(folder: Path) -> None:
    path = build(folder, "-s")
    data = bytearray(path.read_bytes())
    data[40:48], data[60:64] = bytes(8), bytes(4)
    found = counted(bytes(data))
    assert {name: found[name] for name in _PLANTED} == _PLANTED


@pytest.mark.parametrize("options", [(), ("-fno-plt",), ("-c",)])
def test_offsets_point_at_the_call_instructions(folder: Path, options: tuple[str, ...]) -> None:
    data = build(folder, *options).read_bytes()
    found = examine(data)
    assert isinstance(found, Calls)
    for one in found.functions:
        if one.name in _PLANTED:
            assert len(one.offsets) == min(one.sites, OFFSETS_KEPT)
            for offset in one.offsets:
                assert data[offset] in (0xE8, 0xE9, 0xFF)


def test_the_oversight_table_comes_out_of_a_program(folder: Path) -> None:
    found = examine(build(folder).read_bytes())
    assert isinstance(found, Calls)
    table = call_table(found, load_functions().by_name())
    families = (table.memcpy_like, table.strcpy_like, table.sprintf_like)
    assert [(one.safe, one.bounded, one.unsafe) for one in families] == [
        (0, 0, 3),
        (0, 1, 3),
        (2, 0, 2),
    ]
    assert table.banned == 1
    assert {one.name: one.sites for one in table.functions} == _PLANTED


def test_fortify_turns_unsafe_calls_into_safe_ones(folder: Path) -> None:
    source = folder / "fortified.c"
    source.write_text(
        "#include <string.h>\n#include <stdio.h>\nchar b[9];\nint main(int c, char **v)"
        ' { strcpy(b, v[0]); return sprintf(b, "%d%s", c, v[1]); }\n'
    )
    out = folder / "fortified"
    words = ["gcc", "-O2", "-D_FORTIFY_SOURCE=2", str(source), "-o", str(out)]
    subprocess.run(words, check=True, capture_output=True)
    found = examine(out.read_bytes())
    assert isinstance(found, Calls)
    table = call_table(found, load_functions().by_name())
    assert (table.strcpy_like.safe, table.strcpy_like.unsafe) == (1, 0)
    assert (table.sprintf_like.safe, table.sprintf_like.unsafe) == (1, 0)


def test_kernel_modules_call_what_their_relocations_name(tmp_path: Path) -> None:
    """The truth: `objdump -dr` names the symbol of each call's and jump's operand."""
    try:
        image = netboot_initrd()
    except CorpusError as error:
        pytest.skip(str(error))
    modules = [data for name, data in members(image) if name.endswith(".ko")][::40]
    path = tmp_path / "module.ko"
    for data in modules:
        path.write_bytes(data)
        text = objdump_text.run("objdump", "-dr", "-w", str(path))
        branches = re.findall(
            r"\t(?:call|jmp|j[a-z]+)\s[^\n]*R_X86_64_(?:PLT32|PC32)\s+(\w+)-0x4$",
            text,
            re.MULTILINE,
        )
        truth = Counter(name for name in branches if not name.startswith("."))
        found = counted(data)
        imported = {name for name in truth if name in _undefined(path)}
        assert imported
        assert {name: found[name] for name in imported} == {name: truth[name] for name in imported}


def _undefined(path: Path) -> set[str]:
    rows = (line.split() for line in objdump_text.run("readelf", "-sW", str(path)).splitlines())
    return {row[7] for row in rows if len(row) >= 8 and row[6] == "UND"}
