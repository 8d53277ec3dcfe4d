"""Facts about third-party software found in a file."""

from typing import Literal

from assay.model.base import Frozen
from assay.model.observations.base import Evidence


class ComponentSighting(Frozen):
    """Third-party software that a file's content shows.

    `version` is exact; otherwise `low` and `high` bound the releases it may be from (inclusive),
    all empty where nothing tells. `copy` is how much of the component the file carries:
    `full`, `partial`, `fragment`; None where only metadata speaks of it (a package database).
    `method` is how it was recognised; `confidence` is 0 to 1 and documented by the method.
    """

    type: Literal["component"] = "component"
    name: str
    purl: str
    version: str = ""
    low: str = ""
    high: str = ""
    copy_extent: Literal["full", "partial", "fragment"] | None = None
    method: Literal["version-string", "package-database", "soname", "signature", "metadata"]
    confidence: float
    supplier: str = ""
    evidence: tuple[Evidence, ...] = ()


class ChangeLog(Frozen):
    """A distribution's change log of one source package: the CVEs that it says are mended.

    `version` is the newest entry's, the distribution's own; `fixes` are (CVE, version of the entry
    that first names it as mended).
    """

    type: Literal["changelog"] = "changelog"
    source: str
    component: str
    version: str
    fixes: tuple[tuple[str, str], ...]
    evidence: Evidence
