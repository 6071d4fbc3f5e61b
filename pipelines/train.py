"""Training: learn from past nights, be judged on later ones, become champion or be refused."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import NotEnoughData
from models.home import Home
from models.settings import Settings
from models.version import code_version
from pipelines import snapshots
from pipelines.features import matrix
from pipelines.history.store import History
from pipelines.lock import exclusive
from pipelines.trainingset import TrainingSet, assemble, require_leavers

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.churn import ChurnModel
    from models.evaluate import Report, Verdict

Advance = Callable[[str, float], None]


@dataclass(frozen=True)
class Trained:
    """What a training run did."""

    model_version: str
    horizon_days: int
    label: str
    plan: snapshots.Plan
    rows: int
    leavers: int
    features: int
    report: Report
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        return {
            "model_version": self.model_version,
            "horizon_days": self.horizon_days,
            "label": self.label,
            "trained_on": [str(day) for day in self.plan.training],
            "judged_on": [str(day) for day in self.plan.judging],
            "rows": self.rows,
            "leavers": self.leavers,
            "features": self.features,
            "report": self.report.to_dict(),
            "promoted": self.verdict.promote,
            "verdict": list(self.verdict.reasons),
        }

    def lines(self) -> list[str]:
        training, judging = self.plan.training, self.plan.judging
        outcome = "Promoted to champion" if self.verdict.promote else "Not promoted"
        return [
            f"Churn within {self.horizon_days} days ({self.label.replace('_', '-')}), "
            f"{self.features} features.",
            f"Learned from {self.rows:,} rows of {_dates(training)}, {self.leavers:,} of them left; "
            f"judged on {_dates(judging)}.",
            *self.report.lines(),
            f"{outcome}: {'; '.join(self.verdict.reasons)}.",
        ]


def _dates(days: Sequence[date]) -> str:
    if len(days) == 1:
        return f"the night of {days[0]}"
    return f"{len(days)} nights, {days[0]} to {days[-1]}"


def train(
    home: Home,
    settings: Settings,
    *,
    as_of: date | None,
    horizon: int | None,
    now: datetime,
    advance: Advance = lambda what, share: None,
) -> Trained:
    """Train on the history up to `as_of` (default: its end) for a horizon in days.

    Raises `NotEnoughData` where the history is too short or too few left, saying by when it would
    suffice, and `Busy` where another training runs.
    """
    with exclusive(home.root / ".train.lock", "training"):
        return _train(home, settings, as_of, horizon or settings.training.horizon_days, now, advance)


def _train(
    home: Home,
    settings: Settings,
    as_of: date | None,
    horizon: int,
    now: datetime,
    advance: Advance,
) -> Trained:
    from models import bundle as bundles
    from models import churn

    history = History.open(home.history)
    plan = _plan(history, settings, as_of, horizon)
    rows = assemble(history, settings, (*plan.training, *plan.judging), horizon, advance)
    learned = rows.at(plan.training, settings)
    require_leavers(rows.data.take(learned), settings, plan.training, horizon)
    how = churn.FitSettings(
        horizon_days=horizon, seed=settings.training.seed, threads=settings.performance.threads
    )
    advance("learning", 0.45)
    model = churn.fit(rows.data.take(learned), how)
    advance("judging", 0.65)
    report, verdict = _judge(home, model, rows, ~learned, how.threads)
    if verdict.promote:
        # The newest nights count most for tomorrow: what is released has learned from all.
        advance("learning from all nights", 0.7)
        model = churn.fit(rows.data, how)
    facts = bundles.Facts(
        model_version="",
        code_version=code_version(),
        created_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        trained_from=str(rows.dates[0]),
        trained_to=str(rows.dates[-1] if verdict.promote else plan.training[-1]),
        rows=len(rows.data) if verdict.promote else int(learned.sum()),
        leavers=int(rows.data.y.sum() if verdict.promote else rows.data.y[learned].sum()),
    )
    advance("registering", 0.9)
    bundle = _register(home, bundles.Bundle(model, facts), report, verdict, rows)
    if verdict.promote:
        bundles.export(bundle, home)
    return Trained(
        model_version=bundle.facts.model_version,
        horizon_days=horizon,
        label=rows.label,
        plan=plan,
        rows=int(learned.sum()),
        leavers=int(rows.data.y[learned].sum()),
        features=len(rows.data.features),
        report=report,
        verdict=verdict,
    )


def _plan(
    history: History, settings: Settings, as_of: date | None, horizon: int
) -> snapshots.Plan:
    if history.span is None:
        raise NotEnoughData("the history holds no interaction: run `warmline ingest PATH` first.")
    first, last = snapshots.whole_days(history.span, settings.zone)
    training = settings.training
    return snapshots.plan(
        first, min(last, as_of or last), horizon, training.snapshots, training.min_history_days
    )
