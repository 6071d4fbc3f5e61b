"""What Alembic runs: the missing steps, in the transaction that `upgrade` hands in."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
