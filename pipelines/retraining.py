"""Training again by itself, when it is due or when drift asks for it. Never in scoring's way: the
night calls it once the list is published."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from models.batch import latest
from models.evaluate import LEAST_AUC
from models.groups import is_apart
from models.outcome import calibration, read

if TYPE_CHECKING:
    from models.command import Run
    from models.home import Home
    from models.settings import Settings

# Days after which it is due; a little less than the name says, so that a night that starts earlier
# than the last one does not put it off to the next.
EVERY = {"weekly": 6.5, "monthly": 27.5, "quarterly": 89.5}
# What drift asks for is not asked again at once: a model that was trained on what there is cannot
# learn more before more has happened.
PATIENCE = 27.5


def retrain(run: Run) -> dict[str, Any]:
    """Trains again where `[nightly] retrain` and the champion's age or drift ask for it.

    What was done, with a note for people. Raises whatever a training raises: the night says it.
    """
    why = reason(run.home, run.settings, run.now)
    if why is None:
        return {"trained": False}
    from pipelines import storage
    from pipelines.train import train

    trained = train(
        run.home, run.settings, as_of=None, horizon=None, now=run.now, by="warmline nightly"
    )
    storage.push(run)
    outcome = "is the champion now" if trained.verdict.promote else "was not promoted"
    return {
        "trained": True,
        "promoted": trained.verdict.promote,
        "why": why,
        "model_version": trained.model_version,
        "notes": [
            f"Trained again, because {why}: model {trained.model_version} {outcome} "
            f"({'; '.join(trained.verdict.reasons)})"
        ],
    }


def reason(home: Home, settings: Settings, now: datetime) -> str | None:
    """Why to train again tonight, in words; None where there is no reason to."""
    from models import bundle as bundles
    from models.catalogue import known

    rhythm = settings.nightly.retrain
    if rhythm == "never" or not bundles.has_champion(home):
        return None
    # The registry takes seconds to open, so the champion's own age is looked at first.
    champion = _days(now, bundles.champion(home).facts.created_at)
    if champion < min(EVERY.get(rhythm, PATIENCE), PATIENCE):
        return None
    age = min([champion, *(_days(now, one.created_at) for one in known(home))])
    if rhythm in EVERY and age >= EVERY[rhythm]:
        return f"{age:.0f} days have passed ({rhythm})"
    return _drift(home) if age >= PATIENCE else None


def _days(now: datetime, created_at: str) -> float:
    return (now - datetime.fromisoformat(created_at)).total_seconds() / 86_400


def _drift(home: Home) -> str | None:
    """What of the newest scores, or of the newest that can be judged, asks for a training."""
    batch = latest(home.scores)
    checks = batch.manifest.facts["checks"] if batch else []
    for check in checks:
        if check["name"] == "training_shift" and check.get("alarm"):
            return str(check["words"]).partition(":")[0]
    outcomes = read(home)
    figures = outcomes[-1]["groups"][0]["figures"] if outcomes else None
    if figures and _since(outcomes[-1], home):
        if figures["auc"]["high"] <= LEAST_AUC:
            return f"the scores of {outcomes[-1]['as_of']} ranked no better than chance"
        off = calibration(outcomes[-1])
        if off and is_apart(**off):
            return f"the probabilities of {outcomes[-1]['as_of']} were off"
    return None


def _since(outcome: dict[str, Any], home: Home) -> bool:
    """Whether it tells of the present champion."""
    from models.release import current

    return bool(outcome["model_version"] == current(home))
