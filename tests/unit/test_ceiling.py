"""What the log can show: the particles move as the world does and are right about what it hides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from benchmarks.ceiling import laws
from benchmarks.ceiling.belief import Believed, believed
from benchmarks.ceiling.clocks import LONGEST, STEP, gap_tables
from benchmarks.ceiling.course import follow
from benchmarks.ceiling.signs import Shown, Watched, shown
from data_samples.draws import Clock, Draws
from data_samples.settings import WorldSettings
from data_samples.world import World
from models.metrics import Ranking

DAYS, HORIZON = 400, 90
SETTINGS = WorldSettings(customers=600, days=DAYS, seed=11, uses_per_month=4.0)
NIGHT = DAYS - HORIZON


@pytest.fixture(scope="module")
def lived() -> tuple[Watched, pd.DataFrame]:
    night = SETTINGS.start + timedelta(days=NIGHT)
    world = Watched(replace(SETTINGS, truth_dates=(night,)))
    return world, world.log(DAYS)


@pytest.fixture(scope="module")
def truth(lived: tuple[Watched, pd.DataFrame]) -> pd.DataFrame:
    table = lived[0].truth(horizons=(HORIZON,))
    table = table[table["as_of"] == str(SETTINGS.start + timedelta(days=NIGHT))]
    return table.assign(customer=table["customer_id"].str[1:].astype(int))


def _believed(world: World, signs: Shown, truth: pd.DataFrame, without: str = "") -> Believed:
    who = truth["customer"].to_numpy()
    night = np.full(len(who), NIGHT)
    return believed(
        world, signs, who, night, HORIZON, savable=-0.02, count=300, without=without
    )  # fmt: skip


def _auc(truth: pd.DataFrame, guess: NDArray[np.float64]) -> float:
    """Expected, by the true chances, so that no customer's luck counts."""
    leave = truth[f"leave_{HORIZON}"].to_numpy()
    both = np.repeat([True, False], len(leave))
    return Ranking(both, np.tile(guess, 2)).auc(np.concatenate([leave, 1.0 - leave]))


def test_what_is_hidden_lies_where_it_is_believed_to_lie(
    lived: tuple[Watched, pd.DataFrame], truth: pd.DataFrame
) -> None:
    world, log = lived
    signs = shown(world, log)
    seen = _believed(world, signs, truth)
    hidden = truth["attachment"].to_numpy()
    below, above = hidden < seen.attachment[:, 0], hidden > seen.attachment[:, 1]
    assert 0.06 < below.mean() < 0.16
    assert 0.06 < above.mean() < 0.16
    leave = truth[f"leave_{HORIZON}"].to_numpy()
    assert seen.leave.mean() == pytest.approx(leave.mean(), rel=0.1)
    assert np.corrcoef(np.log(seen.leave), np.log(leave))[0, 1] > 0.7
    # Each sign left unread makes the ranking worse, or no better.
    best = _auc(truth, seen.leave)
    blind = _believed(world, signs, truth, "uses")
    assert _auc(truth, blind.leave) < best - 0.01
    assert (seen.kept <= seen.leave).all()


def test_nothing_is_believed_for_what_happens_later(
    lived: tuple[Watched, pd.DataFrame], truth: pd.DataFrame
) -> None:
    world, log = lived
    some = truth.iloc[::20]
    now = _believed(world, shown(world, log), some)
    then = _believed(world, shown(world, log[log["day"] < NIGHT]), some)
    np.testing.assert_array_equal(now.leave, then.leave)


@pytest.mark.parametrize("silent", [True, False])
def test_with_nothing_seen_particles_live_as_customers_do(silent: bool) -> None:
    """Those who join later feel already, and nothing is written of them."""
    settings = replace(SETTINGS, customers=6_000)
    world = World(settings)
    world.advance_table(150)
    hidden = world.hidden
    who = np.flatnonzero((hidden.people.joined_day > 150) & (hidden.people.silent == silent))
    none = np.empty(0, np.int64)
    out, weights = np.zeros((1, laws.FIELDS, 20_000)), np.zeros((1, 20_000))
    follow(
        laws.laws_of(settings), silent, 1.0, 151, False, none, none, np.empty(0), none,
        np.array([150]), *gap_tables(), out, weights, 3,
    )  # fmt: skip
    feelings = hidden.feelings
    for field, real in (
        (laws.FIT, feelings.fit),
        (laws.MOOD, feelings.mood),
        (laws.ATTACHMENT, feelings.attachment),
    ):
        error = real[who].std() / np.sqrt(len(who))
        assert out[0, field].mean() == pytest.approx(real[who].mean(), abs=4 * error)
        assert out[0, field].std() == pytest.approx(real[who].std(), rel=0.12)


@pytest.mark.parametrize("shape", [1, 2, 6])
def test_tables_tell_the_gaps_of_the_worlds_clocks(shape: int) -> None:
    survival, density = np.exp(gap_tables())
    clock = Clock(Draws(5), "use", 20_000, np.full(20_000, shape))
    for law, left in ((laws.SHAPES + shape - 1, clock.left), (shape - 1, None)):
        if left is None:
            left = Draws(6).gamma("gap", 0, np.arange(20_000), np.full(20_000, shape))
        for u in (0.2, 0.7, 1.5):
            assert survival[law, round(u / STEP)] == pytest.approx((left > u).mean(), abs=0.015)
        assert density[law, 1 : round(LONGEST / STEP)].sum() * STEP == pytest.approx(1.0, abs=0.05)
