"""How rows that are sent become columns."""

from __future__ import annotations

import pyarrow as pa
import pytest

from serving.given import HistoryRequest, _table
from serving.problems import Problem
from serving.schemas import parse


def test_numbers_stay_numbers_and_mixed_kinds_become_texts() -> None:
    body = b"""{"customers": [
        {"customer_id": 17, "joined_at": "2025-01-01", "value_per_month": 9.5, "flag": true},
        {"customer_id": 18, "value_per_month": 10, "flag": null, "seats": 3},
        {"customer_id": 19, "seats": "many", "joined_at": null}], "interactions": []}"""
    table = _table(parse(HistoryRequest, body).customers)
    assert table.column_names == ["customer_id", "joined_at", "value_per_month", "flag", "seats"]
    assert table["customer_id"].type == pa.int64()
    assert table["value_per_month"].to_pylist() == [9.5, 10.0, None]
    assert table["flag"].to_pylist() == [True, None, None]
    assert table["seats"].to_pylist() == [None, "3", "many"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b'{"customers": [], "interactions": []}', "/customers"),
        (b'{"customers": [{"customer_id": "a"}]}', "/interactions"),
        (b'{"customers": [[]], "interactions": []}', "/customers/0"),
    ],
)
def test_what_is_no_row_is_told(body: bytes, place: str) -> None:
    with pytest.raises(Problem) as raised:
        parse(HistoryRequest, body)
    assert [wrong.pointer for wrong in raised.value.errors] == [place]


def test_a_nested_value_is_refused() -> None:
    with pytest.raises(Problem) as raised:
        parse(HistoryRequest, b'{"customers": [{"customer_id": {"a": 1}}], "interactions": []}')
    assert raised.value.status == 422
    assert raised.value.errors[0].pointer.startswith("/customers/0/customer_id")
