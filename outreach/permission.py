"""Which ways to each customer are closed, and which they agreed to: consents and suppressions.

A consent is said of a customer, of a person or of an address, and holds for whoever shares that
address, however it is spelled. Of each, the newest word counts, and only a later agreement to the
same lifts a refusal: what is `unknown` lifts nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from outreach.candidate import REFUSED, Closed
from outreach.ledger import Ledger
from outreach.points import WAYS, Points

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

NOTHING: frozenset[str] = frozenset()
OF_CUSTOMER = "customer:"
SAID = ["who", "channel", "purpose", "state", "at"]


@dataclass(frozen=True)
class Permission:
    """By customer: what is closed, and what was agreed to, each with the purpose (None: all)."""

    closed: dict[str, list[tuple[str | None, Closed]]] = field(default_factory=dict)
    granted: dict[str, list[tuple[str | None, str | None]]] = field(default_factory=dict)

    def closed_to(self, customer_id: str, purpose: str) -> tuple[Closed, ...]:
        """What bears on one purpose."""
        found = self.closed.get(customer_id)
        return tuple(c for p, c in found if p is None or p == purpose) if found else ()

    def agreed(self) -> Iterator[tuple[str, str | None, str | None]]:
        """Every agreement: customer, channel and purpose."""
        for customer, found in self.granted.items():
            for purpose, channel in dict.fromkeys(found):
                yield customer, channel, purpose

    def granted_to(self, customer_id: str, purpose: str) -> frozenset[str]:
        """Channels on which one purpose was agreed to."""
        found = self.granted.get(customer_id)
        if not found:
            return NOTHING
        return frozenset(way for p, way in found if way and (p is None or p == purpose))


def permissions(
    customers: pa.Array,
    persons: dict[str, str],
    history: pd.DataFrame,
    ledger: Ledger,
    points: Points,
    *,
    now: datetime,
) -> Permission:
    """Of `customers`, who are written to at the person that `persons` names, else at their own
    address; as of `now`, since a no counts at once. `history`: `CustomerBook.consents`."""
    said = _newest(_consents(history, ledger, points, now))
    whose = _keys(customers, persons, points, {who for who, *_ in said})
    found = Permission(defaultdict(list), defaultdict(list))
    for who, channel, purpose, state, at in said:
        for customer in whose.get(who, ()):
            if state == "refused":
                found.closed[customer].append((purpose, Closed(channel, REFUSED, at)))
            else:
                found.granted[customer].append((purpose, channel))
    for row in ledger.suppressions(now).to_pylist():
        for kind in WAYS:
            for customer in whose.get(f"{kind}:{row['contact_point']}", ()):
                ways = (row["channel"],) if row["channel"] else WAYS[kind]
                for way in ways:
                    closed = Closed(way, row["reason"], row["at"])
                    found.closed[customer].append((None, closed))
    return found


def asked_about(history: pd.DataFrame, ledger: Ledger, now: datetime) -> tuple[pa.Array, bool]:
    """Customers of whom a consent is known, whose addresses others may share; and whether the
    ledger knows of any contact point."""
    import pyarrow as pa
    import pyarrow.compute as pc

    given = ledger.consents(now)
    ids = pa.array(history["customer_id"].unique(), pa.string(), from_pandas=True)
    more = pc.unique(given["customer_id"].drop_null())
    hashed = ledger.suppressions(now).num_rows or len(given["contact_point"].drop_null())
    return pa.concat_arrays(
        [ids, *more.chunks] if isinstance(more, pa.ChunkedArray) else [ids, more]
    ), bool(hashed)


def _keys(
    customers: pa.Array, persons: dict[str, str], points: Points, said: set[str]
) -> dict[str, list[str]]:
    """Who a consent or suppression may be about: each name of a customer, and whose it is; of
    customers by their id, those alone of whom something was `said`."""
    import pyarrow as pa
    import pyarrow.compute as pc

    of_ids = [who.removeprefix(OF_CUSTOMER) for who in said if who.startswith(OF_CUSTOMER)]
    named = pa.array(of_ids, pa.string())
    known = named.filter(pc.is_in(named, value_set=customers)).to_pylist()
    found = {f"{OF_CUSTOMER}{customer}": [customer] for customer in known}
    for customer, person in persons.items():
        found[f"person:{person}"] = [customer]
    rows = points.table.filter(pc.is_in(points.table["customer_id"], value_set=customers))
    columns = (rows[name].to_pylist() for name in ("customer_id", "contact_id", "kind", "point"))
    for customer, person, kind, point in zip(*columns, strict=True):
        if person is None or persons.get(customer) == person:
            found.setdefault(f"{kind}:{point}", []).append(customer)
    return found


def _consents(history: pd.DataFrame, ledger: Ledger, points: Points, now: datetime) -> pd.DataFrame:
    """Every word, under each name that it holds for."""
    import pandas as pd

    given = ledger.consents(now).to_pandas()
    if not (len(history) or len(given)):
        return pd.DataFrame(columns=SAID)
    own = history["contact_id"].isna()
    named = ("person:" + history["contact_id"].astype(str)).where(
        ~own, OF_CUSTOMER + history["customer_id"].astype(str)
    )
    at_point = given["contact_point"].notna()
    of_ledger = OF_CUSTOMER + given["customer_id"].astype(str)
    hashed = [
        given[at_point].assign(who=f"{kind}:" + given["contact_point"][at_point].astype(str))
        for kind in WAYS
    ]
    parts = [
        history.assign(who=named),
        _at_addresses(history, points),
        given[given["customer_id"].notna()].assign(who=of_ledger),
        *hashed,
    ]
    parts = [part[SAID] for part in parts if len(part)]
    found: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return found


def _at_addresses(history: pd.DataFrame, points: Points) -> pd.DataFrame:
    """The words of the history under the addresses of those who said them."""
    known = points.table.to_pandas()
    history = history.assign(contact_id=history["contact_id"].fillna(""))
    known = known.assign(
        contact_id=known["contact_id"].fillna(""),
        who=known["kind"].astype(str) + ":" + known["point"].astype(str),
    )
    joined = history.merge(known, on=["customer_id", "contact_id"])
    # A refusal of e-mail says nothing of the phone number, and the other way round.
    fits = [
        not isinstance(channel, str) or channel in WAYS[kind]
        for channel, kind in zip(joined["channel"], joined["kind"], strict=True)
    ]
    fitting: pd.DataFrame = joined[fits] if len(joined) else joined
    return fitting


def _newest(said: pd.DataFrame) -> list[tuple[str, str | None, str | None, str, datetime]]:
    """The newest word of each name, channel and purpose; at one instant a refusal counts."""
    import pandas as pd

    if not len(said):
        return []
    said = said[said["state"].isin(["granted", "refused"])]
    said = said.assign(at=pd.to_datetime(said["at"], utc=True))
    texts = said[["channel", "purpose"]].astype(object)
    said = said.assign(**texts.where(texts.notna(), ""))  # one kind of nothing
    said = said.sort_values(["at", "state"], kind="stable")
    said = said.drop_duplicates(["who", "channel", "purpose"], keep="last")
    rows = [
        (who, channel or None, purpose or None, state, at.to_pydatetime())
        for who, channel, purpose, state, at in said[SAID].itertuples(index=False)
    ]
    return sorted(rows, key=lambda row: (row[4], row[0], row[1] or "", row[2] or ""))
