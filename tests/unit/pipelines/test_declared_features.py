"""Numbers that a company declares become features from when they were known."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from models.errors import WrongUsage
from models.home import create
from models.settings import Features
from pipelines.features import declared
from pipelines.history.ingest import ingest
from pipelines.history.store import History
from tests.unit.pipelines.term_tables import night

NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)
INTERACTIONS = "interaction_id,customer_id,occurred_at,kind\n1,a,2026-01-01T00:00Z,order\n"
DATED = """customer_id,name,value,valid_from,recorded_at
a,seats,5,2026-01-01T00:00Z,
a,seats,8,2026-03-01T00:00Z,
a,seats,20,2026-04-01T00:00Z,2026-05-10T00:00Z
a,colour,3,2026-01-01T00:00Z,
b,seats,many,2026-01-01T00:00Z,
b,seats,2,2026-06-01T00:00Z,
"""


def company(folder: Path) -> History:
    source = folder / "source"
    source.mkdir()
    (source / "customers.csv").write_text(
        "customer_id,joined_at,size,name\na,2025-01-01T00:00Z,12,Ann\nb,2025-01-01T00:00Z,,Bo\n"
    )
    (source / "interactions.csv").write_text(INTERACTIONS)
    (source / "attributes.csv").write_text(DATED)
    home, _ = create(folder / "home")
    ingest(home.history, source, now=NOW)
    return History.open(home.history)


def found(history: History, wanted: Features, *days: str) -> list[list[list[float]]]:
    """By night and customer, the declared features."""
    out = np.empty((len(days), 2, len(declared.features(wanted))))
    customers = np.arange(2, dtype=np.int32)
    nights = [night(day) for day in days]
    declared.fill(out, declared.Attributes.of(history, wanted), customers, nights)
    return out.tolist()


def test_a_dated_attribute_counts_from_its_date_and_from_when_it_was_recorded(tmp_path):
    days = ("2025-12-31", "2026-02-01", "2026-03-01", "2026-05-01", "2026-06-01")
    nan = np.nan
    np.testing.assert_equal(
        found(company(tmp_path), Features(attributes=("seats",)), *days),
        [[[nan], [nan]], [[5], [nan]], [[8], [nan]], [[8], [nan]], [[20], [2]]],
    )


def test_an_undated_column_counts_from_when_it_was_seen(tmp_path):
    wanted = Features(attributes=("seats",), static=("size",))
    before, after = found(company(tmp_path), wanted, "2026-06-30", "2026-07-01")
    np.testing.assert_equal([before, after], [[[20, np.nan], [2, np.nan]], [[20, 12], [2, np.nan]]])


def test_without_a_declaration_nothing_is_read(tmp_path):
    assert declared.features(Features()) == ()
    assert len(declared.Attributes.of(company(tmp_path), Features()).value) == 0


@pytest.mark.parametrize(
    ("column", "why"), [("sise", "no column of `customers`"), ("name", "personal data")]
)
def test_a_column_that_is_not_there_or_personal_is_refused(tmp_path, column, why):
    with pytest.raises(WrongUsage, match=why):
        declared.Attributes.of(company(tmp_path), Features(static=(column,)))


def test_each_declaration_makes_its_own_fingerprint():
    from models.bundle import fingerprint

    seats, size = Features(attributes=("seats",)), Features(static=("seats",))
    prints = {fingerprint(declared.features(wanted)) for wanted in (Features(), seats, size)}
    assert len(prints) == 3
