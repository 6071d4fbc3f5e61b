"""Work items of which something came back, and nobody has acted on it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("work_items", sa.Column("came_back_at", sa.DateTime(timezone=True)))
    came_back = sa.text("came_back_at IS NOT NULL")
    op.create_index(
        "items_that_came_back", "work_items", ["came_back_at"],
        sqlite_where=came_back, postgresql_where=came_back,
    )  # fmt: skip
