"""Alembic's environment: runs on the connection, and in the transaction, that `broker.stores.sql.migrate` opened."""

from alembic import context

from broker.stores.sql.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
