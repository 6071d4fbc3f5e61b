"""What pace must do whatever its constants are; how it is worked out is in the spec tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from models.contracts import DAY, KIND_CODE
from pipelines.features import matrix
from pipelines.features.stream import PACE_STEP, PACED
from tests.unit.pipelines.features.histories import AS_OF, HOUR, context, events
from tests.unit.pipelines.features.test_matrix import EMPTY

NIGHT = matrix.Night(AS_OF, AS_OF + 6 * HOUR)
YEARS = range(3 * 365, 0, -1)


def use(days_ago: int, value: float = 1.0, hour: int = 0) -> dict[str, Any]:
    at = AS_OF - days_ago * DAY + hour * HOUR
    kind = KIND_CODE["usage"]
    return EMPTY | {"customer": 0, "at": at, "recorded": at, "kind": kind, "value": value}


def told(rows: list[dict[str, Any]], night: matrix.Night = NIGHT) -> dict[str, float]:
    """The figures of pace by name."""
    alone = np.zeros(1, np.int32), np.full(1, AS_OF - 4000 * DAY)
    row = matrix.compute(events(rows), *alone, [night], context())[0, 0]
    return {op: float(row[matrix.column(f"usage_{op}")]) for op in PACED}


def every(days: int, since: int, until: int = 0) -> list[int]:
    return list(range(since, until, -days))


@pytest.mark.parametrize("days", [1, 3, 7, 30])
def test_steady_use_is_the_usual_pace(days):
    now = told([use(ago) for ago in every(days, 1000)])
    assert now["pace"] == pytest.approx(1, abs=0.25)
    assert now["usual"] == pytest.approx(30 / days, rel=0.35)


def test_halved_use_halves_the_pace_and_in_the_end_becomes_usual():
    before = every(3, 1000, 100)
    steady = told([use(ago) for ago in every(3, 1000)])
    halved = told([use(ago) for ago in before + every(6, 100)])
    stopped = told([use(ago) for ago in before])
    long_since = told([use(ago) for ago in every(3, 4000, 3000) + every(6, 3000)])
    assert 0.4 < halved["pace"] / steady["pace"] < 0.75
    assert stopped["pace"] < 0.25
    assert long_since["pace"] == pytest.approx(1, abs=0.25)


def test_smaller_amounts_are_a_slower_pace_and_their_unit_does_not_matter():
    days = every(3, 1000)
    fading = [use(ago, 10.0 if ago > 60 else 3.0) for ago in days]
    in_cents = [row | {"value": row["value"] * 100} for row in fading]
    steady, now, same = told([use(ago, 10.0) for ago in days]), told(fading), told(in_cents)
    assert now["pace"] < 0.8 * steady["pace"]
    assert same["pace"] == pytest.approx(now["pace"])


def test_the_more_use_the_more_certain():
    errors = [told([use(ago) for ago in every(days, 300)])["pace_error"] for days in (60, 20, 3)]
    assert errors[0] > errors[1] > errors[2] > 1


def test_the_order_of_a_days_rows_does_not_matter():
    values = [1.0, 0.0, np.nan, -3.0, 7.0]
    days = every(5, 200)
    one, other = (
        told([use(ago, value, hour) for ago in days for hour, value in enumerate(order)])
        for order in (values, values[::-1])
    )
    assert one == pytest.approx(other)


@pytest.mark.parametrize(
    "rows",
    [
        [use(1)],
        [use(3000)],
        [use(1, 1.0, hour % 24) for hour in range(5000)],
        [use(ago, 1e308) for ago in YEARS for _ in range(3)],
        [use(ago, 5e-324) for ago in YEARS],
        [use(ago, 1e308 if ago % 2 else 1e-300) for ago in YEARS],
        [use(ago) for ago in range(3650, 0, -1)],
        [use(ago) for ago in range(3650, 3000, -1)],
        [use(ago) for ago in (3650, 3649, 2, 1)],
    ],
)  # fmt: skip
def test_whatever_was_used_the_figures_are_numbers(rows):
    for night in (NIGHT, matrix.Night(AS_OF - 12 * HOUR, AS_OF)):
        now = told(rows, night)
        assert np.isfinite(list(now.values())).all(), now
        assert now["pace_error"] >= 1


@pytest.mark.parametrize("value", [np.nan, 0.0, -2.0])
def test_without_an_amount_the_days_alone_count(value):
    days = every(7, 365)
    without, steady = told([use(ago, value) for ago in days]), told([use(ago, 5.0) for ago in days])
    assert without["usual"] == pytest.approx(steady["usual"], rel=0.1)
    assert without["pace"] == pytest.approx(1, abs=0.25)
    assert without["pace_error"] > steady["pace_error"]


def test_a_night_within_a_step_learns_from_the_days_so_far():
    rows = [use(ago) for ago in every(4, 400)]
    paces = [told(rows, matrix.Night(AS_OF + day * DAY, AS_OF + 99 * DAY))["pace"]
             for day in range(2 * PACE_STEP)]  # fmt: skip
    assert np.diff(paces).max() < 0.02  # the later, the longer the silence
