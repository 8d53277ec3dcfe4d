"""Tables of keys, certificates, accounts and credentials. Secret values never reach them."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

from assay.model.evaluation import Evaluation, Seen
from assay.model.observations import (
    Account,
    AuthorizedKey,
    Certificate,
    Credential,
    PrivateKey,
)
from assay.report.tables.contract import Column, Section, Show, Table, nothing
from assay.report.text import NOT_MEASURED, answer, number

_FILE = Column("File", Show.CODE)
_OFFSET = Column("Offset", Show.OFFSET)


@dataclass(frozen=True, slots=True)
class ReusedKey:
    """A private key of this release that another evaluated release or product has too.

    `path` is where this release has it, `other_path` where the other one does.
    """

    path: str
    vendor: str
    product: str
    release: str
    other_path: str


def section(evaluation: Evaluation, reused: tuple[ReusedKey, ...]) -> Section:
    """Everything that should be secret, and who may log in."""
    lead = (
        "What lets somebody in. A secret that ships in an image is known to everybody who has "
        "the image. Values are masked here and in every other document of this evaluation."
    )
    return Section(
        "secrets-section",
        "Secrets and accounts",
        lead,
        (
            _private_keys(evaluation, reused),
            _reused(evaluation, reused),
            _credentials(evaluation),
            _accounts(evaluation),
            _authorized_keys(evaluation),
            _certificates(evaluation),
        ),
    )


def _reused(evaluation: Evaluation, reused: tuple[ReusedKey, ...]) -> Table:
    said = "No private key of this image was in another evaluation of the same workspace."
    return Table(
        id="reused-keys",
        title="Private keys that other releases or products have too",
        lead="By keyed hash, against every evaluation that the workspace held at that time.",
        columns=(
            _FILE,
            Column("Other vendor"),
            Column("Other product"),
            Column("Other release"),
            Column("File there", Show.CODE),
        ),
        rows=tuple(
            (one.path, one.vendor, one.product, one.release, one.other_path) for one in reused
        ),
        empty=nothing(evaluation, "secrets.private_keys", said),
    )


def _private_keys(evaluation: Evaluation, reused: tuple[ReusedKey, ...]) -> Table:
    elsewhere: dict[str, set[str]] = defaultdict(set)
    for one in reused:
        elsewhere[one.path].add(f"{one.vendor} {one.product} {one.release}")
    keys = sorted(evaluation.private_keys, key=_exposure)
    return Table(
        id="private-keys",
        title="Private keys",
        columns=(
            _FILE,
            _OFFSET,
            Column("Algorithm", facet=True),
            Column("Bits"),
            Column("Form", facet=True),
            Column("Encrypted", Show.ANSWER, facet=True),
            Column("Also in"),
            Column("SHA-256 of the public key", Show.HASH),
        ),
        rows=tuple(
            (
                seen.path,
                seen.fact.evidence.offset,
                seen.fact.algorithm,
                _known(seen.fact.bits),
                seen.fact.format,
                answer(seen.fact.encrypted),
                ", ".join(sorted(elsewhere[seen.path])),
                seen.fact.public or NOT_MEASURED,
            )
            for seen in keys
        ),
        empty=nothing(evaluation, "secrets.private_keys", "No private key was found."),
    )


def _exposure(seen: Seen[PrivateKey]) -> tuple[bool, str, int]:
    return seen.fact.encrypted, seen.path, seen.fact.evidence.offset or 0


def _known(value: int | None) -> str:
    return NOT_MEASURED if value is None else number(value)


def _credentials(evaluation: Evaluation) -> Table:
    def row(seen: Seen[Credential]) -> tuple[str | int | None, ...]:
        fact = seen.fact
        return (
            fact.category,
            fact.holder,
            seen.path,
            fact.evidence.offset,
            fact.evidence.excerpt or fact.evidence.symbol,
        )

    return Table(
        id="credentials",
        title="Credentials in files",
        columns=(
            Column("Kind", facet=True),
            Column("Whose"),
            _FILE,
            _OFFSET,
            Column("Excerpt, masked", Show.CODE),
        ),
        rows=tuple(row(seen) for seen in evaluation.credentials),
        empty=nothing(evaluation, "secrets.credentials", "No credential was found."),
    )


_BY_RISK = ("empty", "plain", "hash", "elsewhere", "locked")
_PASSWORD = {
    "empty": "none is asked for",
    "plain": "in the clear",
    "hash": "hashed",
    "elsewhere": "in another file",
    "locked": "locked",
}


def _accounts(evaluation: Evaluation) -> Table:
    def risk(seen: Seen[Account]) -> tuple[bool, int, str, str]:
        return not seen.fact.weak, _BY_RISK.index(seen.fact.password), seen.path, seen.fact.user

    def row(seen: Seen[Account]) -> tuple[str | int | None, ...]:
        fact = seen.fact
        return (
            fact.user,
            "" if fact.uid is None else str(fact.uid),
            _PASSWORD[fact.password],
            fact.scheme,
            fact.default or ("well known" if fact.weak else ""),
            fact.shell,
            seen.path,
            fact.evidence.offset,
        )

    return Table(
        id="accounts",
        title="Accounts",
        columns=(
            Column("User"),
            Column("User id"),
            Column("Password", facet=True),
            Column("Hash", facet=True),
            Column("Default password"),
            Column("Shell", Show.CODE),
            _FILE,
            _OFFSET,
        ),
        rows=tuple(row(seen) for seen in sorted(evaluation.accounts, key=risk)),
        empty=nothing(evaluation, "accounts.count", "No account was found."),
    )


def _authorized_keys(evaluation: Evaluation) -> Table:
    def row(seen: Seen[AuthorizedKey]) -> tuple[str | int | None, ...]:
        fact = seen.fact
        return seen.path, fact.evidence.offset, fact.algorithm, fact.comment, fact.public

    return Table(
        id="authorized-keys",
        title="Public keys that may log in",
        columns=(
            _FILE,
            _OFFSET,
            Column("Algorithm", facet=True),
            Column("Comment"),
            Column("SHA-256 of the key", Show.HASH),
        ),
        rows=tuple(row(seen) for seen in evaluation.authorized_keys),
        empty=nothing(evaluation, "secrets.authorized_keys", "No authorised key was found."),
    )


def _certificates(evaluation: Evaluation) -> Table:
    as_of = evaluation.knowledge.as_of
    states = [(_state(seen.fact, as_of), seen) for seen in evaluation.certificates]
    states.sort(key=lambda item: (item[0] == "valid", item[0], item[1].path))

    def row(state: str, seen: Seen[Certificate]) -> tuple[str | int | None, ...]:
        fact = seen.fact
        bits = f" {fact.key_bits:,}" if fact.key_bits is not None else ""
        return (
            state,
            fact.subject,
            "itself" if fact.self_signed else fact.issuer,
            fact.not_after[:10],
            f"{fact.key_algorithm}{bits}",
            fact.signature_hash,
            "yes" if fact.ca else "no",
            seen.path,
            fact.evidence.offset,
        )

    return Table(
        id="certificates",
        title="Certificates",
        lead=f"Dates are judged on {as_of}, the day of the knowledge." if as_of else "",
        columns=(
            Column("State", Show.SHORT, facet=True),
            Column("Subject"),
            Column("Signed by"),
            Column("Ends", Show.SHORT),
            Column("Key", facet=True),
            Column("Signed over", facet=True),
            Column("May sign others", facet=True),
            _FILE,
            _OFFSET,
        ),
        rows=tuple(row(state, seen) for state, seen in states),
        empty=nothing(evaluation, "certificates.count", "No certificate was found."),
    )


def _state(fact: Certificate, as_of: str) -> str:
    try:
        day, start, end = _day(as_of), _day(fact.not_before), _day(fact.not_after)
    except ValueError:
        return NOT_MEASURED
    if end < day:
        return "expired"
    return "not yet valid" if start > day else "valid"


def _day(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
