"""Drafts that a language model rewrote, and their words before."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("messages", sa.Column("rewritten_by", sa.Text))
    op.add_column("messages", sa.Column("drafted_text", sa.Text))
