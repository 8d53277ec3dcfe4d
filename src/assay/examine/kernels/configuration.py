"""A kernel's build configuration: as a file of its own, or embedded (IKCONFIG).

How it works: a configuration counts as a kernel's by the line that `make config` writes on top,
with the version; busybox, U-Boot and buildroot keep files of the same form under other headings.

Sources: the kernel's scripts/kconfig/confdata.c (form), kernel/configs.c (`IKCFG_ST`, gzip,
`IKCFG_ED`).
"""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from assay.examine.kernels.options import OPTIONS

MOST_BYTES = 8 << 20
"""Of configuration text that are read; real ones have 50 KB to 300 KB."""

_HEADING_BYTES = 1024
_LONGEST_VALUE = 160
_HEADING = re.compile(
    rb"^# (?:Linux(?:/[\w.-]+)? (?P<new>[2-9]\.\d+[\w.+~-]*) Kernel Configuration"
    rb"|Linux kernel version: (?P<old>[2-9]\.\d+[\w.+~-]*))[ \t]*\r?$",
    re.MULTILINE,
)
_LINE = re.compile(
    rb"^(?:# CONFIG_(?P<unset>\w+) is not set|CONFIG_(?P<name>\w+)=(?P<value>[^\r\n]*))\r?$",
    re.MULTILINE,
)
_EMBEDDED = re.compile(rb"IKCFG_ST(?=\x1f\x8b\x08)")
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True)
class Configuration:
    """`version` as the heading has it; `options` those of `OPTIONS` that it speaks of, sorted."""

    version: str
    heading: str
    heading_offset: int
    options: tuple[tuple[str, str], ...]


class NoConfigurationError(Exception):
    """An embedded configuration can't be read; the message says why."""


def read_configuration(text: bytes | memoryview) -> Configuration | None:
    """The configuration that a text is, None if it is not a kernel's."""
    heading = _HEADING.search(bytes(text[:_HEADING_BYTES]))
    if heading is None:
        return None
    return Configuration(
        version=(heading["new"] or heading["old"]).decode("ascii"),
        heading=heading[0].decode("ascii").strip(),
        heading_offset=heading.start(),
        options=tuple(sorted(dict(_options(bytes(text[:MOST_BYTES]))).items())),
    )


def _options(text: bytes) -> Iterator[tuple[str, str]]:
    """In the order of the text: of an option that stands twice, the last line counts."""
    for line in _LINE.finditer(text):
        name = (line["unset"] or line["name"]).decode("utf-8", "replace")
        if name in OPTIONS:
            value = "n" if line["unset"] else line["value"].decode("utf-8", "replace")
            yield name, value.strip().strip('"')[:_LONGEST_VALUE]


def embedded_configuration(data: bytes | memoryview) -> tuple[int, Configuration] | None:
    """The configuration that a kernel or its `configs` module embeds, with its offset.

    Raises:
        NoConfigurationError: there is one, but it is broken or no kernel's.
    """
    start = _EMBEDDED.search(data)
    if start is None:
        return None
    inflate = zlib.decompressobj(_GZIP)
    begin = start.end()
    try:
        text = inflate.decompress(data[begin : begin + MOST_BYTES], MOST_BYTES)
    except zlib.error as error:
        why = f"the embedded configuration at offset {start.start():#x} is broken: {error}"
        raise NoConfigurationError(why) from error
    if not inflate.eof:
        why = f"the embedded configuration at offset {start.start():#x} has no end"
        raise NoConfigurationError(why)
    configuration = read_configuration(text)
    if configuration is None:
        why = f"what is embedded at offset {start.start():#x} is no kernel's configuration"
        raise NoConfigurationError(why)
    return start.start(), configuration
