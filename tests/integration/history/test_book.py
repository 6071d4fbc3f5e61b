"""What outreach is told of customers and of what happened, as of a moment."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa

from models.contracts import Correspondence, CustomerBook, Timeline
from models.settings import Features, Settings
from pipelines.nightbook import NightBook
from tests.integration.history.conftest import Place

CUSTOMERS = (
    "customer_id,joined_at,owner_id,profiling_objection\n"
    "acme,2025-01-01,ann,\nbolt,2025-01-01,,true\n"
)
HEADER = "interaction_id,customer_id,occurred_at,recorded_at,kind,channel,case_id\n"
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, tzinfo=UTC)


def book(place: Place, *interactions: str, consents: str = "") -> NightBook:
    lines = "".join(f"{n},{row}\n" for n, row in enumerate(interactions))
    tables = {"customers": CUSTOMERS, "interactions": HEADER + lines}
    if consents:
        tables["consents"] = "customer_id,contact_id,channel,purpose,state,at\n" + consents
    place.ingest(place.source(**tables))
    return NightBook(place.open(), settings=Settings())


def test_it_is_what_the_contracts_ask_for(place: Place) -> None:
    made = book(place)
    customers: CustomerBook = made
    timeline: Timeline = made
    assert customers.consents(MARCH).empty
    assert customers.contacts().empty
    assert customers.owners().empty
    assert customers.holidays().empty
    assert customers.addresses("email").num_rows == 0
    assert timeline.open_cases(MARCH).empty
    assert timeline.latest(MARCH).num_rows == 0
    assert timeline.contacted(FEBRUARY, MARCH).num_rows == 0
    assert timeline.figures(pa.array([], pa.string()), ["case_count_30"], MARCH).num_rows == 0


def test_features_are_those_that_the_night_saw_a_companys_own_among_them(place: Place) -> None:
    source = place.source(
        customers=CUSTOMERS,
        attributes="customer_id,name,value,valid_from,recorded_at\n"
        "acme,seats,7,2026-01-15,2026-03-05\n",
        interactions=HEADER
        + "1,acme,2026-01-29,,case_opened,email,c1\n"
        + "2,acme,2026-02-10,,case_opened,email,c2\n"
        + "3,acme,2026-02-20,2026-03-05,case_opened,email,c3\n"  # told after the night
        + "4,acme,2026-03-02,,case_opened,email,c4\n"
        + "5,bolt,2026-02-10,,case_opened,email,c5\n",
    )
    place.ingest(source)
    settings = Settings(features=Features(attributes=("seats",)))
    names = ["case_count_30", "days_since_case", "attribute_seats", "csat_mean_365"]

    def told(known_by: datetime) -> list[dict[str, object]]:
        made = NightBook(place.open(), int(known_by.timestamp()), settings=settings)
        assert set(names) <= {feature.name for feature in made.features()}
        return made.figures(pa.array(["acme", "nobody"]), names, MARCH).to_pylist()

    acme = {"customer_id": "acme", "csat_mean_365": None}
    later = datetime(2026, 3, 6, tzinfo=UTC)
    assert told(MARCH) == [
        {**acme, "case_count_30": 1, "days_since_case": 19, "attribute_seats": None}
    ]
    assert told(later) == [{**acme, "case_count_30": 2, "days_since_case": 9, "attribute_seats": 7}]


def test_customers_come_as_asked_with_none_for_the_unknown(place: Place) -> None:
    found = book(place).customers(pa.array(["bolt", "nobody", "acme"]))
    assert found["customer_id"].to_pylist() == ["bolt", "acme"]
    assert found["owner_id"].is_null().to_pylist() == [True, False]
    assert found["profiling_objection"].to_pylist() == [True, False]


def test_each_consent_is_told_with_its_state_and_an_unsubscription_refuses_its_channel(
    place: Place,
) -> None:
    made = book(
        place,
        "acme,2026-02-03,,outreach_unsubscribed,sms,",
        consents="acme,,email,,refused,2026-01-01\nacme,p1,email,,granted,2026-02-01\n"
        "bolt,,phone,service,refused,2026-01-01\nbolt,,email,,refused,2026-04-01\n",
    )
    frame = made.consents(MARCH).drop(columns="at")
    assert frame.values.tolist() == [
        ["acme", None, "email", None, "refused"],
        ["bolt", None, "phone", "service", "refused"],
        ["acme", "p1", "email", None, "granted"],
        ["acme", None, "sms", None, "refused"],
    ]


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


def last(made: NightBook, fact: str) -> dict[str, str]:
    """Customer to the day of that fact."""
    found = made.latest(MARCH)
    pairs = zip(found["customer_id"].to_pylist(), found[fact].to_pylist(), strict=True)
    return {who: f"{at:%m-%d}" for who, at in pairs if at is not None}


FACTS = [
    # what happened                                                    | fact | of acme, on
    (["complaint:02-01"], "complaint_at", "02-01"),
    (["complaint:02-01", "complaint:02-05"], "complaint_at", "02-01"),  # the oldest
    (["complaint:02-01", "message_out:02-02"], "complaint_at", None),
    (["complaint:02-01", "message_out:01-02"], "complaint_at", "02-01"),
    (["complaint:02-01", "outreach_sent:02-02"], "complaint_at", "02-01"),  # is no answer
    (["complaint:02-01", "message_out:02-02", "complaint:02-07"], "complaint_at", "02-07"),
    (["complaint:02-01", "message_out:02-02 late"], "complaint_at", "02-01"),  # not known by then
    (["promise_broken:02-01"], "promise_broken_at", "02-01"),
    (["promise_broken:02-01", "call_out:02-03"], "promise_broken_at", None),
    (["promise_broken:02-01", "promise_kept:02-03"], "promise_broken_at", None),
    (["survey_answered:02-01 nps 6"], "detractor_at", "02-01"),
    (["survey_answered:02-01 nps 7"], "detractor_at", None),
    (["survey_answered:02-01 csat 2"], "detractor_at", "02-01"),
    (["survey_answered:02-01 nps 0", "call_out:02-02"], "detractor_at", None),
    (["outage:02-01"], "outage_at", "02-01"),
    (["outage:02-01", "outreach_sent:02-02"], "outage_at", None),
    (["payment_failed:02-01"], "payment_failed_at", "02-01"),
    (["payment_failed:02-01", "payment:02-02"], "payment_failed_at", None),
    (["payment:01-31", "payment_failed:02-01", "message_out:02-02"], "payment_failed_at", "02-01"),
    (["case_opened:02-01 #1 bill", "case_solved:02-02 #1", "case_opened:02-08 #2 bill"],
     "repeated_at", "02-08"),
    (["case_opened:02-01 #1 bill", "case_solved:02-02 #1", "case_opened:02-10 #2 bill"],
     "repeated_at", None),  # 8 days
    (["case_opened:02-01 #1 bill", "case_solved:02-02 #1", "case_opened:02-08 #2 login"],
     "repeated_at", None),  # another topic
    (["case_opened:02-01 #1 bill", "case_opened:02-02 #2 bill"], "repeated_at", None),
    (["case_opened:01-01 #1 how", "case_opened:01-11 #2 how", "case_opened:02-11 #3 how"],
     "asked_at", "02-11"),
    (["case_opened:01-01 #1 how", "case_opened:02-11 #2 how"], "asked_at", None),
    (["case_opened:02-01 #1 bill", "case_solved:02-02 #1"], "solved_at", "02-02"),
    (["case_solved:02-02 #1", "survey_sent:02-03"], "solved_at", None),
    (["case_solved:02-02 #1", "case_opened:02-03 #2 bill"], "solved_at", None),
    (["order:01-02", "order:02-02"], "order_at", "02-02"),
    (["message_out:02-02", "message_in:02-05"], "touched_at", "02-02"),
    (["outreach_answered:02-02"], "answered_at", "02-02"),
    (["contact_left:02-02"], "contact_left_at", "02-02"),
]  # fmt: skip


def interaction(customer: str, said: str) -> str:
    """A row of the contract from `kind:MM-DD [late] [#case topic] [score_kind score]`."""
    what, *more = said.split()
    kind, day = what.split(":")
    case = next((word[1:] for word in more if word.startswith("#")), "")
    topic = more[1] if case and len(more) > 1 else ""
    kinds, score = more if more and more[0] in ("nps", "csat") else ("", "")
    recorded = "2026-03-05" if "late" in more else ""
    return f"{customer},2026-{day},{recorded},{kind},,{case},{topic},{score},{kinds}"


def test_what_last_happened_is_told_by_the_facts(place: Place) -> None:
    names = [f"c{n}" for n in range(len(FACTS))]
    rows = [
        f"{name}-{n},{interaction(name, said)}"
        for name, (happened, _, _) in zip(names, FACTS, strict=True)
        for n, said in enumerate(happened)
    ]
    header = (
        "interaction_id,customer_id,occurred_at,recorded_at,kind,channel,case_id,topic,score,"
        "score_kind\n"
    )
    customers = "customer_id,joined_at\n" + "".join(f"{name},2025-01-01\n" for name in names)
    place.ingest(place.source(customers=customers, interactions=header + "\n".join(rows) + "\n"))
    made = NightBook(place.open(), settings=Settings())
    for name, (happened, fact, day) in zip(names, FACTS, strict=True):
        assert last(made, fact).get(name) == day, (happened, fact)


def test_the_next_planned_end_of_a_running_term_is_a_renewal_ahead(place: Place) -> None:
    terms = (
        "customer_id,term_id,started_at,ends_at,notice_at,ended_at,recorded_at\n"
        "acme,1,2025-01-01,2026-12-31,,,2025-01-01\nacme,2,2025-01-01,2026-04-01,,,2025-01-01\n"
        "bolt,3,2025-01-01,2026-04-01,2026-02-01,,2025-01-01\n"
    )
    header = HEADER + "1,acme,2026-02-01,,order,,\n"
    place.ingest(place.source(customers=CUSTOMERS, interactions=header, terms=terms))
    assert last(NightBook(place.open(), settings=Settings()), "renews_at") == {"acme": "04-01"}


def test_a_contact_was_unasked_if_it_belongs_to_no_case(place: Place) -> None:
    made = book(
        place,
        "acme,2026-01-01,,outreach_sent,email,",
        "acme,2026-02-05,,call_out,phone,",
        "acme,2026-02-10,,outreach_sent,email,",
        "acme,2026-02-20,,message_out,email,c1",
    )
    rows = made.contacted(FEBRUARY, MARCH).drop(["at"]).to_pylist()
    assert rows == [
        {"customer_id": "acme", "channel": "phone", "recorded": False},
        {"customer_id": "acme", "channel": "email", "recorded": True},
    ]


def test_addresses_are_those_of_customers_and_of_their_persons(place: Place) -> None:
    customers = "customer_id,joined_at,email\nacme,2025-01-01,Info@Acme.test\nbolt,2025-01-01,\n"
    contacts = "contact_id,customer_id,email,left_at\np1,acme,Ann@acme.test,2026-01-05\n"
    rows = HEADER + "1,acme,2026-02-01,,order,,\n"
    place.ingest(place.source(customers=customers, interactions=rows, contacts=contacts))
    made = NightBook(place.open(), settings=Settings())
    assert made.addresses("email").to_pylist() == [
        {"customer_id": "acme", "contact_id": None, "address": "Info@Acme.test"},
        {"customer_id": "acme", "contact_id": "p1", "address": "Ann@acme.test"},
    ]
    assert made.addresses("phone").num_rows == 0
    assert made.contacts()["left_at"].tolist() == [pd.Timestamp("2026-01-05T00:00Z")]


def test_of_merged_customers_the_one_that_survives_is_known(place: Place) -> None:
    identities = "system,external_id,customer_id,merged_into\ncrm,bolt,bolt,acme\n"
    rows = HEADER + "1,bolt,2026-02-01,,complaint,,\n"
    place.ingest(place.source(customers=CUSTOMERS, interactions=rows, identities=identities))
    made = NightBook(place.open(), settings=Settings())
    assert made.customers(pa.array(["acme"]))["owner_id"].to_pylist() == ["ann"]
    assert last(made, "complaint_at") == {"acme": "02-01"}


def test_those_who_are_written_to_come_with_name_language_and_the_persons_of_merged_accounts(
    place: Place,
) -> None:
    customers = (
        "customer_id,joined_at,name,email,locale,timezone\n"
        "acme,2025-01-01,Acme,info@acme.test,de-DE,Europe/Berlin\n"
        "bolt,2025-01-01,Bolt,info@bolt.test,,\ncalm,2025-01-01,Calm,info@calm.test,,\n"
    )
    contacts = "contact_id,customer_id,name,email\np1,bolt,Ann Reed,ann@bolt.test\np2,calm,Cy,\n"
    place.ingest(
        place.source(
            customers=customers,
            contacts=contacts,
            owners="owner_id,name,email\nines,Ines Novak,ines@shop.test\n",
            identities="system,external_id,customer_id,merged_into\ncrm,bolt,bolt,acme\n",
            interactions=HEADER + "1,acme,2026-02-01,,order,,\n",
        )
    )
    made: Correspondence = NightBook(place.open(), settings=Settings())
    joined = datetime(2025, 1, 1, tzinfo=UTC)
    found = made.recipients(["acme", "nobody"]).to_pylist()
    assert found == [
        {"customer_id": "acme", "contact_id": None, "name": "Acme", "address": "info@acme.test",
         "locale": "de-DE", "timezone": "Europe/Berlin", "joined_at": joined},
        {"customer_id": "acme", "contact_id": "p1", "name": "Ann Reed", "address": "ann@bolt.test",
         "locale": None, "timezone": None, "joined_at": None},
    ]  # fmt: skip
    assert made.recipients([]).num_rows == 0
    sender = {"owner_id": "ines", "name": "Ines Novak", "email": "ines@shop.test"}
    assert made.senders().to_pylist() == [sender]


ABOUT = [
    # what happened to acme (occurred_at, kind, case, topic) | fact, topic, case
    ([("2026-02-01", "order", "", "Kettle")], [("order_at", "Kettle", None)]),
    ([("2026-02-01", "order", "", "Kettle"), ("2026-02-02", "order", "", "")], []),
    (  # two things at one moment: neither is said
        [("2026-02-01", "order", "", "Kettle"), ("2026-02-01", "order", "", "Lamp")], [],
    ),
    (  # of a case the topic with which it was opened
        [("2026-02-01", "case_opened", "c1", "invoices"), ("2026-02-02", "case_solved", "c1", "")],
        [("solved_at", "invoices", "c1")],
    ),
    ([("2026-02-02", "case_solved", "c1", "")], [("solved_at", None, "c1")]),
    (
        [("2026-02-01", "case_opened", "c1", "invoices"), ("2026-02-02", "case_solved", "c1", ""),
         ("2026-02-03", "case_opened", "c2", "invoices")],
        [("repeated_at", "invoices", "c2")],
    ),
    (
        [(f"2026-02-0{n}", "case_opened", f"c{n}", "login") for n in (1, 2, 3)],
        [("asked_at", "login", "c3")],
    ),
    ([("2026-02-01", "outage", "", "checkout")], [("outage_at", "checkout", None)]),
    ([("2026-03-02", "order", "", "Kettle")], []),  # not yet
]  # fmt: skip


def test_a_dated_fact_says_what_it_was_about(place: Place) -> None:
    """Each row of `ABOUT` is a customer of their own."""
    customers = "customer_id,joined_at\n" + "".join(f"c{n},2025-01-01\n" for n in range(len(ABOUT)))
    lines = [
        f"{who}-{n},c{who},{at},,{kind},,{case},{what}\n"
        for who, (rows, _) in enumerate(ABOUT)
        for n, (at, kind, case, what) in enumerate(rows)
    ]
    header = HEADER.replace("\n", ",topic\n")
    place.ingest(place.source(customers=customers, interactions=header + "".join(lines)))
    made: Correspondence = NightBook(place.open(), settings=Settings())
    for who, (_, about) in enumerate(ABOUT):
        found = made.matters([f"c{who}", "nobody"], MARCH).to_pylist()
        assert [tuple(row.values()) for row in found] == [(f"c{who}", *each) for each in about]
    everybody = made.matters([f"c{who}" for who in range(len(ABOUT))], MARCH)
    assert everybody.num_rows == sum(len(about) for _, about in ABOUT)
    assert made.matters([], MARCH).num_rows == 0
