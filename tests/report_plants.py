"""Evaluations as planted for the tests of the report, and a reader of its page."""

import json
from collections import Counter
from html.parser import HTMLParser
from typing import Any

from assay.model.evaluation import (
    CallTable,
    ComponentCopy,
    CopyEvidence,
    Evaluation,
    ExecutableEntry,
    FamilyCalls,
    FunctionCalls,
    Knowledge,
    NotMeasured,
    Part,
    Seen,
    Subject,
    Tool,
)
from assay.model.finding import Finding, FindingEvidence, RuleInfo, Severity
from assay.model.functions import Family, Safety
from assay.model.measure import MeasureInfo, Unit
from assay.model.observations import (
    Account,
    AuthorizedKey,
    Certificate,
    Credential,
    Evidence,
    Hardening,
    KernelImage,
    KernelModule,
    PrivateKey,
    Service,
    Weakness,
)
from assay.model.tree import Container, File, Guess, Kind, Problem, Region, Tree

IMAGE_HASH = "ab" * 32
GENERATED = "2026-11-25T10:20:30+00:00"
HOSTILE = (
    "<script>window.broken = 1</script>",
    "</script><script>window.broken = 2</script>",
    "\"><img src=x onerror='window.broken = 3'>",
    "' onmouseover='window.broken = 4",
    "<!-- <script>",
    "]]></style><svg onload=window.broken=5>",
    "{{ 7 * 191 }}{% raw %}",
    "bell\x07 escape\x1b[31m nul\x00 newline\n end",
    "lone \udcff surrogate",
    "turned \u202egnp.exe and \u2066isolated\u2069",
    "\u2028line separator",
    "__proto__",
    "constructor",
)


def evaluation(**changes: Any) -> Evaluation:
    """An evaluation of nothing, with what the test plants."""
    values: dict[str, Any] = {
        "tool": Tool(version="9.8.7", parts=(Part(name="keys", version="5"),)),
        "knowledge": Knowledge(version="77", as_of="2026-11-01"),
        "subject": Subject(
            vendor="Acme",
            product="AR-1000",
            release="R22",
            name="ar.bin",
            sha256=IMAGE_HASH,
            size=1234567,
        ),
        "tree": Tree(sha256=IMAGE_HASH, size=1234567, files=()),
        "measures": {},
    }
    return Evaluation(**(values | changes))


def rule(name: str, severity: Severity = Severity.HIGH, **changes: str) -> RuleInfo:
    texts = {
        "theme": name.split(".", maxsplit=1)[0],
        "title": f"Title of {name}",
        "severity_reason": f"Reason of {name}",
        "cwe": "CWE-321",
        "remedy": f"Remedy of {name}",
        "practice": f"Practice of {name}",
    }
    return RuleInfo(id=name, severity=severity, **(texts | changes))


def finding(of: RuleInfo, number: int = 0, *, places: int = 1, path: str = "") -> Finding:
    path = path or f"usr/bin/file{number}"
    proof = FindingEvidence(
        path=path,
        sha256=f"{number:064x}",
        containers=("uimage@0x0", "squashfs_v4_le@0x40"),
        offset=0x1000 + number,
        excerpt=f"excerpt {number}",
        symbol=f"symbol_{number}",
    )
    return Finding(
        fingerprint=f"{number:032x}",
        rule=of.id,
        title=f"{of.title}: {number}",
        severity=of.severity,
        cwe=of.cwe,
        path=path,
        places=places,
        evidence=(proof,),
    )


def executable(path: str, role: str = "program", **changes: Any) -> ExecutableEntry:
    values: dict[str, Any] = {
        "path": path,
        "sha256": "cd" * 32,
        "format": "elf",
        "arch": "arm",
        "bits": 32,
        "endian": "little",
        "role": role,
        "static": False,
        "hardening": Hardening(),
    }
    return ExecutableEntry(**(values | changes))


def called(name: str, family: Family, safety: Safety, sites: int) -> FunctionCalls:
    return FunctionCalls(name=name, family=family, safety=safety, sites=sites, offsets=(0x400,))


def calls(*functions: FunctionCalls) -> CallTable:
    """The table of one executable, counted here on its own."""

    def of(family: Family) -> FamilyCalls:
        counts: Counter[str] = Counter()
        for one in functions:
            if one.family is family:
                counts[one.safety.value] += one.sites
        return FamilyCalls(**counts)

    return CallTable(
        memcpy_like=of(Family.MEMCPY),
        strcpy_like=of(Family.STRCPY),
        sprintf_like=of(Family.SPRINTF),
        banned=sum(one.sites for one in functions if one.family is Family.BANNED),
        functions=functions,
    )


def copy_of(name: str, path: str, version: str | None = None) -> ComponentCopy:
    return ComponentCopy(
        name=name,
        purl=f"pkg:generic/{name}",
        version=version,
        path=path,
        sha256="ef" * 32,
        method="version-string",
        confidence=0.9,
        evidence=(CopyEvidence(offset=0x99, excerpt=f"{name} is here"),),
    )


def certificate(
    text: str, start: str = "2020-01-01T00:00:00Z", end: str = "2021-01-01T00:00:00Z"
) -> Certificate:
    return Certificate(
        subject=text,
        issuer=text,
        serial="1",
        not_before=start,
        not_after=end,
        key_algorithm=text,
        key_bits=1024,
        signature_hash=text,
        self_signed=False,
        ca=True,
        public="",
        sha256="",
        evidence=Evidence(offset=0x77),
    )


def full(text: str = "planted") -> Evaluation:
    """Something of everything; `text` stands wherever an image may put text of its own."""
    of = rule("secrets.planted", Severity.CRITICAL)
    proof = Evidence(offset=0x123, excerpt=text, symbol=text)
    steps = (Container(format="squashfs_v4_le", path="", offset=64, size=999),)
    files = (
        File(
            path=f"bin/{text}",
            kind=Kind.ELF,
            sha256="cd" * 32,
            size=4000,
            mode=0o4755,
            uid=0,
            gid=0,
            containers=steps,
        ),
        File(
            path=f"etc/{text}",
            kind=Kind.TEXT,
            sha256="12" * 32,
            size=1000,
            mode=0o666,
            uid=0,
            gid=0,
            containers=steps,
        ),
        File(path=f"tmp/{text}", kind=Kind.DIRECTORY, mode=0o777),
    )
    hardening = Hardening(pie=True, nx=False, relro="partial", canary=None, rpath=(text,))

    def seen(fact: Any) -> Any:
        return Seen(path=f"etc/{text}", fact=fact)

    return evaluation(
        subject=Subject(
            vendor=text, product=text, release=text, name=text, sha256=IMAGE_HASH, size=1234567
        ),
        tree=Tree(
            sha256=IMAGE_HASH,
            size=1234567,
            files=files,
            regions=(
                Region(
                    path="",
                    offset=0x40,
                    size=777,
                    understood=False,
                    guess=Guess.ENCRYPTED,
                    entropy=7.99,
                    why=text,
                    format=text,
                ),
            ),
            problems=(Problem(path=text, what=text, why=text, offset=3),),
        ),
        components=(copy_of(text, f"bin/{text}", text),),
        executables=(
            executable(
                f"bin/{text}",
                hardening=hardening,
                needed=(text,),
                soname=text,
                compilers=(text,),
                calls=calls(called(text, Family.STRCPY, Safety.UNSAFE, 3)),
            ),
        ),
        modules=(
            seen(KernelModule(name=text, vermagic=text, license=text, signed=False, signer=text)),
        ),
        kernels=(
            seen(
                KernelImage(
                    version=text,
                    banner=text,
                    configured=True,
                    options=((text, text),),
                    evidence=proof,
                )
            ),
        ),
        private_keys=(
            seen(
                PrivateKey(
                    format="pem",
                    algorithm=text,
                    bits=2048,
                    encrypted=False,
                    public=text,
                    seal="",
                    evidence=proof,
                )
            ),
        ),
        certificates=(seen(certificate(text)),),
        accounts=(
            seen(
                Account(
                    user=text,
                    uid=0,
                    shell=text,
                    password="hash",
                    scheme=text,
                    weak=True,
                    default=text,
                    evidence=proof,
                )
            ),
        ),
        authorized_keys=(
            seen(AuthorizedKey(algorithm=text, comment=text, public=text, evidence=proof)),
        ),
        credentials=(seen(Credential(category=text, holder=text, seal="", evidence=proof)),),
        services=(
            seen(
                Service(
                    name=text,
                    manager="systemd",
                    program=text,
                    user=text,
                    sockets=(text,),
                    evidence=proof,
                )
            ),
        ),
        weaknesses=(seen(Weakness(setting=text, service=text, value=text, evidence=proof)),),
        measures={"a.share": 0.5, "a.count": 12345, "a.set": (text,), "a.none": None},
        measure_list=(
            MeasureInfo(name="a.share", unit=Unit.SHARE, meaning="a share"),
            MeasureInfo(name="a.count", unit=Unit.COUNT, meaning="a count"),
            MeasureInfo(name="a.set", unit=Unit.SET, meaning="a set"),
            MeasureInfo(name="a.none", unit=Unit.COUNT, meaning="what nobody measured"),
        ),
        rules=(of,),
        findings=(finding(of, 1, path=f"etc/{text}"),),
        not_measured=(NotMeasured(what=text, why=text, path=text, files=3),),
    )


class Page(HTMLParser):
    """Tags with their attributes, the text that is shown, and the contents of scripts."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.shown = ""
        self._within = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._within = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "script":
            self.scripts[-1] += data
        elif self._within != "style":
            self.shown += f" {' '.join(data.split())} "

    @property
    def words(self) -> str:
        return " ".join(self.shown.split())


def cells_of(source: str, table: str) -> list[list[Any]]:
    """A table's rows as they are embedded, texts put back."""
    data = json.loads(Page(source).scripts[0])
    texts, given = data["texts"], data["tables"][table]
    numbers = [column["show"] in ("number", "offset") for column in given["columns"]]
    return [
        [cell if is_number else texts[cell] for cell, is_number in zip(row, numbers, strict=True)]
        for row in given["rows"]
    ]
