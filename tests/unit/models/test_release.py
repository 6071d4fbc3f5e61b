"""Which model is the champion, who said so, and the way back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from models import catalogue, registry, release
from models.alone import Treated
from models.bundle import Bundle
from models.churn import Dataset
from models.errors import FeatureMismatch, WarmlineError, WrongUsage
from models.evaluate import evaluate, judge
from models.home import Home
from models.provenance import Provenance
from models.registry import HeldOut

AT = datetime(2026, 7, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def versions(home: Home, bundle: Bundle, data: Dataset) -> list[Bundle]:
    """Three models in the registry; none is the champion."""
    p = bundle.model.predict(data.X)
    report = evaluate(
        data.y, p, customer=data.customer, silent=data.silent, longest_silence=data.X[:, 2],
        base_rate=0.25, draws=20,
    )  # fmt: skip
    trial = registry.Trial(
        bundle=bundle,
        judged=bundle,
        report=report,
        verdict=judge(report),
        held_out=HeldOut(data.y, p, np.full(len(p), np.nan)),
        population="everyone.",
        treated=Treated(1000, 0, 0, 1.0),
        parameters={},
        provenance=Provenance.of(data, 1),
    )
    return [registry.log(home, trial) for _ in range(3)]


@pytest.fixture
def fresh(home: Home, versions: list[Bundle], tmp_path: Path) -> Home:
    """A home of the same registry without a champion or an audit."""
    for name in (registry.STORE, registry.ARTIFACTS, registry.LOCK):
        (tmp_path / name).symlink_to(home.root / name)
    return Home(tmp_path)


def make(home: Home, bundle: Bundle, why: str = "it is better") -> release.Change:
    return release.release(home, bundle, by="ada", at=AT, why=why)


def back(home: Home, bundle: Bundle) -> release.Change:
    return release.rollback(home, by="bob", at=AT, why="it got worse", expect=bundle.fingerprint)


def test_a_release_is_what_the_home_scores_with_and_what_the_registry_names(
    fresh: Home, versions: list[Bundle]
):
    make(fresh, versions[1])
    assert release.current(fresh) == "2"
    assert registry.champion_version(fresh) == "2"


def test_who_when_from_to_and_why_are_kept(fresh: Home, versions: list[Bundle]):
    make(fresh, versions[0])
    make(fresh, versions[1], why="  the newest  ")
    text = (fresh.root / "audit" / "model.jsonl").read_text(encoding="utf-8")
    assert json.loads(text.splitlines()[1]) == {
        "action": "promoted",
        "before": "1",
        "version": "2",
        "by": "ada",
        "at": "2026-07-01T08:00:00+00:00",
        "why": "the newest",
    }


def test_twice_back_is_two_back_and_then_there_is_no_further(fresh: Home, versions: list[Bundle]):
    for one in versions:
        make(fresh, one)
    assert back(fresh, versions[0]).version == "2"
    assert back(fresh, versions[0]).version == "1"
    with pytest.raises(WarmlineError, match="no champion before"):
        back(fresh, versions[0])
    assert [change.action for change in release.changes(fresh)] == [
        *["promoted"] * 3,
        *["rolled_back"] * 2,
    ]


def test_after_going_back_a_newer_champion_has_the_right_one_before_it(
    fresh: Home, versions: list[Bundle]
):
    make(fresh, versions[0])
    make(fresh, versions[1])
    back(fresh, versions[0])
    make(fresh, versions[2])
    assert release.lineage(fresh) == ["1", "3"]
    assert back(fresh, versions[0]).version == "1"


def test_a_champion_from_before_there_was_an_audit_can_be_gone_back_to(
    fresh: Home, versions: list[Bundle]
):
    make(fresh, versions[0])
    (fresh.root / "audit" / "model.jsonl").unlink()
    make(fresh, versions[1])
    assert back(fresh, versions[0]).version == "1"


@pytest.mark.parametrize("after", ["export", "alias"])
def test_a_change_that_was_cut_off_is_completed_by_the_same_again_and_written_once(
    fresh: Home, versions: list[Bundle], monkeypatch: pytest.MonkeyPatch, after: str
):
    make(fresh, versions[0])
    make(fresh, versions[1])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    broken = (release.bundles, "export") if after == "export" else (registry, "promote")
    with monkeypatch.context() as patched:
        patched.setattr(*broken, killed)
        with pytest.raises(KeyboardInterrupt):
            back(fresh, versions[0])
    if after == "export":
        assert back(fresh, versions[0]).version == "1"
    else:  # what counts was changed already: only MLflow's name for it lags behind
        make(fresh, versions[0])
    assert release.current(fresh) == registry.champion_version(fresh) == "1"
    assert [change.version for change in release.changes(fresh)] == ["1", "2", "1"]


def test_without_a_reason_and_for_the_present_champion_nothing_is_changed(
    fresh: Home, versions: list[Bundle]
):
    with pytest.raises(WrongUsage, match="say why"):
        make(fresh, versions[0], why="  ")
    assert release.current(fresh) is None
    make(fresh, versions[0])
    with pytest.raises(WarmlineError, match="Model 1 is the champion already"):
        make(fresh, versions[0])
    assert len(release.changes(fresh)) == 1


def test_one_with_other_features_is_not_gone_back_to(fresh: Home, versions: list[Bundle]):
    make(fresh, versions[0])
    make(fresh, versions[1])
    with pytest.raises(FeatureMismatch, match="trained on other features"):
        release.rollback(fresh, by="bob", at=AT, why="worse", expect="of another version")
    assert release.current(fresh) == "2"


def test_where_it_was_not_trained_nothing_is_changed(versions: list[Bundle], tmp_path: Path):
    elsewhere = Home(tmp_path / "elsewhere")
    elsewhere.root.mkdir()
    with pytest.raises(WarmlineError, match="it is changed where it was trained"):
        make(elsewhere, versions[0])
    assert not any(elsewhere.root.iterdir())


def test_the_catalogue_tells_of_every_model_in_order(fresh: Home):
    known = catalogue.known(fresh)
    assert [one.version for one in known] == ["1", "2", "3"]
    assert known[0].grade == "A"
    assert known[0].trained_to == "2025-12-01"
    card, report = catalogue.described(fresh, "2")
    assert card.startswith("# Churn model 2")
    assert report["model"]["all"]["auc"] == known[1].auc


def test_an_unknown_version_is_answered_with_those_there_are(fresh: Home, tmp_path: Path):
    with pytest.raises(WarmlineError, match=r"There is no model 9 in .*: there are 1, 2, 3"):
        catalogue.described(fresh, "9")
    with pytest.raises(WarmlineError, match="there is none"):
        catalogue.described(Home(tmp_path / "empty"), "1")


def test_what_was_judged_lies_beside_what_was_released(fresh: Home, versions: list[Bundle]):
    twin = registry.judged(fresh, "1")
    assert twin is not None
    assert replace(twin, facts=versions[0].facts) == versions[0]
    assert registry.judged(fresh, "9") is None
