"""A history without a feed tells what it would, had the feed never been connected."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from models.contracts import KINDS, OUTREACH_KINDS
from models.metrics import Interval
from models.settings import Settings
from pipelines.features import matrix
from pipelines.feedworth import KINDS_OF, Feed, _feeds
from pipelines.history.ingest import ingest
from pipelines.history.store import History
from pipelines.history.without import Without

NOW = datetime(2026, 7, 1, tzinfo=UTC)
HEAD = "interaction_id,customer_id,occurred_at,kind,source"
SHOP = """\
1,a,2026-01-05T10:00:00Z,order,shop
2,b,2026-02-05T10:00:00Z,order,shop
3,a,2026-03-05T10:00:00Z,message_in,shop
"""
DESK = """\
4,a,2026-01-07T10:00:00Z,case_opened,desk
5,b,2026-03-07T10:00:00Z,complaint,desk
6,b,2026-03-08T10:00:00Z,order,desk
"""
TERMS = "customer_id,term_id,started_at,value_per_month,currency,source\n"
NIGHT = matrix.Night(int(datetime(2026, 4, 1, tzinfo=UTC).timestamp()), int(NOW.timestamp()))


def history_of(folder: Path, rows: str, terms: str = "", again: str = "") -> History:
    source = folder / "source"
    source.mkdir(parents=True)
    customers = "customer_id,joined_at\na,2025-01-01T00:00:00Z\nb,2025-01-01T00:00:00Z\n"
    (source / "customers.csv").write_text(customers)
    (source / "interactions.csv").write_text(f"{HEAD}\n{rows}")
    if terms:
        (source / "terms.csv").write_text(TERMS + terms)
    ingest(folder / "history", source, now=NOW)
    if again:
        (source / "interactions.csv").write_text(f"{HEAD}\n{again}")
        ingest(folder / "history", source, now=NOW)
    return History.open(folder / "history")


def figures(history: History) -> np.ndarray:
    context = matrix.context(history, Settings(), [NIGHT])
    return np.concatenate([block.values[0] for block in matrix.stream(history, [NIGHT], context)])


@pytest.mark.parametrize("again", ["", DESK])  # in one part, and in two
def test_features_are_those_of_a_history_that_never_had_the_source(tmp_path: Path, again: str):
    first = SHOP + ("" if again else DESK)
    both = history_of(tmp_path / "both", first, again=again)
    alone = history_of(tmp_path / "alone", SHOP)
    rest = Without.of(both, source="desk", contracts=True)
    assert np.array_equal(figures(rest), figures(alone), equal_nan=True)
    assert not np.array_equal(figures(both), figures(alone), equal_nan=True)
    assert set(rest.feeds()["source"]) == {"shop"}


def test_kinds_are_left_out_of_every_source(tmp_path: Path):
    both = history_of(tmp_path / "both", SHOP + DESK)
    orders = [line for line in (SHOP + DESK).splitlines(keepends=True) if ",order," not in line]
    alone = history_of(tmp_path / "alone", "".join(orders))
    rest = Without.of(both, kinds=("order",), contracts=True)
    assert np.array_equal(figures(rest), figures(alone), equal_nan=True)


def test_contracts_go_with_the_only_source_that_tells_them(tmp_path: Path):
    told = "a,1,2025-01-01T00:00:00Z,20,EUR,shop\n"
    one = history_of(tmp_path / "one", SHOP + DESK, told)
    assert {name: rest.contracts for name, _, rest in _feeds(one, "source")} == {
        "desk": True, "shop": False,
    }  # fmt: skip
    two = history_of(
        tmp_path / "two", SHOP + DESK, told + told.replace("a,1", "b,2").replace("shop", "desk")
    )
    assert all(rest.contracts for _, _, rest in _feeds(two, "source"))
    without = figures(Without.of(one, source="shop", contracts=False))
    assert np.isnan(without[:, matrix.column("running_terms")]).all()


def test_feeds_by_kind_are_those_that_brought_anything(tmp_path: Path):
    history = history_of(tmp_path, SHOP + DESK)
    assert {name: rows for name, rows, _ in _feeds(history, "kind")} == {
        "help desk": 3, "orders": 3,
    }  # fmt: skip


def test_a_feeds_worth_is_told_in_words_with_what_may_be_chance():
    auc = Interval(0.048, 0.011, 0.086)
    clear = Feed("desk", 20_552, 0.717, auc, Interval(793.0, 120.0, 2733.0))
    assert clear.words(0.765, "EUR") == (
        "without desk (20,552 interactions): AUC 0.717 instead of 0.765 (lost 0.048, 0.011 to "
        "0.086), 793 EUR less found at stake (120 to 2,733)"
    )
    chance = Feed("web", 10, 0.717, auc, Interval(-643.0, -1344.0, 2213.0))
    assert chance.words(0.765, "EUR").endswith(
        "643 EUR more found at stake (-2,213 to 1,344; may be chance)"
    )
    assert Feed("web", 10, 0.717, auc, None).words(0.765, "EUR").endswith("to 0.086)")


def test_every_kind_but_our_own_outreach_is_of_one_feed():
    of_feeds = [kind for kinds in KINDS_OF.values() for kind in kinds]
    assert sorted(of_feeds) == sorted(set(KINDS) - set(OUTREACH_KINDS))
