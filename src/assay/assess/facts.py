"""Everything that was observed of one image, ready to be folded."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

from assay.assess.calls import call_table
from assay.model.evaluation import CallTable, CertifiedKey
from assay.model.functions import FunctionClasses
from assay.model.known import Known
from assay.model.observations import Calls, Certificate, CodeHardening, Executable, PrivateKey
from assay.model.outcome import Examined, Ran
from assay.model.tree import File, Tree

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sighting(Generic[T]):
    """One fact and the file of the tree that it was seen in."""

    file: File
    fact: T


@dataclass(frozen=True)
class Facts:
    """The tree, and the facts by type, each in the order of the tree's files.

    A content that stands at several paths gives its facts once for each.
    `as_of` is the day (ISO date) that dated judgements refer to. `known` is what is known against
    the components, None where nothing was consulted.
    """

    tree: Tree
    as_of: str
    examined: tuple[Examined, ...]
    sightings: Mapping[type, tuple[Sighting[Any], ...]]
    known: Known | None = None

    @cached_property
    def tried(self) -> Counter[str]:
        """How many files each examiner was to look at."""
        return Counter(one.examiner for one in self.examined)

    @cached_property
    def finished(self) -> Counter[str]:
        """On how many of them it finished."""
        return Counter(one.examiner for one in self.examined if isinstance(one.outcome, Ran))

    def of(self, kind: type[T]) -> tuple[Sighting[T], ...]:
        """All sightings of one type of fact."""
        return self.sightings.get(kind, ())


def gather(tree: Tree, examined: Iterable[Examined], classes: FunctionClasses, as_of: str) -> Facts:
    """Sort what examiners said by type; call sites become tables by the function classes."""
    examined = tuple(examined)
    sightings: dict[type, list[Sighting[Any]]] = defaultdict(list)
    by_name = classes.by_name()
    for one in examined:
        if isinstance(one.outcome, Ran):
            for fact in one.outcome.observations:
                sightings[type(fact)].append(Sighting(one.file, fact))
                if isinstance(fact, Calls):
                    table = Sighting(one.file, call_table(fact, by_name))
                    sightings[CallTable].append(table)
    sightings[Executable] = _with_code(sightings[Executable], sightings[CodeHardening])
    sightings[CertifiedKey] = _certified(sightings[PrivateKey], sightings[Certificate])
    frozen = {kind: tuple(found) for kind, found in sightings.items()}
    return Facts(tree, as_of, examined, frozen)


def _with_code(
    executables: Iterable[Sighting[Executable]], codes: Iterable[Sighting[CodeHardening]]
) -> list[Sighting[Any]]:
    """What the headers show of a file's hardening, joined with what its code shows."""
    by_path = {seen.file.path: seen.fact for seen in codes}
    return [
        Sighting(seen.file, _joined(seen.fact, by_path.get(seen.file.path))) for seen in executables
    ]


def _joined(executable: Executable, code: CodeHardening | None) -> Executable:
    if code is None:
        return executable
    shown = {name: getattr(code, name) for name in type(code).model_fields if name != "type"}
    hardening = executable.hardening.model_copy(update=shown)
    return executable.model_copy(update={"hardening": hardening})


def _certified(
    keys: Iterable[Sighting[PrivateKey]], certificates: Iterable[Sighting[Certificate]]
) -> list[Sighting[Any]]:
    """Private keys and the certificates of the same public key; an authority's goes first."""
    by_public: dict[str, Certificate] = {}
    for seen in certificates:
        known = by_public.get(seen.fact.public)
        if known is None or (seen.fact.ca and not known.ca):
            by_public[seen.fact.public] = seen.fact
    return [
        Sighting(seen.file, _pair(seen.fact, by_public[seen.fact.public]))
        for seen in keys
        if seen.fact.public and seen.fact.public in by_public
    ]


def _pair(key: PrivateKey, certificate: Certificate) -> CertifiedKey:
    return CertifiedKey(
        algorithm=key.algorithm,
        encrypted=key.encrypted,
        public=key.public,
        subject=certificate.subject,
        authority=certificate.ca,
        evidence=key.evidence,
    )
