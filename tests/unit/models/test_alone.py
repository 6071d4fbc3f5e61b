"""Who would have left if left alone, from rows of whom some were contacted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_world import QUICK

from models.alone import LEAST_CHANCE, Treated, judge_alone, left_alone
from models.contracts import Feature
from models.dataset import Contacts, Dataset
from models.metrics import Ranking

HORIZON = QUICK.horizon_days
FEATURES = (Feature("risk", "", "S1", "risk"), Feature("noise", "", "S1", "noise"))


def lived(
    rows: int = 20_000, effect: float = 4.0, often: float = 0.006, seed: int = 0
) -> tuple[Dataset, np.ndarray]:
    """Rows, and who would have left without contact. The risky leave, and are contacted, more
    often; a contact multiplies the hazard of leaving by `effect`."""
    rng = np.random.default_rng(seed)
    risk = rng.normal(0, 1, rows)
    hazard, contact = 0.002 * np.exp(0.8 * risk), often * np.exp(0.8 * risk)
    alone, at = rng.exponential(1 / hazard), rng.exponential(1 / contact)
    treated = (at < alone) & (at < HORIZON)
    leaves = np.where(treated, at + rng.exponential(1 / hazard / effect), alone)
    left = leaves < HORIZON
    data = Dataset(
        X=np.column_stack([risk, rng.normal(0, 1, rows)]),
        y=left,
        customer=np.arange(rows),
        as_of=np.zeros(rows, np.int64),
        silent=np.zeros(rows, bool),
        features=FEATURES,
        leaves_in=np.where(left, leaves, np.nan),
        contacts=Contacts(np.where(treated, at, np.nan), rng.random(rows) < 0.1),
    )
    return data, alone < HORIZON


@pytest.mark.parametrize("effect", [0.2, 4.0])
def test_those_left_alone_count_so_that_as_many_leave_as_without_contact(effect: float):
    data, truth = lived(effect=effect)
    found = left_alone(data, QUICK)
    alone = found.alone > 0
    assert data.contacts is not None
    assert np.array_equal(alone, ~data.contacts.within)
    assert found.base_rate == pytest.approx(truth.mean(), abs=0.012)
    assert abs(data.base_rate - truth.mean()) > 0.03  # as it is
    assert abs(data.y[alone].mean() - truth.mean()) > 0.012  # just left out
    risky = data.X[:, 0] > 0.7  # half of whom were contacted
    truly = truth[risky].mean()
    told = np.average(data.y[risky], weights=found.alone[risky])
    assert abs(told - truly) < 0.05
    others = data.y[risky & alone].mean(), data.y[risky].mean()  # left out, as it is
    assert abs(told - truly) < 0.5 * min(abs(other - truly) for other in others)


def test_without_dates_of_leaving_the_weights_follow_who_is_contacted():
    data, _ = lived()
    found = left_alone(replace(data, leaves_in=None), QUICK)
    alone, risky = found.alone > 0, found.X[:, 0] > 1
    assert found.alone[alone & risky].mean() > 1.3 * found.alone[alone & ~risky].mean()


def test_no_row_counts_for_more_than_ten_and_all_count_as_many_as_there_were():
    data, _ = lived()
    found = left_alone(data, QUICK)
    assert found.alone.sum() == pytest.approx(len(data))
    assert found.alone.max() / found.alone[found.alone > 0].min() <= 1 / LEAST_CHANCE


def test_where_nobody_was_contacted_nothing_changes():
    data, _ = lived(rows=50)
    nobody = Contacts(np.full(50, np.nan), np.zeros(50, bool))
    for contacts in (None, nobody):
        plain = replace(data, contacts=contacts)
        assert left_alone(plain, QUICK) is plain
        assert Treated.of(plain).words == "Nobody was contacted."


def test_of_a_handful_of_contacts_all_rows_count_alike_for_their_days():
    data, _ = lived(rows=400)
    assert data.contacts is not None
    few = np.full(400, np.nan)
    few[:10] = 5.0
    found = left_alone(replace(data, contacts=Contacts(few, few > 0)), QUICK)
    assert (found.alone > 0).sum() == 390
    assert np.ptp(found.alone[found.alone > 0]) < 0.1


def test_probabilities_are_judged_by_who_leaves_if_left_alone():
    """Contact harms: the true chance of leaving alone is too low for what happened, and is true."""
    data, truth = lived(effect=8.0, often=0.003)
    chance = 1 - np.exp(-0.002 * np.exp(0.8 * data.X[:, 0]) * HORIZON)
    told = judge_alone(data, chance, QUICK)
    assert told is not None
    assert told.said == pytest.approx(truth.mean(), abs=0.012)
    assert told.left == pytest.approx(truth.mean(), abs=0.012)
    assert data.y.mean() > told.said + 0.03
    assert told.auc == pytest.approx(Ranking(truth, chance).auc(), abs=0.02)
    assert told.brier == pytest.approx(np.mean((chance - truth) ** 2), abs=0.01)
    assert "if nobody were contacted" in next(told.lines())
    assert judge_alone(replace(data, contacts=None), chance, QUICK) is None


def test_it_says_how_many_were_contacted_and_what_was_done():
    data, _ = lived()
    words = Treated.of(left_alone(data, QUICK)).words
    within = int(data.contacts.within.sum()) if data.contacts else 0
    assert words.startswith(f"{within:,} of 20,000 rows (")
    assert "probabilities are those of rows left alone" in words
