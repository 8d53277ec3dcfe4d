"""What `objdump` and `readelf` print of a file, line by line: instructions, functions, slots."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\t([^\t]*)\t?([^\t]*)\t?(.*)$")
TARGET = re.compile(r"(?:^|[\s,*])(?:0x)?([0-9a-f]+) <([^>]+)>")


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
    return parse_lines(run("objdump", "-d", "-w", *options, str(path)))


def parse_lines(output: str) -> Iterator[Line]:
    section = ""
    for text in output.splitlines():
        if text.startswith("Disassembly of section "):
            section = text[len("Disassembly of section ") : -1]
        elif match := _INSTRUCTION.match(text):
            address, raw, mnemonic, operands = match.groups()
            words = mnemonic.split(" ") or [""]
            if words[0] in {"bnd", "addr32", "notrack", "repz", "data16", "cs", "rex.W"}:
                words = words[1:] or [""]
            rest = " ".join([*words[1:], operands])
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


def branch_sites(
    lines: Iterable[Line], names: Names, calls: re.Pattern[str], jumps: re.Pattern[str]
) -> Iterator[tuple[int, str]]:
    """Branches whose operand objdump itself names."""
    for line in lines:
        if line.section.startswith((".plt", ".iplt")):
            continue
        call, jump = calls.fullmatch(line.mnemonic), jumps.fullmatch(line.mnemonic)
        target = TARGET.search(line.operands) if call or jump else None
        if not target:
            continue
        address, label = int(target[1], 16), target[2]
        if label.endswith("@plt") and label.startswith("*ABS*+"):
            yield line.address, names.own(int(label[6:-4], 16))
        elif label.endswith("@plt"):
            yield line.address, label[:-4]
        elif not (jump and names.loops(line.address, address)):
            yield line.address, names.own(address)
