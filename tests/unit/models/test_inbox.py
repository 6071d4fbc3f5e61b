"""The inbox loses nothing that was acknowledged, whoever takes it up meanwhile."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from models import inbox

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
EACH = 200


def told(paths: list[Path]) -> list[str]:
    return [row["interaction_id"] for path in paths for row in inbox.rows(path)]


def test_each_day_and_writer_has_a_file_and_all_is_taken(tmp_path: Path) -> None:
    inbox.add(tmp_path, "a", [{"interaction_id": "1"}, {"interaction_id": "2"}], now=NOW)
    inbox.add(tmp_path, "b", [{"interaction_id": "3"}], now=NOW)
    inbox.add(tmp_path, "a", [{"interaction_id": "4"}], now=NOW + timedelta(days=1))
    files = sorted(path.name for path in (tmp_path / "inbox").glob("*.jsonl"))
    assert files == ["a-2026-07-01.jsonl", "a-2026-07-02.jsonl", "b-2026-07-01.jsonl"]
    taken = inbox.take(tmp_path)
    assert sorted(told(taken)) == ["1", "2", "3", "4"]
    assert told(inbox.take(tmp_path)) == told(taken)  # until it is done
    inbox.done(taken)
    assert inbox.take(tmp_path) == []


def test_what_a_crash_cut_off_costs_only_itself(tmp_path: Path) -> None:
    inbox.add(tmp_path, "a", [{"interaction_id": "1"}], now=NOW)
    (file,) = (tmp_path / "inbox").glob("*.jsonl")
    with file.open("a") as end:
        end.write('{"interaction_id": "never ackn')
    inbox.add(tmp_path, "a", [{"interaction_id": "2"}], now=NOW)
    assert told(inbox.take(tmp_path)) == ["1", "2"]


def _writes(home: Path, writer: int) -> None:
    for number in range(EACH):
        row = {"interaction_id": f"{writer}-{number}"}
        inbox.add(home, "shared", [row], now=NOW)


def test_nothing_is_lost_while_others_write_and_it_is_taken(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    target: Callable[[Path, int], None] = _writes
    writers = [context.Process(target=target, args=(tmp_path, one)) for one in range(3)]
    for one in writers:
        one.start()
    found: list[str] = []
    while any(one.is_alive() for one in writers) or inbox.take(tmp_path):
        taken = inbox.take(tmp_path)
        found += told(taken)
        inbox.done(taken)
    assert sorted(found) == sorted(f"{one}-{number}" for one in range(3) for number in range(EACH))
