"""Gaps from the contract's table, from the feeds, and when a stream is dead."""

from __future__ import annotations

import pandas as pd
import pytest

from models.contracts import DAY, KIND_CODE, KINDS
from pipelines.features.gaps import ALL_KINDS, Gap, Gaps, common, gaps_of, merged
from pipelines.features.matrix import Night
from pipelines.history.events import NEVER

ORDER, USAGE, PAYMENT = (KIND_CODE[kind] for kind in ("order", "usage", "payment"))


def gap(kind: int, start: int, end: int, known: int = 0) -> Gap:
    return Gap(kind, start, end, known)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ()),
        ([(5, 5), (7, 6)], ()),
        ([(3, 5), (1, 2)], ((1, 2), (3, 5))),
        ([(1, 3), (2, 5), (5, 6)], ((1, 6),)),
        ([(1, 9), (2, 3), (4, 4)], ((1, 9),)),
    ],
)
def test_stretches_that_meet_are_one(given, expected):
    assert merged(given) == expected


def test_common_time_lies_in_all_of_them():
    assert common([((0, 5), (7, 9)), ((3, 8),)]) == ((3, 5), (7, 8))
    assert common([((0, 5),), ((5, 8),)]) == ()


@pytest.mark.parametrize(
    ("gaps", "began", "kinds", "dead"),
    [
        ([gap(ORDER, 10, 20)], {}, ["order"], ((10, 20),)),
        ([gap(ORDER, 10, 20)], {}, ["usage"], ()),
        ([gap(ORDER, 10, 20)], {}, ["order", "usage"], ()),
        ([gap(ORDER, 10, 20), gap(USAGE, 15, 25)], {}, ["order", "usage"], ((15, 20),)),
        ([gap(ALL_KINDS, 10, 20), gap(ORDER, 20, 30)], {}, ["order"], ((10, 30),)),
        ([gap(ALL_KINDS, 10, 20)], {}, ["order", "usage"], ((10, 20),)),
        # A kind that never came cannot be up; before it first came, neither.
        ([gap(ORDER, 10, 20)], {USAGE: NEVER}, ["order", "usage"], ((10, 20),)),
        ([gap(ORDER, 10, 20)], {USAGE: 15}, ["order", "usage"], ((10, 15),)),
        ([], {USAGE: NEVER, ORDER: NEVER}, ["order", "usage"], ()),
    ],
)
def test_a_stream_is_dead_while_one_of_its_kinds_is_down_and_none_is_up(gaps, began, kinds, dead):
    since = tuple(began.get(code, 0) for code in range(len(KINDS)))
    assert Gaps(tuple(sorted(gaps)), since).dead(kinds) == dead


def test_nights_that_use_the_same_gaps_go_together():
    late = gap(ORDER, 10 * DAY, 12 * DAY, known=15 * DAY)
    gaps = Gaps((gap(ORDER, 5 * DAY, 6 * DAY), late))
    nights = [Night(day * DAY, day * DAY) for day in (4, 10, 11, 14, 15, 20)]
    groups = {tuple(positions): used.gaps for used, positions in gaps.by_night(nights)}
    # Up to the tenth the late gap lies ahead: those nights are as with it, so share the pass.
    assert groups == {(0, 1, 4, 5): gaps.gaps, (2, 3): gaps.gaps[:1]}


def test_declared_and_found_gaps_are_read_alike():
    times = {
        "from": pd.Timestamp("2026-01-02", tz="UTC"),
        "to": pd.Timestamp("2026-01-03", tz="UTC"),
    }
    fifth = pd.Timestamp("2026-01-05", tz="UTC")
    declared = pd.DataFrame(
        [
            {"source": "shop", "kind": "order", **times, "recorded_at": pd.NaT},
            {"source": "shop", "kind": None, **times, "recorded_at": fifth},
            {"source": "elsewhere", "kind": None, **times, "recorded_at": pd.NaT},
        ]
    )  # fmt: skip
    found = pd.DataFrame([{"source": "app", "kind": "usage", "from": 100, "to": 200}])
    feeds = pd.DataFrame(
        {
            "source": ["shop", "shop", "app"],
            "kind": ["order", "payment", "usage"],
            "day": [3, 4, 5],
            "rows": 1,
        }
    )
    gaps = gaps_of(declared, found, feeds)
    start, end = 20_455 * DAY, 20_456 * DAY
    assert set(gaps.gaps) == {
        gap(ORDER, start, end, known=start),
        gap(ORDER, start, end, known=start + 3 * DAY),
        gap(PAYMENT, start, end, known=start + 3 * DAY),
        gap(ALL_KINDS, start, end, known=start),
        gap(USAGE, 100, 200, known=100),
    }
    assert gaps.began[ORDER] == 3 * DAY
    assert gaps.began[USAGE] == 5 * DAY
    assert gaps.began[KIND_CODE["refund"]] == NEVER


def test_a_history_without_gaps_is_dead_at_no_time():
    gaps = gaps_of(None)
    assert gaps.dead(["order"]) == ()
    table, start = gaps.table((("order",), ("order", "usage")))
    assert len(table) == 0
    assert start.tolist() == [0, 0, 0]


def test_feeds_are_unbroken_since_the_last_gap_that_a_night_knew():
    night = Night(100, 110)
    assert Gaps().unbroken(night) == 0
    assert Gaps((gap(USAGE, 10, 20), gap(ORDER, 30, 40))).unbroken(night) == 40
    # Known too late, not there yet, and not over yet.
    assert Gaps((gap(USAGE, 10, 20), gap(ORDER, 30, 40, known=111))).unbroken(night) == 20
    assert Gaps((gap(USAGE, 10, 20), gap(ORDER, 100, 120))).unbroken(night) == 20
    assert Gaps((gap(USAGE, 90, 120),)).unbroken(night) == 100
