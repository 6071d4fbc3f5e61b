"""When the night trains again, and that nothing of it is in scoring's way."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from models import catalogue
from models.batch import BatchWriter, publish
from models.bundle import Bundle, Facts, export
from models.churn import Dataset, FitSettings, fit
from models.command import Run
from models.contracts import Feature
from models.groups import of_groups
from models.home import Home, create
from models.outcome import Outcome, keep
from models.settings import Nightly, Settings
from pipelines import nightsteps
from pipelines.nightly import Night
from pipelines.retraining import reason

TRAINED = datetime(2026, 6, 1, 3, tzinfo=UTC)
AS_OF = date(2026, 7, 1)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    """A model that was trained on June 1."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 1))
    rows = np.arange(200)
    data = Dataset(
        x, rng.logistic(size=200) < x[:, 0], rows, rows * 0, rows > 100,
        (Feature("x", "{value}", "S1", "x"),),
    )  # fmt: skip
    model = fit(data, FitSettings(horizon_days=90, max_rounds=5, threads=1))
    facts = Facts("1", "0.1.0", TRAINED.isoformat(), "2025-06-01", "2026-03-01", 200, 100)
    return Bundle(model, facts)


@pytest.fixture
def home(tmp_path: Path, bundle: Bundle) -> Home:
    made, _ = create(tmp_path / "home")
    export(bundle, made)
    return made


def asked(home: Home, rhythm: Any, days: float) -> str | None:
    settings = Settings(nightly=Nightly(retrain=rhythm))
    return reason(home, settings, TRAINED + timedelta(days=days))


@pytest.mark.parametrize(
    ("rhythm", "days", "due"),
    [
        ("never", 1000, False),
        ("weekly", 6, False),
        ("weekly", 7, True),
        ("monthly", 27, False),
        ("monthly", 27.9, True),  # a night that starts a little earlier than the last one
        ("quarterly", 60, False),
        ("quarterly", 90, True),
        ("on_drift", 1000, False),
    ],
)
def test_it_is_due_when_so_much_time_has_passed(home: Home, rhythm: str, days: float, due: bool):
    found = asked(home, rhythm, days)
    assert (found is not None) is due
    if due:
        assert f"{days:.0f} days have passed ({rhythm})" == found


def test_without_a_champion_the_night_trains_nothing(tmp_path: Path):
    made, _ = create(tmp_path / "empty")
    assert asked(made, "weekly", 1000) is None


def scored(home: Home, *checks: dict[str, Any]) -> None:
    facts = dict.fromkeys(("feature_names", "code_version", "watermarks", "model_version"), "x")
    with BatchWriter(home.scores, AS_OF, "one") as writer:
        writer.finish({**facts, "checks": list(checks), "scored_at": TRAINED})
    publish(home.scores, AS_OF, "one")


def test_scores_unlike_those_of_training_ask_for_it_and_not_at_once(home: Home):
    words = "population stability index of the scores 0.41 against training (at most 0.25): train"
    scored(home, {"name": "training_shift", "ok": True, "words": words, "alarm": True})
    assert asked(home, "on_drift", 27) is None
    found = asked(home, "on_drift", 28)
    assert found == "population stability index of the scores 0.41 against training (at most 0.25)"
    assert asked(home, "quarterly", 28) == found


def test_features_that_drift_alone_do_not_ask_for_it(home: Home):
    scored(home, {"name": "feature_drift", "ok": True, "words": "9 of 400", "alarm": True})
    assert asked(home, "on_drift", 100) is None


def outcome(shift: float, version: str, blind: bool = False) -> Outcome:
    rng = np.random.default_rng(1)
    p = rng.beta(2, 6, 2000)
    left = rng.random(2000) < p
    if blind:
        rng.shuffle(p)
    said = np.clip(p + shift, 0, 1)
    groups = of_groups(left, said, customer=np.arange(2000), silent=p > 2, draws=50)
    return Outcome(
        AS_OF, "one", version, 90, TRAINED.isoformat(), 2000, 2000, said.mean(), left.mean(),
        False, groups,
    )  # fmt: skip


def test_probabilities_that_were_off_ask_for_it_if_they_were_this_models(home: Home):
    keep(home, outcome(0.0, "1"))
    assert asked(home, "on_drift", 28) is None
    keep(home, outcome(0.2, "1"))
    assert asked(home, "on_drift", 28) == f"the probabilities of {AS_OF} were off"
    keep(home, outcome(0.2, "0"))
    assert asked(home, "on_drift", 28) is None


def test_a_ranking_no_better_than_chance_asks_for_it(home: Home):
    keep(home, outcome(0.0, "1", blind=True))
    found = asked(home, "on_drift", 28)
    assert found == f"the scores of {AS_OF} ranked no better than chance"


def test_what_was_trained_lately_and_refused_is_not_trained_again_at_once(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    refused = SimpleNamespace(created_at=(TRAINED + timedelta(days=30)).isoformat())
    monkeypatch.setattr(catalogue, "known", lambda home: [refused])
    keep(home, outcome(0.2, "1"))
    for rhythm in ("monthly", "on_drift"):
        assert asked(home, rhythm, 57) is None
        assert asked(home, rhythm, 58) is not None


def run_of(home: Home, monkeypatch: pytest.MonkeyPatch, rhythm: str) -> Run:
    monkeypatch.setenv("WARMLINE_NIGHTLY__RETRAIN", rhythm)
    return Run(home.root, False, False, TRAINED + timedelta(days=40))


def test_it_follows_the_list_and_is_off_by_default(home: Home, monkeypatch: pytest.MonkeyPatch):
    plan = ("plan", lambda run, night: {})
    run = run_of(home, monkeypatch, "monthly")
    assert [step.name for step in nightsteps.steps(run, [plan])] == [
        "ingest", "score", "plan", "outcomes", "retrain",
    ]  # fmt: skip
    run = run_of(home, monkeypatch, "never")
    assert "retrain" not in [step.name for step in nightsteps.steps(run, [plan])]


def test_a_training_that_fails_is_said_and_does_not_fail_the_night(
    home: Home, monkeypatch: pytest.MonkeyPatch
):
    run = run_of(home, monkeypatch, "monthly")  # due, and there is no history to learn from
    (step,) = [step for step in nightsteps.steps(run, ()) if step.name == "retrain"]
    done = step.work(Night(AS_OF, "one", run.now))
    assert done["failed"]
    assert "There is no history" in done["notes"][0]
    assert json.loads(json.dumps(done)) == done


def test_a_champion_that_was_trained_lately_keeps_the_night_from_the_registry(
    home: Home, bundle: Bundle
):
    fresh = replace(bundle, facts=replace(bundle.facts, created_at="2026-06-20T03:00:00+00:00"))
    export(fresh, home)
    assert asked(home, "monthly", 40) is None
    assert not (home.root / "mlflow.db").exists()
