"""The story: an image becomes an evaluation. Read `evaluate` from top to bottom.

Takes: a request, and the ports that the workspace chose. Gives: an evaluation, and the seals of
the secrets in it. Must not know: where anything is stored, who asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from pydantic import ValidationError

from assay import __version__
from assay.assess import Rule, SealedSecret, assess, compose, seals
from assay.examine import Examiner
from assay.intake import INTAKE_VERSION, Unpacked, fingerprint, unpack
from assay.intake import Limits as IntakeLimits
from assay.knowledge import KnowledgeBase
from assay.model.evaluation import Evaluation, Part, Subject, Tool
from assay.model.outcome import Examined
from assay.model.request import Progress, Request, Step
from assay.model.tree import Tree
from assay.runner import Cache, Engine, examine_all, missing
from assay.runner import Limits as RunLimits

__all__ = ["Evaluated", "Memory", "Ports", "Progress", "Request", "Step", "evaluate"]


class Memory(Cache, Protocol):
    """What was learned before: outcomes, and the trees of images."""

    def load_tree(self, key: str) -> bytes | None:
        """The encoded tree of an image, if it was unpacked before."""

    def save_tree(self, key: str, tree: bytes) -> None:
        """Remember an image's tree."""


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


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation, and what of it stays in the workspace."""

    evaluation: Evaluation
    seals: tuple[SealedSecret, ...]


def evaluate(request: Request, ports: Ports) -> Evaluated:
    """Take a release apart, examine it, assess it.

    Raises:
        InputError: the image can't be read.
    """
    with TemporaryDirectory(prefix="assay-", dir=ports.scratch) as scratch:
        unpacked = _unpack(request.image, Path(scratch), ports)
        examined = _examine(unpacked, ports)
    ports.progress(Step("Assessing"))
    assessment = assess(
        unpacked.tree,
        examined,
        classes=ports.knowledge.functions,
        rules=ports.rules,
        as_of=ports.knowledge.info.as_of,
    )
    evaluation = compose(
        assessment,
        subject=_subject(request, unpacked.tree),
        tool=_tool(ports.examiners),
        knowledge=ports.knowledge.info,
        rules=ports.rules,
    )
    return Evaluated(evaluation, seals(assessment.facts))


def _unpack(image: Path, scratch: Path, ports: Ports) -> Unpacked:
    """Unpack; or, where the same image was unpacked before and every outcome that its files ask
    for is known, take the tree from memory. A tree that a limit or a missing extractor cut short
    is not remembered: the next try may get further."""
    ports.progress(Step("Reading"))
    key = f"{fingerprint(image)}:{INTAKE_VERSION}:{ports.intake_limits.model_dump_json()}"
    tree = _remembered(key, ports.memory) if image.is_file() else None
    if tree and not missing(tree.files, ports.examiners, ports.memory, ports.run_limits):
        return Unpacked(tree, {})
    ports.progress(Step("Unpacking"))
    unpacked = unpack(
        image,
        scratch,
        ports.intake_limits,
        jobs=ports.workers,
        progress=lambda files: ports.progress(Step("Unpacking", files)),
    )
    if image.is_file() and unpacked.complete:
        ports.memory.save_tree(key, unpacked.tree.model_dump_json().encode())
    return unpacked


def _remembered(key: str, memory: Memory) -> Tree | None:
    encoded = memory.load_tree(key)
    try:
        return Tree.model_validate_json(encoded) if encoded else None
    except ValidationError:  # written by a version whose trees have another form
        return None


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


def _subject(request: Request, tree: Tree) -> Subject:
    return Subject(
        vendor=request.vendor,
        product=request.product,
        release=request.release,
        name=request.image.resolve().name,
        sha256=tree.sha256,
        size=tree.size,
    )


def _tool(examiners: Sequence[Examiner]) -> Tool:
    parts = [Part(name="intake", version=INTAKE_VERSION)]
    parts += [Part(name=examiner.name, version=examiner.version) for examiner in examiners]
    return Tool(version=__version__, parts=tuple(parts))
