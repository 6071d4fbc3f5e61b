"""`POST /events`: kept before it is answered, once for each Idempotency-Key."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from models import inbox
from serving.app import application
from serving.events import MOST
from serving.guard import Guard
from tests.unit.serving.calls import bearer, problem

ROW = {
    "interaction_id": "1", "customer_id": "acme", "kind": "complaint",
    "occurred_at": "2026-06-30T10:00:00+02:00", "text": "it broke again",
}  # fmt: skip


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    ours = application(tmp_path)
    guard = Guard(ours, ours, tmp_path, most_in_flight=200)
    return TestClient(guard, headers=bearer(tmp_path, "work"))


def send(client: TestClient, *rows: dict[str, Any], key: str | None = None) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client.post("/events", json={"interactions": rows}, headers=headers)


def kept(home: Path) -> list[dict[str, Any]]:
    return [row for path in inbox.take(home) for row in inbox.rows(path)]


def test_a_row_is_kept_with_when_it_came(tmp_path: Path, client: TestClient) -> None:
    answer = send(client, ROW, {**ROW, "interaction_id": "2", "source": "shop", "value": 3})
    assert (answer.status_code, answer.json()) == (202, {"accepted": 2})
    first, second = kept(tmp_path)
    assert first.pop("recorded_at") > "2026-07"
    assert first == {**ROW, "source": "endpoint"}
    assert (second["source"], second["value"]) == ("shop", 3.0)


def test_a_hundred_calls_with_one_key_have_one_effect(tmp_path: Path, client: TestClient) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: send(client, ROW, key="k"), range(100)))
    assert {answer.status_code for answer in answers} == {202}
    assert {answer.content for answer in answers} == {b'{"accepted": 1}'}
    assert len(kept(tmp_path)) == 1


@pytest.mark.parametrize("told", ["20260701", "1782900000", "2026-07-01T10:00:00", 1782900000])
def test_a_time_is_written_out_with_its_offset(client: TestClient, told: Any) -> None:
    (wrong,) = problem(send(client, {**ROW, "occurred_at": told}), 422).errors
    assert wrong.pointer == "/interactions/0/occurred_at"
    assert wrong.detail.startswith("this must be a time with its offset")


def test_a_key_belongs_to_its_caller_and_its_body(tmp_path: Path, client: TestClient) -> None:
    other = {"Idempotency-Key": "k", **bearer(tmp_path, "work")}
    assert send(client, ROW, key="k").status_code == 202
    told = problem(send(client, {**ROW, "topic": "x"}, key="k"), 422)
    assert [wrong.pointer for wrong in told.errors] == ["Idempotency-Key"]
    assert client.post("/events", json={"interactions": [ROW]}, headers=other).status_code == 202
    assert len(kept(tmp_path)) == 2
    problem(send(client, ROW, key="k" * 256), 400)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"kind": "outreach_sent"}, "kind"),
        ({"occurred_at": "2026-06-30T10:00:00"}, "occurred_at"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": 1_751_277_600}, "occurred_at"),
        ({"seconds": -1}, "seconds"),
        ({"channel": "fax"}, "channel"),
        ({"interaction_id": ""}, "interaction_id"),
        ({"email": "a@b.c"}, "email"),
        ({"score": 9, "score_kind": "csat"}, ""),
    ],
)
def test_a_wrong_row_is_told_and_none_is_kept(
    tmp_path: Path, client: TestClient, change: dict[str, Any], place: str
) -> None:
    told = problem(send(client, ROW, {**ROW, **change}), 422)
    assert [wrong.pointer for wrong in told.errors] == [f"/interactions/1/{place}".rstrip("/")]
    assert "a@b.c" not in str(told)
    assert kept(tmp_path) == []


def test_too_many_rows_are_refused(client: TestClient) -> None:
    told = problem(send(client, *[ROW] * (MOST + 1)), 422)
    assert [wrong.pointer for wrong in told.errors] == ["/interactions"]


def test_another_scope_may_not_add(tmp_path: Path) -> None:
    ours = application(tmp_path)
    client = TestClient(Guard(ours, ours, tmp_path, most_in_flight=8))
    headers = bearer(tmp_path, "score", "read")
    problem(client.post("/events", json={"interactions": [ROW]}, headers=headers), 403)
