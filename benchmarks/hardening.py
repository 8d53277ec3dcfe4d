"""Hold hardening against `readelf` on every ELF file of the router images, and a peer beside it.

    python -m benchmarks.hardening [--arch armhf mips64el amd64] [--no-peer]

The peer is checksec.py, in a virtual environment of its own in the corpus's cache. Both are held
against `readelf`; the peer answers PIE, RELRO, NX, canary, RPATH and RUNPATH. Seconds are those of
the clock, each with one process where the tool allows.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assay.examine import calls, executable
from assay.examine.contract import Content, Examiner
from assay.model.observations import CodeHardening, Executable, Observation
from assay.model.tree import File, Kind
from tests import readelf_truth
from tests.corpus import router
from tests.corpus.cache import built

_PEER = "checksec.py==0.7.5"
_CANARY = "__stack_chk_fail"


def elf_files(arch: str) -> list[Path]:
    root = router(arch).root
    files = [path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink()]
    return [path for path in files if path.open("rb").read(4) == b"\x7fELF"]


def observe(examiner: Examiner, path: Path) -> list[Observation]:
    content = Content(memoryview(path.read_bytes()), lambda secret: "")
    return list(examiner.examine(content, File(path=path.name, kind=Kind.ELF)))


def structure(path: Path) -> Executable:
    found = observe(executable.EXAMINER, path)
    return next(one for one in found if isinstance(one, Executable))


def code(path: Path) -> CodeHardening | None:
    found = [one for one in observe(calls.EXAMINER, path) if isinstance(one, CodeHardening)]
    return found[0] if found else None


def mismatches(
    found: Executable,
    shown: CodeHardening | None,
    told: readelf_truth.Told,
    imports: frozenset[str],
) -> Iterator[str]:
    yield from readelf_truth.differences(found.model_dump(), told.executable())
    yield from readelf_truth.differences(found.hardening.model_dump(), told.hardening())
    if shown is not None and (found.soname or "") != "libc.so.6":  # it defines what others import
        fortified = any(name.startswith("__") and name.endswith("_chk") for name in imports)
        truth = {"canary": _CANARY in imports, "fortify": fortified}
        ours = {"canary": shown.canary, "fortify": bool(shown.fortify)}
        yield from readelf_truth.differences(ours, truth)


def measure(arch: str) -> tuple[dict[Path, readelf_truth.Told], float]:
    files = elf_files(arch)
    start = time.perf_counter()
    headers = {path: structure(path) for path in files}
    seconds = time.perf_counter() - start
    codes = {path: code(path) for path in files}
    with_code = time.perf_counter() - start
    told, imports = readelf_truth.told(files), readelf_truth.imports(files)
    wrong = {
        path: found
        for path in files
        if (found := list(mismatches(headers[path], codes[path], told[path], imports[path])))
    }
    unmeasured = sum(shown is None for shown in codes.values())
    shares = sum(shown is not None and shown.functions is not None for shown in codes.values())
    print(
        f"{arch}: {len(files)} files, {len(wrong)} with a mismatch, canary and FORTIFY not measured"
        f" in {unmeasured}, share of functions in {shares};"
        f" {seconds:.1f} s, {with_code:.1f} s with call sites",
        flush=True,
    )
    for path, found in wrong.items():
        print(f"    {path.name}: {'; '.join(found)}")
    return told, seconds


def peer_answers(arch: str) -> tuple[dict[str, dict[str, Any]], float]:
    python = built(_PEER.replace("==", "-"), _make_peer) / "bin" / "python"
    start = time.perf_counter()
    done = subprocess.run(
        [python, "-m", "checksec", "-j", "-w", "1", "-r", str(router(arch).root)],
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    found: dict[str, dict[str, Any]] = json.loads(done.stdout)
    return found, seconds


def _make_peer(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(folder / "bin" / "python"), "-m", "pip", "install", "-q", _PEER, "setuptools<81"]
    subprocess.run(install, check=True)


def _peer_says(answer: dict[str, Any]) -> dict[str, object]:
    """The peer's answers in our words."""
    return {
        "pie": answer["pie"] == "PIE",
        "relro": {"No": "none"}.get(answer["relro"], answer["relro"].lower()),
        "nx": answer["nx"],
        "rpath": bool(answer["rpath"]),
        "runpath": bool(answer["runpath"]),
    }


def compare(arch: str, told: dict[Path, readelf_truth.Told], ours: float) -> None:
    answers, seconds = peer_answers(arch)
    wrong: Counter[str] = Counter()
    for path, truth in told.items():
        answer = answers.get(str(path))
        wanted = truth.hardening()
        if not wanted:
            continue
        if answer is None:
            wrong["no answer"] += 1
            continue
        says = _peer_says(answer)
        wrong.update(
            name
            for name in ("relro", "nx", "rpath", "runpath")
            if says[name] != (bool(wanted[name]) if "path" in name else wanted[name])
        )
        wrong["pie"] += truth.role == "program" and says["pie"] != wanted["pie"]
    print(
        f"    {_PEER}: {len(answers)} files, {seconds:.1f} s, {seconds / ours:.1f} times ours"
        f" without call sites; wrong: {dict(+wrong) or 'nothing'}",
        flush=True,
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--arch", nargs="*", default=("armhf", "mips64el", "amd64"))
    options.add_argument("--no-peer", action="store_true")
    chosen = options.parse_args()
    for arch in chosen.arch:
        told, seconds = measure(arch)
        if not chosen.no_peer:
            compare(arch, told, seconds)


if __name__ == "__main__":
    main()
