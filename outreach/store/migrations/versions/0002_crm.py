"""What a CRM was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "crm_records",
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("digest", sa.BigInteger),
        sa.Column("night", sa.Integer),
        sa.Column("refused", sa.Text),
        sa.Column("job", sa.Text),
        sa.Column("sent", sa.BigInteger),
        sa.Column("erased", sa.Boolean, nullable=False),
    )
    waiting = sa.text("job IS NOT NULL")
    op.create_index(
        "crm_jobs", "crm_records", ["job"], sqlite_where=waiting, postgresql_where=waiting
    )
