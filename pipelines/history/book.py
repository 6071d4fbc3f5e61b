"""What outreach may ask of the history: implements `CustomerBook` and `Timeline`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import CHANNELS, KIND_CODE
from pipelines.history.events import NONE, Events
from pipelines.history.rows import case_words
from pipelines.history.store import History

if TYPE_CHECKING:
    import pandas as pd

BOOK_COLUMNS = (
    "customer_id", "parent_id", "owner_id", "preferred_channel", "profiling_objection",
)  # fmt: skip
OPENS = ("case_opened", "case_reopened")
ENDS = ("case_solved", "case_closed")
COMPANY_WORDS = ("message_out", "call_out")


@dataclass(frozen=True)
class HistoryBook:
    """Customers and their timelines as of a moment: what had happened by then, and was known then
    or by the night's cut-off `known_by` (seconds), whichever is later."""

    history: History
    known_by: int = 0

    @property
    def generation(self) -> int:
        """Which state of the history this is."""
        return self.history.generation

    def customers(self, customer_ids: Sequence[str]) -> pd.DataFrame:
        """One row a known customer, in the order asked; None where a text is unknown."""
        numbers = self.history.numbers
        known = [numbers[customer] for customer in customer_ids if customer in numbers]
        frame = self.history.customers().loc[known, list(BOOK_COLUMNS)].reset_index(drop=True)
        texts = frame[list(BOOK_COLUMNS[:-1])].astype(object)
        frame[list(BOOK_COLUMNS[:-1])] = texts.where(texts.notna(), None)
        return frame

    def refusals(self, as_of: datetime) -> pd.DataFrame:
        """Who had refused what: customer_id, channel, purpose (None: every one), at."""
        import pandas as pd

        said = [self._consents(as_of), self._walk(as_of).unsubscribed]
        found = pd.concat(said, ignore_index=True)
        newest = found.sort_values("at", kind="stable").drop_duplicates(
            ["customer_id", "channel", "purpose"], keep="last"
        )
        refused = newest[newest["state"] == "refused"].drop(columns="state")
        refused["purpose"] = refused["purpose"].astype(object).where(refused["purpose"] != "", None)
        return refused.sort_values(["customer_id", "channel", "at"], ignore_index=True)

    def open_cases(self, as_of: datetime) -> pd.DataFrame:
        """Cases opened and not ended: customer_id, case_id, opened_at (of the last opening),
        last_at (of the last thing that happened in it)."""
        return self._walk(as_of).open_cases

    def unanswered_complaints(self, as_of: datetime) -> pd.DataFrame:
        """Complaints with no company word to that customer after them: customer_id, at."""
        return self._walk(as_of).complaints

    def last_contacts(self, as_of: datetime) -> pd.DataFrame:
        """The last time the company wrote or called unasked: customer_id, at, kind."""
        return self._walk(as_of).contacts

    def _walk(self, as_of: datetime) -> Walk:
        """Everything that is asked of one moment, found in one walk and kept."""
        moment = int(as_of.timestamp())
        if moment not in self._walks:
            self._walks[moment] = Walk.of(self.history, moment, max(moment, self.known_by))
        return self._walks[moment]

    @cached_property
    def _walks(self) -> dict[int, Walk]:
        return {}

    def _consents(self, as_of: datetime) -> pd.DataFrame:
        """The customers' own consents, each state it ever had; of merged customers under the id
        that survives."""
        import pandas as pd

        columns = ["customer_id", "channel", "purpose", "at", "state"]
        table = self.history.table("consents")
        if table is None:
            return pd.DataFrame({name: pd.Series([], dtype=object) for name in columns})
        own = table[table["contact_id"].isna() & (table["at"] < as_of)]
        return own[columns].assign(
            purpose=own["purpose"].fillna(""),
            customer_id=self.history.surviving(own["customer_id"]),
        )


@dataclass(frozen=True)
class Walk:
    """What one walk over the history found as of one moment."""

    open_cases: pd.DataFrame
    complaints: pd.DataFrame
    contacts: pd.DataFrame
    unsubscribed: pd.DataFrame

    @classmethod
    def of(cls, history: History, before: int, known_by: int) -> Walk:
        """Of what had happened `before` and was known `known_by`, both in seconds."""
        ids = history.words("customer")
        cases, complaints, contacts, unsubscribed = _Rows(), _Rows(), _Rows(), _Rows()
        for bucket in range(history.buckets):
            events = history.versions(bucket)
            seen = (events.at < before) & (events.recorded <= known_by) & (known_by < events.until)
            events = events.take(seen)
            cases += _open_cases(history, bucket, events, ids)
            complaints += _unanswered(events, ids)
            contacts += _unasked(events, ids)
            unsubscribed += _unsubscribed(events, ids)
        return cls(
            _frame(cases, ("customer_id", "case_id", "opened_at", "last_at")),
            _frame(complaints, ("customer_id", "at")),
            _frame(contacts, ("customer_id", "at", "kind")),
            _frame(unsubscribed, ("customer_id", "channel", "purpose", "at", "state")),
        )


_Rows = list[tuple[object, ...]]


def _open_cases(history: History, bucket: int, events: Events, ids: list[str]) -> _Rows:
    rows = _still_open(events)
    words = case_words(history.folder, history.manifest, bucket) if rows else {}
    return [(ids[who], words.get((who, case)), at, last) for who, case, at, last in rows]


def _unanswered(events: Events, ids: list[str]) -> _Rows:
    answered = _last(events, np.isin(events.kind, [KIND_CODE[kind] for kind in COMPANY_WORDS]))
    made = events.take(events.kind == KIND_CODE["complaint"])
    pairs = zip(made.customer.tolist(), made.at.tolist(), strict=True)
    return [(ids[who], at) for who, at in pairs if answered.get(who, (at - 1, 0))[0] <= at]


def _unasked(events: Events, ids: list[str]) -> _Rows:
    """Outreach, and words of ours that belong to no case."""
    names = {KIND_CODE[kind]: kind for kind in (*COMPANY_WORDS, "outreach_sent")}
    words = np.isin(events.kind, [KIND_CODE[kind] for kind in COMPANY_WORDS])
    unasked = (events.kind == KIND_CODE["outreach_sent"]) | (words & (events.case == NONE))
    found = _last(events, unasked)
    return [(ids[who], at, names[kind]) for who, (at, kind) in found.items()]


def _unsubscribed(events: Events, ids: list[str]) -> _Rows:
    """An unsubscription refuses its channel for every purpose; e-mail where none is named."""
    gone = events.take(events.kind == KIND_CODE["outreach_unsubscribed"])
    rows = zip(gone.customer.tolist(), gone.channel.tolist(), gone.at.tolist(), strict=True)
    return [(ids[who], CHANNELS[max(channel, 0)], "", at, "refused") for who, channel, at in rows]


def _frame(rows: _Rows, names: Sequence[str]) -> pd.DataFrame:
    """Rows as a frame; columns of seconds as instants."""
    import pandas as pd

    columns: Sequence[Sequence[object]] = list(zip(*rows, strict=True)) or [()] * len(names)
    return pd.DataFrame(
        {
            name: _instants(column) if name.endswith("at") else list(column)
            for name, column in zip(names, columns, strict=True)
        }
    )


def _still_open(events: Events) -> list[tuple[int, int, int, int]]:
    """Customer number, case number, last opening and last happening of each case still open."""
    opens = [KIND_CODE[kind] for kind in OPENS]
    telling = [*opens, *(KIND_CODE[kind] for kind in ENDS)]
    of_cases = events.take(events.case != NONE)
    decisive = _last_of_each_case(of_cases.take(np.isin(of_cases.kind, telling)))
    still = decisive.take(np.isin(decisive.kind, opens))
    newest = _last_of_each_case(of_cases)
    touched = newest.at[np.searchsorted(_case_keys(newest), _case_keys(still))]
    columns = (still.customer.tolist(), still.case.tolist(), still.at.tolist(), touched.tolist())
    return list(zip(*columns, strict=True))


def _case_keys(events: Events) -> NDArray[np.int64]:
    """One number a case, ascending with customer and case."""
    return (events.customer.astype(np.int64) << 32) | events.case


def _last_of_each_case(events: Events) -> Events:
    """The last row of each case, by customer and case."""
    order = np.argsort(_case_keys(events), kind="stable")
    keys = _case_keys(events)[order]
    return events.take(order[np.append(keys[1:] != keys[:-1], True)[: len(keys)]])


def _last(events: Events, which: NDArray[np.bool_]) -> dict[int, tuple[int, int]]:
    """Time and kind of each customer's last row of those marked."""
    rows = events.take(which)
    columns = (rows.customer.tolist(), rows.at.tolist(), rows.kind.tolist())
    return {customer: (at, kind) for customer, at, kind in zip(*columns, strict=True)}


def _instants(seconds: Sequence[object]) -> pd.DatetimeIndex:
    import pandas as pd

    return pd.to_datetime(np.array(list(seconds), np.int64), unit="s", utc=True)
