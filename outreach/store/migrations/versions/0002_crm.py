"""What a CRM was told of scores and of work, and that a task may end there; what owners were
told in chat."""

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
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "crm_tasks",
        sa.Column("item_id", number, sa.ForeignKey("work_items.id"), primary_key=True),
        sa.Column("remote_id", sa.Text),
        sa.Column("digest", sa.BigInteger),
        sa.Column("status", sa.Text),
        sa.Column("refused", sa.Text),
        sa.Column("ended", sa.Boolean, nullable=False),
        sa.Column("erased", sa.Boolean, nullable=False),
    )
    to_do = sa.text("NOT ended")
    op.create_index(
        "crm_tasks_to_do", "crm_tasks", ["item_id"], sqlite_where=to_do, postgresql_where=to_do
    )
    op.create_table(
        "chat_told",
        sa.Column("owner_id", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )
    reasons = sa.table("close_reasons", sa.column("name"), sa.column("words"))
    known = op.get_bind().scalar(sa.select(reasons.c.name).where(reasons.c.name == "done"))
    if known is None:
        op.bulk_insert(reasons, [{"name": "done", "words": "what was to be done is done"}])
