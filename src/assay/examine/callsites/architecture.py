"""What a module for one architecture family gives."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from assay.examine.callsites.image import Code, Image, Ints
from assay.examine.callsites.symbols import Symbols
from assay.examine.callsites.targets import NOTHING, Hits, Targets


class Stubs(NamedTuple):
    """The PLT of a file: where its entries may be called, and their own jumps, which are no sites.

    `entries` maps the addresses that calls go to to symbols; `jumps` are sorted addresses of the
    instructions inside entries that would else be taken for tail calls.
    """

    entries: Targets = Targets(NOTHING, NOTHING)
    jumps: Ints = NOTHING


def symbol_values(image: Image, symbols: Symbols) -> Targets:
    """The functions that a file defines, by the addresses in its symbol tables."""
    refs = symbols.functions()
    refs = refs[symbols.value[refs] != 0]
    return Targets.of(symbols.value[refs], refs)


def decodes_all(image: Image) -> str:
    """No variant of the architecture is refused."""
    return ""


class Architecture(NamedTuple):
    """How one architecture family is decoded.

    `stubs` finds PLT entries by their instructions, not by section names, since those may be
    gone. `sites` finds the branches of a run of code whose targets are in the first map, and the
    calls through a slot of the second one. `functions` says by which addresses a file's own
    functions are called; `refuses` why a file can't be decoded, or nothing.
    """

    stubs: Callable[[Image, Targets], Stubs]
    sites: Callable[[Image, Code, Targets, Targets], Iterable[Hits]]
    functions: Callable[[Image, Symbols], Targets] = symbol_values
    refuses: Callable[[Image], str] = decodes_all
