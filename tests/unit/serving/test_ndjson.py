"""NDJSON: many ids in, many answers out; many interactions in. A line each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from models import inbox
from models.problems import Problem
from serving.lines import LONGEST_LINE, SOME, Lines
from serving.schemas import OneId
from tests.unit.serving.calls import NIGHT, bearer, problem, served, written

KIND = {"Content-Type": "application/x-ndjson; charset=utf-8"}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    written(tmp_path, NIGHT, "a", acme=0.25, bolt=0.5)
    with served(tmp_path) as client:
        client.headers.update(bearer(tmp_path, "score", "work"))
        yield client


def asked(*ids: str) -> bytes:
    return b"".join(json.dumps({"customer_id": one}).encode() + b"\n" for one in ids)


def test_each_line_has_its_answer_in_the_order_asked_for(client: TestClient) -> None:
    ids = ["bolt", "gone", *["nobody"] * (2 * SOME), "acme"]
    answer = client.post("/score", content=asked(*ids), headers=KIND)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [one["customer_id"] for one in told] == ids
    assert [told[place].get("churn_probability") for place in (0, 1, -1)] == [0.5, None, 0.25]
    assert told[1]["why"] == "the relationship has ended"


def test_the_last_line_may_have_no_end_and_empty_ones_do_not_count(client: TestClient) -> None:
    body = b"\n" + asked("acme") + b'  \r\n{"customer_id": "bolt"}'
    told = client.post("/score", content=body, headers=KIND).text.splitlines()
    assert [json.loads(line)["customer_id"] for line in told] == ["acme", "bolt"]


def test_another_date_is_asked_for_in_the_query(tmp_path: Path, client: TestClient) -> None:
    written(tmp_path, date(2026, 6, 1), "old", acme=0.75)
    answer = client.post("/score?as_of=2026-06-01", content=asked("acme"), headers=KIND)
    assert json.loads(answer.text)["churn_probability"] == 0.75
    problem(client.post("/score?as_of=2026-05-01", content=asked("acme"), headers=KIND), 404)
    problem(client.post("/score?as_of=june", content=asked("acme"), headers=KIND), 422)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (b'{"customer_id": 7}', "/customer_id"),
        (b'{"customer_id": "a", "email": "a@b.c"}', "/email"),
        (b'{"customer_id": "a@b.c"', ""),
        (b'{"customer_id": "a"}, {"customer_id": "b"}', ""),
        (b'{"customer_id":\n"a"}', ""),
        (b'["a"]', ""),
    ],
)
def test_a_wrong_line_is_told_by_its_number_before_anything_is_answered(
    client: TestClient, wrong: bytes, where: str
) -> None:
    body = asked(*["acme"] * SOME) + b"\n" + wrong + b"\n" + asked("acme")
    told = problem(client.post("/score", content=body, headers=KIND), 422)
    assert told.errors[0].pointer == f"line {SOME + 2}{where}"
    assert "a@b.c" not in str(told)


def test_a_body_without_a_line_is_refused(client: TestClient) -> None:
    problem(client.post("/score", content=b"\n", headers=KIND), 422)


def test_a_line_without_an_end_takes_no_memory() -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(2 + LONGEST_LINE // 1000):
            yield b" " * 1000

    async def read() -> None:
        with await Lines.read(body(), OneId) as lines:
            lines.require()

    with pytest.raises(Problem, match="too long"):
        asyncio.run(read())


def row(number: int, **more: Any) -> dict[str, Any]:
    return {"interaction_id": str(number), "customer_id": "acme", "kind": "order",
            "occurred_at": "2026-06-30T10:00:00Z", **more}  # fmt: skip


def kept(home: Path) -> list[str]:
    return [one["interaction_id"] for path in inbox.take(home) for one in inbox.rows(path)]


def test_interactions_come_in_lines_once_for_each_key(tmp_path: Path, client: TestClient) -> None:
    many = 2 * SOME + 1
    body = "\n".join(json.dumps(row(number)) for number in range(many))
    for _ in range(2):
        answer = client.post(
            "/events", content=body, headers={**KIND, "Idempotency-Key": "import-1"}
        )
        assert (answer.status_code, answer.json()) == (202, {"accepted": many})
    assert kept(tmp_path) == [str(number) for number in range(many)]


@pytest.mark.parametrize(
    ("change", "name"),
    [({"kind": "outreach_sent"}, "kind"), ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at")],
)
def test_one_wrong_interaction_keeps_all_out(
    tmp_path: Path, client: TestClient, change: dict[str, Any], name: str
) -> None:
    lines = [json.dumps(row(number)) for number in range(SOME)] + [json.dumps(row(1, **change))]
    told = problem(client.post("/events", content="\n".join(lines), headers=KIND), 422)
    assert told.errors[0].pointer == f"line {SOME + 1}/{name}"
    assert kept(tmp_path) == []
