"""Structure and hardening of PE and Mach-O files, on real ones."""

import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest

from assay.model.tree import Kind
from tests import objdump_text
from tests.corpus import CorpusError
from tests.corpus.cache import built
from tests.test_executable import structure


def _bundled_programs() -> list[Path]:
    spec = find_spec("setuptools")
    assert spec is not None
    assert spec.origin is not None
    return sorted(Path(spec.origin).parent.glob("*-[36][24].exe"))


def test_windows_programs_as_objdump_tells_them() -> None:
    paths = _bundled_programs()
    assert len(paths) >= 2
    for path in paths:
        told = objdump_text.run("objdump", "-p", str(path))
        found = structure(path.read_bytes(), Kind.PE)
        assert found.arch == ("x86-64" if "pei-x86-64" in told else "x86")
        assert found.bits == (64 if "PE32+" in told else 32)
        assert found.role == "program"
        assert found.hardening.pie == ("DYNAMIC_BASE" in told)
        assert found.hardening.nx == ("NX_COMPAT" in told)
        assert found.hardening.cfi == ("GUARD_CF" in told)
        names = [line.split(": ")[1] for line in told.splitlines() if "DLL Name: " in line]
        assert list(found.needed) == names


_MACHO_WHEEL = (
    "markupsafe==3.0.2 "
    "--hash=sha256:93335ca3812df2f366e80509ae119189886b0f3c2b81325d39efdb84a1e2ae93"
)


def _download_macho(folder: Path) -> None:
    (folder / "pinned.txt").write_text(_MACHO_WHEEL)
    words = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes"]
    words += ["--only-binary", ":all:", "--platform", "macosx_11_0_arm64"]
    words += ["--python-version", "3.11", "-d", str(folder), "-r", str(folder / "pinned.txt")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CorpusError(done.stderr[-400:])


def test_a_mac_library_as_its_header_tells_it() -> None:
    """Header and load commands are read here by Apple's <mach-o/loader.h>."""
    try:
        folder = built("macho-markupsafe-3.0.2", _download_macho)
    except CorpusError as error:
        pytest.skip(str(error))
    with ZipFile(next(folder.glob("*.whl"))) as wheel:
        data = wheel.read(next(name for name in wheel.namelist() if name.endswith(".so")))
    magic, cpu, _, kind, commands, _, flags, _ = struct.unpack_from("<8I", data)
    assert (magic, cpu) == (0xFEEDFACF, 0x0100000C)
    at, needed = 32, []
    for _ in range(commands):
        command, size, name = struct.unpack_from("<3I", data, at)
        if command in (0xC, 0x80000018):  # LC_LOAD_DYLIB, LC_LOAD_WEAK_DYLIB
            needed.append(data[at + name : at + size].rstrip(b"\0").decode())
        at += size
    found = structure(data, Kind.MACHO)
    assert (found.arch, found.bits, found.endian) == ("aarch64", 64, "little")
    assert kind == 8  # MH_BUNDLE
    assert (found.role, found.hardening.pie) == ("library", None)
    assert list(found.needed) == needed
    assert found.hardening.executable_stack == bool(flags & 0x20000)
