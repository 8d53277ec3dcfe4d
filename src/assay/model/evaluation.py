"""One release measured by one version of Assay with one version of the knowledge."""

from typing import Any, Generic, Literal, TypeVar

from pydantic import Field, field_serializer, field_validator

from assay.model.advisory import Source, Statement
from assay.model.base import Frozen
from assay.model.finding import Finding, RuleInfo
from assay.model.functions import Family, Safety
from assay.model.known import Coverage, KnownVulnerability, Support
from assay.model.measure import MeasureInfo, Value, flatten, nest
from assay.model.observations import (
    Account,
    AuthorizedKey,
    Certificate,
    ChangeLog,
    Credential,
    Evidence,
    Hardening,
    KernelImage,
    KernelModule,
    PrivateKey,
    Service,
    Weakness,
)
from assay.model.tree import Tree

T = TypeVar("T")


class Subject(Frozen):
    """What was evaluated. `name` is the image's file name, `sha256` and `size` are the image's;
    `supported_until` is the day (ISO date) to which its vendor promises support, if told."""

    vendor: str
    product: str
    release: str
    name: str
    sha256: str
    size: int
    supported_until: str = ""


class Part(Frozen):
    """A named and versioned part of the tool or of the knowledge."""

    name: str
    version: str


class Tool(Frozen):
    """Assay itself: its version, and those of the examiners and extractors that took part."""

    name: Literal["assay"] = "assay"
    version: str
    parts: tuple[Part, ...] = ()


class Knowledge(Frozen):
    """What was known beforehand. `as_of` (ISO date) is the day that dated judgements refer to;
    `sources` are the bodies of advisories and lists that were consulted, each with its own day."""

    version: str
    as_of: str
    parts: tuple[Part, ...] = ()
    sources: tuple[Source, ...] = ()


class VersionRange(Frozen):
    """An interval of releases, both ends inclusive."""

    low: str
    high: str


class CopyEvidence(Frozen):
    """Where in the file a component shows itself."""

    offset: int | None = None
    excerpt: str = ""
    symbol: str = ""


class ComponentCopy(Frozen):
    """Third-party software in one file of the tree.

    Either `version` or `versions` is set, or neither where nothing tells. `extent` is written
    `copy`: full, partial or fragment, None where only metadata speaks.
    """

    name: str
    purl: str
    version: str | None = None
    versions: VersionRange | None = None
    extent: Literal["full", "partial", "fragment"] | None = Field(default=None, alias="copy")
    path: str
    sha256: str
    method: str
    confidence: float
    supplier: str = ""
    evidence: tuple[CopyEvidence, ...] = ()


class FunctionCalls(Frozen):
    """Call sites of one classified function in one executable; `offsets` are the first few."""

    name: str
    family: Family
    safety: Safety
    sites: int
    offsets: tuple[int, ...] = ()


class FamilyCalls(Frozen):
    """Call sites of one family by safety."""

    safe: int = 0
    bounded: int = 0
    unsafe: int = 0


class CallTable(Frozen):
    """Direct call sites of one executable by family, and the functions behind them."""

    memcpy_like: FamilyCalls = FamilyCalls()
    strcpy_like: FamilyCalls = FamilyCalls()
    sprintf_like: FamilyCalls = FamilyCalls()
    banned: int = 0
    functions: tuple[FunctionCalls, ...] = ()


class CertifiedKey(Frozen):
    """A private key whose certificate stands in the image too. `subject` is the certificate's;
    `authority` says that it may sign others."""

    type: Literal["certified_key"] = "certified_key"
    algorithm: str
    encrypted: bool
    public: str
    subject: str
    authority: bool
    evidence: Evidence


class ExecutableEntry(Frozen):
    """One executable of the tree with what was measured of it; `calls` is None if not measured."""

    path: str
    sha256: str
    format: str
    arch: str
    bits: int
    endian: str
    role: str
    static: bool
    interpreter: str | None = None
    soname: str | None = None
    needed: tuple[str, ...] = ()
    build_id: str | None = None
    compilers: tuple[str, ...] = ()
    stripped: bool | None = None
    debug_info: bool | None = None
    sections: bool = True
    hardening: Hardening
    calls: CallTable | None = None


class Seen(Frozen, Generic[T]):
    """An observation together with the path of the file that it was made in."""

    path: str
    fact: T


class NotMeasured(Frozen):
    """Something that could not be measured, and why; `path` is empty where the image is meant.

    `files` counts the files concerned where many share one reason; `path` is then the first.
    """

    what: str
    why: str
    path: str = ""
    files: int = 1


class Evaluation(Frozen):
    """The whole result. The same image, tool and knowledge give the same bytes.

    `measures` maps dotted names to values in Python and is nested in JSON. Seals (keyed hashes
    of secrets) are blanked: they stay in the workspace. `vulnerabilities`, `support` and `coverage`
    say what is known against the components, `statements` what the vendor says to that (VEX), and
    `built` which source files the builds of components contain, as far as the vendor told;
    `change_logs` are what a distribution says of its packages.
    """

    schema_version: Literal["1"] = "1"
    tool: Tool
    knowledge: Knowledge
    subject: Subject
    tree: Tree
    components: tuple[ComponentCopy, ...] = ()
    vulnerabilities: tuple[KnownVulnerability, ...] = ()
    support: tuple[Support, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    statements: tuple[Statement, ...] = ()
    built: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    change_logs: tuple[Seen[ChangeLog], ...] = ()
    executables: tuple[ExecutableEntry, ...] = ()
    modules: tuple[Seen[KernelModule], ...] = ()
    kernels: tuple[Seen[KernelImage], ...] = ()
    private_keys: tuple[Seen[PrivateKey], ...] = ()
    certificates: tuple[Seen[Certificate], ...] = ()
    accounts: tuple[Seen[Account], ...] = ()
    authorized_keys: tuple[Seen[AuthorizedKey], ...] = ()
    credentials: tuple[Seen[Credential], ...] = ()
    services: tuple[Seen[Service], ...] = ()
    weaknesses: tuple[Seen[Weakness], ...] = ()
    measures: dict[str, Value]
    measure_list: tuple[MeasureInfo, ...] = ()
    rules: tuple[RuleInfo, ...] = ()
    findings: tuple[Finding, ...] = ()
    not_measured: tuple[NotMeasured, ...] = ()

    @field_serializer("measures")
    def _nest(self, measures: dict[str, Value]) -> dict[str, object]:
        return nest(measures)

    @field_validator("measures", mode="before")
    @classmethod
    def _flatten(cls, measures: Any) -> Any:
        return flatten(measures) if isinstance(measures, dict) else measures
