"""What a workspace remembers: evaluations, outcomes of examiners, trees, seals of secrets."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

import zstandard
from sqlalchemy import Connection, Engine, create_engine, delete, event, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from assay.model.base import Frozen
from assay.model.errors import StoreError
from assay.store.blobs import Blobs
from assay.store.migrate import migrate
from assay.store.tables import EVALUATIONS, OUTCOMES, REMEMBERED, SEALS

_DATABASE = "assay.sqlite"
_KEYS_AT_ONCE = 500


class StoredEvaluation(Frozen):
    """An evaluation as it is listed. `evaluated_at` is ISO 8601 in UTC; `worst` the worst
    severity among its findings; `document` names the blob of its JSON; `report` is the folder
    that the documents were last written to."""

    id: str
    vendor: str
    product: str
    release: str
    image_name: str
    image_sha256: str
    evaluated_at: str
    tool_version: str
    knowledge_version: str
    understood: float | None
    findings: int
    worst: str | None
    document: str
    report: str | None = None


class Seal(Frozen):
    """A secret of an evaluation by its keyed hash: `what` it is and in which file."""

    seal: str
    what: str
    path: str


class SealedElsewhere(Frozen):
    """The same secret in another evaluation."""

    path: str
    what: str
    vendor: str
    product: str
    release: str
    other_path: str


def open_store(folder: Path, *, patience: float = 30.0) -> "Store":
    """Open the store in a folder, making or migrating it as needed.

    Args:
        folder: made where it is not there.
        patience: seconds to wait for another process that is writing.

    Raises:
        StoreError: it can't be read or written, or comes from a newer version.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: workspace can't be made: {error.strerror}") from error
    engine = create_engine(f"sqlite:///{folder / _DATABASE}", connect_args={"timeout": patience})
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    with _in_words(folder):
        migrate(engine)
    return Store(engine, Blobs(folder / "blobs"), folder)


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    # The driver would begin transactions by itself, and leave changes of tables out of them.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def _in_words(folder: Path) -> Iterator[None]:
    """What goes wrong in the database, as an error of ours that names the workspace."""
    try:
        yield
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", None) or error).split("\n", 1)[0]
        hint = "another process is writing to it; try again" if "locked" in said else ""
        raise StoreError(f"{folder}: workspace can't be used: {said}", hint) from error


class Store:
    """Every method is one transaction: done whole or not at all.

    All of them raise `StoreError` where the database or a blob can't be read or written.
    """

    def __init__(self, engine: Engine, blobs: Blobs, folder: Path) -> None:
        self._engine = engine
        self._blobs = blobs
        self._folder = folder

    def close(self) -> None:
        """Let go of the database's files."""
        self._engine.dispose()

    def load(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Encoded outcomes by key, of those keys that are known."""
        found: dict[str, bytes] = {}
        with self._reading() as connection:
            for some in _portions(keys):
                query = select(OUTCOMES.c.key, OUTCOMES.c.value).where(OUTCOMES.c.key.in_(some))
                found |= {key: value for key, value in connection.execute(query)}
        return _unpacked(found)

    def save(self, outcomes: Sequence[tuple[str, bytes]]) -> None:
        """Remember outcomes; one that is known stays as it is."""
        pack = zstandard.ZstdCompressor(level=1).compress
        rows = [{"key": key, "value": pack(value)} for key, value in outcomes]
        if rows:
            with self._writing() as connection:
                connection.execute(insert(OUTCOMES).on_conflict_do_nothing(), rows)

    def recall(self, key: str) -> bytes | None:
        """What was remembered of an image under a key; what was damaged is forgotten."""
        with self._reading() as connection:
            name = connection.scalar(select(REMEMBERED.c.document).where(REMEMBERED.c.key == key))
        if not name:
            return None
        try:
            return self._blobs.get(name)
        except StoreError:
            return None

    def remember(self, key: str, content: bytes) -> None:
        """Remember content under a key, in the place of what was remembered before."""
        row = {"key": key, "document": self._blobs.put(content)}
        with self._writing() as connection:
            connection.execute(
                insert(REMEMBERED)
                .values(row)
                .on_conflict_do_update(index_elements=["key"], set_=row)
            )

    def put_document(self, content: bytes) -> str:
        """Keep a document among the blobs; gives its SHA-256."""
        return self._blobs.put(content)

    def get_document(self, name: str) -> bytes:
        """A document by its SHA-256."""
        return self._blobs.get(name)

    def save_evaluation(self, evaluation: StoredEvaluation, seals: Sequence[Seal]) -> None:
        """Record an evaluation; the same one again replaces its own row."""
        row = evaluation.model_dump()
        places = {(seal.seal, seal.path): seal.what for seal in seals}
        with self._writing() as connection:
            connection.execute(
                insert(EVALUATIONS)
                .values(row)
                .on_conflict_do_update(index_elements=["id"], set_=row)
            )
            connection.execute(delete(SEALS).where(SEALS.c.evaluation == evaluation.id))
            if places:
                connection.execute(
                    insert(SEALS),
                    [
                        {"evaluation": evaluation.id, "seal": seal, "path": path, "what": what}
                        for (seal, path), what in places.items()
                    ],
                )

    def evaluations(self) -> tuple[StoredEvaluation, ...]:
        """All evaluations, the newest first."""
        query = select(EVALUATIONS).order_by(EVALUATIONS.c.evaluated_at.desc(), EVALUATIONS.c.id)
        with self._reading() as connection:
            return tuple(
                StoredEvaluation.model_validate(dict(row._mapping))
                for row in connection.execute(query)
            )

    def seals(self, evaluation: str) -> tuple[Seal, ...]:
        """The secrets of one evaluation."""
        query = select(SEALS).where(SEALS.c.evaluation == evaluation)
        with self._reading() as connection:
            return tuple(
                Seal(seal=row.seal, what=row.what, path=row.path)
                for row in connection.execute(query.order_by(SEALS.c.path, SEALS.c.seal))
            )

    def sealed_elsewhere(
        self, seals: Sequence[Seal], evaluation: str
    ) -> tuple[SealedElsewhere, ...]:
        """Which of these secrets stand in other evaluations too."""
        here: dict[str, list[str]] = {}
        for seal in seals:
            here.setdefault(seal.seal, []).append(seal.path)
        found: list[SealedElsewhere] = []
        with self._reading() as connection:
            for some in _portions(sorted(here)):
                query = (
                    select(SEALS, EVALUATIONS)
                    .join(EVALUATIONS, EVALUATIONS.c.id == SEALS.c.evaluation)
                    .where(SEALS.c.seal.in_(some), SEALS.c.evaluation != evaluation)
                )
                found += [
                    SealedElsewhere(
                        path=path,
                        what=row.what,
                        vendor=row.vendor,
                        product=row.product,
                        release=row.release,
                        other_path=row.path,
                    )
                    for row in connection.execute(query)
                    for path in here[row.seal]
                ]
        return tuple(sorted(set(found), key=lambda one: tuple(one.model_dump().values())))

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with _in_words(self._folder), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with _in_words(self._folder), self._engine.begin() as connection:
            yield connection


def _unpacked(packed: Mapping[str, bytes]) -> dict[str, bytes]:
    """Values in the clear, without those that were damaged: what is not known is made anew."""
    unpack = zstandard.ZstdDecompressor().decompress
    found = {}
    for key, value in packed.items():
        with suppress(zstandard.ZstdError):
            found[key] = unpack(value)
    return found


def _portions(keys: Sequence[str]) -> Iterator[list[str]]:
    remaining = iter(keys)
    while some := list(islice(remaining, _KEYS_AT_ONCE)):
        yield some
