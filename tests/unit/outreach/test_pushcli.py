"""`warmline push` as its user gives it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from models.command import Run
from models.errors import WrongUsage
from outreach.pushcli import push_night
from outreach.store import tables
from outreach.storecli import look
from tests.servers import chat, crm
from tests.unit.outreach.company import batch_of, score
from tests.unit.outreach.stores import NIGHT, rows
from tests.unit.outreach.test_sendcli import Office

SETTINGS = """
[crm]
kind = "hubspot"
url = "{url}"
token = "right"
allow_private = true
per_second = 1000.0
"""


class Desk(Office):
    """A home with scores and a CRM."""

    def __init__(self, root: Path, cloud: crm.Cloud) -> None:
        super().__init__(root)
        self.cloud = cloud
        self.aim()
        batch_of(self.home.scores, [score(name) for name in ("acme", "bolt", "calm")])
        for name in ("acme", "bolt"):
            cloud.of("companies")[name] = {}

    def aim(self, more: str = "") -> None:
        self.home.config.write_text(SETTINGS.format(url=self.cloud.url) + more, encoding="utf-8")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with crm.running() as cloud:
        yield Desk(tmp_path / "home", cloud)


def test_a_dry_run_says_how_many_would_go_and_shows_one(desk: Desk) -> None:
    told = desk.told("push", "--dry-run")
    assert (told["due"], told["gone"]) == (3, 0)
    assert told["record"]["warmline_id"] == "acme"
    assert told["record"]["warmline_churn_probability"] == 0.8
    said = desk.gives("push", "--dry-run").output
    assert "3 of 3 scores of 2026-07-01 would go" in said
    assert "warmline_band: high" in said
    assert desk.cloud.calls == []


def test_scores_are_pushed_once_and_what_failed_is_listed(desk: Desk) -> None:
    facts = ("sent", "refused", "later", "cleared", "due")
    told = desk.told("push")
    assert [told[name] for name in facts] == [2, 1, 0, 0, 3]
    assert desk.cloud.of("companies")["acme"]["warmline_band"] == "high"
    assert [desk.told("push")[name] for name in facts] == [0, 1, 0, 0, 0]
    assert desk.told("push", "--failed")["failed"] == [
        {"customer_id": "calm", "why": "OBJECT_NOT_FOUND: Could not get some objects"}
    ]
    desk.cloud.of("companies")["calm"] = {}
    assert "calm: OBJECT_NOT_FOUND" in desk.gives("push", "--failed").output
    said = desk.gives("push", "--again").output
    assert said == "Scores of 2026-07-01: 1 of 3 written, 0 cleared.\n"
    assert "refused nothing" in desk.gives("push", "--failed").output
    trail = [row for row in rows(desk.store, tables.audit) if row.verb == "push"]
    assert [row.details["counts"] for row in trail] == [{"sent": 2, "refused": 1}, {"sent": 1}]


def test_the_night_pushes_and_says_what_fails_without_failing(desk: Desk) -> None:
    run = Run(desk.root, True, False, datetime.now(UTC))
    assert push_night(run, NIGHT)["sent"] == 2
    desk.cloud.token = "other"  # noqa: S105
    desk.cloud.of("companies")["calm"] = {}
    batch_of(desk.home.scores, [score("acme", 0.1)], run="b")
    told = push_night(Run(desk.root, True, False, datetime.now(UTC)), NIGHT)
    assert told["failed"]
    assert "does not know us (401)" in told["notes"][0]
    desk.home.config.write_text("", encoding="utf-8")
    assert push_night(Run(desk.root, True, False, datetime.now(UTC)), NIGHT) == {}


WRONG: list[tuple[str, int, str]] = [
    ('[crm]\nkind = ""', 2, "There is no CRM to push to, and no chat: set [crm]"),
    ('[crm]\nkind = "hubspot"', 2, "[crm] token is not set"),
    ('[crm]\nkind = "salesforce"', 2, "url and client_id and client_secret or refresh_token"),
    ('[crm]\nkind = "generic"\nurl = "https://example.org"\nsecret = "short"', 2, "whsec_"),
    ('[crm]\nkind = "hubspot"\ntoken = "x"\nurl = "https://a@b.org"', 1, "without a user"),
    ('[crm]\nkind = "hubspot"\nkey = "a/../b"', 2, "crm.key"),
    ('[crm]\nkind = "hubspot"\nfields = { risk = "x" }', 2, "crm.fields"),
]


@pytest.mark.parametrize(("settings", "code", "told"), WRONG)
def test_a_wrong_setting_is_told_in_a_line(desk: Desk, settings: str, code: int, told: str) -> None:
    desk.home.config.write_text(settings, encoding="utf-8")
    done = desk.gives("push")
    assert (done.exit_code, told in done.stderr, "Traceback" in done.stderr) == (code, True, False)
    assert desk.cloud.calls == []


def test_tasks_go_and_come_back_with_the_scores(desk: Desk) -> None:
    desk.aim("[crm.tasks]\nlive = true\n")
    desk.queue("acme", "gone")
    told = desk.told("push")
    assert told["tasks"] == {"sent": 1, "refused": 1, "later": 0, "finished": 0, "deleted": 0}
    assert "task of item 2, gone: OBJECT_NOT_FOUND" in desk.gives("push", "--failed").output
    (task,) = desk.cloud.of("tasks").values()
    task["hs_task_status"] = "COMPLETED"
    assert "Tasks: 0 written, 1 finished there." in desk.gives("push").output
    assert rows(desk.store, tables.work_items)[0].closed_as == "done"


def test_owners_hear_of_their_lists_with_and_without_a_crm(desk: Desk) -> None:
    desk.queue("acme")
    with chat.running() as room:
        more = f'[channels.chat]\nurl = "{room.url("all")}"\nallow_private = true\n'
        desk.home.config.write_text(more, encoding="utf-8")
        assert desk.gives("push").output == "Chat: 1 owners told.\n"
        desk.queue("bolt", decision="refer")
        desk.aim(more)
        desk.cloud.token = "other"  # noqa: S105
        told = push_night(Run(desk.root, True, False, datetime.now(UTC)), NIGHT)
    assert (told["chat"]["sent"], told["failed"]) == (1, True)  # whatever the CRM says
    assert len(room.got) == 2


def test_two_pushes_at_once_are_one(desk: Desk) -> None:
    with (desk.root / ".push.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = desk.gives("push")
    assert (done.exit_code, "Another push" in done.stderr) == (75, True)


def test_the_doctor_says_how_the_crm_stands(desk: Desk) -> None:
    desk.gives("push")
    assert look(desk.home, datetime.now(UTC)).endswith("; CRM: hubspot, told of 3, 1 refused")
    desk.home.config.write_text('[crm]\nkind = "salesforce"\n', encoding="utf-8")
    with pytest.raises(WrongUsage, match="client_id"):
        look(desk.home, datetime.now(UTC))


def test_a_webhook_of_chat_that_is_none_is_told_without_it(desk: Desk) -> None:
    desk.queue("acme")
    config = '[channels.chat]\nurl = "hooks.slack.example/services/T0/hush"\n'
    desk.home.config.write_text(config, encoding="utf-8")
    done = desk.gives("push")
    assert (done.exit_code, "a url is no URL" in done.stderr) == (2, True)
    assert "hush" not in done.output + done.stderr


def test_no_secret_is_ever_said(desk: Desk) -> None:
    desk.cloud.token = "other"  # noqa: S105
    shown: list[Any] = [desk.gives("push", "--verbose"), desk.gives("push", "--json")]
    assert [done.exit_code for done in shown] == [1, 1]
    assert "right" not in "".join(done.output + done.stderr for done in shown)
