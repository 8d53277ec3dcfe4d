"""Kernels, held against `file`, package metadata and configurations made by the kernel's build."""

import gzip
import lzma
import re
import struct
import subprocess
from importlib import resources
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.examine.contract import Content
from assay.examine.kernel import EXAMINER
from assay.examine.kernels.options import OPTIONS
from assay.intake.kinds import HEAD_BYTES, kind_of
from assay.model.observations import KernelImage, Observation, Unmeasured
from assay.model.tree import File, Kind
from tests.corpus import debs, netboot_kernel, router

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
BUILDER = b"(builder@site) (mipsel-linux-gcc (Buildroot 2019.02) 7.4.0)"
BANNER = b"Linux version 4.14.95 " + BUILDER + b" #1 SMP PREEMPT Tue Jan 29 10:11:12 UTC 2019"
PROC_BANNER = b"%s version %s " + BUILDER + b" %s\n\x00"
KERNEL = b"\x00" * 64 + BANNER + b"\n\x00" + PROC_BANNER + b"\x00" * 64
CONFIG = b"""#
# Automatically generated file; DO NOT EDIT.
# Linux/mips 4.14.95 Kernel Configuration
#
CONFIG_MIPS=y
CONFIG_STACKPROTECTOR=y
# CONFIG_STRICT_KERNEL_RWX is not set
CONFIG_DEFAULT_MMAP_MIN_ADDR=4096
CONFIG_MODULE_SIG_HASH="sha512"
CONFIG_SECCOMP=m
"""


def _seen(data: bytes, path: str = "boot/vmlinuz", kind: Kind | None = None) -> list[Observation]:
    kind = kind or kind_of(data[:HEAD_BYTES])
    file = File(path=path, kind=kind, sha256="00" * 32, size=len(data))
    if not EXAMINER.wants(file):
        return []
    return list(EXAMINER.examine(Content(memoryview(data), lambda _: ""), file))


def _kernel(found: list[Observation]) -> KernelImage:
    (kernel,) = (one for one in found if isinstance(one, KernelImage))
    return kernel


def _kernels(found: list[Observation]) -> list[KernelImage]:
    return [one for one in found if isinstance(one, KernelImage)]


def _why(found: list[Observation]) -> str:
    return " ".join(one.why for one in found if isinstance(one, Unmeasured))


@pytest.fixture(scope="module")
def bzimage() -> bytes:
    return netboot_kernel().read_bytes()


@pytest.fixture(scope="module")
def vmlinux(bzimage: bytes) -> bytes:
    """The payload, found by its magic number and unfolded by the xz program."""
    at = bzimage.index(b"\xfd7zXZ\x00")
    words = ["xz", "-dc", "--single-stream"]
    return subprocess.run(words, input=bzimage[at:], capture_output=True, check=False).stdout


@pytest.fixture(scope="module")
def armel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `boot` folder of Debian's kernel for Marvell's ARM processors."""
    (meta,) = debs("armel", ["linux-image-marvell"])
    depends = _field(meta, "Depends")
    (package,) = debs("armel", [re.split(r"[ ,]", depends)[0]])
    folder = tmp_path_factory.mktemp("armel")
    subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], check=True)
    (folder / "package-version").write_text(_field(package, "Version"))
    return folder


def _field(deb: Path, name: str) -> str:
    words = ["dpkg-deb", "-f", str(deb), name]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def _said_by_file(path: Path) -> str:
    words = ["file", "-bL", str(path)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def test_bzimage_agrees_with_file(bzimage: bytes) -> None:
    kernel = _kernel(_seen(bzimage))
    said = re.search(r"version (\S+) \((\S+)\) (#.+?\))", _said_by_file(netboot_kernel()))
    assert said
    assert kernel.version == said[1]
    assert said[2] in kernel.banner
    assert kernel.banner.endswith(said[3])
    assert kernel.evidence.offset == bzimage.index(b"\xfd7zXZ\x00")
    assert not kernel.configured


def test_bzimage_whose_kernel_is_broken_still_gives_its_headers_version(bzimage: bytes) -> None:
    at = bzimage.index(b"\xfd7zXZ\x00") + 4096
    broken = bzimage[:at] + bytes(4096) + bzimage[at + 4096 :]
    found = _seen(broken)
    assert f"version {_kernel(found).version} " in _said_by_file(netboot_kernel())
    assert "broken" in _why(found)


def test_decompressed_kernel_is_told_where_its_banner_stands(vmlinux: bytes) -> None:
    found = _seen(vmlinux, "vmlinux")
    kernel = _kernel(found)
    offset = kernel.evidence.offset
    assert offset is not None
    assert vmlinux[offset:].startswith(f"Linux version {kernel.version} (".encode())
    # The linker's first attempt has no build number; the one that is printed has.
    assert " #1 SMP" in kernel.banner
    assert "IKCONFIG" in _why(found)


def test_zimage_and_configuration_agree_with_the_package(armel: Path) -> None:
    (image,) = (armel / "boot").glob("vmlinuz-*")
    (config,) = (armel / "boot").glob("config-*")
    assert "zImage" in _said_by_file(image)
    release = image.name.removeprefix("vmlinuz-")
    assert _kernel(_seen(image.read_bytes(), f"boot/{image.name}")).version == release
    kernel = _kernel(_seen(config.read_bytes(), f"boot/{config.name}"))
    assert kernel.configured
    assert (armel / "package-version").read_text().startswith(f"{kernel.version}-")


def test_options_are_those_of_the_configuration(armel: Path) -> None:
    (config,) = (armel / "boot").glob("config-*")
    lines = set(config.read_text().splitlines())
    options = dict(_kernel(_seen(config.read_bytes(), f"boot/{config.name}")).options)
    for name, value in options.items():
        set_to = {f"CONFIG_{name}={value}", f'CONFIG_{name}="{value}"'}
        assert (f"# CONFIG_{name} is not set" in lines) == (value == "n")
        assert value == "n" or set_to & lines
    mentioned = {
        name for line in lines for name in re.findall(r"^(?:# )?CONFIG_(\w+)(?:=| is not)", line)
    }
    assert set(options) == mentioned & OPTIONS
    assert len(options) > 60


def test_embedded_configuration_joins_the_kernel(vmlinux: bytes, armel: Path) -> None:
    (config,) = (armel / "boot").glob("config-*")
    text = config.read_bytes()
    beside = _kernel(_seen(text, f"boot/{config.name}"))
    kernel = _kernel(_seen(vmlinux + _embedded(text), "vmlinux"))
    assert kernel.configured
    assert kernel.options == beside.options
    assert kernel.version == _kernel(_seen(vmlinux, "vmlinux")).version


def _embedded(text: bytes) -> bytes:
    return b"IKCFG_ST" + gzip.compress(text, mtime=0) + b"IKCFG_ED"


def test_configs_module(tmp_path: Path) -> None:
    (tmp_path / "configs.bin").write_bytes(b"\x00" * 100 + _embedded(CONFIG))
    words = ["ld", "-r", "-b", "binary", "-o", "configs.ko", "configs.bin"]
    subprocess.run(words, cwd=tmp_path, check=True)
    data = (tmp_path / "configs.ko").read_bytes()
    kernel = _kernel(_seen(data, "lib/modules/4.14.95/kernel/kernel/configs.ko"))
    assert kernel.version == "4.14.95"
    assert kernel.evidence.offset == data.index(b"IKCFG_ST")
    assert dict(kernel.options) == {
        "STACKPROTECTOR": "y",
        "STRICT_KERNEL_RWX": "n",
        "DEFAULT_MMAP_MIN_ADDR": "4096",
        "SECCOMP": "m",
    }


@pytest.mark.parametrize(
    ("embedded", "why"),
    [
        (_embedded(CONFIG * 50)[:-60], "has no end"),
        (_embedded(CONFIG)[:20] + b"\xff" * 200, "broken"),
        (_embedded(bytes(64 << 20)), "has no end"),
        (_embedded(b"# Busybox version: 1.35.0\nCONFIG_ASH=y\n"), "no kernel's"),
    ],
)
def test_broken_embedded_configuration_is_told(embedded: bytes, why: str) -> None:
    found = _seen(KERNEL + embedded)
    assert not _kernel(found).configured
    assert _kernel(found).version == "4.14.95"
    assert why in _why(found)


PROGRAMS = {
    "gzip": ["gzip", "-c"],
    "xz": ["xz", "-c"],
    "lzma": ["xz", "--format=lzma", "-c"],
    "bzip2": ["bzip2", "-c"],
    "zstd": ["zstd", "-q", "-c"],
    "lz4": ["lz4", "-q", "-l", "-c"],
    "lzo": ["lzop", "-c"],
}
NOT_READ = {"lz4", "lzo"}


def _compressed(scheme: str) -> bytes:
    return subprocess.run(PROGRAMS[scheme], input=KERNEL, capture_output=True, check=True).stdout


def _zboot(payload: bytes) -> bytes:
    header = b"MZ\x00\x00zimg" + struct.pack("<II", 1024, len(payload))
    return header.ljust(1024, b"\x00") + payload + b"\x00" * 512


def _zimage(payload: bytes) -> bytes:
    header = b"\x00\x00\xa0\xe1" * 8 + b"\x01\x00\x00\xea" + struct.pack("<I", 0x016F2818)
    return header.ljust(1024, b"\x00") + payload + b"\x00" * 512


@pytest.mark.parametrize("scheme", PROGRAMS)
@pytest.mark.parametrize("wrap", [_zboot, _zimage])
def test_kernel_in_every_compression(scheme: str, wrap: object) -> None:
    assert callable(wrap)
    data = wrap(_compressed(scheme))
    found = _seen(data)
    if scheme in NOT_READ:
        assert scheme in _why(found)
        assert not _kernels(found)
    else:
        kernel = _kernel(found)
        assert kernel.banner == BANNER.decode()
        assert kernel.evidence.offset == 1024


def test_kernel_that_unfolds_without_bound_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.examine.kernels.bootable.MOST_BYTES", 1 << 20)
    found = _seen(_zboot(lzma.compress(bytes(4 << 20))))
    assert "does not end within" in _why(found)


def test_old_kernels_are_known_by_their_message_without_init() -> None:
    banner = (
        b"Linux version 2.4.37 (root@host) (gcc version 3.4.6) #3 Mon Mar 1 09:00:00 2010\n\x00"
    )
    message = b"<0>No init found.  Try passing init= option to kernel.\x00"
    assert _kernel(_seen(bytes(9) + banner + message)).version == "2.4.37"


NOT_KERNELS = {
    "a copy of /proc/version": BANNER + b"\n",
    "a log": b"\x00[    0.000000] " + BANNER + b"\n\x00[    0.000000] Memory: 512MB\n\x00",
    "a program that parses it": b"\x00Linux version %s (%s) %s\n\x00/proc/version\x00",
    "a journal": b"LPKSHHRH\x00\x00MESSAGE=" + BANNER + b"\x00PRIORITY=5\x00",
    "a script that extracts": b"\x00cf1='IKCFG_ST\\037\\213\\010'\x00IKCFG_ST\x00",
    "proc banner alone": b"\x00" + PROC_BANNER,
}


@pytest.mark.parametrize("name", NOT_KERNELS)
@pytest.mark.parametrize("kind", [Kind.DATA, Kind.ELF])
def test_what_speaks_of_kernels_is_none(name: str, kind: Kind) -> None:
    assert not _seen(NOT_KERNELS[name], "var/lib/thing", kind)


def test_no_program_of_a_router_is_a_kernel() -> None:
    root = router("armhf").root
    programs = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(programs) > 3000
    for path in programs:
        name = path.relative_to(root).as_posix()
        assert not _seen(path.read_bytes(), name), name


@pytest.mark.parametrize(
    "heading",
    [
        "# Busybox version: 1.35.0",
        "# U-Boot 2023.01 Configuration",
        "# Buildroot 2019.02 Configuration",
    ],
)
def test_other_configurations_of_that_form_are_not_the_kernels(heading: str) -> None:
    text = CONFIG.replace(b"# Linux/mips 4.14.95 Kernel Configuration", heading.encode())
    assert not _seen(text, "boot/config-1", Kind.TEXT)
    assert _kernels(_seen(CONFIG, "boot/config-1", Kind.TEXT))


def test_heading_of_old_kernels() -> None:
    text = (
        b"#\n# Automatically generated make config: don't edit\n# Linux kernel version: 2.6.36.4\n"
    )
    assert _kernel(_seen(text + b"CONFIG_DEVKMEM=y\n", ".config")).version == "2.6.36.4"


def test_of_an_option_that_stands_twice_the_last_counts() -> None:
    text = CONFIG + b"# CONFIG_SECCOMP is not set\n"
    assert dict(_kernel(_seen(text, "boot/config")).options)["SECCOMP"] == "n"


def test_rules_speak_of_options_that_are_read() -> None:
    """Every option that a rule names is one that the examiner tells."""
    source = resources.files("assay.assess") / "rules" / "kernel.yaml"
    rules = yaml.safe_load(source.read_text("utf-8"))
    named = {
        option
        for rule in rules
        for tested in re.findall(r'p\[0\] (?:==|in)\s*(\[[^\]]*\]|"\w+")', rule["when"])
        for option in re.findall(r'"(\w+)"', tested)
    }
    assert len(named) > 25
    assert named <= OPTIONS


@unhurried
@given(st.binary(max_size=1500), st.sampled_from([Kind.DATA, Kind.ELF, Kind.PE, Kind.TEXT]))
def test_no_bytes_are_too_odd(data: bytes, kind: Kind) -> None:
    _seen(data, "boot/config", kind)
    _seen(_zboot(data), "boot/image")
    _seen(_zimage(data), "boot/image")
    _seen(CONFIG[:60] + data, "boot/config", Kind.TEXT)
    _seen(b"IKCFG_ST\x1f\x8b\x08" + data, "x.ko", Kind.ELF)


@unhurried
@given(st.data())
def test_setup_headers_are_not_believed(bzimage: bytes, data: st.DataObject) -> None:
    header = bytearray(bzimage[:2048])
    for _ in range(4):
        header[data.draw(st.integers(0x1F1, 0x268))] = data.draw(st.integers(0, 255))
    for one in _kernels(_seen(bytes(header) + bzimage[2048:20000])):
        assert re.match(r"[2-9]\.\d", one.version)
