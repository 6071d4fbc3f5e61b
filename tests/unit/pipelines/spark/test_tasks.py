"""A bucket's rows reach the task that computes them, wherever they lie."""

import pickle
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from models.errors import WarmlineError
from pipelines.history.events import Events
from pipelines.history.ingest import ingest
from pipelines.history.store import History
from pipelines.spark.tasks import Source

CUSTOMERS = "customer_id,joined_at\na,2025-01-01T00:00:00Z\nb,2025-01-01T00:00:00Z\n"
HEAD = "interaction_id,customer_id,occurred_at,kind,value,updated_at\n"
TOLD = (
    "1,a,2026-01-02T10:00:00Z,order,5,\n2,b,2026-01-03T10:00:00Z,order,7,\n",
    "1,a,2026-01-02T10:00:00Z,order,50,2026-02-10T00:00:00Z\n",
)


@pytest.fixture
def history(tmp_path: Path) -> History:
    """Two ingests, of which the second corrects a row of the first."""
    source = tmp_path / "crm"
    source.mkdir()
    (source / "customers.csv").write_text(CUSTOMERS)
    for month, rows in enumerate(TOLD, 2):
        (source / "interactions.csv").write_text(HEAD + rows)
        ingest(tmp_path / "history", source, now=datetime(2026, month, 20, tzinfo=UTC))
    return History.open(tmp_path / "history")


def assert_same(ours: Events, theirs: Events) -> None:
    for name in Events.columns():
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))


def sent(history: History, url: str = "") -> Source:
    """As a task gets it, through a pickle."""
    source = Source(history.of_parts(history.manifest.of_bucket(0)), url)
    arrived: Source = pickle.loads(pickle.dumps(source))  # noqa: S301
    return arrived


@pytest.mark.parametrize("by_url", [False, True])
def test_it_reads_what_the_history_holds_now_and_held_then(history, by_url):
    url = history.folder.as_uri() if by_url else ""
    for one in (history, history.at(1)):
        events = sent(one, url).versions(0)
        assert len(events) == (3 if one is history else 2)
        assert_same(events, one.versions(0))


def test_what_is_sent_is_small_whatever_else_the_history_holds(history):
    assert len(pickle.dumps(sent(history))) < 25_000


def test_a_damaged_file_at_the_url_is_refused(history):
    part = history.manifest.of_bucket(0)[0]
    (history.folder / part.coded.path).write_bytes(b"something else")
    with pytest.raises(WarmlineError, match="is not the file that was published"):
        sent(history, history.folder.as_uri()).versions(0)
