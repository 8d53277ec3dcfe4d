"""The story: an image becomes an evaluation. Read `evaluate` from top to bottom.

Takes: a request, and the ports that the workspace chose. Gives: an evaluation, and the seals of
the secrets in it. Must not know: where anything is stored, who asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from pydantic import ValidationError

from assay import __version__
from assay.assess import Consulted, Rule, VendorSays, assess, compose, seals
from assay.examine import Examiner
from assay.intake import INTAKE_VERSION, Unpacked, fingerprint, unpack
from assay.intake import Limits as IntakeLimits
from assay.knowledge import KnowledgeBase
from assay.model.evaluated import Evaluated
from assay.model.evaluation import Part, Subject, Tool
from assay.model.outcome import Examined
from assay.model.request import Progress, Request, Step
from assay.model.tree import Tree
from assay.runner import Cache, Engine, examine_all, missing
from assay.runner import Limits as RunLimits

__all__ = ["Evaluated", "Memory", "Ports", "Progress", "Request", "Step", "evaluate"]


class Memory(Cache, Protocol):
    """What was learned before: outcomes by content, trees by image."""

    def recall(self, key: str) -> bytes | None:
        """What was remembered under a key."""

    def remember(self, key: str, content: bytes) -> None:
        """Remember content under a key."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that the story needs from outside, chosen by the workspace."""

    memory: Memory
    engine: Engine
    workers: int
    scratch: Path
    examiners: Sequence[Examiner]
    knowledge: KnowledgeBase
    rules: Sequence[Rule]
    seal_key: bytes
    intake_limits: IntakeLimits
    run_limits: RunLimits
    progress: Progress
    vendor_says: VendorSays = field(default_factory=VendorSays)


def evaluate(request: Request, ports: Ports) -> Evaluated:
    """Take a release apart, examine it, assess it.

    Raises:
        InputError: the image can't be read.
    """
    ports.progress(Step("Reading"))
    image = fingerprint(request.image)
    with TemporaryDirectory(prefix="assay-", dir=ports.scratch) as scratch:
        unpacked = _unpack(request.image, image, Path(scratch), ports)
        examined = _examine(unpacked, ports)
    ports.progress(Step("Assessing"))
    assessment = assess(
        unpacked.tree,
        examined,
        classes=ports.knowledge.functions,
        rules=ports.rules,
        as_of=ports.knowledge.info.as_of,
        consulted=Consulted(ports.knowledge.background, ports.vendor_says),
    )
    evaluation = compose(
        assessment,
        subject=_subject(request, unpacked.tree, ports.vendor_says),
        tool=_tool(ports.examiners),
        knowledge=ports.knowledge.info,
        rules=ports.rules,
    )
    lasting = unpacked.complete and not _missing(unpacked.tree, ports)
    return Evaluated(evaluation, seals(assessment.facts), lasting)


def _tree_key(image: str, ports: Ports) -> str:
    limits = ports.intake_limits.model_dump_json()
    return f"tree:{image}:{INTAKE_VERSION}:{limits}" if image else ""


def _recall(key: str, memory: Memory) -> Tree | None:
    encoded = memory.recall(key) if key else None
    try:
        return Tree.model_validate_json(encoded) if encoded else None
    except ValidationError:  # written by a version whose trees have another form
        return None


def _unpack(image: Path, sha256: str, scratch: Path, ports: Ports) -> Unpacked:
    """Unpack; or, where the same image was unpacked before and every outcome that its files ask
    for is known, recall its tree."""
    key = _tree_key(sha256, ports)
    tree = _recall(key, ports.memory)
    if tree and not _missing(tree, ports):
        return Unpacked(tree, {})
    ports.progress(Step("Unpacking"))
    unpacked = unpack(
        image,
        scratch,
        ports.intake_limits,
        jobs=ports.workers,
        progress=lambda files: ports.progress(Step("Unpacking", files)),
    )
    if key and unpacked.complete:
        ports.memory.remember(key, unpacked.tree.model_dump_json().encode())
    return unpacked


def _missing(tree: Tree, ports: Ports) -> bool:
    return missing(tree.files, ports.examiners, ports.memory, ports.run_limits)


def _examine(unpacked: Unpacked, ports: Ports) -> tuple[Examined, ...]:
    return examine_all(
        unpacked.tree.files,
        unpacked.contents,
        ports.examiners,
        cache=ports.memory,
        engine=ports.engine,
        workers=ports.workers,
        limits=ports.run_limits,
        seal_key=ports.seal_key,
        progress=lambda files, done, total: ports.progress(Step("Examining", files, done, total)),
    )


def _subject(request: Request, tree: Tree, says: VendorSays) -> Subject:
    return Subject(
        vendor=request.vendor,
        product=request.product,
        release=request.release,
        name=request.image.resolve().name,
        sha256=tree.sha256,
        size=tree.size,
        supported_until=says.supported_until,
    )


def _tool(examiners: Sequence[Examiner]) -> Tool:
    parts = [Part(name="intake", version=INTAKE_VERSION)]
    parts += [Part(name=examiner.name, version=examiner.version) for examiner in examiners]
    return Tool(version=__version__, parts=tuple(parts))
