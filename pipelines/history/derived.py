"""Events derived from contract terms, each dated when it became knowable.

Source: CONTRACTS.md, kinds: `plan_changed`, `paused`, `resumed`, `notice_given`, `renewed`,
`term_ended`. A change of price or product within one term shows by its versions only, and a
correction of either looks the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import KIND_CODE, KINDS
from pipelines.history.continuity import continued_by
from pipelines.history.rows import COLUMNS
from pipelines.history.terms import NEVER, Terms, keyed

if TYPE_CHECKING:
    import pandas as pd

    from pipelines.history.store import History

SOURCE = "terms"


@dataclass(frozen=True)
class Derived:
    """n events in no order. Times are seconds since 1970 UTC; `at` may lie ahead of `recorded`."""

    customer: NDArray[np.int32]
    term: NDArray[np.int64]
    at: NDArray[np.int64]
    recorded: NDArray[np.int64]
    kind: NDArray[np.int16]  # models.contracts.KIND_CODE
    value: NDArray[np.float64]  # term_ended: what ended, a month; plan_changed: new less old

    def __len__(self) -> int:
        return len(self.customer)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.intp]) -> Derived:
        """The given events."""
        return Derived(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    def of(self, kind: str) -> Derived:
        """The events of one kind."""
        return self.take(self.kind == KIND_CODE[kind])

    @classmethod
    def joined(cls, pieces: Sequence[Derived]) -> Derived:
        """All events of `pieces`, not none."""
        names = [field.name for field in fields(cls)]
        return cls(**{n: np.concatenate([getattr(piece, n) for piece in pieces]) for n in names})


def derived_events(terms: Terms, cutoff: int = NEVER) -> Derived:
    """What a night with this cut-off could derive; NEVER: what counts today.

    Some of it may lie ahead of the night: a pause or an end that is known to come.
    """
    view = terms.known(cutoff)
    own, changed = _of_each_term(view), _changes(terms, view, cutoff)
    if cutoff == NEVER:
        own = _first_known(own, _of_each_term(terms))
    return Derived.joined([own, _following(view), changed])


def derived_rows(history: History, number: int, cutoff: int = NEVER) -> pd.DataFrame:
    """A customer's derived events in the contract's columns of `interactions`, oldest first.

    `number` is the customer's; `source` is "terms". None yet to come are left out, if the cut-off
    says what is yet to come.
    """
    import pandas as pd

    terms = history.terms()
    if terms is None:
        return pd.DataFrame({name: np.array([], object) for name in COLUMNS})
    events = derived_events(terms.among(np.array([number], np.int32)), cutoff)
    events = events.take(events.at <= cutoff)
    events = events.take(np.lexsort((events.kind, events.at)))
    kinds = [KINDS[code] for code in events.kind.tolist()]
    keys = zip(kinds, events.term.tolist(), events.at.tolist(), strict=True)
    frame = pd.DataFrame({name: np.full(len(events), None, object) for name in COLUMNS})
    return frame.assign(
        interaction_id=[f"{kind}-{term}-{at}" for kind, term, at in keys],
        customer_id=history.words("customer")[number],
        occurred_at=pd.to_datetime(events.at, unit="s", utc=True),
        recorded_at=pd.to_datetime(events.recorded, unit="s", utc=True),
        kind=kinds,
        value=events.value,
        source=SOURCE,
    )


def _events(
    terms: Terms,
    kind: str,
    at: NDArray[np.int64],
    recorded: NDArray[np.int64],
    value: NDArray[np.float64] | None = None,
) -> Derived:
    """Events of one kind, of the terms whose `at` is not NEVER."""
    given = np.full(len(terms), np.nan) if value is None else value
    kinds = np.full(len(terms), KIND_CODE[kind], np.int16)
    events = Derived(terms.customer, terms.term, at, recorded, kinds, given)
    return events.take(at < NEVER)


def _none() -> Derived:
    whole = np.empty(0, np.int64)
    return Derived(whole.astype(np.int32), whole, whole, whole, whole.astype(np.int16), np.empty(0))


def _knowable(terms: Terms, moment: NDArray[np.int64]) -> NDArray[np.int64]:
    """When a date of a version was known: as it came, or before, with the whole version."""
    return np.minimum(terms.seen, np.maximum(terms.recorded, moment))


def _of_each_term(terms: Terms) -> Derived:
    """Notice and pauses: what each term (or version of one) says alone."""
    paused = np.where(terms.paused_from < terms.ended, terms.paused_from, NEVER)
    resumed = np.where((paused < NEVER) & (terms.paused_to < terms.ended), terms.paused_to, NEVER)
    return Derived.joined(
        [
            _events(terms, kind, at, _knowable(terms, at))
            for kind, at in (
                ("paused", paused), ("resumed", resumed), ("notice_given", terms.notice)
            )
        ]
    )  # fmt: skip


def _following(view: Terms) -> Derived:
    """Ends, and what follows on them: the same again is a renewal, another a change of plan."""
    follower = continued_by(view)
    ended = np.where(follower < 0, view.ended, NEVER)
    over = _events(view, "term_ended", ended, _knowable(view, ended), view.value)
    old = view.take(follower >= 0)
    new = view.take(follower[follower >= 0])
    known = np.maximum(_knowable(old, old.ended), new.recorded)
    changed = _differs(old, new)
    both_seen = np.maximum(known, np.maximum(old.seen, new.seen))
    renewed = _events(new, "renewed", np.where(changed, NEVER, new.started), known)
    at = np.where(changed, new.started, NEVER)
    return Derived.joined(
        [over, renewed, _events(new, "plan_changed", at, both_seen, _rise(old, new))]
    )


def _changes(terms: Terms, view: Terms, cutoff: int) -> Derived:
    """What one version of a term says otherwise than the one before it, both known.

    A planned end that was put off is a renewal, at the end that was planned or when it was put off,
    whichever came first. A new price or product counts from when it was known.
    """
    terms = terms.told(cutoff)
    if len(terms) > len(view):
        terms = terms.take(np.isin(terms.term, view.term))
    if len(terms) == len(view):  # no term has an older version
        return _none()
    order = np.lexsort((terms.until, terms.recorded, terms.term))
    same = terms.term[order[1:]] == terms.term[order[:-1]]
    old, new = terms.take(order[:-1][same]), terms.take(order[1:][same])
    known = np.maximum(old.seen, new.seen)
    put_off = (old.ends_at < new.ends_at) & (new.ends_at < NEVER) & (old.ends_at < new.ended)
    renewed = np.where(put_off, np.minimum(old.ends_at, new.seen), NEVER)
    # A pause that was over when the next one was put in its place did happen.
    replaced = (old.paused_to < new.paused_from) & (new.paused_from < NEVER)
    pauses = [
        _events(old, kind, np.where(replaced, at, NEVER), _knowable(old, at))
        for kind, at in (("paused", old.paused_from), ("resumed", old.paused_to))
    ]
    plan = _events(
        new, "plan_changed", np.where(_differs(old, new), new.seen, NEVER), known, _rise(old, new)
    )
    events = Derived.joined([_events(new, "renewed", renewed, known), plan, *pauses])
    return events.take(events.recorded <= cutoff)


def _differs(old: Terms, new: Terms) -> NDArray[np.bool_]:
    """Another product, price or currency, where both are known."""
    price = (old.value != new.value) & ~np.isnan(old.value) & ~np.isnan(new.value)
    product = (old.product != new.product) & (old.product >= 0) & (new.product >= 0)
    currency = (old.currency != new.currency) & (old.currency >= 0) & (new.currency >= 0)
    return np.asarray(price | product | currency)


def _rise(old: Terms, new: Terms) -> NDArray[np.float64]:
    """Monthly value of the new less the old, NaN across currencies."""
    return np.where(old.currency == new.currency, new.value - old.value, np.nan)


def _first_known(standing: Derived, every: Derived) -> Derived:
    """With the earliest version's word for each event, not that of the one that counts now."""
    key = [keyed(e.term * len(KINDS) + e.kind, e.at) for e in (standing, every)]
    order = np.lexsort((every.recorded, key[1]))
    place = np.searchsorted(key[1][order], key[0])
    return replace(standing, recorded=every.recorded[order][place])
