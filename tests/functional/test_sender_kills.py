"""Senders killed at random: nothing is sent twice, nothing is lost in silence."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import sqlalchemy as sa

from benchmarks.harness import WARMLINE
from benchmarks.outreach import Load, fill, killed, make_home
from outreach.store import tables
from outreach.store.database import Store
from tests.functional import forked
from tests.servers import mail


def sender(root: Path) -> BaseProcess:
    """`warmline send`, started at once."""
    nowhere = Path(os.devnull)
    return forked.start(["send", "--home", str(root)], os.environ, nowhere, nowhere)


@pytest.mark.parametrize("where", ["sqlite", "postgres"])
def test_senders_that_are_killed_lose_nothing_and_repeat_nothing(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if where == "postgres" else ""
    load = Load(messages=120, kills=3, lease=1.5, items=0)
    outcome = killed(tmp_path / "home", url, load, senders=2, start=sender)
    assert (outcome.duplicates, outcome.lost, outcome.hidden) == (0, 0, 0)
    assert len(outcome.in_doubt) <= load.kills
    assert len(outcome.received) + len(outcome.in_doubt) >= load.messages


def test_a_sender_that_is_told_to_end_finishes_the_message_at_hand(tmp_path: Path) -> None:
    with mail.running() as box:
        home = make_home(tmp_path / "home", box.port, 60, "")
        store = Store.open("", home.root)
        fill(store, home.secret_key(), 300)
        command = [WARMLINE, "send", "--watch", "--home", home.root]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as watching:
            while not box.got:
                time.sleep(0.01)
            watching.send_signal(signal.SIGTERM)
        assert watching.returncode == 0
        with store.read() as tx:
            found = Counter(tx.scalars(sa.select(tables.messages.c.state)))
    assert set(found) == {"sent", "queued"}
    assert found["sent"] == len(box.got)
