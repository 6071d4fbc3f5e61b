"""What outreach is told of customers and of what happened, as of a moment."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest

from models.contracts import CustomerBook, Timeline
from pipelines.history.book import HistoryBook
from tests.integration.history.conftest import Place

CUSTOMERS = (
    "customer_id,joined_at,owner_id,profiling_objection\n"
    "acme,2025-01-01,ann,\nbolt,2025-01-01,,true\n"
)
HEADER = "interaction_id,customer_id,occurred_at,recorded_at,kind,channel,case_id\n"
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def book(place: Place, *interactions: str, consents: str = "") -> HistoryBook:
    lines = "".join(f"{n},{row}\n" for n, row in enumerate(interactions))
    tables = {"customers": CUSTOMERS, "interactions": HEADER + lines}
    if consents:
        tables["consents"] = "customer_id,contact_id,channel,purpose,state,at\n" + consents
    place.ingest(place.source(**tables))
    return HistoryBook(place.open())


def test_it_is_what_the_contracts_ask_for(place: Place) -> None:
    made = book(place)
    customers: CustomerBook = made
    timeline: Timeline = made
    assert customers.refusals(MARCH).empty
    assert timeline.open_cases(MARCH).empty
    assert timeline.unanswered_complaints(MARCH).empty
    assert timeline.last_contacts(MARCH).empty


def test_customers_come_as_asked_with_none_for_the_unknown(place: Place) -> None:
    frame = book(place).customers(["bolt", "nobody", "acme"])
    assert frame["customer_id"].tolist() == ["bolt", "acme"]
    assert frame["owner_id"].tolist() == [None, "ann"]
    assert frame["profiling_objection"].tolist() == [True, False]


def test_the_newest_state_of_a_consent_counts(place: Place) -> None:
    made = book(
        place,
        consents="acme,,email,,refused,2026-01-01\nacme,,email,,granted,2026-02-01\n"
        "bolt,,phone,service,refused,2026-01-01\nbolt,,email,,refused,2026-04-01\n",
    )
    frame = made.refusals(MARCH)
    assert frame[["customer_id", "channel", "purpose"]].values.tolist() == [
        ["bolt", "phone", "service"]
    ]


def test_unsubscribing_refuses_its_channel(place: Place) -> None:
    made = book(place, "acme,2026-02-01,,outreach_unsubscribed,sms,")
    frame = made.refusals(MARCH)
    assert frame[["customer_id", "channel", "purpose"]].values.tolist() == [["acme", "sms", None]]


def test_a_case_is_open_until_it_is_solved_and_again_when_reopened(place: Place) -> None:
    made = book(
        place,
        "acme,2026-01-01,,case_opened,,solved", "acme,2026-01-02,,case_solved,,solved",
        "acme,2026-01-01,,case_opened,,again", "acme,2026-01-02,,case_closed,,again",
        "acme,2026-01-03,,case_reopened,,again", "bolt,2026-02-01,,case_opened,,open",
        "bolt,2026-03-02,,case_opened,,later",
    )  # fmt: skip
    frame = made.open_cases(MARCH)
    assert frame["case_id"].tolist() == ["again", "open"]
    assert frame["opened_at"].iloc[1] == pd.Timestamp("2026-02-01T00:00Z")


def test_an_open_case_says_when_anything_last_happened_in_it(place: Place) -> None:
    made = book(
        place,
        "acme,2026-01-01,,case_opened,,one", "acme,2026-02-07,,message_in,,one",
        "acme,2026-02-09,,message_in,,", "bolt,2026-02-20,,message_out,,two",
    )  # fmt: skip
    frame = made.open_cases(MARCH)
    assert frame["case_id"].tolist() == ["one"]
    assert frame["last_at"].tolist() == [pd.Timestamp("2026-02-07T00:00Z")]


@pytest.mark.parametrize(
    ("answer", "unanswered"),
    [
        ("acme,2026-02-02,,message_out,,", 0),
        ("acme,2026-01-02,,message_out,,", 1),
        ("bolt,2026-02-02,,message_out,,", 1),
        ("acme,2026-02-02,2026-03-05,message_out,,", 1),  # not known by then
    ],
)
def test_a_complaint_is_answered_by_a_later_word(
    place: Place, answer: str, unanswered: int
) -> None:
    made = book(place, "acme,2026-02-01,,complaint,,", answer)
    assert len(made.unanswered_complaints(MARCH)) == unanswered


def test_a_contact_was_unasked_if_it_belongs_to_no_case(place: Place) -> None:
    made = book(
        place,
        "acme,2026-01-01,,outreach_sent,email,",
        "acme,2026-01-05,,call_out,phone,",
        "acme,2026-02-01,,message_out,email,c1",
    )
    frame = made.last_contacts(MARCH)
    assert frame["kind"].tolist() == ["call_out"]
    assert frame["at"].iloc[0] == pd.Timestamp("2026-01-05T00:00Z")
