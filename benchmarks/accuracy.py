"""How right the components examiner is, on material whose truth is known from its packages.

`python -m benchmarks.accuracy [MATERIAL…] [--signatures] [--detail]`: materials are router-armhf,
router-amd64, router-mips64el, static, linked, wheels; without one, all that can be had here.
`--signatures` leaves out the texts that name a version; `--detail` lists what is wrong or missed.

A file's truth is the component that its package was built from, with the upstream's version. What
else a file rightly carries is listed in `BUNDLED`, seen in the package's own source or exports.
"Three releases at most" counts the known releases that a statement allows; one that is open
towards newer ones counts all known ones from its start.
"""

import json
import re
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from assay.examine.components import EXAMINER
from assay.examine.contract import Content
from assay.examine.recognition.signatures import by_signatures
from assay.examine.recognition.subject import subject
from assay.knowledge.signatures import load_signatures, shipped_snapshot
from assay.knowledge.signatures.versions import version_key
from assay.knowledge.version_strings import load_version_strings
from assay.model.observations import ComponentSighting
from assay.model.tree import File, Kind
from tests.corpus import CorpusError, router, static_binaries, wheels
from tests.corpus.linked import linked

ALIASES = {
    "glib2.0": "glib", "gnutls28": "gnutls", "libgcrypt20": "libgcrypt", "lua5.3": "lua",
    "lua5.4": "lua", "libuv1": "libuv", "xz-utils": "xz", "libnl3": "libnl", "libzstd": "zstd",
    "sqlite3": "sqlite", "bind9": "bind", "libyang2": "libyang", "libonig": "oniguruma",
    "libtasn1-6": "libtasn1", "gnupg2": "gnupg", "pcre3": "pcre", "libpng1.6": "libpng",
    "cyrus-sasl2": "cyrus-sasl", "apache2": "apache-httpd", "wpa": "hostapd",
}  # fmt: skip

BUNDLED = {
    ("samba", "talloc"), ("samba", "tdb"), ("samba", "tevent"), ("samba", "ldb"),
    ("python3.11", "expat"), ("python3.11", "mpdecimal"), ("python3.11", "libffi"),
    ("bash", "readline"), ("wpa", "wpa_supplicant"), ("wpa", "hostapd"),
    ("ppp", "tdb"),  # pppd/tdb.c
    ("e2fsprogs", "tdb"),  # lib/ext2fs/tdb.c
    ("openldap", "lmdb"),  # libraries/liblmdb
    ("mosquitto", "libwebsockets"),  # linked statically: the program exports lws_*
    ("libfastjson", "json-c"),  # a fork of it
}  # fmt: skip

# Files in the wheels → what was linked into them, from the projects' own release notes and build
# scripts; an empty version is not known.
WHEELS: dict[str, dict[str, str]] = {
    r"cryptography-3\.4\.8.*_openssl": {"openssl": "1.1.1l"},
    r"cryptography-36\.0\.2.*_openssl": {"openssl": "1.1.1n"},
    r"cryptography-41\.0\.7.*_rust": {"openssl": "3.1.4"},
    r"cryptography-46\.0\.3.*_rust": {"openssl": "3.5.4"},
    r"lxml.*/(etree|objectify)\.": {"libxml2": "2.12.9", "libxslt": "1.1.42", "zlib": ""},
    r"PyNaCl.*_sodium": {"libsodium": "1.0.18"},
    r"PyYAML.*_yaml": {"libyaml": "0.2.5"},
    r"lz4-.*/_(frame|block|version)": {"lz4": "1.9.4"},
    r"zstandard-.*": {"zstd": "1.5.6"},
    r"pyzmq.*libzmq": {"zeromq": "4.3.5"},
    r"pyzmq.*libsodium": {"libsodium": "1.0.19"},
    r"uvloop.*/loop": {"libuv": ""},
    r"pillow.*libbrotli": {"brotli": "1.1.0"},
    r"pillow.*liblcms2": {"lcms2": "2.16"},
    r"pillow.*libjpeg": {"libjpeg-turbo": "3.0.3"},
    r"pillow.*libopenjp2": {"openjpeg": "2.5.2"},
    r"pillow.*libpng16": {"libpng": "1.6.43"},
    r"pillow.*libtiff": {"tiff": "4.6.0"},
    r"pillow.*lib(webp|sharpyuv)": {"libwebp": "1.4.0"},
    r"pillow.*libharfbuzz": {"harfbuzz": "8.5.0"},
    r"pillow.*libfreetype": {"freetype": "2.13.2", "bzip2": ""},
    r"pillow.*liblzma": {"xz": "5.4.5"},
    r"psycopg2.*lib(krb5|gssapi|k5crypto)": {"krb5": ""},
    r"psycopg2.*lib(ssl|crypto)": {"openssl": ""},
    r"psycopg2.*lib(ldap|lber)": {"openldap": ""},
    r"psycopg2.*libsasl2": {"cyrus-sasl": ""},
    r"psycopg2.*libkeyutils": {"keyutils": ""},
    r"psycopg2.*libpcre": {"pcre": ""},
    r"psycopg2.*libcom_err": {"e2fsprogs": ""},
}
STATIC = {
    "busybox": {"busybox": "1.35.0"},
    "bash-static": {"bash": "5.2.15", "ncurses": ""},
    "ldconfig": {},
    "sash": {"zlib": ""},
    "tini-static": {},
}


@dataclass(frozen=True)
class Case:
    """One file with what is in it: component → upstream version (empty where not known)."""

    material: str
    path: Path
    truth: dict[str, str]
    source: str = ""


@dataclass
class Score:
    right: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    inside: int = 0
    outside: list[str] = field(default_factory=list)
    narrow: int = 0
    exact: int = 0
    open_end: int = 0
    best: dict[str, tuple[int, bool]] = field(default_factory=dict)
    components: set[str] = field(default_factory=set)
    found_components: set[str] = field(default_factory=set)
    seconds: float = 0
    size: int = 0


def component_of(source: str) -> str:
    names = load_version_strings().names()
    return ALIASES.get(source) or names.get(source, source)


def upstream(version: str) -> str:
    """Debian's version → the upstream's."""
    bare = version.split(":", 1)[-1]
    bare = bare.rsplit("-", 1)[0] if "-" in bare else bare
    bare = re.split(r"[+~](?:dfsg|ds|git|really|repack)|\.dfsg", bare)[0]
    return bare.split("+", 1)[0].replace("~", "").removesuffix("-stable")


def router_cases(arch: str) -> Iterator[Case]:
    made = router(arch)
    for package in json.loads(made.truth.read_text()):
        name, version = component_of(package["source"]), upstream(package["source_version"])
        for file in package["files"]:
            path = made.root / file
            if path.is_file() and not path.is_symlink() and is_elf(path) and not table(file):
                yield Case(f"router-{arch}", path, {name: version}, package["source"])


def static_cases() -> Iterator[Case]:
    for arch in ("amd64", "armhf", "mipsel"):
        for path in static_binaries(arch):
            if path.name in STATIC:
                yield Case(f"static-{arch}", path, STATIC[path.name] | {"glibc": "2.36"})


def linked_cases() -> Iterator[Case]:
    for one in linked():
        yield Case("linked", one.path, one.truth | {"glibc": "2.36"})


def wheel_cases(folder: Path) -> Iterator[Case]:
    for wheel in wheels():
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if re.search(r"\.so(\.|$)", name):
                    place = folder / wheel.stem / name
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(archive.read(name))
                    told = f"{wheel.name}/{name}"
                    truth = [t for pattern, t in WHEELS.items() if re.search(pattern, told)]
                    yield Case("wheels", place, truth[0] if truth else {})


def table(file: str) -> bool:
    """glibc's converters of character sets: some 260 files that hold a table each and no text."""
    return "/gconv/" in file


def is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def sightings(case: Case, *, signatures_only: bool) -> list[ComponentSighting]:
    data = memoryview(case.path.read_bytes())
    file = File(path=case.path.name, kind=Kind.ELF, sha256="0" * 64, size=len(data))
    if signatures_only:
        return list(by_signatures()(subject(data, file)))
    found = EXAMINER.examine(Content(data, lambda value: ""), file)
    return [one for one in found if isinstance(one, ComponentSighting)]


def releases() -> dict[str, list[str]]:
    return load_signatures().releases()


def within(version: str, one: ComponentSighting, known: list[str]) -> bool:
    if one.version:
        return one.version.removesuffix("-stable") == version or same(version, one.version, known)
    key = version_key(version)
    return version_key(one.low) <= key and (
        not one.high or key <= version_key(one.high) or same(version, one.high, known)
    )


def same(version: str, found: str, known: list[str]) -> bool:
    """A patch level that upstream does not tag belongs to the release before it."""
    return version not in known and version.startswith((f"{found}.", f"{found}-", f"{found}p"))


def width(one: ComponentSighting, known: list[str]) -> int:
    """How many known releases an interval holds."""
    if one.version:
        return 1
    low, high = version_key(one.low), version_key(one.high or known[-1])
    return sum(low <= version_key(version) <= high for version in known)


def judge(
    case: Case, found: list[ComponentSighting], known: dict[str, list[str]], score: Score
) -> None:
    names = {one.name for one in found}
    for name in names - case.truth.keys():
        if (case.source, name) not in BUNDLED:
            score.wrong.append(f"{case.path.name} ({case.source or case.material}): {name}")
    for name, version in case.truth.items():
        if name not in known:
            continue
        score.components.add(name)
        mine = [one for one in found if one.name == name]
        if not mine:
            score.missed.append(f"{case.path.name}: {name}")
            continue
        score.right += 1
        score.found_components.add(name)
        best = max(mine, key=lambda one: one.confidence)
        if not version:
            continue
        wide = width(best, known[name])
        right = within(version, best, known[name])
        score.best[name] = min(score.best.get(name, (wide, right)), (wide, right))
        if right:
            score.inside += 1
            score.narrow += wide <= 3
            score.exact += wide == 1
            score.open_end += not best.version and not best.high
        else:
            said = best.version or f"{best.low}..{best.high}"
            score.outside.append(f"{case.path.name}: {name} {version}, said {said}")


def measure(cases: Iterable[Case], *, signatures_only: bool) -> Score:
    score, known = Score(), releases()
    for case in cases:
        start = time.perf_counter()
        found = sightings(case, signatures_only=signatures_only)
        score.seconds += time.perf_counter() - start
        score.size += case.path.stat().st_size
        judge(case, found, known, score)
    return score


def show(material: str, score: Score) -> None:
    named = score.inside + len(score.outside)
    pairs = score.right + len(score.wrong)

    def share(part: int, whole: int) -> str:
        return f"{part}/{whole} ({part / whole:.1%})" if whole else "-"

    print(f"## {material}\n")
    print(f"- precision (file, component): {share(score.right, pairs)}")
    print(f"- recall by file: {share(score.right, score.right + len(score.missed))}")
    print(f"- recall by component: {share(len(score.found_components), len(score.components))}")
    print(f"- true release inside what is stated: {share(score.inside, named)}")
    print(f"- of these exact or three releases at most: {share(score.narrow, named)}")
    print(f"- exact: {share(score.exact, named)}; open towards newer: {score.open_end}")
    inside = [wide for wide, right in score.best.values() if right]
    print(
        f"- by component, its narrowest statement: inside {share(len(inside), len(score.best))}, "
        f"three at most {share(sum(wide <= 3 for wide in inside), len(score.best))}"
    )
    rate = score.size / 1e6 / score.seconds if score.seconds else 0
    print(f"- {score.size / 1e6:.0f} MB in {score.seconds:.1f} s ({rate:.0f} MB/s)\n")


def materials(folder: Path) -> dict[str, Callable[[], Iterable[Case]]]:
    routers = {
        f"router-{arch}": partial(router_cases, arch) for arch in ("armhf", "amd64", "mips64el")
    }
    return {
        **routers,
        "static": static_cases,
        "linked": linked_cases,
        "wheels": partial(wheel_cases, folder),
    }


def main(words: list[str]) -> int:
    if shipped_snapshot() is None:
        print("no shipped snapshot", file=sys.stderr)
        return 1
    chosen = [word for word in words if not word.startswith("--")]
    with tempfile.TemporaryDirectory() as folder:
        for material, cases in materials(Path(folder)).items():
            if chosen and material not in chosen:
                continue
            try:
                score = measure(cases(), signatures_only="--signatures" in words)
            except CorpusError as error:
                print(f"{material}: {error}", file=sys.stderr)
                continue
            show(material, score)
            if "--detail" in words:
                for label in ("wrong", "missed", "outside"):
                    print(label, *getattr(score, label), sep="\n   ")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
