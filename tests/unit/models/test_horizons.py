"""Several horizons from one model: consistent for every customer, and right on average."""

from dataclasses import replace

import numpy as np
import pytest

from models.bundle import Bundle, Facts, load, save
from models.calibration import log_loss
from models.churn import fit
from models.horizons import Horizons, Predictions, expected_days, fit_horizons, horizons_for
from models.linear import Linear
from models.timing import timing
from tests.unit.models.small_world import QUICK, world

NAMES = ("probabilities", "low", "high")


def leaving(seed=0, rows=3000, by_complaints=True):
    """Who leaves within 90 days, and when: soon after complaints, or at any time."""
    data = world(rows, seed)
    rng = np.random.default_rng(seed + 100)
    soon = np.minimum(data.X[:, 0], 2) if by_complaints else np.ones(rows)
    share = rng.random(rows) ** (1 + soon)
    return replace(data, leaves_in=np.where(data.y, 90 * share, np.nan))


def test_a_longer_horizon_is_never_less_likely_and_the_longest_is_the_models_own():
    data = leaving()
    horizons = fit_horizons(data, QUICK)
    p = np.random.default_rng(1).random(len(data))
    told = horizons.probabilities(p, data.X)
    assert horizons.days == (30, 60, 90)
    assert (np.diff(told, axis=1) >= 0).all()
    assert (told[:, -1] == p).all()
    assert (told[:, 0] > 0).all()


def test_on_customers_it_has_not_seen_the_shares_are_those_that_came():
    horizons, later = fit_horizons(leaving(0, 12_000), QUICK), leaving(1, 12_000)
    left = later.take(later.y)
    told = horizons.probabilities(np.ones(len(left)), left.X)
    for place, days in enumerate((30, 60)):
        came = left.leaves_in < days
        assert told[:, place].mean() == pytest.approx(came.mean(), abs=0.06)
        for complained in (left.X[:, 0] == 0, left.X[:, 0] > 0):
            gap = told[complained, place].mean() - came[complained].mean()
            assert abs(gap) < 0.08


def test_who_leaves_sooner_is_learned_where_it_can_be_and_only_there():
    tells, chance = fit_horizons(leaving(0), QUICK), fit_horizons(leaving(0, 3000, False), QUICK)
    assert tells.shares[-1].terms
    assert not any(share.terms for share in chance.shares)
    later = leaving(2)
    left = later.take(later.y)
    came = left.leaves_in < 60
    own = log_loss(tells.shares[-1].log_odds(left.X), came)
    assert own < log_loss(np.full(len(left), np.log(came.mean() / (1 - came.mean()))), came)


def test_few_leavers_share_one_share():
    data = leaving(rows=120)
    few = data.take(np.arange(100))
    horizons = fit_horizons(few, QUICK)
    assert [share.terms for share in horizons.shares] == [(), ()]


def test_without_dates_there_is_only_the_models_own_horizon():
    assert fit_horizons(world(), QUICK) is None


def test_the_same_rows_give_the_same_horizons():
    assert fit_horizons(leaving(), QUICK) == fit_horizons(leaving(), QUICK)


@pytest.mark.parametrize(
    ("main", "told"), [(90, (30, 60, 90)), (60, (30, 60)), (30, (30,)), (365, (30, 60, 365))]
)
def test_horizons_shorter_than_the_models_own_are_told_beside_it(main, told):
    assert horizons_for(main) == told


def test_with_a_constant_hazard_the_days_to_be_expected_are_its_inverse():
    """Exponential lifetimes of a mean of 200 days; the trapezoids are a little too large."""
    days = (30, 60, 90)
    p = 1 - np.exp(-np.array([days]) / 200)
    assert expected_days(p, days)[0] == pytest.approx(200, rel=0.005)


def test_days_until_leaving_are_the_same_to_the_bit_alone_and_among_others() -> None:
    p = np.sort(np.random.default_rng(0).random((200, 3)), axis=1)
    together = expected_days(p, (30, 60, 90))
    alone = [expected_days(p[row : row + 1], (30, 60, 90))[0] for row in range(len(p))]
    assert together.tolist() == alone


def test_who_never_leaves_stays_for_ever_and_who_leaves_at_once_not_a_period():
    told = expected_days(np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), (30, 60, 90))
    assert told[0] == np.inf
    assert told[1] == pytest.approx(15)  # half of the first period


def test_shares_multiply():
    half = Linear(0.0, ())
    told = Horizons((30, 60, 90), (half, half)).probabilities(np.array([0.8]), np.zeros((1, 3)))
    assert told[0].tolist() == [0.2, 0.4, 0.8]


def test_a_report_tells_how_true_each_horizon_and_the_intervals_came_out():
    model = fit(leaving(0), QUICK)
    later = leaving(1)
    told = timing(model.predict_all(later.X), later.y, later.leaves_in)
    assert [one.days for one in told.horizons] == [30, 60, 90]
    assert told.horizons[-1].came == later.y.mean()
    assert told.horizons[0].came == (later.leaves_in < 30).mean()
    for one in told.horizons:
        assert one.said == pytest.approx(one.came, abs=0.04)
        assert one.metrics.auc > 0.6
        assert one.bins == 15
        assert one.held >= 11
        assert f"held the share in {one.held} of 15 bins" in one.words
    assert len(list(told.lines())) == 3


def test_intervals_of_a_shorter_horizon_that_are_wrong_are_found_out():
    model = fit(leaving(0), QUICK)
    later = leaving(1)
    told = model.predict_all(later.X)
    shifted = [np.column_stack([c[:, 0] + 0.3, c[:, 1:]]) for c in told.columns]
    wrong = timing(
        replace(told, **dict(zip(NAMES, shifted, strict=True))), later.y, later.leaves_in
    )
    assert wrong.horizons[0].held <= 2
    assert wrong.horizons[1:] == timing(told, later.y, later.leaves_in).horizons[1:]


def test_a_model_says_all_horizons_with_intervals_around_each():
    data = leaving(0)
    model = fit(data, QUICK)
    told = model.predict_all(data.X[:100])
    assert (told.main == model.predict(data.X[:100])).all()
    assert (told.low <= told.probabilities).all()
    assert (told.probabilities <= told.high).all()
    assert ((told.low >= 0) & (told.high <= 1)).all()


def test_a_bundle_keeps_them(tmp_path):
    data = leaving(0, 800)
    model = fit(data, QUICK)
    facts = Facts("1", "0", "2026-01-01", "2025-01-01", "2025-06-01", len(data), int(data.y.sum()))
    save(tmp_path / "bundle", Bundle(model, facts))
    loaded = load(tmp_path / "bundle").model
    assert loaded == model
    assert loaded.horizons is not None
    assert loaded.intervals is not None


def test_rows_of_several_blocks_are_joined_and_taken_in_order():
    model = fit(leaving(0, 800), QUICK)
    rows = leaving(1, 100).X
    pieces = [model.predict_all(rows[:40]), model.predict_all(rows[40:])]
    joined, order = Predictions.joined(pieces), np.argsort(rows[:, 2])
    whole = model.predict_all(rows[order])
    for ours, theirs in zip(joined.take(order).columns, whole.columns, strict=True):
        assert (ours == theirs).all()
