"""Contracts: one row a term. A yearly contract that is renewed ends its row and begins another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_samples.people import People
from data_samples.rows import Naming
from models.contracts import DAY, END_KINDS

YEAR = 365  # days of a yearly term, so that its end never depends on the calendar
FAR = 10**6  # a day that does not come
NEVER = np.iinfo(np.int64).max
CANCELLED, NOT_RENEWED = END_KINDS.index("cancelled"), END_KINDS.index("not_renewed")
RENEWED = -1  # no end_kind: another term followed at once


@dataclass
class _Closed:
    """Terms that are over, n rows."""

    customer: NDArray[np.int64]
    number: NDArray[np.int64]
    started: NDArray[np.int64]
    ends: NDArray[np.int64]  # as planned; NEVER for month contracts
    notice: NDArray[np.int64]
    ended: NDArray[np.int64]
    end_kind: NDArray[np.int64]


class Terms:
    """The contracts of all customers. Times are seconds since 1970 UTC, NEVER if not come."""

    def __init__(self, people: People, midnight: int) -> None:
        n = len(people)
        self._people = people
        self.midnight = midnight
        self.number = np.ones(n, np.int64)
        self.started = midnight + people.joined_day * DAY + people.joined_second
        self.ends_day = np.where(people.yearly, people.joined_day + YEAR, FAR)
        self.notice = np.full(n, NEVER)
        self.ended = np.full(n, NEVER)
        self.end_kind = np.full(n, RENEWED)
        self._closed: list[_Closed] = []

    def renew(self, day: int) -> None:
        """Yearly terms that end by this day and were not given up begin anew."""
        while len(due := np.flatnonzero((self.ends_day <= day) & (self.ended == NEVER))):
            ends = self._ends(due)
            never, kind = np.full(len(due), NEVER), np.full(len(due), RENEWED)
            self._closed.append(
                _Closed(due, self.number[due], self.started[due], ends, never, ends, kind)
            )
            self.number[due] += 1
            self.started[due] = ends
            self.ends_day[due] += YEAR

    def leave(
        self, who: NDArray[np.int64], decided: NDArray[np.int64], with_notice: NDArray[np.bool_]
    ) -> None:
        """Customers leave at the second `decided`: with notice at their term's end, else at once.

        A month contract ends with the month under way; a yearly one in its window is not
        renewed, before it is bought out within 30 days.
        """
        yearly = self._people.yearly[who]
        day = (decided - self.midnight) // DAY
        in_window = yearly & (self.ends_day[who] - day <= 90)
        months = (decided - self.started[who]) // (30 * DAY) + 1
        end = np.where(yearly, decided + 30 * DAY, self.started[who] + months * 30 * DAY)
        end = np.where(in_window, self._ends(who), end)
        self.notice[who] = np.where(with_notice, decided, NEVER)
        self.ended[who] = np.where(with_notice, np.maximum(end, decided + 1), decided)
        self.end_kind[who] = np.where(in_window & with_notice, NOT_RENEWED, CANCELLED)

    def end(self, who: NDArray[np.int64], at: NDArray[np.int64], kind: NDArray[np.int64]) -> None:
        """Relationships end for a reason that is not the customer's wish."""
        self.ended[who], self.end_kind[who] = at, kind

    def begin_anew(self, who: NDArray[np.int64], day: int) -> None:
        """Customers who had left come back this day, on a contract of the kind they had."""
        planned = np.where(self._people.yearly[who], self._ends(who), NEVER)
        left = _Closed(
            who, self.number[who], self.started[who], planned, self.notice[who], self.ended[who],
            self.end_kind[who],
        )  # fmt: skip
        self._closed.append(left)
        self.number[who] += 1
        self.started[who] = self.midnight + day * DAY + 60
        self.ends_day[who] = np.where(self._people.yearly[who], day + YEAR, FAR)
        self.notice[who] = self.ended[who] = NEVER
        self.end_kind[who] = RENEWED

    def first_decision(
        self, who: NDArray[np.int64], since: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first notice or end at or after second `since`, n seconds (or NEVER), and its kind.

        Differs from `decided` only for those who left and came back.
        """
        first, kind = self.decided(), self.end_kind.copy()
        for block in reversed(self._closed):
            came = np.minimum(block.notice, block.ended)
            mine = (block.end_kind != RENEWED) & (came >= since)
            first[block.customer[mine]] = came[mine]
            kind[block.customer[mine]] = block.end_kind[mine]
        return first[who], kind[who]

    def decided(self) -> NDArray[np.int64]:
        """Second of notice or end, whichever came first; NEVER while neither has."""
        first: NDArray[np.int64] = np.minimum(self.notice, self.ended)
        return first

    def _ends(self, who: NDArray[np.int64]) -> NDArray[np.int64]:
        second = self._people.joined_second[who]
        ends: NDArray[np.int64] = self.midnight + self.ends_day[who] * DAY + second
        return ends

    def table(self, now: int, naming: Naming) -> pd.DataFrame:
        """The contract's `terms` as known at second `now`, by customer and start."""
        people = self._people
        here = np.flatnonzero(self.started < now)
        ends = np.where(people.yearly[here], self._ends(here), NEVER)
        ended = np.where(self.ended[here] < now, self.ended[here], NEVER)
        notice = np.where(self.notice[here] < now, self.notice[here], NEVER)
        old = self._closed
        none = np.empty(0, np.int64)
        past_ends = np.concatenate([block.ends for block in old] or [none])
        past_notice = np.concatenate([block.notice for block in old] or [none])
        past_ended = np.concatenate([block.ended for block in old] or [none])
        past_kind = np.concatenate([block.end_kind for block in old] or [none])
        customer = np.concatenate([*(block.customer for block in old), here])
        number = np.concatenate([*(block.number for block in old), self.number[here]])
        started = np.concatenate([*(block.started for block in old), self.started[here]])
        kind = np.where(ended == NEVER, RENEWED, self.end_kind[here])
        kinds = np.concatenate([past_kind, kind])
        order = np.lexsort((number, customer))
        ids = pd.Series(naming.customers(customer).to_pylist(), dtype="object")
        table = pd.DataFrame(
            {
                "customer_id": ids,
                "term_id": ids.str.replace("C", "T", n=1) + "-" + pd.Series(number).astype(str),
                "product": np.where(people.yearly[customer], "yearly", "monthly"),
                "value_per_month": people.value[customer],
                "currency": "EUR",
                "started_at": instants(started),
                "ends_at": instants(np.concatenate([past_ends, ends])),
                "notice_at": instants(np.concatenate([past_notice, notice])),
                "ended_at": instants(np.concatenate([past_ended, ended])),
                "end_kind": [END_KINDS[code] if code >= 0 else None for code in kinds],
            }
        )
        return table.iloc[order].reset_index(drop=True)


def instants(seconds: NDArray[np.int64]) -> pd.Series:
    """Seconds as UTC timestamps; NEVER becomes a missing one."""
    known = np.where(seconds == NEVER, 0, seconds)
    return pd.Series(pd.to_datetime(known, unit="s", utc=True)).where(seconds != NEVER)
