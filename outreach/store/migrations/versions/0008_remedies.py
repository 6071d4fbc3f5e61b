"""What would lower a customer's risk stands with the work item."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("work_items", sa.Column("remedies", sa.JSON()))
