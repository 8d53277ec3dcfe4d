"""Hold call counts against `objdump -d` on real binaries, and measure the speed of both.

    python -m benchmarks.calls [--binaries 30] [--arch armhf ...] [--differences]

Needs `binutils-multiarch`. Agreement is 1 - sum |ours - objdump's| / sum objdump's over the counts
by function; "worst" is the lowest of a single file. MB are those of executable code, seconds those
of the processor (of objdump: of the clock).
"""

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from assay.examine.callsites import Image, call_sites, read_image, read_symbols
from assay.examine.elf.parse import parse_elf
from tests import objdump_text, objdump_truth
from tests.corpus import binaries, router

ARCHITECTURES = ("amd64", "i386", "armhf", "arm64", "mipsel", "mips64el", "ppc64el", "s390x")


class Row(NamedTuple):
    path: Path
    code: int
    ours: Counter[str]
    truth: Counter[str]
    seconds: float
    objdump_seconds: float


def read(data: bytes) -> Image:
    return read_image(parse_elf(data, notes=False), data)


def count(path: Path, names: objdump_text.Names) -> tuple[Counter[str], int, float]:
    data = path.read_bytes()
    start = time.process_time()
    image = read(data)
    found = call_sites(image, read_symbols(image))
    seconds = time.process_time() - start
    ours: Counter[str] = Counter()
    for name, sites in found.sites.items():
        ours[names.canonical(name)] += len(sites)
    return ours, sum(len(code.data) for code in image.code), seconds


def measure(path: Path, arch: str) -> Row:
    names = objdump_text.Names(path, thumb=arch == "armhf")
    ours, code, seconds = count(path, names)
    start = time.perf_counter()
    objdump_text.run("objdump", "-d", str(path))
    objdump_seconds = time.perf_counter() - start
    return Row(path, code, ours, objdump_truth.truth(path, arch), seconds, objdump_seconds)


def report(arch: str, number: int, differences: bool) -> None:
    rows = [measure(path, arch) for path in binaries(arch, number)]
    ours = sum(
        (Counter({(row.path, n): k for n, k in row.ours.items()}) for row in rows), Counter()
    )
    truth = sum(
        (Counter({(row.path, n): k for n, k in row.truth.items()}) for row in rows), Counter()
    )
    code = sum(row.code for row in rows) / 1e6
    speed = code / sum(row.seconds for row in rows)
    objdump_speed = code / sum(row.objdump_seconds for row in rows)
    worst = min(rows, key=lambda row: objdump_truth.agreement(row.ours, row.truth))
    print(
        f"{arch:9} {len(rows):3} {code:7.1f} {truth.total():8} {ours.total():8}"
        f" {objdump_truth.agreement(ours, truth):9.5f}"
        f" {objdump_truth.agreement(worst.ours, worst.truth):9.5f}"
        f" {speed:8.1f} {objdump_speed:8.2f} {speed / objdump_speed:6.0f}",
        flush=True,
    )
    if differences:
        for row in rows:
            for name in sorted(row.ours.keys() | row.truth.keys()):
                if row.ours[name] != row.truth[name]:
                    print(
                        f"    {row.path.name} {name}: {row.ours[name]}, objdump {row.truth[name]}"
                    )


def whole_router() -> None:
    """All ELF files of the armhf router, one core."""
    files = [
        path for path in router("armhf").root.rglob("*") if path.is_file() and not path.is_symlink()
    ]
    contents = [data for data in map(Path.read_bytes, files) if data.startswith(b"\x7fELF")]
    start = time.process_time()
    sites = code = 0
    for data in contents:
        image = read(data)
        sites += sum(map(len, call_sites(image, read_symbols(image)).sites.values()))
    seconds = time.process_time() - start
    for data in contents:
        code += sum(len(run.data) for run in read(data).code)
    print(
        f"armhf router: {len(contents)} ELF files, {code / 1e6:.1f} MB, {sites} sites,"
        f" {seconds:.2f} s"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--binaries", type=int, default=30)
    options.add_argument("--arch", nargs="*", default=ARCHITECTURES)
    options.add_argument("--differences", action="store_true")
    chosen = options.parse_args()
    print("arch      files code/MB  objdump     ours agreement     worst     MB/s  objdump  ratio")
    for arch in chosen.arch:
        report(arch, chosen.binaries, chosen.differences)
    whole_router()


if __name__ == "__main__":
    main()
