"""The candidates in the order of the list."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from outreach.assign import ties
from outreach.candidates import effect_of
from outreach.decide import Policy
from outreach.evidence import Evidence
from outreach.ranking import order, worth

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

OWED, FREE = 1, 2  # after referrals: what is never withheld, then what chance may leave out
ON_THE_LIST = ("open", "in_progress", "waiting")


def ordered(evidence: Evidence, policy: Policy, *, key: bytes, as_of: date) -> pa.Table:
    """The rows of `evidence` from the top of the list, with `saved` (what a contact is expected to
    save, null until an effect is learned), `worth` and `tie` beside them."""
    import pyarrow as pa

    rows, plays = evidence.rows, policy.playbooks.plays
    saved = _saved(rows, policy)
    drawn = np.array(ties(key, as_of, rows["customer_id"].to_pylist()), np.int64)
    ranks = np.array([0 if p.refers else FREE if p.randomised else OWED for p in plays], np.int64)
    rank = ranks[rows["play"].to_numpy()] if rows.num_rows else np.empty(0, np.int64)
    rows = rows.append_column("saved", saved)
    rows = rows.append_column("worth", worth(rows, saved))
    rows = rows.append_column("tie", pa.array(drawn))
    return rows.take(order(rows, rank, _stale(evidence, rank, policy), drawn))


def _saved(rows: pa.Table, policy: Policy) -> pa.Array:
    """What a contact is expected to save: by how much it lowers the risk times the stake."""
    import pyarrow as pa

    if rows["effects"].null_count == rows.num_rows:
        return pa.nulls(rows.num_rows, pa.float64())
    names = [play.name for play in policy.playbooks.plays]
    columns = (
        rows[name].to_pylist() for name in ("play", "effects", "value_at_risk", "churn_probability")
    )
    found = []
    for play, effects, risk, probability in zip(*columns, strict=True):
        effect = effect_of(effects, names[play])
        known = effect is not None and risk is not None and probability
        found.append(-effect.effect * risk / probability if known and effect else None)
    return pa.array(found, pa.float64())


def _stale(evidence: Evidence, rank: NDArray[np.int64], policy: Policy) -> NDArray[np.bool_]:
    """Who is on the list already, with nothing new since; referrals never sink."""
    stale = np.zeros(len(rank), np.bool_)
    if not evidence.shown:
        return stale
    rows, plays = evidence.rows, policy.playbooks.plays
    columns = (rows[name].to_pylist() for name in ("customer_id", "play", "evidence_at"))
    for row, (who, play, at) in enumerate(zip(*columns, strict=True)):
        shown = evidence.shown.get((who, plays[play].name))
        if shown is not None and shown.state in ON_THE_LIST and rank[row]:
            seen = shown.evidence_at or shown.since
            stale[row] = at is None or at <= seen
    return stale
