"""Why a customer is at risk, in words: the published score, what changed since the one before,
what would lower it and what happened lately."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from models.batch import ScoreBatch, latest
from models.errors import WarmlineError
from models.words import NO_PROMISE, on
from pipelines import context
from pipelines.features import matrix
from pipelines.features.matrix import Night
from pipelines.history.store import History
from pipelines.mending import Mended, Seen, mended
from pipelines.onecustomer import OneCustomer
from pipelines.particulars import particulars
from pipelines.renewals import Chance, chance_of
from pipelines.scoring import dates_of
from pipelines.snapshots import midnight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.churn import ChurnModel
    from models.home import Home
    from models.settings import Settings

RECENT = 8
MOST = 8  # reasons
PUSHES = 4  # of what changed
PUSH = 0.05  # log-odds; what moved the risk less since the batch before is not told
MONTH = 365.25 / 12  # days
YEARS = 10  # beyond, three months tell nothing


@dataclass(frozen=True)
class Story:
    """One customer as of the last published night."""

    customer_id: str
    as_of: date  # of the batch
    score: dict[str, Any]  # its row
    raises: list[str]
    lowers: list[str]
    particular: list[str]  # what single interactions tell
    before: date | None  # the published night before
    changed: list[str]  # what moved the risk since then, by the model of today
    present: float  # what that model says today
    mended: list[Mended]
    recent: list[str]
    renewal: Chance | None = None  # of the yearly contract that ends next, past the horizon

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"expected_days": self.score["expected_days"]}

    def lines(self) -> list[str]:
        score = self.score
        lines = [
            f"{self.customer_id}: {score['churn_probability']:.0%} likely to leave within "
            f"{score['horizon_days']} days ({score['band']} risk), "
            f"as of {self.as_of}.",
            *_when(score["horizons"] or [], score["expected_days"]),
        ]
        if self.renewal is not None:
            lines.append(self.renewal.words)
        if score["value_at_risk"] is not None:
            lines.append(f"Value at risk: {score['value_at_risk']:,.0f} in the home's currency.")
        if score["silent"]:
            lines.append("Silent: no word from them in the last year.")
        still, past = (
            [one.words(self.present) for one in self.mended if one.still is which]
            for which in (True, False)
        )
        for title, words in (
            ("What raises the risk:", self.raises),
            ("What lowers it:", self.lowers),
            ("In particular:", self.particular),
            ("What the night found changed:", score["what_changed"] or []),
            (f"What moved it since {on(self.before) if self.before else ''}:", self.changed),
            (f"If it were mended ({NO_PROMISE}):", still),
            (f"Had it gone otherwise ({NO_PROMISE}):", past),
            ("What happened last:", self.recent),
        ):
            if words:
                lines += ["", title, *(f"  - {word}" for word in words)]
        return lines


def _when(horizons: list[dict[str, Any]], stay: float | None) -> Iterator[str]:
    """By when, how sure that is, and how long they may be expected to stay."""
    if not horizons:
        return
    told = ", ".join(f"{one['probability']:.1%} in {one['days']} days" for one in horizons)
    main = horizons[-1]
    sure = ""
    if main["low"] is not None:
        sure = f" (of customers with such a score {main['low']:.0%} to {main['high']:.0%}, 95%)"
    yield f"By when: {told}{sure}."
    if stay is not None and stay < YEARS * 365:
        yield f"At that pace they would stay for another {stay / MONTH:,.0f} months on average."


def explain(home: Home, settings: Settings, customer_id: str) -> Story:
    """The customer's story by the last published batch and the champion.

    Raises `WarmlineError` for an unknown customer and for one that was not scored, with the why.
    """
    from models import bundle as bundles
    from models.explain import reasons

    history = History.open(home.history, settings.ingest.precedence)
    batch = latest(home.scores)
    if batch is None:
        raise WarmlineError("nothing is scored yet: run `warmline score --as-of DATE` first.")
    score = _row(history, batch, customer_id)
    model = bundles.champion(home, expect=matrix.fingerprint(settings.features)).model
    customer = OneCustomer.of(history, history.numbers[customer_id])
    night = Night(int(score["as_of"].timestamp()), batch.cut_off)
    known = matrix.context(
        history, settings, [night], context.of_night(home, history, batch, night)
    )
    row = customer.features(night, known)
    dates = dates_of(night, settings, known)
    found = reasons(model, row[None], limit=MOST, lowering=True, dates=dates)[0]
    before = latest(home.scores, before=batch.as_of)
    return Story(
        customer_id,
        batch.as_of,
        score,
        [reason.words for reason in found if reason.direction == "raises"],
        [reason.words for reason in found if reason.direction == "lowers"],
        list(particulars(Seen.of(customer, night, known), history.words("topic"), settings.zone)),
        before.as_of if before else None,
        _changed(home, history, settings, customer, before, row, model) if before else [],
        float(model.predict(row[None])[0]),
        mended([customer], night, known, model)[0][1],
        _recent(history, customer_id, night),
        chance_of(history, settings, model, row[None], history.numbers[customer_id], night),
    )


def _changed(
    home: Home,
    history: History,
    settings: Settings,
    customer: OneCustomer,
    batch: ScoreBatch,
    row: NDArray[np.float64],
    model: ChurnModel,
) -> list[str]:
    """What moved the risk since an earlier `batch`, the furthest first: by today's model, from the
    figures that it had then to those of `row`, [f]."""
    from models.explain import moves

    night = Night(midnight(batch.as_of, settings.zone), batch.cut_off)
    agents = context.of_night(home, history, batch, night)
    if agents is None and history.words("agent"):
        return []
    then = customer.features(night, matrix.context(history, settings, [night], agents))
    return moves(model, then, row, PUSH)[:PUSHES]


def _row(history: History, batch: ScoreBatch, customer_id: str) -> dict[str, Any]:
    """The customer's row of the batch, or an error that says why there is none."""
    import pyarrow.compute as pc

    mine = pc.field("customer_id") == customer_id
    rows = batch.table(where=mine).to_pylist()
    if rows:
        score: dict[str, Any] = rows[0]
        return score
    out = batch.not_scored().filter(mine).to_pylist()
    if out:
        raise WarmlineError(f"{customer_id} was not scored on {batch.as_of}: {out[0]['why']}.")
    import difflib

    near = difflib.get_close_matches(customer_id, history.words("customer"), 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    raise WarmlineError(f"There is no customer {customer_id!r}.{hint}")


def _recent(history: History, customer_id: str, night: Night) -> list[str]:
    """The last things that had happened, newest first, one line each."""
    events = history.events_of(customer_id)
    seen = events[(events["occurred_at"].map(lambda at: at.timestamp()) < night.as_of)]
    lines = []
    for event in seen.tail(RECENT).iloc[::-1].to_dict("records"):
        words = [f"{event['occurred_at']:%Y-%m-%d %H:%M}", str(event["kind"]).replace("_", " ")]
        words += [
            f"{name} {event[name]}" for name in ("channel", "topic") if isinstance(event[name], str)
        ]
        lines.append(", ".join(words))
    return lines
