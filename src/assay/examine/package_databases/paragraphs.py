"""Databases that are paragraphs of `Field: value` lines: dpkg, opkg, apk.

Known false negatives: OpenWrt's `status` names no source package; components then go by the
package's own name unless the knowledge maps it.

Sources: deb822(5), dpkg-query(1) (states); opkg's libopkg/pkg_parse.c; Alpine wiki, apk spec
(installed database); purl-spec, types deb and apk; opkg is a proposed type.
"""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from assay.examine.package_databases import versions
from assay.examine.package_databases.package import Package, without_address

_PARAGRAPH = re.compile(rb"[^\n]+(?:\n[^\n]+)*")
_FIELD = re.compile(rb"^([A-Za-z][A-Za-z-]{0,40}):[ \t]*([^\r\n]{0,1000})", re.MULTILINE)
_LONGEST = 64 << 10
_PACKAGE = re.compile(rb"^Package:", re.MULTILINE)
_OF_UBUNTU = re.compile(
    rb"^(?:Maintainer:[^\n]*@(?:lists\.)?ubuntu\.com|Version:[^\n]*ubuntu)", re.MULTILINE
)
_SOURCE = re.compile(r"(?P<name>\S+)(?:\s+\((?P<version>[^)]+)\))?")
_ALPINE = frozenset(
    """
    x86 x86_64 armhf armv7 aarch64 ppc64le s390x riscv64 mips64 mips loongarch64 noarch
    """.split()
)


class _Paragraph(NamedTuple):
    offset: int
    fields: Mapping[str, str]


def _paragraphs(data: memoryview) -> Iterator[_Paragraph]:
    """Each with the first value of every field; the rest of an overlong one is cut."""
    for match in _PARAGRAPH.finditer(data):
        fields: dict[str, str] = {}
        for line in _FIELD.finditer(match[0][:_LONGEST]):
            fields.setdefault(line[1].decode("ascii"), line[2].decode("utf-8", "replace").strip())
        yield _Paragraph(match.start(), fields)


def dpkg(data: memoryview) -> Iterator[Package]:
    """The packages that a dpkg status file calls installed; without a status, all."""
    vendor = _deb_vendor(data)
    for offset, fields in _paragraphs(data):
        if "Package" in fields and _is_installed(fields):
            source = _SOURCE.match(fields.get("Source", ""))
            of_source = source["version"] if source else None
            yield Package(
                name=fields["Package"],
                version=fields.get("Version", ""),
                upstream=versions.of_deb(of_source or fields.get("Version", "")),
                kind="deb",
                namespace=vendor,
                arch=fields.get("Architecture", ""),
                source=source["name"] if source else "",
                supplier=without_address(fields.get("Maintainer", "")),
                offset=offset,
            )


def opkg(data: memoryview) -> Iterator[Package]:
    """The packages of an opkg status file or of a package's own control file."""
    for offset, fields in _paragraphs(data):
        if "Package" in fields and _is_installed(fields):
            yield Package(
                name=fields["Package"],
                version=fields.get("Version", ""),
                upstream=versions.of_opkg(fields.get("Version", "")),
                kind="opkg",
                arch=fields.get("Architecture", ""),
                # OpenWrt names the folder of the recipe, Yocto the recipe's file.
                source=_recipe(fields.get("SourceName") or fields.get("Source", "")),
                supplier=without_address(fields.get("Maintainer", "")),
                offset=offset,
            )


def apk(data: memoryview) -> Iterator[Package]:
    """The packages of apk's installed database."""
    for offset, fields in _paragraphs(data):
        if "P" in fields:
            arch = fields.get("A", "")
            yield Package(
                name=fields["P"],
                version=fields.get("V", ""),
                upstream=versions.of_apk(fields.get("V", "")),
                kind="apk",
                namespace="alpine" if arch in _ALPINE else "openwrt",
                arch=arch,
                source=fields.get("o", ""),
                supplier=without_address(fields.get("m", "")),
                offset=offset,
            )


def _is_installed(fields: Mapping[str, str]) -> bool:
    return "Status" not in fields or fields["Status"].split()[-1:] == ["installed"]


def _deb_vendor(data: memoryview) -> str:
    """Whose packages most are: Debian takes some from Ubuntu, and Ubuntu most from Debian.

    Ubuntu rebuilds them all under a maintainer of its own; Debian keeps what names Ubuntu rare.
    """
    ubuntu = sum(1 for _ in _OF_UBUNTU.finditer(data))
    everything = sum(1 for _ in _PACKAGE.finditer(data))
    return "ubuntu" if 2 * ubuntu > everything else "debian"


def _recipe(source: str) -> str:
    last = source.rstrip("/").rsplit("/", 1)[-1]
    return re.sub(r"(?:_[^_]*)?\.bb$", "", last)
