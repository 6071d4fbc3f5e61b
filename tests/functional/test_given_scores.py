"""Customers whose rows are given have the answers that the night published of them."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import csv

from models import bundle as bundles
from models.batch import FACTS, ScoreBatch, publish
from models.dataset import FitSettings
from models.home import Home
from models.renewal import Terms, fit_renewal
from models.settings import load
from pipelines import snapshots
from pipelines.features import matrix, reference
from pipelines.given_scores import Scorer
from pipelines.history.ingest import ingest
from pipelines.history.plain import Plain
from pipelines.history.store import History
from pipelines.scoring import Question, work_out

SAMPLE = Path(__file__).parents[2] / "data_samples" / "sample"
SCORED = date(2026, 7, 1)  # by the demo
NUMBERS = ("churn_probability", "value_at_risk", "fading")
WORDS = ("customer_id", "band", "silent", "as_of", "horizon_days", "model_version")


@pytest.fixture(scope="module")
def scorer(demo_made):
    home = Home(demo_made / "home")
    settings = load(home.root, {})
    champion = bundles.champion(home, expect=matrix.fingerprint(settings.features))
    return Scorer.of(champion, settings, History.open(home.history), home)


@pytest.fixture(scope="module")
def published(demo_made):
    return ScoreBatch.open(Home(demo_made / "home").scores, SCORED)


@pytest.fixture(scope="module")
def rows():
    return {
        path.stem: duckdb.sql(f"FROM read_csv('{path}', all_varchar = true)").to_arrow_table()
        for path in sorted(SAMPLE.glob("*.csv"))
    }


def answer(scorer: Scorer, tables: dict[str, pa.Table]):
    return scorer.score(tables, as_of=SCORED, now=datetime.now(UTC))


def same(ours: pa.Table, theirs: pa.Table) -> None:
    for name in NUMBERS:
        one, other = (table[name].to_pandas().to_numpy(float) for table in (ours, theirs))
        tolerance = reference.TOLERANCE
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance, err_msg=name)
    for name in WORDS:
        assert ours[name].to_pylist() == theirs[name].to_pylist(), name


def test_the_whole_sample_given_is_scored_as_the_night_scored_it(scorer, published, rows):
    found = answer(scorer, rows)
    theirs = published.table().sort_by("customer_id")
    ours = found.scores.sort_by("customer_id")
    assert len(ours) > 1_000
    same(ours, theirs)
    assert ours["reasons"].to_pylist() == theirs["reasons"].to_pylist()
    assert found.not_scored == dict(zip(*published.not_scored().to_pydict().values(), strict=True))
    assert (found.rejects, found.pending) == ((), 0)


def test_the_sample_is_plain_and_is_scored_the_same_without_a_database(scorer, published, rows):
    plain = {name: rows[name] for name in ("customers", "interactions", "terms")}
    assert isinstance(scorer.read(plain, datetime.now(UTC)), Plain)
    found = answer(scorer, plain)
    assert list(found.rows()) == found.scores.to_pylist()
    theirs = published.table().sort_by("customer_id")
    ours = found.scores.sort_by("customer_id")
    same(ours, theirs)
    assert ours["reasons"].to_pylist() == theirs["reasons"].to_pylist()
    assert found.not_scored == dict(zip(*published.not_scored().to_pydict().values(), strict=True))


def test_customers_given_alone_are_scored_as_among_all(scorer, published, rows):
    theirs = published.table().sort_by("churn_probability")
    for place in (0, 100, len(theirs) // 2, len(theirs) - 1):
        one = theirs.slice(place, 1)
        customer = one["customer_id"][0].as_py()
        own = {
            name: rows[name].filter(pc.equal(rows[name]["customer_id"], customer))
            for name in ("customers", "interactions", "terms")
        }
        found = answer(scorer, own)
        same(found.scores, one)
        assert found.scores["percentile"].to_pylist() == [None]
        told = one["reasons"][0].as_py()  # of those with most at stake only
        assert told in (None, found.scores["reasons"][0].as_py())


def test_only_plain_rows_of_a_night_that_is_known_are_scored_at_once(scorer, rows):
    one = pc.equal(rows["customers"]["customer_id"], "C00137")
    own = {"customers": rows["customers"].filter(one)}
    now = datetime.now(UTC)
    when = {"as_of": date(2026, 6, 30), "now": now}
    assert scorer.score_at_once(own, **when) is None
    answered = scorer.score(own, **when)
    at_once = scorer.score_at_once(own, **when)
    assert list(at_once.rows()) == list(answered.rows())
    assert at_once.not_scored == answered.not_scored
    odd = {"customers": pa.table({"customer_id": ["x"], "joined_at": ["2020-01-01T00:00+02"]})}
    assert scorer.score_at_once(odd, **when) is None


def renewing(champion):
    """The champion with a second head that has learned of terms at random."""
    model, many = champion.model, 200
    rng = np.random.default_rng(0)
    terms = Terms(
        rng.normal(-2, 1, many), rng.normal(size=(many, len(model.features))),
        rng.random(many) < 0.3, np.arange(many),
    )  # fmt: skip
    head = fit_renewal(terms, model.features, FitSettings(horizon_days=model.horizon_days))
    assert head is not None
    return replace(champion, model=replace(model, renewal=head))


def test_the_night_and_given_rows_tell_alike_whose_yearly_contract_is_to_be_renewed(
    scorer, tmp_path
):
    terms = {
        "yearly": ("2025-10-01T00:00Z", "2026-11-01T00:00Z"),
        "soon": ("2025-08-01T00:00Z", "2026-08-01T00:00Z"),  # within the horizon
        "monthly": ("2026-06-01T00:00Z", ""),
    }
    ids = list(terms)
    tables = {
        "customers": pa.table({"customer_id": ids, "joined_at": ["2025-01-01T00:00Z"] * 3}),
        "interactions": pa.table({"interaction_id": ids, "customer_id": ids, "kind": ["order"] * 3,
                                  "occurred_at": ["2026-06-01T00:00Z"] * 3}),
        "terms": pa.table({"customer_id": ids, "term_id": ids,
                           "started_at": [start for start, _ in terms.values()],
                           "ends_at": [end for _, end in terms.values()],
                           "recorded_at": [start for start, _ in terms.values()]}),
    }  # fmt: skip
    knowing = replace(scorer, champion=renewing(scorer.champion), _contexts={})
    given = {row["customer_id"]: row for row in answer(knowing, tables).rows()}
    at = {one: row["renewal_at"] for one, row in given.items()}
    assert at == {"yearly": datetime(2026, 11, 1, tzinfo=UTC), "soon": None, "monthly": None}
    chance = given["yearly"]["non_renewal_probability"]
    assert 0 < chance < 1
    assert given["soon"]["non_renewal_probability"] is None

    source = tmp_path / "source"
    source.mkdir()
    for name, table in tables.items():
        csv.write_csv(table, source / f"{name}.csv")
    home = Home(tmp_path / "home")
    ingest(home.history, source, now=datetime(2026, 6, 30, tzinfo=UTC))
    history = History.open(home.history)
    settings = knowing.settings
    night = snapshots.night(SCORED, settings.zone, settings.training.usual_hour)
    question = Question(history, knowing.champion, settings, SCORED, night, datetime.now(UTC), None)
    facts = {name: [] for name in FACTS}
    work_out(question).write(home.scores, "a", facts)
    batch = publish(home.scores, SCORED, "a")
    (told,) = batch.renewals().to_pylist()
    assert (told["customer_id"], told["renewal_at"]) == ("yearly", at["yearly"])
    assert told["non_renewal_probability"] == pytest.approx(chance, abs=reference.TOLERANCE)
    (found,) = batch.answers().find(["yearly"])
    assert json.loads(found)["renewal_at"] == "2026-11-01T00:00:00Z"


def test_who_cannot_be_scored_is_told_why_and_bad_rows_are_reported(scorer):
    tables = {
        "customers": pa.table({"customer_id": ["new", "off"], "profiling_objection": [None, "true"],
                               "joined_at": ["2026-08-01T00:00Z", "2020-01-01T00:00Z"]}),
        "interactions": pa.table({"interaction_id": ["1", "2"], "customer_id": ["new", "else"],
                                  "occurred_at": ["never", "2026-06-01T00:00Z"],
                                  "kind": ["order", "order"]}),
    }  # fmt: skip
    found = answer(scorer, tables)
    assert found.not_scored == {"new": "joined later", "off": "objects to profiling"}
    assert len(found.scores) == 0
    assert [(one.file, one.line, one.column) for one in found.rejects] == [
        ("interactions", 1, "occurred_at")
    ]
    assert found.pending == 1


def test_tables_that_are_given_count_in_place_of_what_the_home_knows(scorer, rows):
    night = matrix.Night(1_782_864_000, 1_782_885_600)
    customers = rows["customers"].slice(0, 1)
    own = {
        "customers": customers,
        "interactions": pa.table({
            "interaction_id": ["1"], "customer_id": customers["customer_id"].slice(0, 1),
            "occurred_at": ["2026-06-01T00:00Z"], "kind": ["message_out"], "agent_id": ["robot"],
        }),
        "agents": pa.table({"agent_id": ["robot"], "is_bot": ["true"], "team": ["machines"]}),
        "rates": pa.table({"currency": ["USD"], "date": ["2026-01-01"], "rate": ["0.5"]}),
    }  # fmt: skip
    now = datetime.now(UTC)
    read = scorer.read(own, now)
    told = scorer.context(read, night)
    agent = read.words("agent").index("robot")
    assert (told.bots[agent], told.teams[agent]) == (True, 0)
    assert told.money.factor("USD", night) == 0.5
    plain = scorer.context(scorer.read({"customers": customers}, now), night)
    assert len(plain.bots) == len(scorer.history.words("agent"))
