"""Whoever wants to contact a customer asks and books in one: the verb on both databases, and the
same in SQL."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from stores import KEY, NOW, filled, later, planned, rows, trail, words

from models.settings import Caps
from outreach.contact_point import keyed
from outreach.outbox.claim import Allowed, Claimed, claim
from outreach.store import tables
from outreach.store.booked import Rules
from outreach.store.claims import AnotherClaim, Claim, Wanted, claim_contact, release, tell_claims
from outreach.store.database import Store
from outreach.store.permissions import consent, override, suppress
from outreach.store.reading import StoreLedger
from outreach.store.recording import record

RULES = Rules(caps=Caps(day=1, week=2, month=3))
POINT = keyed(KEY, "email", "acme@example.org")
Ask = Callable[..., Claim]


def told(store: Store, rules: Rules = RULES, **known: Any) -> None:
    facts = {"units": [], "closed": [], "granted": []} | known
    tell_claims(store, by="plan", now=NOW, rules=rules, **facts)


@pytest.fixture(params=["sqlite by verb", "postgres by verb", "postgres by sql"])
def way(request: pytest.FixtureRequest) -> str:
    """SQLite has no functions of its own: there the verb alone is asked."""
    return str(request.param)


@pytest.fixture
def store(way: str, request: pytest.FixtureRequest) -> Store:
    """An empty one."""
    found: Store = request.getfixturevalue(f"empty_{way.split()[0]}")
    return found


@pytest.fixture
def ask(way: str, store: Store) -> Ask:
    """Asks by the verb, or by SQL."""
    numbers = iter(range(1_000))

    def by_verb(customer: str = "acme", *, at: datetime = NOW, rules: Rules = RULES,
                tool: str = "mailer", key: str | None = None, **others: Any) -> Claim:  # fmt: skip
        wanted = Wanted(customer, others.pop("channel", "email"), others.pop("purpose", "news"),
                        **others)  # fmt: skip
        return claim_contact(
            store, by=tool, now=at, key=key or f"k{next(numbers)}", wanted=wanted, rules=rules
        )

    def by_sql(customer: str = "acme", *, at: datetime = NOW, rules: Rules = RULES,
               tool: str = "mailer", key: str | None = None, channel: str = "email",
               purpose: str = "news", transactional: bool = False) -> Claim:  # fmt: skip
        query = sa.text("SELECT * FROM claim_contact(:tool, :key, :who, :way, :why, :kind, :at)")
        with store.begin() as tx:
            row = tx.execute(query, {
                "tool": tool, "key": key or f"k{next(numbers)}", "who": customer, "way": channel,
                "why": purpose, "kind": transactional, "at": at,
            }).one()  # fmt: skip
        return Claim(row.allowed, tuple(row.reasons))

    return by_sql if way.endswith("sql") else by_verb


def test_who_may_be_contacted_is_booked_and_the_next_one_is_not(store: Store, ask: Ask) -> None:
    told(store, units=[("acme", "house"), ("bolt", "house")])
    assert ask(key="a") == Claim(True)
    assert ask(key="a") == Claim(True)  # the same claim again
    again = ask("bolt", tool="success")
    assert (again.allowed, len(again.reasons)) == (False, 1)
    assert again.reasons[0].startswith("was contacted")
    assert ask("calm").allowed
    assert [row.customer_id for row in rows(store, tables.claims)] == ["acme", "calm"]
    assert trail(store) == ["tell_claims", "claim_contact", "claim_contact"]


@pytest.mark.parametrize(
    ("hours", "allowed"), [(23, False), (25, True), (24 * 8, True)]
)  # fmt: skip
def test_caps_roll(store: Store, ask: Ask, hours: int, allowed: bool) -> None:
    told(store)
    assert ask().allowed
    assert ask(at=later(hours=hours)).allowed is allowed


def test_a_week_and_a_month_hold_too(store: Store, ask: Ask) -> None:
    told(store)
    days = [0, 1.1, 3, 8, 9.5, 31]
    found = [ask(at=later(days=day)).allowed for day in days]
    assert found == [True, True, False, True, False, True]


def test_transactional_contacts_are_counted_apart(store: Store, ask: Ask) -> None:
    told(store)
    assert ask().allowed
    assert [ask(transactional=True).allowed for _ in range(3)] == [True, True, False]


def closes(store: Store, how: str) -> None:
    """One reason why acme may not be written to."""
    if how == "told":
        told(store, closed=[("acme", None, None, "has an open case since 1 July 2026")])
        return
    told(store)
    if how == "sent":
        filled(store, purpose="service")
        with store.begin() as tx:
            tx.execute(tables.messages.update().values(state="sent", sent_at=NOW))
    elif how == "suppressed":
        filled(store)
        suppress(store, by="ines", now=NOW, contact_point=POINT, reason="bounce")
    elif how == "refused":
        consent(store, by="ines", now=NOW, customer_id="acme", state="refused", channel="email")
    elif how == "overridden":
        override(store, by="ines", now=NOW, customer_id="acme", until=later(days=9), why="calls")
    elif how == "answered":
        with store.begin() as tx:
            tx.execute(tables.answers.insert().values(customer_id="acme", at=NOW))


@pytest.mark.parametrize(
    "how", ["told", "sent", "suppressed", "refused", "overridden", "answered"]
)  # fmt: skip
def test_whatever_closes_a_customer_is_told(store: Store, ask: Ask, how: str) -> None:
    closes(store, how)
    found = ask(at=later(hours=1))
    assert (found.allowed, len(found.reasons)) == (False, 1), found
    assert rows(store, tables.claims) == []
    assert ask("bolt").allowed


def test_what_closes_another_channel_or_purpose_closes_nothing_here(store: Store, ask: Ask) -> None:
    told(store, closed=[("acme", "phone", None, "no calls"), ("acme", None, "service", "no")])
    consent(store, by="ines", now=NOW, customer_id="acme", state="refused", channel="phone")
    assert ask().allowed


def test_a_later_agreement_lifts_a_refusal_of_the_same(store: Store, ask: Ask) -> None:
    told(store)
    for state in "refused", "granted":
        consent(store, by="ines", now=NOW, customer_id="acme", state=state, purpose="news")
    assert ask().allowed


@pytest.mark.parametrize(
    ("granted", "said", "allowed"),
    [
        ([], [], False),
        ([("acme", "email", None)], [], True),
        ([("acme", "phone", None)], [], False),
        ([], ["granted"], True),
        ([("acme", "email", None)], ["refused"], False),
    ],
)
def test_where_consent_is_asked_for_only_who_agreed_is_contacted(
    store: Store, ask: Ask, granted: list[Any], said: list[str], allowed: bool
) -> None:
    rules = Rules(opt_in=frozenset({"email"}))
    told(store, rules, granted=granted)
    for state in said:
        consent(store, by="ines", now=NOW, customer_id="acme", state=state, channel="email")
    assert ask(rules=rules, at=later(hours=1)).allowed is allowed
    assert ask("bolt", rules=rules, channel="phone").allowed


def test_a_key_stands_for_one_claim(store: Store, ask: Ask) -> None:
    told(store)
    assert ask(key="a").allowed
    with pytest.raises((AnotherClaim, sa.exc.DBAPIError), match="another claim"):
        ask("bolt", key="a")
    assert ask("bolt", key="a", tool="success").allowed
    assert release(store, by="mailer", now=NOW, key="a")
    assert not release(store, by="mailer", now=NOW, key="a")
    assert ask(key="a") == Claim(False, ("it was released",))
    assert ask(key="b").allowed


def test_a_claim_closes_the_customer_for_who_asks_the_endpoint_and_counts_in_the_next_plan(
    store: Store, ask: Ask
) -> None:
    told(store)
    ask(tool="mailer")
    ask("bolt", transactional=True)
    (row,) = [one.row for one in rows(store, tables.closures)]
    assert (row["customer_id"], row["may_contact"], row["channel"]) == ("acme", False, None)
    assert row["reasons"] == ["was booked by mailer on 1 July 2026"]
    assert datetime.fromisoformat(row["at"]) == NOW
    found = StoreLedger(store).contacts(NOW, later(hours=1)).to_pylist()
    assert [(each["customer_id"], each["transactional"]) for each in found] == [
        ("acme", False), ("bolt", True)
    ]  # fmt: skip


def test_of_many_at_once_one_books(store: Store, ask: Ask) -> None:
    told(store, units=[(f"m{n}", "house") for n in range(8)])
    found: list[bool] = []
    together = threading.Barrier(8)

    def one(n: int) -> None:
        together.wait()
        found.append(ask(f"m{n}", tool=f"tool{n}", key="k").allowed)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False] * 7 + [True]


def test_what_another_tool_booked_holds_back_our_own_message(store: Store, ask: Ask) -> None:
    told(store)
    (message,) = filled(store)
    assert ask().allowed
    live = Allowed(True, timedelta(minutes=9), timedelta(days=7), rules=RULES)
    assert claim(store, "email", live, sender="a", now=later(hours=1)) is None
    (row,) = rows(store, tables.messages)
    assert (row.id, row.state) == (message, "withdrawn")
    assert row.why == "was contacted once in 24 hours, last on 1 July 2026 (at most 1)"


def test_of_two_letters_to_one_household_one_goes(store: Store) -> None:
    each = [planned(who, unit="house") for who in ("acme", "bolt")]
    record(store, by="plan", now=NOW, decisions=each, drafts=words)
    live = Allowed(True, timedelta(minutes=9), timedelta(days=7), rules=RULES)
    assert isinstance(claim(store, "email", live, sender="a", now=NOW), Claimed)
    assert claim(store, "email", live, sender="a", now=NOW) is None
    assert sorted(row.state for row in rows(store, tables.messages)) == ["sending", "withdrawn"]


def test_senders_that_withdraw_letters_of_the_same_households_do_not_wait_in_a_circle(
    store: Store,
) -> None:
    each = [planned(f"c{n}", unit=f"house{n % 2}") for n in range(40)]
    record(store, by="plan", now=NOW, decisions=each, drafts=words)
    with store.begin() as tx:  # both households are full
        for house in "house0", "house1":
            tx.execute(tables.claims.insert().values(
                tool="t", key=house, customer_id=house, unit=house, channel="email",
                purpose="news", transactional=False, at=NOW,
            ))  # fmt: skip
    live = Allowed(True, timedelta(minutes=9), timedelta(days=7), rules=RULES)
    found: list[object] = []

    def send(name: str) -> None:
        found.append(claim(store, "email", live, sender=name, now=NOW))

    threads = [threading.Thread(target=send, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [None] * 4
    assert {row.state for row in rows(store, tables.messages)} == {"withdrawn"}


@pytest.mark.parametrize(("state", "goes"), [("unknown", False), ("granted", True)])
def test_an_agreement_that_ended_since_the_plan_holds_a_message_back(
    store: Store, state: str, goes: bool
) -> None:
    filled(store)
    consent(store, by="ines", now=later(hours=1), customer_id="acme", state=state, channel="email")
    asks = Rules(opt_in=frozenset({"email"}))
    live = Allowed(True, timedelta(minutes=9), timedelta(days=7), rules=asks)
    assert isinstance(claim(store, "email", live, sender="a", now=later(hours=2)), Claimed) is goes


def test_without_rules_sql_books_nothing(empty_postgres: Store) -> None:
    with empty_postgres.begin() as tx:
        row = tx.execute(sa.text("SELECT * FROM claim_contact('a', 'b', 'c', 'email', 'e')")).one()
    assert (row.allowed, row.reasons) == (False, ["no plan has told the rules yet"])
