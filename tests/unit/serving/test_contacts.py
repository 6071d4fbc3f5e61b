"""Whether a customer may be contacted: what outreach published, or that nobody knows."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pyarrow as pa
import pytest

from models import contactability
from serving.contacts import EVERY, OLDEST, Contacts
from serving.schemas import MayContactAnswer
from tests.unit.serving.calls import NIGHT, NOW, bearer, served, written


def row(customer: str, channel: str | None, reason: str, **others: Any) -> dict[str, Any]:
    told = {"customer_id": customer, "channel": channel, "purpose": None, "may_contact": False,
            "reasons": [reason], "at": NOW}  # fmt: skip
    return told | others


def publish(root: Path, *rows: dict[str, Any]) -> None:
    table = pa.Table.from_pylist(list(rows), contactability.schema())
    contactability.publish(root, table, taken_at=NOW, now=NOW)


def told(contacts: Contacts, customer: str) -> MayContactAnswer:
    whole = json.loads(b'{"customer_id":"x"' + contacts.told(customer))
    return MayContactAnswer.model_validate(whole["may_contact"])


def looked(root: Path, **later: float) -> Contacts:
    contacts = Contacts(root)
    contacts.look(NOW + timedelta(**later), 0.0)
    return contacts


ROWS = (
    row("acme", None, "has an open case"),
    row("bolt", "email", "opted out of email", purpose="service"),
    row("bolt", "phone", "phone: closed by hand"),
    row("calm", None, "opted out of contact", purpose="survey"),
)
STATES = [
    # customer | state | reasons | blocked channels and purposes
    ("acme", "no", ["has an open case"], [(None, None)]),
    ("bolt", "some", ["opted out of email", "phone: closed by hand"],
     [("email", "service"), ("phone", None)]),
    ("calm", "some", ["opted out of contact"], [(None, "survey")]),
    ("dent", "yes", [], []),
]  # fmt: skip


@pytest.mark.parametrize(("customer", "state", "reasons", "blocked"), STATES)
def test_every_reason_is_told_with_its_channel_and_purpose(
    tmp_path: Path, customer: str, state: str, reasons: list[str], blocked: list[tuple[str, str]]
) -> None:
    publish(tmp_path, *ROWS)
    answer = told(looked(tmp_path), customer)
    assert (answer.state, answer.reasons) == (state, reasons)
    assert [(one.channel, one.purpose) for one in answer.blocked] == blocked


def test_nobody_knows_before_outreach_has_published(tmp_path: Path) -> None:
    answer = told(looked(tmp_path), "acme")
    assert (answer.state, answer.reasons) == ("unknown", ["outreach has published nothing yet"])


@pytest.mark.parametrize(("seconds", "state"), [(60, "no"), (61, "unknown")])
def test_nobody_knows_when_outreach_was_not_heard_of_for_a_minute(
    tmp_path: Path, seconds: int, state: str
) -> None:
    publish(tmp_path, *ROWS)
    answer = told(looked(tmp_path, seconds=seconds), "acme")
    assert answer.state == state
    if state == "unknown":
        assert answer.reasons == ["outreach was last heard of: 61 s ago"]


async def asked(contacts: Contacts, at: datetime, monotonic: float) -> list[str]:
    await contacts.keep_up(at, monotonic)
    return told(contacts, "acme").reasons


@pytest.mark.parametrize(("age", "reasons"), [(EVERY / 2, []), (EVERY, ["unsubscribed"])])
def test_a_refusal_counts_within_a_second(tmp_path: Path, age: float, reasons: list[str]) -> None:
    publish(tmp_path)
    contacts = looked(tmp_path)
    at = NOW + timedelta(seconds=5)
    unsubscribed = row("acme", "email", "unsubscribed", at=at.isoformat())
    contactability.add(tmp_path, [unsubscribed], now=at)
    assert asyncio.run(asked(contacts, at, age)) == reasons


@pytest.mark.parametrize(("age", "at_once"), [(OLDEST, []), (OLDEST + 0.1, ["has an open case"])])
def test_calls_wait_for_a_snapshot_only_after_a_pause(
    tmp_path: Path, age: float, at_once: list[str]
) -> None:
    publish(tmp_path)
    contacts = looked(tmp_path)
    publish(tmp_path, *ROWS)

    async def ask() -> list[list[str]]:
        first = await asked(contacts, NOW, age)
        while contacts._reading is not None and not contacts._reading.done():
            await asyncio.sleep(0.01)
        return [first, await asked(contacts, NOW, age)]

    assert asyncio.run(ask()) == [at_once, ["has an open case"]]


def test_who_is_closed_stays_closed_while_a_snapshot_is_taken_up(tmp_path: Path) -> None:
    rows = [row(f"C{number}", None, "has an open case") for number in range(10_000)]
    publish(tmp_path, *rows)
    contacts = looked(tmp_path)
    publish(tmp_path, *rows)
    looking = Thread(target=contacts.look, args=(NOW, 1.0))
    looking.start()
    states = set()
    while looking.is_alive():
        states.add(told(contacts, "C9999").state)
    assert states <= {"no"}


def test_the_answers_of_a_call_carry_it(tmp_path: Path) -> None:
    written(tmp_path, NIGHT, "a", acme=0.25, bolt=0.5)
    publish(tmp_path, *ROWS)
    contactability.beat(tmp_path, datetime.now(UTC))
    with served(tmp_path) as client:
        client.headers.update(bearer(tmp_path, "score"))
        answer = client.post("/score", json={"customer_ids": ["acme", "bolt", "nobody"]}).json()
    states = [one["may_contact"]["state"] for one in answer["scores"]]
    assert states == ["no", "some", "yes"]
