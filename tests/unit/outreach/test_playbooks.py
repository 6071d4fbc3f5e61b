"""Playbooks as files, and for whom each of ours fires."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from company import Company, planned, reason, row, score

from models.errors import WrongUsage
from models.settings import Plan
from outreach.playbooks import FACTS, Playbook, Playbooks, Trigger, read
from outreach.triggers import SAYS
from pipelines.features import matrix

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "playbooks.md"
MIDNIGHT = datetime(2026, 7, 1, tzinfo=UTC)
OURS = Playbooks.load()
# Issue 7 names twelve.
NAMED = {
    "silent-check-in", "unanswered-complaint", "repeat-contact", "broken-promise",
    "after-purchase", "onboarding-tips", "self-service-pointer", "renewal-ahead", "after-outage",
    "detractor-follow-up", "payment-failed", "post-resolution-survey",
}  # fmt: skip


def ago(days: float) -> datetime:
    return MIDNIGHT - timedelta(days=days)


FIRES: list[tuple[dict[str, Any], list[tuple[str, float]], str | None]] = [
    # score | facts, days ago | fires
    ({"band": "low"}, [("complaint", 89)], "unanswered-complaint"),
    ({"band": "low"}, [("complaint", 91)], None),
    ({"band": "low"}, [("promise_broken", 5)], "broken-promise"),
    ({"band": "low"}, [("payment_failed", 1)], "payment-failed"),
    ({"band": "low"}, [("payment_failed", 30)], None),
    ({"band": "low"}, [("outage", 6.9)], "after-outage"),
    ({"band": "low"}, [("outage", 7)], None),
    ({"band": "low"}, [("repeated", 3)], "repeat-contact"),
    ({"band": "low"}, [("detractor", 29)], "detractor-follow-up"),
    ({"band": "low"}, [("contact_left", 10)], "contact-left"),
    ({"band": "medium"}, [("renews", -59)], "renewal-ahead"),
    ({"band": "medium"}, [("renews", -61)], "check-in"),
    ({"band": "low"}, [("renews", -59)], None),
    ({"band": "medium"}, [("joined", 3)], "onboarding-tips"),
    ({"band": "medium"}, [("joined", 2.9)], "check-in"),
    ({"band": "medium"}, [("asked", 2)], "self-service-pointer"),
    ({"band": "medium"}, [("order", 5)], "after-purchase"),
    ({"band": "medium"}, [("order", 4)], "check-in"),
    ({"band": "low"}, [("solved", 2)], "post-resolution-survey"),
    ({"band": "low"}, [("solved", 4)], None),
    ({"band": "medium", "silent": True}, [], "silent-check-in"),
    ({"band": "low", "silent": True}, [], None),
    ({"band": "high"}, [("touched", 60)], "untouched"),
    ({"band": "high"}, [("touched", 59)], "check-in"),
    ({"band": "medium"}, [], "check-in"),
    ({"band": "low"}, [], None),
    # Of several the most urgent one.
    ({"band": "high", "silent": True}, [("payment_failed", 1), ("complaint", 1)],
     "unanswered-complaint"),
    ({"band": "high", "silent": True}, [("payment_failed", 1), ("renews", -5)], "payment-failed"),
]  # fmt: skip


def test_each_of_ours_fires_when_it_should_and_not_otherwise() -> None:
    names = [f"c{n}" for n in range(len(FIRES))]
    rows = [score(name, **traits) for name, (traits, _, _) in zip(names, FIRES, strict=True)]
    company = Company(names)
    for name, (_, facts, _) in zip(names, FIRES, strict=True):
        company.facts += [(name, fact, ago(days)) for fact, days in facts]
    result = planned(None, rows, company, playbooks=OURS)
    found = {each["customer_id"]: each["playbook"] for each in result.rows.to_pylist()}
    for name, (traits, facts, wanted) in zip(names, FIRES, strict=True):
        assert found.get(name) == wanted, (traits, facts)
    assert {wanted for *_, wanted in FIRES if wanted} == {play.name for play in OURS.plays}


def test_we_ship_those_that_the_issue_names_all_as_drafts() -> None:
    assert {play.name for play in OURS.plays} > NAMED
    assert {play.mode for play in OURS.plays} == {"draft"}
    assert all(play.checklist and play.title for play in OURS.plays)
    owed = {"unanswered-complaint", "broken-promise", "payment-failed", "after-outage",
            "renewal-ahead"}  # fmt: skip
    assert not [play.name for play in OURS.plays if play.randomised and play.name in owed]


def test_every_fact_has_its_sentence() -> None:
    assert SAYS.keys() == set(FACTS)
    assert all("{day}" in words for words in SAYS.values())


def test_the_reason_comes_first_and_the_other_plays_are_told() -> None:
    facts = [("acme", "payment_failed", ago(2)), ("acme", "renews", ago(-20))]
    company = Company(["acme"], facts=facts)
    found = row(planned(None, [score("acme")], company, playbooks=OURS), "acme")
    assert found["reasons"] == [
        "a payment failed on 29 June 2026 and none has come since", "also: Renewal ahead",
    ]  # fmt: skip


def test_a_playbook_whose_data_is_not_there_says_so() -> None:
    company = Company(["acme"], facts=[("acme", "order", ago(400))])
    notes = planned(None, [score("acme")], company, playbooks=OURS).notes
    (told,) = [note for note in notes if "cannot fire" in note]
    assert "renewal-ahead" in told
    assert "after-purchase" not in told


def test_an_audience_can_be_a_segment() -> None:
    vip = Playbook(name="vip", title="VIP", urgency=1, audience={"segments": ["gold"]})  # type: ignore[arg-type]
    company = Company(["acme", "bolt"], segments={"acme": "gold", "bolt": "silver"})
    rows = [score("acme"), score("bolt")]
    result = planned(None, rows, company, playbooks=Playbooks.of([vip]))
    assert result.rows["customer_id"].to_pylist() == ["acme"]


def test_a_home_adds_its_own_and_replaces_ours(tmp_path: Path) -> None:
    folder = tmp_path / "playbooks"
    folder.mkdir()
    (folder / "win-back.toml").write_text('title = "Win-back"\nurgency = 80\n')
    (folder / "check-in.toml").write_text('title = "x"\nurgency = 90\nenabled = false\n')
    found = {play.name for play in Playbooks.load(tmp_path).plays}
    assert "win-back" in found
    assert "check-in" not in found
    assert Playbooks.load(tmp_path).version != OURS.version


def written(folder: Path, text: str) -> Playbook:
    path = folder / "quieter.toml"
    path.write_text(text)
    return read(path)


HEAD = 'title = "T"\nurgency = 1\n'
WRONG = [
    # file | text | said
    ("a.toml", "title = ", "a.toml is not valid TOML"),
    ("a.toml", "urgency = 1", "`title`: Field required"),
    ("a.toml", HEAD + "colour = 1", "unknown key `colour`"),
    ("a.toml", HEAD + "trigger = { when = 1 }", "unknown key `trigger.when`"),
    ("a.toml", HEAD + 'trigger = { fact = "ordr" }', "`trigger.fact`"),
    ("a.toml", HEAD + "trigger = { from_days = 3 }", "need a fact to count from"),
    ("a.toml", HEAD + 'trigger = { fact = "order", from_days = 3, to_days = 3 }', "more than"),
    ("a.toml", HEAD + "refers = true", "needs a dated fact"),
    ("a.toml", HEAD + "trigger.features.x = {}", "at least one of min"),
    ("a.toml", HEAD + 'trigger.features.x = "> 3"', "`trigger.features.x`"),
    ("a.toml", HEAD + "trigger.features.x = { over = 3 }", "unknown key `trigger.features.x.over`"),
    ("a.toml", HEAD + "trigger.features.x = { min = 3, below = 3 }", "no number lies between"),
    ("a.toml", HEAD + 'trigger = { systems = ["S22"] }', "`trigger.systems.0`"),
    ("a.toml", HEAD + 'refers = true\nrandomised = true\ntrigger.fact = "order"', "never withheld"),
    ("a.toml", HEAD + 'channels = ["fax"]', "`channels.0`"),
    ("a.toml", HEAD + "channels = []", "at least one"),
    ("a.toml", HEAD + 'mode = "live"', "`mode`"),
    ("a.toml", HEAD + 'success = { kind = "renewal" }', "`success.kind`"),
    ("a.toml", HEAD + 'name = "b"', "named as its file"),
    ("A b.toml", HEAD, "lower case, digits and hyphens"),
]


@pytest.mark.parametrize(("name", "text", "said"), WRONG)
def test_a_wrong_file_is_refused_naming_file_and_field(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(WrongUsage) as refused:
        read(path)
    assert said in str(refused.value)
    assert name in str(refused.value)


QUIETER = """
title = "Uses it no more"
urgency = 35
[trigger.features]
usage_count_30 = 0
usage_count_90 = { above = 10 }
"""
FIGURES: list[tuple[dict[str, float], bool]] = [
    # figures | fires
    ({"usage_count_30": 0, "usage_count_90": 11}, True),
    ({"usage_count_30": 0, "usage_count_90": 10}, False),
    ({"usage_count_30": 1, "usage_count_90": 11}, False),
    ({"usage_count_90": 11}, False),
    ({}, False),
]


def test_a_homes_playbook_fires_by_features_and_says_them(tmp_path: Path) -> None:
    books = Playbooks.of([written(tmp_path, QUIETER)])
    names = [f"c{n}" for n in range(len(FIGURES))]
    told = {name: figures for name, (figures, _) in zip(names, FIGURES, strict=True)}
    company = Company([*names, "calm"], figures_of=told)
    rows = [score(name) for name in names] + [score("calm", band="low")]
    result = planned(None, rows, company, playbooks=books)
    wanted = [name for name, (_, fires) in zip(names, FIGURES, strict=True) if fires]
    assert result.rows["customer_id"].to_pylist() == wanted
    assert row(result, "c0")["reasons"] == [
        "no use in the last 30 days", "used 11 times in the last 90 days",
    ]  # fmt: skip
    assert sorted(company.asked) == names  # nobody's of whom it does not matter


def test_what_was_decided_on_are_the_figures_too(tmp_path: Path) -> None:
    books = Playbooks.of([written(tmp_path, QUIETER)])

    def fingerprint(used: float) -> str:
        figures = {"usage_count_30": 0, "usage_count_90": used}
        company = Company(["acme"], figures_of={"acme": figures})
        found = planned(None, [score("acme")], company, playbooks=books).record["fingerprint"]
        return str(found[0].as_py())

    assert fingerprint(11) == fingerprint(11) != fingerprint(12)


def test_the_examples_of_the_guide_are_playbooks_and_one_fires_by_features(tmp_path: Path) -> None:
    shown = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.S)
    plays = [written(tmp_path, text) for text in shown]
    Playbooks.of(plays).refuse_unknown(matrix.features())
    (play,) = [play for play in plays if play.trigger.features]
    company = Company(["acme", "bolt"], figures_of={"acme": FIGURES[0][0], "bolt": FIGURES[1][0]})
    rows = [score("acme"), score("bolt")]
    result = planned(None, rows, company, playbooks=Playbooks.of([play]))
    assert result.rows["customer_id"].to_pylist() == ["acme"]


@pytest.mark.parametrize(
    ("wanted", "figure", "fires"),
    [
        ("{ min = 2 }", 2, True), ("{ min = 2 }", 1.9, False), ("{ max = 2 }", 2, True),
        ("{ max = 2 }", 2.1, False), ("{ above = 2 }", 2, False), ("{ below = 2 }", 2, False),
        ("{ above = 2, max = 3 }", 3, True), ("2.5", 2.5, True), ("2", 3, False),
    ],
)  # fmt: skip
def test_a_range_holds_its_bounds_or_not(
    tmp_path: Path, wanted: str, figure: float, fires: bool
) -> None:
    play = written(tmp_path, f"{HEAD}trigger.features.csat_mean_90 = {wanted}")
    company = Company(["acme"], figures_of={"acme": {"csat_mean_90": figure}})
    result = planned(None, [score("acme")], company, playbooks=Playbooks.of([play]))
    assert (result.rows.num_rows == 1) is fires


def test_a_feature_that_there_is_not_is_refused_with_those_like_it(tmp_path: Path) -> None:
    play = written(tmp_path, f"{HEAD}trigger.features.usage_cont_30 = 0")
    with pytest.raises(WrongUsage) as refused:
        planned(None, [score("acme")], playbooks=Playbooks.of([play]))
    told = str(refused.value)
    assert told.startswith("playbooks/quieter.toml: `trigger.features.usage_cont_30`")
    assert "did you mean usage_count_30" in told


def test_a_system_triggers_by_the_reasons_that_raise_the_risk(tmp_path: Path) -> None:
    play = written(tmp_path, f'{HEAD}trigger = {{ systems = ["S4", "S2"] }}')
    rows = [
        score("acme", reasons=[reason("no word", "raises")]),
        score("bolt", reasons=[reason("no word", "lowers")]),
        score("calm", reasons=[{**reason("late replies"), "system": "S15"}]),
        score("dune", reasons=None),
        score("echo", reasons=[reason("a", "lowers"), {**reason("b"), "system": "S4"}]),
    ]
    result = planned(None, rows, playbooks=Playbooks.of([play]))
    assert sorted(result.rows["customer_id"].to_pylist()) == ["acme", "echo"]


def test_fading_triggers_by_the_customers_own_rhythm() -> None:
    play = Playbook(name="fading", title="F", urgency=1, trigger=Trigger(min_fading=2))
    rows = [score("acme", fading=2.0), score("bolt", fading=1.9), score("calm", fading=None)]
    company = Company(["acme", "bolt", "calm"])
    result = planned(None, rows, company, Plan(control_share=0), playbooks=Playbooks.of([play]))
    assert result.rows["customer_id"].to_pylist() == ["acme"]
