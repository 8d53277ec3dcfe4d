"""What the edges show or read without a workspace: rules, measures, extractors, signatures.

Takes: paths, an evaluation. Gives: lists and values out of the rooms. Must not know: arguments,
terminals, requests.
"""

# The rooms are imported where they are used: a list must not wait for parsers.
# ruff: noqa: PLC0415

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.assess import VendorSays
    from assay.intake import Extractor, Protection
    from assay.knowledge.signatures.shelf import Shelf
    from assay.model.evaluation import Evaluation
    from assay.model.finding import RuleInfo
    from assay.model.measure import MeasureInfo
    from assay.report import Summary


def signature_shelf(folder: Path) -> Shelf:
    """A workspace's own signatures of components, over the shipped ones."""
    from assay import shelves

    return shelves.signature_shelf(folder)


def rebuild_signatures(repositories: Path, out: Path, jobs: int) -> tuple[int, tuple[str, ...]]:
    """Build the snapshot of signatures that is shipped; see `assay.shelves`."""
    from assay import shelves

    return shelves.rebuild_signatures(repositories, out, jobs)


def extractors() -> tuple[Extractor, ...]:
    """The programs that unpacking needs, and whether they are here."""
    from assay import intake

    return tuple(intake.extractors())


def protections() -> tuple[Protection, ...]:
    """What keeps hostile images from this machine, and whether it works here."""
    from assay import intake

    return tuple(intake.protections())


def measure_list() -> tuple[MeasureInfo, ...]:
    """Every measure, in the order in which they are listed."""
    from assay.assess import MEASURES

    return tuple(measure.info for measure in MEASURES)


def rule_list() -> tuple[RuleInfo, ...]:
    """Every rule."""
    from assay.assess import load_rules

    return tuple(rule.info for rule in load_rules())


def read_vendor_says(
    vex: Sequence[Path] = (), supported_until: str = "", built: Sequence[tuple[str, Path]] = ()
) -> VendorSays | None:
    """What the vendor says of a release, out of its files; None where it says nothing."""
    if not (vex or supported_until or built):
        return None
    from assay import reassessing

    return reassessing.read_vendor_says(vex, supported_until, built)


def schemas() -> dict[str, dict[str, object]]:
    """JSON Schemas of the documents that Assay writes, by the document's name."""
    from assay.exchange.schema import evaluation_schema

    return {"evaluation": evaluation_schema()}


def summarise(evaluation: Evaluation) -> Summary:
    """What every view of an evaluation opens with."""
    from assay import report

    return report.summarise(evaluation)
