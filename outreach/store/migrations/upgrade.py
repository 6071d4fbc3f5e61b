"""Runs the migrations that a store lacks."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from models.errors import SchemaTooNew

FOLDER = Path(__file__).parent


def config() -> Config:
    """Alembic's configuration for the migrations of this package; needs no file of its own."""
    found = Config()
    found.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return found


def upgrade(tx: sa.Connection, to: str = "head") -> str | None:
    """Runs what is missing in the transaction of `tx`; gives the schema that was there before.

    Raises `SchemaTooNew` for a step that this version does not know.
    """
    found = config()
    known = {step.revision for step in ScriptDirectory.from_config(found).walk_revisions()}
    before = MigrationContext.configure(tx).get_current_revision()
    if before is not None and before not in known:
        raise SchemaTooNew(
            f"The outreach store was written by a newer Warmline (schema {before}): install that "
            "version. Nothing was changed."
        )
    found.attributes["connection"] = tx
    command.upgrade(found, to)
    return before
