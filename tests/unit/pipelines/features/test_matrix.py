"""The matrix around the pass: names, blocks, masks, and who has no history."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from models.contracts import DAY, KIND_CODE
from models.words import say
from pipelines.features import engine, matrix
from pipelines.features.streams import STREAMS, check
from pipelines.history.events import DTYPES, NEVER, Events
from pipelines.history.parts import Notes, read_events, write_part
from pipelines.history.rooms import Rooms
from tests.unit.pipelines.features.histories import AS_OF, HOUR, context, events

NIGHTS = [matrix.Night(AS_OF - 30 * DAY, AS_OF), matrix.Night(AS_OF, AS_OF + 6 * HOUR)]
LARGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")
LARGE_PAGES_ALLOWED = LARGE_PAGES.exists() and "[never]" not in LARGE_PAGES.read_text()
EMPTY = {
    "channel": -1, "topic": -1, "agent": -1, "case": -1, "value": np.nan, "seconds": np.nan,
    "wait": np.nan, "score": np.nan, "score_kind": -1, "provoked": False, "said": 0,
    "until": NEVER,
}  # fmt: skip


def order(customer: int, days_ago: int) -> dict[str, object]:
    at = AS_OF - days_ago * DAY
    kind = KIND_CODE["order"]
    return EMPTY | {"customer": customer, "at": at, "recorded": at, "kind": kind}


class FakeHistory(SimpleNamespace):
    """Seven customers in two buckets by evenness; customer c ordered c times."""

    buckets = 2

    def versions(self, bucket: int) -> Events:
        rows = [order(c, day + 1) for c in range(7) if c % 2 == bucket for day in range(c)]
        return events(rows)

    def members(self, bucket: int) -> np.ndarray:
        return np.arange(bucket, 7, 2, dtype=np.int32)

    def people(self) -> SimpleNamespace:
        return SimpleNamespace(joined=np.full(7, AS_OF - 400 * DAY))

    def terms_of(self, bucket: int) -> None:
        return None


def orders(block: matrix.Block) -> list[float]:
    return block.values[-1, :, matrix.column("order_count_ever")].tolist()


def test_every_customer_of_every_bucket_has_a_row():
    blocks = list(matrix.stream(FakeHistory(), NIGHTS, context()))
    assert [block.bucket for block in blocks] == [0, 1]
    assert orders(blocks[0]) == [0, 2, 4, 6]
    assert orders(blocks[1]) == [1, 3, 5]
    assert blocks[0].values.shape == (2, 4, len(matrix.features()))


@pytest.mark.parametrize("nights", [0, 2])
def test_only_the_wanted_customers_are_computed(nights):
    wanted = np.isin(np.arange(7), [2, 5, 6])
    if nights:
        wanted = np.stack([wanted & (np.arange(7) < 6), wanted & (np.arange(7) > 5)])
    blocks = list(matrix.stream(FakeHistory(), NIGHTS, context(), customers=wanted, threads=1))
    assert [block.customers.tolist() for block in blocks] == [[2, 6], [5]]
    assert orders(blocks[0]) == [2, 6]


@pytest.mark.parametrize("threads", [1, 3])
def test_a_bucket_of_many_customers_comes_in_blocks(monkeypatch, threads):
    monkeypatch.setattr(matrix, "BLOCK_ROWS", 4)
    blocks = list(matrix.stream(FakeHistory(), NIGHTS, context(), threads=threads))
    assert [block.bucket for block in blocks] == [0, 0, 1, 1]
    assert [block.customers.tolist() for block in blocks] == [[0, 2], [4, 6], [1, 3], [5]]
    assert [orders(block) for block in blocks] == [[0, 2], [4, 6], [1, 3], [5]]


def test_memory_is_used_again_only_when_nobody_looks_at_it():
    rooms = Rooms()
    first = rooms.array(2, 3)
    first[:] = 1
    column = first[:, 1]
    place = first.__array_interface__["data"][0]
    del first
    other = rooms.array(2, 3)
    other[:] = 2
    assert column.tolist() == [1, 1]
    del column
    assert rooms.array(3, 2).__array_interface__["data"][0] == place
    assert rooms.array(4, 4).shape == (4, 4)
    assert other.tolist() == [[2, 2, 2]] * 2


@pytest.mark.skipif(not LARGE_PAGES_ALLOWED, reason="the system has no large pages")
def test_memory_may_lie_in_large_pages():
    room = Rooms().array(2**21)
    place = room.__array_interface__["data"][0]
    regions = re.split(
        r"^([0-9a-f]+)-([0-9a-f]+) ", Path("/proc/self/smaps").read_text(), flags=re.M
    )
    told = next(
        told
        for begin, end, told in zip(regions[1::3], regions[2::3], regions[3::3], strict=True)
        if int(begin, 16) <= place < int(end, 16)
    )
    assert re.findall(r"THPeligible: +(\d)", told) == ["1"]


def test_a_column_of_one_value_is_read_as_that_value():
    """As a part is read of which nothing was ever said, with a row that came late."""
    rows = [order(0, days) for days in (3, 2, 1)]
    rows[1]["recorded"] = AS_OF - HOUR
    full = events(rows)
    alone = {
        name: np.broadcast_to(np.array(EMPTY[name], DTYPES[name]), len(rows))
        for name in ("until", "score", "topic")
    }
    everyone, joined = np.zeros(1, np.int32), np.full(1, AS_OF - 400 * DAY)
    told, same = (
        matrix.compute(some, everyone, joined, NIGHTS, context())
        for some in (replace(full, **alone), full)
    )
    np.testing.assert_array_equal(told, same)
    assert told[-1, 0, matrix.column("order_count_ever")] == 3


def test_nobody_at_all_is_no_error():
    nobody = np.zeros(7, bool)
    blocks = list(matrix.stream(FakeHistory(), NIGHTS, context(), customers=nobody))
    assert [len(block.customers) for block in blocks] == [0, 0]


@pytest.mark.parametrize("asked", [[], [0], [9], [1, 4, 5], list(range(10))])
def test_the_rows_of_each_customer_are_found_whoever_else_has_some(asked):
    given = events([order(c, day + 1) for c in (1, 2, 5, 8) for day in range(4 * c)])
    customers = np.array(asked, np.int32)
    found = engine.bounds(given, customers)
    for ours, theirs in zip(found, given.bounds(customers), strict=True):
        assert ours.tolist() == theirs.tolist()


def test_nights_in_which_nothing_moves_are_those_computed_by_themselves():
    given = events([order(0, days) for days in (3, 20, 21, 60, 61, 200)])
    nights = [matrix.Night(AS_OF + day * DAY, AS_OF + day * DAY + HOUR) for day in range(-40, 5)]
    one = np.zeros(1, np.int32), np.full(1, AS_OF - 300 * DAY)
    together = matrix.compute(given, *one, nights, context())
    alone = [matrix.compute(given, *one, [night], context())[0] for night in nights]
    np.testing.assert_array_equal(together, np.array(alone))


def test_rows_that_came_late_count_where_none_was_ever_corrected(tmp_path):
    rows = [order(0, days) for days in (3, 9)]
    late = events([row | {"recorded": row["at"] + 2 * HOUR} for row in rows])
    side = pa.table({"generation": np.zeros(len(rows), np.int32)})
    (tmp_path / "g").mkdir()
    part = write_part(tmp_path, tmp_path / "g", 0, late, side, Notes.none())
    given = read_events(tmp_path, part)  # one `until` stands for all rows
    row = matrix.compute(given, np.zeros(1, np.int32), np.zeros(1, np.int64), NIGHTS[1:], context())
    assert row[0, 0, matrix.column("order_count_30")] == 2


def test_read_only_columns_are_taken_as_they_come():
    given = events([order(0, 1)])
    for name in Events.columns():
        getattr(given, name).flags.writeable = False
    row = matrix.compute(given, np.zeros(1, np.int32), np.zeros(1, np.int64), NIGHTS[1:], context())
    assert row[0, 0, matrix.column("order_count_7")] == 1


# The whole of a share, what happens to a customer once in years, what is kept of what was said.
WITHOUT_TREND = {
    "settled", "survey_judged", "any_reply", "promised_reply", "promise_due", "meeting",
    "referral", "contact_left", "plan_changed", "paused", "outreach_refused", "kept_word",
    "kept_answer",
}  # fmt: skip


COUNTS = ("count", "count_of")


def test_whatever_is_counted_has_a_trend():
    counted = {stream.name for stream in STREAMS if any(s.op in COUNTS for s in stream.stats)}
    directed = {stream.name for stream in STREAMS if any(s.op == "trend" for s in stream.stats)}
    assert counted - directed == WITHOUT_TREND


def test_what_others_rely_on_by_name_is_there():
    for name in ("days_since_word", "silent", "fading", "days_since_active", "days_since_any"):
        assert matrix.features()[matrix.column(name)].name == name


def test_the_fingerprint_is_that_of_the_columns():
    assert matrix.fingerprint() == matrix.fingerprint()
    assert len(matrix.fingerprint()) == 64


def test_every_sentence_can_be_said():
    for feature, empty in zip(matrix.features(), matrix.compiled().program.template, strict=False):
        for value in (0.0, 1.0, 0.5, 7.25, 1234.0, float(empty)):
            words = say(feature, value)
            assert words, feature.name
            assert "{" not in words, feature.name
            assert "unknown number" not in words, feature.name


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("complaint_unanswered_count_30", 1,
         "1 complaint went a day without an answer in the last 30 days"),
        ("late_first_reply_count_30", 0,
         "no first reply came later than promised in the last 30 days"),
        ("days_since_order", 84.2, "no order for 84 days"),
        ("days_since_order", np.nan, "never placed an order"),
        ("order_gap", 20, "usually 20 days between days with an order"),
        ("fading", 4.2, "no order or use for 4.2 times the usual gap"),
        ("complaint_count_365", 2, "2 complaints in the last year"),
        ("complaints_waiting", 1, "1 complaint was never answered"),
        ("nps_last", 3, "the last recommendation answer was 3"),
        ("poor_csat_share_365", 0.5,
         "50% of the satisfaction answers in the last year were poor"),
        ("reply_agents_365", 3, "dealt with 3 different agents in the last year"),
        ("first_reply_business_mean_90", 5.5,
         "a first reply took 5.5 working hours on average in the last 90 days"),
        ("first_reply_business_last", np.nan, "no first reply by known working hours"),
        ("resolved_business_max_365", 0, "every solution in the last year took no working time"),
        ("requester_wait_business_total_90", 12,
         "waited 12 working hours in all on open cases in the last 90 days"),
    ],
)  # fmt: skip
def test_sentences_read_like_a_persons(name, value, words):
    assert say(matrix.features()[matrix.column(name)], float(value)) == words


def test_a_name_given_twice_is_refused():
    with pytest.raises(ValueError, match="declared twice"):
        check([*STREAMS, STREAMS[0]])
