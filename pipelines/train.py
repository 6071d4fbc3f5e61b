"""Training: learn from past nights, be judged on later ones, become champion or be refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from models import leaks, registry
from models.errors import NotEnoughData
from models.evaluate import Report, Verdict, judge
from models.home import Home
from models.provenance import Provenance
from models.release import TRAINED, release
from models.settings import Settings
from models.version import code_version
from pipelines import snapshots
from pipelines.history.lags import stood_in
from pipelines.history.store import History
from pipelines.judging import at_stake, judging
from pipelines.lock import exclusive
from pipelines.trainingset import TrainingSet, assemble, require_leavers
from pipelines.undated import left_out
from pipelines.walks import Local

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.bundle import Bundle
    from models.churn import ChurnModel
    from models.command import Advance
    from models.dataset import Dataset
    from pipelines.walks import Engine


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
    left_out: tuple[str, ...] = ()  # what past nights could not use, and what stood in, in words
    findings: tuple[leaks.Finding, ...] = ()  # features that tell a lot by themselves

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
            "left_out": list(self.left_out),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def lines(self) -> list[str]:
        training, judging = self.plan.training, self.plan.judging
        outcome = "Promoted to champion" if self.verdict.promote else "Not promoted"
        return [
            f"Churn within {self.horizon_days} days ({self.label.replace('_', '-')}), "
            f"{self.features} features.",
            f"Learned from {self.rows:,} rows of {_dates(training)}, of which {self.leavers:,} "
            f"left; judged on {_dates(judging)}.",
            *self.report.lines(),
            *self.left_out,
            *(f"Look at it: {finding.line()}." for finding in self.findings),
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
    engine: Engine | None = None,
    by: str = "warmline train",
) -> Trained:
    """Train on the history up to `as_of` (default: its end) for a horizon in days.

    `engine`: where past nights are read, this machine by default. `by`: who is written down to
    have made it champion.

    Raises `NotEnoughData` where the history is too short or too few left, saying by when it would
    suffice, `leaks.Leak` where a feature gives the label away, and `Busy` where another training
    runs.
    """
    with exclusive(home.root / ".train.lock", "training"):
        horizon = horizon or settings.training.horizon_days
        return _train(home, settings, as_of, horizon, now, advance, engine, by)


def _train(
    home: Home,
    settings: Settings,
    as_of: date | None,
    horizon: int,
    now: datetime,
    advance: Advance,
    engine: Engine | None,
    by: str,
) -> Trained:
    from models import churn

    engine = engine or Local(settings.performance.threads)
    history = engine.history(home.history, settings.ingest.precedence)
    plan = plan_snapshots(history, settings, as_of, horizon)
    rows = assemble(history, settings, (*plan.training, *plan.judging), horizon, advance, engine)
    is_training = rows.at(plan.training, settings)
    learned = rows.data.take(is_training)
    require_leavers(learned, settings, plan.training, horizon)
    findings = require_no_leak(learned, settings)
    how = churn.FitSettings(
        horizon_days=horizon, seed=settings.training.seed, threads=settings.performance.threads
    )
    advance("learning", 0.45)
    model = churn.fit(learned, how)
    advance("judging", 0.65)
    judged = rows.take(~is_training)
    predicted = model.predict_all(judged.data.X, how.threads)
    probability = predicted.main
    value = at_stake(history, settings, judged.data)
    report = judging(
        home, history, settings, judged, model, predicted, value, learned_until=plan.training[-1]
    )
    verdict = judge(report)
    bundle = trial = _bundle(model, learned, probability, plan.training, now)
    if verdict.promote:
        # The newest nights tell most about tomorrow: what is released has learned from all.
        advance("learning from all nights", 0.7)
        nights = (*plan.training, *plan.judging)
        bundle = _bundle(churn.fit(rows.data, how), rows.data, probability, nights, now)
    advance("registering", 0.9)
    bundle = registry.log(
        home,
        registry.Trial(
            bundle=bundle,
            judged=trial,
            report=report,
            verdict=verdict,
            held_out=registry.HeldOut(judged.data.y, probability, value),
            population=_population(rows, settings, horizon),
            parameters={**asdict(how), "label": rows.label, "sampled": rows.sampled},
            provenance=Provenance.of(rows.data if verdict.promote else learned, history.generation),
        ),
    )
    if verdict.promote:
        why = "; ".join(verdict.reasons)
        release(home, bundle, by=by, at=now, why=why, action=TRAINED)
    return Trained(
        model_version=bundle.facts.model_version,
        horizon_days=horizon,
        label=rows.label,
        plan=plan,
        rows=int(is_training.sum()),
        leavers=int(rows.data.y[is_training].sum()),
        features=len(rows.data.features),
        report=report,
        verdict=verdict,
        left_out=(
            *left_out(history, plan.training[0], settings.zone),
            *stood_in(history.feeds()),
            *engine.notes(),
        ),
        findings=findings,
    )


def require_no_leak(learned: Dataset, settings: Settings) -> tuple[leaks.Finding, ...]:
    """Features that tell much by themselves. Raises `leaks.Leak` where one tells too much."""
    training = settings.training
    findings = leaks.inspect(
        leaks.columns_of_matrix(learned.X, learned.features),
        learned.y,
        customer=learned.customer,
        limit=training.max_feature_auc,
        seed=training.seed,
    )
    try:
        leaks.refuse(findings, training.accepted_features)
    except leaks.Leak as leak:
        named = ", ".join(f'"{name}"' for name in leak.facts["features"])
        raise leaks.Leak(
            f"{leak} (To accept: accepted_features = [{named}] under [training] in warmline.toml.)",
            **leak.facts,
        ) from leak
    return findings


def plan_snapshots(
    history: History, settings: Settings, as_of: date | None, horizon: int
) -> snapshots.Plan:
    """Dates to learn from and to judge on, for what the history tells until `as_of`.

    Raises `NotEnoughData` where it is too short.
    """
    if history.span is None:
        raise NotEnoughData("the history holds no interaction: run `warmline ingest PATH` first.")
    first, last = snapshots.whole_days(history.span, settings.zone)
    training = settings.training
    terms = history.terms()
    if terms is not None and len(terms) and training.label != "non_contractual":
        # A contract feed that stops earlier than the others tells no renewals after its end.
        last = min(last, snapshots.local_date(terms.told_until, settings.zone))
    return snapshots.plan(
        first, min(last, as_of or last), horizon, training.snapshots, training.min_history_days
    )


def _bundle(
    model: ChurnModel,
    learned: Dataset,
    judged: NDArray[np.float64],
    nights: Sequence[date],
    now: datetime,
) -> Bundle:
    """The model with where it comes from; the registry gives the version.

    `judged`: probabilities of rows that were not learned from.
    """
    from models.bundle import Bundle, Facts
    from models.drift import Distribution

    facts = Facts(
        model_version="",
        code_version=code_version(),
        created_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        trained_from=str(nights[0]),
        trained_to=str(nights[-1]),
        rows=len(learned),
        leavers=int(learned.y.sum()),
    )
    return Bundle(model, facts, Distribution.of(learned.X, judged))


def _population(rows: TrainingSet, settings: Settings, horizon: int) -> str:
    """Who was scored and what counts as leaving, in words, for the model card."""
    if rows.label == "contractual":
        leaving = f"notice or end of the last running term within {horizon} days"
    else:
        leaving = f"no order, use or payment for {horizon} days"
    sampled = "" if rows.sampled == 1 else f" A sample of {rows.sampled:.0%} of the customers."
    return (
        "customers whose relationship ran at the snapshot, not under notice, without objection to "
        f"profiling; without a contract, active in the {settings.training.active_days} days "
        f"before. Leaving: {leaving}.{sampled}"
    )
