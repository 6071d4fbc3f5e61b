"""Plain columns as numbers: what becomes of categories, gaps and words, and that no label leaks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.encoding import Flags, Number, Shares, fit_encoding
from models.errors import WarmlineError
from models.metrics import Ranking
from models.totals import find_totals

ROWS = 400


def encoded(table: pd.DataFrame, y: np.ndarray | None = None):
    left = np.arange(len(table)) % 4 == 0 if y is None else y
    return fit_encoding(table, left, np.arange(len(table)), seed=1)


def test_two_levels_become_one_flag_and_few_levels_one_each():
    table = pd.DataFrame({"plan": ["a", "b"] * 200, "region": ["n", "s", "w", "e"] * 100})
    encoding, matrix = encoded(table)
    assert [feature.name for feature in encoding.features] == [
        "plan=a", "region=e", "region=n", "region=s", "region=w",
    ]  # fmt: skip
    assert matrix[:2].tolist() == [[1, 0, 1, 0, 0], [0, 0, 0, 1, 0]]


def test_missing_values_and_unknown_levels_are_not_known():
    encoding, _ = encoded(pd.DataFrame({"plan": ["a", "b", None, "a"] * 100}))
    later = pd.DataFrame({"plan": ["a", None, " ", "unheard of"]})
    assert np.isnan(encoding.matrix(later)[:, 0]).tolist() == [False, True, True, True]


def test_text_that_holds_numbers_is_read_as_numbers():
    prices = ["10", "30", "60", "80", "100", "Unknown", " ", "130"] * 50
    encoding, matrix = encoded(pd.DataFrame({"price": prices}))
    assert encoding.columns == (Number("price"),)
    assert np.isnan(matrix[:8, 0]).tolist() == [False] * 5 + [True, True, False]


def test_bools_and_pandas_categories_are_categories():
    table = pd.DataFrame(
        {
            "paperless": np.arange(ROWS) % 2 == 0,
            "size": pd.Categorical(np.arange(ROWS) % 3, categories=[0, 1, 2]),
        }
    ).astype({"size": "object"})
    table["size"] = table["size"].map({0: "small", 1: "medium", 2: "large"}).astype("category")
    assert [type(column) for column in encoded(table)[0].columns] == [Flags, Flags]


def test_shares_of_leavers_of_pure_noise_do_not_tell_the_label_of_their_own_row():
    rng = np.random.default_rng(3)
    y = rng.random(2000) < 0.2
    table = pd.DataFrame({"town": [f"t{number}" for number in rng.integers(0, 600, 2000)]})
    encoding, matrix = encoded(table, y)
    assert isinstance(encoding.columns[0], Shares)
    # In-sample the same figure ranks its own rows far above chance; out of fold it must not.
    assert Ranking(y, encoding.matrix(table)[:, 1]).auc() > 0.75
    assert Ranking(y, matrix[:, 1]).auc() < 0.55


def test_a_town_not_seen_in_training_leaves_as_the_average_does():
    y = np.arange(ROWS) % 5 == 0
    towns = pd.DataFrame({"town": [f"t{number % 40}" for number in range(ROWS)]})
    encoding, _ = encoded(towns, y)
    assert encoding.matrix(pd.DataFrame({"town": ["elsewhere"]})).tolist() == [[0.0, 0.2]]


def test_a_column_that_never_varies_is_left_out():
    encoding, _ = encoded(pd.DataFrame({"x": np.arange(ROWS), "same": 1, "word": "always"}))
    assert [column.column for column in encoding.columns] == ["x"]


def test_dates_are_refused_with_what_to_give_instead():
    table = pd.DataFrame({"signed_up": pd.date_range("2025-01-01", periods=ROWS)})
    with pytest.raises(WarmlineError, match=r"`signed_up` holds dates.*days since"):
        encoded(table)


def test_a_lacking_column_is_named():
    encoding, _ = encoded(pd.DataFrame({"x": np.arange(ROWS), "seats": np.arange(ROWS) % 7}))
    with pytest.raises(WarmlineError, match="lacks `seats`"):
        encoding.matrix(pd.DataFrame({"x": [1]}))


def test_parts_of_a_whole_are_found_by_their_names_and_added_up():
    parts = {f"total_{when}_charge": np.full(3, 2.0) for when in ("day", "eve", "night")}
    pair = {"first_name_length": np.ones(3), "last_name_length": np.ones(3)}
    balances = {f"{of}_balance": np.array([-1.0, 2, 3]) for of in ("cash", "card", "loan")}
    (total,) = find_totals(parts | pair | balances)
    assert total.column == "total_*_charge"
    assert total.values(pd.DataFrame(parts))[:, 0].tolist() == [6.0, 6.0, 6.0]


def test_a_total_is_not_known_where_a_part_is_not():
    table = pd.DataFrame({"DroppedCalls": [1.0], "BlockedCalls": [np.nan], "MissedCalls": [2.0]})
    (total,) = find_totals({name: table[name].to_numpy() for name in table})
    assert np.isnan(total.values(table)[0, 0])
