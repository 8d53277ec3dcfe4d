"""Calls of MIPS and PowerPC: BFD names no PLT entries, so addresses are followed in the text."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.objdump_text import (
    TARGET,
    Line,
    Names,
    base_name,
    disassemble,
    run,
    slots,
)


def mips(path: Path, names: Names) -> Iterator[tuple[int, str]]:
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
        target = TARGET.search(line.operands)
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
    held: dict[str, str | int] = {}  # by other registers
    branch: Line | None = None  # whose delay slot the line is
    for line in lines:
        value = value or carried.get(line.address, "")
        values.append(value)
        writes = line.operands.startswith("t9,") and not re.match(
            r"s[bhwd]$|s[wd][lr]$|b|j", line.mnemonic
        )
        if writes:
            moved = re.fullmatch(r"t9,(\w+)", line.operands) if line.mnemonic == "move" else None
            value = held.get(moved[1], "") if moved else _mips_value(line, value, got)
        _mips_hold(line, held, got)
        if branch:
            target = TARGET.search(branch.operands)
            links = branch.mnemonic in {"jalr", "bal", "jal", "jalr.hb"}
            if target and not links and value:
                carried[int(target[1], 16)] = value
            if links or branch.mnemonic in {"b", "j", "jr"}:
                value = ""
        branch = line if re.match(r"j|b(?!reak)", line.mnemonic) else None
    return values


def _mips_hold(line: Line, held: dict[str, str | int], got: dict[int, str | int]) -> None:
    """Keep what other registers hold that were loaded from gp."""
    register = line.operands.split(",", 1)[0]
    if re.match(r"s[bhwd]$|s[wd][lr]$|b|j", line.mnemonic):
        return
    load = re.fullmatch(r"\w+,(-?\d+)\(gp\)", line.operands)
    held[register] = got.get(int(load[1]), "") if load and line.mnemonic in {"lw", "ld"} else ""


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
        match = re.fullmatch(r"(-?\d+)\(gp\)", fields[1]) if len(fields) >= 3 else None
        if not match:
            continue
        named = len(fields) >= 6 and fields[-2] not in {"Lazy"}
        found[int(match[1])] = base_name(fields[-1]) if named else int(fields[2], 16)
    return found


def _mips_stubs(path: Path) -> dict[int, str]:
    found = {}
    for text in run("readelf", "-W", "--dyn-syms", str(path)).splitlines():
        fields = re.sub(r"\[[^\]]*\]", "", text).split()
        if len(fields) >= 8 and fields[6] == "UND" and fields[1].strip("0"):
            found[int(fields[1], 16)] = base_name(fields[7])
    return found


def ppc64el(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    """Name the call stubs by the loads in their text, then read `bl` and `b`."""
    lines = list(disassemble(path))
    stubs, entries = _toc_stubs(path, lines), _local_entries(path)
    for line in lines:
        target = re.match(r"(?:0x)?([0-9a-f]+)\b", line.operands)
        if line.mnemonic not in {"bl", "b"} or not target:
            continue
        address = int(target[1], 16)
        own = entries.get(address, address)
        if not (line.mnemonic == "b" and names.loops(line.address, own)):
            yield line.address, stubs.get(address) or names.own(own)


def _toc_stubs(path: Path, lines: list[Line]) -> dict[int, str]:
    """Call stubs: where they may be entered, and the names of the slots that they load."""
    filled = slots(path)
    got = re.search(r"\s\.got\s+PROGBITS\s+([0-9a-f]+)", run("readelf", "-SW", str(path)))
    toc = int(got[1], 16) + 0x8000 if got else 0
    stubs: dict[int, str] = {}
    for index, line in enumerate(lines[:-2]):
        load = re.fullmatch(r"r12,(-?\d+)\((r\d+)\)", line.operands)
        after = (lines[index + 1].mnemonic, lines[index + 2].mnemonic)
        if line.mnemonic != "ld" or not load or after != ("mtctr", "bctr"):
            continue
        address, first = toc + int(load[1]), index
        high = re.fullmatch(r"(r\d+),r2,(-?\d+)", lines[index - 1].operands)
        if high and lines[index - 1].mnemonic == "addis" and high[1] == load[2]:
            address, first = address + (int(high[2]) << 16), index - 1
        stubs[lines[first].address] = filled.get(address, "")
        if lines[first - 1].mnemonic == "std" and lines[first - 1].operands == "r2,24(r1)":
            stubs[lines[first - 1].address] = filled.get(address, "")
    return stubs


def _local_entries(path: Path) -> dict[int, int]:
    """Local entry points → global ones."""
    found = {}
    for text in run("readelf", "-sW", "--dyn-syms", str(path)).splitlines():
        if match := re.search(r"([0-9a-f]{16}).*FUNC.*<localentry>: (\d+)\]", text):
            found[int(match[1], 16) + int(match[2])] = int(match[1], 16)
    return found


def ppc64(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    """ELFv1: a call stub ends with a jump to the lazy entry that BFD names."""
    lines, stubs = list(disassemble(path)), {}
    for index, line in enumerate(lines):
        target = TARGET.search(line.operands)
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
            label = TARGET.search(line.operands)
            name = stubs.get(int(target[1], 16), "")
            text = label[2] if label and "+" not in label[2] else ""
            own = names.canonical(text.lstrip("."))
            is_own = own in names.leader.values() and not text.endswith("@plt")
            yield line.address, name or (own if is_own and line.mnemonic == "bl" else "")


def powerpc(path: Path, names: Names) -> Iterator[tuple[int, str]]:
    """Follow r30 through the text to give the stubs that load from it a meaning."""
    filled, lines = slots(path), list(disassemble(path))
    stubs = _pointer_stubs(lines)
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


def _pointer_stubs(lines: list[Line]) -> dict[int, int]:
    """Where stubs begin that load from r30, and how far from it."""
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
    return stubs
