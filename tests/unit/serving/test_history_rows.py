"""How rows that are sent become columns."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from models.problems import Problem
from pipelines.history.sent import Sent, _column
from serving.given import HistoryRequest, id_of
from serving.schemas import parse


def test_numbers_stay_numbers_and_mixed_kinds_become_texts() -> None:
    body = b"""{"customers": [
        {"customer_id": 17, "joined_at": "2025-01-01", "value_per_month": 9.5, "flag": true},
        {"customer_id": 18, "value_per_month": 10, "flag": null, "seats": 3},
        {"customer_id": 19, "seats": "many", "joined_at": null}], "interactions": []}"""
    table = Sent.of(parse(HistoryRequest, body).customers).table
    assert table.column_names == ["customer_id", "joined_at", "value_per_month", "flag", "seats"]
    assert table["seats"].type == pa.string()
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


def test_a_nested_value_is_refused_once() -> None:
    with pytest.raises(Problem) as raised:
        parse(HistoryRequest, b'{"customers": [{"customer_id": {"a": 1}}], "interactions": []}')
    (wrong,) = raised.value.errors
    assert (raised.value.status, wrong.pointer) == (422, "/customers/0/customer_id")


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([3, None], pa.int64(), [3, None]),
        ([3, 1.5], pa.float64(), [3.0, 1.5]),
        ([10**30, 1], pa.string(), [str(10**30), "1"]),
        ([10**400, 0.5], pa.string(), [str(10**400), "0.5"]),
        ([True, "x"], pa.string(), ["true", "x"]),
        ([None], pa.string(), [None]),  # a time may be absent throughout
    ],
)
def test_a_column_has_one_kind(values: list[Any], kind: pa.DataType, expected: list[Any]) -> None:
    column = _column("seats", values)
    assert (column.type, column.to_pylist()) == (kind, expected)


def test_an_id_is_a_text_however_it_is_sent() -> None:
    assert _column("customer_id", [7, "7", True]).to_pylist() == ["7", "7", "true"]
    assert [id_of({"customer_id": sent}) for sent in (7, " 7 ", True)] == ["7", "7", "true"]
