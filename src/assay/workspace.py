"""The one door for the edges: chooses store, engine, clock and keys.

Takes: settings. Gives: a ready workspace. Must not know: arguments, terminals, requests.
"""

# The rooms that make and show evaluations are imported where they are used: a list of evaluations
# must not wait for parsers, pattern compilers and page templates.
# ruff: noqa: PLC0415

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from assay.documents import encode_json, make_folder, refuse_inside, write_whole
from assay.listings import (
    extractors,
    measure_list,
    protections,
    read_vendor_says,
    rebuild_signatures,
    rule_list,
    schemas,
    signature_shelf,
    summarise,
)
from assay.model.errors import InputError, StoreError
from assay.model.request import Progress, Request, Step
from assay.store import (
    Seal,
    Store,
    StoredEvaluation,
    open_store,
    scratch_folder,
    seal_key,
)

if TYPE_CHECKING:
    from assay.assess import VendorSays
    from assay.intake import Extractor, Protection
    from assay.intake import Limits as IntakeLimits
    from assay.knowledge import KnowledgeBase
    from assay.knowledge.advisories.update import Update
    from assay.knowledge.signatures.shelf import Listed, Shelf, Shown
    from assay.model.evaluated import Evaluated
    from assay.model.evaluation import Evaluation
    from assay.pipeline import Ports
    from assay.reassessing import Reassessed
    from assay.report import ReusedKey, Summary
    from assay.runner import Limits as RunLimits

__all__ = [
    "DOCUMENTS",
    "Done",
    "Extractor",
    "Listed",
    "Progress",
    "Protection",
    "Reassessed",
    "Request",
    "Settings",
    "Shelf",
    "Shown",
    "Step",
    "StoredEvaluation",
    "Summary",
    "Update",
    "Workspace",
    "default_folder",
    "encode",
    "extractors",
    "measure_list",
    "open_workspace",
    "protections",
    "read_vendor_says",
    "rebuild_signatures",
    "rule_list",
    "schemas",
    "signature_shelf",
    "summarise",
]

DOCUMENTS = ("report.html", "evaluation.json", "sbom.cdx.json", "findings.sarif")
_SHORTEST_ID = 4
ADVISORIES = "knowledge/advisories"
"""Where a workspace keeps what users brought in."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a workspace works. `workers` None = as many as there are processors; `functions` is a
    user's own list of function classes; limits None = the rooms' own."""

    folder: Path
    workers: int | None = None
    functions: Path | None = None
    intake_limits: IntakeLimits | None = None
    run_limits: RunLimits | None = None


def default_folder() -> Path:
    """The user's own data folder, or `$ASSAY_WORKSPACE`."""
    import platformdirs

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
        progress: Progress = lambda step: None,
        says: VendorSays | None = None,
    ) -> Done:
        """Evaluate an image, write the documents, remember the evaluation.

        Args:
            says: what the vendor says of the release (`read_vendor_says`).

        Raises:
            InputError: the image can't be read or the folder can't be written.
            DataError: a list of the user's is malformed.
            StoreError: the workspace can't be written.
        """
        for place, name in ((out, "report"), (self._settings.folder, "workspace")):
            refuse_inside(request.image, place, name)
        make_folder(out)
        result = self._evaluated(request, progress, says)
        progress(Step("Writing"))
        document = encode(result.evaluation)
        name = self._store.put_document(document)
        seals = tuple(Seal(seal=one.seal, what=one.what, path=one.path) for one in result.seals)
        stored = self._record(result.evaluation, name, out)
        self._store.save_evaluation(stored, seals)
        self._write(result.evaluation, seals, stored, out)
        return Done(stored.id, result.evaluation, out)

    def _evaluated(
        self, request: Request, progress: Progress, says: VendorSays | None
    ) -> Evaluated:
        """Recalled where nothing that it depends on has changed, else made."""
        from assay.recollection import recall, remember

        progress(Step("Reading"))
        key = self._key(request, says)
        until = says.supported_until if says else ""
        if known := recall(key, request, until, self._store):
            return known
        from assay.pipeline import evaluate

        with scratch_folder(self._settings.folder) as scratch:
            made = evaluate(request, self._ports(scratch, progress, says))
        remember(key, made, self._store)
        return made

    def _key(self, request: Request, says: VendorSays | None) -> str:
        from assay.intake import fingerprint
        from assay.recollection import evaluation_key

        settings = self._settings
        folders = [settings.folder / name for name in ("knowledge", "signatures")]
        brought = [path for one in folders for path in one.rglob("*") if path.is_file()]
        brought += [settings.functions] if settings.functions else []
        key = hashlib.sha256(seal_key(settings.folder)).hexdigest()
        limits = f"{settings.intake_limits!r} {settings.run_limits!r}"
        try:
            return evaluation_key(fingerprint(request.image), brought, (key, limits, repr(says)))
        except OSError as error:
            raise InputError(str(error.filename), error.strerror or str(error)) from error

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
        """An evaluation's content.

        Raises:
            StoreError: it was damaged, or is of a form that this version does not know.
        """
        from pydantic import ValidationError

        from assay.model.evaluation import Evaluation

        try:
            return Evaluation.model_validate_json(self._store.get_document(stored.document))
        except ValidationError as error:
            raise StoreError(
                f"{stored.id}: evaluation of Assay {stored.tool_version} has another form",
                hint="evaluate the image again, or use the version that wrote it",
            ) from error

    def report(self, stored: StoredEvaluation, out: Path | None = None) -> Path:
        """Where an evaluation's page is; with `out`, or where it is gone, written anew.

        Raises:
            InputError: the folder can't be written.
            StoreError: the evaluation can't be read.
        """
        page = Path(stored.report or "") / DOCUMENTS[0]
        if out is None and stored.report and page.exists():
            return page
        out = out or self._settings.folder / "reports" / stored.id
        make_folder(out)
        self._write(self.load(stored), self._store.seals(stored.id), stored, out)
        return (out / DOCUMENTS[0]).resolve()

    def update_knowledge(
        self, files: Sequence[Path], covers: Sequence[str] = (), as_of: str = ""
    ) -> Update:
        """Bring advisories, lists and lifecycles in. `reassess` then applies them.

        Raises:
            InputError: a file can't be read or has no usable record.
            StoreError: the workspace can't be written.
        """
        from assay.knowledge.advisories.update import update

        return update(self._settings.folder / ADVISORIES, files, covers, as_of)

    def reassess(self) -> tuple[Reassessed, ...]:
        """Hold stored evaluations, the newest of each release and image, against the knowledge.

        Where the result differs, it is stored as a new evaluation beside the old one.

        Raises:
            StoreError: the workspace can't be read or written.
        """
        from assay.reassessing import reassess_all

        return reassess_all(self._store, self.load, self._knowledge(), self._record)

    def _record(
        self, evaluation: Evaluation, document: str, out: Path | None = None
    ) -> StoredEvaluation:
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
            report=str(out.resolve()) if out else None,
        )

    def _write(
        self, evaluation: Evaluation, seals: tuple[Seal, ...], stored: StoredEvaluation, out: Path
    ) -> None:
        from assay.exchange import cyclonedx, sarif
        from assay.reassessing import write_openvex
        from assay.report import render_html

        reused = self._reused_keys(seals, stored)
        page = render_html(evaluation, reused_keys=reused, generated=stored.evaluated_at)
        contents = (
            page.encode("utf-8", "replace"),
            encode(evaluation),
            encode_json(cyclonedx.bom(evaluation)),
            encode_json(sarif.log(evaluation)),
        )
        for name, content in zip(DOCUMENTS, contents, strict=True):
            write_whole(out / name, content)
        write_openvex(evaluation, stored.evaluated_at, out)

    def _reused_keys(
        self, seals: tuple[Seal, ...], stored: StoredEvaluation
    ) -> tuple[ReusedKey, ...]:
        """Private keys of an evaluation that other releases hold as well."""
        from assay.report import ReusedKey

        keys = [seal for seal in seals if seal.what.endswith("private key")]
        return tuple(
            ReusedKey(
                path=one.path,
                vendor=one.vendor,
                product=one.product,
                release=one.release,
                other_path=one.other_path,
            )
            for one in self._store.sealed_elsewhere(keys, stored.id)
            if (one.vendor, one.product, one.release)
            != (stored.vendor, stored.product, stored.release)
        )

    def _ports(self, scratch: Path, progress: Progress, says: VendorSays | None) -> Ports:
        from assay.assess import VendorSays, load_rules
        from assay.intake import Limits as IntakeLimits
        from assay.pipeline import Ports
        from assay.runner import Limits as RunLimits
        from assay.runner import process_pool
        from assay.shelves import examiners

        settings = self._settings
        run_limits = settings.run_limits or RunLimits()
        return Ports(
            memory=self._store,
            engine=process_pool(run_limits.memory_bytes),
            workers=settings.workers or len(os.sched_getaffinity(0)),
            scratch=scratch,
            examiners=examiners(self._signatures()),
            knowledge=self._knowledge(),
            rules=load_rules(),
            seal_key=seal_key(settings.folder),
            intake_limits=settings.intake_limits or IntakeLimits(),
            run_limits=run_limits,
            progress=progress,
            vendor_says=says or VendorSays(),
        )

    def _knowledge(self) -> KnowledgeBase:
        from assay.knowledge import knowledge_base

        settings = self._settings
        return knowledge_base(settings.functions, settings.folder / ADVISORIES, self._signatures())

    def _signatures(self) -> tuple[Path, ...]:
        return signature_shelf(self._settings.folder).files()


def open_workspace(settings: Settings) -> Workspace:
    """A workspace in a folder, made on first use.

    Raises:
        StoreError: the folder can't be used.
    """
    return Workspace(settings, now=lambda: datetime.now(UTC))


def encode(evaluation: Evaluation) -> bytes:
    """The bytes of `evaluation.json`: the same evaluation gives the same bytes."""
    return evaluation.model_dump_json(by_alias=True).encode() + b"\n"


def _names(reference: str, stored: StoredEvaluation) -> bool:
    full = (stored.vendor, stored.product, stored.release)
    words = tuple(reference.split("/"))
    return full[-len(words) :] == words or (
        len(reference) >= _SHORTEST_ID and stored.id.startswith(reference)
    )
