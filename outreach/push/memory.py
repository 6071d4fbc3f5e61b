"""What the CRM was told of each customer, and what it said: the table `crm_records`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from outreach.channels import Refused, Sent
from outreach.channels.crm import Fates
from outreach.store.audit import replace_rows
from outreach.store.database import Store
from outreach.store.tables import crm_records

if TYPE_CHECKING:
    import pyarrow as pa

_READ_AT_ONCE = 50_000
_row = crm_records.c


@dataclass(frozen=True)
class Known:
    """What the CRM has been told, one place a customer: the digest (0: nobody knows) and the
    night (0: never) as a day number."""

    customer_ids: pa.Array
    digests: NDArray[np.int64]
    nights: NDArray[np.int64]

    @classmethod
    def of(cls, store: Store) -> Known:
        """Everybody but whom `forget` took out."""
        import pyarrow as pa

        query = sa.select(_row.customer_id, _row.digest, _row.night).where(_row.erased.is_(False))
        parts: list[tuple[pa.Array, NDArray[np.int64], NDArray[np.int64]]] = []
        with store.read() as tx:
            found = tx.execution_options(stream_results=True).execute(query)
            for some in found.partitions(_READ_AT_ONCE):
                names, told, nights = zip(*some, strict=True)
                parts.append((pa.array(names, pa.string()), _numbers(told), _numbers(nights)))
        if not parts:
            return cls(pa.array([], pa.string()), _numbers(()), _numbers(()))
        names, told, nights = zip(*parts, strict=True)
        return cls(pa.concat_arrays(names), np.concatenate(told), np.concatenate(nights))


def answered(store: Store, told: Mapping[str, int], fates: Fates, night: int) -> None:
    """What the CRM said to what it was told (a digest by customer); who is to come later stays
    as it was."""
    rows = [_answered(key, told[key], fate, night) for key, fate in fates.items() if key in told]
    with store.begin() as tx:
        replace_rows(tx, crm_records, [row for row in rows if row])


def cleared(store: Store, fates: Fates, night: int) -> None:
    """Whose fields are empty now is forgotten."""
    gone = [key for key, fate in fates.items() if isinstance(fate, Sent)]
    with store.begin() as tx:
        tx.execute(crm_records.delete().where(_row.customer_id.in_(gone)))
        for key, fate in fates.items():
            if isinstance(fate, Refused):
                theirs = crm_records.update().where(_row.customer_id == key)
                tx.execute(theirs.values(refused=fate.why, night=night))


def erased(store: Store) -> list[str]:
    """Whom `forget` took out, and the CRM does not know it yet."""
    with store.read() as tx:
        return list(tx.scalars(sa.select(_row.customer_id).where(_row.erased)))


def try_again(store: Store) -> int:
    """Those who were refused are due again; how many."""
    refused = crm_records.update().where(_row.refused.is_not(None))
    with store.begin() as tx:
        return int(tx.execute(refused.values(digest=None)).rowcount)


def refused(store: Store, most: int) -> list[dict[str, Any]]:
    """Whom the CRM did not take and why: customer_id, why."""
    query = sa.select(_row.customer_id, _row.refused.label("why"))
    theirs = query.where(_row.refused.is_not(None)).order_by(_row.customer_id).limit(most)
    with store.read() as tx:
        return [dict(each._mapping) for each in tx.execute(theirs)]


def count(store: Store) -> dict[str, int]:
    """How many the CRM knows, and how many it refused."""
    query = sa.select(sa.func.count(), sa.func.count(_row.refused)).select_from(crm_records)
    with store.read() as tx:
        known, not_taken = tx.execute(query).one()
    return {"known": known, "refused": not_taken}


def begin(store: Store, job: str, told: Mapping[str, int]) -> None:
    """A job of the CRM is about to write those."""
    with store.begin() as tx:
        rows = [{"customer_id": key, "sent": digest, "job": job} for key, digest in told.items()]
        replace_rows(tx, crm_records, rows)


def jobs(store: Store) -> list[str]:
    """Jobs of which nobody knows the end."""
    with store.read() as tx:
        return list(tx.scalars(sa.select(_row.job).where(_row.job.is_not(None)).distinct()))


def ended(store: Store, job: str, fates: Fates | None, night: int) -> int:
    """What became of a job (None: it never ran); how many records it had."""
    with store.begin() as tx:
        query = sa.select(_row.customer_id, _row.sent).where(_row.job == job)
        sent = {row.customer_id: row.sent for row in tx.execute(query)}
        rows = [_answered(key, sent[key], fate, night)
                for key, fate in (fates or {}).items() if key in sent]  # fmt: skip
        replace_rows(tx, crm_records, [row for row in rows if row])
        tx.execute(crm_records.update().where(_row.job == job).values(job=None, sent=None))
    return len(sent)


def _answered(key: str, digest: int, fate: object, night: int) -> dict[str, Any] | None:
    if not isinstance(fate, Sent | Refused):
        return None
    why = fate.why if isinstance(fate, Refused) else None
    return {"customer_id": key, "digest": digest, "night": night, "refused": why}


def _numbers(values: Sequence[int | None]) -> NDArray[np.int64]:
    return np.array([value or 0 for value in values], dtype=np.int64)
