"""The log of the nights: a line an event, numbers only of what steps tell, never a failure."""

import json
from datetime import UTC, datetime

import pytest

from models.errors import RefusedToPublish
from models.home import create
from pipelines.backfill import lines as told
from pipelines.nightlog import NightLog, numbers
from pipelines.nightly import Night, Step, nightly
from pipelines.nightwatch import NightWatch
from pipelines.pings import Pings

NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)
SAID = {
    "rows": 7,
    "published": True,
    "rejects": "ada@example.org",
    "reasons": ["line 3: Ada"],
    "tables": {"customers": {"rows": 2, "first": "Ada"}},
}


def lines(folder, month="2026-07"):
    text = (folder / f"nightly-{month}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_each_month_has_its_file(tmp_path):
    log = NightLog(tmp_path / "logs")
    log.write(NOW, "done")
    log.write(NOW.replace(month=8), "done")
    assert [line["time"] for line in lines(tmp_path / "logs")] == [NOW.isoformat()]
    assert len(lines(tmp_path / "logs", "2026-08")) == 1


def test_of_what_a_step_tells_only_numbers_are_kept():
    assert numbers(SAID) == {"rows": 7, "published": True, "tables": {"customers": {"rows": 2}}}


def test_a_log_that_cannot_be_written_fails_nothing(tmp_path):
    (tmp_path / "logs").write_text("a file where the folder should be", encoding="utf-8")
    NightLog(tmp_path / "logs").write(NOW, "done")
    assert (tmp_path / "logs").is_file()


@pytest.fixture
def night(tmp_path):
    home, _ = create(tmp_path)
    watch = NightWatch(NightLog(home.root / "logs"), Pings(""), lambda: NOW)

    def run(*steps):
        return nightly(home, steps, as_of=NOW.date(), now=NOW, watch=watch)

    run.logs = home.root / "logs"
    return run


def test_a_night_logs_its_start_its_steps_and_its_end(night):
    done = night(Step("ingest", lambda _: SAID), Step("score", lambda _: {"rows": 3}))
    told = lines(night.logs)
    assert [line["event"] for line in told] == ["began", "step", "step", "done"]
    assert {line["run"] for line in told} == {done.run}
    assert {line["as_of"] for line in told} == {"2026-07-01"}
    assert [line.get("step") for line in told[1:3]] == ["ingest", "score"]
    assert told[1]["rows"] == 7
    assert told[1]["seconds"] >= 0
    assert told[1]["peak_memory_mb"] > 10
    assert "Ada" not in json.dumps(told)


def test_what_fails_is_logged_by_its_name_and_not_its_words(night):
    def refuse(_):
        raise RefusedToPublish("stopped for Ada")

    with pytest.raises(RefusedToPublish):
        night(Step("score", refuse))
    last = lines(night.logs)[-1]
    assert (last["event"], last["step"], last["exit_code"]) == ("failed", "score", 3)
    assert "Ada" not in json.dumps(last)


def test_a_person_is_told_where_the_list_lies():
    plan = {"tonight": "Tonight 2 tasks", "worklist": "home/worklist.csv", "notes": ["one late."]}
    night = Night(NOW.date(), "run", NOW, done={"score": {}, "plan": plan})
    assert told([night]) == [
        "The night of 2026-07-01 is done: score, plan.",
        "Tonight 2 tasks. The list: home/worklist.csv",
        "Note: one late.",
    ]
