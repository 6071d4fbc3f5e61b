"""Of whom columns alone tell that no gate holds: on a large night almost everybody.

Each gate has a screen here, true wherever the gate might hold. Whom no screen catches needs no
look gate by gate; whom one catches gets it, and is held only where the gate itself says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from outreach.decide import Policy
from outreach.evidence import Evidence

if TYPE_CHECKING:
    import pyarrow as pa

Bools = NDArray[np.bool_]
Screen = Callable[[Evidence, Policy], Bools]


def unheld(evidence: Evidence, policy: Policy) -> Bools:
    """Which of `evidence.rows` no gate can hold, as far as columns tell; none whose playbook refers
    or goes out by itself, which takes no place."""
    apart = [play.refers or play.mode == "auto" for play in policy.playbooks.plays]
    caught = np.array(apart, np.bool_)[evidence.rows["play"].to_numpy()]
    for screen in dict.fromkeys(SCREENS.values()):  # some serve several gates
        caught = caught | screen(evidence, policy)
    none: Bools = ~caught
    return none


def _closed(evidence: Evidence, policy: Policy) -> Bools:
    return _are(evidence, evidence.permission.closed)


def _lacks_consent(evidence: Evidence, policy: Policy) -> Bools:
    return np.full(evidence.rows.num_rows, policy.needs_consent)


def _objects(evidence: Evidence, policy: Policy) -> Bools:
    import pyarrow.compute as pc

    return _bools(pc.fill_null(evidence.rows["objects_to_profiling"], True))


def _in_case(evidence: Evidence, policy: Policy) -> Bools:
    return _known(evidence, "case_open_since")


def _contacted(evidence: Evidence, policy: Policy) -> Bools:
    return _known(evidence, "last_at") | _are(evidence, evidence.sent_here)


def _answered(evidence: Evidence, policy: Policy) -> Bools:
    return _known(evidence, "answered_at")


def _overridden(evidence: Evidence, policy: Policy) -> Bools:
    return _are(evidence, evidence.overrides)


def _shown(evidence: Evidence, policy: Policy) -> Bools:
    return _are(evidence, {customer for customer, _ in evidence.shown})


def _harmed(evidence: Evidence, policy: Policy) -> Bools:
    return _told(evidence, "effects") | _told(evidence, "reasons")


def _worthless(evidence: Evidence, policy: Policy) -> Bools:
    return _told(evidence, "effects")


# By the gate's name. A gate without a screen fails a test.
SCREENS: dict[str, Screen] = {
    "erased": _closed,
    "objection": _objects,
    "suppressed": _closed,
    "opted_out": _closed,
    "no_consent": _lacks_consent,
    "open_case": _in_case,
    "too_often": _contacted,
    "answered": _answered,
    "known_better": _overridden,
    "nothing_new": _shown,
    "harm": _harmed,
    "low_value": _worthless,
}


def _known(evidence: Evidence, column: str) -> Bools:
    import pyarrow.compute as pc

    return _bools(pc.is_valid(evidence.rows[column]))


def _told(evidence: Evidence, column: str) -> Bools:
    """Where a list holds anything."""
    import pyarrow.compute as pc

    many = pc.list_value_length(evidence.rows[column])
    return _bools(pc.fill_null(pc.greater(many, 0), False))


def _are(evidence: Evidence, customers: Iterable[str]) -> Bools:
    import pyarrow as pa
    import pyarrow.compute as pc

    some = pa.array(list(customers), pa.string())
    return _bools(pc.is_in(evidence.rows["customer_id"], value_set=some))


def _bools(column: pa.ChunkedArray) -> Bools:
    found: Bools = np.asarray(column.to_numpy(), np.bool_)
    return found
