"""What became of those who were scored, looked at once, when it can be known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from models import outcome
from models.batch import BatchWriter, publish
from models.command import Run
from models.contracts import score_schema
from models.errors import WarmlineError
from models.home import Home, create
from models.settings import Settings, Training
from pipelines import doctor, nightsteps, outcomes
from pipelines.history.ingest import ingest
from pipelines.nightly import Night

AS_OF = date(2026, 1, 1)
HORIZON = 30
DUE = AS_OF + timedelta(days=HORIZON + outcomes.LABEL_LAG_DAYS)
NOW = datetime(2026, 3, 1, 5, tzinfo=UTC)
MANY = 120
STAYED = [n for n in range(MANY) if n % 3]  # two of three buy again
SETTINGS = Settings(training=Training(horizon_days=HORIZON))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A shop: everybody bought in December, two of three again in January."""
    return shop(tmp_path, until="2026-02-20")


def shop(folder: Path, until: str, contacted: Sequence[int] = ()) -> Home:
    source = folder / "source"
    source.mkdir()
    people = "\n".join(f"c{n},2025-01-01T00:00:00Z" for n in range(MANY))
    (source / "customers.csv").write_text(f"customer_id,joined_at\n{people}\n", encoding="utf-8")
    bought = [(n, "2025-12-20") for n in range(MANY)] + [(n, "2026-01-15") for n in STAYED]
    bought.append((1, until))
    rows = "\n".join(f"{i},c{n},{day}T10:00:00Z,order" for i, (n, day) in enumerate(bought))
    rows += "".join(f"\nm{n},c{n},2026-01-02T10:00:00Z,outreach_sent" for n in contacted)
    (source / "interactions.csv").write_text(
        f"interaction_id,customer_id,occurred_at,kind\n{rows}\n", encoding="utf-8"
    )
    made, _ = create(folder / "home")
    ingest(made.history, source, now=NOW)
    return made


def score(
    home: Home,
    ids: Sequence[str] = tuple(f"c{n}" for n in range(MANY)),
    run: str = "one",
    seed: int = 0,
    shift: float = 0.0,
    **more: str,
) -> np.ndarray:
    """Publishes a batch whose probabilities tell leavers from stayers, and not perfectly."""
    rng = np.random.default_rng(seed)
    left = np.array([int(one[1:]) % 3 == 0 for one in ids])
    p = np.clip(np.where(left, 0.5, 0.25) + rng.normal(0, 0.15, len(ids)) + shift, 0.01, 0.99)
    given = {
        "customer_id": list(ids),
        "horizon_days": [HORIZON] * len(ids),
        "churn_probability": p,
        "silent": np.arange(len(ids)) % 2 == 0,
    }
    columns = [
        pa.array(given[field.name], field.type)
        if field.name in given
        else pa.nulls(len(ids), field.type)
        for field in score_schema()
    ]
    facts = {**dict.fromkeys(("feature_names", "code_version", "watermarks"), "x"), **more}
    with BatchWriter(home.scores, AS_OF, run) as writer:
        writer.add(pa.Table.from_arrays(columns, schema=score_schema()))
        writer.finish({**facts, "model_version": "7", "checks": [], "scored_at": NOW})
    publish(home.scores, AS_OF, run)
    return p


def look(home: Home, as_of: date = DUE) -> list[outcome.Outcome]:
    return outcomes.look_back(home, SETTINGS, as_of=as_of, now=NOW)


def test_a_batch_is_held_against_what_happened(home: Home):
    p = score(home)
    (found,) = look(home)
    left = np.arange(MANY) % 3 == 0
    assert (found.judged, found.left) == (MANY, pytest.approx(1 / 3))
    assert found.said == pytest.approx(p.mean())
    everybody = found.groups[0]
    assert everybody.figures is not None
    assert everybody.figures.auc.value == pytest.approx(roc_auc_score(left, p))
    assert [group.name for group in found.groups] == ["all", "silent", "vocal"]


def test_what_is_written_is_what_was_found_and_names_no_customer(home: Home):
    score(home)
    (found,) = look(home)
    assert outcome.read(home) == [json.loads(json.dumps(found.to_dict()))]
    text = (home.root / "outcomes" / f"as_of={AS_OF}.json").read_text(encoding="utf-8")
    assert '"c1"' not in text
    line = outcome.words(outcome.read(home)[0])
    assert line.startswith(f"scores of {AS_OF} (model 7): ")
    assert "33.3% of 120 did" in line


@pytest.mark.parametrize(("trained_to", "hindsight"), [("2025-12-02", False), ("2025-12-03", True)])
def test_a_night_scored_afterwards_by_a_model_that_knew_what_followed_says_so(
    home: Home, trained_to: str, hindsight: bool
):
    score(home, trained_to=trained_to)
    (found,) = look(home)
    assert found.hindsight is hindsight
    assert ("in hindsight" in outcome.words(found.to_dict())) is hindsight


def test_it_is_looked_at_once(home: Home):
    score(home)
    assert len(look(home)) == 1
    assert look(home) == []


def test_a_night_that_was_published_anew_is_looked_at_anew(home: Home):
    score(home)
    look(home)
    score(home, run="two", seed=1)
    assert [one.run for one in look(home)] == ["two"]
    assert [one["run"] for one in outcome.read(home)] == ["two"]


def test_before_the_horizon_and_the_late_labels_have_passed_nothing_is_told(home: Home):
    score(home)
    assert look(home, DUE - timedelta(days=1)) == []
    assert not (home.root / "outcomes").exists()


def test_while_the_feeds_have_not_come_so_far_it_waits(tmp_path: Path):
    home = shop(tmp_path, until="2026-01-30")
    score(home)
    assert look(home) == []


def test_who_is_not_known_any_more_counts_for_nothing(home: Home):
    score(home, ids=[*(f"c{n}" for n in range(MANY)), "c1000", "c1001"])
    (found,) = look(home)
    assert (found.scored, found.judged) == (MANY + 2, MANY)


def test_what_is_leaving_is_what_the_batch_was_made_with(home: Home):
    score(home)
    other = Settings(training=Training(label="contractual"))
    with pytest.raises(WarmlineError, match="contractual"):
        outcomes.look_back(home, other, as_of=DUE, now=NOW)
    manifest = home.scores / f"as_of={AS_OF}" / "run=one" / "manifest.json"
    facts = json.loads(manifest.read_text(encoding="utf-8"))
    facts["facts"]["settings"] = {"training": {"label": "non_contractual"}}
    manifest.write_text(json.dumps(facts), encoding="utf-8")
    (found,) = outcomes.look_back(home, other, as_of=DUE, now=NOW)
    assert found.left == pytest.approx(1 / 3)


def test_the_doctor_tells_of_it_and_warns_when_the_probabilities_are_off(home: Home):
    assert "no published scores are old enough" in doctor._outcomes(home, NOW)
    score(home, shift=-0.02)
    look(home)
    assert doctor._outcomes(home, NOW).startswith(f"scores of {AS_OF}")
    score(home, run="two", shift=0.4)
    look(home)
    with pytest.raises(WarmlineError, match="Train again"):
        doctor._outcomes(home, NOW)


def test_who_was_left_alone_is_told_apart_and_so_is_who_was_at_random(tmp_path: Path):
    contacted = [n for n in range(MANY) if n % 5 == 0]
    home = shop(tmp_path, until="2026-02-20", contacted=contacted)
    p = score(home)
    log = home.assignments(AS_OF)
    log.parent.mkdir(parents=True)
    arms = {n: "control" if n % 5 == 1 else "treat" for n in range(MANY) if n % 5 < 2}
    drawn = [{"customer_id": f"c{n}", "eligible": n < 100, "arm": arm} for n, arm in arms.items()]
    pq.write_table(pa.Table.from_pylist(drawn), log)
    (found,) = look(home)
    groups = {(group.kind, group.name): group for group in found.groups}
    alone = groups["contact", "left alone"]
    rows = np.arange(MANY) % 5 != 0
    assert alone.metrics.rows == rows.sum()
    assert alone.figures is not None
    off = p[rows].mean() - (np.arange(MANY)[rows] % 3 == 0).mean()
    assert alone.figures.calibration.value == pytest.approx(off)
    counts = {name: group.metrics.rows for (kind, name), group in groups.items() if kind == "plan"}
    assert counts == {"left alone at random": 20, "to be contacted": 20, "not eligible": 80}
    line = outcome.words(outcome.read(home)[0])
    assert f"; left alone (96): {p[rows].mean():.1%} said, 33.3% left" in line
    assert "; left alone at random (20): too few to tell" in line


def told(*groups: tuple[str, str, float | None]) -> dict[str, Any]:
    """An outcome of groups with this calibration, None for one that is too small."""
    return {
        "groups": [
            {"kind": kind, "name": name, "figures": off and {"calibration": {"value": off}}}
            for kind, name, off in groups
        ]
    }


@pytest.mark.parametrize(
    ("groups", "value"),
    [
        ([], 0.1),
        ([("plan", outcome.AT_RANDOM, 0.2)], 0.1),  # nobody was contacted
        ([("contact", "left alone", 0.3), ("plan", outcome.AT_RANDOM, 0.2)], 0.2),
        ([("contact", "left alone", 0.3), ("plan", outcome.AT_RANDOM, None)], 0.1),
        ([("contact", "left alone", 0.3)], 0.1),
    ],
)
def test_probabilities_are_judged_by_those_left_alone_at_random(
    groups: list[tuple[str, str, float | None]], value: float
):
    assert outcome.calibration(told(("everybody", "all", 0.1), *groups)) == {"value": value}
    assert outcome.calibration(told(("everybody", "all", None))) is None


def test_a_failure_is_said_and_does_not_fail_the_night(home: Home, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a file is torn")

    score(home)
    run = Run(home.root, False, False, NOW)
    (step,) = [step for step in nightsteps.steps(run, ()) if step.name == "outcomes"]
    night = Night(DUE, "later", NOW)
    with monkeypatch.context() as patched:
        patched.setattr(outcomes, "look_back", broken)
        assert step.work(night) == {
            "failed": True,
            "notes": ["looking back failed: a file is torn"],
        }
    done = step.work(night)
    assert done["batches"] == 1
    assert done["notes"][0].startswith(f"scores of {AS_OF}")
