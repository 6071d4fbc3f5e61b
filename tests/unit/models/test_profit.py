"""Expected maximum profit, against a case worked by hand and against plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from models.profit import CONTACT, INCENTIVE, TAKES, best_campaign, cuts, expected_profit


def company(seed: int = 0, rows: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities that are true, and values of very different size."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 6, rows)
    return rng.random(rows) < p, p, rng.lognormal(5, 1, rows)


def test_a_case_worked_by_hand():
    # Four customers worth 100, riskiest first: leaver, stayer, leaver, stayer. The offer costs 10
    # and the contact 1; gamma is anything from 0 to 1, all alike. A customer, contacting
    #   nobody brings 0, the first one 22.5 gamma - 0.25, the first three 45 gamma - 3.25.
    # The first pays from gamma = 1/90 on, three from 2/15 on, so the mean of the best is
    #   11.25 (4/225 - 1/8100) - 0.25 (2/15 - 1/90) + 22.5 (1 - 4/225) - 3.25 (1 - 2/15)
    # and the share contacted 1/4 (2/15 - 1/90) + 3/4 (1 - 2/15).
    found = best_campaign(
        np.array([True, False, True, False]),
        np.array([0.9, 0.7, 0.5, 0.1]),
        np.full(4, 100.0),
        incentive=10,
        contact=1,
        takes=(1, 1),
    )
    assert found.profit == pytest.approx(
        11.25 * (4 / 225 - 1 / 8100) - 0.25 * (2 / 15 - 1 / 90)
        + 22.5 * (1 - 4 / 225) - 3.25 * (1 - 2 / 15)
    )  # fmt: skip
    assert found.profit == pytest.approx(19.4514, abs=1e-4)
    assert found.share == pytest.approx(0.25 * (2 / 15 - 1 / 90) + 0.75 * (1 - 2 / 15))


@pytest.mark.parametrize("seed", range(5))
def test_it_equals_the_mean_over_many_chances_of_the_best_of_all_cuts(seed: int):
    y, p, value = company(seed)
    costs = {"incentive": 20.0, "contact": 2.0}
    found = best_campaign(y, p * value, value, **costs)
    slope, height = cuts(y, p * value, value, **costs)
    gamma = beta(*TAKES).ppf((np.arange(4000) + 0.5) / 4000)
    every = gamma[:, None] * slope + height
    assert found.profit == pytest.approx(every.max(axis=1).mean(), rel=1e-3)
    assert found.share == pytest.approx(every.argmax(axis=1).mean() / len(y), abs=5e-3)


def test_where_all_are_worth_the_same_it_is_the_published_measure():
    # Verbraken et al. (2013), equation 11, in shares of leavers and stayers at each cut.
    y, p, _ = company(7, 1000)
    worth, offer, contact = 200.0, 10.0, 1.0
    order = np.argsort(-p)
    left = np.concatenate([[0], np.cumsum(y[order])]) / y.sum()
    stayed = np.concatenate([[0], np.cumsum(~y[order])]) / (~y).sum()
    delta, phi = offer / worth, contact / worth
    gamma = beta(*TAKES).ppf((np.arange(4000) + 0.5) / 4000)[:, None]
    gain = worth * (gamma * (1 - delta) - phi) * y.mean() * left
    loss = worth * (delta + phi) * (1 - y.mean()) * stayed
    published = (gain - loss).max(axis=1).mean()
    found = best_campaign(y, p, np.full(len(y), worth), incentive=offer, contact=contact)
    assert found.profit == pytest.approx(published, rel=1e-3)


def test_values_of_their_own_make_ranking_by_stake_worth_more_than_by_risk():
    found = expected_profit(*company(1, 5000), unit="EUR")
    assert found is not None
    assert found.by_stake.profit > found.by_risk.profit
    assert "EUR a customer" in found.words


def test_a_ranking_that_knows_nothing_contacts_hardly_anybody():
    rng = np.random.default_rng(0)
    y = rng.random(5000) < 0.02
    value = np.ones(5000)
    found = best_campaign(y, rng.random(5000), value, incentive=INCENTIVE, contact=CONTACT)
    assert found.share < 0.01
    assert 0 <= found.profit < 0.001


def test_a_leaver_worth_less_than_the_offer_makes_no_cut_attractive():
    y = np.array([True, False])
    found = best_campaign(y, np.array([2.0, 1.0]), np.array([5.0, 5.0]), incentive=10, contact=1)
    assert found.profit == 0
    assert found.share == 0


def test_customers_without_a_value_are_left_out_and_without_any_all_count_alike():
    y, p, value = company(2)
    some = value.copy()
    some[::2] = np.nan
    found = expected_profit(y, p, some, unit="EUR")
    assert found is not None
    assert found.rows == len(y) // 2
    alike = expected_profit(y, p, np.full(len(y), np.nan), unit="EUR")
    assert alike is not None
    assert alike.unit == "of a customer's value"
    assert alike.by_stake == alike.by_risk


def test_without_a_leaver_there_is_nothing_to_tell():
    assert expected_profit(np.zeros(5, bool), np.ones(5) / 2, np.ones(5), unit="EUR") is None
