"""A source that brings everyone each night is missed when it brings fewer."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from models.home import create
from models.settings import Checks
from pipelines.brought import customers_brought
from pipelines.nightly import Night

AS_OF = date(2026, 7, 1)
NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)


def night(rows, as_of=AS_OF, finished=False):
    report = {"source": "crm", "tables": {"customers": {"rows": rows}}}
    return Night(as_of, "run", NOW, {"ingest": {"/data/crm": report}}, finished)


@pytest.fixture
def home(tmp_path):
    return create(tmp_path)[0]


def failed(home, tonight, before, finished=True):
    """Names of the failed checks after nights that brought `before`, oldest first."""
    home.nights.mkdir()
    for back, rows in enumerate(reversed(before), start=1):
        as_of = AS_OF - timedelta(days=back)
        past = night(rows, as_of, finished)
        (home.nights / f"as_of={as_of}.json").write_bytes(past.to_json())
    return [check.name for check in customers_brought(home, night(tonight), Checks())]


@pytest.mark.parametrize(
    ("tonight", "before", "names"),
    [
        (940, [1_000, 1_000, 1_000], ["customers_brought:crm"]),
        (960, [1_000, 1_000, 1_000], []),
        (500, [1_000, 1_000], []),  # too few nights to know
        (3, [1_000, 12, 40, 7], []),  # brings only what has changed
        (1_500, [1_000, 1_000, 1_000], []),
        (900, [980, 1_000, 1_020, 1_010], ["customers_brought:crm"]),
    ],
)
def test_fewer_customers_than_every_night_before_are_missed(home, tonight, before, names):
    assert failed(home, tonight, before) == names


def test_nights_that_did_not_finish_say_nothing(home):
    assert failed(home, 10, [1_000] * 4, finished=False) == []


def test_a_source_without_customers_is_not_asked_for_them(home):
    empty = replace(night(0), done={"ingest": {"/data": {"source": "desk", "tables": {}}}})
    assert customers_brought(home, empty, Checks()) == ()
