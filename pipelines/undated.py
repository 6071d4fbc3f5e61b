"""What is left out of features as nothing says since when it was so, and what is dated after it was
told: for the report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from models.words import listed
from pipelines import snapshots
from pipelines.history.terms import NEVER
from pipelines.history.totals import CLOCKS_APART

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.history.store import History
    from pipelines.history.terms import Terms

# Never features from the customer's row: they are today's, whenever the row was recorded.
ROW_COLUMNS = (
    "value_per_month", "segment", "region", "locale", "timezone", "owner_id", "preferred_channel",
)  # fmt: skip


def dated_ahead(history: History, names: Sequence[str]) -> tuple[str, ...]:
    """Of the declared attributes `names`: values dated after they were recorded, by name."""
    frame = history.table("attributes") if names else None
    if frame is None or "recorded_at" not in frame:
        return ()
    ahead = (frame["valid_from"] - frame["recorded_at"]).dt.total_seconds() > CLOCKS_APART
    found = frame.loc[ahead & frame["name"].isin(list(names)), "name"].value_counts(sort=False)
    if found.empty:
        return ()
    told = listed([f"{many:,} of `{name}`" for name, many in sorted(found.items())])
    return (
        f"Dated after they were recorded: {told} in `attributes`. They count from their own date "
        "on, and never before.",
    )


def left_out(history: History, first: date, zone: ZoneInfo) -> tuple[str, ...]:
    """One line for each table: what of it the nights from `first` on could not use, and why."""
    lines = []
    terms = history.terms()
    if terms is not None:
        lines += _of_terms(terms, snapshots.midnight(first, zone), zone)
    return (*lines, *_of_customers(history.customers()))


def _of_terms(terms: Terms, first: int, zone: ZoneInfo) -> list[str]:
    """Terms of one version without a date that came in after the first night."""
    _, term, versions = np.unique(terms.term, return_inverse=True, return_counts=True)
    alone = (versions[term] == 1) & ~terms.dated & (terms.until == NEVER) & (terms.seen > first)
    known = {
        "planned ends": terms.ends_at < NEVER,
        "prices": ~np.isnan(terms.value),
        "products": terms.product >= 0,
    }
    named = [words for words, given in known.items() if (given & alone).any()]
    if not named:
        return []
    many, all_terms = int(alone.sum()), len(versions)
    since = snapshots.local_date(int(terms.seen[alone].min()), zone)
    return [
        f"Left out on nights before {since}: {listed(named)} of `terms`. They are known only as "
        f"of the day they came in ({many:,} of {all_terms:,} terms have one version without "
        "`recorded_at`)."
    ]


def _of_customers(frame: pd.DataFrame) -> list[str]:
    given = [f"`{name}`" for name in ROW_COLUMNS if frame[name].notna().any()]
    if not given:
        return []
    return [
        f"Left out: {listed(given)} of `customers`, which {'has' if len(given) == 1 else 'have'} "
        "no date. Numbers that have one go into `attributes`."
    ]
