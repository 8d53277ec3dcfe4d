"""Direct call sites of named functions in ELF files, by decoding call instructions with NumPy.

Takes: an ELF file as arrays. Gives: for every named callee the addresses of its sites.
Must not know: observations, classes of functions, the rest of the tree.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assay.examine.callsites.image import Code, Image, read_image
from assay.examine.callsites.scan import scan
from assay.examine.callsites.symbols import Symbols, read_symbols

Addresses = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class CallSites:
    """Where one file calls functions that it names.

    `sites` maps a callee's name, without symbol version, to the sorted virtual addresses of the
    instructions that call it (on ARM without the Thumb bit). In a relocatable object, which has
    no addresses yet, they are file offsets. `gap` says why nothing could be named; it is empty
    where the file was measured, and `sites` is empty where `gap` is not.

    A site is a call or a branch that does not return (tail call) to a PLT entry, GOT slot or
    function of that name; which instructions count is said by the architecture's module. The
    names of a function's aliases are one: see `symbols.Symbols.preferred`.
    """

    sites: Mapping[str, Addresses] = field(default_factory=dict)
    gap: str = ""
    code: tuple[Code, ...] = ()

    def file_offsets(self, addresses: Addresses) -> Addresses:
        """The offsets in the file of sites."""
        offsets = addresses.copy()
        for run in self.code:
            distance = addresses - np.uint64(run.address % (1 << 64))
            inside = distance < len(run.data)
            offsets[inside] = distance[inside] + np.uint64(run.offset)
        return offsets


def call_sites(image: Image, symbols: Symbols) -> CallSites:
    """Find the direct call sites of every function that the file names.

    Malformed content gives fewer sites or a `gap`, never an exception.
    """
    sites, gap = scan(image, symbols)
    return CallSites({name: at.view(np.uint64) for name, at in sites.items()}, gap, image.code)


__all__ = ["CallSites", "Image", "Symbols", "call_sites", "read_image", "read_symbols"]
