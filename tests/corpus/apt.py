"""Debian packages of any architecture, through the machine's own apt, with state of its own.

Nothing of the machine is changed: lists, caches, architectures and installed packages of this
apt live in the cache folder; sources and keys are read from the machine's configuration.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.corpus.cache import cache_root, locked

_SOURCES = Path("/etc/apt")
_SECONDS = 1800


class CorpusError(Exception):
    """Material can't be had on this machine; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Package:
    """One downloaded package, with the truth from its own metadata."""

    name: str
    version: str
    source: str
    source_version: str
    deb: Path


def packages(
    arch: str, names: Sequence[str], *, suite: str = "", dependencies: bool = True
) -> list[Package]:
    """Download packages, by default with all that they depend on, sorted by name.

    Args:
        arch: Debian's name of the architecture.
        names: those that the suite does not have for the architecture are left out.
        suite: empty for the machine's own.
        dependencies: whether to take what the packages need as well.

    Raises:
        CorpusError: there is no apt, or it can't reach its sources.
    """
    if not shutil.which("apt-get"):
        raise CorpusError("no apt-get on this machine: Debian packages can't be fetched")
    with locked(f"apt-{suite}-{arch}"):
        apt = _Apt(arch, suite)
        apt.update()
        known = apt.known(names)
        if not known:
            raise CorpusError(f"none of the packages is to be had for {arch} {suite}")
        debs = apt.download(known) if dependencies else apt.download_alone(known)
    return sorted((_describe(deb) for deb in debs), key=lambda package: package.name)


class _Apt:
    def __init__(self, arch: str, suite: str) -> None:
        self._arch = arch
        self._suite = suite
        self._home = cache_root() / "apt" / f"{suite or 'stable'}-{arch}"
        for folder in ("state/lists/partial", "cache/archives/partial", "etc", "alone"):
            (self._home / folder).mkdir(parents=True, exist_ok=True)
        (self._home / "status").touch()
        self._write_sources()

    def _write_sources(self) -> None:
        """The machine's Debian entries, without restriction to its own architecture."""
        lines = []
        for file in sorted([*_SOURCES.glob("*.list"), *_SOURCES.glob("sources.list.d/*")]):
            text = file.read_text("utf-8", "replace")
            lines += _deb822(text) if file.suffix == ".sources" else _one_line(text)
        debian = [line for line in lines if "debian" in line.split("]")[-1]]
        if self._suite:
            debian = [_in_suite(line, self._suite) for line in debian if _is_main_suite(line)]
        if not debian:
            raise CorpusError("no Debian sources in this machine's apt configuration")
        (self._home / "etc" / "sources.list").write_text("\n".join(dict.fromkeys(debian)) + "\n")

    def _options(self) -> list[str]:
        home = self._home
        settings = {
            "Dir::State": home / "state",
            "Dir::State::status": home / "status",
            "Dir::Cache": home / "cache",
            "Dir::Etc::sourcelist": home / "etc" / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Architecture": self._arch,
            "APT::Architectures": self._arch,
            "APT::Install-Recommends": "false",
            "APT::Sandbox::User": "root" if os.geteuid() == 0 else "",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }
        return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]

    def _run(self, *words: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [words[0], *self._options(), *words[1:]],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            cwd=cwd,
            env=os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        )
        if done.returncode != 0:
            raise CorpusError(f"{' '.join(words)[:80]}: {done.stderr.strip()[-400:]}")
        return done.stdout

    def update(self) -> None:
        """Fetch the lists, once: the corpus stays what it is until its cache is removed.

        One index that can't be fetched (a mirror in the middle of its own update) is no reason to
        stop: apt leaves it out, and the others are enough.
        """
        stamp = self._home / "updated"
        if stamp.exists():
            return
        try:
            self._run("apt-get", "update")
        except CorpusError:
            if not self._run("apt-cache", "pkgnames").strip():
                raise
        stamp.touch()

    def known(self, names: Sequence[str]) -> list[str]:
        listed = set(self._run("apt-cache", "pkgnames").split())
        return [name for name in names if name in listed]

    def download(self, names: Sequence[str]) -> list[Path]:
        # apt prints only what it would fetch: shown an empty cache, that is everything.
        nothing = self._home / "nothing"
        (nothing / "partial").mkdir(parents=True, exist_ok=True)
        shown = ("install", "-y", "--print-uris", "-qq", "-o", f"Dir::Cache::Archives={nothing}")
        printed = self._run("apt-get", *shown, *names)
        wanted = [line.split()[1] for line in printed.splitlines() if line.startswith("'")]
        archives = self._home / "cache" / "archives"
        if any(not (archives / name).exists() for name in wanted):
            self._run("apt-get", "install", "-y", "--download-only", *names)
        return [archives / name for name in wanted]

    def download_alone(self, names: Sequence[str]) -> list[Path]:
        folder = self._home / "alone"
        have = {deb.name.split("_", 1)[0]: deb for deb in sorted(folder.glob("*.deb"))}
        if missing := [name for name in names if name not in have]:
            self._run("apt-get", "download", *missing, cwd=folder)
            have = {deb.name.split("_", 1)[0]: deb for deb in sorted(folder.glob("*.deb"))}
        return [have[name] for name in names]


def _one_line(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip().startswith("deb ")]


def _deb822(text: str) -> list[str]:
    lines = []
    for paragraph in text.replace("\n ", " ").split("\n\n"):
        fields = {
            key.strip().lower(): value.strip()
            for key, _, value in (
                line.partition(":") for line in paragraph.splitlines() if not line.startswith("#")
            )
        }
        if "deb" not in fields.get("types", "").split() or fields.get("enabled") == "no":
            continue
        signed = f"[signed-by={fields['signed-by']}] " if "signed-by" in fields else ""
        for uri in fields["uris"].split():
            for suite in fields["suites"].split():
                lines.append(f"deb {signed}{uri} {suite} {fields.get('components', '')}".strip())
    return lines


def _is_main_suite(line: str) -> bool:
    suite = line.rsplit("] ", maxsplit=1)[-1].removeprefix("deb ").split()[1]
    return "-" not in suite and "/" not in suite


def _in_suite(line: str, suite: str) -> str:
    head, _, rest = line.rpartition("] ")
    words = rest.removeprefix("deb ").split()
    words[1] = suite
    return f"{head}] {' '.join(words)}" if head else f"deb {' '.join(words)}"


def _describe(deb: Path) -> Package:
    fields = ("Package", "Version", "Source")
    shown = subprocess.run(
        ["dpkg-deb", "-f", str(deb), *fields], capture_output=True, text=True, check=True
    ).stdout
    values = dict(line.split(": ", 1) for line in shown.splitlines() if ": " in line)
    source, _, version = values.get("Source", values["Package"]).partition(" ")
    source_version = version.strip("()") or values["Version"]
    return Package(values["Package"], values["Version"], source, source_version, deb)
