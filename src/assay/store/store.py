"""What a workspace remembers: evaluations, outcomes of examiners, trees, seals of secrets."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import zstandard
from sqlalchemy import Engine, create_engine, delete, event, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from assay.model.base import Frozen
from assay.model.errors import StoreError
from assay.store.blobs import Blobs
from assay.store.migrate import migrate
from assay.store.tables import EVALUATIONS, OUTCOMES, SEALS, TREES

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


def open_store(folder: Path) -> "Store":
    """Open the store in a folder, making or migrating it as needed.

    Raises:
        StoreError: it can't be read or written, or comes from a newer version.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        engine = create_engine(f"sqlite:///{folder / 'assay.sqlite'}")
        event.listen(engine, "connect", _configure)
        migrate(engine)
    except (OSError, SQLAlchemyError) as error:
        raise StoreError(f"{folder}: workspace can't be opened: {_short(error)}") from error
    return Store(engine, Blobs(folder / "blobs"))


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=30000")
    connection.execute("PRAGMA foreign_keys=ON")


class Store:
    """Every method is one transaction: done whole or not at all."""

    def __init__(self, engine: Engine, blobs: Blobs) -> None:
        self._engine = engine
        self._blobs = blobs

    def load(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """Encoded outcomes by key, of those keys that are known."""
        unpack = zstandard.ZstdDecompressor().decompress
        found: dict[str, bytes] = {}
        with self._engine.connect() as connection:
            for some in _portions(keys):
                query = select(OUTCOMES.c.key, OUTCOMES.c.value).where(OUTCOMES.c.key.in_(some))
                found |= {key: unpack(value) for key, value in connection.execute(query)}
        return found

    def save(self, outcomes: Sequence[tuple[str, bytes]]) -> None:
        """Remember outcomes; one that is known stays as it is."""
        pack = zstandard.ZstdCompressor(level=1).compress
        rows = [{"key": key, "value": pack(value)} for key, value in outcomes]
        self._insert(OUTCOMES, rows)

    def load_tree(self, key: str) -> bytes | None:
        """The encoded tree of an image that was unpacked before."""
        with self._engine.connect() as connection:
            name = connection.scalar(select(TREES.c.document).where(TREES.c.key == key))
        return self._blobs.get(name) if name else None

    def save_tree(self, key: str, tree: bytes) -> None:
        """Remember the tree of an image."""
        self._insert(TREES, [{"key": key, "document": self._blobs.put(tree)}])

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
        with self._engine.begin() as connection:
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
        with self._engine.connect() as connection:
            return tuple(
                StoredEvaluation.model_validate(dict(row._mapping))
                for row in connection.execute(query)
            )

    def seals(self, evaluation: str) -> tuple[Seal, ...]:
        """The secrets of one evaluation."""
        query = select(SEALS).where(SEALS.c.evaluation == evaluation)
        with self._engine.connect() as connection:
            return tuple(
                Seal(seal=row.seal, what=row.what, path=row.path)
                for row in connection.execute(query.order_by(SEALS.c.path, SEALS.c.seal))
            )

    def sealed_elsewhere(
        self, seals: Sequence[Seal], evaluation: str
    ) -> tuple[SealedElsewhere, ...]:
        """Which of these secrets stand in other evaluations too."""
        here = {seal.seal: seal for seal in seals}
        found: list[SealedElsewhere] = []
        with self._engine.connect() as connection:
            for some in _portions(sorted(here)):
                query = (
                    select(SEALS, EVALUATIONS)
                    .join(EVALUATIONS, EVALUATIONS.c.id == SEALS.c.evaluation)
                    .where(SEALS.c.seal.in_(some), SEALS.c.evaluation != evaluation)
                )
                found += [
                    SealedElsewhere(
                        path=here[row.seal].path,
                        what=row.what,
                        vendor=row.vendor,
                        product=row.product,
                        release=row.release,
                        other_path=row.path,
                    )
                    for row in connection.execute(query)
                ]
        return tuple(sorted(set(found), key=lambda one: tuple(one.model_dump().values())))

    def _insert(self, table: Any, rows: list[dict[str, Any]]) -> None:
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(table).on_conflict_do_nothing(), rows)


def _portions(keys: Sequence[str]) -> Iterator[list[str]]:
    remaining = iter(keys)
    while some := list(islice(remaining, _KEYS_AT_ONCE)):
        yield some


def _short(error: Exception) -> str:
    return str(error).split("\n", 1)[0]
