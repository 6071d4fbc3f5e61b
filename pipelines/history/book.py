"""What outreach may ask of the history: implements `CustomerBook` and `Timeline`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    """Customers and their timelines as of a moment: what had happened and was known by then."""

    history: History

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

        found = pd.concat([self._consents(as_of), self._unsubscribed(as_of)], ignore_index=True)
        newest = found.sort_values("at", kind="stable").drop_duplicates(
            ["customer_id", "channel", "purpose"], keep="last"
        )
        refused = newest[newest["state"] == "refused"].drop(columns="state")
        refused["purpose"] = refused["purpose"].astype(object).where(refused["purpose"] != "", None)
        return refused.sort_values(["customer_id", "channel", "at"], ignore_index=True)

    def open_cases(self, as_of: datetime) -> pd.DataFrame:
        """Cases opened and not ended: customer_id, case_id, opened_at (of the last opening),
        last_at (of the last thing that happened in it)."""
        import pandas as pd

        names = ("customer_id", "case_id", "opened_at", "last_at")
        found: dict[str, list[object]] = {name: [] for name in names}
        for bucket, events in self._seen(as_of):
            rows = _still_open(events)
            words = case_words(self.history.folder, self.history.manifest, bucket) if rows else {}
            for customer, case, at, last in rows:
                found["customer_id"].append(self._ids[customer])
                found["case_id"].append(words.get((customer, case)))
                found["opened_at"].append(at)
                found["last_at"].append(last)
        return pd.DataFrame(
            found | {name: _instants(found[name]) for name in ("opened_at", "last_at")}
        )

    def unanswered_complaints(self, as_of: datetime) -> pd.DataFrame:
        """Complaints with no company word to that customer after them: customer_id, at."""
        import pandas as pd

        complaint = [KIND_CODE["complaint"]]
        words = [KIND_CODE[kind] for kind in COMPANY_WORDS]
        customers: list[str] = []
        times: list[object] = []
        for _, events in self._seen(as_of):
            answered = _last(events, np.isin(events.kind, words))
            for row in np.flatnonzero(np.isin(events.kind, complaint)):
                customer, at = int(events.customer[row]), int(events.at[row])
                if answered.get(customer, (at - 1, 0))[0] <= at:
                    customers.append(self._ids[customer])
                    times.append(at)
        return pd.DataFrame({"customer_id": customers, "at": _instants(times)})

    def last_contacts(self, as_of: datetime) -> pd.DataFrame:
        """The last time the company wrote or called unasked: customer_id, at, kind."""
        import pandas as pd

        names = {KIND_CODE[kind]: kind for kind in (*COMPANY_WORDS, "outreach_sent")}
        found = []
        for _, events in self._seen(as_of):
            words = np.isin(events.kind, [KIND_CODE[kind] for kind in COMPANY_WORDS])
            sent = events.kind == KIND_CODE["outreach_sent"]
            unasked = sent | (words & (events.case == NONE))
            found += [
                (self._ids[customer], at, names[kind])
                for customer, (at, kind) in _last(events, unasked).items()
            ]
        customers, times, kinds = zip(*found, strict=True) if found else ((), (), ())
        return pd.DataFrame(
            {"customer_id": list(customers), "at": _instants(times), "kind": list(kinds)}
        )

    @cached_property
    def _ids(self) -> list[str]:
        return list(self.history.numbers)

    def _seen(self, as_of: datetime) -> Iterator[tuple[int, Events]]:
        """Of each bucket what had happened and was known before `as_of`."""
        before = int(as_of.timestamp())
        for bucket in range(self.history.buckets):
            events = self.history.bucket(bucket)
            yield bucket, events.take((events.at < before) & (events.recorded <= before))

    def _consents(self, as_of: datetime) -> pd.DataFrame:
        """The customers' own consents, each state it ever had."""
        import pandas as pd

        columns = ["customer_id", "channel", "purpose", "at", "state"]
        table = self.history.table("consents")
        if table is None:
            return pd.DataFrame({name: pd.Series([], dtype=object) for name in columns})
        own = table[table["contact_id"].isna() & (table["at"] < as_of)]
        return own[columns].assign(purpose=own["purpose"].fillna(""))

    def _unsubscribed(self, as_of: datetime) -> pd.DataFrame:
        """An unsubscription refuses its channel for every purpose; e-mail where none is named."""
        import pandas as pd

        kind = KIND_CODE["outreach_unsubscribed"]
        rows: list[dict[str, object]] = []
        for _, events in self._seen(as_of):
            gone = events.take(events.kind == kind)
            rows += [
                {"customer_id": self._ids[customer], "channel": CHANNELS[max(channel, 0)],
                 "purpose": "", "at": at, "state": "refused"}
                for customer, channel, at in zip(
                    gone.customer.tolist(), gone.channel.tolist(), gone.at.tolist(), strict=True
                )
            ]  # fmt: skip
        frame = pd.DataFrame(rows, columns=["customer_id", "channel", "purpose", "at", "state"])
        return frame.assign(at=_instants(frame["at"].tolist()))


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
