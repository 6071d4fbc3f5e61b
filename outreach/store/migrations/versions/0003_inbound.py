"""What comes in: answers, bounces, complaints, unsubscribes, and how far each mailbox was read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "received",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", AT, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("became", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("why", "message_id", "customer_id")),
        sa.Column("for_a_person", sa.Boolean, nullable=False),
        sa.Column("seen_at", AT),
        sa.Column("mailbox", sa.Text),
        sa.Column("validity", NUMBER),
        sa.Column("uid", NUMBER),
        sa.Column("to_file", sa.Boolean, nullable=False),
    )
    unseen = sa.text("for_a_person AND seen_at IS NULL")
    op.create_index(
        "received_for_a_person", "received", ["at"], sqlite_where=unseen, postgresql_where=unseen
    )
    op.create_index("received_to_file", "received", ["mailbox", "to_file"])
    op.create_index("received_of_message", "received", ["message_id"])
    op.create_table(
        "mailboxes",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("validity", NUMBER, nullable=False),
        sa.Column("uid", NUMBER, nullable=False),
        sa.Column("read_at", AT, nullable=False),
    )
