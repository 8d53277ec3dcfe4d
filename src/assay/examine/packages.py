"""Third-party software as package databases record it: dpkg, opkg, apk, rpm, and what packages of
Python and Node say of themselves.

How it works: the file's place says whose database it is; each form is read by its own module of
`assay.examine.package_databases`. A package's component goes by its source package where the
database names one, in the spelling of the knowledge. The version is the upstream's; the
distribution's own stands in the package URL. Names of Python's and Node's packages are their
ecosystems' own: they are not held against the knowledge, where `redis` is the server.

Confidence: 0.95: a database may have been left behind by files that were replaced.

Known false positives: a database of another system that is shipped as data in the same place;
opkg's `status` and the control files beside it tell of the same package, each for itself.

Known false negatives: databases in other places; RPM's in the ndb form (told as not measured).

Sources: see the modules of `assay.examine.package_databases`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple

from assay.examine.contract import Content, Examiner
from assay.examine.package_databases import language, paragraphs, rpm
from assay.examine.package_databases.package import (
    MOST_PACKAGES,
    DatabaseError,
    Package,
    sighting,
)
from assay.knowledge.version_strings import fingerprint, load_version_strings
from assay.model.observations import Observation, Unmeasured
from assay.model.tree import File, Kind

_MOST_BYTES = 256 << 20


class _Form(NamedTuple):
    places: re.Pattern[str]
    kinds: frozenset[Kind]
    read: Callable[[memoryview], Iterator[Package]]
    method: Literal["package-database", "metadata"] = "package-database"


_TEXT, _DATA = frozenset({Kind.TEXT}), frozenset({Kind.DATA})
_FORMS: Mapping[str, _Form] = {
    "dpkg": _Form(
        re.compile(r"(^|/)var/lib/dpkg/(status|status\.d/(?!.*\.md5sums$)[^/]+)$"),
        _TEXT,
        paragraphs.dpkg,
    ),
    "opkg": _Form(
        re.compile(r"(^|/)(usr/lib|var/lib|lib)/opkg/(status|info/[^/]+\.control)$"),
        _TEXT,
        paragraphs.opkg,
    ),
    "apk": _Form(re.compile(r"(^|/)lib/apk/db/installed$"), _TEXT, paragraphs.apk),
    "rpm": _Form(
        re.compile(
            r"(^|/)(var/lib/rpm|usr/lib/sysimage/rpm)/(rpmdb\.sqlite|Packages|Packages\.db)$"
        ),
        _DATA,
        rpm.rpm,
    ),
    "python": _Form(
        re.compile(r"\.(dist-info/METADATA|egg-info/PKG-INFO|egg-info)$"),
        _TEXT,
        language.python,
        "metadata",
    ),
    "node": _Form(
        re.compile(r"(^|/)node_modules/(@[^/]+/)?[^/]+/package\.json$"),
        _TEXT,
        language.node,
        "metadata",
    ),
}


def _form(file: File) -> _Form | None:
    fitting = (form for form in _FORMS.values() if file.kind in form.kinds)
    return next((form for form in fitting if form.places.search(file.path)), None)


def _wants(file: File) -> bool:
    return _form(file) is not None


def _examine(content: Content, file: File) -> Iterator[Observation]:
    form = _form(file)
    if form is None:
        return
    if len(content.data) > _MOST_BYTES:
        yield _unmeasured(f"a database of more than {_MOST_BYTES:,} bytes")
        return
    names = load_version_strings().names() if form.method == "package-database" else {}
    malformed = 0
    try:
        for number, package in enumerate(form.read(content.data)):
            if number == MOST_PACKAGES:
                raise DatabaseError(f"entries beyond the first {MOST_PACKAGES:,}")
            if package.is_sound:
                yield sighting(package, names, form.method)
            else:
                malformed += 1
    except DatabaseError as error:
        yield _unmeasured(str(error))
    if malformed:
        yield _unmeasured(f"{malformed:,} entries whose name or version can't be one")


def _unmeasured(why: str) -> Unmeasured:
    return Unmeasured(what="installed packages", why=why)


EXAMINER = Examiner(
    name="packages",
    version=f"1.{fingerprint()}",
    wants=_wants,
    examine=_examine,
    sees="path",
)
