"""The story: an image becomes an evaluation. Read `evaluate` from top to bottom.

Takes: a request, and the ports that the workspace chose. Gives: an evaluation, and the seals of
the secrets in it. Must not know: where anything is stored, who asked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from assay import __version__
from assay.assess import Consulted, Rule, SealedSecret, VendorSays, assess, compose, seals
from assay.examine import Examiner
from assay.intake import INTAKE_VERSION, Unpacked, fingerprint, unpack
from assay.intake import Limits as IntakeLimits
from assay.knowledge import KnowledgeBase
from assay.model.evaluation import Evaluation, Part, Subject, Tool
from assay.model.tree import Tree
from assay.runner import Cache, Engine, examine_all, missing
from assay.runner import Limits as RunLimits

Progress = Callable[[str, int, int], None]
"""Told the phase, how much of it is done, and how much there is (0 = not known)."""


class Memory(Cache, Protocol):
    """What was learned before: outcomes, and the trees of images."""

    def load_tree(self, key: str) -> bytes | None:
        """The encoded tree of an image, if it was unpacked before."""

    def save_tree(self, key: str, tree: bytes) -> None:
        """Remember an image's tree."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to evaluate, and as what."""

    image: Path
    vendor: str
    product: str
    release: str


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
        unpacked = _tree(request.image, Path(scratch), ports)
        examined = examine_all(
            unpacked.tree.files,
            unpacked.contents,
            ports.examiners,
            cache=ports.memory,
            engine=ports.engine,
            workers=ports.workers,
            limits=ports.run_limits,
            seal_key=ports.seal_key,
            progress=lambda done, total: ports.progress("Examining", done, total),
        )
    ports.progress("Assessing", 0, 0)
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
    return Evaluated(evaluation, seals(assessment.facts))


def _tree(image: Path, scratch: Path, ports: Ports) -> Unpacked:
    """Unpack; or, where the same image was unpacked before and every outcome that its files ask
    for is known, take the tree from memory. A tree that a limit or a missing extractor cut short
    is not remembered: the next try may get further."""
    key = f"{fingerprint(image)}:{INTAKE_VERSION}:{ports.intake_limits.model_dump_json()}"
    remembered = ports.memory.load_tree(key) if image.is_file() else None
    if remembered:
        tree = Tree.model_validate_json(remembered)
        if not missing(tree.files, ports.examiners, ports.memory):
            return Unpacked(tree, {})
    ports.progress("Unpacking", 0, 0)
    unpacked = unpack(
        image,
        scratch,
        ports.intake_limits,
        jobs=ports.workers,
        progress=lambda files: ports.progress("Unpacking", files, 0),
    )
    if image.is_file() and unpacked.complete:
        ports.memory.save_tree(key, unpacked.tree.model_dump_json().encode())
    return unpacked


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
