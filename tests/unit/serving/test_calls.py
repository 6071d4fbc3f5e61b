"""What callers are answered: the application behind its guard, over a small published batch."""

from __future__ import annotations

import gzip
import json
import logging
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from models import keys
from models.answers import hashed_names
from models.batch import BatchWriter, publish
from models.contracts import score_schema
from models.problems import Problem
from serving.app import application
from serving.guard import Guard
from serving.published import CHECK_SECONDS, Publications
from serving.routes import JSON, ROUTES, USUAL, Limits
from serving.schemas import MOST_IDS, ScoresAnswer
from tests.unit.serving.calls import ALL, FACTS, NIGHT, NOW, bearer, problem, served, written


@pytest.fixture
def home(tmp_path: Path) -> Path:
    written(tmp_path, NIGHT, "a", acme=0.25, bolt=0.5)
    return tmp_path


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    with served(home) as client:
        client.headers.update(bearer(home, "score", "read"))
        yield client


def test_each_id_has_its_answer_in_the_order_asked_for(client: TestClient) -> None:
    asked = {"customer_ids": ["bolt", "gone", "nobody", "acme", "bolt"]}
    answer = client.post("/score", json=asked)
    told = ScoresAnswer.model_validate_json(answer.content).scores
    assert [(one.customer_id, one.churn_probability, one.why) for one in told] == [
        ("bolt", 0.5, None),
        ("gone", None, "the relationship has ended"),
        ("nobody", None, "no customer has this id"),
        ("acme", 0.25, None),
        ("bolt", 0.5, None),
    ]
    assert {one.may_contact.state for one in told} == {"unknown"}  # outreach published nothing


def test_ndjson_is_one_answer_a_line(client: TestClient) -> None:
    asked = {"customer_ids": ["acme", "gone"]}
    answer = client.post("/score", json=asked, headers={"Accept": "application/x-ndjson"})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["customer_id"] for line in lines] == ["acme", "gone"]


def test_a_date_asks_for_its_own_scores(home: Path, client: TestClient) -> None:
    written(home, date(2026, 6, 1), "old", acme=0.75)
    asked = {**ALL, "as_of": "2026-06-01"}
    assert client.post("/score", json=asked).json()["scores"][0]["churn_probability"] == 0.75
    problem(client.post("/score", json={**ALL, "as_of": "2026-05-01"}), 404)


def test_a_new_publication_is_followed(home: Path) -> None:
    publications = Publications(home / "scores")
    first = publications.latest(0.0)
    written(home, date(2026, 7, 2), "b", acme=0.9)
    assert publications.latest(CHECK_SECONDS / 2) is first
    second = publications.latest(CHECK_SECONDS)
    assert first is not None
    assert second is not None
    assert [json.loads(one.answers.find(["acme"])[0] or b"")["churn_probability"]
            for one in (first, second)] == [0.25, 0.9]  # fmt: skip


def test_what_is_staged_first_and_published_later_is_followed(home: Path) -> None:
    publications = Publications(home / "scores")
    clock = 0.0
    assert publications.latest(clock) is not None
    night = date(2026, 7, 2)
    with BatchWriter(home / "scores", night, "b") as writer:
        writer.finish(FACTS)
    for said, publishes in ((NIGHT, False), (night, True)):
        if publishes:
            publish(home / "scores", night, "b")
        clock += CHECK_SECONDS
        found = publications.latest(clock)
        assert found is not None
        assert found.batch.as_of == said
    written(home, night, "c", acme=0.1)  # again, of the same night
    found = publications.latest(clock + CHECK_SECONDS)
    assert found is not None
    assert found.batch.run == "c"


def test_scores_that_cannot_be_looked_up_are_not_ready_with_the_reason(home: Path) -> None:
    (manifest,) = home.glob("scores/as_of=*/run=a/manifest.json")
    old = json.loads(manifest.read_text())
    del old["answers"]
    manifest.write_text(json.dumps(old))
    with served(home) as client:
        client.headers.update(bearer(home, "score", "read"))
        of_night = {**ALL, "as_of": str(NIGHT)}
        written(home, date(2026, 7, 2), "b", acme=0.9)  # which can be served, and is not asked for
        problem(client.post("/score", json=of_night), 503)
        shutil.rmtree(home / "scores" / "as_of=2026-07-02")
    with served(home) as client:
        client.headers.update(bearer(home, "score", "read"))
        for answer in (client.get("/readyz"), client.post("/score", json=ALL)):
            assert "run `warmline score" in problem(answer, 503).detail


def test_without_a_batch_it_is_alive_and_not_ready(tmp_path: Path) -> None:
    with served(tmp_path) as client:
        client.headers.update(bearer(tmp_path, "score", "read"))
        assert client.get("/livez").status_code == 200
        assert "warmline score" in problem(client.get("/readyz"), 503).detail
        told = problem(client.post("/score", json=ALL), 503)
        assert told.retry_after_seconds == 60


def test_ready_says_with_what(client: TestClient) -> None:
    told = client.get("/readyz").json()
    assert told == {"status": "ready", "as_of": "2026-07-01", "run": "a"}


@pytest.mark.parametrize(
    ("body", "status", "pointers"),
    [
        (b"{", 400, []),
        (b'{"customer_ids":["a"],"x":NaN}', 422, ["/x"]),
        (b"[]", 422, [""]),
        (b"{}", 422, ["/customer_ids"]),
        (b'{"customer_ids":[]}', 422, ["/customer_ids"]),
        (b'{"customer_ids":["a",7,""]}', 422, ["/customer_ids/1", "/customer_ids/2"]),
        (b'{"customer_ids":["a"],"email":"a@b.c"}', 422, ["/email"]),
        (b'{"customer_ids":["a"],"as_of":"01.07.2026"}', 422, ["/as_of"]),
        (b'{"customer_ids":["a"],"as_of":"1782900000"}', 422, ["/as_of"]),  # not since 1970
        (b'{"customer_ids":["a"],"as_of":20260701}', 422, ["/as_of"]),
        (json.dumps({"customer_ids": ["a"] * (MOST_IDS + 1)}).encode(), 422, ["/customer_ids"]),
        (b'{"customer_ids":' + b"[" * 100_000, 400, []),
        (b"\xff\xfe", 400, []),
    ],
)
def test_a_wrong_body_is_told_field_by_field(
    client: TestClient, body: bytes, status: int, pointers: list[str]
) -> None:
    answer = client.post("/score", content=body, headers={"Content-Type": "application/json"})
    assert [wrong.pointer for wrong in problem(answer, status).errors] == pointers
    assert "a@b.c" not in answer.text


def test_a_body_must_be_plain_json_of_bounded_size(client: TestClient) -> None:
    problem(client.post("/score", content=b"customer_ids=a"), 415)
    packed = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    problem(client.post("/score", content=gzip.compress(b" " * 10_000), headers=packed), 415)
    kind = {"Content-Type": "application/json"}
    problem(client.post("/score", content=b" " * (USUAL.bytes + 1), headers=kind), 413)

    def pieces() -> Iterator[bytes]:  # without a length said beforehand
        for _ in range(11):
            yield b" " * (1 << 20)

    problem(client.post("/score", content=pieces(), headers=kind), 413)


def test_only_what_is_declared_is_served(client: TestClient) -> None:
    problem(client.get("/static_content/index.css"), 404)
    told = client.get("/score")
    assert (problem(told, 405).status, told.headers["allow"]) == (405, "POST")


def test_a_key_opens_what_its_scopes_say(home: Path) -> None:
    with served(home) as client:
        nobody = client.post("/score", json=ALL)
        problem(nobody, 401)
        assert nobody.headers["www-authenticate"].startswith("Bearer")
        for wrong in ("Bearer wl_x", f"Bearer wl_{'0' * 12}_{'a' * 43}", "Basic YTpi"):
            problem(client.post("/score", json=ALL, headers={"Authorization": wrong}), 401)
        problem(client.post("/score", json=ALL, headers=bearer(home, "read")), 403)
        problem(client.get("/metrics"), 401)
        problem(client.get("/docs.json"), 401)
        problem(client.get("/anything"), 401)
        for scope in "score", "work":  # a mistyped path is no question of scopes
            problem(client.get("/anything", headers=bearer(home, scope)), 404)
            assert client.get("/docs.json", headers=bearer(home, scope)).status_code == 200


def test_what_may_be_got_may_be_asked_for_without_its_body(client: TestClient) -> None:
    assert client.head("/livez").status_code == 200
    problem(client.get("/score"), 405)
    assert client.head("/score").status_code == 405


def test_who_waits_as_told_does_not_come_too_early() -> None:
    headers = Problem(429, "", retry_after=5.2).response().headers
    assert headers["retry-after"] == "6"
    in_milliseconds = Problem(429, "", retry_after=5.2).response(milliseconds=True).headers
    assert in_milliseconds["retry-after"] == "5200"


def test_a_revoked_key_opens_nothing(home: Path) -> None:
    headers = bearer(home)
    keys.revoke(home, keys.read(home)[0].id, now=NOW)
    with served(home) as client:
        problem(client.post("/score", json=ALL, headers=headers), 401)


def test_open_networks_may_watch_and_not_ask(home: Path) -> None:
    ours = application(home)
    guard = Guard(ours, ours, home, most_in_flight=8, open_networks=("10.0.0.0/8",))
    with TestClient(guard, client=("10.1.2.3", 5000)) as client:
        assert client.get("/readyz").status_code == 200
        assert client.get("/metrics").status_code == 200
        problem(client.post("/score", json=ALL), 401)
    with TestClient(guard, client=("11.1.2.3", 5000)) as client:
        problem(client.get("/metrics"), 401)


def test_a_limit_is_told_in_the_unit_that_the_caller_reads(home: Path) -> None:
    with served(home) as client:
        for unit, least in (("seconds", 1), ("milliseconds", 1_000)):
            headers = bearer(home, "score", per_minute=2, retry_after=unit)
            assert client.post("/score", json=ALL, headers=headers).status_code == 200
            refused = client.post("/score", json=ALL, headers=headers)
            told = problem(refused, 429)
            assert told.retry_after_seconds is not None
            assert 25 < told.retry_after_seconds <= 30
            assert int(refused.headers["retry-after"]) >= 25 * least


def test_too_many_at_once_are_refused_early(home: Path) -> None:
    with served(home, most_in_flight=0) as client:
        client.headers.update(bearer(home))
        assert problem(client.post("/score", json=ALL), 429).retry_after_seconds == 1
        assert client.get("/livez").status_code == 200


def test_a_deadline_is_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(5)

    client = TestClient(Guard(slow, slow, home, most_in_flight=8), headers=bearer(home))
    problem(client.post("/score", json=ALL, headers={"X-Request-Deadline-Ms": "20"}), 504)
    problem(client.post("/score", json=ALL, headers={"X-Request-Deadline-Ms": "soon"}), 400)
    monkeypatch.setitem(ROUTES["/score"].bodies, JSON, Limits(100, 0.02))  # type: ignore[arg-type]
    assert "0.02 s" in problem(client.post("/score", json=ALL), 504).detail


def test_a_failure_tells_neither_its_words_nor_a_value(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise RuntimeError("ada@example.org")

    client = TestClient(Guard(broken, broken, home, most_in_flight=8), headers=bearer(home))
    with caplog.at_level(logging.INFO, "warmline.calls"):
        answer = client.post("/score", json=ALL)
    problem(answer, 500)
    assert "ada@example.org" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text


def test_a_failure_of_a_route_is_a_problem_as_well(
    home: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("ada@example.org")

    monkeypatch.setattr("serving.app.parse", broken)
    with served(home) as client, caplog.at_level(logging.INFO, "warmline.calls"):
        answer = client.post("/score", json=ALL, headers=bearer(home))
    problem(answer, 500)
    assert "RuntimeError" in caplog.text
    assert "ada@example.org" not in answer.text + caplog.text


def test_each_call_is_one_line_without_whom_it_was_about(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "warmline.calls"):
        client.post("/score?x=secret", json=ALL, headers={"X-Request-Id": "mine-1"})
        client.get("/secret")
    told = [json.loads(record.message) for record in caplog.records]
    assert [(one["request_id"] == "mine-1", one["route"], one["status"], one["rows"])
            for one in told] == [(True, "/score", 200, 1), (False, "other", 404, 0)]  # fmt: skip
    assert "acme" not in caplog.text
    assert "secret" not in caplog.text


def test_metrics_count_by_route_and_reason(client: TestClient) -> None:
    names = (
        'warmline_requests_total{route="/score",status="200"}',
        'warmline_rows_total{route="/score"}',
        'warmline_not_scored_total{why="the relationship has ended"}',
        'warmline_not_scored_total{why="no customer has this id"}',
    )

    def told() -> list[float]:
        lines = client.get("/metrics").text.splitlines()
        values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        assert float(values['warmline_batch_seconds{model_version="7"}']) == NOW.timestamp()
        return [float(values.get(name, 0)) for name in names]

    client.post("/score", json=ALL)
    before = told()
    client.post("/score", json={"customer_ids": ["acme", "gone", "a", "b"]})
    assert [after - was for after, was in zip(told(), before, strict=True)] == [1, 4, 1, 2]


def test_one_customer_is_found_by_another_systems_id(home: Path) -> None:
    with BatchWriter(home / "scores", NIGHT, "named") as writer:
        row = {"customer_id": "acme", "churn_probability": 0.25, "as_of": NOW}
        writer.add(pa.Table.from_pylist([row], schema=score_schema()))
        writer.named(hashed_names(["hubspot"], ["4401"], ["acme"]))
        writer.finish(FACTS)
    publish(home / "scores", NIGHT, "named")
    with served(home) as client:
        client.headers.update(bearer(home))
        told = client.post("/score/one?system=hubspot&id_field=vid", json={"vid": 4401, "x": []})
        assert (told.json()["customer_id"], told.json()["churn_probability"]) == ("acme", 0.25)
        other = client.post("/score/one?system=zendesk&id_field=vid", json={"vid": 4401})
        assert (other.json()["status"], other.json()["customer_id"]) == ("not_scored", "4401")
        problem(client.post("/score/one", json={"vid": 4401}), 422)
