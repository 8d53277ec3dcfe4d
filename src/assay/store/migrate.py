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
    current = _current(engine)
    if current == HEAD:
        return
    if current is not None and current > HEAD:
        raise StoreError(
            f"the workspace has schema {current}, this version of Assay knows {HEAD}",
            hint="use the newer version of Assay that wrote it",
        )
    # Imported here: Alembic costs a third of a second, and is needed once in a database's life.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _current(engine: Engine) -> str | None:
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if version is None else str(version)
