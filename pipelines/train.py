"""Training: learn from past nights, be judged on later ones, become champion or be refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from models import registry
from models.alone import Treated, judge_alone, left_alone
from models.dataset import FitSettings
from models.errors import NotEnoughData
from models.evaluate import judge
from models.home import Home
from models.provenance import Provenance
from models.release import TRAINED, release
from models.settings import Settings
from models.version import VERSION
from pipelines import snapshots
from pipelines.history.lags import stood_in
from pipelines.history.store import History
from pipelines.history.terms import NEVER
from pipelines.inspecting import require_no_leak, require_unprotected
from pipelines.judging import at_stake, judging
from pipelines.lock import exclusive
from pipelines.renewals import renewing, with_renewal
from pipelines.trained import Trained
from pipelines.trainingset import TrainingSet, assemble, require_leavers
from pipelines.undated import dated_ahead, left_out
from pipelines.walks import Local

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.churn import Fitted
    from models.command import Advance
    from pipelines.walks import Engine


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
    engine = engine or Local(settings.performance.threads)
    history = engine.history(home.history, settings.ingest.precedence)
    plan = plan_snapshots(history, settings, as_of, horizon)
    rows = assemble(history, settings, (*plan.training, *plan.judging), horizon, advance, engine)
    is_training = rows.at(plan.training, settings)
    learned, judged = rows.take(is_training), rows.take(~is_training)
    require_leavers(learned.data, settings, plan.training, horizon)
    require_unprotected(learned.data.features, settings)
    findings = require_no_leak(learned.data, settings)
    how = FitSettings(
        horizon_days=horizon, seed=settings.training.seed, threads=settings.performance.threads
    )
    advance("learning", 0.45)
    until = snapshots.midnight(plan.judging[0], settings.zone)
    trial = released = _learn(learned, how, plan.training, now, until)
    advance("judging", 0.65)
    model = trial.fitted.model
    predicted = model.predict_all(judged.data.X, how.threads)
    value = at_stake(history, settings, judged.data)
    report = replace(
        judging(home, history, settings, learned.data, judged, model, predicted, value),
        renewing=renewing(trial.fitted, trial.rows, judged, predicted.main, how),
        alone=judge_alone(judged.data, predicted.main, how),
    )
    verdict = judge(report)
    if verdict.promote:
        # The newest nights tell most about tomorrow: what is released has learned from all.
        advance("learning from all nights", 0.7)
        released = _learn(rows, how, (*plan.training, *plan.judging), now)
    advance("registering", 0.9)
    bundle = registry.log(
        home,
        registry.Trial(
            bundle=released.bundle,
            judged=trial.bundle,
            report=report,
            verdict=verdict,
            held_out=registry.HeldOut(judged.data.y, predicted.main, value),
            population=_population(rows, settings, horizon),
            treated=released.treated,
            parameters={**asdict(how), "label": rows.label, "sampled": rows.sampled},
            provenance=Provenance.of(released.rows.data, history.generation, released.rows.terms),
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
        rows=len(learned.data),
        leavers=int(learned.data.y.sum()),
        features=len(rows.data.features),
        treated=trial.treated,
        report=report,
        verdict=verdict,
        left_out=(
            *left_out(history, plan.training[0], settings.zone),
            *dated_ahead(history, settings.features.attributes),
            *stood_in(history.feeds()),
            *engine.notes(),
        ),
        findings=findings,
    )


@dataclass(frozen=True)
class _Learned:
    """A model with what it was learned from."""

    rows: TrainingSet  # with how often each counts for those left alone
    fitted: Fitted
    bundle: Bundle  # the registry gives its version
    treated: Treated


def _learn(
    rows: TrainingSet, how: FitSettings, nights: Sequence[date], now: datetime, until: int = NEVER
) -> _Learned:
    """From `rows`. `until`: as for `with_renewal`."""
    from models.bundle import Bundle, Facts
    from models.churn import learn
    from models.drift import Distribution

    rows = replace(rows, data=left_alone(rows.data, how))
    fitted = with_renewal(learn(rows.data, how), rows, how, until)
    facts = Facts(
        model_version="",
        code_version=VERSION,
        created_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        trained_from=str(nights[0]),
        trained_to=str(nights[-1]),
        rows=len(rows.data),
        leavers=int(rows.data.y.sum()),
    )
    bundle = Bundle(fitted.model, facts, Distribution.of(rows.data.X, fitted.held_out))
    return _Learned(rows, fitted, bundle, Treated.of(rows.data))


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
