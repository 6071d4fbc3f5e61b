"""Work items of which a plan finds no cause any more, or that it must not act on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from outreach.decide import Policy
from outreach.evidence import Evidence
from outreach.gates import REFUSALS

if TYPE_CHECKING:
    import pyarrow as pa


def passed(evidence: Evidence, policy: Policy, latest: pa.Table) -> Iterator[tuple[str, str]]:
    """Unfinished items whose playbook does not fire for the customer any more. What was referred
    to a person stays as long as its fact stands (`latest`), however old."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plays = policy.playbooks.plays
    whose = pa.array(sorted({customer for customer, _ in evidence.shown}), pa.string())
    rows = evidence.rows.select(["customer_id", "play", "also"])
    rows = rows.filter(pc.is_in(rows["customer_id"], value_set=whose))
    stands = {
        (customer, play.name)
        for customer, first, also in zip(*rows.to_pydict().values(), strict=True)
        for number, play in enumerate(plays)
        if number == first or also >> number & 1
    }
    facts = latest.filter(pc.is_in(latest["customer_id"], value_set=whose))
    for play in plays:
        if play.refers:
            owed = facts.filter(pc.is_valid(facts[f"{play.trigger.fact}_at"]))
            stands |= {(customer, play.name) for customer in owed["customer_id"].to_pylist()}
    for item, shown in evidence.shown.items():
        if shown.state != "closed" and item not in stands:
            yield item


def barred(evidence: Evidence, whole: pa.Table) -> Iterator[tuple[str, str]]:
    """Unfinished items about which the customer must not be contacted any more. `whole`: every
    decision, as `decided` gives it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    open_ones = {item for item, shown in evidence.shown.items() if shown.state != "closed"}
    whose = pa.array(sorted({customer for customer, _ in open_ones}), pa.string())
    rows = whole.select(["customer_id", "playbook", "held_by"])
    rows = rows.filter(pc.is_in(rows["customer_id"], value_set=whose))
    for customer, play, gates in zip(*rows.to_pydict().values(), strict=True):
        if (customer, play) in open_ones and not set(REFUSALS).isdisjoint(gates):
            yield customer, play
