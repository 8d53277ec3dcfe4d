"""From a file to its call sites: names, slots, stubs, code, in this order."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from assay.examine.callsites import aarch64, arm, mips, powerpc, powerpc32, riscv, s390x, x86
from assay.examine.callsites.architecture import Architecture
from assay.examine.callsites.image import ARCH, Image, Ints, Truths
from assay.examine.callsites.relocatable import object_hits
from assay.examine.callsites.slots import read_slots
from assay.examine.callsites.symbols import Symbols
from assay.examine.callsites.targets import Hits, Targets, joined

ARCHITECTURES: Mapping[ARCH, Architecture] = MappingProxyType(
    {
        ARCH.X86_64: x86.X86,
        ARCH.I386: x86.X86,
        ARCH.ARM: arm.ARM,
        ARCH.AARCH64: aarch64.AARCH64,
        ARCH.MIPS: mips.MIPS,
        ARCH.PPC: powerpc32.POWERPC32,
        ARCH.PPC64: powerpc.POWERPC64,
        ARCH.RISCV: riscv.RISCV,
        ARCH.S390: s390x.S390X,
    }
)
_NAMELESS = "statically linked and stripped: nothing names the functions that it calls"


def scan(image: Image, symbols: Symbols) -> tuple[dict[str, Ints], str]:
    """The sites of each named callee, and why there are none where nothing could be named."""
    architecture = ARCHITECTURES.get(image.machine)
    if architecture is None:
        machine = str(image.machine).rsplit(".", 1)[-1]  # a bare number where lief has no name
        return {}, f"code for the machine {machine} is not decoded"
    if why := architecture.refuses(image):
        return {}, why
    if image.relocatable:
        hits = Hits.joined(object_hits(image, architecture, symbols))
    else:
        slots = read_slots(image, symbols)
        functions = architecture.functions(image, symbols)
        if not len(slots) and not len(functions) and not image.needs_libraries and image.code:
            return {}, _NAMELESS
        hits = _linked_hits(image, architecture, slots, functions)
    return _by_name(symbols, hits.only(~_loops(image, symbols, hits))), ""


def _linked_hits(
    image: Image, architecture: Architecture, slots: Targets, functions: Targets
) -> Hits:
    stubs = architecture.stubs(image, slots)
    targets = Targets.merged([stubs.entries, functions])
    hits = Hits.joined(
        found for code in image.code for found in architecture.sites(image, code, targets, slots)
    )
    return hits.only(~np.isin(hits.at, stubs.jumps)) if len(stubs.jumps) else hits


def _by_name(symbols: Symbols, hits: Hits) -> dict[str, Ints]:
    order = np.lexsort((hits.at, hits.ref))
    at, refs = hits.at[order], hits.ref[order]
    again = np.flatnonzero((at[1:] == at[:-1]) & (refs[1:] == refs[:-1])) + 1
    at, refs = np.delete(at, again), np.delete(refs, again)
    unique, starts = np.unique(refs, return_index=True)
    stops = np.append(starts, len(at))[1:]
    parts: dict[str, list[Ints]] = {}
    for name, start, stop in zip(symbols.names(unique), starts, stops, strict=True):
        if name:
            parts.setdefault(name, []).append(at[start:stop])
    return {
        name: parts[name][0] if len(parts[name]) == 1 else np.unique(joined(parts[name]))
        for name in sorted(parts)
    }


def _loops(image: Image, symbols: Symbols, hits: Hits) -> Truths:
    """Jumps from inside a function to its own start: loops, not calls."""
    refs = hits.ref
    start = symbols.value[refs]
    if image.machine == ARCH.ARM:
        start = start & ~1  # the lowest bit says Thumb
    inside = (hits.at >= start) & (hits.at < start + symbols.size[refs])
    return np.asarray(inside & hits.jump & (symbols.section[refs] != 0))
