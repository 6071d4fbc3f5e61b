"""`warmline send` and `warmline outreach` as their user gives them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import warmline
from models.command import Run
from models.errors import WarmlineError, WrongUsage
from models.home import create
from outreach.planned import Planned
from outreach.playbooks import Playbooks
from outreach.sendcli import send_night
from outreach.store import tables
from outreach.store.database import Store
from outreach.store.drafts import Draft
from outreach.store.recording import record
from outreach.storecli import look, looks
from pipelines.features import matrix
from tests.servers import mail
from tests.unit.outreach.stores import NIGHT, NOW, planned, rows, states
from tests.unit.outreach.test_store_schema import say
from tests.unit.serving.calls import written

CHECK_IN = next(play for play in Playbooks.load().plays if play.name == "check-in")
SETTINGS = """
[outreach]
base_url = "https://mail.example.org"
[send]
live = {live}
[channels.email]
host = "127.0.0.1"
port = {port}
security = "none"
from_address = "ines@shop.example"
"""


class Office:
    """A home with its store, worked by commands."""

    def __init__(self, root: Path) -> None:
        self.home, _ = create(root)
        self.root = root
        self.set(live=False)
        self.store = Store.open("", root)

    def set(self, *, live: bool, port: int = 1) -> None:
        text = SETTINGS.format(live=str(live).lower(), port=port)
        self.home.config.write_text(text, encoding="utf-8")

    def queue(self, *customers: str, **others: Any) -> None:
        now = datetime.now(UTC)
        each = [planned(customer, **others) for customer in customers]
        record(
            self.store, by="plan", now=now, decisions=each, drafts=self._words,
            remedies={"acme": ["every open case solved: 8% instead of 13%"]},
        )  # fmt: skip

    def _words(self, planned: Planned) -> Draft:
        address = f"{planned.customer_id}@example.org"
        return Draft.to(self.home.secret_key(), "email", address, subject="Hello", text="Hello\n")

    def gives(self, *arguments: str) -> Result:
        return CliRunner().invoke(warmline.main, [*arguments, "--home", str(self.root)])

    def told(self, *arguments: str) -> dict[str, Any]:
        done = self.gives(*arguments, "--json")
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path / "home")


def test_nothing_is_sent_until_it_is_set_live(office: Office) -> None:
    office.queue("acme")
    with mail.running() as box:
        office.set(live=False, port=box.port)
        said = office.gives("send").output
        assert (box.got, "set live = true" in said) == ([], True)
        office.set(live=True, port=box.port)
        assert office.told("outreach", "preview")["due"] == 1
        assert office.told("outreach", "stop", "--why", "wrong words")["new"]
        assert "stopped by" in office.gives("send").output
        assert box.got == []
        assert office.told("outreach", "go")["new"]
        assert office.told("send")["sent"] == 1
        assert "sent" not in office.told("send")
    (letter,) = box.letters()
    assert letter["List-Unsubscribe"].startswith("<https://mail.example.org/unsubscribe/")
    assert list(office.root.glob("inbox/outreach-*.jsonl"))


def test_the_night_sends_what_is_due_and_only_where_it_is_live(office: Office) -> None:
    office.queue("acme")
    run = Run(office.root, True, False, datetime.now(UTC))
    with mail.running() as box:
        office.set(live=False, port=box.port)
        assert send_night(run, NIGHT) == {"live": False}
        office.set(live=True, port=box.port)
        assert send_night(run, NIGHT) == {"live": True, "queued": 0, "sent": 1}
        assert send_night(run, NIGHT) == {"live": True, "queued": 0}
        assert len(box.got) == 1


def test_a_message_is_worked_by_hand(office: Office, tmp_path: Path) -> None:
    office.queue("acme", mode="draft")
    file = tmp_path / "words.txt"
    file.write_text("Dear Ann\n", encoding="utf-8")
    (message,) = office.told("outreach", "list")["messages"]
    assert (message["state"], "address" in message) == ("draft", False)
    name = message["id"]
    edit = ("outreach", "edit", name, "--subject", "Hi", "--text", str(file), "--to")
    assert office.gives(*edit, "Ann <ann@example.org>").exit_code == 2
    page = tmp_path / "page.html"
    page.write_text("<p>Dear Ann<img src='https://a.example/seen.png'></p>", encoding="utf-8")
    followed = office.gives(*edit, "ann@example.org", "--html", str(page))
    assert (followed.exit_code, "<img> has no place" in followed.output) == (2, True)
    assert office.told(*edit, "ann@example.org") == {"ok": True, "edited": name, "seconds": {}}
    office.told("outreach", "approve", name)
    shown = office.told("outreach", "show", name[:12])
    assert (shown["message"]["address"], shown["message"]["text"]) == (
        "ann@example.org", "Dear Ann\n",
    )  # fmt: skip
    assert [each["verb"] for each in shown["trail"]] == ["write", "edit", "approve"]
    assert shown["letter"]["headers"]["To"] == "ann@example.org"
    assert "<p>Dear Ann</p>" in shown["letter"]["html"]
    nowhere = office.gives("outreach", "show", name, "--png", str(tmp_path / "no" / "letter.png"))
    assert (nowhere.exit_code, "is no folder" in nowhere.output) == (1, True)
    office.told("outreach", "discard", name, "--why", "they called")
    assert states(office.store) == {"acme": "discarded"}


def test_an_item_is_worked_by_hand(office: Office) -> None:
    office.queue("acme", "bolt", owner_id="omar")
    items = office.told("outreach", "list", "--items", "--owner", "omar")["items"]
    assert [item["customer_id"] for item in items] == ["acme", "bolt"]
    number = str(items[0]["id"])
    office.told("outreach", "start", number)
    shown = office.told("outreach", "item", number)["item"]
    assert (shown["customer_id"], shown["state"], shown["reasons"]) == (
        "acme", "in_progress", ["no word for 200 days"],
    )  # fmt: skip
    assert [item["remedies"] for item in items] == [
        ["every open case solved: 8% instead of 13%"], [],
    ]  # fmt: skip
    assert shown["remedies"] == items[0]["remedies"]
    assert shown["checklist"] == list(CHECK_IN.checklist)
    assert [letter["state"] for letter in shown["letters"]] == ["queued"]
    assert [each["verb"] for each in shown["trail"]] == ["open", "start"]
    told = office.gives("outreach", "item", number).output
    assert told.startswith("acme: Check-in\ncheck-in by email, omar, in progress, due ")
    assert "no promise of an effect):\n  every open case solved: 8% instead of 13%\n" in told
    assert "no promise" not in office.gives("outreach", "item", str(items[1]["id"])).output
    assert office.gives("outreach", "item", "99").exit_code == 1
    handed = office.gives("outreach", "hand-over", number, "ines")
    assert "Nothing else is ines's" in handed.output
    office.queue("acme", as_of=NIGHT + timedelta(days=1), owner_id="omar")  # the next plan
    assert office.told("outreach", "item", number)["item"]["owner_id"] == "ines"
    assert office.told("outreach", "hand-over", number, "omar")["known"]
    office.told("outreach", "wait", number, "--why", "they ask their boss")
    office.told("outreach", "snooze", number, "--until", "2099-01-01", "--why", "on leave")
    office.told("outreach", "add-close-reason", "upgraded", "took a larger plan")
    listed = office.gives("outreach", "list", "--items").output.splitlines()
    assert "acme  check-in by email  omar  snoozed until 2099-01-01  on leave; no word" in listed[0]
    assert "bolt  check-in by email  omar  open  due 2026-07-01  no word for 200" in listed[1]
    office.told("outreach", "close", number, "--as", "upgraded", "--why", "renewed")
    office.told("outreach", "override", "bolt", "--until", "2099-01-01", "--why", "I call")
    office.told("outreach", "suppress", "Bolt@Example.org")
    assert states(office.store) == {"acme": "withdrawn", "bolt": "queued"}
    assert len(rows(office.store, tables.suppressions)) == 1
    assert office.told("outreach", "preview")["owners"] == {"omar": 1}


def test_a_letter_of_an_item_that_is_handed_over_is_signed_by_the_new_owner(
    office: Office, tmp_path: Path
) -> None:
    (tmp_path / "crm").mkdir()
    for name, text in {
        "customers": "customer_id,joined_at\nacme,2026-01-01T00:00Z\n",
        "interactions": "interaction_id,customer_id,occurred_at,kind\n",
        "owners": "owner_id,name\nines,Ines Novak\nomar,Omar Haddad\n",
    }.items():
        (tmp_path / "crm" / f"{name}.csv").write_text(text, encoding="utf-8")
    office.told("ingest", str(tmp_path / "crm"))
    words = Draft.to(
        office.home.secret_key(), "email", "acme@example.org", subject="Hello",
        text="Hello\n\nInes Novak\n", from_name="Ines Novak",
    )  # fmt: skip
    decisions = [planned("acme"), planned("bolt")]
    record(office.store, by="plan", now=NOW, decisions=decisions, drafts=lambda _: words)
    acme, bolt = sorted(rows(office.store, tables.messages), key=lambda row: row.customer_id)
    said = office.gives("outreach", "hand-over", str(acme.item_id), "omar").output
    assert f"{acme.id} is signed by Omar Haddad now." in said
    shown = office.told("outreach", "show", acme.id)["message"]
    assert (shown["text"], shown["from_name"]) == ("Hello\n\nOmar Haddad\n", "Omar Haddad")
    told = office.told("outreach", "hand-over", str(bolt.item_id), "nobody")
    assert (told["signed"], told["sender"], told["check_signature"]) == ([bolt.id], None, {})
    assert states(office.store) == {"acme": "queued", "bolt": "draft"}
    (tmp_path / "words.txt").write_text("Yours, Ines\n", encoding="utf-8")
    office.told(
        "outreach", "edit", bolt.id, "--to", "bolt@example.org", "--text",
        str(tmp_path / "words.txt"),
    )  # fmt: skip
    said = office.gives("outreach", "hand-over", str(bolt.item_id), "omar").output
    assert f"{bolt.id} is edited by hand: check who signs it." in said
    assert office.told("outreach", "show", bolt.id)["message"]["text"] == "Yours, Ines\n"


def test_what_a_customer_said_counts_at_once_and_a_mistake_is_mended(office: Office) -> None:
    office.queue("acme", "bolt", "calm")
    office.told("outreach", "consent", "acme", "refused", "--channel", "email")
    office.told("outreach", "suppress", "Bolt@Example.org")
    office.told("outreach", "suppress", "calm@example.org")
    lift = ("outreach", "lift", "CALM+news@example.org", "--why", "wrong line")
    assert office.told(*lift)["lifted"] == 1
    assert office.told(*lift)["lifted"] == 0
    with mail.running() as box:
        office.set(live=True, port=box.port)
        office.told("send")
        assert [letter["To"] for letter in box.letters()] == ["calm@example.org"]
    assert states(office.store) == {"acme": "withdrawn", "bolt": "withdrawn", "calm": "sent"}


def test_what_is_told_of_a_stranger_is_kept_and_doubted(office: Office) -> None:
    told = office.told("outreach", "consent", "acmee", "refused")
    assert told["doubt"] == []  # nothing is scored yet: nobody is known
    written(office.root, NIGHT, "a", acme=0.5)
    assert office.told("outreach", "consent", "acme", "refused")["doubt"] == []
    assert office.told("outreach", "consent", "gone", "refused")["doubt"] == []
    strange = office.gives("outreach", "override", "acmee", "--until", "2099-01-01", "--why", "-")
    assert "know no customer acmee: is it spelled right?" in strange.output
    assert len(rows(office.store, tables.overrides)) == 1


def test_letters_of_one_night_are_listed_in_its_plans_order(office: Office) -> None:
    office.queue("zoe", "acme", "bolt", mode="draft")
    found = office.told("outreach", "list")["messages"]
    assert [message["customer_id"] for message in found] == ["zoe", "acme", "bolt"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("outreach", "show", "nothing-like-it"), 1, "No message begins"),
        (("outreach", "show", "abc"), 1, "'abc' is too short"),
        (("outreach", "list", "--state", "lost"), 2, "no state of a message"),
        (("outreach", "close", "1", "--as", "bored", "--why", "-"), 1, "no way to close"),
        (("outreach", "suppress", "nobody"), 2, "local@domain"),
        (("outreach", "resolve", "abcdef", "lost"), 2, "'lost' is not one of"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(
    office: Office, arguments: tuple[str, ...], code: int, told: str
) -> None:
    done = office.gives(*arguments)
    assert done.exit_code == code
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_looks_at_what_is_sent(office: Office) -> None:
    def said() -> str:
        return look(office.home, datetime.now(UTC))

    assert said().endswith("channels: email")
    office.set(live=True)
    with pytest.raises(WarmlineError, match=r"without .* company and postal_address: set it"):
        said()
    office.set(live=False)
    office.queue("acme")
    with office.store.begin() as tx:
        tx.execute(tables.messages.update().values(state="in_doubt"))
    with pytest.raises(WarmlineError, match="1 messages are in doubt"):
        said()
    letters = office.root / "templates" / "en"
    letters.mkdir(parents=True)
    (letters / "check_in.txt").write_text("Subject: News\nHello", encoding="utf-8")
    with pytest.raises(WrongUsage, match="must not be used"):
        said()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("trigger.features.usage_cont_30 = 0", "did you mean usage_count_30"),
        ('template = "chekin"', "did you mean check_in"),
        ('trigger = { fact = "ordr" }', "`trigger.fact`"),
    ],
)
def test_the_doctor_looks_at_what_playbooks_name(office: Office, text: str, told: str) -> None:
    looked = dict(looks(lambda home: matrix.features()))["playbooks"]
    many = len(Playbooks.load().plays)
    assert looked(office.home, datetime.now(UTC)) == f"playbooks: {many} are enabled"
    folder = office.root / "playbooks"
    folder.mkdir()
    (folder / "quieter.toml").write_text(f'title = "T"\nurgency = 1\n{text}', encoding="utf-8")
    with pytest.raises(WrongUsage, match=told) as refused:
        looked(office.home, datetime.now(UTC))
    assert "quieter.toml: `t" in str(refused.value)


def test_every_command_refuses_another_schema_and_migrate_says_what_it_did(office: Office) -> None:
    say(office.store, "0000")
    for command in ("send",), ("outreach", "list"), ("outreach", "check"):
        done = office.gives(*command)
        assert (done.exit_code, "run `warmline outreach migrate`" in done.stderr) == (1, True)
    say(office.store, tables.SCHEMA)
    assert office.told("outreach", "migrate")["before"] == tables.SCHEMA
    assert office.told("outreach", "check")["channels"] == ["email"]
