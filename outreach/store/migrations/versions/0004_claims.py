"""Contacts that other tools book, and how an item ends by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from outreach.store.migrations.claim_contact import FUNCTION

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_index("messages_of_unit", "messages", ["unit"])
    op.create_index("messages_of_point", "messages", ["contact_point"])
    op.create_table(
        "claims",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("tool", "key")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("customer_id", "unit")),
        sa.Column("contact_point", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("channel", "purpose")),
        sa.Column("transactional", sa.Boolean, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("released_at", AT),
    )
    op.create_index("claims_of_unit", "claims", ["unit"])
    op.create_index("claims_of_point", "claims", ["contact_point"])
    op.create_index("claims_of_customer", "claims", ["customer_id"])
    op.create_table(
        "told",
        sa.Column("id", NUMBER, primary_key=True, autoincrement=True),
        sa.Column("customer_id", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("channel", "purpose", "reason")),
    )
    op.create_index("told_of_customer", "told", ["customer_id"])
    op.create_table(
        "units",
        sa.Column("customer_id", sa.Text, primary_key=True),
        sa.Column("unit", sa.Text, nullable=False),
    )
    op.create_table(
        "rules",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
    )
    reasons = sa.table("close_reasons", sa.column("name"), sa.column("words"))
    known = op.get_bind().scalar(sa.select(reasons.c.name).where(reasons.c.name == "passed"))
    if known is None:
        op.bulk_insert(reasons, [{"name": "passed", "words": "what it was about has passed"}])
    if op.get_bind().dialect.name == "postgresql":
        op.execute(FUNCTION)
