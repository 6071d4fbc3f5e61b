"""How late a source is, from what its ingests brought."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.contracts import DAY, KIND_CODE
from pipelines.history import lags
from pipelines.history.events import Events
from tests.unit.pipelines.features.histories import AS_OF, events
from tests.unit.pipelines.features.test_matrix import EMPTY


def feeds(*rows: tuple[str, str, int, int]) -> pd.DataFrame:
    """Rows of source, kind, lag in days (-1: shows nowhere) and how many."""
    frame = pd.DataFrame(rows, columns=["source", "kind", "days", "rows"])
    seconds = frame["days"].to_numpy(np.int64) * DAY
    frame["lag"] = np.where(seconds < 0, lags.UNKNOWN, lags.bin_of(seconds))
    return frame


def undated(many: int, kind: str, source: int) -> Events:
    """Rows whose source did not say when it knew them."""
    rows = []
    for n in range(many):
        at = AS_OF - n * 60
        recorded = int(lags.stand_in(np.array([at]), np.array([source]))[0])
        rows.append(
            EMPTY | {"customer": n, "at": at, "recorded": recorded, "kind": KIND_CODE[kind]}
        )
    return events(rows)


def late_days(applied: Events) -> np.ndarray:
    return (applied.recorded - applied.at) / DAY


def test_as_many_rows_are_late_as_were_measured():
    measured = lags.Lags.measured(
        feeds(("app", "usage", 0, 700), ("app", "usage", 2, 300)), ["app"]
    )
    late = late_days(measured.applied(undated(4_000, "usage", 0)))
    assert set(late) == {0.0, 2.0}
    assert abs((late == 2).mean() - 0.3) < 0.03


def test_each_row_keeps_its_own_draw():
    measured = lags.Lags.measured(feeds(("app", "usage", 0, 50), ("app", "usage", 2, 50)), ["app"])
    first = late_days(measured.applied(undated(500, "usage", 0)))
    np.testing.assert_array_equal(first, late_days(measured.applied(undated(500, "usage", 0))))


def test_a_kind_without_a_measure_has_that_of_its_source_and_a_source_without_one_has_none():
    measured = lags.Lags.measured(
        feeds(("app", "usage", 3, 100), ("app", "order", -1, 50), ("shop", "order", -1, 50)),
        ["app", "shop"],
    )
    assert set(late_days(measured.applied(undated(50, "order", 0)))) == {3.0}
    assert set(late_days(measured.applied(undated(50, "order", 1)))) == {0.0}


def test_a_few_rows_tell_no_lag():
    measured = lags.Lags.measured(feeds(("app", "usage", 30, 29)), ["app"])
    assert set(late_days(measured.applied(undated(50, "usage", 0)))) == {0.0}


def test_what_the_source_dated_is_left_as_it_is():
    measured = lags.Lags.measured(feeds(("app", "usage", 3, 100)), ["app"])
    row = EMPTY | {"customer": 0, "at": AS_OF, "recorded": AS_OF + 60, "kind": KIND_CODE["usage"]}
    assert measured.applied(events([row])).recorded.tolist() == [AS_OF + 60]


def test_lateness_is_told_in_words():
    told = lags.lateness(
        feeds(
            ("app", "usage", 0, 60), ("app", "usage", 3, 40), ("app", "usage", -1, 500),
            ("shop", "order", -1, 5),
        )
    )  # fmt: skip
    assert [one.words for one in told] == [
        "app usage: half known at once, 95% within 3 days; stands in for 500 rows",
        "shop order: how late is not known yet",
    ]


def test_the_bins_hold_their_upper_edges():
    edges = np.array(lags.BINS)
    np.testing.assert_array_equal(lags.bin_of(edges), np.arange(len(edges)))
    assert lags.bin_of(np.array([edges[-1] * 10]))[0] == len(edges) - 1


def test_what_stands_in_is_told_for_each_source():
    told = lags.stood_in(
        feeds(("app", "usage", 0, 60), ("app", "usage", -1, 500), ("shop", "order", -1, 5))
    )
    assert told == [
        "Of 500 interactions app does not say when it knew them: its measured lag stands in."
    ]
