"""Whether a copy was built by a distribution, which carries fixes back without a new release.

How it is told, surest first: the package URL of the sighting (deb, rpm, apk, opkg); the
distribution's mark in the version or in the text that showed it (`+deb12u1`, `ubuntu`, `.el9`,
`Debian`); or the place: a file in the system's own folders (not under opt, usr/local, srv, home)
of an image whose C library or release file names a distribution, or anywhere under Debian's
multiarch folders (`usr/lib/arm-linux-gnueabihf`). The compiler's note tells nothing: vendors build
with distributions' compilers, without distributions' patches.

Why: in one router image from Debian 12, Debian's change logs name 511 pairs of component and CVE
that were mended without a new upstream version; a match by version alone is wrong on each of them.
So a distribution's build is *possibly* affected, unless the distribution itself says what its
build is. A vendor's own build in the same image is *affected*: nobody says that it has the fixes.
"""

import re
from collections.abc import Iterable

from assay.model.known import Place

_PACKAGES = {"deb": "Debian package", "rpm": "RPM package", "apk": "Alpine package"}
_PACKAGES |= {"opkg": "OpenWrt package", "ipk": "opkg package"}
_MARK = re.compile(
    r"[+~-](?:deb[0-9]+u|ubuntu|dfsg|nmu|b[0-9]+\b)|[0-9]ubuntu[0-9]|\.(?:el|fc|amzn|suse)[0-9]"
    r"|\b(?:Debian|Ubuntu|Raspbian|Alpine|OpenWrt|Red Hat|Fedora|SUSE|Yocto)\b"
)
_MULTIARCH = re.compile(r"(?:^|/)(?:usr/)?lib/[a-z0-9_]+-linux-(?:gnu|musl)[a-z0-9_]*/")
_SYSTEM = re.compile(r"^(?:.*!/|.*@0x[0-9a-f]+/)?(?:usr/)?(?:s?bin|lib(?:32|64|exec)?)/")
_OWN = re.compile(r"(?:^|/)(?:opt|srv|home|usr/local)/")
_RELEASE_FILES = {
    "etc/debian_version": "Debian",
    "etc/alpine-release": "Alpine",
    "etc/openwrt_release": "OpenWrt",
    "etc/redhat-release": "Red Hat's family",
    "etc/fedora-release": "Fedora",
    "etc/SuSE-release": "SUSE",
    "var/lib/dpkg/status": "Debian's family",
}


def system_of(paths: Iterable[str], library: Iterable[Place]) -> str:
    """The distribution that an image's system is; empty where nothing says that it is one.

    `library` are the copies of the C library, which name who built them.
    """
    for place in library:
        for proof in place.evidence:
            if match := _MARK.search(proof.excerpt):
                return match[0].strip("+~-.")
    present = {path for path in paths if path.endswith(tuple(_RELEASE_FILES))}
    for file, name in _RELEASE_FILES.items():
        if any(path == file or path.endswith(f"/{file}") for path in present):
            return name
    return ""


def built_by(place: Place, system: str) -> str:
    """What shows that a distribution built a copy; empty where nothing does."""
    if _is_package(place):
        return _PACKAGES[place.purl.removeprefix("pkg:").partition("/")[0]]
    shown = [place.version, place.low, place.high, *(one.excerpt for one in place.evidence)]
    for text in shown:
        if match := _MARK.search(text):
            return f"“{match[0].strip('+~-.')}” in its version text"
    if _MULTIARCH.search(place.path):
        return "it lies in a folder of Debian's family"
    if system and _SYSTEM.match(place.path):
        return f"it lies in a system folder of an image by {system}"
    return ""


def with_packages(places: Iterable[Place]) -> tuple[Place, ...]:
    """Copies in the system's files, joined with the package of the same component and release.

    A package database tells which build it is; what the distribution says of that package then
    holds for its files too. Copies in a vendor's own folders stay as they are.
    """
    listed = tuple(places)
    packages = {place.version: place.purl for place in listed if _is_package(place)}
    return tuple(
        place.model_copy(update={"purl": packages[place.version]})
        if place.version in packages and not _is_package(place) and not _OWN.search(place.path)
        else place
        for place in listed
    )


def same_files(places: Iterable[Place]) -> tuple[Place, ...]:
    """A file that is, byte for byte, one that a distribution built, is built by it too."""
    listed = tuple(places)
    known = {place.sha256: place for place in listed if place.sha256 and place.distribution}
    return tuple(
        place.model_copy(
            update={
                "distribution": f"the same file as {known[place.sha256].path}",
                "purl": known[place.sha256].purl,
            }
        )
        if place.sha256 in known and not place.distribution
        else place
        for place in listed
    )


def _is_package(place: Place) -> bool:
    return place.purl.removeprefix("pkg:").partition("/")[0] in _PACKAGES
