"""How fast signatures are matched, and that it does not depend on how many components are known.

`python -m benchmarks.signatures [FOLDER]`: every ELF file below FOLDER (default: the armhf router
image's root) is matched against 15 components, all shipped ones, and a synthetic 1,500. Processor
time of one process, reading and parsing the files included; the best of three rounds.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from assay.examine.recognition.parts import elf_part
from assay.examine.recognition.subject import subject
from assay.knowledge.signatures import Signatures, shipped_snapshot
from assay.knowledge.signatures.signature import Signature
from assay.knowledge.signatures.snapshot import open_snapshot, pack
from assay.model.tree import File, Kind
from tests.corpus import router

SYNTHETIC = 1_500


def synthetic(shipped: list[Signature]) -> Iterator[Signature]:
    """As many as asked for: the shipped ones, then the same with other hashes and names."""
    random = np.random.default_rng(1)
    yield from shipped
    for number in range(SYNTHETIC - len(shipped)):
        model = shipped[number % len(shipped)]
        hashes = np.sort(random.integers(0, 1 << 63, len(model.hashes), np.uint64) * np.uint64(2))
        name = f"synthetic-{number}"
        yield replace(model, about=model.about._replace(name=name, family=name), hashes=hashes)


def matched(known: Signatures, files: list[Path]) -> tuple[float, int]:
    start, size = time.process_time(), 0
    for path in files:
        data = memoryview(path.read_bytes())
        seen = subject(data, File(path=path.name, kind=Kind.ELF, sha256="0" * 64, size=len(data)))
        part = elf_part(seen.elf, seen.data) if seen.elf else None
        size += len(data)
        if part:
            list(known.find(seen.data, part))
    return time.process_time() - start, size


def main(words: list[str]) -> int:
    root = Path(words[0]) if words else router("armhf").root
    files = [one for one in sorted(root.rglob("*")) if one.is_file() and not one.is_symlink()]
    files = [one for one in files if one.open("rb").read(4) == b"\x7fELF"]
    path = shipped_snapshot()
    if path is None:
        print("no shipped snapshot", file=sys.stderr)
        return 1
    opened = open_snapshot(path)
    shipped = [opened.signature(number) for number in range(len(opened.components))]
    some = [one for number, one in enumerate(shipped) if number % (len(shipped) // 15) == 0][:15]
    with tempfile.TemporaryDirectory() as folder:
        for signatures in (some, shipped, list(synthetic(shipped))):
            place = Path(folder, str(len(signatures)))
            place.write_bytes(pack(signatures))
            known = Signatures((place,))
            seconds, size = min(matched(known, files) for _ in range(3))
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{len(signatures):5,} components, {len(files):,} files, {size / 1e6:.0f} MB: "
                f"{seconds:.1f} s, {size / 1e6 / seconds:.0f} MB/s; {memory:.0f} MB at most"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
