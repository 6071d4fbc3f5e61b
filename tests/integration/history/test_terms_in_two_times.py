"""Terms through a real ingest: corrections, deletions and what a feed without dates tells."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from pipelines.history.derived import derived_rows
from pipelines.history.terms import NEVER, Terms
from tests.integration.history.conftest import CUSTOMERS, INTERACTIONS, NOW, Place

HEAD = "customer_id,term_id,started_at,ends_at,value_per_month,recorded_at,updated_at,deleted_at\n"
START = "acme,t1,2025-02-01T00:00Z"
LATER = datetime(2026, 6, 20, tzinfo=UTC)


def second(text: str) -> int:
    return int(np.datetime64(text, "s").astype(np.int64))


def told(place: Place, *rows: str) -> Terms:
    """The terms after one ingest for each row."""
    place.ingest(place.source(customers=CUSTOMERS, interactions=INTERACTIONS))
    for number, row in enumerate(rows):
        folder = place.source(f"billing{number}", terms=f"{HEAD}{row}\n")
        place.ingest(folder, now=NOW if number == 0 else LATER)
    terms = place.open().terms()
    assert terms is not None
    return terms


def test_a_renewal_date_that_is_rolled_on_keeps_the_older_version_for_earlier_nights(
    place: Place,
) -> None:
    terms = told(
        place,
        f"{START},2026-02-01T00:00Z,10,2025-02-01T00:00Z,,",
        f"{START},2027-02-01T00:00Z,12,2025-02-01T00:00Z,2026-02-02T00:00Z,",
    )
    before, after = (terms.known(second(day)) for day in ("2026-02-01", "2026-02-02"))
    assert (before.ends_at.tolist(), before.value.tolist()) == ([second("2026-02-01")], [10])
    assert (after.ends_at.tolist(), after.value.tolist()) == ([second("2027-02-01")], [12])


def test_of_one_version_without_a_date_what_is_undated_is_known_from_the_ingest(
    place: Place,
) -> None:
    terms = told(place, f"{START},2027-02-01T00:00Z,10,,,")
    before = terms.known(second("2026-05-31"))
    assert (before.started.tolist(), before.ends_at.tolist()) == ([second("2025-02-01")], [NEVER])
    assert np.isnan(before.value).all()
    assert terms.known(int(NOW.timestamp())).value.tolist() == [10]
    assert terms.dated.tolist() == [False]


def test_a_correction_without_a_date_is_known_from_the_day_it_came_in(place: Place) -> None:
    terms = told(place, f"{START},,10,,,", f"{START},,12,,,")
    assert terms.known(int(LATER.timestamp()) - 1).value.tolist() == [10]
    assert terms.known(int(LATER.timestamp())).value.tolist() == [12]


def test_a_row_changed_since_it_was_first_recorded_does_not_leak_what_changed(place: Place) -> None:
    terms = told(place, f"{START},2027-02-01T00:00Z,10,2025-02-01T00:00Z,2026-05-01T00:00Z,")
    before, after = (terms.known(second(day)) for day in ("2026-04-30", "2026-05-01"))
    assert (before.started.tolist(), before.ends_at.tolist()) == ([second("2025-02-01")], [NEVER])
    assert after.ends_at.tolist() == [second("2027-02-01")]


def test_a_deleted_term_counts_for_nights_before_its_deletion(place: Place) -> None:
    terms = told(place, f"{START},,10,2025-02-01T00:00Z,,", f"{START},,10,,,2026-06-10T00:00Z")
    assert len(terms.known(second("2026-06-09"))) == 1
    assert len(terms.known(second("2026-06-10"))) == 0
    assert len(terms.known()) == 0


def test_derived_events_stand_in_the_columns_of_interactions(place: Place) -> None:
    told(
        place,
        f"{START},2026-02-01T00:00Z,10,2025-02-01T00:00Z,,",
        f"{START},2027-02-01T00:00Z,12,2025-02-01T00:00Z,2026-02-02T00:00Z,",
    )
    history = place.open()
    rows = derived_rows(history, 0)
    assert list(rows.columns) == list(history.events_of("acme").columns)
    assert rows["kind"].tolist() == ["renewed", "plan_changed"]
    assert [str(day.date()) for day in rows["occurred_at"]] == ["2026-02-01", "2026-02-02"]
    assert rows["customer_id"].tolist() == ["acme", "acme"]
    assert rows["value"].tolist()[1] == 2
    assert len(derived_rows(history, 0, second("2026-01-31"))) == 0
    assert len(derived_rows(history, 1)) == 0
