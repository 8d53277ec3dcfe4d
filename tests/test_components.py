"""Recognition of third-party components, held against package metadata and the software itself."""

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.examine.components import EXAMINER
from assay.examine.contract import Content
from assay.examine.recognition.subject import spellings, subject
from assay.examine.recognition.version_texts import version_texts
from assay.knowledge.version_strings import Component, load_version_strings
from assay.model.observations import ComponentSighting, Unmeasured
from assay.model.tree import File, Kind
from tests.corpus import Router, router, static_binaries, wheels
from tests.corpus.apt import packages
from tests.corpus.lists import BINARY_PACKAGES, STATIC_PACKAGES

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = load_version_strings().names()
ELF = b"\x7fELF"


def _seen(data: bytes, path: str, kind: Kind) -> list[ComponentSighting]:
    """What the texts alone show: features of the source are held to the truth elsewhere."""
    file = File(path=path, kind=kind, sha256="00" * 32, size=len(data))
    assert EXAMINER.wants(file)
    told = version_texts(subject(memoryview(data), file))
    return [one for one in told if isinstance(one, ComponentSighting)]


def _component(source: str) -> str:
    return NAMES.get(source, source)


def _is_of(version: str, debian: str) -> bool:
    """Whether Debian's version is one of this upstream version: the number does not go on."""
    goes_on = r"(?:$|[-+~]|\.dfsg)"
    return re.match(rf"(?:\d+:)?{re.escape(version)}{goes_on}", debian) is not None


@dataclass(frozen=True)
class Owned:
    """A sighting in a file of the router, and the source package that the file is from."""

    path: str
    sighting: ComponentSighting
    source: str
    version: str

    @property
    def is_own(self) -> bool:
        return self.sighting.name == _component(self.source)


@pytest.fixture(scope="module")
def image() -> Router:
    return router("armhf")


@pytest.fixture(scope="module")
def owners(image: Router) -> dict[str, tuple[str, str]]:
    """ELF files of the image, by path → source package and its version, by dpkg's metadata."""
    truth = json.loads(image.truth.read_text())
    return {
        path: (package["source"], package["source_version"])
        for package in truth
        for path in package["files"]
        if _is_elf(image.root / path)
    }


def _is_elf(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == ELF


@pytest.fixture(scope="module")
def sightings(image: Router, owners: dict[str, tuple[str, str]]) -> list[Owned]:
    return [
        Owned(path, one, source, version)
        for path, (source, version) in owners.items()
        for one in _seen((image.root / path).read_bytes(), path, Kind.ELF)
    ]


def test_names_agree_with_the_packages_that_own_the_files(sightings: list[Owned]) -> None:
    foreign = [(one.path, one.sighting.name) for one in sightings if not one.is_own]
    assert 1 - len(foreign) / len(sightings) >= 0.99, foreign


def test_foreign_components_are_copies_that_are_known_to_be_there(sightings: list[Owned]) -> None:
    # OpenLDAP's sources carry LMDB (libraries/liblmdb), wpa's carry hostapd beside the supplicant.
    known = {("openldap", "lmdb"), ("wpa", "hostapd")}
    assert {(one.source, one.sighting.name) for one in sightings if not one.is_own} <= known


def test_versions_agree_with_the_packages(sightings: list[Owned]) -> None:
    told = [one for one in sightings if one.is_own and one.sighting.version]
    wrong = [
        (one.path, one.sighting.version, one.version)
        for one in told
        if not _is_of(one.sighting.version, one.version)
    ]
    assert len(told) > 400
    assert 1 - len(wrong) / len(told) >= 0.99, wrong


def test_intervals_hold_the_packages_version(sightings: list[Owned]) -> None:
    bounded = [one for one in sightings if one.is_own and (one.sighting.low or one.sighting.high)]
    for one in bounded:
        for bound, sign in ((one.sighting.low, "ge"), (one.sighting.high, "le")):
            if bound:
                upstream = one.version.rsplit("-", 1)[0]
                words = ["dpkg", "--compare-versions", upstream, sign, bound]
                assert subprocess.run(words, check=False).returncode == 0, one


def test_most_components_with_executables_are_found(
    owners: dict[str, tuple[str, str]], sightings: list[Owned]
) -> None:
    there = {_component(source) for source, _ in owners.values()}
    named = {one.sighting.name for one in sightings if one.is_own}
    versioned = {one.sighting.name for one in sightings if one.is_own and one.sighting.version}
    assert len(named & there) / len(there) >= 0.99, sorted(there - named)
    assert len(versioned & there) / len(there) >= 0.72, sorted(there - versioned)


def test_who_only_uses_a_library_is_no_copy_of_it(
    image: Router, owners: dict[str, tuple[str, str]], sightings: list[Owned]
) -> None:
    claimed = {(one.path, one.sighting.name) for one in sightings}
    users = 0
    for path, needed in _needed(image.root, owners):
        own = _component(owners[path][0])
        for used in {name for library in needed for name in _offering(library)} - {own}:
            users += 1
            assert (path, used) not in claimed
    assert users > 2000


@cache
def _offering(library: str) -> frozenset[str]:
    """The components that a library's name is one of."""
    return frozenset(
        component.name
        for component in load_version_strings().components
        if any(re.fullmatch(pattern, library) for pattern in component.libraries)
    )


def _needed(root: Path, paths: dict[str, tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """What each file is linked to, as readelf says."""
    words = ["readelf", "-dW", *paths]
    shown = subprocess.run(words, capture_output=True, text=True, check=False, cwd=root).stdout
    for part in shown.split("\nFile: ")[1:]:
        yield part.split("\n", 1)[0], re.findall(r"\(NEEDED\).*\[(.+?)\]", part)


@pytest.mark.parametrize("arch", ["armhf", "amd64"])
def test_static_programs_hold_only_what_they_were_built_with(arch: str) -> None:
    """Debian records in `Built-Using` what a package was linked with statically."""
    truth: dict[str, str] = {}
    for package in packages(arch, STATIC_PACKAGES, dependencies=False):
        truth[_component(package.source)] = package.source_version
        shown = subprocess.run(
            ["dpkg-deb", "-f", str(package.deb), "Built-Using"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name, version in re.findall(r"(\S+) \(= (\S+)\)", shown):
            truth[_component(name)] = version
    found = {
        (one.name, one.version)
        for path in static_binaries(arch)
        for one in _seen(path.read_bytes(), path.name, Kind.ELF)
    }
    assert {name for name, _ in found} == {"bash", "busybox", "zlib"}
    assert all(_is_of(version, truth[name]) for name, version in found)


def test_an_older_release_is_told_as_such(tmp_path: Path) -> None:
    """Packages of Debian 11: what is known was learnt from Debian 12's."""
    wrong: set[tuple[str, str, str]] = set()
    found: set[str] = set()
    sources: set[str] = set()
    for package in packages("armhf", BINARY_PACKAGES, suite="bullseye", dependencies=False):
        folder = tmp_path / package.name
        subprocess.run(["dpkg-deb", "-x", str(package.deb), str(folder)], check=True)
        sources.add(_component(package.source))
        for path in filter(_is_elf, sorted(folder.rglob("*"))):
            for one in _seen(path.read_bytes(), path.name, Kind.ELF):
                if one.name != "hostapd":  # it comes out of wpa's sources
                    assert one.name == _component(package.source), path.name
                found |= {one.name} if one.version else set()
                if one.version and not _is_of(one.version, package.source_version):
                    wrong.add((one.name, one.version, package.source_version.split("-")[0]))
    assert sources <= found | {"wpa"}
    # What these say of themselves: bash counts its patches, iproute2 5.10.0 kept the number of the
    # release before it, wpa's own number has no third place.
    assert wrong <= {
        ("bash", "5.1.4", "5.1"),
        ("iproute2", "5.9.0", "5.10.0"),
        ("wpa_supplicant", "2.9", "2:2.9.0"),
        ("hostapd", "2.9", "2:2.9.0"),
    }


def _text_of(library: str, function: str) -> str:
    """Python that prints what a function of a bundled library returns."""
    return (
        f"f = ctypes.CDLL(glob.glob({library!r})[0]).{function};"
        "f.restype = ctypes.c_char_p; v = f(0).decode()"
    )


ASKED: dict[str, dict[str, str]] = {
    "cryptography": {
        "openssl": "from cryptography.hazmat.backends.openssl.backend import backend as b;"
        "v = b.openssl_version_text().split()[1]",
    },
    "lxml": {
        "zlib": _text_of("lxml/etree.*.so", "zlibVersion"),
        "libxml2": "import lxml.etree as e; v = '.'.join(map(str, e.LIBXML_VERSION))",
        "libxslt": "import lxml.etree as e; v = '.'.join(map(str, e.LIBXSLT_VERSION))",
    },
    "lz4": {"lz4": "import lz4; v = lz4.library_version_string()"},
    "pillow": {
        "freetype": "from PIL import features as f; v = f.version('freetype2')",
        "harfbuzz": "from PIL import features as f; v = f.version('harfbuzz')",
        "lcms2": "from PIL import features as f; v = f.version('littlecms2')",
        "libjpeg-turbo": "from PIL import features as f; v = f.version('libjpeg_turbo')",
        "libwebp": "from PIL import features as f; v = f.version('webp')",
        "openjpeg": "from PIL import features as f; v = f.version('jpg_2000')",
        "tiff": "from PIL import features as f; v = f.version('libtiff')",
        "xz": _text_of("pillow.libs/liblzma-*", "lzma_version_string"),
    },
    "psycopg2_binary": {
        "openssl": _text_of("psycopg2_binary.libs/libcrypto-*", "OpenSSL_version") + ".split()[1]",
        "postgresql": "import psycopg2; v = str(psycopg2.__libpq_version__ / 10000)",
    },
    # Nothing is left in it to ask; its change log names this one.
    "PyNaCl": {"libsodium": "v = '1.0.18'"},
    "pyzmq": {
        "libsodium": _text_of("pyzmq.libs/libsodium-*", "sodium_version_string"),
        "zeromq": "import zmq; v = zmq.zmq_version()",
    },
    "PyYAML": {"libyaml": "from yaml import _yaml; v = _yaml.get_version_string()"},
    "uvloop": {
        "libuv": "from uvloop.loop import libuv_get_version as g; n = g();"
        "v = f'{n >> 16}.{n >> 8 & 255}.{n & 255}'",
    },
    "zstandard": {"zstd": "import zstandard; v = '.'.join(map(str, zstandard.ZSTD_VERSION))"},
}
"""Wheel → component → Python that asks the software itself for its version."""


@dataclass(frozen=True)
class Wheel:
    name: str
    truth: dict[str, str]
    found: list[ComponentSighting]


@pytest.fixture(scope="module")
def answered(tmp_path_factory: pytest.TempPathFactory) -> list[Wheel]:
    if sys.version_info[:2] != (3, 11) or "x86_64" not in os.uname().machine:
        pytest.skip("the wheels are for CPython 3.11 on x86-64: no other can run them")
    return [_answered(path, tmp_path_factory.mktemp("wheel")) for path in wheels()]


def _answered(wheel: Path, folder: Path) -> Wheel:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    truth = _asked(ASKED[wheel.name.split("-")[0]], folder)
    elves = [path for path in sorted(folder.rglob("*")) if _is_elf(path)]
    found = [one for path in elves for one in _seen(path.read_bytes(), path.name, Kind.ELF)]
    return Wheel(wheel.name, truth, found)


def _asked(questions: dict[str, str], folder: Path) -> dict[str, str]:
    lines = ["import sys, glob, ctypes", "sys.path.insert(0, '.')"]
    for component, question in questions.items():
        lines += [question, f"print({component!r}, v)"]
    words = [sys.executable, "-W", "ignore", "-c", "\n".join(lines)]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def test_no_version_in_a_wheel_contradicts_the_software_itself(answered: list[Wheel]) -> None:
    compared = 0
    for wheel in answered:
        for one in wheel.found:
            if one.name in wheel.truth and one.version:
                compared += 1
                assert one.version == wheel.truth[one.name], (wheel.name, one.name)
    assert compared >= 16


def test_libraries_in_wheels_are_found_where_they_name_themselves(answered: list[Wheel]) -> None:
    asked = {(wheel.name, name) for wheel in answered for name in wheel.truth}
    named = {(wheel.name, one.name) for wheel in answered for one in wheel.found}
    versioned = {(wheel.name, one.name) for wheel in answered for one in wheel.found if one.version}
    # What is linked in without any text that names it is for signatures of code to find.
    assert len(asked & named) / len(asked) >= 0.70, sorted(asked - named)
    assert len(asked & versioned) / len(asked) >= 0.66, sorted(asked - versioned)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("libssl.so.3", ("libssl.so.3",)),
        (
            "libpq-e8a033dd.so.5.16",
            ("libpq-e8a033dd.so.5.16", "libpq.so.5.16", "libpq.so.5"),
        ),
        ("libnl-route-3.so.200", ("libnl-route-3.so.200",)),
        ("libabc-12345678.so", ("libabc-12345678.so",)),
    ],
)
def test_names_of_bundled_libraries_are_read_back(name: str, expected: tuple[str, ...]) -> None:
    assert spellings(name) == expected


TEXTS = [
    pytest.param(component, pattern.seen, pattern.version, id=f"{component.name}-{pattern.version}")
    for component in load_version_strings().components
    if not component.beside
    for pattern in component.texts
]


@pytest.mark.parametrize(("component", "text", "version"), TEXTS)
def test_every_known_text_is_found_where_it_stands(
    component: Component, text: str, version: str
) -> None:
    planted = text.encode("latin-1")
    data = b"\x01" * 500 + b"\x00" + planted + b"\x00" * 3
    found = [one for one in _seen(data, "data.bin", Kind.DATA) if one.name == component.name]
    assert [one.version for one in found] == [version]
    offset = found[0].evidence[0].offset
    assert offset is not None
    assert 501 <= offset < 501 + len(planted)


@pytest.mark.parametrize("magic", [b"\xde\x12\x04\x95", b"\x95\x04\x12\xde"])
def test_translations_of_programs_are_no_programs(magic: bytes) -> None:
    banner = b"\x00OpenSSL 3.0.17 1 Jul 2025\x00BusyBox v1.35.0 (2024)\x00"
    file = File(path="thing.mo", kind=Kind.DATA, sha256="00" * 32, size=24 + len(banner))
    for head, seen in ((bytes(24), True), (magic + bytes(20), False)):
        content = Content(memoryview(head + banner), lambda _: "")
        assert bool(list(EXAMINER.examine(content, file))) is seen


def test_a_scan_that_was_broken_off_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.examine.recognition.scan._MOST_HITS", 10)
    file = File(path="data.bin", kind=Kind.DATA, sha256="00" * 32, size=1)
    content = Content(memoryview(b"\x001.2.3\x00" * 50), lambda _: "")
    assert [type(one) for one in EXAMINER.examine(content, file)] == [Unmeasured]


def test_features_of_a_linked_library_in_a_program_of_another_are_its_callers(
    image: Router,
) -> None:
    """Python's interpreter holds pyexpat, which carries expat's error texts and links to it."""
    path = image.root / "usr/bin/python3.11"
    needed = subprocess.run(["readelf", "-d", path], capture_output=True, text=True, check=True)
    assert "libexpat.so.1" in needed.stdout
    file = File(path="usr/bin/python3.11", kind=Kind.ELF, sha256="00" * 32, size=1)
    content = Content(memoryview(path.read_bytes()), lambda _: "")
    names = {
        one.name for one in EXAMINER.examine(content, file) if isinstance(one, ComponentSighting)
    }
    assert "python" in names
    assert "expat" not in names


def test_text_files_are_not_looked_at() -> None:
    assert not EXAMINER.wants(File(path="usr/share/doc/thing/NEWS", kind=Kind.TEXT))


@unhurried
@given(st.binary(max_size=2000), st.sampled_from([Kind.ELF, Kind.PE, Kind.MACHO, Kind.DATA]))
def test_no_bytes_are_too_odd(data: bytes, kind: Kind) -> None:
    _seen(ELF + data, "thing", kind)
    _seen(data, "thing", kind)


@unhurried
@given(st.data())
def test_broken_executables_still_speak(image: Router, data: st.DataObject) -> None:
    """Whatever is cut off or overwritten outside of it, the banner is found."""
    whole = (image.root / "bin/busybox").read_bytes()
    banner = whole.index(b"BusyBox v1.")
    cut = data.draw(st.integers(banner + 200, len(whole)))
    at = data.draw(st.integers(0, 4000))
    noise = data.draw(st.binary(min_size=1, max_size=64))
    broken = whole[:at] + noise + whole[at + len(noise) : cut]
    assert "busybox" in {one.name for one in _seen(broken, "bin/busybox", Kind.ELF)}
