"""What a distribution says of its own packages: the CVEs that their change logs name as mended.

How it works: Debian and its derivatives ship each package's change log, newest entry first, under
`usr/share/doc`. An entry that names a CVE is the distribution's word that the version of that
entry mends it; that is how fixes without a new upstream release are known at all.

Known false positives: a CVE that is named for another reason (a line that says "not affected",
"revert", "regression" or the like is left out, and so is a CVE that such a line names later); an
image whose programs were exchanged and whose documents were not.

Known false negatives: change logs that were stripped or cut, as minimal images do; fixes that are
described without their CVE; links to another package's document.

Sources: Debian Policy 4.4 and 12.7; deb-changelog(5).
"""

import re
import zlib
from collections.abc import Iterator

from assay.examine.contract import Content, ExamineError, Examiner
from assay.knowledge.version_strings import fingerprint, load_version_strings
from assay.model.observations import ChangeLog, Evidence, Observation
from assay.model.tree import File

_PLACE = re.compile(r"(^|/)usr/share/doc/[^/]+/changelog\.Debian(\.[a-z0-9]+)?(\.gz)?$")
_MOST_BYTES = 32 << 20
_MOST_FIXES = 20_000
_ENTRY = re.compile(r"^([a-z0-9][a-z0-9.+-]*) \(([^()\s]{1,120})\) [^;\n]*;", re.MULTILINE)
_CVE = re.compile(r"\bCVE-[0-9]{4}-[0-9]{4,7}\b")
_NO_FIX = re.compile(
    r"not (?:affected|vulnerable|applicable|fixed)|n't affect|unaffected|revert|regression"
    r"|postpone|ignored|no-dsa|incomplete|partial(?:ly)? fix|introduced",
    re.IGNORECASE,
)


def _wants(file: File) -> bool:
    return file.has_content and _PLACE.search(file.path) is not None


def _examine(content: Content, file: File) -> Iterator[Observation]:
    text = _text(content.data)
    entries = list(_ENTRY.finditer(text))
    if not entries:
        return
    source, version = entries[0][1], entries[0][2]
    fixes = _fixes(text, entries)
    if fixes:
        yield ChangeLog(
            source=source,
            component=load_version_strings().names().get(source, source),
            version=version,
            fixes=tuple(sorted(fixes.items())[:_MOST_FIXES]),
            evidence=Evidence(offset=entries[0].start(), excerpt=entries[0][0][:120]),
        )


def _text(data: memoryview) -> str:
    if bytes(data[:2]) != b"\x1f\x8b":
        return bytes(data[:_MOST_BYTES]).decode("utf-8", "replace")
    try:
        plain = zlib.decompressobj(wbits=31).decompress(bytes(data), _MOST_BYTES)
    except zlib.error as error:
        raise ExamineError(f"damaged gzip: {error}") from error
    return plain.decode("utf-8", "replace")


def _fixes(text: str, entries: list[re.Match[str]]) -> dict[str, str]:
    """The version of the entry that first names each CVE as mended; entries come newest first."""
    found: dict[str, str] = {}
    taken_back: set[str] = set()
    ends = [entry.start() for entry in entries[1:]] + [len(text)]
    for entry, end in zip(entries, ends, strict=True):
        for line in text[entry.end() : end].splitlines():
            names = _CVE.findall(line)
            if names and _NO_FIX.search(line):
                taken_back.update(name for name in names if name not in found)
            else:
                found.update((name, entry[2]) for name in names if name not in taken_back)
    return found


EXAMINER = Examiner(
    name="changelogs", version=f"1.{fingerprint()}", wants=_wants, examine=_examine, sees="path"
)
