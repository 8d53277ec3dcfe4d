"""Change logs of Debian packages: what they say is mended, against what dpkg's own parser reads."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from assay.examine.changelogs import EXAMINER
from assay.examine.contract import Content, ExamineError
from assay.knowledge.advisories.library import Library
from assay.knowledge.advisories.shipped import shipped
from assay.model.known import Place, Sightings
from assay.model.observations import ChangeLog
from assay.model.tree import File, Kind

CURL = """curl (7.88.1-10+deb12u5) bookworm-security; urgency=high

  * CVE-2023-46218: cookie mixed case PSL bypass
  * CVE-2099-0001: not affected, the code came later

 -- A Person <a@example.org>  Thu, 07 Dec 2023 21:41:11 +0100

curl (7.88.1-10+deb12u4) bookworm-security; urgency=high

  * CVE-2023-38545: SOCKS5 heap buffer overflow
  * Revert the fix of CVE-2023-38546

 -- A Person <a@example.org>  Thu, 05 Oct 2023 00:00:00 +0100

curl (7.88.1-10+deb12u1) bookworm; urgency=medium

  * Fix CVE-2023-27533 and CVE-2023-38546.

 -- A Person <a@example.org>  Thu, 01 Jun 2023 00:00:00 +0100
"""
PATH = "usr/share/doc/curl/changelog.Debian.gz"


def examine(content: bytes, path: str = PATH) -> list[ChangeLog]:
    file = File(path=path, kind=Kind.CONTAINER, sha256="ab" * 32, size=len(content))
    assert EXAMINER.wants(file)
    seen = EXAMINER.examine(Content(memoryview(content), lambda secret: ""), file)
    return [one for one in seen if isinstance(one, ChangeLog)]


def test_fixes_with_the_version_that_first_names_them() -> None:
    (log,) = examine(gzip.compress(CURL.encode()))
    assert (log.source, log.component, log.version) == ("curl", "curl", "7.88.1-10+deb12u5")
    assert dict(log.fixes) == {
        "CVE-2023-46218": "7.88.1-10+deb12u5",
        "CVE-2023-38545": "7.88.1-10+deb12u4",
        "CVE-2023-27533": "7.88.1-10+deb12u1",
    }
    assert examine(CURL.encode(), PATH.removesuffix(".gz")) == [log]


def test_a_sources_name_becomes_the_components() -> None:
    (log,) = examine(CURL.replace("curl (", "expat (").encode())
    assert log.component == "expat"


@pytest.mark.parametrize(
    "path",
    ["usr/share/doc/curl/changelog.gz", "etc/changelog.Debian", "usr/share/doc/changelog.Debian"],
)
def test_other_files_are_not_read(path: str) -> None:
    assert not EXAMINER.wants(File(path=path, kind=Kind.TEXT, sha256="ab" * 32, size=1))


def test_malformed_content() -> None:
    assert examine(b"") == []
    assert examine(b"curl (1.0) unstable; urgency=low\n\n  * Nothing.\n") == []
    with pytest.raises(ExamineError):
        examine(b"\x1f\x8b\x08\x00 broken")


def test_what_the_log_names_is_fixed_and_the_rest_is_possible() -> None:
    (log,) = examine(CURL.encode())
    system = Place(path="usr/bin/curl", version="7.88.1")
    own = Place(path="opt/vendor/curl", version="7.88.1")
    sightings = Sightings(
        places={"curl": (system, own)}, logs={"curl": (log,)}, markers=("etc/debian_version",)
    )
    known = Library(shipped()).against(sightings, "2026-11-24").vulnerabilities
    state = {(one.id, path): one.state for one in known for path in one.paths}
    assert state["CVE-2023-38545", "usr/bin/curl"] == "fixed"
    assert state["CVE-2023-38545", "opt/vendor/curl"] == "affected"
    assert state["CVE-2023-38546", "usr/bin/curl"] == "possibly"
    (mended,) = [one for one in known if one.id == "CVE-2023-38545" and one.state == "fixed"]
    assert mended.claims[-1].source == "change log of curl 7.88.1-10+deb12u5"
    assert "7.88.1-10+deb12u4" in mended.why


def test_a_log_of_another_release_says_nothing() -> None:
    (log,) = examine(CURL.encode())
    newer = Place(path="usr/bin/curl", version="8.2.0")
    sightings = Sightings(
        places={"curl": (newer,)}, logs={"curl": (log,)}, markers=("etc/debian_version",)
    )
    known = Library(shipped()).against(sightings, "2026-11-24").vulnerabilities
    assert {one.state for one in known} == {"possibly"}


# --- this machine's own packages -----------------------------------------------------------------

DOCS = sorted(Path("/usr/share/doc").glob("*/changelog.Debian.gz"))
on_debian = pytest.mark.skipif(
    not DOCS or shutil.which("dpkg-parsechangelog") is None, reason="no Debian machine"
)


@on_debian
def test_entries_as_dpkg_parses_them(tmp_path: Path) -> None:
    for path in DOCS[:: max(1, len(DOCS) // 12)]:
        plain = tmp_path / "changelog"
        plain.write_bytes(gzip.decompress(path.read_bytes()))
        words = ["dpkg-parsechangelog", "-l", str(plain), "--all", "--format", "rfc822"]
        parsed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        said = re.findall(r"^Version: (\S+)", parsed, re.MULTILINE)
        for log in examine(path.read_bytes(), str(path)[1:]):
            assert log.version == said[0], path
            assert {version for _, version in log.fixes} <= set(said), path


def _truth(text: str) -> tuple[str, str, set[str]]:
    """Source, upstream version and the CVEs that entries of the newest upstream version name."""
    heads = list(re.finditer(r"^(\S+) \((\S+)\) ", text, re.MULTILINE))
    upstream = re.sub(r"-[^-]*$", "", heads[0][2].split(":")[-1])
    end = next(
        (one.start() for one in heads if re.sub(r"-[^-]*$", "", one[2].split(":")[-1]) != upstream),
        len(text),
    )
    return heads[0][1], upstream, set(re.findall(r"CVE-\d{4}-\d+", text[:end]))


@on_debian
def test_no_fix_without_a_new_upstream_release_is_taken_for_a_vulnerability() -> None:
    """The trap that a matcher by version falls into, on whatever packages this machine has."""
    library = Library(shipped())
    by_version = wrong = fixed = 0
    seen: set[tuple[str, str]] = set()
    for path in DOCS:
        content = path.read_bytes()
        if not re.match(rb"\S+ \(", gzip.decompress(content)[:200]):
            continue
        source, upstream, named = _truth(gzip.decompress(content).decode("utf-8", "replace"))
        logs = tuple(examine(content, str(path)[1:]))
        if not logs or not named or (source, upstream) in seen:
            continue
        seen.add((source, upstream))
        component = logs[0].component
        version = re.sub(r"[+~](dfsg|ds|really|git).*$", "", upstream)
        copies: dict[str, tuple[Place, ...]] = {
            component: (Place(path="usr/bin/x", version=version),)
        }
        bare = library.against(Sightings(places=copies), "2026-11-24").vulnerabilities
        with_logs = Sightings(
            places=copies, logs={component: logs}, markers=("etc/debian_version",)
        )
        told = library.against(with_logs, "2026-11-24").vulnerabilities
        by_version += sum(one.id in named and one.state != "fixed" for one in bare)
        wrong += sum(one.id in named and one.state == "affected" for one in told)
        fixed += sum(one.id in named and one.state == "fixed" for one in told)
    print(f"by version alone {by_version} wrong; with the distribution {wrong}; fixed {fixed}")
    assert wrong == 0
    assert fixed >= by_version * 0.8
