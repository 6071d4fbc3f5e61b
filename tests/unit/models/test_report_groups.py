"""For whom the model works, group by group, and which groups are too small to tell."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score
from small_world import world

from models.churn import ChurnModel, Dataset
from models.groups import FEWEST, MOST, Group, Grouping, in_the_top, lines, of_groups
from models.metrics import top_decile_lift


@pytest.fixture(scope="module")
def later() -> Dataset:
    return world(seed=3)


def quality(data: Dataset, p: np.ndarray, *groupings: Grouping) -> dict[str, Group]:
    found = of_groups(
        data.y, p, customer=data.customer, silent=data.silent, groupings=groupings, draws=60
    )
    return {f"{group.kind}, {group.name}": group for group in found}


def halves(data: Dataset) -> Grouping:
    """Customers of even and odd number."""
    return Grouping("segment", ("even", "odd"), data.customer % 2)


def test_each_group_is_judged_by_its_own_rows(later: Dataset, model: ChurnModel):
    p = model.predict(later.X)
    found = quality(later, p, halves(later))
    rows = later.customer % 2 == 0
    even = found["segment, even"]
    assert even.metrics.rows == rows.sum()
    assert even.metrics.leavers == later.y[rows].sum()
    assert even.figures is not None
    assert even.figures.auc.value == pytest.approx(roc_auc_score(later.y[rows], p[rows]))
    assert even.figures.brier.value == pytest.approx(brier_score_loss(later.y[rows], p[rows]))
    off = p[rows].mean() - later.y[rows].mean()
    assert even.figures.calibration.value == pytest.approx(off)


def test_lift_equals_the_plain_one_where_a_tenth_is_a_whole_number(
    later: Dataset, model: ChurnModel
):
    p = model.predict(later.X)
    figures = quality(later, p)["everybody, all"].figures
    assert figures is not None
    assert len(later) % 10 == 0
    assert figures.lift.value == pytest.approx(top_decile_lift(later.y, p))


def test_the_silent_and_the_vocal_are_always_shown_and_intervals_hold_the_figure(
    later: Dataset, model: ChurnModel
):
    found = quality(later, model.predict(later.X))
    assert list(found) == ["everybody, all", "silence, vocal", "silence, silent"]
    for group in found.values():
        assert group.figures is not None
        for figure in vars(group.figures).values():
            assert figure.low <= figure.value <= figure.high


def test_a_group_with_too_few_leavers_is_said_to_be_so_and_has_no_figure(
    later: Dataset, model: ChurnModel
):
    leavers = np.unique(later.customer[later.y])[: FEWEST - 1]
    stayers = np.setdiff1d(later.customer, np.unique(later.customer[later.y]))[:50]
    code = np.where(np.isin(later.customer, [*leavers, *stayers]), 0, 1)
    found = quality(later, model.predict(later.X), Grouping("region", ("few", "rest"), code))
    few = found["region, few"]
    assert few.figures is None
    assert few.metrics.auc is None
    assert few.why == f"too few to tell: {FEWEST - 1} left, {FEWEST} are needed"
    told = list(lines(list(found.values())))
    (line,) = [line for line in told if line.startswith("region, few")]
    assert line.endswith(few.why)
    assert found["region, rest"].figures is not None


def test_rows_of_one_customer_do_not_make_a_group_large_enough(later: Dataset, model: ChurnModel):
    one = np.flatnonzero(later.y)[:1]
    many = later.take(np.concatenate([np.arange(len(later)), np.repeat(one, 200)]))
    code = np.where(np.arange(len(many)) >= len(later), 0, 1)
    found = quality(many, model.predict(many.X), Grouping("region", ("him", "rest"), code))
    assert found["region, him"].why.startswith("too few to tell: ")


def test_a_group_whose_probabilities_are_off_is_named_and_the_others_are_not(later: Dataset):
    rng = np.random.default_rng(5)
    truth = np.clip(rng.beta(2, 5, len(later)), 0.01, 0.99)
    data = Dataset(
        later.X, rng.random(len(later)) < truth, np.arange(len(later)), later.as_of,
        np.zeros(len(later), bool), later.features,
    )  # fmt: skip
    said = np.where(data.customer % 2 == 0, truth, np.clip(truth + 0.15, 0, 1))
    found = quality(data, said, halves(data))
    told = [line for line in lines(list(found.values())) if "beyond chance" in line]
    assert [line.partition(":")[0] for line in told] == [
        "everybody, all", "silence, vocal", "segment, odd",
    ]  # fmt: skip


def test_a_group_that_is_never_chosen_shows_that_its_leavers_are_not_found(later: Dataset):
    rng = np.random.default_rng(6)
    p = rng.random(len(later)) + (later.customer % 2)
    figures = quality(later, p, halves(later))["segment, even"].figures
    assert figures is not None
    assert figures.chosen.value == 0
    assert figures.found.value == 0


def test_the_smallest_of_many_groups_are_judged_together(later: Dataset, model: ChurnModel):
    code = np.minimum(later.customer // 10, 39)
    names = tuple(f"r{number}" for number in range(40))
    found = quality(later, model.predict(later.X), Grouping("region", names, code))
    regions = {name: group for name, group in found.items() if name.startswith("region")}
    assert len(regions) == MOST
    assert sum(group.metrics.rows for group in regions.values()) == len(later)
    assert "region, others" in regions


def test_equal_scores_are_each_chosen_in_part():
    assert in_the_top(np.array([3.0, 2, 2, 1, 1, 1, 1, 1, 1, 1]), top=0.2).tolist() == [
        1, 0.5, 0.5, 0, 0, 0, 0, 0, 0, 0,
    ]  # fmt: skip
