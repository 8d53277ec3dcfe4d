"""Alembic's entry: runs migrations on the connection that it is handed."""

from alembic import context

from assay.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
