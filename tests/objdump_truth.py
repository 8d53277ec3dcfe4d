"""Call counts as `objdump -d` and `readelf` tell them: the reference that `assay.examine.callsites` is held to.

Nothing here comes from the code under test: the text of a full disassembly is read line by line,
PLT entries bear the names that BFD gives them, and where BFD gives none (MIPS, ELFv2 call stubs)
the address loads are followed in the text.

The convention on both sides: a direct invocation is a call or a branch (tail call) whose target
is a PLT entry or GOT slot of a named import, or the start of a function that the file's own
symbol table names. Jumps from inside a function to its own start are loops. Code of the PLT
itself does not count. Symbol versions are dropped, aliases of one address are one function.
"""

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t([^\t]*)\t?([^\t]*)\t?(.*)$")
_TARGET = re.compile(r"(?:^|[\s,*])(?:0x)?([0-9a-f]+) <([^>]+)>")
_COMMENT = re.compile(r"[#;@] (?:0x)?([0-9a-f]+)\b")
_PLT_LABEL = re.compile(r"^([0-9a-f]+) <(.+)@plt>:$")


@dataclass(frozen=True)
class Line:
    """One disassembled instruction."""

    section: str
    address: int
    size: int
    mnemonic: str
    operands: str


@dataclass(frozen=True)
class Function:
    """A function of the file's symbol tables."""

    name: str
    address: int
    size: int


def run(*command: str) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, check=True, errors="replace"
    ).stdout


def disassemble(path: Path, *options: str) -> Iterator[Line]:
    return _lines(run("objdump", "-d", "-w", *options, str(path)))


def _lines(output: str) -> Iterator[Line]:
    section = ""
    for text in output.splitlines():
        if text.startswith("Disassembly of section "):
            section = text[len("Disassembly of section ") : -1]
        elif match := _INSTRUCTION.match(text):
            address, raw, mnemonic, operands = match.groups()
            words = mnemonic.split(" ") or [""]
            if words[0] in {"bnd", "addr32", "notrack", "repz", "data16", "cs", "rex.W"}:
                words = words[1:] or [""]
            rest = " ".join(words[1:] + [operands])
            size = len(raw.replace(" ", "")) // 2
            yield Line(section, int(address, 16), size, words[0], rest.strip())


def base_name(name: str) -> str:
    return name.split("@", 1)[0]


def functions(path: Path) -> list[Function]:
    """Every function that the file defines, from both symbol tables."""
    found = set()
    for text in run("readelf", "-sW", "--dyn-syms", str(path)).splitlines():
        fields = re.sub(r"\[[^\]]*\]", "", text).split()
        if len(fields) >= 8 and fields[3] in {"FUNC", "IFUNC"} and fields[6] != "UND":
            found.add(Function(base_name(fields[7]), int(fields[1], 16), int(fields[2], 0)))
    return sorted(found, key=lambda function: (function.address, function.name))


def slots(path: Path) -> dict[int, str]:
    """Relocated words: their addresses and the symbols that fill them."""
    found = {}
    for text in run("readelf", "-rW", str(path)).splitlines():
        fields = text.split()
        if (
            len(fields) >= 5
            and re.fullmatch(r"[0-9a-f]{8,16}", fields[0])
            and fields[2].startswith("R_")
        ):
            found[int(fields[0], 16)] = base_name(fields[4])
    return found


class Names:
    """One name for all aliases of an address, and the functions' bounds."""

    def __init__(self, path: Path, thumb: bool = False) -> None:
        self.by_address: dict[int, list[Function]] = {}
        for function in functions(path):
            address = function.address & ~1 if thumb else function.address
            self.by_address.setdefault(address, []).append(function)
        self.leader: dict[str, str] = {}
        for group in self.by_address.values():
            # One name may stand at several addresses (versions), so groups can grow together.
            names = {function.name for function in group}
            leaders = {self.leader.get(name, name) for name in names}
            first = min(names | leaders)
            merged = {name for name, leader in self.leader.items() if leader in leaders}
            self.leader.update(dict.fromkeys(names | leaders | merged, first))

    def canonical(self, name: str) -> str:
        name = re.sub(r"\.(?:constprop|isra|lto_priv|localalias)(\.\d+)*", "", base_name(name))
        return self.leader.get(name, name)

    def own(self, address: int) -> str:
        group = self.by_address.get(address)
        return self.canonical(group[0].name) if group else ""

    def loops(self, site: int, target: int) -> bool:
        return any(f.address <= site < f.address + f.size for f in self.by_address.get(target, ()))


def agreement(ours: Counter[str], truth: Counter[str]) -> float:
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


def _branch_sites(
    lines: Iterable[Line], names: Names, calls: re.Pattern[str], jumps: re.Pattern[str]
) -> Iterator[tuple[int, str]]:
    """Branches whose operand objdump itself names."""
    for line in lines:
        if line.section.startswith((".plt", ".iplt")):
            continue
        call, jump = calls.fullmatch(line.mnemonic), jumps.fullmatch(line.mnemonic)
        target = _TARGET.search(line.operands) if call or jump else None
        if not target:
            continue
        address, label = int(target[1], 16), target[2]
        if label.endswith("@plt") and label.startswith("*ABS*+"):
            yield line.address, names.own(int(label[6:-4], 16))
        elif label.endswith("@plt"):
            yield line.address, label[:-4]
        elif not (jump and names.loops(line.address, address)):
            yield line.address, names.own(address)


def _x86(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    lines = list(disassemble(path))
    yield from _branch_sites(lines, names, re.compile("call[lqw]?"), re.compile("j[a-z]+"))
    filled = slots(path)
    for line in lines:
        if line.mnemonic not in {"call", "jmp"} or line.section.startswith(".plt"):
            continue
        if "(%rip)" in line.operands and (comment := _COMMENT.search(line.operands)):
            yield line.address, filled.get(int(comment[1], 16), "")


def _i386(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    lines = list(disassemble(path))
    yield from _branch_sites(lines, names, re.compile("call[lw]?"), re.compile("j[a-z]+"))
    filled = slots(path)
    got = re.search(r"PLTGOT\)\s+0x([0-9a-f]+)", run("readelf", "-dW", str(path)))
    base = int(got[1], 16) if got else 0
    for line in lines:
        through = re.match(r"\*(-?0x[0-9a-f]+)\(%ebx\)", line.operands)
        if line.mnemonic in {"call", "jmp"} and through and not line.section.startswith(".plt"):
            yield line.address, filled.get(base + int(through[1], 16), "")


def _aarch64(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    lines = list(disassemble(path))
    yield from _branch_sites(lines, names, re.compile("bl"), re.compile(r"b"))
    filled = slots(path)
    held: dict[str, str] = {}
    pages: dict[str, int] = {}
    for line in lines:
        if line.section.startswith(".plt"):
            continue
        target = line.operands.split(",", 1)[0].strip()
        load = re.fullmatch(r"(x\d+), \[(x\d+), #(\d+)\]", line.operands)
        page = _TARGET.search(line.operands)
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
    yield from _branch_sites(
        disassemble(path), names, re.compile("brasl"), re.compile("jg[a-z]*|brcl")
    )


def _riscv64(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    for line in disassemble(path):
        if line.section.startswith(".plt") or line.mnemonic not in {"jal", "j", "jalr", "jr"}:
            continue
        target = _TARGET.search(line.operands.replace("#", " "))
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
        target = _TARGET.search(line.operands) if match else None
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
        yield from _lines(run("objdump", "-w", *options, text.name))


def _mips(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    """Follow t9 through the text: loads from gp, additions, what branches carry along."""
    got, stubs = _mips_got(path), _mips_stubs(path)
    lines = [line for line in disassemble(path) if line.section not in {".MIPS.stubs", ".plt"}]
    carried: dict[int, str | int] = {}
    # Branches lead backward too: what they carry is known after the text was read once or twice.
    for _ in range(3):
        values = _mips_t9(lines, got, carried)
    for line, value in zip(lines, values, strict=True):
        if line.mnemonic in {"jalr", "jr", "jalr.hb"} and line.operands.endswith("t9"):
            yield line.address, value if isinstance(value, str) else names.own(value)
        target = _TARGET.search(line.operands)
        if line.mnemonic in {"bal", "jal", "b", "j"} and target:
            place = int(target[1], 16)
            if line.mnemonic in {"bal", "jal"} or not names.loops(line.address, place):
                yield line.address, stubs.get(place) or names.own(place)


def _mips_t9(
    lines: list[Line], got: dict[int, str | int], carried: dict[int, str | int]
) -> list[str | int]:
    """What t9 holds before each line; fills `carried` with what branches bring to their targets."""
    values: list[str | int] = []
    value: str | int = ""
    branch: Line | None = None  # whose delay slot the line is
    for line in lines:
        value = value or carried.get(line.address, "")
        values.append(value)
        writes = line.operands.startswith("t9,") and not re.match(
            r"s[bhwd]$|s[wd][lr]$|b|j", line.mnemonic
        )
        if writes:
            value = _mips_value(line, value, got)
        if branch:
            target = _TARGET.search(branch.operands)
            links = branch.mnemonic in {"jalr", "bal", "jal", "jalr.hb"}
            if target and not links and value:
                carried[int(target[1], 16)] = value
            if links or branch.mnemonic in {"b", "j", "jr"}:
                value = ""
        branch = line if re.match(r"j|b(?!reak)", line.mnemonic) else None
    return values


def _mips_value(line: Line, value: str | int, got: dict[int, str | int]) -> str | int:
    load = re.fullmatch(r"t9,(-?\d+)\((?:gp|v[01]|a\d|t\d)\)", line.operands)
    add = re.fullmatch(r"t9,t9,(-?\d+)", line.operands)
    if load and line.mnemonic in {"lw", "ld"}:
        return got.get(int(load[1]), "")
    if add and line.mnemonic in {"addiu", "daddiu"} and isinstance(value, int):
        return value + int(add[1])
    return ""


def _mips_got(path: Path) -> dict[int, str | int]:
    """The primary GOT by offset from gp: names of global entries, values of local ones."""
    found: dict[int, str | int] = {}
    for text in run("readelf", "-AW", str(path)).splitlines():
        fields = text.split()
        if len(fields) < 3 or not fields[1].startswith(("-", "(")) and not fields[1].isdigit():
            continue
        match = re.match(r"-?\d+", fields[1])
        if not match or not fields[1].endswith("(gp)"):
            continue
        named = len(fields) >= 6 and fields[-2] not in {"Lazy"}
        found[int(match[0])] = base_name(fields[-1]) if named else int(fields[2], 16)
    return found


def _mips_stubs(path: Path) -> dict[int, str]:
    found = {}
    for text in run("readelf", "-W", "--dyn-syms", str(path)).splitlines():
        fields = re.sub(r"\[[^\]]*\]", "", text).split()
        if len(fields) >= 8 and fields[6] == "UND" and fields[1].strip("0"):
            found[int(fields[1], 16)] = base_name(fields[7])
    return found


def _ppc64el(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    """Name the call stubs by the loads in their text, then read `bl` and `b`."""
    filled, lines = slots(path), list(disassemble(path))
    got = re.search(r"\s\.got\s+PROGBITS\s+([0-9a-f]+)", run("readelf", "-SW", str(path)))
    toc = int(got[1], 16) + 0x8000 if got else 0
    stubs: dict[int, str] = {}
    for index, line in enumerate(lines):
        load = re.fullmatch(r"r12,(-?\d+)\((r\d+)\)", line.operands)
        if line.mnemonic != "ld" or not load or index + 2 >= len(lines):
            continue
        if (lines[index + 1].mnemonic, lines[index + 2].mnemonic) != ("mtctr", "bctr"):
            continue
        address, first = toc + int(load[1]), index
        high = re.fullmatch(r"(r\d+),r2,(-?\d+)", lines[index - 1].operands)
        if high and lines[index - 1].mnemonic == "addis" and high[1] == load[2]:
            address, first = address + (int(high[2]) << 16), index - 1
        name = filled.get(address, "")
        stubs[lines[first].address] = name
        if lines[first - 1].mnemonic == "std" and lines[first - 1].operands == "r2,24(r1)":
            stubs[lines[first - 1].address] = name
    entries = _local_entries(path)
    for line in lines:
        target = re.match(r"(?:0x)?([0-9a-f]+)\b", line.operands)
        if line.mnemonic not in {"bl", "b"} or not target:
            continue
        address = int(target[1], 16)
        name = stubs.get(address) or names.own(entries.get(address, address))
        own = entries.get(address, address)
        if not (line.mnemonic == "b" and names.loops(line.address, own)):
            yield line.address, name


def _local_entries(path: Path) -> dict[int, int]:
    """Local entry points → global ones."""
    found = {}
    for text in run("readelf", "-sW", "--dyn-syms", str(path)).splitlines():
        if match := re.search(r"([0-9a-f]{16}).*FUNC.*<localentry>: (\d+)\]", text):
            found[int(match[1], 16) + int(match[2])] = int(match[1], 16)
    return found


def _ppc64(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    """ELFv1: a call stub ends with a jump to the lazy entry that BFD names."""
    lines, stubs = list(disassemble(path)), {}
    for index, line in enumerate(lines):
        target = _TARGET.search(line.operands)
        if line.mnemonic != "b" or not target or not target[2].endswith("@plt"):
            continue
        start = index
        while start and index - start < 10 and lines[start - 1].mnemonic != ".long":
            start -= 1
            if lines[start].operands == "r2,40(r1)":
                stubs[lines[start].address] = target[2][:-4]
                break
    for line in lines:
        target = re.match(r"(?:0x)?([0-9a-f]+)\b", line.operands)
        if line.mnemonic in {"bl", "b"} and target:
            label = _TARGET.search(line.operands)
            name = stubs.get(int(target[1], 16), "")
            own = names.canonical(label[2].lstrip(".")) if label and "+" not in label[2] else ""
            is_own = own in names.leader.values() and not label[2].endswith("@plt")
            yield line.address, name or (own if is_own and line.mnemonic == "bl" else "")


def _powerpc(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    """Follow r30 through the text to give the stubs that load from it a meaning."""
    filled, lines = slots(path), list(disassemble(path))
    stubs: dict[int, int] = {}
    for index, line in enumerate(lines[:-2]):
        load = re.fullmatch(r"r11,(-?\d+)\((r30|r11)\)", line.operands)
        after = (lines[index + 1].mnemonic, lines[index + 2].mnemonic)
        if line.mnemonic != "lwz" or not load or after != ("mtctr", "bctr"):
            continue
        high = re.fullmatch(r"r11,r30,(-?\d+)", lines[index - 1].operands)
        if load[2] == "r30":
            stubs[line.address] = int(load[1])
        elif high and lines[index - 1].mnemonic == "addis":
            stubs[lines[index - 1].address] = (int(high[1]) << 16) + int(load[1])
    link = pointer = 0
    for line in lines:
        target = re.match(r"(?:0x)?([0-9a-f]+)\b", line.operands)
        if line.mnemonic == "bcl" and line.operands.startswith("20,"):
            link = line.address + 4
        elif (line.mnemonic, line.operands) == ("mflr", "r30"):
            pointer = link
        elif match := re.fullmatch(r"r30,r30,(-?\d+)", line.operands):
            pointer += int(match[1]) << (16 if line.mnemonic == "addis" else 0)
        elif line.mnemonic in {"bl", "b"} and target:
            address = int(target[1], 16)
            if address in stubs:
                yield line.address, filled.get(pointer + stubs[address], "")
            elif not (line.mnemonic == "b" and names.loops(line.address, address)):
                yield line.address, names.own(address)


_READERS = {
    "amd64": _x86,
    "i386": _i386,
    "armhf": _armhf,
    "arm64": _aarch64,
    "mips64el": _mips,
    "mipsel": _mips,
    "ppc64el": _ppc64el,
    "s390x": _s390x,
    "riscv64": _riscv64,
    "ppc64": _ppc64,
    "powerpc": _powerpc,
    "mips": _mips,
}
