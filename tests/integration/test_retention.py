"""What is older than it may be kept goes, and nothing is written where nothing is old enough."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from models.command import Run
from models.home import Home, create
from pipelines.history.ingest import ingest
from pipelines.history.store import History
from pipelines.history.words import lexicon
from pipelines.intake import take_up
from pipelines.nightsteps import steps
from pipelines.retention import keep_no_longer
from tests import planted

NOW = datetime(2026, 7, 1, 5, tzinfo=UTC)
CUSTOMERS = """customer_id,joined_at,left_at,name,email,phone
here,2023-01-01T00:00:00Z,,Nora Here,here@example.net,+49 1
gone,2023-01-01T00:00:00Z,2025-01-01T00:00:00Z,Gus Gone,gone@example.net,+49 2
fresh,2023-01-01T00:00:00Z,2026-06-20T00:00:00Z,Fay Fresh,fresh@example.net,+49 3
ended,2023-01-01T00:00:00Z,,Eve Ended,ended@example.net,+49 4
"""
TERMS = """customer_id,term_id,started_at,ended_at,end_kind
ended,t1,2023-01-01T00:00:00Z,2024-01-01T00:00:00Z,cancelled
ended,t2,2024-01-01T00:00:00Z,2025-02-01T00:00:00Z,cancelled
here,t3,2023-01-01T00:00:00Z,,
"""
CONTACTS = """contact_id,customer_id,name,email,left_at
c1,gone,Carl Gone,carl@example.net,
c2,here,Cora Here,cora@example.net,
c3,here,Cleo Left,cleo@example.net,2025-01-01T00:00:00Z
"""
HEAD = "interaction_id,customer_id,occurred_at,kind,text\n"
DAYS_AGO = {"1": 900, "2": 500, "3": 370, "4": 20}
INTERACTIONS = HEAD + "".join(
    f"{name},here,{(NOW - timedelta(days=days)).isoformat()},message_in,word-{name}-said\n"
    for name, days in DAYS_AGO.items()
)


@pytest.fixture
def home(tmp_path):
    source = tmp_path / "crm"
    source.mkdir()
    tables = {"customers": CUSTOMERS, "terms": TERMS, "contacts": CONTACTS,
              "interactions": INTERACTIONS}  # fmt: skip
    for table, text in tables.items():
        (source / f"{table}.csv").write_text(text, encoding="utf-8")
    home, _ = create(tmp_path / "home")
    ingest(home.history, source, now=NOW)
    return home


def keep(home: Home, now: datetime = NOW, **days: int) -> dict:
    return keep_no_longer(run_of(home, now, **days))


def run_of(home: Home, now: datetime = NOW, **days: int) -> Run:
    lines = [f"{name} = {value}" for name, value in days.items()]
    home.config.write_text("\n".join(["[retention]", *lines]) + "\n", encoding="utf-8")
    return Run(home.root, json=True, verbose=False, now=now)


@pytest.mark.parametrize(
    ("days", "gone", "kept"),
    [
        ({"text_days": 400}, ["word-1-said", "word-2-said"], ["word-3-said", "word-4-said"]),
        ({"text_days": 480}, [], ["word-1-said", "word-4-said"][1:]),
        ({"contacts_days": 365},
         ["gus gone", "gone@example.net", "carl@example.net", "eve ended", "cleo left"],
         ["nora here", "fay fresh", "fresh@example.net", "cora here"]),
        ({"interactions_days": 400}, ["word-1-said", "word-2-said"], ["word-3-said"]),
        ({"text_days": 1000, "contacts_days": 1000, "interactions_days": 1000}, [],
         ["word-1-said", "gus gone", "carl@example.net"]),
    ],
)  # fmt: skip
def test_what_is_older_than_the_limit_lies_in_no_file_any_more(home, days, gone, kept):
    keep(home, **days)
    found = set().union(*planted.hits(home.history, (*gone, *kept)).values())
    assert found == set(kept)


def test_codes_of_words_stay_when_the_words_go_even_under_another_lexicon(home, tmp_path):
    (tmp_path / "crm" / "interactions.csv").write_text(
        HEAD + f"8,here,{(NOW - timedelta(days=900)).isoformat()},message_in,I am furious\n",
        encoding="utf-8",
    )
    ingest(home.history, tmp_path / "crm", now=NOW)
    said = History.open(home.history).bucket(0).said.tolist()
    assert sorted(said) == [1, 1, 1, 1, 3]
    assert keep(home, text_days=400)["words"] == 3
    assert History.open(home.history).bucket(0).said.tolist() == said
    (tmp_path / "words.toml").write_text('negative = ["word"]\n', encoding="utf-8")
    own = lexicon(str(tmp_path / "words.toml"))
    ingest(home.history, tmp_path / "crm", now=NOW, lexicon=own)
    assert sorted(History.open(home.history).bucket(0).said.tolist()) == [1, 1, 3, 3, 3]


def test_old_words_go_and_the_interactions_stay(home):
    before = History.open(home.history).bucket(0)
    assert keep(home, text_days=400)["words"] == 2
    after = History.open(home.history)
    assert all((getattr(after.bucket(0), n) == getattr(before, n)).all() for n in ("at", "kind"))
    assert after.events_of("here")["text"].notna().tolist() == [False, False, True, True]


def test_old_interactions_go_and_the_span_begins_later(home):
    assert keep(home, interactions_days=400)["interactions"] == 2
    history = History.open(home.history)
    assert history.rows == 2
    assert history.span[0] == int((NOW - timedelta(days=370)).timestamp())


@pytest.mark.parametrize(
    "days", [{"text_days": 880}, {"interactions_days": 875}, {"contacts_days": 540}]
)
def test_nothing_is_written_for_what_is_less_than_a_month_too_old(home, days):
    assert not any(keep(home, **days).values())
    assert History.open(home.history).generation == 1


def test_the_next_night_finds_nothing_to_do(home):
    limits = {"text_days": 400, "contacts_days": 365, "interactions_days": 800}
    done = keep(home, **limits)
    assert (done["words"], done["contact_details"], done["interactions"]) == (1, 4, 1)
    generation = History.open(home.history).generation
    assert not any(keep(home, NOW + timedelta(days=1), **limits).values())
    assert History.open(home.history).generation == generation
    assert keep(home, NOW + timedelta(days=70), **limits)["words"] == 1


def test_words_that_come_late_and_old_go_with_the_next_night(home, tmp_path):
    keep(home, text_days=400)
    late = HEAD + f"9,here,{(NOW - timedelta(days=600)).isoformat()},message_in,word-late\n"
    (tmp_path / "crm" / "interactions.csv").write_text(late, encoding="utf-8")
    ingest(home.history, tmp_path / "crm", now=NOW)
    assert planted.hits(home.history, ("word-late",))
    assert keep(home, NOW + timedelta(days=1), text_days=400)["words"] == 1
    assert planted.hits(home.history, ("word-late",)) == {}


def test_a_full_export_does_not_bring_back_what_was_too_old(home, tmp_path):
    keep(home, interactions_days=400)
    run = run_of(home, interactions_days=400)
    report = take_up(run, str(tmp_path / "crm"), None)
    assert not report.changed
    assert report.interactions.too_old == 2
    assert "2 interactions older than is kept were left out" in list(report.lines())


def test_what_was_emptied_does_not_come_back_with_the_same_source(home, tmp_path):
    limits = {"text_days": 400, "contacts_days": 365}
    keep(home, **limits)
    assert not take_up(run_of(home, **limits), str(tmp_path / "crm"), None).changed


def test_old_nights_go_with_their_lists_and_the_newest_scores_stay(home):
    planted.published(home)
    done = keep(home, datetime(2026, 12, 1, tzinfo=UTC), scores_days=30)
    assert done["nights_of_scores"] == 2
    newest = f"as_of={planted.NIGHTS[-1]}"
    assert [path.name for path in home.scores.iterdir()] == [newest]
    assert [path.name for path in home.worklists.iterdir()] == [newest]
    assert [path.parent.name for path in home.root.glob("assignments/*/decisions-*")] == [newest]
    assert [path.name for path in home.context.iterdir()] == [newest]
    # The log is permanent.
    assert len(list(home.root.glob("assignments/*/assignments.parquet"))) == 3


def test_old_logs_records_and_rejects_go(home):
    planted.published(home)
    planted.recorded(home)
    rejects = home.history / "rejects" / "crm-0.csv"
    rejects.parent.mkdir()
    rejects.write_text("file,line,column,value,reason\n", encoding="utf-8")
    os.utime(rejects, (0, 0))
    assert keep(home, datetime(2026, 8, 15, tzinfo=UTC), logs_days=46)["logs"] == 2
    assert sorted(_names(home)) == ["as_of=2026-06-30.json", "as_of=2026-07-01.json",
                                    "nightly-2026-06.jsonl"]  # fmt: skip
    assert keep(home, datetime(2026, 8, 15, tzinfo=UTC), logs_days=40)["logs"] == 3
    assert _names(home) == []


def _names(home: Home) -> list[str]:
    places = (home.nights, home.root / "logs", home.history / "rejects")
    return [path.name for place in places for path in place.iterdir()]


@pytest.mark.parametrize(("days", "last"), [({}, "outcomes"), ({"text_days": 1}, "retention")])
def test_the_night_ends_with_it_where_something_is_not_kept_for_ever(home, days, last):
    assert steps(run_of(home, **days), ())[-1].name == last


def test_every_column_of_a_rewritten_table_keeps_its_type(home):
    (before,) = History.open(home.history).manifest.tables["customers"]
    schema = types(home.history / before.path)
    keep(home, contacts_days=365)
    (after,) = History.open(home.history).manifest.tables["customers"]
    assert before != after
    assert types(home.history / after.path) == schema


def types(path: Path) -> list[tuple[str, str]]:
    return [(field.name, str(field.type)) for field in pq.read_schema(path)]
