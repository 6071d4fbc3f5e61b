"""Customers who left come back where the world is set so, with a life and a truth of their own."""

from __future__ import annotations

import pandas as pd
import pytest

from data_samples.simulator import World, WorldSettings


@pytest.fixture(scope="module")
def world() -> World:
    world = World(WorldSettings(customers=1_200, seed=7, win_backs=0.6, win_back_days=60))
    world.advance(540)
    return world


@pytest.fixture(scope="module")
def spells(world: World) -> pd.DataFrame:
    """Terms with the end of the one before."""
    terms = world.terms().sort_values(["customer_id", "started_at"])
    before = terms.groupby("customer_id")[["ended_at", "end_kind"]].shift(1)
    return terms.assign(left=before["ended_at"], left_kind=before["end_kind"])


def test_the_set_share_comes_back_after_at_least_six_weeks(world: World, spells: pd.DataFrame):
    back = spells[spells["left_kind"].notna()]
    assert set(back["left_kind"]) <= {"cancelled", "not_renewed"}
    assert ((back["started_at"] - back["left"]).dt.days >= 44).all()
    ended = spells[spells["end_kind"].isin(["cancelled", "not_renewed"])]
    long_ago = ended["ended_at"] < pd.Timestamp(world.today, tz="UTC") - pd.Timedelta(days=240)
    returned = set(back["customer_id"])
    assert ended.loc[long_ago, "customer_id"].isin(returned).mean() == pytest.approx(0.6, abs=0.12)


def test_those_who_come_back_use_the_product_again_and_never_in_between(spells: pd.DataFrame):
    again = World(WorldSettings(customers=1_200, seed=7, win_backs=0.6, win_back_days=60))
    log = again.advance(540)
    back = spells[spells["left_kind"].notna()].drop_duplicates("customer_id")
    rows = log.merge(back[["customer_id", "left", "started_at"]], on="customer_id")
    away = (rows["occurred_at"] >= rows["left"]) & (rows["occurred_at"] < rows["started_at"])
    assert not away.any()
    assert rows.loc[rows["occurred_at"] >= rows["started_at"], "customer_id"].nunique() > 50


def test_the_truth_before_a_return_speaks_of_the_first_leaving(world: World, spells: pd.DataFrame):
    back = spells[spells["left_kind"].notna()].drop_duplicates("customer_id")
    truth = world.truth().merge(back[["customer_id", "left", "started_at"]], on="customer_id")
    as_of = pd.to_datetime(truth["as_of"], utc=True)
    before, after = as_of < truth["left"], as_of > truth["started_at"]
    assert before.sum() > 100
    assert (truth.loc[before, "decided_at"] <= truth.loc[before, "left"]).all()
    assert after.sum() > 100
    decided = truth.loc[after, "decided_at"].dropna()
    assert (decided > as_of[decided.index]).all()


def test_nobody_comes_back_by_default():
    world = World(WorldSettings(customers=800, seed=7))
    world.advance(400)
    terms = world.terms()
    ended = set(terms.loc[terms["end_kind"].notna(), "term_id"])
    last = set(terms.groupby("customer_id").tail(1)["term_id"])
    assert ended <= last
