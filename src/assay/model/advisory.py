"""What is published about third-party software: advisories, exploitation, support lifecycles.

Advisories have the form of OSV (OSSF, Open Source Vulnerability format 1.7), with one difference:
whose claim a range is stays with the range, and claims that contradict each other stay apart.
"""

from enum import StrEnum
from typing import Literal

from assay.model.base import Frozen

GENERIC = "generic"
"""The ecosystem of upstream releases themselves, not registered with OSV."""


class Range(Frozen):
    """Releases from `introduced` on, before `fixed` or up to `last_affected` (inclusive).

    `introduced` "0" means that the start is not known or that there is none; both ends empty mean
    that no release is known to be free of it. With `after`, `introduced` itself is not concerned.
    """

    introduced: str = "0"
    after: bool = False
    fixed: str = ""
    last_affected: str = ""


class Claim(Frozen):
    """What one source says of one component: the releases concerned, and where in it.

    `ecosystem` says whose version numbers they are: `generic` for upstream releases, else OSV's
    name (`Debian:12`). `also` names other sources that say something of it, without what they say.
    `part` is the part of the component that is concerned (`lib`, `tool`), `files` its source files.
    """

    component: str
    source: str
    ecosystem: str = GENERIC
    ranges: tuple[Range, ...] = ()
    versions: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    part: str = ""
    files: tuple[str, ...] = ()


class Rating(Frozen):
    """A CVSS vector. `kind` is OSV's: CVSS_V2, CVSS_V3 or CVSS_V4."""

    kind: str
    vector: str


class Advisory(Frozen):
    """One vulnerability and everything that sources say of it.

    `severity` is a source's own word where it gives one (critical, high, medium, low).
    `withdrawn` is the day on which it was taken back, empty where it stands.
    """

    id: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    published: str = ""
    modified: str = ""
    withdrawn: str = ""
    claims: tuple[Claim, ...] = ()
    ratings: tuple[Rating, ...] = ()
    severity: str = ""
    rated_by: str = ""
    cwes: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


class Exploited(Frozen):
    """A vulnerability that is known to be exploited, as CISA's catalogue lists it (KEV)."""

    id: str
    added: str
    due: str = ""
    ransomware: bool = False


class Likelihood(Frozen):
    """EPSS (FIRST): how likely exploitation is within 30 days, and the share that is less so."""

    id: str
    score: float
    percentile: float


class Series(Frozen):
    """A series of releases (`3.0`) and how long one source says that it is supported.

    `ends` is the day of the end of support; where only the fact is known, `ended` says it alone.
    Both are empty (None) where the source does not say.
    """

    component: str
    series: str
    source: str
    released: str = ""
    ends: str = ""
    ended: bool | None = None
    latest: str = ""
    latest_released: str = ""


class Judgement(StrEnum):
    """How well the data covers a component, best first."""

    GOOD = "good"
    FAIR = "fair"
    PARTIAL = "partial"
    THIN = "thin"
    NONE = "none"

    @property
    def is_measured(self) -> bool:
        """Whether finding nothing means anything."""
        return self not in (Judgement.THIN, Judgement.NONE)


class Source(Frozen):
    """A body of data that was consulted: up to which day it goes, and under which terms.

    `sha256` is that of the file it came in; `records` counts what was taken from it.
    """

    name: str
    as_of: str
    licence: str = ""
    records: int = 0
    sha256: str = ""


class Statement(Frozen):
    """One statement of a vendor on one vulnerability (VEX), as the document makes it.

    `component` is the part of the product that it speaks of and `version` that part's release;
    both are empty where it speaks of the product as a whole. `document` names file and author.
    """

    id: str
    status: Literal["not_affected", "affected", "fixed", "under_investigation"]
    component: str = ""
    version: str = ""
    product: str = ""
    justification: str = ""
    text: str = ""
    document: str = ""
    made: str = ""
