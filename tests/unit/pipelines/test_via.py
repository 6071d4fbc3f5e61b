"""`--via`: what a caller does when the endpoint, the network or the work fails."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from models.errors import Busy, RefusedToPublish, WarmlineError, WrongUsage
from pipelines.via import CUT_OFF_AT_MOST, LATER_SECONDS, Endpoint, work_there
from tests.unit.serving.calls import NIGHT

KEY = "wl_secret"
BEGUN = 200, {"task_id": "t1", "status": "in_progress", "step": "reading"}
ENDED = 200, {"task_id": "t1", "status": "failed"}
DONE = 200, {"ok": True, "rows": 3}
Answer = tuple[int, dict[str, Any]]


class Scripted(ThreadingHTTPServer):
    """Gives its answers one after the other; status 0: it hangs up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = []
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        Thread(target=self.serve_forever, daemon=True).start()

    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _, _ in self.seen]


class _Handler(BaseHTTPRequestHandler):
    server: Scripted

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, dict(self.headers), body))
        status, told = self.server.answers.pop(0)
        if status:
            self.send_response(status)
            if status == 302:
                self.send_header("Location", told["to"])
            self.end_headers()
            self.wfile.write(json.dumps(told).encode())

    do_GET = do_POST  # noqa: N815 - named by http.server

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as one:
        yield one
        one.shutdown()


class Clock:
    """Time passes in sleep alone."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def there(server: Scripted) -> Callable[..., dict[str, Any]]:
    def work(*answers: Answer, wait: float = 0.0, steps: list[str] | None = None) -> dict[str, Any]:
        server.answers = list(answers)
        clock = Clock()
        endpoint = Endpoint(server.url, KEY, clock.sleep, clock)
        seen = steps if steps is not None else []
        return work_there(
            endpoint, "score_batch", NIGHT, wait=wait, advance=lambda what, share: seen.append(what)
        )

    return work


def failed(code: int, **told: Any) -> Answer:
    told = {"ok": False, "error": "so it ended", **told}
    return 409, {"detail": told["error"], "exit_code": code, "task_status": "failed",
                 "result": told}  # fmt: skip


def test_it_submits_waits_and_fetches(
    server: Scripted, there: Callable[..., dict[str, Any]]
) -> None:
    steps: list[str] = []
    assert there(BEGUN, BEGUN, ENDED, DONE, steps=steps) == DONE[1]
    assert server.paths() == [
        "POST /score_batch/submit", *["GET /score_batch/status?task_id=t1"] * 2,
        "GET /score_batch/get?task_id=t1",
    ]  # fmt: skip
    assert json.loads(server.seen[0][3]) == {"as_of": "2026-07-01"}
    assert {headers["Authorization"] for _, _, headers, _ in server.seen} == {f"Bearer {KEY}"}
    assert set(steps) == {"reading"}


def test_an_endpoint_that_restarts_is_asked_again(
    server: Scripted, there: Callable[..., dict[str, Any]]
) -> None:
    nothing: Answer = (0, {})
    answers = nothing, BEGUN, nothing, (503, {}), (429, {}), ENDED, nothing, DONE
    assert there(*answers) == DONE[1]
    keys = {headers.get("Idempotency-Key") for method, _, headers, _ in server.seen
            if method == "POST"}  # fmt: skip
    assert len(keys) == 1  # submitted twice, and once in effect
    assert None not in keys


def test_one_that_stays_away_is_told_with_what_to_do(
    there: Callable[..., dict[str, Any]],
) -> None:
    away: Answer = (503, {})
    with pytest.raises(WarmlineError, match="goes on there: run this again") as told:
        there(BEGUN, *[away] * int(LATER_SECONDS))
    assert KEY not in str(told.value)


@pytest.mark.parametrize(
    ("code", "kind"), [(1, WarmlineError), (2, WrongUsage), (3, RefusedToPublish), (75, Busy)]
)
def test_the_exit_code_is_that_of_the_command(
    there: Callable[..., dict[str, Any]], code: int, kind: type[WarmlineError]
) -> None:
    with pytest.raises(kind, match="so it ended") as told:
        there(BEGUN, ENDED, failed(code, run="r1"))
    assert (told.value.exit_code, told.value.facts) == (code, {"run": "r1"})


def test_another_run_is_waited_for_as_long_as_asked(
    server: Scripted, there: Callable[..., dict[str, Any]]
) -> None:
    busy = BEGUN, ENDED, failed(75)
    assert there(*busy, *busy, BEGUN, ENDED, DONE, wait=60) == DONE[1]
    keys = [headers["Idempotency-Key"] for method, _, headers, _ in server.seen if method == "POST"]
    assert len(set(keys)) == 3  # each a task of its own
    with pytest.raises(Busy):
        there(*busy * 5, wait=10)


def test_work_that_was_cut_off_is_begun_again(there: Callable[..., dict[str, Any]]) -> None:
    cut = BEGUN, ENDED, failed(1, cut_off=True)
    assert there(*cut, BEGUN, ENDED, DONE) == DONE[1]
    with pytest.raises(WarmlineError, match="so it ended"):
        there(*cut * (CUT_OFF_AT_MOST + 1))


def test_a_refusal_is_told_and_not_asked_again(
    server: Scripted, there: Callable[..., dict[str, Any]]
) -> None:
    with pytest.raises(WarmlineError, match="a valid key"):
        there((401, {"detail": "a valid key is needed"}))
    assert len(server.seen) == 1


def test_the_key_goes_to_no_other_address(
    server: Scripted, there: Callable[..., dict[str, Any]]
) -> None:
    with Scripted() as other:
        with pytest.raises(WarmlineError, match="302"):
            there((302, {"to": f"{other.url}/score_batch/submit"}))
        assert other.seen == []
        other.shutdown()


def test_the_key_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARMLINE_KEY", "wl_a")
    (tmp_path / "key").write_text("wl_b\n")
    assert Endpoint.of("https://host:3000/", None) == Endpoint("https://host:3000", "wl_a")
    assert Endpoint.of("https://host", tmp_path / "key").key == "wl_b"
    monkeypatch.delenv("WARMLINE_KEY")
    with pytest.raises(WrongUsage, match="WARMLINE_KEY"):
        Endpoint.of("https://host", None)
    with pytest.raises(WrongUsage, match="no address"):
        Endpoint.of("host:3000", tmp_path / "key")
    assert "wl_b" not in repr(Endpoint.of("https://host", tmp_path / "key"))
