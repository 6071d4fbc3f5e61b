"""The order of the list, and what of a ScoreBatch it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.batch import ScoreBatch
from models.contracts import BANDS

if TYPE_CHECKING:
    import pyarrow as pa

# Read of everybody, to see which playbooks fire ...
FIRST = ("customer_id", "band", "silent", "fading")
# ... and of those for whom one does; the rest stays on disk.
COLUMNS = (
    "customer_id", "horizon_days", "churn_probability", "band", "value_at_risk", "silent", "fading",
    "reasons", "what_changed", "effects", "model_version", "expires_at",
)  # fmt: skip
LOWEST = BANDS[0]
# Until a playbook's effect is learned, a contact is ranked as if it kept this share of those who
# would leave; it never shows as an expected value.
ASSUMED_SHARE = 0.1


def scores_of(batch: ScoreBatch, customers: pa.Array) -> pa.Table:
    """`COLUMNS` of each of `customers`, in their order.

    Someone without a score has a row too: the lowest band, everything else null.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    found = batch.table(COLUMNS, where=pc.field("customer_id").isin(customers))
    rows = found.take(pc.index_in(customers, value_set=found["customer_id"]))
    rows = rows.set_column(0, "customer_id", pa.chunked_array([customers]))
    place = rows.schema.get_field_index("band")
    return rows.set_column(place, "band", pc.fill_null(rows["band"], LOWEST))


def order(
    rows: pa.Table, rank: NDArray[np.int64], stale: NDArray[np.bool_], ties: NDArray[np.int64]
) -> pa.Array:
    """Positions of `rows` from the top of the list.

    By `rank` (what is owed before what is not); what was on the list before and has not changed
    sinks; then by what a contact is expected to save, `worth`; then by probability; what is still
    equal by lot. Whose worth is unknown comes after all with one.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    keyed = pa.table(
        {
            "rank": rank,
            "stale": stale.astype(np.int8),
            "worth": rows["worth"],
            "churn_probability": rows["churn_probability"],
            "tie": ties,
        }
    )
    return pc.sort_indices(
        keyed,
        sort_keys=[
            ("rank", "ascending"),
            ("stale", "ascending"),
            ("worth", "descending"),
            ("churn_probability", "descending"),
            ("tie", "ascending"),
        ],  # nulls stand at the end by default
    )


def worth(rows: pa.Table, saved: pa.Array) -> pa.ChunkedArray:
    """By which customers are ranked: what a contact is expected to save, in the home's currency."""
    import pyarrow.compute as pc

    at_risk = pc.if_else(pc.is_nan(rows["value_at_risk"]), None, rows["value_at_risk"])
    return pc.coalesce(saved, pc.multiply(at_risk, ASSUMED_SHARE))


def raising(reasons: list[dict[str, str]] | None) -> list[str]:
    """The words of those reasons that raise the risk; an empty list for none."""
    return [reason["words"] for reason in reasons or () if reason["direction"] == "raises"]


def only_silence(reasons: list[dict[str, str]] | None) -> bool:
    """Whether silence (S2) is all that raises the risk; False where no reason is known."""
    systems = {reason["system"] for reason in reasons or () if reason["direction"] == "raises"}
    return systems == {"S2"}
