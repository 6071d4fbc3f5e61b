"""One walk over the history: what outreach asks of one moment, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import CHANNELS, DAY, KIND_CODE, LATEST
from pipelines.history import cases, happened
from pipelines.history.events import NONE, Events
from pipelines.history.happened import case_keys, of_kinds
from pipelines.history.store import History

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

OPENS = ("case_opened", "case_reopened")
ENDS = ("case_solved", "case_closed")
# How far back unasked contacts are kept: caps look at 30 days.
CONTACT_DAYS = 31
# What is looked at of a row, besides whose it is, what, when, and since when it was known.
READ = ("channel", "topic", "case", "score", "score_kind", "until")
USE = KIND_CODE["usage"]  # most rows; tells none of what is asked here
BUCKETS_AT_ONCE = 2  # reading one while another is looked through
NO_TIME = np.iinfo(np.int64).min
_Rows = list[tuple[object, ...]]


@dataclass(frozen=True)
class Contacts:
    """n unasked contacts."""

    customer: NDArray[np.int32]
    at: NDArray[np.int64]
    channel: NDArray[np.int8]
    recorded: NDArray[np.bool_]  # an `outreach_sent`


@dataclass(frozen=True)
class Walk:
    """What one walk over the history found as of one moment."""

    open_cases: pd.DataFrame
    latest: pa.Table
    ids: pa.Array
    unasked: Sequence[Contacts]

    @classmethod
    def of(cls, history: History, before: int, known_by: int) -> Walk:
        """Of what had happened `before` and was known `known_by`, both in seconds."""
        import pyarrow as pa

        names = history.ids()
        joined = happened.joined(history.people(), before)

        def look(bucket: int) -> tuple[_Rows, pa.Table, Contacts]:
            events = history.versions(bucket, READ)
            told = (events.kind != USE) | (events.case != NONE)
            seen = (events.at < before) & (events.recorded <= known_by) & (known_by < events.until)
            events = events.take(np.flatnonzero(told & seen))
            found = happened.latest(events, before)
            found["renews_at"] = happened.renewals(history.terms_of(bucket), before, known_by)
            found["joined_at"] = _among(joined, history.members(bucket))
            cases = _open_cases(history, bucket, events, names)
            return cases, _latest(found, names), _unasked(events, before)

        with ThreadPoolExecutor(BUCKETS_AT_ONCE) as pool:
            looked = list(pool.map(look, range(history.buckets)))
        cases, tables, unasked = zip(*looked, strict=True)
        return cls(
            _frame(
                [row for rows in cases for row in rows],
                ("customer_id", "case_id", "opened_at", "last_at"),
            ),
            pa.concat_tables([_latest({}, names), *tables]),
            names,
            unasked,
        )

    def contacted(self, since: int) -> pa.Table:
        """Each unasked contact since then (at most `CONTACT_DAYS` back): customer_id, at, channel,
        recorded."""
        import pyarrow as pa

        codes = [some.customer[some.at >= since] for some in self.unasked]
        customer = np.concatenate([np.empty(0, np.int32), *codes])

        def column(name: str) -> NDArray[np.generic]:
            parts = [getattr(some, name)[some.at >= since] for some in self.unasked]
            return np.concatenate(parts) if parts else np.empty(0)

        channel = column("channel").astype(np.int64)
        named = pa.array(np.maximum(channel, 0), mask=channel == NONE)
        return pa.table(
            {
                "customer_id": self.ids.take(pa.array(customer)),
                "at": pa.array(column("at").astype(np.int64)).cast(pa.timestamp("s", tz="UTC")),
                "channel": pa.array(CHANNELS, pa.string()).take(named),
                "recorded": pa.array(column("recorded").astype(np.bool_)),
            }
        )


def unsubscribed(history: History, before: int, known_by: int) -> pd.DataFrame:
    """An unsubscription refuses its channel for every purpose, e-mail where none is named.

    customer_id, contact_id, channel, purpose, state, at: as consents are told."""
    names, rows = history.ids(), _Rows()
    for bucket in range(history.buckets):
        for events in history.pieces(bucket, ("channel", "until")):
            gone = of_kinds(events, "outreach_unsubscribed") & (events.at < before)
            rows += _unsubscribed(
                events.take(gone & (events.recorded <= known_by) & (known_by < events.until)), names
            )
    return _frame(rows, ("customer_id", "contact_id", "channel", "purpose", "state", "at"))


def _latest(found: dict[str, happened.Found], names: pa.Array) -> pa.Table:
    """One row a customer of whom anything was found."""
    import pyarrow as pa

    nobody = np.empty(0, np.int32)
    customers = np.unique(np.concatenate([nobody, *(who for who, _ in found.values())]))
    columns: dict[str, pa.Array] = {"customer_id": names.take(pa.array(customers, pa.int32()))}
    for name in LATEST:
        at = np.full(len(customers), NO_TIME)
        if name in found:
            who, when = found[name]
            at[np.searchsorted(customers, who)] = when
        whole = pa.array(at, pa.int64(), mask=at == NO_TIME)
        columns[name] = whole.cast(pa.timestamp("s", tz="UTC"))
    return pa.table(columns)


def _among(found: happened.Found, members: NDArray[np.int32]) -> happened.Found:
    which = np.isin(found[0], members, assume_unique=True)
    return found[0][which], found[1][which]


def _unasked(events: Events, before: int) -> Contacts:
    """Outreach, and words of ours that belong to no case, of the last days."""
    words = of_kinds(events, "message_out", "call_out") & (events.case == NONE)
    sent = events.kind == KIND_CODE["outreach_sent"]
    rows = events.take((words | sent) & (events.at >= before - CONTACT_DAYS * DAY))
    return Contacts(rows.customer, rows.at, rows.channel, rows.kind == KIND_CODE["outreach_sent"])


def _open_cases(history: History, bucket: int, events: Events, names: pa.Array) -> _Rows:
    import pyarrow as pa

    still, last = _still_open(events)
    words = cases.ids(history.folder, history.manifest.cases, still.customer, still.case)
    who = names.take(pa.array(still.customer)).to_pylist()
    return list(zip(who, words.tolist(), still.at.tolist(), last.tolist(), strict=True))


def _unsubscribed(events: Events, names: pa.Array) -> _Rows:
    """An unsubscription refuses its channel for every purpose; e-mail where none is named."""
    gone = events.take(events.kind == KIND_CODE["outreach_unsubscribed"])
    rows = zip(gone.customer.tolist(), gone.channel.tolist(), gone.at.tolist(), strict=True)
    return [
        (names[who].as_py(), None, CHANNELS[max(channel, 0)], None, "refused", at)
        for who, channel, at in rows
    ]  # fmt: skip


def _still_open(events: Events) -> tuple[Events, NDArray[np.int64]]:
    """The last opening of each case still open, and when something last happened in it."""
    opens = [KIND_CODE[kind] for kind in OPENS]
    telling = [*opens, *(KIND_CODE[kind] for kind in ENDS)]
    of_cases = events.take(np.flatnonzero(events.case != NONE))
    decisive = _last_of_each_case(of_cases.take(np.isin(of_cases.kind, telling)))
    still = decisive.take(np.isin(decisive.kind, opens))
    newest = _last_of_each_case(of_cases)
    return still, newest.at[np.searchsorted(case_keys(newest), case_keys(still))]


def _last_of_each_case(events: Events) -> Events:
    """The last row of each case, by customer and case."""
    order = np.argsort(case_keys(events), kind="stable")
    keys = case_keys(events)[order]
    return events.take(order[np.append(keys[1:] != keys[:-1], True)[: len(keys)]])


def _frame(rows: _Rows, names: Sequence[str]) -> pd.DataFrame:
    """Rows as a frame; columns of seconds as instants."""
    import pandas as pd

    columns: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) or [()] * len(names)
    return pd.DataFrame(
        {
            name: _instants(column)
            if name == "at" or name.endswith("_at")
            else pd.Series(list(column), dtype=object)
            for name, column in zip(names, columns, strict=True)
        }
    )


def _instants(seconds: Sequence[object]) -> pd.DatetimeIndex:
    import pandas as pd

    return pd.to_datetime(np.array(list(seconds), np.int64), unit="s", utc=True)
