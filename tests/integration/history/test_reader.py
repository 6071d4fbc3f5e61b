"""What the feature pass, the labels and `explain` read."""

from __future__ import annotations

import numpy as np

from pipelines.history.terms import END_KIND_CODE, NEVER
from tests.integration.history.conftest import CUSTOMERS, INTERACTIONS, Place


def seconds(text: str) -> int:
    return int(np.datetime64(text, "s").astype(np.int64))


def test_customers_are_numbered_and_personal_columns_stay_away(place: Place) -> None:
    text = "customer_id,joined_at,left_at,name,email,value_per_month\n" + (
        "bolt,2025-02-01T00:00Z,2025-12-01T00:00Z,Bolt,b@example.com,9\n"
        "acme,2025-01-01T00:00Z,,Acme,a@example.com,\n"
    )
    place.ingest(place.source(customers=text))
    frame = place.open().customers()
    assert frame.index.tolist() == [0, 1]
    assert frame["customer_id"].tolist() == ["acme", "bolt"]
    assert frame["left_at"].tolist() == [NEVER, seconds("2025-12-01")]
    assert not {"name", "email", "phone"} & set(frame.columns)
    table = place.open().table("customers")
    assert table is not None
    assert table["email"].tolist() == ["a@example.com", "b@example.com"]


def test_a_deleted_customer_keeps_the_number_and_never_joined(company: Place) -> None:
    text = "customer_id,joined_at,deleted_at\nacme,,2026-03-01T00:00Z\n"
    company.ingest(company.source("gone", customers=text))
    assert company.open().customers()["joined_at"].tolist()[0] == NEVER
    table = company.open().table("customers")
    assert table is not None
    assert table["customer_id"].tolist() == ["bolt"]


def test_terms_are_those_of_known_customers_and_first_recorded_when_first_told(
    company: Place,
) -> None:
    header = "customer_id,term_id,started_at,ended_at,end_kind,recorded_at,updated_at\n"
    first = header + (
        "bolt,t1,2025-02-01T00:00Z,,,2025-02-02T00:00Z,2025-02-02T00:00Z\n"
        "acme,t0,2025-01-01T00:00Z,,,,\n"
        "nobody,t9,2025-01-01T00:00Z,,,,\n"
    )
    company.ingest(company.source("billing", terms=first))
    end = "bolt,t1,2025-02-01T00:00Z,2026-02-01T00:00Z,cancelled,2026-01-09T00:00Z,2026-01-09\n"
    report = company.ingest(company.source("billing", terms=header + end))
    assert report.tables["terms"].corrected == 1
    every_version = company.open().terms()
    assert every_version is not None
    assert every_version.until.tolist() == [NEVER, seconds("2026-01-09"), NEVER]
    terms = every_version.known()
    assert terms.customer.tolist() == [0, 1]
    assert terms.ended.tolist() == [NEVER, seconds("2026-02-01")]
    # An end of a known kind that was recorded ahead is notice from then on.
    assert terms.notice.tolist() == [NEVER, seconds("2026-01-09")]
    assert terms.end_kind.tolist() == [-1, END_KIND_CODE["cancelled"]]
    assert every_version.recorded.tolist() == [
        seconds("2025-01-01"), seconds("2025-02-02"), seconds("2026-01-09"),
    ]  # fmt: skip


def test_bots_are_those_that_agents_calls_so(place: Place) -> None:
    interactions = "interaction_id,customer_id,occurred_at,kind,agent_id\n" + "".join(
        f"{n},acme,2026-01-01T00:00Z,message_out,{agent}\n"
        for n, agent in enumerate(("ann", "helper", "ben"))
    )
    agents = "agent_id,is_bot\nann,false\nhelper,true\n"
    place.ingest(place.source(customers=CUSTOMERS, interactions=interactions, agents=agents))
    history = place.open()
    assert history.words("agent") == ["ann", "ben", "helper"]
    assert history.bots().tolist() == [False, False, True]


def test_case_numbers_count_within_the_customer_and_stay_the_same(company: Place) -> None:
    header = INTERACTIONS.splitlines()[0] + "\n"
    text = header + (
        "7,acme,2026-02-01T00:00:00Z,case_opened,,c2,,\n"
        "8,acme,2026-02-02T00:00:00Z,case_solved,,c1,,\n"
        "9,bolt,2026-02-02T00:00:00Z,case_opened,,c2,,\n"
    )
    company.ingest(company.source("desk", interactions=text))
    events = company.open().bucket(0)
    assert events.customer.tolist() == [0, 0, 0, 0, 1, 1]
    assert events.case.tolist() == [0, 0, 1, 0, -1, 0]


def test_when_it_was_recorded_is_kept_and_stands_at_the_time_itself_where_not_given(
    place: Place,
) -> None:
    text = "interaction_id,customer_id,occurred_at,recorded_at,kind\n" + (
        "1,acme,2026-01-01T00:00Z,2026-01-03T00:00Z,order\n2,acme,2026-01-02T00:00Z,,order\n"
    )
    place.ingest(place.source(customers=CUSTOMERS, interactions=text))
    history = place.open()
    events = history.bucket(0)
    assert (events.recorded - events.at).tolist() == [2 * 86_400, 0]
    mark = history.sources["crm"]
    assert (mark.rows, mark.dated, mark.recorded_at) == (2, 1, seconds("2026-01-03"))
    assert history.span == (seconds("2026-01-01"), seconds("2026-01-02"))
