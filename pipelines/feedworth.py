"""What each feed is worth: how well leavers are told without it, beside with it.

The rows, the labels and the later nights that are judged stay the same. Features are made anew from
the history without the feed, as if it had never been connected, and a model is fitted to them by
the same rules. The differences are paired over customers. A feed that tells what another tells as
well is worth little beside it, and so is the other: what both are worth together is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY
from models.evaluate import DRAWS
from models.metrics import Interval, Ranking, resampled
from models.profit import expected_profit
from pipelines import snapshots
from pipelines.afterwards import afterwards
from pipelines.history.store import History
from pipelines.history.without import Without
from pipelines.judging import at_stake
from pipelines.train import plan_snapshots
from pipelines.trainingset import TrainingSet, as_they_are, assemble, require_leavers
from pipelines.walks import Local, Walk, Wanted

if TYPE_CHECKING:
    from models.command import Advance
    from models.dataset import Dataset, FitSettings
    from models.home import Home
    from models.settings import Settings

Floats = NDArray[np.float64]

CONTRACTS = "contracts"
# What there is to connect, for a history that came from one export: kinds by what tells of them.
KINDS_OF: dict[str, tuple[str, ...]] = {
    "help desk": (
        "case_opened", "message_in", "call_in", "case_reopened", "complaint", "message_out",
        "call_out", "case_assigned", "case_transferred", "case_escalated", "case_pending",
        "case_solved", "case_closed", "promise_made", "promise_kept", "promise_broken",
    ),
    "bot": ("bot_session", "bot_handoff"),
    "surveys": ("survey_sent", "survey_answered"),
    "use of the product": ("usage",),
    "outages": ("outage",),
    "orders": ("order", "refund"),
    "payments": ("payment", "payment_failed"),
    "meetings and people": ("meeting_held", "meeting_missed", "contact_left", "referral"),
    "public mentions": ("public_mention",),
    CONTRACTS: ("plan_changed", "paused", "resumed", "notice_given", "renewed", "term_ended"),
}  # fmt: skip


@dataclass(frozen=True)
class Feed:
    """Quality without one feed, beside that with all."""

    name: str
    rows: int  # its interactions
    auc: float  # without it
    auc_lost: Interval  # by being without it; negative: gained
    profit_lost: Interval | None  # of all customers of a night, in the currency; None: unknown

    def words(self, whole: float, unit: str) -> str:
        """For people."""
        lost = self.auc_lost
        told = (
            f"without {self.name} ({self.rows:,} interactions): AUC {self.auc:.3f} instead of "
            f"{whole:.3f} (lost {lost.value:.3f}, {lost.low:.3f} to {lost.high:.3f})"
        )
        if self.profit_lost is None:
            return told
        less = self.profit_lost
        ends, more = (less.low, less.high), "less"
        if less.value < 0:
            ends, more = (-less.high, -less.low), "more"
        clear = "; may be chance" if ends[0] <= 0 else ""
        return (
            f"{told}, {abs(less.value):,.0f} {unit} {more} found at stake "
            f"({ends[0]:,.0f} to {ends[1]:,.0f}{clear})"
        )


@dataclass(frozen=True)
class Feeds:
    """All feeds of a history, the one that most is lost without first."""

    by: str  # source | kind
    auc: float  # with all
    customers: int  # of the newest night judged
    judged: tuple[date, ...]
    unit: str
    feeds: tuple[Feed, ...]
    horizon_days: int

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "judged": [str(day) for day in self.judged]}

    def lines(self) -> list[str]:
        nights = f"{len(self.judged)} night{'s' * (len(self.judged) != 1)}"
        lines = [
            f"With everything: AUC {self.auc:.3f} on {nights} to {self.judged[-1]}, churn within "
            f"{self.horizon_days} days, {self.customers:,} customers on the last one.",
            *(feed.words(self.auc, self.unit) for feed in self.feeds),
            "Lost: 95% interval over customers; each model was fitted once. At stake: expected "
            "maximum profit of the best campaign among them (docs/guides/model.md), of 12 months "
            "unless set otherwise.",
        ]
        if self.by == "kind":
            lines.append("By kind of data. With --by source: by the feeds that brought it.")
        return lines


@dataclass(frozen=True)
class _Asked:
    """What is the same for all feeds."""

    history: History
    settings: Settings
    whole: TrainingSet
    nights: Sequence[date]
    learned: NDArray[np.bool_]  # [n] rows to learn from; the others are judged
    how: FitSettings

    def predicted(self, data: Dataset) -> Floats:
        """Of the rows judged, by a model fitted to the others."""
        from models import churn

        # By when is not asked: that would take another model for each horizon.
        model = churn.fit(replace(data.take(self.learned), leaves_in=None), self.how)
        return model.predict(data.X[~self.learned], self.how.threads)

    def without(self, history: Without) -> Dataset:
        """The same rows, their features and surrogates made from another history."""
        settings, data = self.settings, self.whole.data
        engine = Local(settings.performance.threads)
        hour = settings.training.usual_hour
        nights = [snapshots.night(day, settings.zone, hour) for day in self.nights]
        usable = np.zeros((len(nights), history.manifest.customers), np.bool_)
        as_ofs = [night.as_of for night in nights]
        row = np.searchsorted(as_ofs, data.as_of), data.customer
        usable[row] = True
        everyone = Wanted(usable, np.ones_like(usable), settings.training.active_days)
        context = engine.context(history, settings, nights)
        matrix = np.full(data.X.shape, np.nan)
        for rows, _ in engine.walk(Walk(history, nights, context, everyone), as_they_are):
            mine = np.flatnonzero(data.as_of == nights[rows.night].as_of)
            # Rows of a night are in the order of customers (`TrainingSet`).
            matrix[mine[np.searchsorted(data.customer[mine], rows.customers)]] = rows.values
        horizon = self.how.horizon_days * DAY
        did = afterwards(history, as_ofs, horizon, row, self.whole.sampled, engine)
        return replace(data, X=matrix, surrogates=did)


def worth_of_feeds(
    home: Home,
    settings: Settings,
    *,
    by: str | None = None,
    as_of: date | None = None,
    horizon: int | None = None,
    advance: Advance = lambda what, share: None,
) -> Feeds:
    """Quality on later nights with all feeds and without each one.

    `by`: "source", or "kind" of data; by source where there are several. A pass over the history
    and a training for each. Raises `NotEnoughData` as training does.
    """
    from models import churn

    history = History.open(home.history, settings.ingest.precedence)
    horizon = horizon or settings.training.horizon_days
    plan = plan_snapshots(history, settings, as_of, horizon)
    nights = (*plan.training, *plan.judging)
    by = by or ("source" if len(history.sources) > 1 else "kind")
    feeds = list(_feeds(history, by))
    steps = len(feeds) + 1
    advance("with everything", 0.0)
    whole = assemble(history, settings, nights, horizon)
    learned = whole.at(plan.training, settings)
    require_leavers(whole.data.take(learned), settings, plan.training, horizon)
    threads = settings.performance.threads
    how = churn.FitSettings(horizon_days=horizon, seed=settings.training.seed, threads=threads)
    asked = _Asked(history, settings, whole, nights, learned, how)
    judged = whole.data.take(~learned)
    everything = asked.predicted(whole.data)
    value = at_stake(history, settings, judged)
    many = int((judged.as_of == judged.as_of.max()).sum())
    found = []
    for number, (name, rows, rest) in enumerate(feeds, 1):
        advance(f"without {name}", number / steps)
        other = asked.predicted(asked.without(rest))
        auc, lost, profit = _compared(judged, everything, other, value, settings.training.seed)
        at_night = (
            None if profit is None else Interval(*(many * end for end in vars(profit).values()))
        )
        found.append(Feed(name, rows, auc, lost, at_night))
    return Feeds(
        by=by,
        auc=Ranking(judged.y, everything).auc(),
        customers=many,
        judged=plan.judging,
        unit=settings.currency,
        feeds=tuple(sorted(found, key=lambda feed: -feed.auc_lost.value)),
        horizon_days=horizon,
    )


def _feeds(history: History, by: str) -> Iterator[tuple[str, int, Without]]:
    """Name, interactions and the history without it, of each feed that brought anything."""
    told = history.feeds()
    if by == "source":
        tellers = _tellers(history)
        for source in sorted(history.sources):
            rows = int(told.loc[told["source"] == source, "rows"].sum())
            contracts = tellers != {source}
            yield source, rows, Without.of(history, source=source, contracts=contracts)
        return
    for name, kinds in KINDS_OF.items():
        rows = int(told.loc[told["kind"].isin(kinds), "rows"].sum())
        of_contracts = name == CONTRACTS and bool(_tellers(history))
        if rows or of_contracts:
            rest = Without.of(history, kinds=kinds, contracts=not of_contracts)
            yield name, rows, rest


def _tellers(history: History) -> set[str]:
    """The sources that tell of contracts."""
    terms = history.table("terms")
    return set() if terms is None else set(terms["source"].dropna())


def _compared(
    judged: Dataset, everything: Floats, other: Floats, value: Floats, seed: int
) -> tuple[float, Interval, Interval | None]:
    """AUC by `other`, and what it loses of AUC and of expected profit a customer."""
    both = Ranking(judged.y, everything), Ranking(judged.y, other)
    aucs: list[float] = []
    profits: list[float] = []
    for weight in resampled(judged.customer, DRAWS, seed):
        if not 0 < weight @ judged.y < weight.sum():
            continue  # a draw of one class
        aucs.append(both[0].auc(weight) - both[1].auc(weight))
        rows = np.repeat(np.arange(len(weight)), weight.astype(np.int64))
        if (lost := _profit_lost(judged.y, everything, other, value, rows)) is not None:
            profits.append(lost)
    whole = _profit_lost(judged.y, everything, other, value, np.arange(len(value)))
    auc = both[1].auc()
    lost_auc = Interval.of(both[0].auc() - auc, np.array(aucs))
    return auc, lost_auc, None if whole is None else Interval.of(whole, np.array(profits))


def _profit_lost(
    y: NDArray[np.bool_], one: Floats, other: Floats, value: Floats, rows: NDArray[np.int64]
) -> float | None:
    """Expected maximum profit a customer by `one` less that by `other`, over `rows`; None where no
    value is known."""
    if np.isnan(value[rows]).all():
        return None
    told = [expected_profit(y[rows], p[rows], value[rows], "") for p in (one, other)]
    if told[0] is None or told[1] is None:
        return None
    return told[0].by_stake.profit - told[1].by_stake.profit
