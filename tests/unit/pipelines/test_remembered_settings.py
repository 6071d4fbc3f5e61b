"""A past night is replayed with the settings that it had, also where a setting is gone since."""

from __future__ import annotations

from models.settings import Settings
from pipelines.replay import settings_of


def test_what_the_night_remembered_counts_and_what_is_gone_since_is_left_out() -> None:
    now = Settings()
    then = {"plan": {"capacity": 7, "purpose": "service"}, "timezone": "Europe/Berlin"}
    found = settings_of(now, then)
    assert (found.plan.capacity, found.timezone) == (7, "Europe/Berlin")
    assert found.plan.min_band == now.plan.min_band
    assert found.training == now.training
