"""The store keeps what it acknowledged, whoever else writes and whenever it is killed."""

import multiprocessing
import os
import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, inspect

from assay.model.errors import StoreError
from assay.store import Seal, Store, StoredEvaluation, open_store, scratch_folder, seal_key
from assay.store.blobs import Blobs
from assay.store.tables import METADATA


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "workspace")
    yield opened
    opened.close()


def an_evaluation(number: int = 1, **changes: Any) -> StoredEvaluation:
    values: dict[str, Any] = {
        "id": f"{number:012x}",
        "vendor": "Acme",
        "product": "AR-1000",
        "release": f"R{number}",
        "image_name": "router.bin",
        "image_sha256": f"{number:064x}",
        "evaluated_at": f"2026-11-24T10:00:{number:02d}+00:00",
        "tool_version": "1",
        "knowledge_version": "2026-11-24",
        "understood": 0.5,
        "findings": 3,
        "worst": "high",
        "document": f"{number:064x}",
    }
    return StoredEvaluation(**(values | changes))


def test_outcomes_come_back(store: Store) -> None:
    outcomes = [(f"key-{number}", b"value %d" % number) for number in range(1203)]
    store.save(outcomes)
    assert store.load([key for key, _ in outcomes]) == dict(outcomes)
    assert store.load(["key-7", "unknown"]) == {"key-7": b"value 7"}
    assert store.load([]) == {}


def test_a_known_outcome_stays(store: Store) -> None:
    store.save([("key", b"first")])
    store.save([("key", b"second"), ("other", b"third")])
    assert store.load(["key", "other"]) == {"key": b"first", "other": b"third"}


def test_evaluations_are_listed_newest_first_and_replaced_by_id(store: Store) -> None:
    for number in (1, 3, 2):
        store.save_evaluation(an_evaluation(number), [])
    store.save_evaluation(an_evaluation(1, findings=9), [])
    listed = store.evaluations()
    assert [one.release for one in listed] == ["R3", "R2", "R1"]
    assert listed[-1] == an_evaluation(1, findings=9)


def test_the_same_secret_elsewhere_is_told_with_both_places(store: Store) -> None:
    key = Seal(seal="a" * 64, what="RSA private key", path="etc/key.pem")
    twin = key.model_copy(update={"path": "etc/key.bak"})
    other = Seal(seal="b" * 64, what="RSA private key", path="etc/other.pem")
    store.save_evaluation(an_evaluation(1), [key, other])
    store.save_evaluation(an_evaluation(2, vendor="Bolt"), [key, twin])
    assert store.seals(an_evaluation(2).id) == (twin, key)
    found = store.sealed_elsewhere([key, twin], an_evaluation(2).id)
    assert [(one.path, one.vendor, one.release, one.other_path) for one in found] == [
        ("etc/key.bak", "Acme", "R1", "etc/key.pem"),
        ("etc/key.pem", "Acme", "R1", "etc/key.pem"),
    ]
    assert store.sealed_elsewhere([other], an_evaluation(1).id) == ()


def test_seals_of_a_replaced_evaluation_go(store: Store) -> None:
    seal = Seal(seal="a" * 64, what="RSA private key", path="etc/key.pem")
    store.save_evaluation(an_evaluation(1), [seal])
    store.save_evaluation(an_evaluation(1), [])
    assert store.seals(an_evaluation(1).id) == ()


def test_trees_are_replaced_and_damaged_ones_forgotten(store: Store, tmp_path: Path) -> None:
    store.remember("key", b"first")
    store.remember("key", b"second")
    assert store.recall("key") == b"second"
    assert store.recall("other") is None
    _blob(tmp_path / "workspace", b"second").write_bytes(b"damaged")
    assert store.recall("key") is None
    store.remember("key", b"second")
    assert store.recall("key") == b"second"


def _blob(workspace: Path, content: bytes) -> Path:
    name = sha256(content).hexdigest()
    return workspace / "blobs" / name[:2] / name


@given(st.binary(max_size=4000))
@settings(max_examples=40, deadline=None)
def test_blobs_come_back(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    blobs = Blobs(tmp_path_factory.mktemp("blobs"))
    name = blobs.put(content)
    assert name == sha256(content).hexdigest()
    assert blobs.put(content) == name
    assert blobs.get(name) == content


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _replace(path: Path) -> None:
    subprocess.run(["zstd", "-q", "-f", "-o", path], input=b"another document", check=True)


@pytest.mark.parametrize("damage", [_truncate, _flip, _replace, Path.unlink])
def test_a_damaged_blob_is_told_and_healed(
    store: Store, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    document = bytes(range(256)) * 9
    name = store.put_document(document)
    damage(_blob(tmp_path / "workspace", document))
    with pytest.raises(StoreError, match=name):
        store.get_document(name)
    store.put_document(document)
    assert store.get_document(name) == document


def test_a_damaged_outcome_is_unknown(store: Store, tmp_path: Path) -> None:
    store.save([("good", b"value"), ("bad", b"value")])
    with closing(sqlite3.connect(tmp_path / "workspace" / "assay.sqlite")) as database:
        database.execute("UPDATE outcomes SET value = x'00112233' WHERE key = 'bad'")
        database.commit()
    assert store.load(["good", "bad"]) == {"good": b"value"}


FORK = multiprocessing.get_context("fork")


def write_for_ever(workspace: Path, start: int, out: int) -> None:
    """Save numbered evaluations; a number is written to `out` when its evaluation is saved."""
    store = open_store(workspace)
    for number in count(start + 1):
        name = store.put_document(document_of(number))
        store.save([(f"{number}-{part}", b"x" * 100) for part in range(20)])
        store.save_evaluation(an_evaluation(number, document=name), seals_of(number))
        os.write(out, b"%d\n" % number)


class Writer:
    """A process of its own that writes, until it is killed."""

    def __init__(self, workspace: Path, start: int) -> None:
        told, tell = os.pipe()
        self._process = FORK.Process(target=write_for_ever, args=(workspace, start, tell))
        self._process.start()
        os.close(tell)
        self._told = os.fdopen(told, "rb")

    def next(self) -> int:
        return int(self._told.readline())

    def kill(self) -> list[int]:
        """End it as a power cut would; gives what it had yet acknowledged."""
        self._process.kill()
        self._process.join()
        with self._told:
            return [int(line) for line in self._told if line.endswith(b"\n")]


def document_of(number: int) -> bytes:
    return random.Random(number).randbytes(200_000)


def seals_of(number: int) -> list[Seal]:
    return [Seal(seal=f"{part:064x}", what=f"{number}", path=f"etc/{part}") for part in range(9)]


def test_a_writer_that_is_killed_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(7)
    acknowledged: set[int] = set()
    for attempt in range(20):
        writer = Writer(tmp_path, attempt * 1000)
        acknowledged.add(writer.next())  # it is at work from here on
        time.sleep(chance.random() * 0.05)
        acknowledged |= set(writer.kill())
    with closing(open_store(tmp_path)) as store:
        kept = {int(one.id, 16): one for one in store.evaluations()}
        assert acknowledged <= kept.keys()
        assert len(acknowledged) >= 20
        for number, one in kept.items():
            assert store.get_document(one.document) == document_of(number)
            assert set(store.seals(one.id)) == set(seals_of(number))
            assert len(store.load([f"{number}-{part}" for part in range(20)])) == 20


def test_two_open_an_empty_workspace_and_write_at_once(tmp_path: Path) -> None:
    starts = (0, 1000, 2000)
    writers = [Writer(tmp_path, start) for start in starts]
    for writer in writers:
        for _ in range(5):
            writer.next()
    for writer in writers:
        writer.kill()
    with closing(open_store(tmp_path)) as store:
        numbers = {int(one.id, 16) for one in store.evaluations()}
    assert {start + step for start in starts for step in range(1, 6)} <= numbers


@pytest.fixture
def migrated(tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    """A database made by the migrations, and one made of the tables as they are declared."""
    open_store(tmp_path / "migrated").close()
    engines = (
        create_engine(f"sqlite:///{tmp_path / 'migrated' / 'assay.sqlite'}"),
        create_engine(f"sqlite:///{tmp_path / 'declared.sqlite'}"),
    )
    METADATA.create_all(engines[1])
    yield engines
    for engine in engines:
        engine.dispose()


def test_migrations_give_the_declared_tables(migrated: tuple[Engine, Engine]) -> None:
    ours, declared = (_shape(engine) for engine in migrated)
    ours.pop("alembic_version")
    assert ours == declared
    assert set(declared) == {"evaluations", "outcomes", "remembered", "seals"}


def _shape(engine: Engine) -> dict[str, Any]:
    seen = inspect(engine)
    return {
        table: (
            [
                (column["name"], str(column["type"]), column["nullable"])
                for column in seen.get_columns(table)
            ],
            seen.get_pk_constraint(table)["constrained_columns"],
            sorted(
                (str(index["name"]), index["column_names"]) for index in seen.get_indexes(table)
            ),
        )
        for table in seen.get_table_names()
    }


def test_a_migration_that_fails_leaves_no_half_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.store.migrations.versions import v0001_first as first  # noqa: PLC0415

    def fail(*_: object, **__: object) -> None:
        raise OSError("power failed")

    with monkeypatch.context() as patched:
        patched.setattr("alembic.op.create_index", fail)
        with pytest.raises(OSError, match="power failed"):
            open_store(tmp_path)
    assert first.revision == "0001"
    with closing(sqlite3.connect(tmp_path / "assay.sqlite")) as database:
        assert not database.execute("SELECT name FROM sqlite_master").fetchall()
    open_store(tmp_path).close()


def test_a_newer_database_is_refused_in_words(tmp_path: Path) -> None:
    open_store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "assay.sqlite")) as database:
        database.execute("UPDATE alembic_version SET version_num = '9000'")
        database.commit()
    with pytest.raises(StoreError, match="schema 9000") as caught:
        open_store(tmp_path)
    assert "newer version" in caught.value.diagnostics()


def _a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("in the way")
    return tmp_path / "file"


def _below_a_file(tmp_path: Path) -> Path:
    return _a_file(tmp_path) / "workspace"


def _where_nobody_writes(_tmp_path: Path) -> Path:
    return Path("/proc/assay")


def _no_database(tmp_path: Path) -> Path:
    (tmp_path / "assay.sqlite").write_bytes(b"this is a letter, not a database" * 90)
    return tmp_path


def _a_folder_for_database(tmp_path: Path) -> Path:
    (tmp_path / "assay.sqlite").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "place",
    [_a_file, _below_a_file, _where_nobody_writes, _no_database, _a_folder_for_database],
)
def test_an_unusable_workspace_is_told_in_words(
    tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    folder = place(tmp_path)
    with pytest.raises(StoreError) as caught:
        open_store(folder)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind root")
def test_a_read_only_workspace_is_told_in_words(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="workspace"):
        open_store(tmp_path)
    tmp_path.chmod(0o700)


def test_a_locked_database_is_told_in_words(tmp_path: Path) -> None:
    with (
        closing(open_store(tmp_path, patience=0.1)) as store,
        closing(sqlite3.connect(tmp_path / "assay.sqlite")) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked") as caught:
            store.save([("key", b"value")])
        assert "another process" in caught.value.hint
        other.rollback()
        store.save([("key", b"value")])


def test_a_database_that_breaks_later_is_told_in_words(tmp_path: Path) -> None:
    with closing(open_store(tmp_path)) as store:
        with closing(sqlite3.connect(tmp_path / "assay.sqlite")) as database:
            database.execute("DROP TABLE evaluations")
        with pytest.raises(StoreError, match="evaluations"):
            store.evaluations()


def test_the_seal_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = seal_key(tmp_path)
    assert len(key) == 32
    assert seal_key(tmp_path) == key
    assert (tmp_path / "seal.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["seal.key"]
    assert seal_key(_made(tmp_path / "other")) != key


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_damaged_seal_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "seal.key").write_bytes(b"short")
    with pytest.raises(StoreError, match="seal key"):
        seal_key(tmp_path)


def test_scratch_space_goes_with_its_use_and_after_a_crash(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as mine:
        (mine / "file").touch()
        script = (
            "import os, sys; from pathlib import Path; from assay.store import scratch_folder\n"
            f"with scratch_folder(Path({str(tmp_path)!r})) as mine:\n"
            "    (mine / 'left').touch(); print(mine, flush=True); os.kill(os.getpid(), 9)\n"
        )
        run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
        left = Path(run.stdout.decode().strip())
        assert (left / "left").exists()
        assert (mine / "file").exists()
        with scratch_folder(tmp_path):
            assert not left.exists()
            assert (mine / "file").exists()
    assert not list((tmp_path / "scratch").iterdir())
