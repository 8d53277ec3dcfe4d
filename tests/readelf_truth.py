"""Structure and hardening of ELF files as `readelf` tells them.

Nothing here comes from the code under test: the text of `readelf -hldSnW` is read, many files by
one call. `imports` are the undefined dynamic symbols of `readelf --dyn-syms`.
"""

import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_FILES_A_CALL = 100
_MACHINES = {
    "ARM": "arm",
    "AArch64": "aarch64",
    "Intel 80386": "x86",
    "Advanced Micro Devices X86-64": "x86-64",
    "PowerPC": "powerpc",
    "PowerPC64": "powerpc64",
    "IBM S/390": "s390x",
    "MIPS R3000": "mips",
    "RISC-V": "riscv",
}


@dataclass
class Told:
    """What `readelf` prints of one file."""

    header: dict[str, str] = field(default_factory=dict)
    interpreter: str | None = None
    segments: dict[str, str] = field(default_factory=dict)
    sections: set[str] = field(default_factory=set)
    dynamic: dict[str, list[str]] = field(default_factory=dict)
    notes: str = ""

    @property
    def role(self) -> str:
        kind = self.header["Type"].split()[0]
        if kind == "REL":
            return "module" if ".modinfo" in self.sections else "object"
        if kind == "CORE":
            return "core"
        if kind == "EXEC" or "PIE" in self._flags("FLAGS_1"):
            return "program"
        return "program" if self.interpreter and "SONAME" not in self.dynamic else "library"

    @property
    def relro(self) -> str:
        if "GNU_RELRO" not in self.segments:
            return "none"
        now = "BIND_NOW" in self.dynamic or "BIND_NOW" in self._flags("FLAGS")
        return "full" if now or "NOW" in self._flags("FLAGS_1") else "partial"

    def executable(self) -> dict[str, object]:
        """The answers by the names of `Executable`."""
        bits = int(self.header["Class"].removeprefix("ELF"))
        arch = _MACHINES[self.header["Machine"]]
        wide = {"mips": "mips64", "riscv": f"riscv{bits}"}
        build_id = re.search(r"Build ID: ([0-9a-f]+)", self.notes)
        program = self.role == "program"
        return {
            "arch": wide.get(arch, arch) if bits == 64 or arch == "riscv" else arch,
            "bits": bits,
            "endian": "big" if "big endian" in self.header["Data"] else "little",
            "role": self.role,
            "static": program and not self.interpreter and "NEEDED" not in self.dynamic,
            "interpreter": self.interpreter,
            "soname": next(iter(self._names("SONAME")), None),
            "needed": self._names("NEEDED"),
            "build_id": build_id[1] if build_id else None,
            "stripped": ".symtab" not in self.sections,
            "debug_info": bool({".debug_info", ".zdebug_info"} & self.sections),
            "sections": bool(self.sections),
        }

    def hardening(self) -> dict[str, object]:
        """The answers by the names of `Hardening`; empty for what is not loaded as it is."""
        if self.role not in ("program", "library"):
            return {}
        stack = self.segments.get("GNU_STACK")
        executable = stack is None or "E" in stack
        x86 = self.header["Machine"] in ("Intel 80386", "Advanced Micro Devices X86-64")
        aarch64 = self.header["Machine"] == "AArch64"
        flags = self._flags("FLAGS")
        return {
            "pie": self.header["Type"].startswith("DYN") if self.role == "program" else None,
            "nx": not executable,
            "executable_stack": executable,
            "relro": self.relro,
            "rpath": self._paths("RPATH"),
            "runpath": self._paths("RUNPATH"),
            "text_relocations": "TEXTREL" in self.dynamic or "TEXTREL" in flags,
            "ibt": self._feature("x86", "IBT") if x86 else None,
            "shstk": self._feature("x86", "SHSTK") if x86 else None,
            "bti": self._feature("AArch64", "BTI") if aarch64 else None,
            "pac": self._feature("AArch64", "PAC") if aarch64 else None,
        }

    def _flags(self, tag: str) -> set[str]:
        return {word for text in self.dynamic.get(tag, ()) for word in text.split()}

    def _names(self, tag: str) -> tuple[str, ...]:
        return tuple(text[text.index("[") + 1 : -1] for text in self.dynamic.get(tag, ()))

    def _paths(self, tag: str) -> tuple[str, ...]:
        return tuple(path for text in self._names(tag) for path in text.split(":") if path)

    def _feature(self, processor: str, name: str) -> bool:
        found = re.findall(rf"{processor} feature: ([A-Z, 0-9_]+)", self.notes)
        return any(name in re.split(r",\s*", text.strip()) for text in found)


def told(paths: Sequence[Path]) -> dict[Path, Told]:
    """`readelf`'s answers for many files."""
    found: dict[Path, Told] = {}
    for path, lines in _blocks(paths, "-hldSnW"):
        found[path] = one = Told()
        for line in lines:
            _read(one, line)
    return found


def imports(paths: Sequence[Path]) -> dict[Path, frozenset[str]]:
    """Names that files want from others, without version."""
    found = {}
    for path, lines in _blocks(paths, "-W", "--dyn-syms"):
        fields = (re.sub(r"\[[^\]]*\]", "", line).split() for line in lines)
        names = {one[7].split("@")[0] for one in fields if len(one) >= 8 and one[6] == "UND"}
        found[path] = frozenset(names)
    return found


def modinfo(path: Path) -> dict[str, str]:
    """A kernel module's own statements; of repeated ones the first."""
    fields: dict[str, str] = {}
    text = _run("readelf", "-p", ".modinfo", str(path))
    for match in re.finditer(r"^\s*\[\s*[0-9a-f]+\]\s+(\w+)=(.*)$", text, re.MULTILINE):
        fields.setdefault(match[1], match[2].strip())
    return fields


def unwound(path: Path) -> list[tuple[int, int]]:
    """The bounds of all code with an entry in the unwind tables, sorted."""
    text = _run("readelf", "-wF", str(path))
    found = re.findall(r"FDE .*pc=([0-9a-f]+)\.\.([0-9a-f]+)", text)
    return sorted({(int(start, 16), int(stop, 16)) for start, stop in found})


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, errors="replace")
    return done.stdout


def _blocks(paths: Sequence[Path], *options: str) -> Iterator[tuple[Path, list[str]]]:
    """The lines on each file."""
    for start in range(0, len(paths), _FILES_A_CALL):
        batch = paths[start : start + _FILES_A_CALL]
        # A file named twice makes readelf head each part with the name.
        output = _run("readelf", *options, *map(str, batch), str(batch[-1]))
        parts = re.split(r"^File: (.*)$", output, flags=re.MULTILINE)[1:]
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            yield Path(name), text.splitlines()


def _read(one: Told, line: str) -> None:
    if match := re.match(r"  ([A-Z][A-Za-z /]+):\s+(.*)$", line):
        one.header.setdefault(match[1], match[2])
    if match := re.match(r"\s+\[Requesting program interpreter: (.*)\]$", line):
        one.interpreter = match[1]
    elif match := re.match(r"  ([A-Z_]+)\s+0x\w+ 0x\w+ 0x\w+ 0x\w+ 0x\w+ ([RWE ]{3})", line):
        one.segments.setdefault(match[1], match[2])
    elif match := re.match(r"  \[ *\d+\] (\S+)\s+[A-Z]", line):
        one.sections.add(match[1])
    elif match := re.match(r" 0x[0-9a-f]+ \(([A-Z_0-9]+)\)\s+(?:Flags: )?(.*)$", line):
        one.dynamic.setdefault(match[1], []).append(match[2])
    elif "NT_GNU_" in line or "feature:" in line:
        one.notes += line + "\n"


def differences(ours: Mapping[str, object], truth: Mapping[str, object]) -> Iterable[str]:
    """Each answer that is not the same."""
    for name, value in truth.items():
        if ours[name] != value:
            yield f"{name}: {ours[name]!r}, readelf {value!r}"
