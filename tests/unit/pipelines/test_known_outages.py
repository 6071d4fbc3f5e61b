"""What is known to be an outage comes from the tables feed_gaps and holidays."""

from datetime import UTC, datetime

import pytest

from models.contracts import DAY
from pipelines.history.ingest import ingest
from pipelines.history.store import History
from pipelines.nightchecks import known_outages

NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)


@pytest.fixture
def history(tmp_path):
    """Ingests the tables given, with one customer, into a history."""

    def make(**tables):
        source = tmp_path / "desk"
        source.mkdir()
        tables["customers"] = "customer_id,joined_at\nacme,2025-01-01T00:00:00Z\n"
        for name, text in tables.items():
            (source / f"{name}.csv").write_text(text, encoding="utf-8")
        ingest(tmp_path / "history", source, now=NOW)
        return History.open(tmp_path / "history")

    return make


def second(text):
    return int(datetime.fromisoformat(text).timestamp())


def test_declared_gaps_keep_their_feed_and_holidays_are_of_every_feed(history):
    found = known_outages(
        history(
            feed_gaps=(
                "source,kind,from,to\n"
                "desk,message_in,2026-06-01T00:00:00Z,2026-06-03T12:00:00Z\n"
                "shop,,2026-05-01T00:00:00Z,2026-05-02T00:00:00Z\n"
            ),
            holidays="team,date\nnorth,2026-12-25\nsouth,2026-12-25\n",
        )
    )
    rows = {
        (row["source"], row["kind"], row["from"], row["to"])
        for row in found.astype(object).where(found.notna(), None).to_dict("records")
    }
    christmas = second("2026-12-25T00:00:00Z")
    assert rows == {
        ("desk", "message_in", second("2026-06-01T00:00:00Z"), second("2026-06-03T12:00:00Z")),
        ("shop", None, second("2026-05-01T00:00:00Z"), second("2026-05-02T00:00:00Z")),
        (None, None, christmas, christmas + DAY),
    }


def test_without_such_tables_nothing_is_known(history):
    assert known_outages(history()) is None
