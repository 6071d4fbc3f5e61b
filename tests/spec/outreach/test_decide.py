"""Tables: what is known of a customer on 1 July 2026, 06:00 UTC, and what is decided."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from models.settings import Caps, Plan
from outreach.candidate import Candidate, Closed, Effect, Override, Sent, Shown
from outreach.decide import Contact, Hold, Policy, Refer, decide, eligible
from outreach.gates import GATES, LAST_GATES
from outreach.playbooks import Playbook, Playbooks, Trigger

NOW = datetime(2026, 7, 1, 6, tzinfo=UTC)
CHECK_IN = Playbook(name="check-in", title="Check-in", urgency=9, randomised=True)
BILLING = Playbook(
    name="payment-failed", title="Payment", urgency=1, purpose="billing", transactional=True,
    channels=("email", "phone"), despite_open_case=True,
)  # fmt: skip
COMPLAINT = Playbook(
    name="complaint", title="Complaint", urgency=0, refers=True, trigger=Trigger(fact="complaint")
)
SURVEY = Playbook(name="survey", title="Survey", urgency=5, survey=True, channels=("email",))
BOOKS = Playbooks.of([CHECK_IN, BILLING, COMPLAINT, SURVEY])
POLICY = Policy(Plan(caps=Caps(day=1, week=2, month=3), cool_down_days=14), playbooks=BOOKS)
OPT_IN = Policy(Plan(consent="opt_in"), playbooks=BOOKS)
SMS_OPT_IN = Policy(Plan(opt_in_channels=("phone",)), playbooks=BOOKS)
WORTHWHILE = Policy(Plan(min_saved_value=50), playbooks=BOOKS)


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def no(channel: str | None, day: str = "2026-06-09", why: str = "refused") -> Closed:
    return Closed(channel, why, at(day))


def sent(day: int, week: int, month: int) -> Sent:
    return Sent(day, week, month, at("2026-06-30"))


def decided(policy: Policy = POLICY, **known: Any) -> Contact | Hold | Refer:
    return decide(Candidate("acme", **{"playbook": CHECK_IN} | known), policy, NOW)


def yes(*channels: str) -> frozenset[str]:
    return frozenset(channels)


HARMFUL, HELPFUL = Effect(0.02, -0.01, 0.05), Effect(-0.04, -0.07, -0.01)
CONTACTED: list[tuple[Policy, dict[str, Any], str]] = [
    # policy | what is known                                                     | by
    (POLICY, {}, "phone"),
    (POLICY, {"preferred_channel": "chat"}, "chat"),
    (POLICY, {"playbook": SURVEY, "preferred_channel": "phone"}, "email"),  # as the survey says
    (POLICY, {"preferred_channel": "email", "closed": (no("phone"),)}, "email"),
    (POLICY, {"preferred_channel": "email", "closed": (no("email"),)}, "phone"),
    (POLICY, {"closed": (no("phone", why="bounce"),)}, "email"),
    (POLICY, {"preferred_channel": "social"}, "phone"),  # not in public
    (POLICY, {"preferred_channel": "bot"}, "phone"),  # by a person
    (OPT_IN, {"granted": yes("email")}, "email"),
    (SMS_OPT_IN, {}, "email"),
    (SMS_OPT_IN, {"granted": yes("phone")}, "phone"),
    (POLICY, {"sent": sent(0, 1, 2)}, "phone"),
    (POLICY, {"shown": Shown("closed", "passed", at("2026-06-01"), None)}, "phone"),  # it is back
    (POLICY, {"playbook": BILLING, "sent": sent(1, 3, 3)}, "email"),  # its own caps
    (POLICY, {"playbook": BILLING, "case_open_since": at("2026-06-30")}, "email"),
    (POLICY, {"answered_at": NOW - timedelta(days=14)}, "phone"),  # 14 days to the second
    (POLICY, {"playbook": BILLING, "answered_at": at("2026-06-30")}, "email"),  # is owed
    (POLICY, {"override": Override("ines", NOW, "")}, "phone"),  # is over
    (POLICY, {"shown": Shown("open", None, at("2026-06-01"), None)}, "phone"),
    (POLICY, {"shown": Shown("closed", "false_alarm", at("2026-06-01"), at("2026-05-20")),
              "evidence_at": at("2026-05-21")}, "phone"),  # something new has happened
    (POLICY, {"effect": HELPFUL, "value_at_stake": 100}, "phone"),
    (POLICY, {"only_silence": True, "fading": 1.0}, "phone"),  # longer than usual
    (POLICY, {"only_silence": True}, "phone"),  # no rhythm is known
    (POLICY, {"fading": 0.4}, "phone"),  # there are other signs
    (POLICY, {"playbook": BILLING, "only_silence": True, "fading": 0.4}, "email"),  # is owed
    (POLICY, {"playbook": BILLING, "arm": "control"}, "email"),  # never withheld
    (WORTHWHILE, {"effect": HELPFUL, "value_at_stake": 1250}, "phone"),
    (WORTHWHILE, {"value_at_stake": 1}, "phone"),  # no effect is learned
]  # fmt: skip


@pytest.mark.parametrize(("policy", "known", "channel"), CONTACTED)
def test_it_contacts_by_the_way_the_customer_allows(
    policy: Policy, known: dict[str, Any], channel: str
) -> None:
    name = known.get("playbook", CHECK_IN).name
    assert decided(policy, **known) == Contact("acme", name, channel)


HELD: list[tuple[Policy, dict[str, Any], list[str]]] = [
    # policy | what is known                                                     | held because
    (POLICY, {"closed": (no("email", why="erased"),)}, ["was erased: is never contacted"]),
    (POLICY, {"objects_to_profiling": True}, ["objects to profiling"]),
    (POLICY, {"closed": (no("phone", why="complaint"), no("email", "2026-05-01", "bounce"))},
     ["cannot be reached by email: mail came back on 1 May 2026; phone: reported as spam on 9 June "
      "2026"]),
    (POLICY, {"closed": (no(None),)}, ["opted out of contact on 9 June 2026"]),
    (POLICY, {"closed": (no("phone"), no("email", "2026-05-01"))},
     ["opted out of email on 1 May 2026, phone on 9 June 2026"]),
    (POLICY, {"closed": (no("phone"), no("email", "2026-05-01", "bounce"))},
     ["cannot be reached by email: mail came back on 1 May 2026",
      "opted out of phone on 9 June 2026"]),
    (OPT_IN, {}, ["has not agreed to service by phone or email"]),
    (OPT_IN, {"granted": yes("email"), "closed": (no("email"),)},
     ["opted out of email on 9 June 2026", "has not agreed to service by phone"]),
    (POLICY, {"case_open_since": at("2026-03-03")}, ["has an open case since 3 March 2026"]),
    (POLICY, {"sent": sent(1, 1, 1)},
     ["was contacted once in 24 hours, last on 30 June 2026 (at most 1)"]),
    (POLICY, {"sent": sent(0, 2, 2)},
     ["was contacted 2 times in 7 days, last on 30 June 2026 (at most 2)"]),
    (POLICY, {"sent": sent(0, 1, 3)},
     ["was contacted 3 times in 30 days, last on 30 June 2026 (at most 3)"]),
    (POLICY, {"sent_here": sent(0, 2, 2)},
     ["the same address was written to 2 times in 7 days, last on 30 June 2026 (at most 2)"]),
    (POLICY, {"playbook": BILLING, "sent": sent(2, 2, 2)},
     ["was contacted 2 times in 24 hours, last on 30 June 2026 (at most 2)"]),
    (POLICY, {"answered_at": at("2026-06-17T06:00:01")},
     ["answered on 17 June 2026 (14 days of rest)"]),
    (POLICY, {"override": Override("ines", at("2026-08-01"), "we meet in July")},
     ["ines knows better until 1 August 2026: we meet in July"]),
    (POLICY, {"shown": Shown("closed", "false_alarm", at("2026-06-01"), at("2026-05-20")),
              "evidence_at": at("2026-05-20")},
     ["false alarm since 1 June 2026, and nothing new has happened"]),
    (POLICY, {"shown": Shown("snoozed", None, at("2026-06-01"), None)},
     ["snoozed since 1 June 2026, and nothing new has happened"]),
    (POLICY, {"effect": HARMFUL},
     ["contact is likely to harm: it raises the risk by 2.0 of 100 (-1.0 to 5.0)"]),
    (POLICY, {"only_silence": True, "fading": 0.9},
     ["is only silent, and no longer than usual for them: contact could harm"]),
    (WORTHWHILE, {"effect": HELPFUL, "value_at_stake": 1225},
     ["a contact is expected to save 49 (50 at least)"]),
    (POLICY, {"full": "beyond tonight's capacity of 2"}, ["beyond tonight's capacity of 2"]),
    (POLICY, {"arm": "control"}, ["in the control group"]),
    (POLICY, {"arm": "control", "turn": "13 July 2026"},
     ["their turn, drawn by lot, comes on 13 July 2026"]),
    # All reasons are told, in the order of the gates ...
    (POLICY, {"objects_to_profiling": True, "closed": (no(None),), "sent": sent(1, 1, 1),
              "case_open_since": at("2026-06-30"), "answered_at": at("2026-06-30"),
              "override": Override("ines", at("2026-08-01"), ""), "effect": HARMFUL,
              "full": "beyond tonight's capacity of 2", "arm": "control"},
     ["objects to profiling", "opted out of contact on 9 June 2026",
      "has an open case since 30 June 2026",
      "was contacted once in 24 hours, last on 30 June 2026 (at most 1)",
      "answered on 30 June 2026 (14 days of rest)", "ines knows better until 1 August 2026",
      "contact is likely to harm: it raises the risk by 2.0 of 100 (-1.0 to 5.0)"]),
    # ... but capacity only where nothing else holds, and the arm after everything.
    (POLICY, {"full": "beyond tonight's capacity of 2", "arm": "control"},
     ["beyond tonight's capacity of 2"]),
    # Whoever was erased is not even referred.
    (POLICY, {"playbook": COMPLAINT, "closed": (no("email", why="erased"),)},
     ["was erased: is never contacted"]),
]  # fmt: skip


@pytest.mark.parametrize(("policy", "known", "reasons"), HELD)
def test_it_holds_and_says_every_reason(
    policy: Policy, known: dict[str, Any], reasons: list[str]
) -> None:
    decision = decided(policy, **known)
    assert isinstance(decision, Hold)
    assert decision.reasons == reasons


def test_every_gate_is_in_the_table() -> None:
    found = {
        held.gate
        for policy, known, _ in HELD
        if isinstance(hold := decided(policy, **known), Hold)
        for held in hold.held
    }
    assert found == {gate.name for gate in (*GATES, *LAST_GATES)}


REFERRED: list[dict[str, Any]] = [
    # What waits for a person goes to one whatever else is known.
    {},
    {"arm": "control"},
    {"full": "beyond tonight's capacity of 2"},
    {"case_open_since": at("2026-06-30")},
    {"sent": sent(9, 9, 9)},
    {"closed": (no(None),)},
    {"objects_to_profiling": True},
    {"override": Override("ines", at("2026-08-01"), "")},
    {"shown": Shown("closed", "false_alarm", at("2026-06-30"), at("2026-06-28"))},
]


@pytest.mark.parametrize("known", REFERRED)
def test_it_refers_an_unanswered_complaint_above_all(known: dict[str, Any]) -> None:
    known = {"playbook": COMPLAINT, "evidence_at": at("2026-06-28"), "owner_id": "ines"} | known
    assert decided(**known) == Refer("acme", "ines", "complaint of 28 June 2026 without an answer")


ELIGIBLE: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"arm": "control"}, True),
    ({"full": "beyond tonight's capacity of 2"}, False),
    ({"case_open_since": at("2026-06-30"), "arm": "control"}, False),
    ({"playbook": COMPLAINT, "evidence_at": at("2026-06-30"), "arm": "control"}, False),
]


@pytest.mark.parametrize(("known", "takes_part"), ELIGIBLE)
def test_only_who_would_have_been_contacted_takes_part_in_the_experiment(
    known: dict[str, Any], takes_part: bool
) -> None:
    assert eligible(decided(**known)) is takes_part


def test_dates_are_those_of_the_homes_zone() -> None:
    policy = Policy(POLICY.settings, ZoneInfo("Asia/Tokyo"), BOOKS)
    decision = decided(policy, case_open_since=at("2026-06-09T22:00"))
    assert isinstance(decision, Hold)
    assert decision.reasons == ["has an open case since 10 June 2026"]


def test_another_setting_or_playbook_is_another_policy_version() -> None:
    books = (BOOKS, Playbooks.of([CHECK_IN]))
    plans = (Plan(), Plan(capacity=7), Plan(caps=Caps(week=2)), Plan(control_share=0.2))
    versions = {Policy(plan, playbooks=some).version for plan in plans for some in books}
    assert len(versions) == 8
    assert Policy(Plan(), playbooks=BOOKS).version == Policy(Plan(), playbooks=BOOKS).version
