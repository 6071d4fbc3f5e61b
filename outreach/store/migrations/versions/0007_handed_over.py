"""Work items that somebody gave another owner."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("work_items", sa.Column("handed_over_at", sa.DateTime(timezone=True)))
