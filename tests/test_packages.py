"""Package databases, held against the package managers' own answers."""

import email.parser
import json
import os
import re
import shutil
import sqlite3
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packageurl import PackageURL

from assay.examine.components import EXAMINER as RECOGNISER
from assay.examine.contract import Content
from assay.examine.package_databases.versions import of_apk, of_deb, of_opkg
from assay.examine.packages import EXAMINER
from assay.intake.kinds import HEAD_BYTES, kind_of
from assay.knowledge.version_strings import load_version_strings
from assay.model.observations import ComponentSighting, Observation, Unmeasured
from assay.model.tree import File, Kind
from tests.corpus import debs, router, wheels

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = load_version_strings().names()
DPKG = "var/lib/dpkg/status"
OPKG = "usr/lib/opkg/status"
APK = "lib/apk/db/installed"
RPM = "var/lib/rpm/rpmdb.sqlite"
BERKELEY = "var/lib/rpm/Packages"
PYTHON = "usr/lib/python3/site-packages/thing-1.0.dist-info/METADATA"
NODE = "opt/app/node_modules/@scope/thing/package.json"


def _seen(data: bytes, path: str, kind: Kind | None = None) -> list[Observation]:
    kind = kind or kind_of(data[:HEAD_BYTES])
    file = File(path=path, kind=kind, sha256="00" * 32, size=len(data))
    assert EXAMINER.wants(file), (path, kind)
    return list(EXAMINER.examine(Content(memoryview(data), lambda _: ""), file))


def _components(found: list[Observation]) -> list[ComponentSighting]:
    return [one for one in found if isinstance(one, ComponentSighting)]


def _why(found: list[Observation]) -> str:
    return " ".join(one.why for one in found if isinstance(one, Unmeasured))


def _purls(found: list[Observation]) -> list[str]:
    return [one.purl for one in _components(found)]


@pytest.mark.skipif(not Path("/var/lib/dpkg/status").exists(), reason="no dpkg database here")
def test_dpkg_status_agrees_with_dpkg_query() -> None:
    fields = ("Package", "Version", "Architecture", "source:Package", "source:Upstream-Version")
    form = "\\t".join(f"${{{name}}}" for name in (*fields, "db:Status-Status")) + "\\n"
    words = ["dpkg-query", "-W", "-f", form]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    rows = [line.split("\t") for line in shown.splitlines()]
    truth = {(name, version, arch): rest for name, version, arch, *rest in rows}
    installed = {key: rest for key, rest in truth.items() if rest[-1] == "installed"}

    data = Path("/var/lib/dpkg/status").read_bytes()
    found = _components(_seen(data, DPKG))
    by_purl = {_identity(one.purl): one for one in found}
    assert set(by_purl) == set(installed)
    for key, one in by_purl.items():
        source, upstream, _ = installed[key]
        assert one.name in {NAMES.get(source), NAMES.get(key[0]), source}
        assert _is_upstream(one.version, upstream), (one, upstream)
        assert PackageURL.from_string(one.purl).namespace == "debian"
        offset = one.evidence[0].offset
        assert offset is not None
        assert data[offset:].startswith(f"Package: {key[0]}\n".encode())


def _identity(purl: str) -> tuple[str, str, str]:
    parsed = PackageURL.from_string(purl)
    assert parsed.type == "deb"
    assert isinstance(parsed.qualifiers, dict)
    return parsed.name, parsed.version or "", parsed.qualifiers["arch"]


def _is_upstream(version: str, upstream: str) -> bool:
    """The same, but for marks of repacking and days of snapshots that Debian adds."""
    if "+really" in upstream:
        return upstream.split("+really")[1].startswith(version)
    return re.fullmatch(rf"{re.escape(version)}([.+~][a-z0-9].*)?", upstream) is not None


def test_database_and_files_do_not_make_two_versions_of_one_component() -> None:
    """What the files say, by version strings, is what the database that described them says."""
    image = router("armhf")
    truth = json.loads(image.truth.read_text())
    status = "\n".join(
        f"Package: {one['package']}\nStatus: install ok installed\nVersion: {one['version']}\n"
        f"Source: {one['source']} ({one['source_version']})\n"
        for one in truth
    )
    listed: dict[str, set[str]] = {}
    for one in _components(_seen(status.encode(), DPKG)):
        listed.setdefault(one.name, set()).add(one.version)
    assert sum(len(versions) for versions in listed.values()) == len(listed)

    said = {(one.name, one.version) for one in _recognised(image.root) if one.version}
    both = {(name, version) for name, version in said if name in listed}
    differ = {(name, version) for name, version in both if listed[name] != {version}}
    assert len(both) > 130
    # Copies of other releases than the packages of their own: LMDB in OpenLDAP's server, BIND's
    # libraries in ISC DHCP (its source brings bind-9.11.36.tar.gz), tdb in pppd.
    assert differ <= {("lmdb", "0.9.29"), ("bind", "9.11.36"), ("tdb", "1.1.3")}


def _recognised(root: Path) -> Iterator[ComponentSighting]:
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        data = path.read_bytes()
        if data[:4] == b"\x7fELF":
            name = path.relative_to(root).as_posix()
            file = File(path=name, kind=Kind.ELF, sha256="00" * 32, size=len(data))
            content = Content(memoryview(data), lambda _: "")
            for one in RECOGNISER.examine(content, file):
                assert isinstance(one, ComponentSighting)
                yield one


def test_dpkg_tells_only_what_is_installed() -> None:
    status = (
        b"Package: removed\nStatus: deinstall ok config-files\nVersion: 1.0-1\n\n"
        b"Package: held\nStatus: hold ok installed\nArchitecture: armhf\nVersion: 2:1.2-3\n\n"
        b"Package: half\nStatus: install ok half-configured\nVersion: 1.0-1\n"
    )
    assert _purls(_seen(status, DPKG)) == ["pkg:deb/debian/held@2:1.2-3?arch=armhf"]


def test_dpkg_of_images_without_dpkg() -> None:
    """Distroless images keep a package's control file without a status."""
    (deb,) = debs("armhf", ["zlib1g"])
    words = ["dpkg-deb", "-f", str(deb)]
    control = subprocess.run(words, capture_output=True, check=True).stdout
    (zlib,) = _components(_seen(control, "var/lib/dpkg/status.d/zlib1g"))
    assert (zlib.name, zlib.version) == ("zlib", "1.2.13")
    assert zlib.purl.startswith("pkg:deb/debian/zlib1g@1:1.2.13.dfsg-")
    sums = File(path="var/lib/dpkg/status.d/zlib1g.md5sums", kind=Kind.TEXT)
    assert not EXAMINER.wants(sums)


def test_ubuntu_has_its_own_namespace() -> None:
    status = b"Package: bash\nArchitecture: amd64\nVersion: 5.1-6ubuntu1.1\n"
    assert _purls(_seen(status, DPKG)) == ["pkg:deb/ubuntu/bash@5.1-6ubuntu1.1?arch=amd64"]


OPKG_STATUS = b"""Package: libopenssl
Version: 1.0.1h-1
Depends: libc, zlib
Status: install user installed
Architecture: ar71xx
Installed-Time: 1408452377

Package: kernel
Version: 3.3.8-1-d6597ebf6203328d3519ea3c3371a493
Status: install user installed
Architecture: ar71xx

Package: gone
Version: 1.0-1
Status: deinstall user not-installed
Architecture: ar71xx
"""
OPKG_CONTROL = b"""Package: libopenssl
Version: 1.0.1h-1
Depends: libc, zlib
Source: package/libs/openssl
Section: libs
Architecture: ar71xx
Maintainer: OpenWrt Developers Team <openwrt-devel@example.org>
Installed-Size: 657532
Description:  The OpenSSL Project.
"""


def test_opkg_status() -> None:
    ssl, kernel = _components(_seen(OPKG_STATUS, OPKG))
    assert (ssl.name, ssl.version) == ("openssl", "1.0.1h")
    assert ssl.purl == "pkg:opkg/libopenssl@1.0.1h-1?arch=ar71xx"
    assert (kernel.name, kernel.version) == ("linux", "3.3.8")
    assert kernel.evidence[0].offset == OPKG_STATUS.index(b"Package: kernel")


def test_opkg_control_tells_the_same_package_and_its_supplier() -> None:
    (control,) = _components(_seen(OPKG_CONTROL, "usr/lib/opkg/info/libopenssl.control"))
    status = _components(_seen(OPKG_STATUS, "var/lib/opkg/status"))[0]
    assert (control.name, control.version, control.purl) == (
        status.name,
        status.version,
        status.purl,
    )
    assert control.supplier == "OpenWrt Developers Team"


def test_opkg_of_yocto_names_its_recipe() -> None:
    control = (
        b"Package: libz1\nVersion: 1.2.11-r0\nArchitecture: cortexa9\nSource: zlib_1.2.11.bb\n"
    )
    (zlib,) = _components(_seen(control, "var/lib/opkg/info/libz1.control"))
    assert (zlib.name, zlib.version) == ("zlib", "1.2.11")


APK_INSTALLED = b"""C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=
P:ssl_client
V:1.35.0-r29
A:armv7
S:4970
I:28672
T:External ssl_client for busybox wget
U:https://busybox.net/
L:GPL-2.0-only
o:busybox
m:Natanael Copa <ncopa@example.org>
t:1668852790
c:1dbf7a793afae640ea643a055b6dd4f430ac116b
F:usr
F:usr/bin
R:ssl_client
a:0:0:755

C:Q1rHjd4nSxbIsBBkGIFMDTOCHhP2I=
P:openssh-server
V:9.3_p2-r0
A:armv7
o:openssh
"""


def test_apk() -> None:
    busybox, openssh = _components(_seen(APK_INSTALLED, APK))
    assert (busybox.name, busybox.version) == ("busybox", "1.35.0")
    assert busybox.purl == "pkg:apk/alpine/ssl_client@1.35.0-r29?arch=armv7"
    assert busybox.supplier == "Natanael Copa"
    assert (openssh.name, openssh.version) == ("openssh", "9.3p2")
    assert openssh.evidence[0].offset == APK_INSTALLED.rindex(b"C:Q1")


@pytest.mark.parametrize(
    ("debian", "upstream"),
    [
        ("1:9.2p1-2+deb12u7", "9.2p1"),
        ("1:1.2.13.dfsg-1", "1.2.13"),
        ("5.6.1+really5.4.5-1", "5.4.5"),
        ("252.39-1~deb12u2", "252.39"),
        ("2.4.57+dfsg-3+deb12u1", "2.4.57"),
        ("30+20221128-1", "30"),
        ("3.1-20221030-2", "3.1-20221030"),
        ("3.0~rc1-1", "3.0~rc1"),
        ("20230311+deb12u1", "20230311"),
        ("1.23.1-1+deb12u1+b1", "1.23.1"),
    ],
)
def test_upstream_versions_of_debian(debian: str, upstream: str) -> None:
    assert of_deb(debian) == upstream


def test_upstream_versions_of_others() -> None:
    assert of_opkg("2.80-16.1") == "2.80"
    assert of_opkg("1.35.0-r5") == "1.35.0"
    assert of_opkg("2020-11-20-e4a1c3d5-1") == "2020-11-20-e4a1c3d5"
    assert of_apk("1.9.13_p3-r1") == "1.9.13p3"
    assert of_apk("3.0_rc1-r0") == "3.0_rc1"


SPEC = """Name: {name}
Epoch: {epoch}
Version: {version}
Release: 7%{{?dist}}
Summary: A thing
License: MIT
Vendor: {vendor}
BuildArch: noarch
%description
A thing.
%files
"""
needs_rpm = pytest.mark.skipif(not shutil.which("rpmbuild"), reason="rpm is not installed")


@pytest.fixture(scope="module")
def rpm_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that rpm itself made of packages that it built itself."""
    folder = tmp_path_factory.mktemp("rpm")
    things = (("busybox", 0, "1.35.0", "Fedora Project"), ("thing", 3, "2.0~rc1", "Acme"))
    for name, epoch, version, vendor in things:
        spec = folder / f"{name}.spec"
        spec.write_text(SPEC.format(name=name, epoch=epoch, version=version, vendor=vendor))
        _run("rpmbuild", "--quiet", "-bb", f"-D_topdir {folder}", str(spec))
    built = sorted(str(path) for path in (folder / "RPMS").rglob("*.rpm"))
    _run("rpm", "--dbpath", str(folder / "db"), "-i", "--justdb", "--nodeps", *built)
    return folder / "db"


def _run(*words: str, **options: str) -> str:
    done = subprocess.run(
        words, capture_output=True, text=True, check=True, env=os.environ | options
    )
    return done.stdout


@needs_rpm
def test_rpm_agrees_with_rpm(rpm_database: Path) -> None:
    form = "%{NAME}\\t%{VERSION}\\t%{RELEASE}\\t%{EPOCH}\\t%{ARCH}\\t%{VENDOR}\\n"
    shown = _run("rpm", "--dbpath", str(rpm_database), "-qa", "--qf", form)
    truth = sorted(line.split("\t") for line in shown.splitlines())
    assert len(truth) == 2
    found = _components(_seen((rpm_database / "rpmdb.sqlite").read_bytes(), RPM))
    told = sorted(_rpm_row(one) for one in found)
    assert told == truth
    assert {one.name: PackageURL.from_string(one.purl).namespace for one in found} == {
        "busybox": "fedora",
        "thing": None,
    }


def _rpm_row(one: ComponentSighting) -> list[str]:
    purl = PackageURL.from_string(one.purl)
    assert isinstance(purl.qualifiers, dict)
    version, release = (purl.version or "").split("-")
    assert version == one.version
    return [
        purl.name,
        version,
        release,
        purl.qualifiers.get("epoch", "0"),
        purl.qualifiers["arch"],
        one.supplier,
    ]


@pytest.fixture(scope="module")
def berkeley_database(rpm_database: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The same headers in a hash that Berkeley DB's own loader made."""
    folder = tmp_path_factory.mktemp("berkeley")
    arch = _run("dpkg", "--print-architecture").strip()
    for deb in debs(arch, ["db5.3-util", "libdb5.3"]):
        _run("dpkg-deb", "-x", str(deb), str(folder))
    database = sqlite3.connect(rpm_database / "rpmdb.sqlite")
    blobs = [blob for (blob,) in database.execute("SELECT blob FROM Packages")]
    database.close()
    lines = ["VERSION=3", "format=bytevalue", "type=hash", "db_pagesize=512", "HEADER=END"]
    lines += [" 00000000", " 02000000"]  # RPM keeps the last number under the key 0
    for number, blob in enumerate(blobs, 1):
        lines += [f" {number.to_bytes(4, 'little').hex()}", f" {blob.hex()}"]
    (folder / "dump").write_text("\n".join([*lines, "DATA=END", ""]))
    (libraries,) = (str(path.parent) for path in folder.rglob("libdb-5.3.so"))
    loader = str(next(folder.rglob("db5.3_load")))
    target = str(folder / "Packages")
    _run(loader, "-f", str(folder / "dump"), target, LD_LIBRARY_PATH=libraries)
    return Path(target).read_bytes()


@needs_rpm
def test_rpm_in_berkeley_db_tells_the_same(rpm_database: Path, berkeley_database: bytes) -> None:
    in_sqlite = _purls(_seen((rpm_database / "rpmdb.sqlite").read_bytes(), RPM))
    assert sorted(_purls(_seen(berkeley_database, BERKELEY))) == sorted(in_sqlite)
    assert len(in_sqlite) == 2


@needs_rpm
@unhurried
@given(st.data())
def test_damaged_rpm_databases_are_told(
    rpm_database: Path, berkeley_database: bytes, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from([RPM, BERKELEY]))
    whole = berkeley_database
    if path == RPM:
        whole = (rpm_database / "rpmdb.sqlite").read_bytes()
    damaged = bytearray(whole[: data.draw(st.integers(64, len(whole)))])
    for _ in range(8):
        damaged[data.draw(st.integers(32, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    assert len(_components(_seen(bytes(damaged), path, Kind.DATA))) <= 2


def test_chains_of_pages_that_bite_their_tail_end() -> None:
    page = 512
    meta = bytearray(page)
    meta[12:16], meta[20:24], meta[25] = b"\x61\x15\x06\x00", page.to_bytes(4, "little"), 8
    entry = bytearray(page)
    entry[20:22], entry[25] = b"\x02\x00", 13
    entry[26:30] = (508).to_bytes(2, "little") + (496).to_bytes(2, "little")
    entry[496:508] = b"\x03\x00\x00\x00" + b"\x02\x00\x00\x00" + (1 << 20).to_bytes(4, "little")
    chain = bytearray(page)
    chain[16:20], chain[22:24], chain[25] = b"\x02\x00\x00\x00", b"\x10\x00", 7
    assert "page 2" in _why(_seen(bytes(meta + entry + chain), BERKELEY, Kind.DATA))


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW Packages AS WITH RECURSIVE r(blob) AS"
        " (SELECT x'00' UNION ALL SELECT blob FROM r) SELECT blob FROM r",
        "CREATE TABLE Other (blob BLOB)",
    ],
)
def test_sqlite_without_rpms_table_is_told(tmp_path: Path, statement: str) -> None:
    database = sqlite3.connect(tmp_path / "rpmdb.sqlite")
    database.execute(statement)
    database.commit()
    database.close()
    found = _seen((tmp_path / "rpmdb.sqlite").read_bytes(), RPM)
    assert not _components(found)
    assert "table of packages" in _why(found)


def test_rpm_forms_that_are_not_read_are_told() -> None:
    assert "ndb" in _why(_seen(b"RpmP" + bytes(60), "usr/lib/sysimage/rpm/Packages.db", Kind.DATA))
    assert "unknown form" in _why(_seen(bytes(64), BERKELEY, Kind.DATA))


def test_python_metadata_agrees_with_the_email_parser() -> None:
    for wheel in wheels():
        with zipfile.ZipFile(wheel) as archive:
            (path,) = (name for name in archive.namelist() if name.endswith("dist-info/METADATA"))
            metadata = archive.read(path)
        truth = email.parser.BytesParser().parsebytes(metadata)
        (one,) = _components(_seen(metadata, path))
        normal = re.sub(r"[-_.]+", "-", truth["Name"]).lower()
        assert one.purl == f"pkg:pypi/{normal}@{truth['Version']}"
        assert (one.name, one.version, one.method) == (normal, truth["Version"], "metadata")


def test_a_client_in_python_is_not_the_server_of_that_name() -> None:
    assert "redis" in NAMES
    metadata = b"Metadata-Version: 2.1\nName: redis\nVersion: 5.0.1\n\nName: not a field\n"
    (one,) = _components(_seen(metadata, PYTHON))
    assert one.purl == "pkg:pypi/redis@5.0.1"


def test_node() -> None:
    document = {"name": "@scope/thing", "version": "1.2.3", "author": "A. N. Other <a@b.example>"}
    (one,) = _components(_seen(json.dumps(document).encode(), NODE))
    assert one.purl == "pkg:npm/%40scope/thing@1.2.3"
    assert one.supplier == "A. N. Other"
    inner = File(path="a/node_modules/thing/dist/package.json", kind=Kind.TEXT)
    assert not EXAMINER.wants(inner)


@pytest.mark.parametrize("document", [b"{", b"[" * 100_000, b"[]", b'{"name": 1, "version": []}'])
def test_broken_package_json(document: bytes) -> None:
    assert not _components(_seen(document, NODE, Kind.TEXT))


def test_names_that_can_be_none_are_told() -> None:
    status = b"Package: a b\x00c\nVersion: 1\n\nPackage: fine\nVersion: 1\n\nPackage: noversion\n"
    found = _seen(status, DPKG, Kind.TEXT)
    assert [one.name for one in _components(found)] == ["fine"]
    assert "2 entries" in _why(found)


def test_more_packages_than_any_system_has_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.examine.packages.MOST_PACKAGES", 100)
    status = b"".join(b"Package: p%d\nVersion: 1\n\n" % number for number in range(101))
    found = _seen(status, DPKG)
    assert len(_components(found)) == 100
    assert "beyond" in _why(found)


ANY_PATH = st.sampled_from([DPKG, OPKG, APK, RPM, BERKELEY, PYTHON, NODE])
LINES = st.lists(
    st.tuples(
        st.sampled_from(["Package", "Version", "Status", "Source", "P", "V", "Name", "", "Author"]),
        st.text(max_size=30),
    ),
    max_size=12,
)


@unhurried
@given(ANY_PATH, st.binary(max_size=600))
def test_no_bytes_are_too_odd(path: str, data: bytes) -> None:
    kind = Kind.DATA if path in (RPM, BERKELEY) else Kind.TEXT
    _seen(data, path, kind)
    _seen(b"SQLite format 3\x00" + data, RPM, Kind.DATA)


@unhurried
@given(st.sampled_from([DPKG, OPKG, APK, PYTHON]), LINES)
def test_whatever_fields_say_the_package_urls_hold(path: str, lines: list[tuple[str, str]]) -> None:
    text = "\n".join(f"{key}: {value}" if key else "" for key, value in lines)
    for one in _components(_seen(text.encode("utf-8", "surrogatepass"), path, Kind.TEXT)):
        parsed = PackageURL.from_string(one.purl)
        assert parsed.to_string() == one.purl
        assert one.version
        assert one.copy_extent is None
