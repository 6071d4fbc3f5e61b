"""Why a customer is at risk, in words: the published score and what happened lately."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from models.batch import ScoreBatch, latest
from models.errors import WarmlineError
from models.horizons import expected_days
from pipelines import context
from pipelines.features import matrix
from pipelines.features.matrix import Night
from pipelines.history.book import HistoryBook
from pipelines.history.store import History
from pipelines.renewals import Chance, chance_of

if TYPE_CHECKING:
    from models.home import Home
    from models.settings import Settings

RECENT = 8
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
    recent: list[str]
    renewal: Chance | None = None  # of the yearly contract that ends next, past the horizon

    def to_dict(self) -> dict[str, Any]:
        return vars(self) | {"renewal": self.renewal and vars(self.renewal)}

    def lines(self) -> list[str]:
        score = self.score
        lines = [
            f"{self.customer_id}: {score['churn_probability']:.0%} likely to leave within "
            f"{score['horizon_days']} days ({score['band']} risk), "
            f"as of {self.as_of}.",
            *_when(score["horizons"] or []),
        ]
        if self.renewal is not None:
            lines.append(self.renewal.words)
        if score["value_at_risk"] is not None:
            lines.append(f"Value at risk: {score['value_at_risk']:,.0f} in the home's currency.")
        if score["silent"]:
            lines.append("Silent: no word from them in the last year.")
        for title, words in (
            ("What raises the risk:", self.raises),
            ("What lowers it:", self.lowers),
            ("What happened last:", self.recent),
        ):
            if words:
                lines += ["", title, *(f"  - {word}" for word in words)]
        return lines


def _when(horizons: list[dict[str, Any]]) -> Iterator[str]:
    """By when, how sure that is, and how long they may be expected to stay."""
    if not horizons:
        return
    told = ", ".join(f"{one['probability']:.1%} in {one['days']} days" for one in horizons)
    main = horizons[-1]
    sure = ""
    if main["low"] is not None:
        sure = f" (of customers with such a score {main['low']:.0%} to {main['high']:.0%}, 95%)"
    yield f"By when: {told}{sure}."
    if len(horizons) > 1:
        p = np.array([[one["probability"] for one in horizons]])
        stay = float(expected_days(p, [one["days"] for one in horizons])[0])
        if stay < YEARS * 365:
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
    champion = bundles.champion(home, expect=matrix.fingerprint(settings.features))
    number = history.numbers[customer_id]
    night = Night(int(score["as_of"].timestamp()), cutoff_of(batch))
    wanted = np.arange(history.manifest.customers) == number
    # As that night published it: to find it again, all customers' rows would be walked over.
    agents = context.read(home.context, batch.as_of, history.words("agent"))
    agents = agents if agents is not None and agents.nights == (night,) else None
    blocks = matrix.stream(
        history, [night], matrix.context(history, settings, [night], agents), customers=wanted
    )
    rows = next(block.values[0] for block in blocks if number in block.customers)
    found = reasons(champion.model, rows, limit=8, lowering=True)[0]
    return Story(
        customer_id,
        batch.as_of,
        score,
        [reason.words for reason in found if reason.direction == "raises"],
        [reason.words for reason in found if reason.direction == "lowers"],
        _recent(history, customer_id, night),
        chance_of(history, settings, champion.model, rows, number, night),
    )


def book_of_night(home: Home, as_of: date | None = None) -> HistoryBook:
    """The history as outreach reads it: what the published scores of `as_of` (the newest by
    default) could know, and what came since, by its own date."""
    batch = latest(home.scores) if as_of is None else ScoreBatch.open(home.scores, as_of)
    precedence = batch.manifest.facts.get("precedence", ()) if batch else ()
    history = History.open(home.history, tuple(precedence))
    return HistoryBook(history, cutoff_of(batch) if batch else 0)


def cutoff_of(batch: ScoreBatch) -> int:
    """What had been recorded by then was known to the batch, seconds since 1970 UTC."""
    return int(datetime.fromisoformat(batch.manifest.facts["cut_off"]).timestamp())


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
        words += [f"{name} {event[name]}" for name in ("channel", "topic") if event[name]]
        lines.append(", ".join(words))
    return lines
