"""Linux kernels and the options that they were built with.

How it works: a kernel is known by its banner (`assay.examine.kernels.banner`) in the plain file or
in what a boot format's header points at (`kernels.bootable`), or by that header's own version. Its
options come from the configuration that it embeds (IKCONFIG), that the `configs` module embeds, or
from a configuration file (`kernels.configuration`); only those that self-protection depends on are
told (`kernels.options`). A file is told by itself: which configuration belongs to which kernel is
for the reader to say.

Known false positives: a configuration that was left in the image for another kernel.

Known false negatives: options where the kernel embeds no configuration (told as not measured);
compressed kernels in formats that are not listed here (intake unpacks them by their streams);
kernels of other systems than Linux. The version is what `uname -r` says: distributions that
carry fixes back keep the number of the first release there (the banner shows theirs).

Sources: see the modules of `assay.examine.kernels`.
"""

import re
from collections.abc import Iterator

from assay.examine.contract import Content, Examiner
from assay.examine.kernels.banner import Banner, find_banner
from assay.examine.kernels.bootable import Bootable, PayloadError, bootable, decompressed
from assay.examine.kernels.configuration import (
    Configuration,
    NoConfigurationError,
    embedded_configuration,
    read_configuration,
)
from assay.model.observations import EXCERPT_LIMIT, Evidence, KernelImage, Observation, Unmeasured
from assay.model.tree import File, Kind

_LONGEST_BANNER = 400
_BINARY = frozenset({Kind.ELF, Kind.PE, Kind.DATA})
_CONFIGURATION_NAME = re.compile(r"^\.?k?(?:ernel[._-]?)?config(?:[._-].*)?$|\.k?config$")
_RELEASE = re.compile(r"[2-9]\.[0-9][\w.+~-]*")


def _wants(file: File) -> bool:
    if file.kind is Kind.TEXT:
        return _CONFIGURATION_NAME.search(file.name) is not None
    return file.kind in _BINARY


def _examine(content: Content, file: File) -> Iterator[Observation]:
    if file.kind is Kind.TEXT:
        if configuration := read_configuration(content.data):
            yield _of_configuration(configuration, configuration.heading_offset)
        return
    boot = bootable(content.data) if file.kind is not Kind.ELF else None
    if boot is None:
        yield from _plain(bytes(content.data))
    else:
        yield from _compressed(content.data, boot)


def _of_configuration(configuration: Configuration, offset: int) -> KernelImage:
    return KernelImage(
        version=configuration.version,
        configured=True,
        options=configuration.options,
        evidence=Evidence(offset=offset, excerpt=configuration.heading[:EXCERPT_LIMIT]),
    )


def _plain(data: bytes) -> Iterator[Observation]:
    """What a decompressed kernel, or a module with its configuration, says."""
    banner = find_banner(data)
    embedded = None
    try:
        embedded = embedded_configuration(data)
        if banner and embedded is None:
            yield Unmeasured(what="kernel configuration", why="the kernel embeds none (IKCONFIG)")
    except NoConfigurationError as error:
        yield Unmeasured(what="kernel configuration", why=str(error))
    if banner:
        yield _of_banner(banner, embedded[1] if embedded else None)
    elif embedded:
        offset, configuration = embedded
        yield _of_configuration(configuration, offset)


def _of_banner(banner: Banner, configuration: Configuration | None) -> KernelImage:
    return KernelImage(
        version=banner.version,
        banner=banner.text[:_LONGEST_BANNER],
        configured=configuration is not None,
        options=configuration.options if configuration else (),
        evidence=Evidence(offset=banner.offset, excerpt=banner.text[:EXCERPT_LIMIT]),
    )


def _compressed(data: memoryview, boot: Bootable) -> Iterator[Observation]:
    """What the kernel inside says; where it can't be reached, what the header says."""
    why = f"the {boot.format}'s header does not say where the kernel lies"
    for begin, end in boot.payloads:
        try:
            found = list(_plain(decompressed(data, begin, end)))
        except PayloadError as error:
            why = str(error)
            continue
        if any(isinstance(one, KernelImage) for one in found):
            yield from (_at(one, begin) for one in found)
            return
        why = f"what the {boot.format} unfolds to at offset {begin:#x} is no kernel"
    if release := _RELEASE.match(boot.text):
        yield _of_banner(Banner(boot.text_offset, release[0], boot.text), None)
        yield Unmeasured(what="kernel configuration", why=why)
    else:
        yield Unmeasured(what="kernel version and configuration", why=why)


def _at(one: Observation, offset: int) -> Observation:
    """The same fact, seen where the file holds what it was decompressed from."""
    if not isinstance(one, KernelImage):
        return one
    return one.model_copy(update={"evidence": one.evidence.model_copy(update={"offset": offset})})


EXAMINER = Examiner(name="kernel", version="1", wants=_wants, examine=_examine)
