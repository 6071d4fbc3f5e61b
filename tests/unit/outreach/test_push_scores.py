"""Which scores go to a CRM, and what is remembered of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from models.settings_outreach import Crm as Settings
from outreach.channels import Refused, Sent
from outreach.channels.crm import Bulk, CannotPush, Fates, Record
from outreach.push import memory
from outreach.push.due import Due, due
from outreach.push.scores import Pusher
from outreach.push.target import naming_of, target
from outreach.store import erasing
from outreach.store.database import Store
from outreach.store.tables import crm_records
from tests.servers import crm
from tests.unit.outreach.channels.test_crm import Time
from tests.unit.outreach.company import batch_of, reason, score
from tests.unit.outreach.stores import KEY, NIGHT, NOW, rows
from tests.unit.outreach.test_store_erasing import GONE

NAMING = naming_of(Settings(kind="generic"))


class Crm:
    """A CRM in memory: `wrong` are refused, and `ends` stops it after so many records."""

    at_once = 2
    bulk: Bulk | None = None
    bulk_from = 0

    def __init__(self, *wrong: str, ends: int = 10**9) -> None:
        self.wrong, self.ends = set(wrong), ends
        self.got: list[str] = []
        self.fields: dict[str, Any] = {}

    def write(self, records: Sequence[Record]) -> Fates:
        if len(self.got) >= self.ends:
            raise CannotPush("enough")
        self.got += [record.key for record in records]
        self.fields.update({record.key: record.fields for record in records})
        return {r.key: Refused("no") if r.key in self.wrong else Sent() for r in records}

    clear = write


def night_of(tmp_path: Path, scores: Sequence[dict[str, Any]], days: int = 0) -> Any:
    night = NIGHT + timedelta(days=days)
    return batch_of(tmp_path / f"scores{time.monotonic_ns()}", scores, night=night)


def due_of(store: Store, batch: Any, **others: Any) -> Due:
    facts = {"key": KEY, "refresh_days": 7} | others
    return due(batch, memory.Known.of(store), facts.pop("naming", NAMING), **facts)


def pushed(store: Store, batch: Any, system: Crm | None = None) -> Crm:
    """Pushes what is due to a CRM, and gives that."""
    system = system or Crm()
    pusher = Pusher(store, system, batch.as_of.toordinal())  # type: ignore[arg-type]
    pusher.push(due_of(store, batch), by="ines", now=NOW)
    return system


def told(store: Store) -> dict[str, Any]:
    return {row.customer_id: row.refused for row in rows(store, crm_records)}


CHANGES = [
    ({"churn_probability": 0.803}, False),  # still 80%
    ({"churn_probability": 0.81}, True),
    ({"band": "medium"}, True),
    ({"value_at_risk": 803.0}, False),
    ({"value_at_risk": 850.0}, True),
    ({"value_at_risk": None}, True),
    ({"silent": True}, True),
    ({"reasons": [reason("quiet for 41 days")]}, False),
    ({"reasons": [reason("late")  | {"feature": "late_reply"}]}, True),
    ({"reasons": None}, True),
    ({"percentile": 12.0}, False),
]  # fmt: skip


def test_a_record_changes_when_its_reader_would_see_it(store: Store, tmp_path: Path) -> None:
    first = {"reasons": [reason("quiet for 40 days")], "percentile": 80.0}
    pushed(store, night_of(tmp_path, [score(f"c{n}", **first) for n in range(len(CHANGES))]))
    new = [score(f"c{n}", **(first | change)) for n, (change, _) in enumerate(CHANGES)]
    went = pushed(store, night_of(tmp_path, new)).got
    assert {f"c{n}" for n, (_, goes) in enumerate(CHANGES) if goes} == set(went)


def test_the_chance_of_a_renewal_is_told_where_its_field_has_a_name(
    store: Store, tmp_path: Path
) -> None:
    def night(chance: float) -> Any:
        due = {"customer_id": "b", "renewal_at": NOW, "non_renewal_probability": chance}
        scores = [score("a"), score("b")]
        return batch_of(tmp_path / f"{chance}", scores, renewals=[due])

    named = naming_of(Settings(kind="generic", fields={"non_renewal_probability": "lapse"}))
    asked = [due_of(store, night(chance), naming=named) for chance in (0.254, 0.251, 0.26)]
    (first, _), (second, _) = asked[0].records()
    assert (first.fields["lapse"], second.fields["lapse"]) == (None, 0.25)
    digests = [one.digests[1] for one in asked]
    assert digests[0] == digests[1] != digests[2]
    assert "lapse" not in pushed(store, asked[0].batch).fields["b"]


def test_only_what_was_not_taken_goes_again(store: Store, tmp_path: Path) -> None:
    names = ["a", "b", "c", "d", "e"]
    batch = night_of(tmp_path, [score(name) for name in names])
    with pytest.raises(CannotPush, match="enough"):
        pushed(store, batch, Crm(ends=3))
    assert set(told(store)) == {"a", "b", "c", "d"}
    assert pushed(store, batch).got == ["e"]
    assert pushed(store, batch).got == []


def test_when_the_crm_fails_no_further_call_begins_and_what_was_taken_counts(
    tmp_path: Path,
) -> None:
    store = Store.open("", tmp_path)
    batch = night_of(tmp_path, [score(f"c{n:02}") for n in range(40)])
    system = Crm()
    calls: list[str] = []

    def write(records: Sequence[Record]) -> Fates:
        calls.append(records[0].key)
        if records[0].key == "c02":
            time.sleep(0.05)
            raise CannotPush("down")
        time.sleep(0.01)
        return {record.key: Sent() for record in records}

    system.write = write  # type: ignore[method-assign]
    pusher = Pusher(store, system, NIGHT.toordinal(), parallel=2)  # type: ignore[arg-type]
    with pytest.raises(CannotPush, match="down"):
        pusher.push(due_of(store, batch), by="ines", now=NOW)
    assert len(calls) < 10
    assert len(told(store)) == 2 * (len(calls) - 1)


def test_what_was_refused_is_listed_and_waits_until_it_changes(
    store: Store, tmp_path: Path
) -> None:
    batch = night_of(tmp_path, [score("a"), score("b"), score("c")])
    assert pushed(store, batch, Crm("b")).got == ["a", "b", "c"]
    assert memory.refused(store, 9) == [{"customer_id": "b", "why": "no"}]
    assert memory.count(store) == {"known": 3, "refused": 1}
    assert pushed(store, batch).got == []
    assert memory.try_again(store) == 1
    assert pushed(store, batch).got == ["b"]
    assert memory.refused(store, 9) == []


def test_what_does_not_change_is_told_again_in_time_and_not_all_on_one_night(
    tmp_path: Path,
) -> None:
    store = Store.open("", tmp_path)
    scores = [score(f"c{n}") for n in range(70)]
    system = Crm()
    system.at_once = 100
    before, counts = 0, []
    for days in (*range(8), 40):
        pushed(store, night_of(tmp_path, scores, days), system)
        counts.append(len(system.got) - before)
        before = len(system.got)
    assert (counts[0], sum(counts[1:8]), counts[8]) == (70, 70, 70)
    assert max(counts[1:8]) < 25


def test_a_score_holds_until_it_would_have_been_told_again(store: Store, tmp_path: Path) -> None:
    fields = pushed(store, night_of(tmp_path, [score("a", reasons=[reason("x"), reason("y")])]))
    record = fields.fields["a"]
    assert (record["expires_at"].date(), record["as_of"]) == (date(2026, 7, 10), "2026-07-01")
    assert (record["churn_probability"], record["reasons"]) == (0.8, "x; y")


def test_whoever_is_scored_no_more_is_cleared_once(store: Store, tmp_path: Path) -> None:
    pushed(store, night_of(tmp_path, [score("a"), score("b")]))
    left = night_of(tmp_path, [score("a")], 1)
    system = pushed(store, left, Crm("b"))
    assert system.fields["b"] == dict.fromkeys(NAMING.names.values())
    assert told(store)["b"] == "no"  # and is tried again
    assert "b" in pushed(store, left).got
    assert "b" not in told(store)
    assert pushed(store, left).got == []
    assert "b" in pushed(store, night_of(tmp_path, [score("a"), score("b")], 2)).got


def test_an_erased_person_is_cleared_in_the_crm_and_then_forgotten_here(
    store: Store, tmp_path: Path
) -> None:
    pushed(store, night_of(tmp_path, [score("acme"), score("bolt")]))
    erasing.erase(store, GONE, KEY, has_crm=True)
    assert memory.erased(store) == ["acme"]
    assert pushed(store, night_of(tmp_path, [score("bolt")])).got == ["acme"]
    assert set(told(store)) == {"bolt"}
    pushed(store, night_of(tmp_path, [score("acme"), score("bolt")]))
    erasing.erase(store, GONE, KEY)  # nobody to tell
    assert set(told(store)) == {"bolt"}


def test_other_names_in_the_crm_are_told_anew(store: Store, tmp_path: Path) -> None:
    batch = night_of(tmp_path, [score("a")])
    pushed(store, batch)
    renamed = naming_of(Settings(kind="generic", fields={"band": "risk", "percentile": ""}))
    again = due_of(store, batch, naming=renamed)
    ((record, _),) = again.records()
    assert record.fields["risk"] == "high"
    assert "percentile" not in record.fields
    assert due_of(store, batch, key=b"another key").many == 1


def test_a_job_whose_end_nobody_saw_is_looked_for_first(store: Store, tmp_path: Path) -> None:
    batch = night_of(tmp_path, [score(name) for name in "abcd"])
    with crm.running() as cloud:
        for name in "abc":
            cloud.of("Account")[name] = {}
        settings = Settings(
            kind="salesforce", url=cloud.url, client_id="i", client_secret="secret",  # noqa: S106
            bulk_from=3, allow_private=True,
        )  # fmt: skip
        aim = target(settings, clock=lambda: NOW, pace=Time().pace(10))
        night = NIGHT.toordinal()
        work = due_of(store, batch, naming=aim.naming)
        records = list(work.records())
        assert aim.crm.bulk
        aim.crm.bulk.submit(
            [record for record, _ in records],
            lambda job: memory.begin(store, job, {r.key: digest for r, digest in records}),
        )
        assert due_of(store, batch, naming=aim.naming).many == 4  # nobody knows yet
        pusher = Pusher(store, aim.crm, night)
        assert pusher.end_jobs() == Counter(sent=3, refused=1)
        assert pusher.end_jobs() == Counter()
        assert due_of(store, batch, naming=aim.naming).many == 0
        assert told(store)["d"] == "REQUIRED_FIELD_MISSING"
        changed = night_of(tmp_path, [score(name, 0.2) for name in "abcd"])
        count = pusher.push(due_of(store, changed, naming=aim.naming), by="ines", now=NOW)
        assert count == Counter(sent=3, refused=1)
        assert len(cloud.jobs) == 2


def push_away(root: Path, scores: Path, url: str) -> None:
    """A push in a process of its own."""
    from models.batch import ScoreBatch

    store = Store.open("", root)
    settings = Settings(
        kind="hubspot",
        token="right",  # noqa: S106
        url=url,
        allow_private=True,
        per_second=40,
    )
    aim = target(settings, clock=lambda: NOW)
    batch = ScoreBatch.latest(scores)
    pusher = Pusher(store, aim.crm, NIGHT.toordinal(), parallel=2)
    pusher.push(due_of(store, batch, naming=aim.naming), by="ines", now=NOW)
    os._exit(0)


def test_a_push_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    many = 3_000
    batch = batch_of(tmp_path / "scores", [score(f"c{n}") for n in range(many)])
    store = Store.open("", tmp_path)
    store.engine.dispose()
    with crm.running() as cloud:
        there = cloud.of("companies")
        there.update({f"c{n}": {} for n in range(many)})
        fork = multiprocessing.get_context("fork")
        arguments = (tmp_path, tmp_path / "scores", cloud.url)
        killed = 0
        for kill in (True, True, False):
            process = fork.Process(target=push_away, args=arguments)
            process.start()
            before = len(cloud.calls)
            while kill and process.is_alive() and len(cloud.calls) < before + 8:
                time.sleep(0.01)
            if kill and process.pid:
                os.kill(process.pid, signal.SIGKILL)
                killed += 1
            process.join()
        assert killed == 2
        assert process.exitcode == 0
        written = sum(inputs for _, _, inputs in cloud.calls)
        assert all(there[f"c{n}"]["warmline_band"] == "high" for n in range(many))
        # What was under way when it was killed goes again: four calls at most, two times.
        assert many <= written <= many + 2 * 4 * 100
        assert due_of(store, batch, naming=naming_of(Settings(kind="hubspot"))).many == 0
