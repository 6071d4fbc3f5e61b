"""Which person of an account is written to, and who of it has gone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

PERSON_LEFT_DAYS = 90  # so long it is told that one of the account's persons has gone


def persons(
    contacts: pd.DataFrame, night: datetime, people: pa.Table
) -> tuple[dict[str, str], dict[str, str]]:
    """Who of each account is written to (the first who has not left), and who has left lately."""
    import pandas as pd

    if not len(contacts):
        return {}, {}
    known = set(people["customer_id"].to_pylist())
    contacts = contacts[contacts["customer_id"].isin(known)].sort_values("contact_id")
    left = contacts["left_at"].notna() & (contacts["left_at"] <= pd.Timestamp(night))
    here = contacts[~left].drop_duplicates("customer_id")
    lately = contacts[left & (contacts["left_at"] > night - timedelta(days=PERSON_LEFT_DAYS))]
    newest = lately.sort_values("left_at").drop_duplicates("customer_id", keep="last")
    roles = [
        role if isinstance(role, str) and role else "a person of theirs" for role in newest["role"]
    ]
    days = [f"{at.day} {at:%B %Y}" for at in newest["left_at"]]
    gone = {
        customer: f"{role} left on {day}"
        for customer, role, day in zip(newest["customer_id"], roles, days, strict=True)
    }
    return dict(zip(here["customer_id"], here["contact_id"], strict=True)), gone
