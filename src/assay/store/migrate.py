"""Brings a database to the tables that this version knows."""

from pathlib import Path

from sqlalchemy import Engine, inspect, text

from assay.model.errors import StoreError

HEAD = "0001"


def migrate(engine: Engine) -> None:
    """Run the missing migrations. A database that is up to date costs one query.

    Raises:
        StoreError: the database was written by a newer version of Assay.
    """
    if not _behind(engine):
        return
    # Imported here: Alembic costs a third of a second, and is needed once in a database's life.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    # The write lock from the start: of two that find an empty database, one waits for the other.
    locking = engine.execution_options(immediate=True)
    with locking.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _behind(engine: Engine) -> bool:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return True
        version = str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")
    if version > HEAD:
        raise StoreError(
            f"the workspace has schema {version}, this version of Assay knows {HEAD}",
            hint="use the newer version of Assay that wrote it",
        )
    return version != HEAD
