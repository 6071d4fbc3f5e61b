"""The store as a plan reads it (outreach/ledger.py)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from outreach.ledger import shape
from outreach.store import tables
from outreach.store.booked import REACHED
from outreach.store.database import Store

if TYPE_CHECKING:
    import pyarrow as pa


def waiting(store: Store) -> set[str]:
    """Customers for whom a message has not gone yet."""
    row = tables.messages.c
    query = sa.select(row.customer_id).where(row.state.in_(tables.UNSENT)).distinct()
    with store.read() as tx:
        return set(tx.scalars(query))


@dataclass(frozen=True)
class StoreLedger:
    """What outreach did and was told, read from its store."""

    store: Store

    def contacts(self, since: datetime, until: datetime) -> pa.Table:
        """What was sent, or may have been, and what other tools booked; what was redirected reached
        nobody."""
        row, claim = tables.messages.c, tables.claims.c
        at = sa.type_coerce(sa.func.coalesce(row.sent_at, row.updated_at), tables.Instant)
        sent = self._rows(
            sa.select(row.customer_id, row.unit, row.contact_point, row.channel, row.purpose,
                      row.transactional, at.label("at"))
            .where(row.state.in_(REACHED), row.redirected.is_(False), at >= since, at < until)
            .order_by(at, row.id)
        )  # fmt: skip
        booked = self._rows(
            sa.select(claim.customer_id, claim.unit, claim.contact_point, claim.channel,
                      claim.purpose, claim.transactional, claim.at)
            .where(claim.released_at.is_(None), claim.at >= since, claim.at < until)
            .order_by(claim.at, claim.tool, claim.key)
        )  # fmt: skip
        return self._arrow("contacts", [*sent, *booked])

    def answers(self, since: datetime, until: datetime) -> pa.Table:
        """What customers answered."""
        row = tables.answers.c
        query = sa.select(row.customer_id, row.at).where(row.at >= since, row.at < until)
        return self._table("answers", query.order_by(row.at, row.id))

    def suppressions(self, now: datetime) -> pa.Table:
        """What is closed at `now`."""
        row = tables.suppressions.c
        return self._table(
            "suppressions",
            sa.select(row.contact_point, row.channel, row.reason, row.at)
            .where(row.at <= now, sa.or_(row.lifted_at.is_(None), row.lifted_at > now))
            .order_by(row.at, row.id),
        )

    def consents(self, now: datetime) -> pa.Table:
        """The newest state of each scope."""
        row = tables.consents.c
        columns = (row.customer_id, row.contact_point, row.channel, row.purpose)
        query = sa.select(*columns, row.state, row.at).where(row.at <= now)
        newest = {tuple(found[:4]): found for found in self._rows(query.order_by(row.at, row.id))}
        return self._arrow("consents", newest.values())

    def overrides(self, now: datetime) -> pa.Table:
        """Those that still stand."""
        row = tables.overrides.c
        return self._table(
            "overrides",
            sa.select(row.customer_id, row.playbook, row.until, row.by, row.why)
            .where(row.at <= now, row.until > now)
            .order_by(row.at, row.id),
        )

    def offers(self, since: date, until: date) -> pa.Table:
        """To how many customers each playbook was decided to go."""
        row = tables.decisions.c
        query = sa.select(row.playbook, sa.func.count(row.customer_id.distinct()))
        mine = query.where(row.decision == "contact", row.as_of >= since, row.as_of < until)
        return self._table("offers", mine.group_by(row.playbook).order_by(row.playbook))

    def items(self, now: datetime) -> pa.Table:
        """The newest item of each customer and reason."""
        row = tables.work_items.c
        newest = sa.select(sa.func.max(row.id)).where(row.created_at <= now)
        newest = newest.group_by(row.customer_id, row.reason_key)
        return self._table(
            "items",
            sa.select(row.customer_id, row.playbook, row.reason_key, row.state, row.closed_as,
                      row.evidence_at, row.since, row.owner_id)
            .where(row.id.in_(newest))
            .order_by(row.id),
        )  # fmt: skip

    def assignments(self, period: str) -> pa.Table:
        """Who was drawn into which arm in that period: unit, arm, propensity, stratum."""
        import pyarrow as pa

        row = tables.assignments.c
        query = sa.select(row.unit, row.arm, row.propensity, row.stratum)
        found = self._rows(query.where(row.period == period).order_by(row.unit))
        text = pa.string()
        types = {"unit": text, "arm": text, "propensity": pa.float64(), "stratum": text}
        return _columns(pa.schema(list(types.items())), found)

    def _rows(self, query: sa.Select[Any]) -> Sequence[Any]:
        with self.store.read() as tx:
            return tx.execute(query).all()

    def _table(self, name: str, query: sa.Select[Any]) -> pa.Table:
        return self._arrow(name, self._rows(query))

    def _arrow(self, name: str, rows: Iterable[Any]) -> pa.Table:
        return _columns(shape(name), list(rows))


def _columns(schema: pa.Schema, rows: Sequence[Any]) -> pa.Table:
    import pyarrow as pa

    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(list(c), field.type) for c, field in zip(columns, schema, strict=True)]
    return pa.table(arrays, schema=schema)
