"""A feed is judged against its own rhythm: faults are found, ordinary nights are left alone."""

import csv
import os
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.contracts import DAY
from pipelines.feeds import found_gaps, health
from pipelines.history.lags import BINS, UNKNOWN

SAMPLE = Path(__file__).parents[3] / "data_samples" / "sample" / "interactions.csv"
# 20 of the sample's last 200 nights; the measured 200 stand in docs/guides/nightly.md.
NIGHTS = int(os.environ.get("TEST_FEED_NIGHTS", "20"))

LAST = 20_000  # day, exclusive; a Wednesday
AS_OF = LAST * DAY
CUTOFF = AS_OF + 6 * 3600
DAYS = np.arange(LAST - 200, LAST)
ONE_DAY = BINS.index(DAY)


def feed(rows, kind="message_in", source="desk", lag=UNKNOWN, customers=None):
    """Rows of each of the last 200 days, or of those whose number is not 0."""
    rows = np.broadcast_to(rows, len(DAYS)).astype(int)
    frame = pd.DataFrame({"source": source, "kind": kind, "day": DAYS.astype(np.int32)})
    frame["lag"], frame["dated"], frame["rows"] = np.int8(lag), False, rows
    frame["customers"] = rows if customers is None else customers
    return frame.assign(ingested_at=0)[rows > 0]


def steady(mean=50, seed=1):
    return np.random.default_rng(seed).poisson(mean, len(DAYS))


def weekdays(mean=50):
    return steady(mean) * ((DAYS + 3) % 7 < 5)


def changed(rows, days, factor):
    """The last `days` times `factor`."""
    rows = rows.copy()
    rows[len(rows) - days :] = (rows[len(rows) - days :] * factor).astype(int)
    return rows


def found(*feeds, **known):
    """Names of what is wrong and not known."""
    judged = health(pd.concat(feeds, ignore_index=True), AS_OF, CUTOFF, **known)
    return [finding.name for finding in judged.findings if not finding.known]


def gap(source, kind, first, last):
    frame = pd.DataFrame({"source": [source], "kind": [kind]}, dtype=object)
    return frame.assign(**{"from": [first * DAY], "to": [last * DAY]})


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        (steady(), []),
        (changed(steady(), 1, 0), ["stopped:desk/message_in"]),
        (changed(steady(1), 4, 0), []),  # four days without one in a day: chance
        (changed(steady(1), 30, 0), ["stopped:desk/message_in"]),
        (changed(steady(), 3, 0.5), ["halved:desk/message_in"]),
        (changed(steady(3), 3, 0.5), []),  # chance
        (changed(steady(4), 28, 0.4), ["halved:desk/message_in"]),
        (changed(steady(), 3, 0.8), []),
        (weekdays(), []),  # a Wednesday before dawn
        (changed(weekdays(), 2, 0), ["stopped:desk/message_in"]),
        (np.where(DAYS % 7 == 4, 500, 0), []),  # one batch a week
        (np.where((DAYS % 7 == 4) & (DAYS < LAST - 8), 500, 0), ["stopped:desk/message_in"]),
        (np.where(DAYS == LAST - 150, 5_000, 0), []),  # one load, no rhythm
    ],
)
def test_each_fault_is_found_and_chance_is_not(rows, wrong):
    assert found(feed(rows)) == wrong


def test_a_weekend_is_no_outage_of_a_feed_of_weekdays():
    rows = weekdays()
    for back in range(14):
        night = (LAST - back) * DAY
        assert not health(feed(rows), night, night + 6 * 3600).findings


def test_rows_that_came_twice_are_of_the_same_customers_and_a_busy_time_is_not():
    usual, twice = steady(), changed(steady(), 5, 2)
    assert found(feed(twice, customers=usual[twice > 0])) == ["doubled:desk/message_in"]
    assert found(feed(twice)) == []


def test_a_rare_feed_is_stale_once_it_pauses_for_longer_than_it_ever_did():
    rare = (DAYS % 6 == 0) * (DAYS < LAST - 25) * 1
    assert found(feed(rare)) == ["stale:desk/message_in"]
    assert found(feed((DAYS % 6 == 0) * 1)) == []


@pytest.mark.parametrize(("kept", "wrong"), [(2, []), (4, ["stopped:desk/message_in"])])
def test_the_usual_lag_of_a_feed_is_allowed_for(kept, wrong):
    """Rows come a day late, a tenth of them two: yesterday's are not missing yet."""
    come = (DAYS + kept) <= LAST
    late = feed(steady() * come, lag=ONE_DAY)
    later = feed(steady(5) * come, lag=ONE_DAY + 1)
    assert found(late, later) == wrong


def test_a_source_that_stopped_whole_is_told_of_once():
    feeds = [feed(changed(steady(), 3, 0), kind=kind) for kind in ("message_in", "message_out")]
    assert found(*feeds) == ["stopped:desk"]


def test_one_dead_kind_is_told_of_where_the_others_live():
    dead = feed(changed(steady(), 3, 0))
    assert found(dead, feed(steady(), kind="order")) == ["stopped:desk/message_in"]


@pytest.mark.parametrize("kind", ["message_in", None, ""])
def test_a_declared_outage_is_told_of_and_fails_nothing(kind):
    dead = feed(changed(steady(), 5, 0))
    gaps = gap("desk", kind, LAST - 5, LAST + 2)
    judged = health(dead, AS_OF, CUTOFF, gaps)
    assert [(one.name, one.known) for one in judged.findings] == [("stopped:desk/message_in", True)]
    assert "feed_gaps" in judged.findings[0].words


@pytest.mark.parametrize(
    "gaps",
    [
        gap("desk", "order", LAST - 5, LAST + 2),
        gap("shop", None, LAST - 5, LAST + 2),
        gap("desk", "message_in", LAST - 9, LAST - 5),
    ],
)
def test_an_outage_of_another_feed_or_time_excuses_nothing(gaps):
    assert found(feed(changed(steady(), 5, 0)), gaps=gaps) == ["stopped:desk/message_in"]


def test_a_feed_that_comes_back_from_an_outage_is_as_usual():
    rows = steady()
    rows[-40:-10] = 0
    assert found(feed(rows)) == []


@pytest.mark.parametrize("name", ["desk", "desk/message_in"])
def test_a_retired_feed_is_not_judged(name):
    assert found(feed(changed(steady(), 50, 0)), retired=[name]) == []


def test_what_warmline_writes_itself_is_no_feed():
    assert found(feed(changed(steady(), 9, 0), kind="outreach_sent")) == []


def test_found_gaps_are_the_days_in_which_a_steady_feed_brought_nothing():
    rows = steady()
    rows[100:104] = 0
    gaps = found_gaps(feed(rows), CUTOFF)
    start = int(DAYS[100]) * DAY
    assert gaps.to_dict("records") == [
        {"source": "desk", "kind": "message_in", "from": start, "to": start + 4 * DAY}
    ]


def test_a_gap_that_lasts_until_now_is_found():
    gaps = found_gaps(feed(changed(steady(), 3, 0)), CUTOFF)
    assert gaps[["from", "to"]].to_numpy().tolist() == [[(LAST - 3) * DAY, LAST * DAY]]


@pytest.mark.parametrize("rows", [steady(0.3), weekdays(), steady(), steady(1)])
def test_ordinary_pauses_are_no_gaps(rows):
    assert found_gaps(feed(rows), CUTOFF).empty


def test_nothing_at_all_is_no_fault():
    nothing = feed(0)
    assert found(nothing) == []
    assert found_gaps(nothing, CUTOFF).empty


@pytest.fixture(scope="module")
def sample():
    """What one ingest of the sample brings."""
    rows, people = Counter(), defaultdict(set)
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.fromisoformat(row["occurred_at"]).astimezone(UTC)
            group = (row["kind"], int(at.timestamp()) // DAY)
            rows[group] += 1
            people[group].add(row["customer_id"])
    frame = pd.DataFrame(
        [(*group, many, len(people[group])) for group, many in rows.items()],
        columns=["kind", "day", "rows", "customers"],
    )
    return frame.assign(source="sample", lag=UNKNOWN, dated=False, ingested_at=0)


def test_ordinary_nights_of_the_sample_raise_hardly_an_alarm(sample):
    end = int(datetime(2026, 7, 1, tzinfo=UTC).timestamp())
    alarms = []
    for back in range(0, 200, max(200 // NIGHTS, 1)):
        night = end - back * DAY
        judged = health(sample, night, night + 6 * 3600)
        assert judged.judged > 20
        alarms += [finding.name for finding in judged.findings]
    assert len(alarms) <= 1, alarms


@pytest.mark.parametrize(("kind", "days"), [("usage", 1), ("order", 5), ("message_out", 5)])
def test_a_stop_planted_in_the_sample_is_found_within_days(sample, kind, days):
    end = int(datetime(2026, 7, 1, tzinfo=UTC).timestamp()) // DAY
    planted = sample[(sample["kind"] != kind) | (sample["day"] < end - days)]
    judged = health(planted, end * DAY, end * DAY + 6 * 3600)
    assert [one.name for one in judged.findings] == [f"stopped:sample/{kind}"]
