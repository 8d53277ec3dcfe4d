"""The snapshots that ship, and how they are made from the folder of collected data.

`python -m assay.knowledge.advisories.shipped FOLDER` makes them anew, bit for bit the same from
the same folder. OSS-Fuzz's records stay in a file of their own (CC-BY-4.0), EPSS in another (it
ages daily). Licences: `docs/data-licences.md`, and the terms beside the data.
"""

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from importlib import resources
from pathlib import Path

from assay.knowledge.advisories.coverage import contradictions
from assay.knowledge.advisories.reading import Taken, read_path
from assay.knowledge.advisories.snapshot import Content, Snapshot, pack
from assay.model.advisory import Advisory, Claim, Source

NAMES = ("advisories.zip", "epss.zip", "lists.zip", "ossfuzz.zip")
_FOLDER = "data/advisories"
_SOURCES: dict[str, tuple[Source, ...]] = {
    "vulns.jsonl.gz": (
        Source(name="OpenSSL release-metadata", as_of="2026-06-10", licence="CVE terms of use"),
        Source(name="curl vulnerability list", as_of="2026-08-22", licence="curl"),
        Source(name="Anchore NVD data overrides", as_of="2026-08-21", licence="CC0-1.0"),
        Source(name="CISA Vulnrichment (CVE List)", as_of="2024-10-24", licence="CC0-1.0"),
        Source(name="Bitnami vulndb", as_of="2026-08-05", licence="Apache-2.0"),
        Source(name="NVD, 20 single records", as_of="2026-08-21", licence="public domain (US)"),
        Source(name="ssh-audit", as_of="2026-08-21", licence="MIT"),
        Source(name="change logs of projects", as_of="2026-07-23", licence="facts"),
    ),
    "vulns-linux.jsonl.gz": (
        Source(name="Linux kernel CVE records", as_of="2026-08-21", licence="CVE terms of use"),
        Source(name="linux_kernel_cves", as_of="2024-04-09", licence="Apache-2.0"),
    ),
    "vulns-ossfuzz.jsonl.gz": (
        Source(name="OSS-Fuzz vulnerabilities", as_of="2026-08-21", licence="CC-BY-4.0"),
    ),
    "kev.csv": (Source(name="KEV (CISA)", as_of="2026-07-16", licence="CC0-1.0"),),
    "epss_subset.csv": (Source(name="EPSS (FIRST)", as_of="2026-08-16", licence="FIRST EPSS"),),
    "eol.json": (Source(name="endoflife.date", as_of="2026-08-22", licence="MIT"),),
    "eol_openssl_vendor.json": (
        Source(name="OpenSSL support dates", as_of="2026-06-10", licence="facts"),
    ),
}
_FILES = {
    "advisories.zip": ("vulns.jsonl.gz", "vulns-linux.jsonl.gz"),
    "ossfuzz.zip": ("vulns-ossfuzz.jsonl.gz",),
    "lists.zip": ("kev.csv", "eol.json", "eol_openssl_vendor.json"),
    "epss.zip": ("epss_subset.csv",),
}


@cache
def shipped() -> tuple[Snapshot, ...]:
    """The snapshots that ship, opened."""
    folder = resources.files("assay.knowledge").joinpath(_FOLDER)
    return tuple(Snapshot(folder.joinpath(name).read_bytes(), name) for name in NAMES)


def make(folder: Path) -> dict[str, bytes]:
    """The shipped files, made from the folder of collected data."""
    return {name: _make(folder, files) for name, files in sorted(_FILES.items())}


def _make(folder: Path, files: Iterable[str]) -> bytes:
    taken = [read_path(folder / name) for name in files]
    sources = [
        source.model_copy(update={"sha256": one.sha256, "records": _count(one, source)})
        for one in taken
        for source in _SOURCES[one.file]
    ]
    return pack(
        Content(
            as_of=max(source.as_of for source in sources),
            sources=tuple(sources),
            advisories=tuple(_named(advisory) for one in taken for advisory in one.advisories),
            exploited=tuple(entry for one in taken for entry in one.exploited),
            likelihoods=tuple(entry for one in taken for entry in one.likelihoods),
            series=tuple(entry for one in taken for entry in one.series),
        )
    )


_CLAIMS_OF = {
    "OpenSSL release-metadata": ("openssl-secjson",),
    "curl vulnerability list": ("curl-vuln.pm",),
    "Anchore NVD data overrides": ("anchore-overrides",),
    "CISA Vulnrichment (CVE List)": ("cve5:",),
    "Bitnami vulndb": ("bitnami-vulndb",),
    "NVD, 20 single records": ("nvd-record",),
    "ssh-audit": ("ssh-audit-table",),
    "change logs of projects": ("dnsmasq-", "hostapd-", "dropbear-", "expat-", "CERT-NZ"),
    "Linux kernel CVE records": ("linux-vulns.git",),
    "linux_kernel_cves": ("linux_kernel_cves",),
}


def _count(taken: Taken, source: Source) -> int:
    """How many records of a file have a claim of this source."""
    starts = _CLAIMS_OF.get(source.name)
    if starts is None:
        return taken.records
    return sum(
        any(claim.source.startswith(starts) for claim in one.claims) for one in taken.advisories
    )


def _named(advisory: Advisory) -> Advisory:
    """Sources by the names that imported data has for them, and the contradicting claims."""
    claims = [
        claim.model_copy(update={"source": _plain(claim.source)}) for claim in advisory.claims
    ]
    components = {claim.component for claim in claims}
    claims += [claim for claim in contradictions(advisory.id) if claim.component in components]
    return advisory.model_copy(update={"claims": _distinct(claims)})


def _distinct(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    return tuple(dict.fromkeys(claims))


def _plain(source: str) -> str:
    if source == "nvd-record":
        return "NVD"
    return f"CVE List: {source[5:]}" if source.startswith("cve5:") else source


def main() -> None:
    """Write the shipped files; says name, size and digest of each."""
    target = Path(__file__).parents[1] / _FOLDER
    for name, content in make(Path(sys.argv[1])).items():
        (target / name).write_bytes(content)
        print(f"{hashlib.sha256(content).hexdigest()}  {name}  {len(content):,} bytes")


if __name__ == "__main__":
    main()
