"""What would lower a customer's risk that the company can do something about.

A remedy changes what happened, not a figure: the open case is solved, the complaint is answered,
the late reply comes in time. The pass that makes all features makes them of the changed history, so
that counts, waits, shares and ages of the groups that the remedy is about fit together. All other
groups stay as they are: an answer is one more reply, and who needed many replies leaves more often,
but not because of the answer (docs/decisions/0026-reasons.md).

The model's answer is what customers with such figures do: an association, no promise of what a
remedy would bring. That is measured against the control group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from models.contracts import CHANNEL_CODE, CHANNELS, DAY, KIND_CODE, Feature
from pipelines.features.facts import (
    COMPLAINT_PROMISE,
    ENDS,
    Case,
    Row,
    first_replies,
    is_reply,
    unpaid,
)
from pipelines.history.events import ABSENT, DTYPES, NEVER, NONE, Events
from pipelines.onecustomer import OneCustomer, features_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.churn import ChurnModel
    from pipelines.features.matrix import Context, Night

JUST_NOW = 60  # seconds before the night at which what is mended was done
PAST_DAYS = 365  # how far back is looked at what cannot be undone any more: the longest window
NO_GAIN = 0.005  # of probability: what lowers it by less than half a point is not told


@dataclass(frozen=True)
class Seen:
    """What a night saw of a customer: `events`, and the same as `rows`."""

    events: Events
    rows: Sequence[Row]
    night: Night
    promises: dict[str | None, int]  # seconds to a first reply, by channel

    @classmethod
    def of(cls, customer: OneCustomer, night: Night, context: Context) -> Seen:
        promises = dict(zip((*CHANNELS, None), context.promise_seconds.tolist(), strict=True))
        return cls(customer.seen(night), customer.rows(night, context), night, promises)

    @property
    def now(self) -> int:
        """When what is mended was done, seconds since 1970 UTC."""
        return self.night.as_of - JUST_NOW

    @cached_property
    def cases(self) -> list[Case]:
        """All cases with their rows."""
        rows: dict[int, list[Row]] = {}
        for row in self.rows:
            if row.case is not None:
                rows.setdefault(row.case, []).append(row)
        return [Case(number, tuple(rows[number])) for number in sorted(rows)]

    @property
    def open_cases(self) -> Iterator[Case]:
        """Those that are neither solved nor closed."""
        for case in self.cases:
            moves = [r.kind for r in case.rows if r.kind in ("case_opened", "case_reopened", *ENDS)]
            if moves and moves[-1] not in ENDS:
                yield case

    @property
    def waiting_complaints(self) -> Iterator[Row]:
        """Those that nobody has answered."""
        for row in self.rows:
            if row.kind == "complaint" and not any(_answers(row, self.rows)):
                yield row

    @property
    def late_cases(self) -> Iterator[Case]:
        """Those of the last year whose promise of a first reply was missed."""
        for case in self.cases:
            facts = first_replies(case, self.promises)
            if any(fact.name == "promise_missed" and self._lately(fact.known_at) for fact in facts):
                yield case

    def places(self, kind: str) -> list[int]:
        """Where the rows of a kind lie that came in the last year."""
        return [row.place for row in self.rows if row.kind == kind and self._lately(row.at)]

    def without(self, kind: str) -> Events:
        """The events without those of a kind that came in the last year."""
        keep = np.ones(len(self.events), np.bool_)
        keep[self.places(kind)] = False
        return self.events.take(keep)

    def _lately(self, at: int) -> bool:
        return self.night.as_of - PAST_DAYS * DAY <= at < self.night.as_of


@dataclass(frozen=True)
class New:
    """An interaction that did not happen: its kind and time, in the case of a row that did."""

    kind: str
    at: int
    like: Row


def with_new(events: Events, new: Sequence[New]) -> Events:
    """One customer's events with some more, sorted."""
    if not new:
        return events
    columns = {name: np.full(len(new), ABSENT.get(name, 0), DTYPES[name]) for name in DTYPES}
    columns["customer"][:] = events.customer[0]
    columns["at"][:] = columns["recorded"][:] = [one.at for one in new]
    columns["until"][:] = NEVER
    columns["kind"][:] = [KIND_CODE[one.kind] for one in new]
    columns["case"][:] = [NONE if one.like.case is None else one.like.case for one in new]
    columns["channel"][:] = [CHANNEL_CODE.get(one.like.channel or "", NONE) for one in new]
    return Events.concatenate([events, Events(**columns)])


def _solved(seen: Seen) -> Events:
    """Each open case is answered and solved just now."""
    still = [case.rows[-1] for case in seen.open_cases]
    kinds = ("message_out", "case_solved")
    # The answer a second before the solution.
    new = [New(kind, seen.now + n, row) for row in still for n, kind in enumerate(kinds)]
    return with_new(seen.events, new)


def _answered(seen: Seen) -> Events:
    """Each complaint that nobody has answered is answered just now."""
    new = [New("message_out", seen.now, row) for row in seen.waiting_complaints]
    return with_new(seen.events, new)


def _answers(complaint: Row, rows: Sequence[Row]) -> Iterator[Row]:
    """What answers a complaint: a person's words after it, in its case if it has one."""
    for row in rows:
        if row.place > complaint.place and is_reply(row) and complaint.case in (None, row.case):
            yield row


def _paid(seen: Seen) -> Events:
    """The payment that failed succeeds just now."""
    outstanding = sum(fact.value for fact in unpaid(seen.rows)) > 0
    failed = [row for row in seen.rows if row.kind == "payment_failed"]
    return with_new(seen.events, [New("payment", seen.now, failed[-1])] if outstanding else [])


def _kept(seen: Seen) -> Events:
    """Each promise broken in the last year was kept."""
    kind = seen.events.kind.copy()
    kind[seen.places("promise_broken")] = KIND_CODE["promise_kept"]
    return replace(seen.events, kind=kind).sorted()


def _replied_in_time(seen: Seen) -> Events:
    """Each first reply of the last year came when it was promised at the latest."""
    at, recorded = seen.events.at.copy(), seen.events.recorded.copy()
    new = []
    for case in seen.late_cases:
        asked, reply = case.clock, case.first_reply
        assert asked is not None  # noqa: S101 - else there is no promise to miss
        due = asked.at + seen.promises[asked.channel]
        if reply is None:
            new.append(New("message_out", due, asked))
        else:
            at[reply.place] = recorded[reply.place] = due
    return with_new(replace(seen.events, at=at, recorded=recorded).sorted(), new)


def _in_a_day(seen: Seen) -> Events:
    """Each complaint of the last year was answered a day after it at the latest."""
    late = [
        New("message_out", row.at + COMPLAINT_PROMISE, row)
        for row in (seen.rows[place] for place in seen.places("complaint"))
        if row.at + COMPLAINT_PROMISE < seen.night.as_of
        and not any(reply.at <= row.at + COMPLAINT_PROMISE for reply in _answers(row, seen.rows))
    ]
    return with_new(seen.events, late)


def _not_passed_on(seen: Seen) -> Events:
    return seen.without("case_transferred")


def _without_outage(seen: Seen) -> Events:
    return seen.without("outage")


# Groups of features that a first reply in time changes.
REPLIED = ("first_reply", "late_first_reply", "first_reply_business")


@dataclass(frozen=True)
class Remedy:
    """Something that a company can do, or could have done."""

    says: str
    still: bool  # it can still be done
    groups: tuple[str, ...]  # of the features that it is about
    mend: Callable[[Seen], Events]  # the same events where there is nothing to mend

    def columns(self, features: Sequence[Feature]) -> list[int]:
        """Positions of the features that it is about."""
        return [at for at, feature in enumerate(features) if feature.group in self.groups]


REMEDIES = (
    Remedy("every open case solved", True, ("open_case",), _solved),
    Remedy("every complaint answered", True, ("complaint",), _answered),
    Remedy("the failed payment made good", True, ("payment_failed",), _paid),
    Remedy("every complaint of the last year answered in a day", False, ("complaint",), _in_a_day),
    Remedy("no promise broken in the last year", False, ("promise_broken",), _kept),
    Remedy("every first reply of the last year in time", False, REPLIED, _replied_in_time),
    Remedy("no case passed on in the last year", False, ("transferred",), _not_passed_on),
    Remedy("no outage in the last year", False, ("outage",), _without_outage),
)


@dataclass(frozen=True)
class Mended:
    """What the model says of the same customer with something mended."""

    says: str
    still: bool
    probability: float

    def lowers(self, present: float) -> bool:
        """Whether it is less than the `present` probability, by more than is worth a word."""
        return present - self.probability >= NO_GAIN

    def words(self, present: float) -> str:
        """Beside the `present` probability."""
        if not self.lowers(present):
            return f"{self.says}: the model sees no gain"
        digits = 0 if f"{self.probability:.0%}" != f"{present:.0%}" else 1
        return f"{self.says}: {self.probability:.{digits}%} instead of {present:.{digits}%}"


def mended(
    customers: Sequence[OneCustomer], night: Night, context: Context, model: ChurnModel
) -> list[tuple[float, list[Mended]]]:
    """Of each of some customers of one bucket, by number, what the model says now, and with each
    remedy of which there is something to mend: those that can still be done first, and these
    together where there are several."""
    seen = [Seen.of(customer, night, context) for customer in customers]
    present = features_of(customers, [customer.events for customer in customers], night, context)
    together = present.copy()
    found: list[list[tuple[str, bool, NDArray[np.float64]]]] = [[] for _ in customers]
    for remedy in REMEDIES:
        changed = {
            at: events
            for at, one in enumerate(seen)
            if len(one.events) and not _same(events := remedy.mend(one), one.events)
        }
        if not changed:
            continue
        columns = remedy.columns(model.features)
        some = [customers[at] for at in changed]
        rows = features_of(some, list(changed.values()), night, context)
        for at, row in zip(changed, rows, strict=True):
            with_it = present[at].copy()
            with_it[columns] = row[columns]
            found[at].append((remedy.says, remedy.still, with_it))
            if remedy.still:
                together[at, columns] = row[columns]
    for told, row in zip(found, together, strict=True):
        several = sum(still for _, still, _ in told)
        if several > 1:
            told.insert(several, ("all of what can still be done", True, row))
    return [
        (now, _predicted(told, model))
        for now, told in zip(model.predict(present).tolist(), found, strict=True)
    ]


def _predicted(
    told: Sequence[tuple[str, bool, NDArray[np.float64]]], model: ChurnModel
) -> list[Mended]:
    if not told:
        return []
    chances = model.predict(np.array([row for *_, row in told])).tolist()
    return [Mended(says, still, p) for (says, still, _), p in zip(told, chances, strict=True)]


def _same(one: Events, other: Events) -> bool:
    return len(one) == len(other) and bool(
        (one.at == other.at).all() and (one.kind == other.kind).all()
    )
