from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from models.calibration import probability
from models.churn import ChurnModel, Dataset
from models.contracts import Feature
from models.drivers import DRAWS, SYSTEMS, drivers
from models.effects import _effect, effects, lines
from models.metrics import resampled
from models.plots import draw_effects
from pipelines.features.matrix import features


def worth(data: Dataset, model: ChurnModel, value: np.ndarray, **more: object):
    return drivers(model, data.X, value, customer=data.customer, as_of=0, unit="EUR", **more)  # type: ignore[arg-type]


def test_the_parts_of_all_systems_sum_to_the_value_at_risk_beyond_the_average(
    data: Dataset, model: ChurnModel
):
    value = np.random.default_rng(1).lognormal(5, 1, len(data))
    found = worth(data, model, value)
    assert found is not None
    p, p0 = model.predict(data.X), probability(np.array([model.average]))[0]
    net = sum(one.net.value for one in found.systems)
    assert net == pytest.approx(float((p - p0) @ value))
    assert found.at_risk == pytest.approx(float(p @ value))
    assert found.at_risk - found.average == pytest.approx(net)
    for one in found.systems:
        assert one.raises + one.lowers == pytest.approx(one.net.value)
        assert one.lowers <= 0 <= one.raises
        assert one.net.low <= one.net.value <= one.net.high
    # Of the others nothing raises the risk.
    assert 0.9 * len(data) < sum(one.customers for one in found.systems) <= len(data)


def test_the_systems_that_the_world_was_made_with_come_first(data: Dataset, model: ChurnModel):
    found = worth(data, model, np.ones(len(data)))
    assert found is not None
    order = [one.system for one in found.systems]
    assert order[0] == "S2"  # silence and use
    by_system = {one.system: one for one in found.systems}
    assert by_system["S1"].raises == 0  # what never varies, or is never known
    assert by_system["S2"].says in {"silence", "use_trend"}
    assert "silence and fading use" in "\n".join(found.lines())


def test_customers_of_unknown_value_are_left_out_unless_all_are(data: Dataset, model: ChurnModel):
    value = np.full(len(data), np.nan)
    found = worth(data, model, value)
    assert found is not None
    assert (found.unit, found.customers) == ("customers", len(data))
    value[:100] = 10.0
    found = worth(data, model, value)
    assert found is not None
    assert (found.unit, found.customers) == ("EUR", 100)
    assert found.at_risk == pytest.approx(10 * model.predict(data.X[:100]).sum())


def test_of_very_many_customers_those_drawn_stand_for_all(
    data: Dataset, model: ChurnModel, monkeypatch: pytest.MonkeyPatch
):
    whole = worth(data, model, np.ones(len(data)))
    monkeypatch.setattr("models.drivers.MOST_ROWS", 750)
    half = worth(data, model, np.ones(len(data)), seed=3)
    assert whole is not None
    assert half is not None
    assert half.at_risk == pytest.approx(whole.at_risk, rel=0.1)
    assert half.average == pytest.approx(whole.average)
    raised = [sum(one.customers for one in each.systems) for each in (half, whole)]
    assert raised[0] == pytest.approx(raised[1], rel=0.05)


def test_every_system_that_features_belong_to_has_a_name():
    assert {feature.system for feature in features()} <= SYSTEMS.keys()


@dataclass(frozen=True)
class Straight:
    """A tenth of a point for each of the first, half of that for each of the second."""

    features = (
        Feature("first", "{value} of the first", "S1", "a", "count"),
        Feature("second", "{value} of the second", "S1", "b", "count"),
    )

    def predict(self, rows: np.ndarray, threads: int = 1) -> np.ndarray:
        return 0.001 * rows[:, 0] + 0.0005 * np.nan_to_num(rows[:, 1])


def test_an_effect_is_the_features_own_although_another_goes_with_it():
    rng = np.random.default_rng(0)
    first = rng.integers(0, 40, 4000).astype(float)
    second = first + rng.integers(0, 3, 4000)  # nearly the same
    second[:1000] = np.nan
    rows = np.column_stack([first, second])
    draws = np.array(list(resampled(np.arange(4000), DRAWS, 0)))
    effect = _effect(Straight(), rows, 1, draws, 1)  # type: ignore[arg-type]
    assert effect.known == 0.75
    x = np.array([point.value for point in effect.points])
    y = np.array([point.effect for point in effect.points])
    assert np.diff(y) == pytest.approx(0.0005 * np.diff(x))  # dependence would say three times that
    assert all(point.low <= point.effect <= point.high for point in effect.points)
    known = rows[1000:, 1]
    assert np.interp(known, x, y).mean() == pytest.approx(0, abs=5e-4)
    assert effect.says[-1] == "41 of the second"


def test_effects_of_the_strongest_features_rise_as_the_world_was_made(
    data: Dataset, model: ChurnModel, tmp_path
):
    found = effects(model, data.X, customer=data.customer)
    by_name = {effect.feature: effect for effect in found}
    assert {"silence", "use_trend"} <= by_name.keys()
    assert not {"never_varies", "never_known"} & by_name.keys()
    silence, use = (by_name[name].points for name in ("silence", "use_trend"))
    assert silence[-1].low > silence[0].high
    assert use[-1].high < use[0].low
    assert by_name["silence"].known == pytest.approx(0.95, abs=0.02)
    few = effects(model, data.X[:400], customer=data.customer[:400])
    (fewer,) = [effect.points for effect in few if effect.feature == "silence"]
    widths = [points[-1].high - points[-1].low for points in (silence, fewer)]
    assert 0 < widths[0] < widths[1]
    assert any("days without a sign" in line for line in lines(found))
    draw_effects(tmp_path / "effects.png", found)
    assert (tmp_path / "effects.png").stat().st_size > 10_000
    draw_effects(tmp_path / "none.png", ())
