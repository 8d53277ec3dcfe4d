"""A router's root file system out of real Debian packages of network software."""

import json
import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.corpus.apt import CorpusError, Package, packages
from tests.corpus.cache import built
from tests.corpus.lists import LEFT_OUT, ROUTER_PACKAGES
from tests.corpus.vendor import write_vendor_files

_NOT_SHIPPED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/lib/dpkg", "var/lib/apt")
_SUITES = {"r1": "bullseye", "r2": ""}


@dataclass(frozen=True, slots=True)
class Router:
    """`image` is what a vendor would ship: squashfs behind a U-Boot header. `root` is the folder
    that it was packed from, `truth` what packages are in it: a list of objects with `package`,
    `version`, `source`, `source_version`, `files`."""

    image: Path
    root: Path
    truth: Path


def router(arch: str, release: str = "r2") -> Router:
    """The router image for an architecture of Debian's, built on first use.

    Raises:
        CorpusError: packages or tools can't be had here.
    """
    for tool in ("dpkg-deb", "mksquashfs", "mkimage"):
        if not shutil.which(tool):
            raise CorpusError(f"{tool} is not installed")
    folder = built(f"router-{release}-{arch}", lambda aside: _build(aside, arch, release))
    return Router(folder / "router.bin", folder / "root", folder / "truth.json")


def _build(folder: Path, arch: str, release: str) -> None:
    found = packages(arch, ROUTER_PACKAGES, suite=_SUITES[release])
    chosen = [package for package in found if not package.name.startswith(LEFT_OUT)]
    root = folder / "root"
    root.mkdir(mode=0o755)
    truth = [_unpack(package, root, folder / "one") for package in chosen]
    for path in _NOT_SHIPPED:
        shutil.rmtree(root / path, ignore_errors=True)
    write_vendor_files(root, release)
    (folder / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    _pack(root, folder / "router.bin")


def _unpack(package: Package, root: Path, aside: Path) -> dict[str, object]:
    shutil.rmtree(aside, ignore_errors=True)
    subprocess.run(["dpkg-deb", "-x", str(package.deb), str(aside)], check=True)
    files = sorted(_shipped(aside))
    subprocess.run(["cp", "-a", f"{aside}/.", str(root)], check=True)
    shutil.rmtree(aside)
    return {
        "package": package.name,
        "version": package.version,
        "source": package.source,
        "source_version": package.source_version,
        "files": files,
    }


def _shipped(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            relative = path.relative_to(folder).as_posix()
            if stat.S_ISREG(path.lstat().st_mode) and not relative.startswith(_NOT_SHIPPED):
                yield relative


def _pack(root: Path, image: Path) -> None:
    """The same packages give the same bytes: nothing tells when the image was built."""
    squashfs = image.with_suffix(".squashfs")
    plain = ("-comp", "xz", "-noappend", "-all-root", "-quiet")
    _quiet("mksquashfs", str(root), str(squashfs), *plain, "-mkfs-time", "0", "-all-time", "0")
    kind = ("-T", "filesystem", "-C", "none", "-n", "router")
    _quiet("mkimage", *kind, "-d", str(squashfs), str(image))
    squashfs.unlink()


def _quiet(*words: str) -> None:
    # mkimage takes its time stamp from there; mksquashfs takes either that or its options.
    epoch = {"SOURCE_DATE_EPOCH": "0"} if words[0] == "mkimage" else {}
    env = {**os.environ, **epoch}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=env)
    if done.returncode != 0:
        raise CorpusError(f"{words[0]}: {done.stderr.strip()[-400:]}")
