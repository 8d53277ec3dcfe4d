"""Count planted secrets that are found, by Assay and by detect-secrets, and measure the speed.

    python -m benchmarks.secrets [--missed]

Every form of `tests.planted_secrets` and `tests.planted_keys` is planted once, in a file of its
own. The forms were chosen by those who wrote the rules, after lists of what firmware holds: Assay's
count says that nothing on the list is missed, not that nothing else exists. A file counts as found
where any alarm is raised in it, which favours tools that raise many; so the alarms on a Debian
router's own /etc, where nothing is planted, are counted as well: for Assay those are FreeRADIUS's
documented example secrets and the settings of the corpus's vendor.
detect-secrets is installed into an environment of its own in the corpus's cache.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from assay.examine import accounts, certificates, credentials, keys
from assay.model.observations import Account, AuthorizedKey, Credential, PrivateKey
from tests import planted_keys, planted_secrets
from tests.corpus import CorpusError, router
from tests.corpus.cache import built
from tests.examining import content, entry, observe, regular_files

PEER = "detect-secrets==1.5.0"
EXAMINERS = (keys.EXAMINER, certificates.EXAMINER, accounts.EXAMINER, credentials.EXAMINER)
SPEED_ROUNDS = 3


def plant(root: Path, scratch: Path) -> dict[str, str]:
    """Write every planted file below `root`; gives what is in each."""
    planted = [*planted_secrets.settings(), *planted_secrets.tokens()]
    planted.append(planted_secrets.program(scratch)[0])
    makers = (planted_keys.every_key, planted_keys.putty_keys, planted_keys.dropbear_keys)
    for make in makers:
        try:
            planted += [truth.planted for truth in make(scratch)]
        except CorpusError as error:
            print(f"{make.__name__}: left out, {error}")
    hashes = (("-1", "md5"), ("-5", "sha256"), ("-6", "sha512"), ("-apr1", "apr1"))
    what = {one.path: one.category for one in planted}
    for path, data in ((one.path, one.content) for one in planted):
        _write(root / path, data)
    for option, name in hashes:
        field = planted_secrets.run("openssl", "passwd", option, planted_secrets.letters(name, 12))
        path = f"rom/{name}/etc/shadow"
        _write(root / path, b"root:" + field.strip() + b":1:0:99999:7:::\n")
        what[path] = f"password hash ({name})"
    return what


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def ours(root: Path) -> Counter[str]:
    """Alarms by file."""
    alarms: Counter[str] = Counter()
    for path, here in regular_files(root):
        for seen in observe(EXAMINERS, path, here.read_bytes()):
            alarm = isinstance(seen, PrivateKey | Credential | AuthorizedKey) or (
                isinstance(seen, Account) and seen.password in ("hash", "empty", "plain")
            )
            alarms[path] += alarm
    return +alarms


def theirs(tool: Path, root: Path) -> Counter[str]:
    """The same of detect-secrets, with every detector that it has on by default."""
    words = [str(tool), "-C", str(root), "scan", "--all-files", "."]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    results = json.loads(done.stdout)["results"]
    return Counter({path: len(found) for path, found in results.items()})


def peer() -> Path | None:
    """detect-secrets, or None where it can't be had."""
    try:
        folder = built(PEER.replace("==", "-"), _install)
    except subprocess.CalledProcessError as error:
        print(f"detect-secrets can't be installed: {error.stderr.strip()[-300:]}")
        return None
    return folder / "bin" / "detect-secrets"


def _install(folder: Path) -> None:
    # Scripts name their interpreter by its path: the environment is made where it will stay.
    final = folder.with_name(folder.name.removesuffix(".part"))
    for words in (
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin/python"), "-m", "pip", "install", "-q", PEER],
    ):
        subprocess.run(words, capture_output=True, text=True, check=True)
    script = folder / "bin/detect-secrets"
    script.write_text(script.read_text().replace(str(folder), str(final)))


def compare(missed: bool) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        root = Path(one)
        what = plant(root, Path(other))
        tools: list[tuple[str, Callable[[Path], Counter[str]]]] = [("assay", ours)]
        if tool := peer():
            tools.append(("detect-secrets 1.5.0", lambda folder: theirs(tool, folder)))
        for name, find in tools:
            start = time.perf_counter()
            alarms = find(root)
            seconds = time.perf_counter() - start
            found = what.keys() & alarms.keys()
            clean = sum(find(router("armhf").root / "etc").values())
            print(
                f"{name:22} {len(found):3} of {len(what)} files with a secret, {seconds:.1f} s; "
                f"{clean} alarms on Debian's /etc"
            )
            if missed:
                for path in sorted(what.keys() - found):
                    print(f"  missed {what[path]}: {path}")


def speed() -> None:
    """Single core, warm files, processor time: all four examiners over the router's files."""
    files = [(path, here.read_bytes()) for path, here in regular_files(router("armhf").root)]
    entries = [(entry(path, data), content(data)) for path, data in files]
    size = sum(len(data) for _, data in files) / 1e6
    total = 0.0
    for examiner in EXAMINERS:
        wanted = [(file, data) for file, data in entries if examiner.wants(file)]
        times = []
        for _ in range(SPEED_ROUNDS):
            start = time.process_time()
            for file, data in wanted:
                list(examiner.examine(data, file))
            times.append(time.process_time() - start)
        total += min(times)
        print(f"{examiner.name:14} {min(times):.2f} s, {size / min(times):.0f} MB/s")
    print(f"together       {total:.2f} s for {size:.0f} MB, {size / total:.0f} MB/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missed", action="store_true", help="name what was not found")
    missed = parser.parse_args().missed
    try:
        compare(missed)
        speed()
    except CorpusError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
