"""Work items as tasks of each kind of CRM, and back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models.errors import WrongUsage
from models.settings_outreach import Crm as Settings
from models.settings_outreach import CrmTasks
from outreach.push import tasks
from outreach.push.target import target
from outreach.push.tasks import TaskPusher
from outreach.store import erasing, items, tables
from outreach.store.database import Store
from outreach.store.recording import record
from tests.servers import crm
from tests.unit.outreach.channels.test_crm import GENERIC, HUBSPOT, KINDS, SALESFORCE, Time
from tests.unit.outreach.channels.test_webhook_and_file import SECRET
from tests.unit.outreach.stores import KEY, NOW, later, planned, rows
from tests.unit.outreach.test_store_erasing import GONE

OBJECTS = {"hubspot": ("companies", "tasks"), "salesforce": ("Account", "Task"),
           "generic": ("customers", "tasks")}  # fmt: skip
SUBJECT = {"hubspot": "hs_task_subject", "salesforce": "Subject", "generic": "subject"}
BODY = {"hubspot": "hs_task_body", "salesforce": "Description", "generic": "body"}
STATUS = {"hubspot": "hs_task_status", "salesforce": "Status", "generic": "status"}
OWNER = {"hubspot": "hubspot_owner_id", "salesforce": "OwnerId", "generic": "owner"}
DUE = {"hubspot": "hs_timestamp", "salesforce": "ActivityDate", "generic": "due_at"}
DONE = {"hubspot": "COMPLETED", "salesforce": "Completed", "generic": "closed"}
BY = {"by": "ines", "now": NOW}


class Desk:
    """A store with the items of two customers, and a CRM that has both of them."""

    def __init__(self, store: Store, cloud: crm.Cloud, settings: dict[str, Any]) -> None:
        self.store, self.cloud, self.kind = store, cloud, settings["kind"]
        cloud.secret = SECRET
        for name in ("acme", "bolt"):
            cloud.of(OBJECTS[self.kind][0])[name] = {}
        url = cloud.url + ("/hook" if self.kind == "generic" else "")
        self.crm = Settings(**settings, url=url, allow_private=True, tasks=CrmTasks(
            live=True, owners={"ines": "71"}, default_owner="7",
            closed_as={"Not reached": "not_reachable"}))  # fmt: skip
        self.plan("acme", reasons=["<b> & no word for 200 days", "late twice"])
        self.plan("bolt", owner_id="omar", decision="refer", channel="phone")

    def plan(self, customer: str, **others: Any) -> None:
        record(self.store, by="plan", now=NOW, decisions=[planned(customer, **others)])

    @property
    def pusher(self) -> TaskPusher:
        aim = target(self.crm, clock=lambda: datetime.now(UTC), pace=Time().pace(10))
        return TaskPusher(self.store, aim.tasks, self.crm.tasks, KEY, ZoneInfo("UTC"))

    def push(self) -> Counter[str]:
        return self.pusher.take_back(now=NOW) + self.pusher.push(**BY)

    @property
    def there(self) -> list[dict[str, Any]]:
        """The CRM's tasks, in the order of their making."""
        return list(self.cloud.of(OBJECTS[self.kind][1]).values())

    def told(self, names: dict[str, str]) -> list[Any]:
        return [task.get(names[self.kind]) for task in self.there]

    def finish(self, place: int, how: str | None = None) -> None:
        """Somebody finishes a task in the CRM."""
        key, task = list(self.cloud.of(OBJECTS[self.kind][1]).items())[place]
        task[STATUS[self.kind]] = DONE[self.kind]
        self.cloud.ended[key] = how or DONE[self.kind]

    def items(self) -> list[tuple[str, str | None]]:
        return [(row.state, row.closed_as) for row in rows(self.store, tables.work_items)]


@pytest.fixture
def desk(store: Store, request: pytest.FixtureRequest) -> Iterator[Desk]:
    with crm.running() as cloud:
        yield Desk(store, cloud, request.getfixturevalue("settings"))


@KINDS
def test_each_item_is_one_task_that_follows_it(desk: Desk, settings: Any) -> None:
    assert desk.push() == Counter(sent=2)
    assert desk.push() == Counter()
    assert desk.told(SUBJECT) == [
        "Check in: <b> & no word for 200 days", "Check in: no word for 200 days",
    ]  # fmt: skip
    assert desk.told(OWNER) == ["71", "7"]
    assert desk.told(DUE)[0].startswith("2026-07-01")
    acme, bolt = (row.id for row in rows(desk.store, tables.work_items))
    items.snooze(desk.store, **BY, item=acme, until=later(days=9), why="on leave")
    items.close(desk.store, **BY, item=bolt, closed_as="saved", why="renewed")
    with desk.store.begin() as tx:
        tx.execute(tables.messages.update().values(state="sent", sent_at=NOW))
    assert desk.push() == Counter(sent=2)
    assert desk.push() == Counter()
    assert [word.lower()[:6] for word in desk.told(STATUS)] in (
        ["deferr", "comple"], ["snooze", "closed"],
    )  # fmt: skip
    assert desk.told(DUE)[0].startswith("2026-07-10")
    assert "Written to on 2026-07-01." in desk.told(BODY)[0]
    assert "Closed as saved." in desk.told(BODY)[1]
    assert len(desk.there) == 2


@KINDS
def test_a_task_that_was_made_and_not_noted_is_not_made_again(desk: Desk, settings: Any) -> None:
    desk.push()
    with desk.store.begin() as tx:
        tx.execute(tables.crm_tasks.delete())
    assert desk.push() == Counter(sent=2)
    assert len(desk.there) == 2


@KINDS
def test_a_task_that_is_finished_there_closes_its_item(desk: Desk, settings: Any) -> None:
    desk.push()
    desk.finish(0)
    assert desk.push() == Counter(finished=1)
    assert desk.items() == [("closed", "done"), ("open", None)]
    assert desk.push() == Counter()
    audit = [row for row in rows(desk.store, tables.audit) if row.verb == "close"]
    assert [row.by for row in audit] == ["crm"]


@KINDS
def test_a_task_that_was_deleted_there_is_not_made_again(desk: Desk, settings: Any) -> None:
    desk.push()
    tasks_there = desk.cloud.of(OBJECTS[desk.kind][1])
    first = next(iter(tasks_there))
    del tasks_there[first]
    desk.cloud.ended[first] = None
    assert desk.push() == Counter(deleted=1)
    assert desk.push() == Counter()
    assert desk.items()[0] == ("open", None)


@KINDS
def test_a_status_that_was_changed_there_stays_while_ours_does(desk: Desk, settings: Any) -> None:
    desk.push()
    desk.there[0][STATUS[desk.kind]] = "moved on"
    desk.plan("acme", as_of=NOW.date() + timedelta(days=1), reasons=["late three times"])
    assert desk.push() == Counter(sent=1)
    assert (desk.told(BODY)[0], desk.told(STATUS)[0]) == ("late three times", "moved on")
    items.start(desk.store, **BY, item=rows(desk.store, tables.work_items)[0].id)
    desk.push()
    assert desk.told(STATUS)[0] != "moved on"


@KINDS
def test_the_words_of_an_erased_person_go(desk: Desk, settings: Any) -> None:
    desk.push()
    desk.plan("acme", reason_key="renewal")  # of which there is no task yet
    erasing.erase(desk.store, GONE, KEY, has_crm=True)
    assert desk.push() == Counter(sent=1)
    assert (desk.told(SUBJECT)[0], desk.told(BODY)[0]) == ("erased", "")
    assert desk.told(STATUS)[0] == DONE[desk.kind]
    assert desk.push() == Counter()
    assert len(desk.there) == 2


@pytest.mark.parametrize("settings", [HUBSPOT, SALESFORCE])
def test_a_task_of_whom_the_crm_does_not_have_is_refused_and_listed(
    desk: Desk, settings: Any
) -> None:
    desk.plan("calm")
    assert desk.push() == Counter(sent=2, refused=1)
    assert [(row["customer_id"], "no such customer" in row["why"])
            for row in tasks.refused(desk.store, 9)] == [("calm", True)]  # fmt: skip
    assert desk.push() == Counter()
    desk.cloud.of(OBJECTS[desk.kind][0])["calm"] = {}
    tasks.try_again(desk.store)
    assert desk.push() == Counter(sent=1)
    assert tasks.refused(desk.store, 9) == []


@pytest.mark.parametrize("settings", [HUBSPOT])
def test_hubspot_shows_the_task_at_its_record_and_its_words_as_text(
    desk: Desk, settings: Any
) -> None:
    desk.push()
    assert {record for _, record in desk.cloud.linked} == {
        str(int.from_bytes(name, "big")) for name in (b"acme", b"bolt")
    }
    assert desk.told(BODY)[0] == "&lt;b&gt; &amp; no word for 200 days<br>late twice"
    assert [task["hs_task_priority"] for task in desk.there] == ["MEDIUM", "HIGH"]


@pytest.mark.parametrize("settings", [GENERIC])
def test_how_it_ended_there_says_how_the_item_is_closed(desk: Desk, settings: Any) -> None:
    desk.push()
    desk.finish(0, "Not reached")
    desk.finish(1, "Anything else")
    assert desk.push() == Counter(finished=2)
    assert desk.items() == [("closed", "not_reachable"), ("closed", "done")]
    wrong = CrmTasks(closed_as={"x": "gone"})
    with pytest.raises(WrongUsage, match="'gone' is no way to close"):
        replace(desk.pusher, settings=wrong).take_back(now=NOW)
