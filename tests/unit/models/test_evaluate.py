from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from small_world import QUICK, world

from models.churn import ChurnModel, Dataset, cross_predict
from models.evaluate import Report, evaluate, judge
from models.metrics import Calibrated, Interval, Metrics, calibration_error, top_decile_lift


def report_of(data: Dataset, p: np.ndarray, **more: Any) -> Report:
    return evaluate(
        data.y,
        p,
        customer=data.customer,
        silent=data.silent,
        longest_silence=data.X[:, 2],
        base_rate=0.25,
        **more,
    )


@pytest.fixture(scope="module")
def later() -> Dataset:
    return world(seed=3)


@pytest.fixture(scope="module")
def report(later: Dataset, model: ChurnModel) -> Report:
    return report_of(later, model.predict(later.X))


@pytest.mark.parametrize("who", ["all", "silent", "vocal"])
def test_metrics_equal_scikit_learns(who: str, report: Report, later: Dataset, model: ChurnModel):
    rows = {"all": np.ones(len(later), bool), "silent": later.silent, "vocal": ~later.silent}[who]
    y, p = later.y[rows], model.predict(later.X)[rows]
    found: Metrics = getattr(report.model, who)
    assert found.rows == rows.sum()
    assert found.auc == pytest.approx(roc_auc_score(y, p))
    assert found.average_precision == pytest.approx(average_precision_score(y, p))
    assert found.brier == pytest.approx(brier_score_loss(y, p))


def test_ties_count_half_whatever_the_order_of_the_rows():
    y = np.array([True, False, True, False, False] * 20)
    score = np.array([1.0, 1.0, 0.0, 0.0, 0.0] * 20)
    found = Metrics.of(y, score)
    assert found.auc == pytest.approx(roc_auc_score(y, score))
    assert found.average_precision == pytest.approx(average_precision_score(y, score))
    assert top_decile_lift(y, score) == pytest.approx(0.5 / 0.4)


def test_calibration_error_is_nothing_for_the_truth_and_the_distance_for_a_shift():
    rng = np.random.default_rng(0)
    p = rng.random(60_000) * 0.5
    y = rng.random(60_000) < p
    assert calibration_error(y, p) < 0.01
    assert calibration_error(y, p + 0.2) == pytest.approx(0.2, abs=0.01)


def test_baselines_stand_in_the_same_report(report: Report, later: Dataset):
    silence, base = report.baselines
    assert silence.name == "longest silence"
    never = np.where(np.isnan(later.X[:, 2]), 1e9, later.X[:, 2])
    assert silence.all.auc == pytest.approx(roc_auc_score(later.y, never))
    assert silence.all.brier is None
    assert base.all.auc == 0.5
    assert base.all.brier == pytest.approx(np.mean((0.25 - later.y) ** 2))


def test_the_interval_holds_the_figure_and_is_the_same_each_time(
    report: Report, later: Dataset, model: ChurnModel
):
    auc = report.model.auc
    assert auc is not None
    assert auc.low < auc.value < auc.high
    assert report_of(later, model.predict(later.X)) == report


def test_repeating_customers_does_not_make_the_interval_narrower(
    report: Report, later: Dataset, model: ChurnModel
):
    thrice = later.take(np.repeat(np.arange(len(later)), 3))
    wide, again = report.model.auc, report_of(thrice, model.predict(thrice.X)).model.auc
    assert wide is not None
    assert again is not None
    assert again.high - again.low == pytest.approx(wide.high - wide.low, rel=0.25)


def test_a_good_first_model_is_promoted(report: Report):
    verdict = judge(report)
    assert verdict.promote
    assert report.grade == "A"


def test_skill_without_a_rich_top_tenth_is_grade_b(later: Dataset, model: ChurnModel):
    p = model.predict(later.X)
    blind = np.where(p >= np.quantile(p, 0.85), p.mean(), p)
    report = report_of(later, blind)
    assert report.model.auc is not None
    assert report.model.auc.low > 0.55
    assert report.gains["base rate"]["brier"].low > 0
    assert report.model.all.top_decile_lift is not None
    assert 1 < report.model.all.top_decile_lift < 2
    assert report.grade == "B"


def test_a_good_ranking_of_untrue_probabilities_is_grade_c_and_not_promoted(
    later: Dataset, model: ChurnModel
):
    report = report_of(later, np.clip(model.predict(later.X) + 0.25, 0, 1))
    assert report.model.all.top_decile_lift is not None
    assert report.model.all.top_decile_lift > 2
    assert report.grade == "C"
    lacks = "its probabilities are no nearer the truth than the base rate"
    assert judge(report).reasons[1].startswith(lacks)


def test_where_most_leave_a_top_tenth_near_the_reachable_is_grade_a(
    later: Dataset, model: ChurnModel
):
    most = replace(later, y=~later.y)
    report = evaluate(
        most.y,
        1 - model.predict(most.X),
        customer=most.customer,
        silent=most.silent,
        longest_silence=most.X[:, 2],
        base_rate=0.75,
    )
    assert report.model.all.top_decile_lift is not None
    assert 0.9 / report.base_rate < report.model.all.top_decile_lift < 2
    assert report.grade == "A"


def test_a_model_of_noise_is_not():
    noise = world(rows=1000, signal=0.0)
    verdict = judge(report_of(noise, cross_predict(noise, QUICK, folds=3)))
    assert not verdict.promote
    assert verdict.reasons[0] == "no skill found: not promoted"


def test_a_model_that_only_knows_silence_is_not(later: Dataset):
    days = np.where(np.isnan(later.X[:, 2]), 1e3, later.X[:, 2])
    verdict = judge(report_of(later, days / days.max()))
    assert any("longest silence" in reason for reason in verdict.reasons)


def test_held_out_rows_of_one_class_cannot_be_judged(later: Dataset, model: ChurnModel):
    nobody = replace(later, y=np.zeros(len(later), bool))
    report = report_of(nobody, model.predict(nobody.X))
    assert judge(report).reasons[0].startswith("cannot be judged")
    assert report.grade == "C"


def test_a_challenger_worse_than_the_champion_is_not_promoted(later: Dataset, model: ChurnModel):
    p = model.predict(later.X)
    blurred = np.clip(p + np.random.default_rng(0).normal(0, 0.15, len(p)), 0.01, 0.99)
    assert not judge(report_of(later, blurred, champion=p)).promote
    assert judge(report_of(later, p, champion=blurred)).promote
    assert judge(report_of(later, p, champion=p)).promote


def test_a_challenger_that_is_worse_by_chance_alone_is_promoted(later: Dataset, model: ChurnModel):
    p = model.predict(later.X)
    nearly = np.clip(p + np.random.default_rng(0).normal(0, 0.01, len(p)), 0.01, 0.99)
    report = report_of(later, nearly, champion=p)
    gains = report.gains["champion"]
    assert any(gain.value < 0 for gain in gains.values())
    assert judge(report).promote
    # Paired: of two models that hardly differ a draw favours neither.
    auc = report.model.auc
    assert auc is not None
    assert gains["auc"].high - gains["auc"].low < (auc.high - auc.low) / 4


def test_the_report_is_plain_json_and_a_table(report: Report):
    assert report.to_dict()["model"]["silent"]["auc"] == report.model.silent.auc
    lines = report.lines()
    assert any(line.startswith("longest silence, vocal") for line in lines)
    assert f"AUC {report.model.auc}" in lines


def test_no_rows_are_refused(later: Dataset):
    with pytest.raises(ValueError, match="no held-out row"):
        report_of(later.take(np.zeros(len(later), bool)), np.empty(0))


def test_an_interval_reads_as_people_write_it():
    assert str(Interval(0.7314, 0.7, 0.7609)) == "0.731 [0.700, 0.761]"


def silent_swapped(data: Dataset, p: np.ndarray) -> np.ndarray:
    """The same probabilities, dealt out anew among the silent: only their ranking is lost."""
    out = p.copy()
    out[data.silent] = np.random.default_rng(1).permutation(p[data.silent])
    return out


def test_a_challenger_that_is_worse_for_the_silent_alone_is_not_promoted(
    later: Dataset, model: ChurnModel
):
    rows = np.flatnonzero(~later.silent | (np.arange(len(later)) % 3 == 0))
    few_silent = later.take(rows)
    p = model.predict(few_silent.X)
    verdict = judge(report_of(few_silent, silent_swapped(few_silent, p), champion=p))
    assert not verdict.promote
    assert any(reason.startswith("silent auc gain") for reason in verdict.reasons)


def test_a_challenger_that_ranks_alike_and_is_off_in_its_probabilities_is_not_promoted(
    later: Dataset, model: ChurnModel
):
    p = model.predict(later.X)
    report = report_of(later, np.clip(p + 0.08, 0, 1), champion=p)
    assert report.gains["champion"]["auc"].value == pytest.approx(0, abs=1e-3)
    verdict = judge(report)
    assert not verdict.promote
    assert any(reason.startswith("calibration gain") for reason in verdict.reasons)


def test_where_the_silent_are_too_few_to_compare_the_verdict_says_so(
    later: Dataset, model: ChurnModel
):
    p = model.predict(later.X)
    vocal = replace(later, silent=np.zeros(len(later), bool))
    verdict = judge(report_of(vocal, p, champion=p))
    assert verdict.promote
    assert "the silent are too few" in verdict.reasons[1]


def test_a_draw_of_the_calibration_error_with_equal_weights_is_the_figure_itself(
    later: Dataset, model: ChurnModel
):
    p = model.predict(later.X)
    assert Calibrated(later.y, p).error(np.ones(len(p))) == pytest.approx(
        calibration_error(later.y, p)
    )


def test_the_gain_curve_is_the_share_of_leavers_in_the_riskiest_share(report: Report, later, model):
    p = model.predict(later.X)
    order = np.argsort(-p)
    for point in report.gain:
        first = order[: round(point.contacted * len(p))]
        assert point.found == pytest.approx(later.y[first].sum() / later.y.sum(), abs=2e-3)
        assert point.lift == pytest.approx(point.found / point.contacted)
    assert [point.found for point in report.gain] == sorted(point.found for point in report.gain)
