"""Words of a simulated world: they follow what is felt, and change nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from data_samples.simulator import World, WorldSettings, main
from data_samples.words import DISPLEASED, LEAVING, SENTENCES, SPOKEN

SETTINGS = {"customers": 600, "seed": 3, "days": 365}
PLAIN = WorldSettings(**SETTINGS)


@pytest.fixture(scope="module")
def spoken() -> pd.DataFrame:
    return World(WorldSettings(**SETTINGS, words=0.7)).advance(365)


def saying(log: pd.DataFrame, feeling: int) -> pd.Series:
    sentences = [text for of in SENTENCES.values() for text in of[feeling]]
    return log["text"].fillna("").map(lambda text: any(one in text for one in sentences))


def test_all_else_is_as_in_a_world_without_words(spoken):
    pd.testing.assert_frame_equal(World(PLAIN).advance(365), spoken.drop(columns="text"))


def test_a_world_lived_day_by_day_says_the_same(spoken):
    world = World(WorldSettings(**SETTINGS, words=0.7))
    days = pd.concat([world.advance(40), world.advance(1), world.advance(324)], ignore_index=True)
    pd.testing.assert_series_equal(days["text"], spoken["text"])


def test_only_some_customers_words_are_kept_and_only_what_people_say(spoken):
    said = spoken[spoken["text"].notna()]
    assert set(said["kind"]) <= set(SPOKEN)
    speaking = spoken[spoken["kind"].isin(SPOKEN)]
    kept = speaking.groupby("customer_id", observed=True)["text"].agg(lambda t: t.notna().mean())
    assert set(kept) == {0.0, 1.0}
    assert 0.6 < kept.mean() < 0.8


def test_complaints_sound_displeased_and_those_who_leave_speak_of_it_more(spoken):
    said = spoken[spoken["text"].notna()]
    displeased = saying(said, DISPLEASED).groupby(said["kind"], observed=True).mean()
    assert displeased["complaint"] > 2 * displeased["case_opened"]
    world = World(WorldSettings(**SETTINGS, words=1.0))
    log = world.advance(365)
    terms = world.terms()
    gone = set(terms.loc[terms["end_kind"].isin(["cancelled", "not_renewed"]), "customer_id"])
    speaks = saying(log, LEAVING)[log["text"].notna()]
    leaves = log.loc[log["text"].notna(), "customer_id"].isin(gone)
    assert speaks[leaves].mean() > 2 * speaks[~leaves].mean()


def test_no_sentence_needs_quoting_and_each_language_has_as_many():
    for feelings in SENTENCES.values():
        assert [len(of) for of in feelings] == [6] * 5
        assert not any(set(text) & set(',"\n') for of in feelings for text in of)


def test_the_command_writes_them(tmp_path):
    size = ["--customers", "200", "--days", "120", "--format", "csv"]
    main([str(tmp_path / "with"), *size, "--words", "1"])
    main([str(tmp_path / "without"), *size])
    log = pd.read_csv(tmp_path / "with" / "interactions.csv")
    assert log["text"].notna().any()
    plain = pd.read_csv(tmp_path / "without" / "interactions.csv")
    assert "text" not in plain
    assert np.array_equal(plain["interaction_id"], log["interaction_id"])
