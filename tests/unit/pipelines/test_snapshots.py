"""Dates to learn from and to judge on, with an embargo of one horizon between them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import NotEnoughData
from pipelines import snapshots

UTC_ZONE = ZoneInfo("UTC")


def test_training_labels_end_before_the_first_date_judged_on():
    plan = snapshots.plan(date(2024, 7, 1), date(2026, 7, 1), horizon=90, wanted=8, min_history=60)
    assert plan.judging[-1] == date(2026, 4, 2)
    assert plan.judging[-1] + timedelta(days=90) == date(2026, 7, 1)
    assert plan.training[-1] + timedelta(days=90) <= plan.judging[0]
    assert len(plan.training) == 8
    assert list(plan.training) == sorted(plan.training)


@given(
    days=st.integers(1, 1500),
    horizon=st.integers(1, 400),
    wanted=st.integers(1, 20),
    min_history=st.integers(1, 200),
)
def test_no_plan_breaks_its_promises(days, horizon, wanted, min_history):
    first = date(2020, 1, 1)
    last = first + timedelta(days=days)
    try:
        plan = snapshots.plan(first, last, horizon, wanted, min_history)
    except NotEnoughData:
        assert days < min_history + 2 * horizon
        return
    span = timedelta(days=horizon)
    assert plan.training
    assert plan.training[0] >= first + timedelta(days=min_history)
    assert plan.training[-1] + span <= plan.judging[0]
    assert plan.judging[-1] + span <= last
    assert len(plan.training) <= wanted


def test_too_short_a_history_is_refused_with_the_date_when_it_suffices():
    with pytest.raises(NotEnoughData, match="that is there by 2026-08-29"):
        snapshots.plan(date(2026, 1, 1), date(2026, 5, 1), horizon=90, wanted=8, min_history=60)


def test_tonight_knows_what_was_recorded_until_its_start_and_a_past_night_until_its_hour():
    now = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
    tonight = snapshots.night(date(2026, 7, 1), UTC_ZONE, 6, now)
    past = snapshots.night(date(2026, 6, 1), UTC_ZONE, 6, now)
    assert tonight.cutoff == int(now.timestamp())
    assert past.cutoff - past.as_of == 6 * 3600


def test_a_date_starts_at_the_midnight_of_the_homes_zone():
    assert snapshots.midnight(date(2026, 7, 1), ZoneInfo("Europe/Berlin")) == int(
        datetime(2026, 6, 30, 22, tzinfo=UTC).timestamp()
    )


def test_the_last_day_counts_only_when_it_is_over():
    noon = int(datetime(2026, 6, 30, 12, tzinfo=UTC).timestamp())
    last_second = int(datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC).timestamp())
    assert snapshots.whole_days((0, noon), UTC_ZONE)[1] == date(2026, 6, 30)
    assert snapshots.whole_days((0, last_second), UTC_ZONE)[1] == date(2026, 7, 1)
