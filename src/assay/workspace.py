"""The one door for the edges: chooses store, engine, clock and keys.

Takes: settings. Gives: a ready workspace. Must not know: arguments, terminals, requests.
"""

import json
import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from assay.assess import MEASURES, load_rules
from assay.examine import EXAMINERS, Examiner
from assay.examine.components import examiner as components_examiner
from assay.exchange import cyclonedx, sarif
from assay.exchange.schema import evaluation_schema
from assay.intake import Extractor, Protection, extractors, protections
from assay.intake import Limits as IntakeLimits
from assay.knowledge import knowledge_base
from assay.knowledge.signatures.shelf import Listed, Shelf, Shown, build_snapshot
from assay.model.base import Frozen
from assay.model.errors import InputError, StoreError
from assay.model.evaluation import Evaluation
from assay.model.finding import RuleInfo
from assay.model.measure import MeasureInfo
from assay.pipeline import Ports, Progress, Request, evaluate
from assay.report import ReusedKey, Summary, render_html, summarise
from assay.runner import Limits as RunLimits
from assay.runner import process_pool
from assay.store import Seal, Store, StoredEvaluation, open_store

__all__ = [
    "DOCUMENTS",
    "Done",
    "Extractor",
    "Listed",
    "Progress",
    "Protection",
    "Request",
    "Settings",
    "Shelf",
    "Shown",
    "StoredEvaluation",
    "Summary",
    "Workspace",
    "default_folder",
    "encode",
    "extractors",
    "measure_list",
    "open_workspace",
    "protections",
    "rebuild_signatures",
    "rule_list",
    "schemas",
    "signature_shelf",
    "summarise",
]

DOCUMENTS = ("report.html", "evaluation.json", "sbom.cdx.json", "findings.sarif")

_BUILD_MEMORY = 16 << 30


class Settings(Frozen):
    """How a workspace works. `workers` None = as many as there are processors."""

    folder: Path
    workers: int | None = None
    functions: Path | None = None
    intake_limits: IntakeLimits = IntakeLimits()
    run_limits: RunLimits = RunLimits()


def default_folder() -> Path:
    """The user's own data folder, or `$ASSAY_WORKSPACE`."""
    chosen = os.environ.get("ASSAY_WORKSPACE")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("assay"))


@dataclass(frozen=True, slots=True)
class Done:
    """A finished evaluation and the folder that its documents were written to."""

    id: str
    evaluation: Evaluation
    folder: Path


class Workspace:
    """Evaluations, and what was learned on the way to them."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._store: Store = open_store(settings.folder)

    def evaluate(
        self,
        request: Request,
        out: Path,
        progress: Progress = lambda phase, done, total: None,
    ) -> Done:
        """Evaluate an image, write the four documents, remember the evaluation.

        Raises:
            InputError: the image can't be read or the folder can't be written.
            DataError: a list of the user's is malformed.
            StoreError: the workspace can't be written.
        """
        _make_folder(out)
        result = evaluate(request, self._ports(progress))
        progress("Writing", 0, 0)
        document = encode(result.evaluation)
        name = self._store.put_document(document)
        seals = tuple(Seal(seal=one.seal, what=one.what, path=one.path) for one in result.seals)
        stored = self._record(result.evaluation, name, out)
        self._store.save_evaluation(stored, seals)
        self._write(result.evaluation, seals, stored, out)
        return Done(stored.id, result.evaluation, out)

    def evaluations(self) -> tuple[StoredEvaluation, ...]:
        """All evaluations, the newest first."""
        return self._store.evaluations()

    def find(self, reference: str) -> StoredEvaluation:
        """The newest evaluation that a reference names: an id or its beginning, a release,
        `PRODUCT/RELEASE` or `VENDOR/PRODUCT/RELEASE`.

        Raises:
            InputError: none or several different ones are meant.
        """
        found = [one for one in self.evaluations() if _names(reference, one)]
        if not found:
            raise InputError(reference, "no such evaluation", hint="`assay list` shows them all")
        releases = {(one.vendor, one.product, one.release) for one in found}
        if len(releases) > 1:
            meant = ", ".join("/".join(words) for words in sorted(releases))
            raise InputError(reference, f"could be any of {meant}")
        return found[0]

    def load(self, stored: StoredEvaluation) -> Evaluation:
        """An evaluation's content."""
        return Evaluation.model_validate_json(self._store.get_document(stored.document))

    def report(self, stored: StoredEvaluation, out: Path | None = None) -> Path:
        """Where an evaluation's page is; with `out`, or where it is gone, written anew.

        Raises:
            InputError: the folder can't be written.
        """
        page = Path(stored.report or "") / DOCUMENTS[0]
        if out is None and stored.report and page.exists():
            return page
        out = out or self._settings.folder / "reports" / stored.id
        _make_folder(out)
        self._write(self.load(stored), self._store.seals(stored.id), stored, out)
        return (out / DOCUMENTS[0]).resolve()

    def _record(self, evaluation: Evaluation, document: str, out: Path) -> StoredEvaluation:
        subject = evaluation.subject
        share = evaluation.measures.get("intake.understood.share")
        findings = evaluation.findings
        return StoredEvaluation(
            id=document[:12],
            vendor=subject.vendor,
            product=subject.product,
            release=subject.release,
            image_name=subject.name,
            image_sha256=subject.sha256,
            evaluated_at=self._now().isoformat(timespec="seconds"),
            tool_version=evaluation.tool.version,
            knowledge_version=evaluation.knowledge.version,
            understood=share if isinstance(share, int | float) else None,
            findings=len(findings),
            worst=findings[0].severity.value if findings else None,
            document=document,
            report=str(out.resolve()),
        )

    def _write(
        self, evaluation: Evaluation, seals: tuple[Seal, ...], stored: StoredEvaluation, out: Path
    ) -> None:
        keys = [seal for seal in seals if seal.what.endswith("private key")]
        elsewhere = tuple(
            ReusedKey(
                path=one.path,
                vendor=one.vendor,
                product=one.product,
                release=one.release,
                other_path=one.other_path,
            )
            for one in self._store.sealed_elsewhere(keys, stored.id)
        )
        page = render_html(evaluation, reused_keys=elsewhere, generated=stored.evaluated_at)
        contents = (
            page.encode("utf-8", "replace"),
            encode(evaluation),
            _json(cyclonedx.bom(evaluation)),
            _json(sarif.log(evaluation)),
        )
        for name, content in zip(DOCUMENTS, contents, strict=True):
            _write_whole(out / name, content)

    def _ports(self, progress: Progress) -> Ports:
        settings = self._settings
        scratch = settings.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        signatures = signature_shelf(settings.folder).files()
        return Ports(
            memory=self._store,
            engine=process_pool(settings.run_limits.memory_bytes),
            workers=settings.workers or len(os.sched_getaffinity(0)),
            scratch=scratch,
            examiners=_examiners(signatures),
            knowledge=knowledge_base(settings.functions, signatures),
            rules=load_rules(),
            seal_key=_seal_key(settings.folder),
            intake_limits=settings.intake_limits,
            run_limits=settings.run_limits,
            progress=progress,
        )


def open_workspace(settings: Settings) -> Workspace:
    """A workspace in a folder, made on first use.

    Raises:
        StoreError: the folder can't be used.
    """
    return Workspace(settings, now=lambda: datetime.now(UTC))


def signature_shelf(folder: Path) -> Shelf:
    """A workspace's own signatures of components, over the shipped ones."""
    return Shelf(folder / "signatures")


def rebuild_signatures(repositories: Path, out: Path, jobs: int) -> tuple[int, tuple[str, ...]]:
    """Build the snapshot that is shipped, out of a folder of upstream repositories.

    Returns:
        How many components it holds, and the names of those whose repository is not there.
    """
    with process_pool(_BUILD_MEMORY)(jobs) as executor:
        return build_snapshot(repositories, out, executor.map)


def measure_list() -> tuple[MeasureInfo, ...]:
    """Every measure, in the order in which they are listed."""
    return tuple(measure.info for measure in MEASURES)


def rule_list() -> tuple[RuleInfo, ...]:
    """Every rule."""
    return tuple(rule.info for rule in load_rules())


def schemas() -> dict[str, dict[str, object]]:
    """JSON Schemas of the documents that Assay writes, by the document's name."""
    return {"evaluation": evaluation_schema()}


def encode(evaluation: Evaluation) -> bytes:
    """The bytes of `evaluation.json`: the same evaluation gives the same bytes."""
    return evaluation.model_dump_json(by_alias=True).encode() + b"\n"


def _examiners(signatures: tuple[Path, ...]) -> tuple[Examiner, ...]:
    """All examiners, that of components with a user's own signatures."""
    if not signatures:
        return EXAMINERS
    own = components_examiner(tuple(str(file) for file in signatures))
    return tuple(own if one.name == own.name else one for one in EXAMINERS)


def _names(reference: str, stored: StoredEvaluation) -> bool:
    full = (stored.vendor, stored.product, stored.release)
    words = tuple(reference.split("/"))
    return full[-len(words) :] == words or (
        len(reference) >= 4 and stored.id.startswith(reference)  # noqa: PLR2004 (hex digits)
    )


def _seal_key(folder: Path) -> bytes:
    """The workspace's key for hashes of secrets, made once, readable by its owner alone."""
    path = folder / "seal.key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) != 32:  # noqa: PLR2004 (as written below)
            raise StoreError(f"{path}: not a seal key; secrets can't be compared") from None
        return key
    with os.fdopen(handle, "wb") as file:
        key = secrets.token_bytes(32)
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(str(out), f"can't be made: {error.strerror}") from error


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file so that it is the old one or the new one, never half."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        raise InputError(str(path), f"can't be written: {error.strerror}") from error
