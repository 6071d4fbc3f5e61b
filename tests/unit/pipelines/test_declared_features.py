"""Numbers that a company declares become features from when they were known."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from models.contracts import DAY
from models.errors import WrongUsage
from models.home import create
from models.settings import Features
from pipelines.features import declared
from pipelines.features.matrix import Night
from pipelines.history.ingest import ingest
from pipelines.history.store import History
from tests.unit.pipelines.term_tables import night

NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)
INTERACTIONS = "interaction_id,customer_id,occurred_at,kind\n1,a,2026-01-01T00:00Z,order\n"
BEGIN, HOUR = 1_767_225_600, 3_600  # 2026-01-01
CUSTOMERS = 150


class Told(NamedTuple):
    """A value from `since` on, told so many seconds later, and what was said of it `again`."""

    since: int
    late: int | None  # None: no `recorded_at`
    value: float
    again: int | None
    new: float | None  # None: it was deleted


DATED = """customer_id,name,value,valid_from,recorded_at
a,seats,5,2026-01-01T00:00Z,
a,seats,8,2026-03-01T00:00Z,
a,seats,20,2026-04-01T00:00Z,2026-05-10T00:00Z
a,colour,3,2026-01-01T00:00Z,
b,seats,many,2026-01-01T00:00Z,
b,seats,2,2026-06-01T00:00Z,
b,seats,9,2026-06-05T01:00Z,
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


def test_they_are_told_as_people_write_them() -> None:
    (told,) = declared.features(Features(attributes=("items_per_order",)))
    assert (
        told.says == "items per order is {value}|items per order is 0|items per order is not known"
    )


def found(history: History, wanted: Features, *days: str) -> list[list[list[float]]]:
    """By night and customer, the declared features."""
    out = np.empty((len(days), 2, len(declared.features(wanted))))
    customers = np.arange(2, dtype=np.int32)
    nights = [night(day) for day in days]
    declared.fill(out, declared.Attributes.of(history, wanted), customers, nights)
    return out.tolist()


def test_a_dated_attribute_counts_from_its_date_and_from_when_it_was_recorded(tmp_path):
    days = ("2025-12-31", "2026-02-01", "2026-03-01", "2026-05-01", "2026-06-01", "2026-06-05")
    nan = np.nan
    np.testing.assert_equal(
        found(company(tmp_path), Features(attributes=("seats",)), *days),
        [[[nan], [nan]], [[5], [nan]], [[8], [nan]], [[8], [nan]], [[20], [2]], [[20], [2]]],
    )


@pytest.mark.parametrize("seed", range(3))
def test_at_every_night_an_attribute_is_the_one_known_then(tmp_path, seed):
    """Against the rule in plain words, on random rows that come late, corrected and deleted."""
    told = random_rows(np.random.default_rng(seed))
    written(tmp_path, told)
    home, _ = create(tmp_path / "home")
    ingest(home.history, tmp_path / "first", now=NOW)
    ingest(home.history, tmp_path / "second", now=NOW)
    wanted = Features(attributes=("seats",))
    nights = [Night(BEGIN + day * DAY, BEGIN + day * DAY + HOUR) for day in range(0, 220, 3)]
    out = np.empty((len(nights), CUSTOMERS, 1))
    declared.fill(
        out,
        declared.Attributes.of(History.open(home.history), wanted),
        np.arange(CUSTOMERS, dtype=np.int32),
        nights,
    )
    expected = [[known_then(rows, night) for rows in told] for night in nights]
    np.testing.assert_array_equal(out[:, :, 0], expected)
    assert np.isnan(expected).any()
    assert len(np.unique(expected)) > 100


def random_rows(luck: np.random.Generator) -> list[list[Told]]:
    """Of each customer some values by date, each perhaps told late, corrected or deleted."""
    everyone = []
    for _ in range(CUSTOMERS):
        rows = []
        for day in sorted(luck.choice(120, luck.integers(0, 5), replace=False)):
            since = BEGIN + int(day) * DAY
            late = int(luck.integers(-20, 40)) * DAY if luck.random() < 0.5 else None
            first = since if late is None else since + late
            said_again = first + int(luck.integers(1, 60)) * DAY if luck.random() < 0.4 else None
            new = None if luck.random() < 0.3 else float(luck.integers(1000))
            rows.append(Told(since, late, float(luck.integers(1000)), said_again, new))
        everyone.append(rows)
    return everyone


def known_then(rows: list[Told], night: Night) -> float:
    """The value of the newest date up to the night of which something was known by its cut-off."""
    found = np.nan
    for row in rows:  # by date
        first = row.since if row.late is None else max(row.since, row.since + row.late)
        corrected = row.again is not None and max(row.again, row.since) <= night.cutoff
        covered = row.again is not None and row.again <= night.cutoff
        if row.since > night.as_of:
            continue
        if corrected and row.new is not None:
            found = row.new
        elif first <= night.cutoff and not covered:
            found = row.value
    return found


def written(folder: Path, told: list[list[Told]]) -> None:
    """The first versions in one source, what corrects them in another delivery of it."""

    def date(second: int) -> str:
        return datetime.fromtimestamp(second, UTC).isoformat()

    head = "customer_id,name,value,valid_from,recorded_at,updated_at,deleted_at,source\n"
    first, second = [head], [head]
    for number, rows in enumerate(told):
        for row in rows:
            key = f"c{number:03d},seats"
            recorded = "" if row.late is None else date(row.since + row.late)
            first.append(f"{key},{row.value},{date(row.since)},{recorded},,,crm\n")
            if row.again is None:
                continue
            gone = date(row.again) if row.new is None else ""
            value = "" if row.new is None else row.new
            second.append(f"{key},{value},{date(row.since)},,{date(row.again)},{gone},crm\n")
    customers = "".join(f"c{n:03d},2025-01-01T00:00Z\n" for n in range(CUSTOMERS))
    interactions = "interaction_id,customer_id,occurred_at,kind\n1,c000,2026-01-01T00:00Z,order\n"
    for name, rows in (("first", first), ("second", second)):
        (folder / name).mkdir()
        (folder / name / "attributes.csv").write_text("".join(rows))
    (folder / "first" / "customers.csv").write_text("customer_id,joined_at\n" + customers)
    (folder / "first" / "interactions.csv").write_text(interactions)


def test_an_undated_column_counts_from_when_it_was_seen(tmp_path):
    wanted = Features(attributes=("seats",), static=("size",))
    before, after = found(company(tmp_path), wanted, "2026-06-30", "2026-07-01")
    np.testing.assert_equal([before, after], [[[20, np.nan], [9, np.nan]], [[20, 12], [9, np.nan]]])


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
