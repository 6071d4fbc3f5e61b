"""Which playbooks fire for whom, in columns: a million customers at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.contracts import BANDS, DAY, Feature
from models.words import say
from outreach.playbooks import AHEAD, Playbook, Playbooks, Range

if TYPE_CHECKING:
    import pyarrow as pa

Bools = NDArray[np.bool_]
# The sentence that a fact becomes; `{day}` is its date.
SAYS = {
    "complaint": "complaint of {day} without an answer",
    "promise_broken": "a promise was broken on {day}, and nobody has spoken to them since",
    "detractor": "gave a low mark on {day}, and nobody has spoken to them since",
    "outage": "was hit by an outage on {day}, and nobody has written since",
    "payment_failed": "a payment failed on {day} and none has come since",
    "repeated": "came back on {day} with a topic that had been solved within 7 days",
    "asked": "asked about one topic three times in 90 days, last on {day}",
    "solved": "a case was solved on {day}",
    "order": "bought on {day}",
    "touched": "nobody has been in touch since {day}",
    "answered": "answered us on {day}",
    "contact_left": "a person who mattered left on {day}",
    "joined": "is a customer since {day}",
    "renews": "the contract runs until {day}",
}
NO_DATE = np.iinfo(np.int64).min
RAISES = "raises"
MOST = 62  # playbooks: all that fire for a customer are one number


@dataclass(frozen=True)
class Fired:
    """For whom a playbook fires, n rows in the order of the scores, then the unscored.

    `also`: bit i says that playbook i fired too. `figures`: those that triggers ask for, NaN where
    not known.
    """

    customer_id: pa.Array
    play: NDArray[np.int64]  # position in the playbooks: the most urgent one
    at: NDArray[np.int64]  # of its dated fact, seconds since 1970; NO_DATE where it has none
    also: NDArray[np.int64]
    figures: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)

    def words(self, books: Playbooks, features: Sequence[Feature]) -> pa.Array:
        """The figures on which the playbook of each fired, in sentences; null where on none."""
        import pyarrow as pa

        if not self.figures:
            return pa.nulls(len(self.play), pa.list_(pa.string()))
        known = {feature.name: feature for feature in features}
        found = np.full(len(self.play), None, object)
        for number, book in enumerate(books.plays):
            names = list(book.trigger.features)
            for row in np.flatnonzero(self.play == number) if names else ():
                found[row] = [say(known[name], float(self.figures[name][row])) for name in names]
        return pa.array(found, pa.list_(pa.string()))


@dataclass(frozen=True)
class Company:
    """All customers that a night may be about: those scored, then others with a dated fact."""

    customer_id: pa.Array
    band: NDArray[np.int64]  # position in BANDS
    silent: Bools
    fading: NDArray[np.float64]
    scored: Bools
    segment: pa.Array | None
    latest: pa.Table  # the facts of the history
    row: NDArray[np.int64]  # of each customer in `latest`; -1 where it has none
    reasons: pa.ChunkedArray | None = None  # of the scored, where a trigger asks for them
    figures: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)  # NaN: not known

    @classmethod
    def of(cls, scores: pa.Table, latest: pa.Table, segment: pa.Array | None = None) -> Company:
        """From `customer_id, band, silent, fading` of a batch, and `Timeline.latest`."""
        import pyarrow as pa
        import pyarrow.compute as pc

        scored, facts = scores["customer_id"].combine_chunks(), latest["customer_id"]
        owed = pc.or_(pc.is_valid(latest["complaint_at"]), pc.is_valid(latest["promise_broken_at"]))
        waiting = facts.filter(owed).combine_chunks()
        others = waiting.filter(pc.invert(pc.is_in(waiting, value_set=scored)))
        everyone = pa.concat_arrays([scored.cast(pa.string()), others.cast(pa.string())])
        many, more = len(scored), len(others)
        row = pc.fill_null(pc.index_in(everyone, value_set=facts.combine_chunks()), -1)
        return cls(
            customer_id=everyone,
            band=np.append(_bands(scores["band"]), np.zeros(more, np.int64)),
            silent=np.append(_flags(scores["silent"]), np.zeros(more, np.bool_)),
            fading=np.append(_numbers(scores["fading"]), np.full(more, np.nan)),
            scored=np.append(np.ones(many, np.bool_), np.zeros(more, np.bool_)),
            segment=segment,
            latest=latest,
            row=row.to_numpy(zero_copy_only=False).astype(np.int64),
            reasons=scores["reasons"] if "reasons" in scores.column_names else None,
        )

    def fact(self, name: str) -> NDArray[np.int64]:
        """The instant of a fact for each customer, seconds; NO_DATE where it never was."""
        import pyarrow as pa

        column = self.latest[f"{name}_at"].cast(pa.int64()).fill_null(NO_DATE)
        told = np.append(column.to_numpy(), NO_DATE)
        found: NDArray[np.int64] = told[self.row]  # -1 is the last, which is none
        return found

    def with_figures(self, figures: pa.Table) -> Company:
        """With features of some (`Timeline.figures`)."""
        import pyarrow.compute as pc

        known = figures["customer_id"].combine_chunks()
        place = pc.index_in(self.customer_id, value_set=known)
        names = [name for name in figures.column_names if name != "customer_id"]
        return replace(self, figures={n: _numbers(figures[n].take(place)) for n in names})

    def raised_by(self, systems: Sequence[str]) -> Bools:
        """Whose risk is raised by a reason of one of `systems`, as far as reasons were told."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found = np.zeros(len(self.customer_id), np.bool_)
        if self.reasons is None:
            return found
        reasons = self.reasons.combine_chunks()
        each = pc.list_flatten(reasons)
        system, direction = (pc.struct_field(each, name) for name in ("system", "direction"))
        theirs = pc.and_(pc.is_in(system, value_set=pa.array(systems)), pc.equal(direction, RAISES))
        found[pc.list_parent_indices(reasons).filter(theirs).to_numpy()] = True
        return found


def asking(company: Company, books: Playbooks, min_band: str, night: datetime) -> Bools:
    """For whom a playbook fires if their features are as it wants."""
    found = np.zeros(len(company.customer_id), np.bool_)
    for book in books.plays:
        if book.trigger.features:
            found |= _fires(company, book, min_band, int(night.timestamp()))[0]
    return found


def fire(company: Company, books: Playbooks, min_band: str, night: datetime) -> Fired:
    """The most urgent playbook that fires for each customer, and the others."""
    import pyarrow as pa

    if len(books.plays) > MOST:
        raise ValueError(f"at most {MOST} playbooks can be enabled")
    many = len(company.customer_id)
    play, at = np.full(many, -1), np.full(many, NO_DATE)
    also = np.zeros(many, np.int64)
    for number, book in enumerate(books.plays):
        fires, fact = _fires(company, book, min_band, int(night.timestamp()))
        for name, wanted in book.trigger.features.items():
            fires &= _within(company.figures[name], wanted)
        first = fires & (play < 0)
        play[first] = number
        if fact is not None:
            at[first] = fact[first]
        also[fires & ~first] |= 1 << number
    rows = np.flatnonzero(play >= 0)
    figures = {name: each[rows] for name, each in company.figures.items()}
    found = company.customer_id.take(pa.array(rows))
    return Fired(found, play[rows], at[rows], also[rows], figures)


def silent_ones(latest: pa.Table, books: Playbooks) -> list[str]:
    """Names of the playbooks whose fact is nowhere in the history: they cannot fire."""
    wanted = {book.name: book.trigger.fact for book in books.plays if book.trigger.fact}
    return [
        name for name, fact in wanted.items()
        if latest[f"{fact}_at"].null_count == latest.num_rows
    ]  # fmt: skip


def told(book: Playbook, at: datetime | None, day: str) -> str:
    """Why this playbook, in a sentence; "" where no dated fact is behind it."""
    fact = book.trigger.fact
    return SAYS[fact].format(day=day) if fact and at is not None else ""


def _fires(
    company: Company, book: Playbook, min_band: str, night: int
) -> tuple[Bools, NDArray[np.int64] | None]:
    """For whom all holds but the features, and the instant of the fact."""
    trigger, fact = book.trigger, None
    lowest = BANDS.index(book.audience.min_band or min_band)
    if book.refers:
        fires = np.ones(len(company.band), np.bool_)
    else:
        fires = company.scored & (company.band >= lowest)
    if trigger.fact is not None:
        fact = company.fact(trigger.fact)
        sign = -1 if trigger.fact in AHEAD else 1
        known = fact != NO_DATE
        days = np.where(known, sign * (night - np.where(known, fact, 0)) / DAY, np.nan)
        fires &= days >= trigger.from_days
        if trigger.to_days is not None:
            fires &= days < trigger.to_days
    if trigger.silent is not None:
        fires &= company.silent == trigger.silent
    if trigger.min_fading is not None:
        fires &= company.fading >= trigger.min_fading
    if trigger.systems:
        fires &= company.raised_by(trigger.systems)
    if book.audience.segments and company.segment is not None:
        fires &= _among(company.segment, book.audience.segments)
    return fires, fact


def _within(figures: NDArray[np.float64], wanted: Range) -> Bools:
    """Which lie in the range; never one that is not known."""
    found = ~np.isnan(figures)
    if wanted.min is not None:
        found &= figures >= wanted.min
    if wanted.max is not None:
        found &= figures <= wanted.max
    if wanted.above is not None:
        found &= figures > wanted.above
    if wanted.below is not None:
        found &= figures < wanted.below
    return found


def _among(column: pa.Array, values: tuple[str, ...]) -> Bools:
    import pyarrow as pa
    import pyarrow.compute as pc

    return _flags(pc.is_in(column, value_set=pa.array(values)))


def _bands(column: pa.ChunkedArray) -> NDArray[np.int64]:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.fill_null(pc.index_in(column, value_set=pa.array(BANDS)), 0)
    return np.asarray(found.to_numpy(), np.int64)


def _flags(column: pa.ChunkedArray | pa.Array) -> Bools:
    import pyarrow as pa

    filled = column.cast(pa.bool_()).fill_null(False)
    return np.asarray(_numpy(filled), np.bool_)


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    import pyarrow as pa

    return np.asarray(_numpy(column.cast(pa.float64())), np.float64)


def _numpy(column: pa.ChunkedArray | pa.Array) -> NDArray[Any]:
    """As NumPy; nulls of numbers become NaN."""
    import pyarrow as pa

    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    found: NDArray[Any] = whole.to_numpy(zero_copy_only=False)
    return found
