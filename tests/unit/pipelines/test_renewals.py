"""What the second head learns from, and which terms it is judged by."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from models.churn import ChurnModel, FitSettings, Fitted
from models.contracts import DAY, Feature
from models.dataset import Dataset
from models.settings import Settings
from pipelines.history.terms import NEVER
from pipelines.labels import Renewals
from pipelines.renewals import CROSSED, LATER, chance_of, renewing, with_renewal
from pipelines.trainingset import TrainingSet
from tests.unit.pipelines.term_tables import night
from tests.unit.pipelines.test_training import company, orders

FEATURES = (Feature("days_to_term_end", "", "S8", "renewal"),)
HOW = FitSettings(horizon_days=90, folds=3)
MODEL = ChurnModel(FEATURES, 90, "", None, 1.0, None, None, 0.2)  # type: ignore[arg-type]


def rows(many: int = 400, seed: int = 0, lapsing: float = 0.3) -> tuple[TrainingSet, np.ndarray]:
    """A term each, ending on a day of the year, and what the first model says of their owners."""
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.05, 0.6, many)
    data = Dataset(
        X=rng.uniform(90, 365, (many, 1)),
        y=np.zeros(many, bool),
        customer=np.arange(many),
        as_of=np.zeros(many, np.int64),
        silent=np.zeros(many, bool),
        features=FEATURES,
    )
    due = Renewals(
        ends_at=rng.integers(90, 365, many) * DAY,
        lapses=rng.random(many) < p * lapsing / 0.325,
        known=np.ones(many, bool),
    )
    return TrainingSet(data, np.zeros(many), (date(2026, 1, 1),), "contractual", 1.0, due), p


def fitted(of: TrainingSet, p: np.ndarray, until: int = NEVER) -> Fitted:
    return with_renewal(Fitted(MODEL, p), of, HOW, until)


def test_only_terms_whose_end_had_come_are_learned_from():
    known, p = rows()
    assert known.renewals is not None
    early = known.renewals.ends_at < 200 * DAY
    some = fitted(known, p, until=200 * DAY).model.renewal
    assert some is not None
    assert some.base_rate == pytest.approx(known.renewals.lapses[early].mean(), abs=0.02)
    assert fitted(known, p, until=91 * DAY).model.renewal is None


def test_what_is_not_known_is_not_learned_from():
    known, p = rows()
    assert known.renewals is not None
    none = replace(known, renewals=replace(known.renewals, known=np.zeros(len(p), bool)))
    assert fitted(none, p).model.renewal is None
    assert renewing(fitted(none, p), none, none, p, HOW) is None
    without = replace(known, renewals=None)
    assert fitted(without, p).model.renewal is None


def test_it_is_judged_later_in_time_where_enough_ended_and_else_out_of_fold():
    (learned, p), (judged, later) = rows(), rows(seed=1)
    told = renewing(fitted(learned, p), learned, judged, later, HOW)
    assert told is not None
    assert (told.protocol, told.terms) == (LATER, 400)
    assert told.auc is not None
    assert told.auc.low > 0.55
    few, of_few = rows(30, seed=1)
    told = renewing(fitted(learned, p), learned, few, of_few, HOW)
    assert told is not None
    assert (told.protocol, told.terms) == (CROSSED, 400)


def test_where_too_few_ever_lapsed_it_says_so():
    learned, p = rows(lapsing=0.02)
    told = renewing(fitted(learned, p), learned, learned, p, HOW)
    assert told is not None
    assert "20 are needed" in next(told.lines())


def test_explain_tells_it_of_yearly_contracts_that_end_past_the_horizon(tmp_path):
    history = company(
        tmp_path,
        customers="customer_id,joined_at\na,2025-01-01T00:00Z\nb,2025-01-01T00:00Z\n"
        "c,2025-01-01T00:00Z",
        interactions=orders(("a", "2025-12-20")),
        terms="customer_id,term_id,started_at,ends_at,recorded_at\n"
        "a,1,2025-08-01T00:00Z,2026-08-01T00:00Z,2025-08-01T00:00Z\n"
        "b,2,2025-04-01T00:00Z,2026-04-01T00:00Z,2025-04-01T00:00Z\n"  # within the horizon
        "c,3,2025-12-01T00:00Z,2026-06-01T00:00Z,2025-12-01T00:00Z",  # not yearly
    )
    model = SimpleNamespace(
        lapse=lambda rows: np.array([0.23]), renewal=SimpleNamespace(base_rate=0.12),
        horizon_days=90,
    )  # fmt: skip
    told = [
        chance_of(history, Settings(), model, np.zeros((1, 1)), number, night("2026-02-01"))
        for number in range(3)
    ]
    assert told[1:] == [None, None]
    assert told[0] is not None
    assert told[0].words == (
        "The yearly contract ends on 2026-08-01: 23% likely not to be renewed (usually 12%)."
    )
    model.renewal, model.lapse = None, lambda rows: None
    assert chance_of(history, Settings(), model, np.zeros((1, 1)), 0, night("2026-02-01")) is None
