"""Tables: what is known of a customer on 1 July 2026, 06:00 UTC, and what is decided."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from models.settings import Plan
from outreach.candidate import Candidate, Refusal
from outreach.decide import Contact, Hold, Policy, Refer, decide, eligible

NOW = datetime(2026, 7, 1, 6, tzinfo=UTC)
POLICY = Policy(Plan(cool_down_days=14, capacity=2, min_band="medium"))


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def no(channel: str | None, day: str = "2026-06-09") -> Refusal:
    return Refusal(channel, at(day))


def decided(**known: Any) -> Contact | Hold | Refer:
    return decide(Candidate("acme", **known), POLICY, NOW)


CONTACTED = [
    # what is known                                                        | by
    ({}, "phone"),
    ({"preferred_channel": "chat"}, "chat"),
    ({"preferred_channel": "email", "refusals": (no("phone"),)}, "email"),
    ({"preferred_channel": "email", "refusals": (no("email"),)}, "phone"),
    ({"refusals": (no("phone"),)}, "email"),
    ({"preferred_channel": "social"}, "phone"),  # not in public
    ({"preferred_channel": "bot"}, "phone"),  # by a person
    ({"last_contact_at": at("2026-06-17T06:00")}, "phone"),  # 14 days to the second
    ({"band": "medium"}, "phone"),
    ({"place": 1}, "phone"),
]


@pytest.mark.parametrize(("known", "channel"), CONTACTED)
def test_it_contacts_by_the_way_the_customer_allows(known: dict[str, Any], channel: str) -> None:
    assert decided(**known) == Contact("acme", "check-in", channel)


HELD = [
    # what is known                                                        | held because
    ({"objects_to_profiling": True}, ["objects to profiling"]),
    ({"refusals": (no(None),)}, ["opted out of contact on 9 June 2026"]),
    ({"refusals": (no("phone"), no("email", "2026-05-01"))},
     ["opted out of email on 1 May 2026, phone on 9 June 2026"]),
    ({"case_open_since": at("2026-03-03")}, ["has an open case since 3 March 2026"]),
    ({"last_contact_at": at("2026-06-20")},
     ["was contacted on 20 June 2026 (14 days between contacts)"]),
    ({"last_contact_at": at("2026-06-17T06:00:01")},
     ["was contacted on 17 June 2026 (14 days between contacts)"]),
    ({"band": "low"}, ["risk is low (contact begins at medium)"]),
    ({"place": 2}, ["beyond tonight's capacity of 2"]),
    ({"arm": "control"}, ["in the control group"]),
    # All reasons are told, in the order of the gates ...
    ({"objects_to_profiling": True, "refusals": (no(None),), "band": "low",
      "case_open_since": at("2026-06-30"), "last_contact_at": at("2026-06-29")},
     ["objects to profiling", "opted out of contact on 9 June 2026",
      "has an open case since 30 June 2026",
      "was contacted on 29 June 2026 (14 days between contacts)",
      "risk is low (contact begins at medium)"]),
    # ... but capacity only where nothing else holds, and the arm after everything.
    ({"case_open_since": at("2026-06-30"), "place": 2, "arm": "control"},
     ["has an open case since 30 June 2026"]),
    ({"place": 2, "arm": "control"}, ["beyond tonight's capacity of 2"]),
]  # fmt: skip


@pytest.mark.parametrize(("known", "reasons"), HELD)
def test_it_holds_and_says_every_reason(known: dict[str, Any], reasons: list[str]) -> None:
    decision = decided(**known)
    assert isinstance(decision, Hold)
    assert decision.reasons == reasons


REFERRED: list[dict[str, Any]] = [
    # A complaint without an answer goes to the owner whatever else is known.
    {},
    {"arm": "control"},
    {"place": 99},
    {"band": "low"},
    {"case_open_since": at("2026-06-30")},
    {"last_contact_at": at("2026-06-30")},
    {"refusals": (no(None),)},
    {"objects_to_profiling": True},
]


@pytest.mark.parametrize("known", REFERRED)
def test_it_refers_an_unanswered_complaint_above_all(known: dict[str, Any]) -> None:
    decision = decided(complaint_at=at("2026-06-28"), owner_id="ines", **known)
    assert decision == Refer("acme", "ines", "complaint of 28 June 2026 without an answer")


ELIGIBLE: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"arm": "control"}, True),
    ({"place": 2}, False),
    ({"case_open_since": at("2026-06-30"), "arm": "control"}, False),
    ({"complaint_at": at("2026-06-30"), "arm": "control"}, False),
]


@pytest.mark.parametrize(("known", "takes_part"), ELIGIBLE)
def test_only_who_would_have_been_contacted_takes_part_in_the_experiment(
    known: dict[str, Any], takes_part: bool
) -> None:
    assert eligible(decided(**known)) is takes_part


def test_dates_are_those_of_the_homes_zone() -> None:
    from zoneinfo import ZoneInfo

    policy = Policy(POLICY.settings, ZoneInfo("Asia/Tokyo"))
    decision = decide(Candidate("acme", case_open_since=at("2026-06-09T22:00")), policy, NOW)
    assert isinstance(decision, Hold)
    assert decision.reasons == ["has an open case since 10 June 2026"]


def test_another_setting_is_another_policy_version() -> None:
    versions = {
        Policy(settings).version
        for settings in (Plan(), Plan(capacity=7), Plan(cool_down_days=7), Plan(control_share=0.2))
    }
    assert len(versions) == 4
    assert Policy(Plan()).version == Policy(Plan()).version
