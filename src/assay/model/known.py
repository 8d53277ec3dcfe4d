"""What is known against the components of one image: results, never raw data."""

import re
from collections.abc import Callable, Sequence
from typing import Literal, Protocol
from urllib.parse import unquote

from pydantic import Field

from assay.model.advisory import Judgement, Rating, Source
from assay.model.base import Frozen
from assay.model.finding import Severity
from assay.model.observations import ChangeLog, Evidence

State = Literal["affected", "possibly", "fixed", "not affected"]


NO_RELEASE = "no release known"
_UPSTREAM_KINDS = frozenset(["", "generic", "github", "deb", "rpm", "apk", "opkg", "ipk"])


def identity(name: str, purl: str) -> str:
    """What a component is called among all: its name; a package of a language's ecosystem under
    that ecosystem's (`pypi/requests`), for PyPI's `redis` is not the server."""
    kind, _, rest = purl.removeprefix("pkg:").partition("/")
    if not purl or kind in _UPSTREAM_KINDS:
        return name
    return package_identity(kind, unquote(re.split(r"[@?#]", rest, maxsplit=1)[0]) or name)


def package_identity(kind: str, name: str) -> str:
    """The identity of a package by the type of its package URL and its full name."""
    name = name.lower().replace(":", "/")
    return f"{kind}/{name.replace('_', '-')}" if kind == "pypi" else f"{kind}/{name}"


class Place(Frozen):
    """A copy by the file that carries it, with what its release is known to be.

    `distribution` says what shows that a distribution built it, with its fixes carried back; it
    is empty until the data is asked.
    """

    path: str
    sha256: str = ""
    version: str = ""
    low: str = ""
    high: str = ""
    purl: str = ""
    distribution: str = ""
    evidence: tuple[Evidence, ...] = ()

    @property
    def release(self) -> str:
        """The release or the interval in words."""
        if self.version:
            return self.version
        if self.low or self.high:
            return f"{self.low or '…'} to {self.high or '…'}"
        return NO_RELEASE


class SourceClaim(Frozen):
    """What one source says of the copies: its ranges in words, and what follows from them."""

    source: str
    says: str
    state: State
    fixed_in: str = ""


class VendorClaim(Frozen):
    """What the vendor says (VEX). It stands beside the match and never replaces it.

    `contradiction` says where the measurement shows otherwise, empty where it does not.
    """

    status: str
    justification: str = ""
    text: str = ""
    document: str = ""
    contradiction: str = ""


class KnownVulnerability(Frozen):
    """A vulnerability that one release of a component in the image has, or may have.

    state: *affected*: the copies' releases are among those concerned; *possibly*: `why` says what
    is not known; *fixed*: a distribution says that its build has the fix. `exploited` is the day on
    which the catalogue of exploited vulnerabilities took it in, `epss` the likelihood of
    exploitation. `score` is the CVSS base score where a vector gives one. The copies are those
    of the component in the files at `paths`, of one of the `releases`.
    """

    id: str
    component: str
    state: Literal["affected", "possibly", "fixed"]
    why: str = ""
    aliases: tuple[str, ...] = ()
    summary: str = ""
    releases: tuple[str, ...] = ()
    paths: tuple[str, ...]
    severity: Severity | None = None
    score: float | None = None
    rating: Rating | None = None
    exploited: str = ""
    due: str = ""
    epss: float | None = None
    percentile: float | None = None
    fixed_in: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    claims: tuple[SourceClaim, ...] = ()
    vendor: tuple[VendorClaim, ...] = ()
    disagreement: bool = False


class Support(Frozen):
    """How one release of a component in the image stands in its series' lifecycle.

    `supported` is None where nothing is known of the series. `behind_months` and `behind_releases`
    tell how far it is behind the newest release of its series, None where dates are not known.
    `claims` are (source, day) of the end of support, where sources say it.
    """

    component: str
    release: str
    paths: tuple[str, ...]
    series: str = ""
    supported: bool | None = None
    ends: str = ""
    newest: str = ""
    newest_released: str = ""
    released: str = ""
    behind_months: int | None = None
    behind_releases: int | None = None
    claims: tuple[tuple[str, str], ...] = ()
    why: str = ""


class Coverage(Frozen):
    """How far the data speaks of one component of the image: sources, day, judgement.

    `releases` are the releases that occur, oldest first; an interval stands as `low to high`.
    """

    component: str
    judgement: Judgement
    why: str = ""
    up_to: str = ""
    sources: tuple[str, ...] = ()
    advisories: int = 0
    unmatched: int = 0
    releases: tuple[str, ...] = ()

    @property
    def is_measured(self) -> bool:
        """Whether finding nothing means anything."""
        return self.judgement.is_measured


class Known(Frozen):
    """Everything that is known against one image's components."""

    vulnerabilities: tuple[KnownVulnerability, ...] = ()
    support: tuple[Support, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    sources: tuple[Source, ...] = ()


class Sightings(Frozen):
    """What the data is held against: copies by component (`identity`).

    `built` maps a component to the source files that its build contains, where that is known;
    `markers` are the paths of the files by which a distribution names itself, `logs` the change
    logs of its packages by component.
    """

    places: dict[str, tuple[Place, ...]]
    built: dict[str, frozenset[str]] = Field(default_factory=dict)
    markers: tuple[str, ...] = ()
    logs: dict[str, tuple[ChangeLog, ...]] = Field(default_factory=dict)


class Background(Protocol):
    """What is known beforehand, ready to be asked; the same for the same question."""

    def against(self, sightings: Sightings, as_of: str) -> Known:
        """What is known against these copies on a day (ISO date)."""


Dates = Callable[[str], Sequence[tuple[str, str]]]
"""A component's releases with their days (ISO dates), as far as they are known."""


class VulnerableCopy(Frozen):
    """One copy with one vulnerability, as rules look at it. Texts are empty where not known."""

    type: Literal["vulnerability"] = "vulnerability"
    id: str
    component: str
    state: str
    severity: str
    exploited: str
    epss: float
    fixed_in: str
    release: str
    contradiction: str
    evidence: tuple[Evidence, ...] = ()


class SupportedCopy(Frozen):
    """One copy and the support of its series, as rules look at it."""

    type: Literal["support"] = "support"
    component: str
    series: str
    release: str
    supported: bool | None
    ends: str
    ended_days: int
    before_product: bool
    behind_months: int | None
    evidence: tuple[Evidence, ...] = ()
