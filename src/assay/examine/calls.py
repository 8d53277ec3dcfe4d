"""Direct call sites of named functions in ELF files, counted by callee, and the defences that they
show: stack canaries by function and FORTIFY by call (see `elf.protection`).

How it works: the files' own dynamic linking says which PLT entries and GOT slots lead to which
import; the call instructions of the executable sections are decoded in bulk with NumPy, and those
that lead there, or to a function that the file's symbol tables name, are counted. In relocatable
objects and kernel modules the relocations of calls are counted. A direct invocation is a call or
a tail call (a branch that does not return). Every architecture's module in `callsites` says which
instructions count.

Known false positives: on x86 and s390x every byte or half-word is tried as an instruction, so data
between code may spell a call by chance (32 bits must agree); on stripped ARM the encoding of a
place is guessed from its surroundings; on MIPS a jump that several paths share with different
callees counts for one of them.

Known false negatives: calls through pointers; calls through a register that was loaded from the
GOT long before; two-byte jumps of x86 to a function of the same object file; calls inside
statically linked or inlined library code that no symbol names (`Unmeasured` where that is all
there is). Functions that the compiler inlined or replaced are not calls any more.

Sources: the instruction set manuals and ABI supplements named in each module of `callsites`.
"""

from collections.abc import Iterator

from assay.examine.callsites import CallSites, call_sites, read_image, read_symbols
from assay.examine.contract import Content, Examiner
from assay.examine.elf.parse import parse_elf
from assay.examine.elf.protection import protection, unmeasured
from assay.model.observations import OFFSETS_KEPT, CalledFunction, Calls, Observation
from assay.model.observations.base import Unmeasured
from assay.model.tree import File, Kind


def _wants(file: File) -> bool:
    return file.kind == Kind.ELF


def _examine(content: Content, file: File) -> Iterator[Observation]:
    data = bytes(content.data)
    elf = parse_elf(data, notes=False)
    image = read_image(elf, data)
    symbols = read_symbols(image)
    found = call_sites(image, symbols)
    if found.gap:
        yield Unmeasured(what="calls", why=found.gap)
        yield from unmeasured(found.gap)
    else:
        yield observed(found)
        yield from protection(elf, image, symbols, found.sites)


def observed(found: CallSites) -> Calls:
    """The call sites of one file as an observation."""
    return Calls(
        functions=tuple(
            CalledFunction(
                name=name,
                sites=len(sites),
                offsets=tuple(found.file_offsets(sites[:OFFSETS_KEPT]).tolist()),
            )
            for name, sites in sorted(found.sites.items())
        )
    )


EXAMINER = Examiner(name="calls", version="2", wants=_wants, examine=_examine)
