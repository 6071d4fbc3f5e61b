"""Claim, send, mark: what may go goes once, and what became of it is on record."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach import contact_point
from outreach.channels import Later, Outgoing, Refused, Result, Sent, Unknown, Unsendable
from outreach.outbox.claim import Allowed, Claimed, Wait, claim
from outreach.outbox.limits import FAILURES
from outreach.outbox.sender import Lane, Sender
from outreach.outbox.settle import Retries, orphans, settle
from outreach.store import messages, permissions, tables
from outreach.store.database import Store
from outreach.store.permissions import refused
from tests.unit.outreach.stores import KEY, NOW, filled, later, rows, states, trail

LEASE = timedelta(minutes=10)
LIVE = Allowed(live=True, lease=LEASE, stale=timedelta(days=7))
RETRIES = Retries(3, timedelta(minutes=1), draw=lambda: 1.0)
POINT = contact_point.keyed(KEY, "email", "acme@example.org")


@dataclass
class Answers:
    """A transport that answers as it is told, then always with `Sent`."""

    results: list[Any] = field(default_factory=list)
    repeatable: bool = False
    seen: list[Outgoing] = field(default_factory=list)

    def deliver(self, message: Outgoing) -> Result:
        self.seen.append(message)
        result = self.results.pop(0) if self.results else Sent("r")
        if isinstance(result, Exception):
            raise result
        return result

    def close(self) -> None:
        pass


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def sender(
    store: Store, transport: Answers, allowed: Allowed = LIVE, clock: Clock | None = None,
    **more: Any,
) -> Sender:  # fmt: skip
    clock = clock or Clock()
    lanes = {"email": Lane(transport, allowed)}
    return Sender(store, "s1", lanes, RETRIES, clock, clock.sleep, **more)


def test_what_is_due_is_sent_once_and_marked(store: Store) -> None:
    ids = filled(store, "acme", "bolt")
    transport = Answers()
    assert sender(store, transport).send_due() == {"sent": 2}
    assert sender(store, transport).send_due() == {}
    assert [message.id for message in transport.seen] == ids
    assert states(store) == {"acme": "sent", "bolt": "sent"}
    assert trail(store)[-4:] == ["claim", "sent", "claim", "sent"]


def test_two_senders_never_have_the_same_message(store: Store) -> None:
    filled(store, "acme", "bolt")
    claims = [claim(store, "email", LIVE, sender=f"s{n}", now=NOW) for n in range(3)]
    assert [type(one) for one in claims] == [Claimed, Claimed, type(None)]
    assert len({one.row.id for one in claims if isinstance(one, Claimed)}) == 2


FORBIDDEN = {
    "not live": (lambda s: None, Allowed(False, LEASE, timedelta(days=7)), "queued"),
    "stopped": (lambda s: permissions.stop(s, by="ines", now=NOW, why="x"), LIVE, "queued"),
    "suppressed": (
        lambda s: permissions.suppress(
            s, by="ines", now=NOW, contact_point=POINT, reason="complaint"
        ),
        LIVE, "withdrawn",
    ),
    "refused": (
        lambda s: permissions.consent(s, by="ines", now=NOW, customer_id="acme", state="refused"),
        LIVE, "withdrawn",
    ),
    "refused at that address": (
        lambda s: permissions.consent(
            s, by="ines", now=NOW, customer_id="other", state="refused", contact_point=POINT
        ),
        LIVE, "withdrawn",
    ),
    "overridden": (
        lambda s: permissions.override(
            s, by="ines", now=NOW, customer_id="acme", until=later(days=1), why="x"
        ),
        LIVE, "withdrawn",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_is_forbidden_after_it_was_queued_is_not_sent(store: Store, what: str) -> None:
    forbid, allowed, state = FORBIDDEN[what]
    filled(store)
    forbid(store)
    transport = Answers()
    assert sender(store, transport, allowed).send_due() == {}
    assert (transport.seen, states(store)) == ([], {"acme": state})


def test_sending_goes_on_after_a_stop_is_lifted(store: Store) -> None:
    filled(store)
    assert permissions.stop(store, by="ines", now=NOW, why="wrong template")
    assert not permissions.stop(store, by="omar", now=NOW, why="again")
    assert sender(store, Answers()).send_due() == {}
    assert permissions.go(store, by="ines", now=NOW)
    assert not permissions.go(store, by="ines", now=NOW)
    assert sender(store, Answers()).send_due() == {"sent": 1}


def test_nothing_goes_before_its_time_or_long_after(store: Store) -> None:
    filled(store, not_before=later(hours=3))
    for at, became in (
        (later(hours=2, minutes=59), {}),
        (later(days=8), {}),
    ):
        assert sender(store, Answers(), clock=Clock(at)).send_due() == became
    assert states(store) == {"acme": "parked"}
    filled(store, "bolt", not_before=later(hours=3))
    assert sender(store, Answers(), clock=Clock(later(hours=3))).send_due() == {"sent": 1}


BECAME = [
    (Sent(), "sent", "sent", "claim"),
    (Later("busy"), "later", "queued", "claim"),
    (Refused("no"), "refused", "parked", "claim"),
    (Unknown("?"), "unknown", "in_doubt", "claim"),
    (Unsendable("a name that cannot be"), "refused", "parked", "claim"),
    (ZeroDivisionError("acme@example.org"), "unknown", "in_doubt", "claim"),
]


@pytest.mark.parametrize(("result", "told", "state", "verb"), BECAME)
def test_each_result_leaves_its_state(
    store: Store, result: Any, told: str, state: str, verb: str
) -> None:
    filled(store)
    assert sender(store, Answers([result])).send_due() == {told: 1}
    assert states(store) == {"acme": state}
    assert "acme@example.org" not in str(rows(store, tables.audit))


def test_it_waits_longer_each_time_and_parks_what_never_goes(store: Store) -> None:
    filled(store)
    clock, transport = Clock(), Answers([Later("busy"), Later("busy", after=600), Later("busy")])
    waits = []
    for _ in range(3):
        sender(store, transport, clock=clock).send_due()
        (row,) = rows(store, tables.messages)
        waits.append((row.next_try_at - clock.now).total_seconds())
        assert sender(store, transport, clock=clock).send_due() == {}
        clock.now = max(clock.now, row.next_try_at)
    assert waits[:2] == [60, 600]
    assert states(store) == {"acme": "parked"}


def test_a_bounce_suppresses_the_address_and_a_redirected_one_does_not(store: Store) -> None:
    filled(store, "acme")
    sender(store, Answers([Refused("no such user", bounced=True)]),
           redirect_to="me@example.org").send_due()  # fmt: skip
    assert rows(store, tables.suppressions) == []
    filled(store, "bolt")
    sender(store, Answers([Refused("no such user", bounced=True)])).send_due()
    assert [row.reason for row in rows(store, tables.suppressions)] == ["bounce"]


def test_redirected_messages_go_there_only_and_count_as_no_contact(store: Store) -> None:
    filled(store)
    transport = Answers()
    sender(store, transport, redirect_to="me@example.org").send_due()
    assert [message.address for message in transport.seen] == ["me@example.org"]
    assert [row.redirected for row in rows(store, tables.messages)] == [True]


def test_what_a_dead_sender_had_is_in_doubt_and_never_sent_again_by_itself(store: Store) -> None:
    (message,) = filled(store)
    assert isinstance(claim(store, "email", LIVE, sender="dead", now=NOW), Claimed)
    transport = Answers()
    after = Clock(NOW + LEASE + timedelta(seconds=1))
    assert sender(store, transport, clock=Clock(NOW + LEASE)).send_due() == {}
    assert sender(store, transport, clock=after).send_due() == {"orphaned": 1}
    assert (transport.seen, states(store)) == ([], {"acme": "in_doubt"})
    messages.resolve(store, by="ines", now=after.now, message=message, fate="resend")
    assert sender(store, transport, clock=after).send_due() == {"sent": 1}


def test_where_twice_does_no_harm_it_is_tried_again(store: Store) -> None:
    filled(store)
    claim(store, "email", LIVE, sender="dead", now=NOW)
    after = Clock(later(hours=1))
    counted = sender(store, Answers(repeatable=True), clock=after).send_due()
    assert counted == {"orphaned": 1, "sent": 1}


def test_a_slow_sender_that_lives_still_says_what_became_of_it(store: Store) -> None:
    filled(store)
    claimed = claim(store, "email", LIVE, sender="slow", now=NOW)
    assert isinstance(claimed, Claimed)
    orphans(store, by="s2", now=later(hours=1))
    assert settle(store, claimed, Sent(), RETRIES, now=later(hours=1))
    assert states(store) == {"acme": "sent"}
    assert not settle(store, claimed, Later("x"), RETRIES, now=later(hours=2))


def test_no_minute_holds_more_than_the_channel_and_the_domain_allow(store: Store) -> None:
    filled(store, *(f"c{n}" for n in range(6)))
    clock, transport = Clock(), Answers()
    allowed = Allowed(True, LEASE, timedelta(days=7), per_minute=30, per_domain_per_minute=10)
    assert sender(store, transport, allowed, clock).send_due() == {"sent": 6}
    gaps = [(b.at - a.at).total_seconds() for a, b in pairwise(transport.seen)]
    assert min(gaps) >= 6
    assert (clock.now - NOW).total_seconds() == pytest.approx(30, abs=0.2)


def test_a_channel_that_waits_for_its_rate_holds_up_no_other(store: Store) -> None:
    filled(store, *(f"c{n}" for n in range(3)))
    filled(store, "acme", "bolt", reason_key="other")
    with store.begin() as tx:
        others = tables.messages.c.customer_id.in_(["acme", "bolt"])
        tx.execute(tables.messages.update().where(others).values(channel="sms", domain=""))
    clock, slow, fast = Clock(), Answers(), Answers()
    limited = Allowed(True, LEASE, timedelta(days=7), per_minute=6)
    lanes = {"email": Lane(slow, limited), "sms": Lane(fast, LIVE)}
    both = Sender(store, "s1", lanes, RETRIES, clock, clock.sleep)
    assert both.send_due() == {"sent": 5}
    assert {message.at for message in fast.seen} == {NOW}
    assert [(message.at - NOW).total_seconds() for message in slow.seen] == [0, 10, 20]


def test_a_full_domain_does_not_hold_up_the_others(store: Store) -> None:
    filled(store, "acme", "bolt")
    with store.begin() as tx:
        other = tables.messages.c.customer_id == "bolt"
        tx.execute(tables.messages.update().where(other).values(domain="other.example"))
        tx.execute(tables.rate_limits.insert().values(
            key="email/example.org", free_at=later(hours=1)))  # fmt: skip
    found = claim(store, "email", LIVE, sender="s1", now=NOW)
    assert isinstance(found, Claimed)
    assert found.row.customer_id == "bolt"
    assert claim(store, "email", LIVE, sender="s1", now=NOW) == Wait(later(hours=1))


def test_a_channel_that_is_down_rests_and_one_attempt_finds_out(store: Store) -> None:
    filled(store, *(f"c{n}" for n in range(FAILURES + 2)))
    clock, transport = Clock(), Answers([Later("refused", down=True)] * FAILURES)
    assert sender(store, transport, clock=clock).send_due() == {"later": FAILURES}
    assert "parked" not in states(store).values()
    clock.now += timedelta(seconds=61)
    first = claim(store, "email", LIVE, sender="s1", now=clock.now)
    assert isinstance(first, Claimed)
    assert claim(store, "email", LIVE, sender="s2", now=clock.now) is None
    settle(store, first, Sent(), RETRIES, now=clock.now)
    assert sender(store, transport, clock=clock).send_due()["sent"] == FAILURES + 1
    assert {"rest", "recover"} <= set(trail(store))


@dataclass(frozen=True)
class Said:
    contact_point: str | None
    channel: str | None
    purpose: str | None
    state: str


SCOPES = st.builds(
    Said, st.sampled_from([None, "p"]), st.sampled_from([None, "email", "phone"]),
    st.sampled_from([None, "service", "survey"]), st.sampled_from(["granted", "refused"]),
)  # fmt: skip


@given(st.lists(SCOPES, max_size=8), SCOPES)
def test_after_a_refusal_only_the_same_scope_granted_opens_it(
    before: list[Said], after: Said
) -> None:
    refusal = Said(None, "email", None, "refused")
    said = [*before, refusal]
    assert refused(said, channel="email", purpose="service")
    same = (after.contact_point, after.channel, after.purpose) == (None, "email", None)
    if not same:
        assert refused([*said, after], channel="email", purpose="survey")
