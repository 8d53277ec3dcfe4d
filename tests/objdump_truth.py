"""Call counts as `objdump -d` and `readelf` tell them: what the decoders are held to.

Nothing here comes from the code under test: the text of a full disassembly is read line by line,
PLT entries bear the names that BFD gives them, and where BFD gives none (MIPS, ELFv2 call stubs)
the address loads are followed in the text.

The convention on both sides: a direct invocation is a call or a branch (tail call) whose target
is a PLT entry or GOT slot of a named import, or the start of a function that the file's own
symbol table names. Jumps from inside a function to its own start are loops. Code of the PLT
itself does not count. Symbol versions are dropped, aliases of one address are one function.
"""

import re
import tempfile
from collections import Counter
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import TypeVar

from tests import objdump_gp
from tests.objdump_text import (
    TARGET,
    Line,
    Names,
    branch_sites,
    disassemble,
    parse_lines,
    run,
    slots,
)

Callee = TypeVar("Callee", bound=Hashable)

_COMMENT = re.compile(r"[#;@] (?:0x)?([0-9a-f]+)\b")
_PLT_LABEL = re.compile(r"^([0-9a-f]+) <(.+)@plt>:$")


def agreement(ours: Counter[Callee], truth: Counter[Callee]) -> float:
    """1 - sum of differences by function over the sum of the truth."""
    total = sum(truth.values())
    wrong = sum(abs(ours[name] - truth[name]) for name in ours.keys() | truth.keys())
    return 1 - wrong / total if total else float(not wrong)


def truth(path: Path, arch: str) -> Counter[str]:
    """Direct invocations by (canonical) name. `arch` is Debian's name of the architecture."""
    return Counter(name for _, name in sites(path, arch))


def sites(path: Path, arch: str) -> list[tuple[int, str]]:
    """(address, name) of every direct invocation."""
    names = Names(path, thumb=arch == "armhf")
    found = _READERS[arch](path, names)
    return [(address, names.canonical(name)) for address, name in found if name]


def _x86(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    lines = list(disassemble(path))
    yield from branch_sites(lines, names, re.compile("call[lqw]?"), re.compile("j[a-z]+"))
    filled = slots(path)
    for line in lines:
        if line.mnemonic not in {"call", "jmp"} or line.section.startswith(".plt"):
            continue
        if "(%rip)" in line.operands and (comment := _COMMENT.search(line.operands)):
            yield line.address, filled.get(int(comment[1], 16), "")


def _i386(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    lines = list(disassemble(path))
    yield from branch_sites(lines, names, re.compile("call[lw]?"), re.compile("j[a-z]+"))
    filled = slots(path)
    got = re.search(r"PLTGOT\)\s+0x([0-9a-f]+)", run("readelf", "-dW", str(path)))
    base = int(got[1], 16) if got else 0
    for line in lines:
        through = re.match(r"\*(-?0x[0-9a-f]+)\(%ebx\)", line.operands)
        if line.mnemonic in {"call", "jmp"} and through and not line.section.startswith(".plt"):
            yield line.address, filled.get(base + int(through[1], 16), "")


def _aarch64(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    lines = list(disassemble(path))
    yield from branch_sites(lines, names, re.compile("bl"), re.compile(r"b"))
    filled = slots(path)
    held: dict[str, str] = {}
    pages: dict[str, int] = {}
    for line in lines:
        if line.section.startswith(".plt"):
            continue
        target = line.operands.split(",", 1)[0].strip()
        load = re.fullmatch(r"(x\d+), \[(x\d+), #(\d+)\]", line.operands)
        page = TARGET.search(line.operands)
        if line.mnemonic in {"blr", "br"}:
            yield line.address, held.get(target, "")
        held.pop(target, None)
        if line.mnemonic == "ldr" and load and load[2] in pages:
            held[load[1]] = filled.get(pages[load[2]] + int(load[3]), "")
        pages.pop(target, None)
        if line.mnemonic == "adrp" and page:
            pages[target] = int(page[1], 16)
        if line.mnemonic in {"b", "ret", "br", "bl", "blr"}:
            held, pages = {}, {}


def _s390x(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    yield from branch_sites(
        disassemble(path), names, re.compile("brasl"), re.compile("jg[a-z]*|brcl")
    )


def _riscv64(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    for line in disassemble(path):
        if line.section.startswith(".plt") or line.mnemonic not in {"jal", "j", "jalr", "jr"}:
            continue
        target = TARGET.search(line.operands.replace("#", " "))
        if target and line.size == 4:
            label = target[2]
            loops = line.mnemonic in {"j", "jr"} and names.loops(line.address, int(target[1], 16))
            plt = label.endswith("@plt")
            yield (
                line.address,
                label[:-4] if plt else "" if loops else names.own(int(target[1], 16)),
            )


def _plt_labels(path: Path) -> dict[int, str]:
    text = run("objdump", "-d", "-j", ".plt", str(path))
    matches = (_PLT_LABEL.match(line) for line in text.splitlines())
    return {int(match[1], 16): match[2] for match in matches if match}


def _armhf(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    """Both encodings; an ARM line counts if those before it look like ARM code."""
    plt = _plt_labels(path)
    thumb = Names(path)
    for line in disassemble(path, "-M", "force-thumb"):
        match = re.match(r"(bl|blx|b[a-z]{0,2}\.w)$", line.mnemonic)
        target = TARGET.search(line.operands) if match else None
        if not target or line.section.startswith(".plt"):
            continue
        address = int(target[1], 16)
        jump = line.mnemonic not in {"bl", "blx"}
        if line.mnemonic == "blx":
            yield line.address, _arm_entry(plt, address) or thumb.own(address)
        elif not (jump and thumb.loops(line.address, address | 1)):
            yield line.address, plt.get(address) or thumb.own(address | 1)
    yield from _arm_encoding(path, plt, thumb)


def _arm_entry(plt: dict[int, str], address: int) -> str:
    """An entry's ARM instructions stand behind four bytes of Thumb where it has these."""
    return plt.get(address) or plt.get(address - 4, "")


def _arm_encoding(path: Path, plt: dict[int, str], names: Names) -> Iterator[tuple[int, str]]:
    """The code read as ARM throughout: without the file's symbols, which would switch to Thumb."""
    lines = list(_read_as_arm(path))
    odd = re.compile(rf".*({_CONDITIONS})$|.*UNDEFINED.*|\.word|cdp.*|stc.*|ldc.*|mrc.*|mcr.*|svc")
    usual = [not odd.fullmatch(line.mnemonic) or line.mnemonic == "movs" for line in lines]
    branch = re.compile(rf"(bl|b|blx)({_CONDITIONS})?")
    for index, line in enumerate(lines):
        match = branch.fullmatch(line.mnemonic)
        target = re.match(r"0x([0-9a-f]+)", line.operands) if match else None
        if not match or not target or sum(usual[max(index - 6, 0) : index]) < 4:
            continue
        address, thumb = int(target[1], 16), match[1] == "blx"
        if not (match[1] == "b" and names.loops(line.address, address)):
            yield line.address, _arm_entry(plt, address) or names.own(address | thumb)


_CONDITIONS = "eq|ne|cs|cc|mi|pl|vs|vc|hi|ls|ge|lt|gt|le"


def _read_as_arm(path: Path) -> Iterator[Line]:
    header = re.search(r"\s\.text\s+PROGBITS\s+([0-9a-f]+)", run("readelf", "-SW", str(path)))
    if not header:
        return
    with tempfile.NamedTemporaryFile() as text:
        run("objcopy", "-O", "binary", "--only-section=.text", str(path), text.name)
        options = ("-D", "-b", "binary", "-m", "arm", f"--adjust-vma=0x{header[1]}")
        yield from parse_lines(run("objdump", "-w", *options, text.name))


_READERS = {
    "amd64": _x86,
    "i386": _i386,
    "armhf": _armhf,
    "arm64": _aarch64,
    "mips64el": objdump_gp.mips,
    "mipsel": objdump_gp.mips,
    "ppc64el": objdump_gp.ppc64el,
    "s390x": _s390x,
    "riscv64": _riscv64,
    "ppc64": objdump_gp.ppc64,
    "powerpc": objdump_gp.powerpc,
    "mips": objdump_gp.mips,
}
