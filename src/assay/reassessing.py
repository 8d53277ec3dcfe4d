"""What the workspace does about vulnerabilities beyond an evaluation: newer data, vendors' words.

Takes: a store, the knowledge, files of vendors. Gives: evaluations made anew beside the old ones.
Must not know: arguments, terminals, requests.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from assay.assess import VendorSays, load_rules, reassess
from assay.documents import encode_json, write_whole
from assay.exchange import openvex
from assay.exchange.built import read_built
from assay.exchange.vex import read_vex
from assay.knowledge import KnowledgeBase
from assay.model.errors import InputError
from assay.model.evaluation import Evaluation
from assay.model.known import KnownVulnerability
from assay.store import Store, StoredEvaluation

ADVISORIES = "knowledge/advisories"
"""Where a workspace keeps what users brought in."""

OPENVEX = "findings.openvex.json"


@dataclass(frozen=True, slots=True)
class Reassessed:
    """A stored evaluation that newer data changes: the new one's id, and what is known now."""

    before: StoredEvaluation
    after: StoredEvaluation
    appeared: tuple[KnownVulnerability, ...]
    gone: tuple[KnownVulnerability, ...]


def read_vendor_says(
    vex: Iterable[Path] = (), supported_until: str = "", built: Iterable[tuple[str, Path]] = ()
) -> VendorSays:
    """What the vendor says, out of its files.

    Args:
        vex: OpenVEX, CSAF VEX or CycloneDX VEX documents.
        supported_until: the day (ISO date) to which support is promised.
        built: components, and the lists of source files that their builds contain.

    Raises:
        InputError: a file can't be read or is malformed; the day is none.
    """
    if supported_until:
        try:
            date.fromisoformat(supported_until)
        except ValueError as error:
            raise InputError(supported_until, "a day as 2030-12-31 is expected") from error
    statements = tuple(statement for path in vex for statement in read_vex(path))
    sources = {component: read_built(path) for component, path in built}
    return VendorSays(statements, supported_until, sources)


def reassess_all(
    store: Store,
    load: Callable[[StoredEvaluation], Evaluation],
    knowledge: KnowledgeBase,
    record: Callable[[Evaluation, str], StoredEvaluation],
) -> tuple[Reassessed, ...]:
    """The newest evaluation of each release and image, made anew where it comes out differently."""
    rules = load_rules()
    done: list[Reassessed] = []
    for stored in _newest(store.evaluations()):
        before = load(stored)
        after = reassess(before, knowledge.background, knowledge=knowledge.info, rules=rules)
        if _outcome(before) == _outcome(after):
            continue
        name = store.put_document(after.model_dump_json(by_alias=True).encode() + b"\n")
        fresh = record(after, name)
        store.save_evaluation(fresh, store.seals(stored.id))
        done.append(Reassessed(stored, fresh, _beyond(after, before), _beyond(before, after)))
    return tuple(done)


def write_openvex(evaluation: Evaluation, made: str, out: Path) -> None:
    """The OpenVEX document beside the others; none where there is nothing to state.

    Raises:
        InputError: the folder can't be written.
    """
    target = out / OPENVEX
    document = openvex.document(evaluation, made)
    if document is None:
        target.unlink(missing_ok=True)
    else:
        write_whole(target, encode_json(document))


def _newest(evaluations: Sequence[StoredEvaluation]) -> list[StoredEvaluation]:
    newest: dict[tuple[str, str, str, str], StoredEvaluation] = {}
    for one in evaluations:  # the newest come first
        newest.setdefault((one.vendor, one.product, one.release, one.image_sha256), one)
    return list(newest.values())


def _outcome(evaluation: Evaluation) -> tuple[object, ...]:
    return (evaluation.vulnerabilities, evaluation.support, evaluation.coverage)


def _beyond(one: Evaluation, other: Evaluation) -> tuple[KnownVulnerability, ...]:
    """Vulnerabilities that stand in the one and not, with that state, in the other."""
    there = {(each.component, each.id, each.state) for each in other.vulnerabilities}
    return tuple(
        each for each in one.vulnerabilities if (each.component, each.id, each.state) not in there
    )
