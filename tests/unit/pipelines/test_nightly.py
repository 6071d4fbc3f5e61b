"""A night is run once, by one run at a time, and goes on where it was cut off."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import pytest

from models.errors import Busy, RefusedToPublish
from models.home import create
from pipelines.nightly import Step, nightly

AS_OF = date(2026, 7, 1)
NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)


@pytest.fixture
def home(tmp_path):
    return create(tmp_path)[0]


class Trace:
    """Steps that note what ran; those named in `failing` raise once."""

    def __init__(self, **failing: Exception) -> None:
        self.ran: list[tuple[str, str]] = []
        self.failing = failing

    def steps(self, *names: str) -> list[Step]:
        return [Step(name, lambda night, name=name: self.run(name, night)) for name in names]

    def run(self, name, night):
        self.ran.append((name, night.run))
        if error := self.failing.pop(name, None):
            raise error
        return {"did": name}


def test_it_runs_the_steps_in_order_and_keeps_what_each_said(home):
    trace = Trace()
    night = nightly(home, trace.steps("ingest", "score"), as_of=AS_OF, now=NOW)
    assert night.finished
    assert night.done == {"ingest": {"did": "ingest"}, "score": {"did": "score"}}


def test_a_finished_night_is_not_run_again(home):
    trace = Trace()
    first = nightly(home, trace.steps("score"), as_of=AS_OF, now=NOW)
    again = nightly(home, trace.steps("score"), as_of=AS_OF, now=NOW + timedelta(hours=5))
    assert again == first
    assert len(trace.ran) == 1


def test_a_night_that_was_cut_off_goes_on_as_the_same_run(home):
    trace = Trace(score=OSError("the machine went down"))
    with pytest.raises(OSError, match="went down"):
        nightly(home, trace.steps("ingest", "score", "plan"), as_of=AS_OF, now=NOW)
    night = nightly(
        home, trace.steps("ingest", "score", "plan"), as_of=AS_OF, now=NOW + timedelta(hours=2)
    )
    assert [name for name, _ in trace.ran] == ["ingest", "score", "score", "plan"]
    assert len({run for _, run in trace.ran}) == 1
    assert night.started == NOW


def test_after_a_refusal_the_night_begins_anew(home):
    trace = Trace(score=RefusedToPublish("stale"))
    with pytest.raises(RefusedToPublish):
        nightly(home, trace.steps("ingest", "score"), as_of=AS_OF, now=NOW)
    nightly(home, trace.steps("ingest", "score"), as_of=AS_OF, now=NOW + timedelta(hours=2))
    assert [name for name, _ in trace.ran] == ["ingest", "score", "ingest", "score"]
    assert len({run for _, run in trace.ran}) == 2


def test_a_second_run_at_the_same_time_leaves(home):
    def second(night):
        with pytest.raises(Busy) as busy:
            nightly(home, [], as_of=date(2026, 7, 2), now=NOW)
        assert busy.value.exit_code == 75
        return {}

    assert nightly(home, [Step("score", second)], as_of=AS_OF, now=NOW).finished


def test_the_lock_goes_with_a_killed_process(home):
    code = (
        "import os, sys, signal\nfrom pathlib import Path\nfrom pipelines.lock import exclusive\n"
        "with exclusive(Path(sys.argv[1]), 'run'): os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code, str(home.lock)], check=False)
    assert nightly(home, [], as_of=AS_OF, now=NOW).finished
