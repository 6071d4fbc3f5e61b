"""What a company shows of today must not tell its past; what it knew then may."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import replay
from benchmarks.harness import Bar, Report

# What an export gives away, it gives away to a smaller model too, in a third of the time.
QUICKLY = replace(replay.LEARNING, folds=3, seeds=1, linear_strengths=(0.001,))


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bar]:
    """The company of the benchmark, smaller, exported both ways, and what each export teaches."""
    place: Path = tmp_path_factory.mktemp("company")
    nights = replay.lived(place, customers=1_600, backlog=560, nights=1)
    nights.company.night(nights.first)
    report = Report("replay", quick=True)
    replay.exports(place, nights, report, QUICKLY)
    return {bar.name: bar for bar in report.bars}


def test_todays_state_alone_teaches_no_more_than_the_truth_allows(bars):
    bar = bars["AUC from today's state only"]
    assert bar.ok, bar


def test_renewals_help_where_they_are_known_as_they_were_then(bars):
    bar = bars["AUC that renewal features add, planned ends"]
    assert bar.ok, bar
