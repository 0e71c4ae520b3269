"""Alembic's way in: runs the migrations on the connection, and in the transaction, that labelling.database opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
