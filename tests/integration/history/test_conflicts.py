"""What two sources say of the same customer, term or case: what counts, and what is reported."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipelines.doctor import examine
from pipelines.history.ingest import ingest
from pipelines.history.report import IngestReport
from pipelines.history.store import History
from pipelines.history.terms import NEVER
from tests.integration.history.conftest import NOW, Place

CRM_FIRST = ("crm", "billing")
BILLING_FIRST = ("billing", "crm")
JOINED = "2025-01-01T00:00Z"


def second(text: str) -> int:
    return int(np.datetime64(text, "s").astype(np.int64))


def csv(header: str, *rows: str) -> str:
    return "\n".join([header.replace(" ", ""), *(row.replace(" ", "") for row in rows)]) + "\n"


@dataclass
class Sources:
    """Ingests of several sources, one after another, an hour apart."""

    place: Place
    reports: list[IngestReport] = field(default_factory=list)

    def bring(self, source: str, precedence: tuple[str, ...] = (), **tables: str) -> Sources:
        for old in (self.place.root / source).glob("*.csv"):
            old.unlink()
        folder = self.place.source(source, **tables)
        now = NOW + timedelta(hours=len(self.reports))
        report = ingest(self.place.history, folder, now=now, precedence=precedence)
        self.reports.append(report)
        return self

    def open(self, *precedence: str) -> History:
        return History.open(self.place.history, precedence)

    def row(self, *precedence: str, customer: str = "acme") -> dict[str, Any]:
        """The customer's row that counts; empty where there is none."""
        table = self.open(*precedence).table("customers")
        return one(table, customer)


def one(table: pd.DataFrame | None, customer: str = "acme") -> dict[str, Any]:
    assert table is not None
    rows = table[table["customer_id"] == customer].astype(object)
    assert len(rows) <= 1
    found = rows.where(rows.notna(), None).to_dict("records")
    return {str(column): value for column, value in found[0].items()} if found else {}


@pytest.fixture
def sources(place: Place) -> Sources:
    return Sources(place)


HEAD = "customer_id,joined_at,segment,region,updated_at,deleted_at"
SAYS = {
    "crm": f"acme,{JOINED},small,north,2026-01-01,",
    "crm newer": f"acme,{JOINED},large,north,2026-03-01,",
    "crm says no segment": f"acme,{JOINED},,north,2026-01-01,",
    "crm gone": f"acme,{JOINED},,,2026-04-01,2026-04-01",
    "crm back": f"acme,{JOINED},back,,2026-05-01,",
    "billing": f"acme,{JOINED},medium,,2026-02-01,",
    "billing newer": f"acme,{JOINED},huge,east,2026-05-01,",
    "billing gone": f"acme,{JOINED},,,2026-06-01,2026-06-01",
    "desk": f"acme,{JOINED},tiny,west,2026-02-15,",
    "desk newer": f"acme,{JOINED},micro,,2026-05-15,",
    "web": f"acme,{JOINED},webby,south,2026-05-20,",
}


@pytest.mark.parametrize(
    ("told", "precedence", "segment", "region"),
    [
        # Nothing declared: the newest row counts, whole.
        (["crm", "billing"], (), "medium", None),
        (["billing", "crm"], (), "medium", None),
        (["billing", "crm newer"], (), "large", "north"),
        (["crm", "billing", "crm gone"], (), None, None),
        # Declared: column by column, whoever is newer.
        (["crm", "billing"], CRM_FIRST, "small", "north"),
        (["crm", "billing newer"], CRM_FIRST, "small", "north"),
        (["crm", "billing"], BILLING_FIRST, "medium", "north"),
        (["crm says no segment", "billing"], CRM_FIRST, "medium", "north"),
        # Of each source its newest, in whatever order they come.
        (["crm newer", "crm", "billing newer"], CRM_FIRST, "large", "north"),
        (["billing newer", "crm", "crm newer"], CRM_FIRST, "large", "north"),
        # A tombstone takes out what its own source said.
        (["crm", "billing", "crm gone"], CRM_FIRST, "medium", None),
        (["crm", "billing", "crm gone", "crm back"], CRM_FIRST, "back", None),
        (["crm", "billing", "billing gone"], CRM_FIRST, "small", "north"),
        (["crm", "billing", "crm gone", "billing gone"], CRM_FIRST, None, None),
        # Three; sources that are not named come after, together: the newest of them.
        (["crm says no segment", "billing", "desk"], ("desk", *CRM_FIRST), "tiny", "west"),
        (["billing", "desk"], CRM_FIRST, "medium", "west"),
        (["crm says no segment", "desk", "web"], ("crm",), "webby", "north"),
        (["desk newer", "web", "crm gone"], ("crm",), "webby", "south"),
        (["crm", "billing"], ("erp", "nobody"), "medium", None),
    ],
)
def test_what_counts_of_what_several_sources_tell(
    sources: Sources,
    told: list[str],
    precedence: tuple[str, ...],
    segment: str | None,
    region: str | None,
) -> None:
    for says in told:
        sources.bring(says.split()[0], customers=csv(HEAD, SAYS[says]))
    row = sources.row(*precedence)
    gone = segment is None and region is None
    assert (row == {}) == gone
    assert (row.get("segment"), row.get("region")) == (segment, region)
    by_number = one(sources.open(*precedence).customers())
    assert (by_number["joined_at"] == NEVER) == gone
    assert (by_number["segment"], by_number["region"]) == (segment, region)


def test_another_precedence_counts_at_once_without_an_ingest(sources: Sources) -> None:
    sources.bring("crm", customers=csv(HEAD, SAYS["crm"]))
    sources.bring("billing", customers=csv(HEAD, SAYS["billing"]))
    before = sources.place.contents()
    found = [sources.row(*order)["segment"] for order in (CRM_FIRST, BILLING_FIRST, ("billing",))]
    assert found == ["small", "medium", "medium"]
    assert sources.place.contents() == before


def test_an_earlier_generation_counts_what_counted_then(sources: Sources) -> None:
    for says in ("billing", "crm", "crm newer", "crm gone"):
        sources.bring(says.split()[0], customers=csv(HEAD, SAYS[says]))
    past = [sources.open(*CRM_FIRST).at(generation) for generation in (1, 2, 3, 4)]
    assert [one(then.table("customers"))["segment"] for then in past] == [
        "medium", "small", "large", "medium",
    ]  # fmt: skip


MONEY = "customer_id,joined_at,value_per_month,currency"


@pytest.mark.parametrize(
    ("crm", "billing", "value", "currency"),
    [
        ("10,", "20,USD", 10, None),  # crm's amount is not in billing's currency
        ("10,", "10,USD", 10, "USD"),
        (",", "20,USD", 20, "USD"),
        (",EUR", "20,", 20, "EUR"),
        (",EUR", "20,USD", 20, "EUR"),
    ],
)
def test_an_amount_is_not_given_another_sources_currency(
    sources: Sources, crm: str, billing: str, value: float, currency: str | None
) -> None:
    sources.bring("crm", customers=csv(MONEY, f"acme,{JOINED},{crm}"))
    sources.bring("billing", customers=csv(MONEY, f"acme,{JOINED},{billing}"))
    row = sources.row(*CRM_FIRST)
    assert (row["value_per_month"], row["currency"]) == (value, currency)


SYSTEMS = "system,external_id,customer_id,merged_into"


def test_rows_that_name_a_customer_by_their_systems_id_are_that_customers(
    sources: Sources,
) -> None:
    sources.bring(
        "crm",
        customers=csv(HEAD, SAYS["crm says no segment"]),
        identities=csv(SYSTEMS, "billing,B-17,acme,"),
    )
    sources.bring(
        "billing",
        customers=csv(HEAD, SAYS["billing"].replace("acme", "B-17")),
        terms=csv("customer_id,term_id,started_at,value_per_month", f"B-17,t1,{JOINED},10"),
        contacts=csv("contact_id,customer_id,role", "c1,B-17,buyer"),
        consents=csv("customer_id,channel,state,at", f"B-17,email,refused,{JOINED}"),
        attributes=csv("customer_id,name,value,valid_from", f"B-17,seats,5,{JOINED}"),
        interactions=csv("interaction_id,customer_id,occurred_at,kind", "1,B-17,2026-01-01,order"),
    )
    history = sources.open(*CRM_FIRST)
    assert history.words("customer") == ["acme"]
    assert (sources.row(*CRM_FIRST)["segment"], sources.reports[1].tables["customers"].new) == (
        "medium",
        1,
    )
    for table in ("terms", "contacts", "consents", "attributes"):
        found = history.table(table)
        assert found is not None
        assert found["customer_id"].tolist() == ["acme"], table
    terms = history.terms()
    assert terms is not None
    assert terms.customer.tolist() == [0]
    assert history.events_of("acme")["interaction_id"].tolist() == ["1"]


def test_ids_and_whose_they_are_may_come_together_or_one_after_the_other(sources: Sources) -> None:
    sources.bring(
        "all",
        customers=csv(
            HEAD.replace("customer_id", "source,customer_id"),
            f"billing,{SAYS['billing'].replace('acme', 'B-17')}",
            f"crm,{SAYS['crm']}",
        ),
        identities=csv(SYSTEMS, "billing,B-17,acme,"),
    )
    assert sources.open().words("customer") == ["acme"]
    assert sources.row(*BILLING_FIRST)["segment"] == "medium"


def test_the_number_of_a_customer_in_another_system_is_not_taken_for_another_customer(
    sources: Sources,
) -> None:
    """crm's customer 17 is not whom the help desk numbers 17."""
    sources.bring(
        "crm",
        customers=csv(HEAD, SAYS["crm"], SAYS["crm newer"].replace("acme", "17")),
        identities=csv(SYSTEMS, "desk,17,acme,"),
    )
    assert sources.open().words("customer") == ["17", "acme"]
    assert sources.row(customer="17")["segment"] == "large"


@pytest.mark.parametrize("precedence", [(), CRM_FIRST, BILLING_FIRST])
@pytest.mark.parametrize("deleted", ["2025-12-01", "2026-01-01", "2026-06-01"])
def test_an_other_id_of_a_customer_that_is_deleted_takes_its_own_word_and_not_the_customer(
    sources: Sources, precedence: tuple[str, ...], deleted: str
) -> None:
    """As where accounts are merged: what remains may be older than the end of the other."""
    row = f"acme,{JOINED},small,north,2026-01-01,"
    twin = f"acme2,{JOINED},twin,west,2025-11-01,"
    told = csv(SYSTEMS, "crm,acme2,acme,")
    sources.bring("crm", customers=csv(HEAD, row, twin), identities=told)
    gone = f"acme2,{JOINED},twin,west,{deleted},{deleted}"
    sources.bring("crm", customers=csv(HEAD, gone))
    found = sources.row(*precedence)
    assert (found["segment"], found["region"]) == ("small", "north")
    history = sources.open(*precedence)
    assert history.customers()["joined_at"].tolist() == [second("2025-01-01")]
    back = f"acme2,{JOINED},back,west,2026-07-01,"
    sources.bring("crm", customers=csv(HEAD, back))
    assert sources.row(*precedence)["segment"] == "back"


def test_an_id_that_is_nobodys_is_a_customer_and_stays_one(sources: Sources) -> None:
    sources.bring(
        "billing",
        customers=csv(HEAD, SAYS["billing"].replace("acme", "B-17")),
        identities=csv(SYSTEMS, "billing,B-17,acme,"),
    )
    assert sources.open().words("customer") == ["B-17"]
    sources.bring("crm", customers=csv(HEAD, SAYS["crm"]))
    assert sources.open().words("customer") == ["B-17", "acme"]
    assert sources.row(*CRM_FIRST, customer="B-17")["segment"] == "medium"


def test_an_id_taken_back_from_a_customer_is_one_of_its_own(sources: Sources) -> None:
    dated = SYSTEMS + ",updated_at,deleted_at"
    sources.bring(
        "crm",
        customers=csv(HEAD, SAYS["crm"]),
        identities=csv(dated, "billing,B-17,acme,,2026-01-01,"),
    )
    sources.bring("billing", customers=csv(HEAD, SAYS["billing"].replace("acme", "B-17")))
    sources.bring("crm", identities=csv(dated, "billing,B-17,acme,,,2026-02-01"))
    assert sources.open().words("customer") == ["acme", "B-17"]
    assert sources.row(*BILLING_FIRST, customer="B-17")["segment"] == "medium"
    assert sources.row(*BILLING_FIRST)["segment"] == "small"


def test_of_merged_customers_each_sources_row_under_the_id_that_survives_counts(
    sources: Sources,
) -> None:
    twin = SAYS["crm newer"].replace("acme", "acme2")
    sources.bring("crm", customers=csv(HEAD, SAYS["crm says no segment"], twin))
    sources.bring("billing", customers=csv(HEAD, SAYS["billing newer"].replace("acme", "acme2")))
    sources.bring("crm", identities=csv(SYSTEMS, "crm,acme2,acme2,acme"))
    row = sources.row(*CRM_FIRST)
    assert (row["segment"], row["region"]) == ("huge", "north")
    assert sources.row(*CRM_FIRST, customer="acme2") == {}


TERM = "customer_id,term_id,started_at,ends_at,value_per_month,recorded_at,updated_at,deleted_at"
START = f"acme,t1,{JOINED}"
PEOPLE = csv("customer_id,joined_at", f"acme,{JOINED}")


def nights(history: History, *days: str) -> list[list[tuple[str | None, float | None]]]:
    """At each cut-off the terms that were known: planned end and price."""
    terms = history.terms()
    assert terms is not None

    def shown(second: int, value: float) -> tuple[str | None, float | None]:
        end = None if second == NEVER else str(np.datetime64(second, "s"))[:10]
        return end, None if np.isnan(value) else value

    views = [terms.known(second(day)) for day in days]
    return [
        [shown(end, value) for end, value in zip(view.ends_at.tolist(), view.value, strict=True)]
        for view in views
    ]


@pytest.mark.parametrize(
    ("crm", "billing", "expected"),
    [
        # Known from when it was told; crm's word counts from then on.
        (
            ["2027-01-01,10,2026-02-01,,"],
            ["2028-01-01,20,2025-06-01,,"],
            {
                "2025-05-31": [],
                "2025-06-01": [("2028-01-01", 20)],
                "2026-01-31": [("2028-01-01", 20)],
                "2026-02-01": [("2027-01-01", 10)],
            },
        ),
        # What crm does not say, billing does, in each version of its own.
        (
            [",10,2025-06-01,,"],
            ["2026-06-01,20,2025-07-01,,", "2027-06-01,20,2025-07-01,2026-05-01,"],
            {
                "2025-06-15": [(None, 10)],
                "2025-07-01": [("2026-06-01", 10)],
                "2026-04-30": [("2026-06-01", 10)],
                "2026-05-01": [("2027-06-01", 10)],
            },
        ),
        # A deletion by crm leaves what billing says from then on.
        (
            ["2027-01-01,10,2025-06-01,,", ",10,,,2026-03-01"],
            ["2028-01-01,20,2025-06-01,,"],
            {"2026-02-28": [("2027-01-01", 10)], "2026-03-01": [("2028-01-01", 20)]},
        ),
        # crm's row was changed since it was recorded: before that, what billing knew.
        (
            ["2027-01-01,10,2025-06-01,2026-03-01,"],
            ["2026-07-01,20,2025-06-01,,"],
            {
                "2025-06-01": [("2026-07-01", 20)],
                "2026-02-28": [("2026-07-01", 20)],
                "2026-03-01": [("2027-01-01", 10)],
            },
        ),
    ],
)
def test_a_night_sees_of_each_source_what_it_had_told_by_then(
    sources: Sources,
    crm: list[str],
    billing: list[str],
    expected: dict[str, list[tuple[str | None, float]]],
) -> None:
    sources.bring("crm", customers=PEOPLE)
    for source, rows in (("billing", billing), ("crm", crm)):
        for row in rows:
            sources.bring(source, terms=csv(TERM, f"{START},{row}"))
    history = sources.open(*CRM_FIRST)
    assert nights(history, *expected) == list(expected.values())
    terms = history.terms()
    assert terms is not None
    assert len(np.unique(terms.term)) == 1


def test_terms_of_different_ids_are_left_as_one_source_told_them(sources: Sources) -> None:
    sources.bring("crm", customers=PEOPLE)
    sources.bring("crm", terms=csv(TERM, f"{START},2027-01-01,10,2025-06-01,2026-03-01,"))
    alone = sources.open().terms()
    sources.bring("billing", terms=csv(TERM, f"acme,t2,{JOINED},,20,2025-06-01,,"))
    both = sources.open(*CRM_FIRST).terms()
    assert alone is not None
    assert both is not None
    kept = both.take(both.value == 10)
    for column in ("started", "ends_at", "recorded", "seen", "until", "dated"):
        assert getattr(kept, column).tolist() == getattr(alone, column).tolist(), column


def test_how_far_terms_have_told_goes_by_the_source_that_gives_dates(sources: Sources) -> None:
    sources.bring("crm", customers=PEOPLE)
    sources.bring("crm", terms=csv(TERM, f"{START},2027-01-01,10,2025-06-01,2026-03-01,"))
    sources.bring("billing", terms=csv(TERM, f"{START},,20,,,"))
    terms = sources.open(*CRM_FIRST).terms()
    assert terms is not None
    assert terms.told_until == second("2026-03-01")


def found(report: IngestReport) -> set[tuple[Any, ...]]:
    return {
        (one.table, one.field, one.counts, one.other, one.rows, one.customers)
        for one in report.conflicts
    }


def test_what_sources_tell_differently_is_counted_with_ids_and_who_counts(
    sources: Sources,
) -> None:
    head = "customer_id,joined_at,segment,region,seats"
    crm = [f"{c},{JOINED},small,north,{n}" for n, c in enumerate("abcd")]
    billing = [f"{c},2025-01-01T08:00Z,large,NORTH,{n // 2}" for n, c in enumerate("abcd")]
    sources.bring("crm", customers=csv(head, *crm))
    sources.bring("billing", CRM_FIRST, customers=csv(head, *billing))
    assert found(sources.reports[0]) == set()
    assert found(sources.reports[1]) == {
        ("customers", "segment", "crm", "billing", 4, ("a", "b", "c")),
        ("customers", "seats", "crm", "billing", 3, ("b", "c", "d")),
    }
    assert list(sources.reports[1].lines())[-3:-1] == [
        "customers: crm and billing differ in `segment` of 4 customers (a, b, c, ...); crm counts",
        "customers: crm and billing differ in `seats` of 3 customers (b, c, d); crm counts",
    ]


@pytest.mark.parametrize(
    ("told", "precedence", "expected"),
    [
        (["crm", "billing"], CRM_FIRST, {("segment", "crm", "billing")}),
        (["crm", "billing"], BILLING_FIRST, {("segment", "billing", "crm")}),
        (["crm", "billing"], (), {("segment", "billing", "crm")}),
        (["billing", "crm newer"], (), {("segment", "crm", "billing")}),
        (["crm says no segment", "billing"], CRM_FIRST, set()),
        (["crm", "crm newer"], CRM_FIRST, set()),
        (["crm", "billing", "crm gone"], CRM_FIRST, set()),
        (["crm", "billing", "billing gone"], CRM_FIRST, set()),
        (
            ["crm says no segment", "billing", "desk"],
            (*CRM_FIRST, "desk"),
            {("segment", "billing", "desk"), ("region", "crm", "desk")},
        ),
        (
            ["crm", "desk", "web"],
            ("crm",),
            {
                ("segment", "crm", "desk"), ("segment", "crm", "web"),
                ("region", "crm", "desk"), ("region", "crm", "web"),
            },
        ),
    ],
)  # fmt: skip
def test_each_source_is_compared_with_the_one_that_counts(
    sources: Sources, told: list[str], precedence: tuple[str, ...], expected: set[tuple[str, ...]]
) -> None:
    for says in told:
        sources.bring(says.split()[0], precedence, customers=csv(HEAD, SAYS[says]))
    assert {row[1:4] for row in found(sources.reports[-1])} == expected


def test_personal_columns_are_counted_and_never_shown(sources: Sources) -> None:
    head = "customer_id,joined_at,email"
    sources.bring("crm", customers=csv(head, f"acme,{JOINED},Anna@one.example"))
    sources.bring("billing", customers=csv(head, f"acme,{JOINED},anna@one.example"))
    assert sources.reports[1].conflicts == []
    sources.bring("desk", CRM_FIRST, customers=csv(head, f"acme,{JOINED},anna@two.example"))
    (line,) = [line for line in sources.reports[2].lines() if "email" in line]
    assert "differ in `email` (personal data, not shown) of 1 customer (acme); crm counts" in line
    said = str(sources.reports[2].to_dict()) + line
    assert ".example" not in said
    manifest = max(sources.place.history.glob("manifest-*.json")).read_text()
    assert ".example" not in manifest


def test_terms_are_compared_under_the_customer_they_are_about(sources: Sources) -> None:
    sources.bring("crm", customers=PEOPLE, identities=csv(SYSTEMS, "billing,B-17,acme,"))
    sources.bring("crm", terms=csv(TERM, f"{START},2027-01-01,10,,,", f"acme,t2,{JOINED},,5,,,"))
    rows = [f"B-17,t1,{JOINED},2027-02-01,10.001,,,", f"B-17,t2,{JOINED},,6,,,"]
    sources.bring("billing", BILLING_FIRST, terms=csv(TERM, *rows))
    assert found(sources.reports[2]) == {
        ("terms", "ends_at", "billing", "crm", 1, ("acme",)),
        ("terms", "value_per_month", "billing", "crm", 1, ("acme",)),
    }


def test_a_case_that_two_sources_opened_differently_is_reported(sources: Sources) -> None:
    head = "interaction_id,customer_id,occurred_at,kind,case_id,topic"
    desk = [
        "1,acme,2026-01-01T10:00Z,case_opened,c1,billing",
        "2,acme,2026-01-02T10:00Z,case_opened,c2,billing",
        "3,acme,2026-01-03T10:00Z,case_opened,c3,login",
    ]
    crm = [
        "1,acme,2026-01-01T09:00Z,case_opened,c1,billing",
        "2,acme,2026-01-02T10:00:30Z,case_opened,c2,login",
        "3,acme,2026-01-03T10:00Z,case_opened,c4,login",
        "4,acme,2026-01-03T12:00Z,message_in,c3,other",
    ]
    sources.bring("desk", customers=PEOPLE, interactions=csv(head, *desk))
    assert sources.reports[0].conflicts == []
    sources.bring("crm", interactions=csv(head, *crm))
    assert found(sources.reports[1]) == {
        ("cases", "opened_at", "crm", "desk", 1, ("acme",)),
        ("cases", "topic", "desk", "crm", 1, ("acme",)),
    }


def test_the_newest_state_is_stored_and_the_doctor_tells_it(sources: Sources) -> None:
    home = sources.place.root
    (home / "warmline.toml").write_text('[ingest]\nprecedence = ["crm", "billing"]\n')

    def doctor() -> tuple[bool, str]:
        (finding,) = [one for one in examine(home, datetime.now(UTC)) if one.name == "sources"]
        return finding.ok, finding.words

    sources.bring("crm", CRM_FIRST, customers=csv(HEAD, SAYS["crm"]))
    assert doctor() == (
        True, "sources: none tells of a customer, term or case what another tells differently"
    )  # fmt: skip
    sources.bring("billing", CRM_FIRST, customers=csv(HEAD, SAYS["billing"]))
    ok, words = doctor()
    assert ok
    assert "1 field told differently" in words
    assert "crm and billing differ in `segment` of 1 customer (acme); crm counts" in words
    sources.bring("crm", CRM_FIRST, customers=csv(HEAD, f"acme,{JOINED},medium,,2026-06-01,"))
    assert "none tells" in doctor()[1]


def test_rows_of_equal_age_and_other_content_are_named_by_table(sources: Sources) -> None:
    people = "customer_id,joined_at,segment,updated_at"
    rows = [f"{c},{JOINED},{said},2026-01-01" for c in "abcde" for said in ("one", "two")]
    seen = "interaction_id,customer_id,occurred_at,kind,updated_at"
    sources.bring("crm", customers=csv(people, *rows))
    sources.bring(
        "crm",
        interactions=csv(
            seen, "1,a,2026-01-01,order,2026-01-02", "1,a,2026-01-01,payment,2026-01-02"
        ),
    )
    first, then = sources.reports
    assert first.tables["customers"].conflicting_ids == ["a", "b", "c"]
    assert then.tables["interactions"].conflicting_ids == ["1"]
    assert (
        "customers: another content with the same `updated_at`, of which the first was kept: "
        "a, b, c, ..." in list(first.lines())
    )
    assert [sources.row(customer=c)["segment"] for c in "ab"] == ["one", "one"]


def test_a_folder_for_each_night_is_one_feed_and_its_corrections_count(sources: Sources) -> None:
    """Folders name their rows' source where nothing else does."""
    for night in range(3):
        row = f"acme,{JOINED},s{night},,2026-01-0{night + 1},"
        sources.bring(f"night{night}", ("crm",), customers=csv(HEAD, row))
    assert sources.row("crm")["segment"] == "s2"
