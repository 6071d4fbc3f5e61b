"""The world obeys the contract, its seed and its own laws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from data_samples.simulator import World, WorldSettings
from models.contracts import CHANNELS, END_KINDS, KINDS, WORD_KINDS

if TYPE_CHECKING:
    from tests.unit.data_samples.conftest import Lived

SMALL = WorldSettings(customers=400, seed=3, uses_per_month=3.0)
COLUMNS = [
    "interaction_id", "customer_id", "occurred_at", "kind", "channel", "case_id", "agent_id",
    "topic", "value", "seconds", "wait_seconds", "score", "score_kind", "caused_by",
]  # fmt: skip
SCORES = {"csat": (1, 5), "nps": (0, 10), "ces": (1, 7)}


def some_contacts() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": ["C00003", "C00005", "C00120", "C00003"],
            "at": pd.to_datetime(
                ["2024-07-02 09:00", "2024-07-20 10:30", "2024-07-20 08:00", "2024-07-29 12:00"],
                utc=True,
            ),
            "kind": "check_in",
            "message_id": ["m1", "m2", "m3", "m4"],
        }
    )


def test_the_same_seed_gives_the_same_world():
    first, second = World(SMALL), World(SMALL)
    pd.testing.assert_frame_equal(first.advance(60), second.advance(60))
    pd.testing.assert_frame_equal(first.truth(), second.truth())
    pd.testing.assert_frame_equal(first.terms(), second.terms())


def test_another_seed_gives_another_world():
    other = WorldSettings(customers=400, seed=4, uses_per_month=3.0)
    assert not World(SMALL).advance(10).equals(World(other).advance(10))


def test_thirty_days_at_once_are_thirty_single_days():
    whole, daily = World(SMALL), World(SMALL)
    at_once = whole.advance(30, some_contacts())
    contacts = some_contacts()
    days = []
    for _ in range(30):
        mine = contacts[contacts["at"].dt.date == daily.today]
        days.append(daily.advance(1, mine))
    single = pd.concat(days, ignore_index=True)
    assert at_once.astype(object).equals(single.astype(object))
    pd.testing.assert_frame_equal(whole.truth(), daily.truth())
    pd.testing.assert_frame_equal(whole.advance(10), daily.advance(10))


def test_interactions_have_the_contracts_columns_and_values(lived: Lived):
    log = lived.interactions
    assert list(log.columns) == COLUMNS
    assert set(log["kind"].unique()) <= set(KINDS)
    assert set(log["channel"].dropna().unique()) <= set(CHANNELS)
    assert log["interaction_id"].is_unique
    assert log["occurred_at"].is_monotonic_increasing
    assert log["occurred_at"].notna().all()
    assert set(log["customer_id"]) <= set(lived.world.customers()["customer_id"])
    assert set(log["agent_id"].dropna()) <= set(lived.world.agents()["agent_id"])
    assert (log[["seconds", "wait_seconds"]].fillna(0) >= 0).all(axis=None)
    for kind, (least, most) in SCORES.items():
        scores = log.loc[log["score_kind"] == kind, "score"].dropna()
        assert scores.between(least, most).all()
        assert scores.nunique() > 3
    assert log.loc[log["score"].notna(), "kind"].eq("survey_answered").all()


def test_every_kind_of_happening_of_the_issue_occurs(lived: Lived):
    expected = {
        "case_opened", "message_in", "message_out", "call_in", "call_out", "case_transferred",
        "case_escalated", "case_pending", "case_solved", "case_reopened", "case_closed",
        "survey_sent", "survey_answered", "complaint", "bot_session", "bot_handoff", "usage",
        "order", "payment", "payment_failed", "promise_made", "promise_kept", "promise_broken",
        "outage", "referral", "meeting_held", "meeting_missed", "public_mention", "refund",
    }  # fmt: skip
    assert expected <= set(lived.interactions["kind"].unique())


def test_some_cases_move_between_channels_and_each_belongs_to_one_customer(lived: Lived):
    cases = lived.interactions.dropna(subset=["case_id"]).groupby("case_id")
    assert (cases["customer_id"].nunique() == 1).all()
    talk = lived.interactions[
        lived.interactions["kind"].isin(["case_opened", "message_in", "call_in"])
    ]
    assert (talk.groupby("case_id")["channel"].nunique() > 1).mean() > 0.02


def test_nothing_happens_before_joining_or_after_the_end(lived: Lived):
    joined = lived.world.customers().set_index("customer_id")["joined_at"]
    running = lived.world.terms().groupby("customer_id").last()
    ended = running.loc[running["end_kind"].notna(), "ended_at"]
    log = lived.interactions
    assert (log["occurred_at"] >= log["customer_id"].map(joined)).all()
    end = log["customer_id"].map(ended)
    assert (end.isna() | (log["occurred_at"] < end)).all()


def test_terms_follow_each_other_without_a_gap_and_end_once(lived: Lived):
    terms = lived.world.terms()
    assert terms["term_id"].is_unique
    assert set(terms["end_kind"].dropna()) <= set(END_KINDS)
    following = terms.groupby("customer_id")["started_at"].shift(-1)
    last = following.isna()
    assert terms.loc[~last, "ended_at"].equals(following[~last])
    assert terms.loc[~last, "end_kind"].isna().all()
    assert (terms.loc[last, "end_kind"].notna() == terms.loc[last, "ended_at"].notna()).all()
    given = terms.dropna(subset=["notice_at", "ended_at"])
    assert (given["notice_at"] < given["ended_at"]).all()
    assert (terms["ends_at"].notna() == (terms["product"] == "yearly")).all()


def test_the_silent_never_speak_and_leave_all_the_same(lived: Lived):
    log, truth = lived.interactions, lived.truth
    silent = set(truth.loc[truth["silent"], "customer_id"])
    words = log[log["kind"].isin(WORD_KINDS)]
    assert silent
    assert not silent & set(words["customer_id"])
    leavers = truth.drop_duplicates("customer_id").dropna(subset=["decided_at"])
    assert leavers["silent"].sum() > 100
    everyone = lived.interactions.groupby("customer_id")["kind"].agg(set)
    vocal = everyone[~everyone.index.isin(silent)]
    assert vocal.map(lambda kinds: bool(kinds & set(WORD_KINDS))).mean() > 0.5


def test_use_thins_out_before_a_silent_customer_leaves(lived: Lived):
    truth = lived.truth[lived.truth["silent"]].drop_duplicates("customer_id")
    gone = truth[truth["end_kind"].isin(["cancelled", "not_renewed"])].set_index("customer_id")
    use = lived.interactions[lived.interactions["kind"].isin(["usage", "order"])]
    gone = gone[gone["decided_at"] > pd.Timestamp("2025-04-01", tz="UTC")]
    joined = lived.world.customers().set_index("customer_id")["joined_at"]
    gone = gone[gone["decided_at"] - joined.reindex(gone.index) > pd.Timedelta(days=300)]
    assert len(gone) > 50
    before = (use["customer_id"].map(gone["decided_at"]) - use["occurred_at"]).dt.days
    last_weeks, half_a_year_before = before.between(0, 59).sum(), before.between(180, 239).sum()
    assert last_weeks < 0.6 * half_a_year_before


def test_longer_queues_mean_longer_waits_and_broken_promises(lived: Lived):
    log = lived.interactions
    first = log[log["kind"].isin(["message_out"]) & (log["channel"] == "email")]
    waits = first.dropna(subset=["wait_seconds"])["wait_seconds"]
    assert 0.05 < (waits > 86_400).mean() < 0.35


def test_a_row_a_day_of_use_can_be_made_as_dense_as_wanted():
    sparse = World(WorldSettings(customers=300, seed=5, uses_per_month=1.0)).advance(60)
    dense = World(WorldSettings(customers=300, seed=5, uses_per_month=10.0)).advance(60)
    assert (dense["kind"] == "usage").sum() > 5 * (sparse["kind"] == "usage").sum()


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("customer_id", "C99999", "no customer 'C99999'"),
        ("customer_id", "acme", "no customer 'acme'"),
        ("at", pd.Timestamp("2024-09-01", tz="UTC"), "outside the days advanced"),
    ],
)
def test_a_contact_that_cannot_be_is_refused(column: str, value: object, message: str):
    contacts = some_contacts().head(1)
    contacts[column] = [value]
    with pytest.raises(ValueError, match=message):
        World(SMALL).advance(30, contacts)
