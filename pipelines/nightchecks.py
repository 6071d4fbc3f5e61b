"""What the checks of a night are asked about: its feeds, its customers, its leavers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from models.contracts import DAY
from pipelines import checks, labels
from pipelines.feeds import health
from pipelines.history.rates import Instant
from pipelines.population import Population

if TYPE_CHECKING:
    import pandas as pd

    from models.batch import ScoreBatch
    from models.bundle import Bundle
    from models.settings import Checks, Settings
    from pipelines.history.store import History
    from pipelines.scoretable import Scores

LABEL_LAG_DAYS = 7  # ends are told of some days later
HORIZONS = 3  # the latest, and two before


def of_history(
    history: History, people: Population, night: Instant, horizon_days: int, settings: Settings
) -> tuple[checks.Check, ...]:
    """The checks that ask the history alone: its leavers, then its feeds."""
    first = history.span[0] if history.span else night.as_of
    leavers = of_leavers(people, night, first, horizon_days, settings)
    return leavers, *of_feeds(history, night, settings.checks)


def of_training(
    champion: Bundle, scores: Scores, previous: ScoreBatch | None, limits: Checks
) -> tuple[checks.Check, ...]:
    """Scores and features against how they lay in training; `previous`: the night before."""
    from models.drift import FEW, SHIFTED, shifted

    training, counts = champion.training, scores.counts
    if training is None or counts is None or len(scores) < FEW:
        return (checks.training_shift(None, limits),)
    index = training.scores.stability(training.scores.count(scores.probability))
    names = [feature.name for feature in champion.model.features]
    found = shifted(training.stability(counts), names)
    return (
        checks.training_shift(index, limits),
        checks.feature_drift(found, len(names), SHIFTED, _drifted(previous)),
    )


def _drifted(batch: ScoreBatch | None) -> frozenset[str]:
    """Features that lay otherwise than in training already in that night."""
    told = batch.manifest.facts["checks"] if batch else []
    return frozenset(
        name
        for check in told
        if check["name"] == "feature_drift"
        for name in check.get("about", ())
    )


def of_feeds(history: History, night: Instant, limits: Checks) -> tuple[checks.Check, ...]:
    """One check for each feed that is not as usual, and one that says how many are."""
    found = health(
        history.feeds(), night.as_of, night.cutoff, known_outages(history), limits.retired_feeds
    )
    wrong = [checks.Check(one.name, one.known, one.words) for one in found.findings]
    words = f"{found.judged - len(wrong)} of {found.judged} feeds keep their rhythm"
    if found.unjudged:
        words += f"; too sparse or too young to judge: {', '.join(found.unjudged)}"
    return (*wrong, checks.Check("feeds", True, words))


def known_outages(history: History) -> pd.DataFrame | None:
    """`source, kind, from, to` (seconds): declared gaps, and holidays as gaps of every feed."""
    import pandas as pd

    pieces = []
    declared = history.table("feed_gaps")
    if declared is not None and len(declared):
        piece = declared[["source", "kind"]].astype(object)
        pieces.append(piece.assign(**{edge: _seconds(declared[edge]) for edge in ("from", "to")}))
    holidays = history.table("holidays")
    if holidays is not None and len(holidays):
        start = _seconds(pd.to_datetime(holidays["date"].drop_duplicates(), utc=True))
        pieces.append(
            pd.DataFrame({"source": None, "kind": None, "from": start, "to": start + DAY})
        )
    return pd.concat(pieces, ignore_index=True) if pieces else None


def _seconds(times: pd.Series) -> pd.Series:
    seconds: pd.Series = times.dt.as_unit("s").astype("int64")
    return seconds


def of_customers(
    before: Mapping[str, float],
    scored: Iterable[str],
    known: Iterable[str],
    days: float,
    limits: Checks,
) -> checks.Check:
    """Who was scored last time, `days` ago, and is not any more; ids throughout."""
    gone = set(before).difference(scored)
    unknown = gone.difference(known)
    return checks.missing_customers(len(before), len(gone), len(unknown), days, limits)


def of_leavers(
    people: Population, night: Instant, first: int, horizon_days: int, settings: Settings
) -> checks.Check:
    """The share of leavers, horizon by horizon back from the latest complete one to `first`.

    Without contracts leaving is the absence of orders and use, and the feeds' own checks tell.
    """
    limits, counted = settings.checks, settings.training.counted_end_kinds
    if not people.contractual:
        return checks.Check("label_drift", True, "no contract tells who leaves")
    latest = night.as_of - (LABEL_LAG_DAYS + horizon_days) * DAY
    starts = [latest - step * horizon_days * DAY for step in range(HORIZONS)]
    told = [
        labels.contractual(people, start, horizon_days * DAY, counted)
        for start in starts
        if start >= first
    ]
    leavers = [(int(np.sum(one.left & one.known)), int(np.sum(one.known))) for one in told]
    return checks.label_drift(leavers, horizon_days, limits)
