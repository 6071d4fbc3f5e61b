"""The truth is true: it is calibrated on the world, and contacts do what it says."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from data_samples.simulator import World, WorldSettings

if TYPE_CHECKING:
    from tests.unit.data_samples.conftest import Lived

HORIZON = pd.Timedelta(days=90)


def labelled(lived: Lived) -> pd.DataFrame:
    """The truth at dates whose horizon has passed, with what happened."""
    truth = lived.truth.copy()
    as_of = pd.to_datetime(truth["as_of"], utc=True)
    counted = truth["end_kind"].isin(["cancelled", "not_renewed"])
    truth["left"] = counted & truth["decided_at"].between(as_of, as_of + HORIZON, "left")
    return truth[as_of <= pd.Timestamp(lived.world.today, tz="UTC") - HORIZON]


def rank_auc(left: pd.Series, chance: pd.Series) -> float:
    ranks, positives = chance.rank(), int(left.sum())
    above = ranks[left].sum() - positives * (positives + 1) / 2
    return float(above / (positives * (len(left) - positives)))


def test_true_probabilities_rank_leavers_well_but_not_perfectly(lived: Lived):
    truth = labelled(lived)
    assert 0.80 <= rank_auc(truth["left"], truth["leave_90"]) <= 0.90
    for _, group in truth.groupby("silent"):
        assert 0.78 <= rank_auc(group["left"], group["leave_90"]) <= 0.92


def test_true_probabilities_are_calibrated(lived: Lived):
    settled = labelled(lived)[lambda truth: truth["as_of"] >= "2024-10-01"]
    for _, group in settled.groupby("silent"):
        assert group["leave_90"].mean() == pytest.approx(group["left"].mean(), rel=0.2)


def test_longer_horizons_are_never_less_likely(lived: Lived):
    truth = lived.truth
    assert (truth["leave_30"] <= truth["leave_60"]).all()
    assert (truth["leave_60"] <= truth["leave_90"]).all()
    assert truth["leave_90"].between(0, 1).all()


def test_a_year_loses_between_fifteen_and_twenty_five_percent(lived: Lived):
    a_year = 1 - (1 - labelled(lived)["left"].mean()) ** (365 / 90)
    assert 0.15 <= a_year <= 0.25


def test_contacts_help_some_harm_a_few_and_leave_most_alone(lived: Lived):
    effect = lived.truth["effect_90"]
    assert (effect == 0).mean() > 0.5
    assert 0.04 < (effect < -0.02).mean() < 0.2
    assert 0.01 < (effect > 0.02).mean() < 0.1
    by_response = effect.groupby(lived.truth["response"])
    assert by_response.max()["persuadable"] <= 0
    assert by_response.min()["sleeping_dog"] >= 0


@pytest.fixture(scope="module")
def trial() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Truth of the contacted after 90 days, in the world where nobody was and where they were.

    Contacted: every persuadable and every sleeping dog whom it would move.
    """
    control = World(WorldSettings(customers=4_000, seed=23, truth_dates=()))
    control.advance(240)
    treated = copy.deepcopy(control)
    before = control.truth().set_index("customer_id")
    chosen = before.index[before["effect_90"].abs() > 0.02]
    at = pd.Timestamp(control.today, tz="UTC") + pd.Timedelta(hours=9)
    contacts = pd.DataFrame({"customer_id": chosen, "at": at, "kind": "check_in"})
    control.advance(90)
    treated.advance(90, contacts)
    ends = {
        name: world.terms().groupby("customer_id").last()[["notice_at", "ended_at"]].min(axis=1)
        for name, world in (("control", control), ("treated", treated))
    }
    after = before.join(pd.DataFrame(ends), how="left")
    return after.loc[chosen], after.drop(chosen)


def test_contacts_move_leaving_as_the_truth_said(trial: tuple[pd.DataFrame, pd.DataFrame]):
    contacted, _ = trial
    for response, sign in (("persuadable", -1), ("sleeping_dog", 1)):
        group = contacted[contacted["response"] == response]
        moved = int(group["treated"].notna().sum()) - int(group["control"].notna().sum())
        said = float(group["effect_90"].sum())
        assert np.sign(moved) == np.sign(said) == sign
        assert 0.4 < moved / said < 2.0


def test_a_contact_moves_nobody_else_among_the_silent(
    trial: tuple[pd.DataFrame, pd.DataFrame],
):
    # The vocal share queues with those contacted; the silent share nothing.
    _, others = trial
    silent = others[others["silent"]]
    assert silent["treated"].equals(silent["control"])


def test_a_contact_raises_or_lowers_the_hazard_of_the_next_day():
    world = World(WorldSettings(customers=2_000, seed=29, truth_dates=()))
    world.advance(120)
    told = copy.deepcopy(world)
    truth = world.truth()
    at = pd.Timestamp(world.today, tz="UTC") + pd.Timedelta(hours=9)
    everyone = pd.DataFrame({"customer_id": truth["customer_id"], "at": at, "kind": "check_in"})
    world.advance(1)
    told.advance(1, everyone)
    both = world.truth().merge(told.truth(), on="customer_id", suffixes=("", "_told"))
    change = (both["hazard_told"] - both["hazard"]).groupby(both["response"])
    assert change.max()["persuadable"] <= 0
    assert change.mean()["persuadable"] < 0
    assert change.min()["sleeping_dog"] >= 0
    assert change.mean()["sleeping_dog"] > 0
    assert change.mean()["indifferent"] == 0


def test_contacts_are_in_the_log_and_some_of_the_vocal_answer():
    world = World(WorldSettings(customers=1_000, seed=31))
    world.advance(30)
    truth = world.truth().set_index("customer_id")
    at = pd.Timestamp(world.today, tz="UTC") + pd.Timedelta(hours=9)
    contacts = pd.DataFrame(
        {"customer_id": truth.index, "at": at, "kind": "check_in", "channel": "email"}
    )
    contacts["message_id"] = "m-" + contacts["customer_id"]
    log = world.advance(15, contacts)
    sent = log[log["kind"] == "outreach_sent"]
    answered = log[log["kind"] == "outreach_answered"]
    assert len(sent) == pytest.approx(len(contacts), rel=0.02)  # a few had gone by nine
    assert set(sent["channel"]) == {"email"}
    assert 0.1 < len(answered) / (~truth["silent"]).sum() < 0.3
    assert not truth.loc[answered["customer_id"], "silent"].any()
    assert (answered["caused_by"] == "m-" + answered["customer_id"]).all()
    assert log.loc[~log["kind"].str.startswith("outreach"), "caused_by"].isna().all()


def test_truth_stands_in_no_table_of_the_contract(lived: Lived):
    secret = {"silent", "response", "mood", "attachment", "hazard", "leave_90", "effect_90"}
    world = lived.world
    for table in (world.customers(), world.terms(), world.agents(), world.consents()):
        assert not secret & set(table.columns)
