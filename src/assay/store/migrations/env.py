"""Alembic's entry: runs migrations on the connection that it is handed."""

from alembic import context

from assay.store.tables import METADATA

# The connection is in a transaction already: all migrations are done, or none.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
