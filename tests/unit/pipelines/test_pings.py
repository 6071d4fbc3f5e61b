"""A health check is told how the night went, and never stops it. The server is a real one."""

import json
import time

import pytest

from pipelines.pings import Pings
from tests.ping_server import PingServer

FACTS = {"as_of": "2026-07-01", "exit_code": 3}


@pytest.fixture
def server():
    one = PingServer()
    yield one
    one.close()


def pings(url, **options):
    notes: list[str] = []
    return Pings(url, notes.append, pauses=(0.0, 0.0), **options), notes


@pytest.mark.parametrize(
    ("verb", "path"), [("start", "/check/start"), ("done", "/check"), ("failed", "/check/fail")]
)
def test_each_event_has_its_address_and_its_facts(server, verb, path):
    sender, notes = pings(server.url)
    assert getattr(sender, verb)(FACTS)
    assert [(method, seen) for method, seen, _ in server.seen] == [("POST", path)]
    assert json.loads(server.seen[0][2]) == FACTS
    assert notes == []


def test_the_path_goes_before_a_query(server):
    assert pings(f"{server.url}?create=1")[0].start({})
    assert server.seen[0][1] == "/check/start?create=1"


def test_a_ping_that_fails_is_tried_again(server):
    server.answers = [500, 503]
    sender, notes = pings(server.url)
    assert sender.done(FACTS)
    assert len(server.seen) == 3
    assert notes == []


def test_a_ping_that_fails_for_good_is_noted_without_its_address(server):
    server.answers = [404, 404, 404]
    sender, notes = pings(server.url)
    assert not sender.done(FACTS)
    assert "404" in notes[0]
    assert server.url not in notes[0]


def test_nobody_there_is_noted(server):
    url = server.url
    server.close()
    sender, notes = pings(url)
    assert not sender.start(FACTS)
    assert len(notes) == 1


def test_a_server_that_does_not_answer_is_not_waited_for(server):
    server.slow = 2.0
    sender, notes = pings(server.url, timeout=0.1)
    start = time.perf_counter()
    assert not sender.start(FACTS)
    assert time.perf_counter() - start < 1.5
    assert len(notes) == 1


def test_without_an_address_nothing_is_sent(server):
    assert not pings("")[0].start(FACTS)
    assert server.seen == []
