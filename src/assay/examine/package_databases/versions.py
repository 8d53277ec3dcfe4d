"""The upstream's part of a distribution's version, which is what advisories and banners speak of.

Sources: Debian Policy 5.6.12; deb-version(7); Alpine, APKBUILD reference (`pkgver`, `_p` for
patch levels); OpenWrt and Yocto, package version suffixes.
"""

import re

_EPOCH = re.compile(r"^[0-9]+:")
_DEBIAN_REVISION = re.compile(r"-[^-]*$")
_DEBIAN_REALLY = re.compile(r"^.*\+really")
_DEBIAN_REPACKED = re.compile(
    r"[.+~](?:dfsg|repack|debian|deb[0-9]+u|ds(?=[0-9.]|$)|b[0-9]+$|nmu[0-9]).*$"
)
_SNAPSHOT = re.compile(r"\+(?:git|svn|hg|cvs|20[0-9]{6}).*$")
"""Days and commits after a release: files name the release alone."""

_OPKG_RELEASE = re.compile(r"-r?[0-9]+(?:\.[0-9]+)*(?:-[0-9a-f]{32})?$")
_APK_RELEASE = re.compile(r"-r[0-9]+$")
_APK_PATCH_LEVEL = re.compile(r"_p(?=[0-9])")


def of_deb(version: str) -> str:
    """`1:9.2p1-2+deb12u7` → `9.2p1`."""
    upstream = _DEBIAN_REVISION.sub("", _EPOCH.sub("", version))
    return _SNAPSHOT.sub("", _DEBIAN_REPACKED.sub("", _DEBIAN_REALLY.sub("", upstream)))


def of_opkg(version: str) -> str:
    """`2.80-16.1` → `2.80`; a kernel's digest of its options goes too."""
    return _OPKG_RELEASE.sub("", _EPOCH.sub("", version))


def of_apk(version: str) -> str:
    """`9.3_p2-r0` → `9.3p2`."""
    return _APK_PATCH_LEVEL.sub("p", _APK_RELEASE.sub("", version))
