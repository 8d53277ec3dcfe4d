"""Structure and hardening of executables against `readelf`, `objdump`, and what was built in."""

import struct
import subprocess
from functools import cache
from pathlib import Path

import pytest

from assay.examine import calls, executable
from assay.examine.contract import Content, Examiner
from assay.model.observations import CodeHardening, Executable, KernelModule, Observation
from assay.model.observations.base import Unmeasured
from assay.model.tree import File, Kind
from tests import objdump_text, objdump_truth, readelf_truth
from tests.corpus import CorpusError, binaries, netboot_initrd, router
from tests.newc import members

_STEP = 12
_CANARY_FAILS = "__stack_chk_fail"


def observe(examiner: Examiner, data: bytes, kind: Kind = Kind.ELF) -> list[Observation]:
    content = Content(memoryview(data), lambda secret: "")
    return list(examiner.examine(content, File(path="file", kind=kind)))


def structure(data: bytes, kind: Kind = Kind.ELF) -> Executable:
    (found,) = [
        one for one in observe(executable.EXAMINER, data, kind) if isinstance(one, Executable)
    ]
    return found


def code(data: bytes) -> CodeHardening | None:
    found = [one for one in observe(calls.EXAMINER, data) if isinstance(one, CodeHardening)]
    return found[0] if found else None


def unmeasured(data: bytes) -> set[str]:
    return {one.what for one in observe(calls.EXAMINER, data) if isinstance(one, Unmeasured)}


@cache
def sample(arch: str) -> list[Path]:
    """Every twelfth ELF file of a router image, by name."""
    try:
        root = router(arch).root
    except CorpusError as error:
        pytest.skip(str(error))
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    return [path for path in files if path.open("rb").read(4) == b"\x7fELF"][::_STEP]


def without_sections(data: bytes) -> bytes:
    """The file with its section headers forgotten, as vendors' tools do it."""
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"
    changed = bytearray(data)
    struct.pack_into(order + ("Q" if wide else "I"), changed, 40 if wide else 32, 0)
    struct.pack_into(order + "HH", changed, 60 if wide else 48, 0, 0)
    return bytes(changed)


@pytest.mark.parametrize("arch", ["armhf", "mips64el", "amd64"])
class TestRouter:
    def test_structure_and_hardening_are_what_readelf_says(self, arch: str) -> None:
        truth = readelf_truth.told(sample(arch))
        wrong = {}
        for path in sample(arch):
            ours = structure(path.read_bytes())
            wrong[path.name] = [
                *readelf_truth.differences(ours.model_dump(), truth[path].executable()),
                *readelf_truth.differences(ours.hardening.model_dump(), truth[path].hardening()),
            ]
        assert len(wrong) > 100
        assert {name: found for name, found in wrong.items() if found} == {}

    def test_canary_and_fortify_are_those_that_the_linker_was_asked_for(self, arch: str) -> None:
        imports = readelf_truth.imports(sample(arch))
        both = 0
        for path in sample(arch):
            found, wanted = code(path.read_bytes()), imports[path]
            if found is None or path.name.startswith("libc.so"):
                continue
            fortified = any(name.startswith("__") and name.endswith("_chk") for name in wanted)
            assert (path.name, found.canary) == (path.name, _CANARY_FAILS in wanted)
            assert (path.name, bool(found.fortify)) == (path.name, fortified)
            both += found.canary is True and fortified
        assert both > 50

    def test_files_without_section_headers_are_told_as_fully(self, arch: str) -> None:
        for path in sample(arch)[::4]:
            data = path.read_bytes()
            whole, bare = structure(data), structure(without_sections(data))
            assert not bare.sections
            lost = {"sections", "stripped", "compilers", "debug_info"}
            assert bare.model_dump(exclude=lost) == whole.model_dump(exclude=lost)
            assert bare.stripped
            before, after = code(data), code(without_sections(data))
            assert (before is None) == (after is None)
            if before and after:
                assert (after.canary, after.fortify) == (before.canary, before.fortify)


@pytest.mark.parametrize("arch", ["amd64", "i386", "arm64", "ppc64el", "s390x"])
def test_canaries_are_counted_by_function(arch: str) -> None:
    """Functions by `readelf`'s dump of the unwind tables, calls by `objdump`."""
    try:
        paths = binaries(arch)
    except CorpusError as error:
        pytest.skip(str(error))
    measured = 0
    for path in paths[4:28:4]:
        found = code(path.read_bytes())
        spans = readelf_truth.unwound(path)
        failing = [at for at, name in objdump_truth.sites(path, arch) if name == _CANARY_FAILS]
        protected = _around(spans, failing)
        if arch == "i386" and (wrapper := [span for span in protected if span[1] - span[0] < 48]):
            protected = _around(spans, _calls_of(path, wrapper[0][0]))
        assert found is not None
        if found.functions is None:
            continue
        measured += 1
        assert found.canary_functions == len(protected)
        assert found.functions == len(spans)
    assert measured >= 3


def _around(spans: list[tuple[int, int]], places: list[int]) -> set[tuple[int, int]]:
    return {span for span in spans for at in places if span[0] <= at < span[1]}


def _calls_of(path: Path, address: int) -> list[int]:
    """Position-independent i386 code reaches the failure routine through a local function."""
    lines = objdump_text.disassemble(path)
    return [
        line.address
        for line in lines
        if line.mnemonic == "call" and line.operands.startswith(f"{address:x} ")
    ]


_PROGRAM = r"""
#include <stdio.h>
#include <string.h>
__attribute__((noinline)) int one(char *to, const char *from) { char b[64]; strcpy(b, from);
  return sprintf(to, "%s", b); }
__attribute__((noinline)) int two(char *to, const char *from) { char b[32]; strcpy(b, from);
  strcat(b, to); return (int)strlen(b); }
__attribute__((noinline)) int three(int a) { return a * 3; }
int main(int argc, char **argv) { char b[128]; return one(b, argv[0]) + two(b, argv[0])
  + three(argc) + printf("%s\n", b); }
"""


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> "Compiler":
    folder = tmp_path_factory.mktemp("built")
    (folder / "program.c").write_text(_PROGRAM)
    return Compiler(folder)


class Compiler:
    """GCC of the machine that the tests run on, with every default of the distribution named."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0

    def build(self, *options: str, source: str = "program.c") -> Path:
        self._count += 1
        out = self._folder / f"built{self._count}"
        done = subprocess.run(
            ["gcc", "-O2", "-U_FORTIFY_SOURCE", *options, source, "-o", str(out)],
            cwd=self._folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return out

    def write(self, name: str, text: str) -> str:
        (self._folder / name).write_text(text)
        return name


_ALL, _NONE, _FORTIFY = "-fstack-protector-all", "-fno-stack-protector", "-D_FORTIFY_SOURCE=2"


@pytest.mark.parametrize("stripped", [False, True])
class TestCanaryAndFortify:
    @staticmethod
    def _build(compiler: Compiler, stripped: bool, *options: str) -> bytes:
        path = compiler.build(*options)
        if stripped:
            subprocess.run(["strip", str(path)], check=True)
        return path.read_bytes()

    def test_the_stack_protector_alone(self, compiler: Compiler, stripped: bool) -> None:
        found = code(self._build(compiler, stripped, _ALL))
        assert found is not None
        assert (found.canary, found.canary_functions) == (True, 4)
        assert (found.fortify, found.fortified) == (False, 0)

    def test_fortify_alone(self, compiler: Compiler, stripped: bool) -> None:
        found = code(self._build(compiler, stripped, _NONE, _FORTIFY))
        assert found is not None
        assert (found.canary, found.canary_functions) == (False, 0)
        assert found.functions is not None
        assert found.functions >= 4
        assert found.fortify is True
        # Two strcpy, one strcat and one printf can be checked; the destination of sprintf is
        # unknown, so it stays as GCC turned it: a strcpy.
        assert (found.fortified or 0) >= 4

    def test_neither(self, compiler: Compiler, stripped: bool) -> None:
        found = code(self._build(compiler, stripped, _NONE))
        assert found is not None
        assert (found.canary, found.canary_functions) == (False, 0)
        assert (found.fortify, found.fortified) == (False, 0)
        assert (found.fortifiable or 0) >= 4

    def test_only_functions_with_arrays(self, compiler: Compiler, stripped: bool) -> None:
        found = code(self._build(compiler, stripped, "-fstack-protector-strong"))
        assert found is not None
        assert found.canary_functions == 3

    @pytest.mark.parametrize("protector", [_ALL, _NONE])
    @pytest.mark.parametrize("static", ["-static", "-static-pie"])
    def test_static_programs_are_not_guessed(
        self, compiler: Compiler, stripped: bool, protector: str, static: str
    ) -> None:
        data = self._build(compiler, stripped, static, protector, _FORTIFY)
        assert code(data) is None
        assert {"hardening.canary", "hardening.fortify"} <= unmeasured(data)
        assert ("calls" in unmeasured(data)) == stripped


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        (("-pie", "-fPIE"), "pie", True),
        (("-no-pie", "-fno-PIE"), "pie", False),
        (("-static-pie", "-fPIE"), "pie", True),
        (("-static", "-no-pie"), "pie", False),
        (("-shared", "-fPIC"), "pie", None),
        (("-z", "execstack"), "nx", False),
        (("-z", "execstack"), "executable_stack", True),
        (("-z", "noexecstack"), "nx", True),
        (("-z", "norelro"), "relro", "none"),
        (("-Wl,-z,relro,-z,lazy"), "relro", "partial"),
        (("-Wl,-z,relro,-z,now"), "relro", "full"),
        (("-Wl,-z,norelro,-z,now"), "relro", "none"),
        (("-Wl,-rpath,/opt/a:/opt/b,--disable-new-dtags"), "rpath", ("/opt/a", "/opt/b")),
        (("-Wl,-rpath,/opt/a:/opt/b,--disable-new-dtags"), "runpath", ()),
        (("-Wl,-rpath,$ORIGIN/../lib,--enable-new-dtags"), "runpath", ("$ORIGIN/../lib",)),
        (("-Wl,-rpath,$ORIGIN/../lib,--enable-new-dtags"), "rpath", ()),
        ((), "text_relocations", False),
    ],
)
def test_hardening_is_what_was_built_in(
    compiler: Compiler, options: tuple[str, ...] | str, field: str, value: object
) -> None:
    words = (options,) if isinstance(options, str) else options
    data = compiler.build(*words).read_bytes()
    assert getattr(structure(data).hardening, field) == value
    assert getattr(structure(without_sections(data)).hardening, field) == value


def test_text_relocations(compiler: Compiler) -> None:
    source = compiler.write("text.s", ".text\n.globl f\nf: ret\n.quad elsewhere\n")
    path = compiler.build("-shared", "-Wl,-z,notext", "-nostdlib", source=source)
    assert structure(path.read_bytes()).hardening.text_relocations


@pytest.mark.parametrize(("mark", "expected"), [("full", True), ("none", False)])
def test_control_flow_marks_of_x86(compiler: Compiler, mark: str, expected: bool) -> None:
    # The C library's start-up objects bear the marks; without them the program's own decide.
    source = compiler.write("alone.c", "int f(int a) { return a; }\n")
    path = compiler.build(f"-fcf-protection={mark}", "-shared", "-nostdlib", source=source)
    found = structure(path.read_bytes()).hardening
    assert (found.ibt, found.shstk) == (expected, expected)
    assert (found.bti, found.pac) == (None, None)


def test_symbols_and_debug_information(compiler: Compiler) -> None:
    path = compiler.build("-g")
    whole = structure(path.read_bytes())
    assert (whole.stripped, whole.debug_info) == (False, True)
    subprocess.run(["strip", "--strip-debug", str(path)], check=True)
    assert structure(path.read_bytes()).debug_info is False
    subprocess.run(["strip", str(path)], check=True)
    bare = structure(path.read_bytes())
    assert bare.stripped
    assert bare.hardening == whole.hardening
    version = subprocess.run(
        ["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert any(text.startswith("GCC: ") and text.endswith(version) for text in bare.compilers)


def test_objects_are_not_judged_as_programs(compiler: Compiler) -> None:
    found = structure(compiler.build("-c").read_bytes())
    assert found.role == "object"
    assert (found.static, found.hardening.pie, found.hardening.nx) == (False, None, None)


@cache
def modules() -> dict[str, bytes]:
    """Some kernel modules of Debian's installer."""
    try:
        image = netboot_initrd()
    except CorpusError as error:
        pytest.skip(str(error))
    found = {name: data for name, data in members(image) if name.endswith(".ko")}
    return {name: found[name] for name in sorted(found)[::25]}


def test_kernel_modules_say_who_they_are(tmp_path: Path) -> None:
    assert len(modules()) >= 5
    path = tmp_path / "module.ko"
    for data in modules().values():
        path.write_bytes(data)
        truth = readelf_truth.modinfo(path)
        (found,) = [
            one for one in observe(executable.EXAMINER, data) if isinstance(one, KernelModule)
        ]
        assert (found.name, found.vermagic) == (truth["name"], truth["vermagic"])
        assert found.license == truth["license"]
        assert structure(data).role == "module"
        assert found.signed == data.endswith(b"~Module signature appended~\n")
        assert found.signed
        assert found.signer
        assert found.signer.split("Common Name: ")[1].split(",")[0] in _signers(data, path)
        unsigned = data[: data.rindex(b"~Module signature")]
        (stripped,) = [
            one for one in observe(executable.EXAMINER, unsigned) if isinstance(one, KernelModule)
        ]
        assert (stripped.signed, stripped.signer) == (False, "")


def _signers(data: bytes, path: Path) -> str:
    """What `openssl` prints of the PKCS#7 structure behind the module."""
    size = struct.unpack(">I", data[-32:-28])[0]
    path.write_bytes(data[-40 - size : -40])
    return subprocess.run(
        ["openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", str(path)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
