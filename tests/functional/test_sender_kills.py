"""Senders killed at random: nothing is sent twice, nothing is lost in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.outreach import Load, killed


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_senders_that_are_killed_lose_nothing_and_repeat_nothing(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if where == "postgres" else ""
    load = Load(messages=200, kills=3, lease=2, items=0)
    outcome = killed(tmp_path / "home", url, load, senders=2)
    assert (outcome.duplicates, outcome.lost, outcome.hidden) == (0, 0, 0)
    assert len(outcome.in_doubt) <= load.kills
    assert len(outcome.received) + len(outcome.in_doubt) >= load.messages
