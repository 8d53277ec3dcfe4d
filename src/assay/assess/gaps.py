"""What was not measured, and why: never silence."""

from collections.abc import Iterable, Iterator, Mapping

from assay.assess.facts import Facts
from assay.assess.known import gaps_of
from assay.assess.measures import Unknown
from assay.model.evaluation import NotMeasured
from assay.model.observations import Unmeasured
from assay.model.outcome import Examined, Failed, Ran, Skipped, TimedOut
from assay.model.tree import File, Kind


def gaps(facts: Facts, unknown: Mapping[str, Unknown]) -> tuple[NotMeasured, ...]:
    """Everything that was not measured, one entry for each thing and reason.

    Where many files share a reason, the entry counts them and names the first.
    """
    entries: dict[tuple[str, str], list[str]] = {}
    for what, why, path in _all(facts):
        entries.setdefault((what, why), []).append(path)
    listed = [
        NotMeasured(what=what, why=why, path=min(paths), files=len(set(paths)))
        for (what, why), paths in entries.items()
    ]
    listed += gaps_of(facts.known) if facts.known else []
    listed += [NotMeasured(what=name, why=value.why) for name, value in unknown.items()]
    return tuple(sorted(listed, key=lambda one: (one.what, one.why, one.path)))


def _all(facts: Facts) -> Iterator[tuple[str, str, str]]:
    yield from _closed(facts)
    yield from _ended(facts.examined)
    yield from _without_mode(facts.tree.files)
    for seen in facts.of(Unmeasured):
        yield seen.fact.what, seen.fact.why, seen.file.path


def _closed(facts: Facts) -> Iterator[tuple[str, str, str]]:
    for region in facts.tree.regions:
        if not region.understood:
            what = f"contents of {region.format or 'bytes of no known format'}"
            said = region.why or (region.guess.value if region.guess else "not recognised")
            yield what, f"{region.size:,} bytes at offset {region.offset:#x}: {said}", region.path
    for problem in facts.tree.problems:
        where = "" if problem.offset is None else f" at offset {problem.offset:#x}"
        yield problem.what, problem.why + where, problem.path


def _without_mode(files: Iterable[File]) -> Iterator[tuple[str, str, str]]:
    for file in files:
        inside = "!/" in file.path  # an archive's or stream's content, no file of the device
        if file.mode is None and not inside and (file.has_content or file.kind is Kind.DIRECTORY):
            yield "permissions", "the container records no modes", file.path


def _ended(examined: Iterable[Examined]) -> Iterator[tuple[str, str, str]]:
    for one in examined:
        outcome = one.outcome
        if isinstance(outcome, Ran):
            continue
        if isinstance(outcome, TimedOut):
            yield one.examiner, f"stopped after {outcome.seconds:g} s", one.file.path
        elif isinstance(outcome, Failed | Skipped):
            yield one.examiner, outcome.why, one.file.path
