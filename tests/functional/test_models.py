"""`warmline model` on a company that has trained once: list, show, promote, roll back."""

import json
import shutil
from datetime import date

import pytest

from models.batch import ScoreBatch
from tests.functional.conftest import Command


@pytest.fixture(scope="module")
def trained(demo_made, tmp_path_factory):
    """The demo's home, trained once more on the same history, with one thread and not two, so that
    there are two models."""
    home = tmp_path_factory.mktemp("models") / "home"
    shutil.copytree(demo_made / "home", home)
    text = (home / "warmline.toml").read_text()
    (home / "warmline.toml").write_text(text.replace("# threads = 2\n", "threads = 1\n"))
    warmline = Command(home)
    again = warmline("train")
    assert again.code == 0, again.stderr
    return warmline, again.facts


def test_the_report_judges_every_segment_region_and_tenure_band(trained):
    _, facts = trained
    kinds = {group["kind"] for group in facts["report"]["groups"]}
    assert kinds == {"everybody", "silence", "segment", "region", "tenure"}
    for group in facts["report"]["groups"]:
        assert (group["figures"] is None) == bool(group["why"])
    assert facts["report"]["profit"]["unit"] == "EUR"
    assert len(facts["report"]["ageing"]["nights"]) == 3


def test_the_same_training_again_ties_with_the_champion_as_it_was_judged(trained):
    # The champion as released has learned from these very nights and would win by far.
    _, facts = trained
    gains = facts["report"]["gains"]["champion"]
    assert set(gains) == {"auc", "brier", "calibration", "silent auc", "silent brier"}
    assert all(gain["value"] == 0 for gain in gains.values())
    assert facts["promoted"]


def test_the_same_training_with_other_threads_gives_the_same_model_to_the_byte(trained):
    warmline, _ = trained
    first, second = sorted((warmline.home / "champion").glob("v*"))
    for name in ("model.txt", "training.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    told = [json.loads((folder / "bundle.json").read_text()) for folder in (first, second)]
    facts = [one.pop("facts") for one in told]
    assert told[0] == told[1]
    assert [one["model_version"] for one in facts] == ["1", "2"]


def test_both_models_are_listed_and_one_is_the_champion(trained):
    warmline, _ = trained
    listed = warmline("model", "list")
    assert listed.code == 0
    assert [one["version"] for one in listed.facts["models"]] == ["1", "2"]
    assert sum(one["champion"] for one in listed.facts["models"]) == 1
    assert listed.facts["changes"][0]["action"] == "trained"


def test_the_card_of_the_champion_and_of_any_version_can_be_read(trained):
    warmline, _ = trained
    assert "# Churn model 2" in warmline("model", "show", "2", json=False).stdout
    shown = warmline("model", "show")
    assert "Must not be used on" in shown.facts["card"]
    report = shown.facts["report"]
    assert report["model"]["all"]["rows"] > 0
    assert "## What drives it" in shown.facts["card"]
    systems = report["drivers"]["systems"]
    beyond = report["drivers"]["at_risk"] - report["drivers"]["average"]
    assert sum(one["net"]["value"] for one in systems) == pytest.approx(beyond)
    assert len(report["effects"]) > 1


def test_promote_and_rollback_change_what_the_next_scoring_uses_and_are_on_record(
    trained, tmp_path
):
    home = tmp_path / "home"
    shutil.copytree(trained[0].home, home)
    warmline = Command(home)
    (now,) = [
        one["version"] for one in warmline("model", "list").facts["models"] if one["champion"]
    ]
    other = {"1": "2", "2": "1"}[now]
    promoted = warmline("model", "promote", other, "--reason", "told by Ada")
    assert promoted.code == 0, promoted.stderr
    assert (promoted.facts["before"], promoted.facts["version"]) == (now, other)
    scored = warmline("score", "--as-of", "2026-07-01")
    assert scored.code == 0, scored.stderr
    facts = ScoreBatch.open(home / "scores", date(2026, 7, 1)).manifest.facts
    assert facts["model_version"] == other
    back = warmline("model", "rollback", "--reason", "it was a try", json=False)
    assert back.code == 0
    assert back.stdout.startswith(f"Model {now} is the champion now, instead of {other}")
    lines = (home / "audit" / "model.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["why"] for line in lines[-2:]] == ["told by Ada", "it was a try"]


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (("promote", "9", "--reason", "x"), "There is no model 9", 1),
        (("show", "9"), "There is no model 9", 1),
        (("promote", "1", "--reason", " "), "--reason is empty", 2),
        (("promote", "1"), "Missing option '--reason'", 2),
    ],
)
def test_what_cannot_be_is_one_clear_line_and_changes_nothing(trained, arguments, said, code):
    warmline, _ = trained
    audit = warmline.home / "audit" / "model.jsonl"
    before = audit.read_bytes()
    done = warmline("model", *arguments, json=False)
    assert done.code == code
    assert said in done.stderr
    assert audit.read_bytes() == before


def test_a_version_of_other_features_is_refused(trained):
    warmline, _ = trained
    config = warmline.home / "warmline.toml"
    kept = config.read_text(encoding="utf-8")
    try:
        config.write_text(kept.replace("# static = []", 'static = ["score"]'), encoding="utf-8")
        done = warmline("model", "promote", "2", "--reason", "x", json=False)
    finally:
        config.write_text(kept, encoding="utf-8")
    assert done.code == 1
    assert "was trained on other features" in done.stderr


def test_before_a_horizon_has_passed_there_is_no_outcome_to_list(trained):
    warmline, _ = trained
    done = warmline("model", "outcomes")
    assert done.facts["outcomes"] == []
    assert "No published scores are old enough" in warmline("model", "outcomes", json=False).stdout
