"""The night over HTTP: BentoML's own client, `--via`, and what happens when something dies."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from models.batch import ScoreBatch
from models.home import Home
from models.settings import load
from pipelines.score import score
from tests.functional.conftest import WARMLINE, Command
from tests.servers.endpoint import running, runs

SCORED = date(2026, 7, 1)
HELD = date(2026, 7, 3)  # by then every feed of the sample has stopped
WAIT_SECONDS = 120


@pytest.fixture(scope="module")
def home(demo_made, tmp_path_factory):
    place = tmp_path_factory.mktemp("over-http") / "home"
    shutil.copytree(demo_made / "home", place)
    return place


@pytest.fixture(scope="module")
def key(home):
    made = Command(home)("keys", "create", "orchestrator", "--scope", "admin")
    assert made.code == 0, made.stderr
    return made.facts["key"]


@pytest.fixture(scope="module")
def endpoint(home, key):
    with running(home) as endpoint:
        yield endpoint


def by_client(endpoint, key, scenario):
    """What `scenario` returns, given BentoML's client. The synchronous one cannot submit a task in
    BentoML 1.4.40 (https://github.com/bentoml/BentoML/pull/5706)."""
    import bentoml

    async def called():
        async with bentoml.AsyncHTTPClient(endpoint.url, token=key) as client:
            return await scenario(client)

    return asyncio.run(called())


@pytest.fixture
def caller(tmp_path, key, monkeypatch):
    """A command on a machine that has no home."""
    monkeypatch.setenv("WARMLINE_KEY", key)
    return Command(tmp_path / "nowhere")


async def ended(task):
    until = time.monotonic() + WAIT_SECONDS
    while (status := await task.get_status()).value == "in_progress":
        assert time.monotonic() < until
        await asyncio.sleep(0.1)
    return status.value


def current(home, night=SCORED):
    path = home / "scores" / f"as_of={night}" / "current"
    return path.read_text().strip() if path.exists() else None


def test_bentos_client_scores_as_the_command_does_to_the_byte(home, endpoint, key, tmp_path):
    async def scored(client):
        task = await client.score_batch.submit(as_of=str(SCORED))
        again = await client.score_batch.submit(as_of=str(SCORED))
        assert again.id == task.id  # it goes on: one effect
        one = await client.score(customer_ids=["C00017"])
        assert one["scores"][0]["status"] == "scored"
        assert await ended(task) == "completed"
        return await task.get()

    told = by_client(endpoint, key, scored)
    assert (told["ok"], told["as_of"], told["run"]) == (True, str(SCORED), current(home))
    shutil.copytree(home, tmp_path / "again")
    again = Home(tmp_path / "again")
    shutil.rmtree(again.scores / f"as_of={SCORED}")
    start = datetime.strptime(told["run"], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    score(again, load(again.root, {}), as_of=SCORED, run=told["run"], started=start)
    ours, theirs = (ScoreBatch.open(place / "scores", SCORED).path for place in (home, again.root))
    files = sorted(path.name for path in ours.iterdir())
    assert files == sorted(path.name for path in theirs.iterdir())
    for name in files:
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name


def own_mb(process):
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


def test_many_ids_are_answered_in_bounded_memory(home, endpoint, key, tmp_path):
    many = 100_000
    ids = ScoreBatch.open(home / "scores", SCORED).table(["customer_id"])["customer_id"].to_pylist()
    asked = [ids[number % len(ids)] for number in range(many)]
    body = "".join(json.dumps({"customer_id": one}) + "\n" for one in asked).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/x-ndjson"}
    request = urllib.request.Request(f"{endpoint.url}/score", body, headers)  # noqa: S310
    (worker,) = endpoint.workers()
    before, most, answered, size = own_mb(worker), 0.0, 0, 0
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        for line in answer:
            told, size = line, size + len(line)
            answered += 1
            if answered % 10_000 == 0:
                most = max(most, own_mb(worker))
    assert (answered, json.loads(told)["customer_id"]) == (many, asked[-1])
    assert size > 40e6
    assert most - before < 25, "the answers were held in memory"


def test_a_cancelled_task_has_ended_and_publishes_nothing(home, endpoint, key):
    before = current(home)

    async def cancelled(client):
        task = await client.score_batch.submit(as_of=str(SCORED))
        until = time.monotonic() + WAIT_SECONDS
        while not runs("pipelines", "score", str(home)):
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
        await task.cancel()
        assert (await task.get_status()).value == "canceled"
        assert not runs("pipelines", "score", str(home))
        with pytest.raises(Exception, match="cancelled"):
            await task.get()
        await task.cancel()  # once more changes nothing

    by_client(endpoint, key, cancelled)
    assert current(home) == before


def test_a_night_is_done_there_and_ends_here_as_it_did(home, endpoint, caller, tmp_path):
    done = caller("nightly", "--via", endpoint.url, "--as-of", str(SCORED))
    assert done.code == 0, done.stderr
    assert list(done.facts["steps"]) == ["ingest", "score", "plan", "send", "push", "outcomes"]
    assert done.facts["run"] == current(home)
    held = caller("nightly", "--via", endpoint.url, "--as-of", str(HELD), json=False)
    assert (held.code, held.stdout) == (3, "")
    assert "stopped:sample: nothing for 2 days" in held.stderr
    assert current(home, HELD) is None
    assert not (tmp_path / "nowhere").exists()


def test_a_wrong_key_and_a_wrong_use_are_told_at_once(endpoint, caller, tmp_path, monkeypatch):
    (tmp_path / "key").write_text("wl_wrong\n")
    via = "--via", endpoint.url
    refused = caller("score", *via, "--key-file", tmp_path / "key")
    assert (refused.code, "valid key" in refused.stderr) == (1, True)
    assert caller("nightly", *via, "--from", "2026-07-01", "--to", "2026-07-02").code == 2
    monkeypatch.delenv("WARMLINE_KEY")
    missing = caller("score", *via)
    assert (missing.code, "WARMLINE_KEY" in missing.stderr) == (2, True)


def tasks(home: Path) -> set[str]:
    return {path.parent.name for path in (home / "tasks").glob("*/task.json")}


def test_a_task_outlives_its_caller_and_the_service(home, endpoint, caller):
    before, known = current(home), tasks(home)
    command = [WARMLINE, "score", "--via", endpoint.url, "--as-of", str(SCORED), "--json"]
    cut_off = subprocess.Popen(command, cwd=caller.home.parent)
    until = time.monotonic() + WAIT_SECONDS
    while not (scoring := runs("pipelines", "score", str(home))):
        assert time.monotonic() < until
        time.sleep(0.02)
    os.kill(scoring[0], signal.SIGSTOP)
    cut_off.kill()
    cut_off.wait()
    again = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=caller.home.parent)
    while '"/score_batch/status"' not in endpoint.log.read_text().rpartition("submit")[2]:
        assert time.monotonic() < until
        time.sleep(0.05)
    os.kill(endpoint.process.pid, signal.SIGKILL)
    endpoint.process.wait()
    with running(home, port=endpoint.port):
        os.kill(scoring[0], signal.SIGCONT)
        said, _ = again.communicate(timeout=WAIT_SECONDS)
    assert again.returncode == 0
    assert json.loads(said)["run"] == current(home) != before
    assert len(tasks(home) - known) == 1
