"""The order of the list, and what of a ScoreBatch it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.batch import ScoreBatch
from models.contracts import BANDS

if TYPE_CHECKING:
    import pyarrow as pa

# Read of the batch; the rest stays on disk.
COLUMNS = (
    "customer_id", "horizon_days", "churn_probability", "band", "value_at_risk", "silent",
    "reasons", "what_changed", "expires_at",
)  # fmt: skip
LOWEST = BANDS[0]


def at_risk(batch: ScoreBatch, min_band: str, always: pa.Array) -> pa.Table:
    """Scores of whoever is in `min_band` or above, and of everyone in `always`, `COLUMNS` each.

    Someone in `always` without a score has a row too: the lowest band, everything else null.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    bands = BANDS[BANDS.index(min_band) :]
    risky = pc.field("band").isin(list(bands))
    scored = batch.table(COLUMNS, where=risky | pc.field("customer_id").isin(always))
    known = pc.is_in(always, value_set=scored["customer_id"])
    unscored = always.filter(pc.invert(known))
    bare = pa.table({"customer_id": unscored, "band": pa.repeat(LOWEST, len(unscored))})
    return pa.concat_tables([scored, bare], promote_options="default")


def ranked(scores: pa.Table, first: pa.Array) -> pa.Table:
    """`scores` from the top: whoever is in `first`, then by value at risk, then by probability.

    A customer without a known value comes after all with one. Ties go by `customer_id`, so that
    the order of the input shows nowhere.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    ahead = pc.is_in(scores["customer_id"], value_set=first)
    keyed = scores.select(["value_at_risk", "churn_probability", "customer_id"])
    keyed = keyed.append_column("ahead", pc.cast(ahead, pa.int8()))
    order = pc.sort_indices(
        keyed,
        sort_keys=[
            ("ahead", "descending"),
            ("value_at_risk", "descending"),
            ("churn_probability", "descending"),
            ("customer_id", "ascending"),
        ],  # nulls stand at the end by default
    )
    return scores.take(order)


def raising(reasons: pa.ChunkedArray) -> list[list[str]]:
    """The words of those reasons that raise the risk, of each customer; an empty list for none."""
    return [
        [reason["words"] for reason in row or () if reason["direction"] == "raises"]
        for row in reasons.to_pylist()
    ]
