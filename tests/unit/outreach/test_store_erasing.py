"""One person out of the store, whatever is left of them there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from models.erasure import Erasure
from models.person import Person
from models.settings import Caps
from outreach import contact_point
from outreach.store import erasing, items, messages, permissions, tables
from outreach.store.booked import Rules
from outreach.store.claims import Wanted, claim_contact, tell_claims
from outreach.store.database import FILE, Store
from outreach.store.permissions import lift
from outreach.store.reading import StoreLedger
from outreach.store.received import Arrived, receive
from outreach.store.recording import record
from outreach.store.rewriting import rewrite
from tests.unit.outreach.stores import (
    KEY,
    NOW,
    draft,
    filled,
    later,
    planned,
    rows,
    states,
    words,
)
from tests.unit.outreach.test_outbox import Answers, sender

ACME = Person("acme", ("acme", "old-acme"), (), names=("Ann Acme",), emails=("Acme@Example.org",),
              phones=("+49 30 1234567",), contact_ids=("p-77",))  # fmt: skip
GONE = Erasure(ACME, 1, "erased-1234")
BY = {"by": "ines", "now": NOW}


def everything(store: Store) -> str:
    return str([rows(store, table) for table in tables.metadata.sorted_tables])


def busy(store: Store) -> None:
    """Two customers of whom the store knows all that it can."""
    filled(store, "acme", contact_id="p-77", reasons=["Ann Acme asked twice"])
    filled(store, "bolt")
    sender(store, Answers()).send_due(most=1)
    again = [planned("old-acme", reason_key="renewal", mode="approve")]
    again.append(planned("acme", reason_key="renewal"))
    record(store, by="plan", now=NOW, drafts=words, decisions=again)
    name, new = again[0].decision_id, draft("ann@acme.example", text="Ann Acme, hello\n")
    messages.edit(store, **BY, message=name, draft=new)
    rewrite(store, **BY, message=name, model="m", before="Ann Acme, hello\n", after="Hello")
    permissions.override(store, **BY, customer_id="acme", until=later(days=9), why="Ann Acme rang")
    permissions.consent(store, **BY, customer_id="acme", state="refused", purpose="survey")
    message = next(row.id for row in rows(store, tables.messages) if row.state == "sent")
    answer = Arrived("mail-1", "answer", NOW, (message,), trusted=True, text="Ann Acme here")
    receive(store, answer, **BY)
    number = rows(store, tables.work_items)[0].id
    items.snooze(store, **BY, item=number, until=later(days=3), why="Ann Acme is away")
    tell_claims(
        store, **BY, rules=Rules(), units=[("acme", "house"), ("bolt", "acme")],
        closed=[("acme", None, None, "Ann Acme asked for it")], granted=[("acme", "email", None)],
    )  # fmt: skip
    quickly = Rules(Caps(day=9, week=9, month=9), cool_down=timedelta(0))
    for who, way in ("acme", "phone"), ("bolt", "email"):
        with store.begin() as tx:
            tx.execute(tables.told.delete().where(tables.told.c.reason.is_not(None)))
        assert claim_contact(
            store, by="mailer", now=later(days=10), key=who, wanted=Wanted(who, way, "news"),
            rules=quickly,
        ).allowed  # fmt: skip


def test_nothing_in_the_store_names_the_person_any_more(store: Store) -> None:
    busy(store)
    others = {row.id: row for row in rows(store, tables.messages) if row.customer_id == "bolt"}
    before = erasing.count(store, ACME)
    assert before == {"outreach_messages": 2, "outreach_decisions": 2, "outreach_items": 2}
    erasing.erase(store, GONE, KEY)
    for trace in ("Ann Acme", "'acme'", "'old-acme'", "acme@example.org", "Hello acme"):
        assert trace not in everything(store), trace
    for path in Path(store.place).parent.glob(f"{FILE}*"):  # of SQLite
        content = path.read_bytes()
        assert not [
            trace for trace in (b"Ann Acme", b"acme@example", b"old-acme") if trace in content
        ]
    assert erasing.count(store, ACME) == dict.fromkeys(before, 0)
    assert {row.id: row for row in rows(store, tables.messages) if row.customer_id == "bolt"} == (
        others
    )
    assert set(states(store)) == {"erased-1234", "bolt"}
    open_items = [row for row in rows(store, tables.work_items) if row.state != "closed"]
    assert {row.customer_id for row in open_items} == {"bolt"}
    assert {row.unit for row in rows(store, tables.claims)} == {"house", "erased-1234"}
    arms = StoreLedger(store).assignments("")["unit"].to_pylist()
    assert sorted(arms) == ["bolt", "erased-1234"]


def test_again_changes_nothing_and_no_message_goes(store: Store) -> None:
    busy(store)
    erasing.erase(store, GONE, KEY)
    once = everything(store)
    erasing.erase(store, GONE, KEY)
    assert everything(store) == once
    transport = Answers()
    sender(store, transport).send_due()
    assert [message.customer_id for message in transport.seen] == ["bolt"]


def test_their_contact_points_stay_closed_as_hashes(store: Store) -> None:
    erasing.erase(store, GONE, KEY)
    closed = set(StoreLedger(store).suppressions(later(days=1))["contact_point"].to_pylist())
    email = contact_point.keyed(KEY, "email", "acme+x@example.org")
    assert closed == {email, contact_point.keyed(KEY, "sms", "0049301234567")}
    assert lift(store, **BY, contact_point=email, why="-") == 0
