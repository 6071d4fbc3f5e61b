"""Tasks: one effect, kept in the home, ended as they say; what works on them and what asks them."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from threading import Timer
from typing import IO, Any

import pytest
from starlette.testclient import TestClient

from models.errors import Busy
from models.home import Home, create
from serving import working
from serving.problems import Problem
from serving.tasks import KEPT, Ended, Status, Task, Tasks
from tests.unit.serving.calls import NIGHT, NOW, bearer, served

AS_OF = str(NIGHT)


class Held(Tasks):
    """Whose work is a lock that a test holds."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.locks: dict[str, IO[bytes]] = {}

    def _begin(self, task: Task) -> None:
        self.locks[task.id] = (task.folder / "lock").open("wb")
        fcntl.flock(self.locks[task.id], fcntl.LOCK_EX)

    def asked(self, name: str = "score_batch", called: str | None = None, **more: Any) -> Task:
        about: dict[str, Any] = {"as_of": NIGHT, "key": "k", "now": NOW, **more}
        return self.submit(name, called=called, **about)

    def ends(self, task: Task, ended: Ended | None = None) -> None:
        if ended:
            task.end(ended)
        self.locks.pop(task.id).close()


DONE = Ended(Status.COMPLETED, 0, {"ok": True}, NOW.isoformat())


def test_what_is_worked_on_is_submitted_once(tmp_path: Path) -> None:
    tasks = Held(tmp_path)
    first = tasks.asked()
    assert tasks.asked(key="another") == first
    assert tasks.asked(as_of=date(2026, 6, 1)) != first
    assert tasks.asked("nightly") != first
    assert Held(tmp_path).asked() == first  # another worker, or after a restart
    tasks.ends(first, DONE)
    assert tasks.asked() != first


def test_an_idempotency_key_is_one_task_also_when_that_has_ended(tmp_path: Path) -> None:
    tasks = Held(tmp_path)
    first = tasks.asked(called="mine")
    tasks.ends(first, DONE)
    assert tasks.asked(called="mine") == first
    assert tasks.asked(called="mine", key="another's") != first
    with pytest.raises(Problem) as told:
        tasks.asked(called="mine", as_of=date(2026, 6, 1))
    assert told.value.status == 422
    assert "mine" not in (first.folder / "task.json").read_text()


def test_a_task_whose_process_is_gone_is_not_in_progress_for_ever(tmp_path: Path) -> None:
    tasks = Held(tmp_path)
    task = tasks.asked()
    assert task.ended() is None
    tasks.ends(task)
    ended = task.ended()
    assert ended is not None
    assert (ended.status, ended.facts["cut_off"]) == (Status.FAILED, True)
    assert tasks.asked() != task


def test_looking_takes_the_lock_from_nobody(tmp_path: Path) -> None:
    tasks = Held(tmp_path)
    task = tasks.asked()
    tasks.ends(task)
    with (task.folder / "lock").open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert task.ended() is not None


def test_only_what_was_asked_for_is_found(tmp_path: Path) -> None:
    tasks = Held(tmp_path)
    task = tasks.asked()
    assert tasks.find("score_batch", task.id) == task
    assert tasks.find("nightly", task.id) is None
    for wrong in ("", "..", "0" * 32, f"../tasks/{task.id}"):
        assert tasks.find("score_batch", wrong) is None


def test_what_ended_long_ago_goes(tmp_path: Path) -> None:
    tasks = Held(tmp_path)
    old, running = tasks.asked(), tasks.asked("nightly")
    tasks.ends(old, DONE)
    tasks.asked(now=NOW + KEPT + timedelta(days=1))
    assert (old.folder.exists(), running.folder.exists()) == (False, True)


@dataclass(frozen=True)
class Program(Task):
    """A task of which the work is a line of Python."""

    program: str = ""

    def command(self, root: Path) -> list[str]:
        return [sys.executable, "-c", self.program]


def worked(home: Path, program: str) -> Ended:
    """How it ended."""
    task = Program("0" * 32, "score_batch", AS_OF, NOW.isoformat(), "k", folder=home / "t",
                   program=program)  # fmt: skip
    task.folder.mkdir(exist_ok=True)
    with (task.folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        working.work(home, task, lock.fileno())
    ended = replace(task).ended()
    assert ended is not None
    assert not (task.folder / "said").exists()
    return ended


def test_what_the_command_tells_is_kept(tmp_path: Path) -> None:
    ended = worked(tmp_path, """print('{"ok": true, "rows": 3}')""")
    assert (ended.status, ended.exit_code, ended.facts) == (
        Status.COMPLETED, 0, {"ok": True, "rows": 3},
    )  # fmt: skip


def test_a_failure_keeps_its_exit_code_and_words(tmp_path: Path) -> None:
    program = """print('{"ok": false, "error": "held back"}'); raise SystemExit(3)"""
    ended = worked(tmp_path, program)
    assert (ended.status, ended.exit_code, ended.facts["error"]) == (Status.FAILED, 3, "held back")


def test_a_process_that_was_killed_has_failed(tmp_path: Path) -> None:
    ended = worked(tmp_path, "import os; os.kill(os.getpid(), 9)")
    assert (ended.status, ended.exit_code) == (Status.FAILED, 1)
    assert "signal 9" in ended.facts["error"]


def test_the_work_leaves_the_processor_to_those_who_answer(tmp_path: Path) -> None:
    ended = worked(tmp_path, "import os; print('{\"nice\": %d}' % os.nice(0))")
    assert ended.facts["nice"] == min(os.nice(0) + working.NICE, 19)


def test_a_cancelled_task_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    program = (
        "import pathlib, subprocess, time; "
        f"child = subprocess.Popen(['sleep', '60']); pathlib.Path({str(tmp_path / 'child')!r})"
        ".write_text(str(child.pid)); time.sleep(60)"
    )
    (tmp_path / "t").mkdir()
    began = time.monotonic()
    timer = Timer(1.0, (tmp_path / "t" / "cancel").touch)
    timer.start()
    ended = worked(tmp_path, program)
    timer.join()
    assert time.monotonic() - began < 20
    assert (ended.status, ended.facts["published"]) == (Status.CANCELED, False)
    child = Path("/proc") / (tmp_path / "child").read_text() / "stat"
    assert not child.exists() or child.read_text().split()[2] == "Z"


def test_work_ends_with_the_process_that_watches_it(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    program = (
        "from pathlib import Path; from tests.unit.serving.test_night_tasks import worked; "
        f"worked(Path({str(tmp_path)!r}), 'import time; time.sleep(60)')"
    )
    watching = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[3])
    until = time.monotonic() + 30
    while not (tmp_path / "t" / "steps").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    time.sleep(0.2)
    watching.kill()
    watching.wait()
    task = Task("0" * 32, "score_batch", AS_OF, NOW.isoformat(), "k", folder=tmp_path / "t")
    while task.ended() is None:
        assert time.monotonic() < until, "it still has the lock"
        time.sleep(0.05)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return create(tmp_path / "home")[0].root


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    with served(home) as client:
        client.headers.update(bearer(home, "admin"))
        yield client


def ended(client: TestClient, task_id: str) -> dict[str, Any]:
    until = time.monotonic() + 60
    while (told := client.get("/score_batch/status", params={"task_id": task_id}).json())[
        "status"
    ] == "in_progress":
        assert time.monotonic() < until, told
        time.sleep(0.1)
    return dict(told)


def test_a_run_that_finds_the_lock_held_is_a_clear_failure(home: Path, client: TestClient) -> None:
    with Home(home).lock.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        begun = client.post("/score_batch/submit", json={"as_of": AS_OF})
        assert (begun.status_code, begun.json()["status"]) == (200, "in_progress")
        place = {"task_id": begun.json()["task_id"]}
        assert client.get("/score_batch/get", params=place).json()["task_status"] == "in_progress"
        told = ended(client, place["task_id"])
    assert (told["status"], told["exit_code"]) == ("failed", Busy.exit_code)
    got = client.get("/score_batch/get", params=place)
    assert (got.status_code, got.json()["exit_code"]) == (409, 75)
    assert "another run is running" in got.json()["detail"]
    cancelled = client.put("/score_batch/cancel", params=place)
    assert (cancelled.status_code, cancelled.json()["task_status"]) == (409, "failed")
    again = client.post("/score_batch/retry", params=place).json()
    assert (again["as_of"], again["task_id"] != place["task_id"]) == (AS_OF, True)
    assert (
        client.put("/score_batch/cancel", params={"task_id": again["task_id"]}).json()["status"]
        == "canceled"
    )


def test_who_may_not_and_what_is_wrong(home: Path, client: TestClient) -> None:
    for scope in ("score", "read", "work"):
        headers = bearer(home, scope)
        assert client.post("/score_batch/submit", json={}, headers=headers).status_code == 403
    wrong = client.post("/score_batch/submit", json={"as_of": "tomorrow"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/as_of")
    assert client.post("/score_batch/submit", content=b"{}").status_code == 415
    for verb in ("status", "get"):
        assert client.get(f"/score_batch/{verb}").status_code == 404
    assert client.put("/score_batch/cancel", params={"task_id": "0" * 32}).status_code == 404
    assert client.get("/score_batch/submit").status_code == 405
    assert not (home / "tasks").exists()


def test_without_the_code_of_a_night_there_is_none(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serving.tasks.find_spec", lambda name: None)
    answer = client.post("/nightly/submit", json={})
    assert (answer.status_code, "score_batch" in answer.json()["detail"]) == (404, True)


def test_bentos_client_is_told_of_each_task(client: TestClient) -> None:
    told = json.loads(client.get("/schema.json").content)
    tasks = {route["name"]: route["route"] for route in told["routes"] if route["is_task"]}
    assert tasks == {"score_batch": "/score_batch", "nightly": "/nightly"}
