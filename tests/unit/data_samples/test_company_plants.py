"""Each planted thing is there, in about the size that the settings give."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from data_samples.company import Company, CompanySettings
from data_samples.company.settings import LAGS, source_of
from models.contracts import DAY
from tests.unit.data_samples.conftest import delivered

USUAL = CompanySettings()


@pytest.fixture(scope="module")
def log(company: Company) -> pd.DataFrame:
    return delivered(company, "interactions")


@pytest.fixture(scope="module")
def first_told(log: pd.DataFrame) -> pd.DataFrame:
    """Each row as it came first."""
    return log.drop_duplicates(["source", "interaction_id"])


@pytest.fixture(scope="module")
def identities(company: Company) -> pd.DataFrame:
    return delivered(company, "identities")


def start_of(company: Company) -> pd.Timestamp:
    return pd.Timestamp(company.world.settings.start, tz="UTC")


@pytest.mark.parametrize(
    ("kind", "source"),
    [
        ("case_opened", "helpdesk"), ("message_out", "helpdesk"), ("call_in", "helpdesk"),
        ("complaint", "helpdesk"), ("survey_answered", "helpdesk"), ("usage", "app"),
        ("order", "shop"), ("payment_failed", "shop"), ("refund", "shop"),
        ("meeting_held", "crm"),
    ],
)  # fmt: skip
def test_each_kind_comes_from_its_system(log: pd.DataFrame, kind: str, source: str):
    assert set(log.loc[log["kind"] == kind, "source"]) == {source} == {source_of(kind)}


@pytest.mark.parametrize(
    ("source", "kind", "law"),
    [
        ("shop", "order", "shop"), ("shop", "payment", "shop/payment"),
        ("helpdesk", "message_out", "helpdesk"),
        ("helpdesk", "survey_answered", "helpdesk/survey_answered"), ("crm", "meeting_held", "crm"),
    ],
)  # fmt: skip
def test_lags_have_their_median_where_they_are_told(
    first_told: pd.DataFrame, source: str, kind: str, law: str
):
    rows = first_told[(first_told["source"] == source) & (first_told["kind"] == kind)]
    hours = (rows["recorded_at"] - rows["occurred_at"]).dt.total_seconds() / 3_600
    assert hours.median() == pytest.approx(LAGS[law].median_hours, rel=0.3)


def test_the_app_tells_no_time_of_recording_and_some_of_its_rows_come_nights_late(
    company: Company, first_told: pd.DataFrame
):
    use = first_told[first_told["source"] == "app"]
    assert use["recorded_at"].isna().all()
    single = use[use["night"] > company.deliveries()[0].name.removeprefix("night-")]
    late = (pd.to_datetime(single["night"], utc=True) - single["occurred_at"]).dt.days
    assert 0.03 < (late >= 1).mean() < 0.35
    assert late.max() >= 2


def test_rows_of_a_lost_gap_never_come_and_only_declared_gaps_are_told(
    company: Company, first_told: pd.DataFrame
):
    told = delivered(company, "feed_gaps")
    declared = {(gap.source, gap.days) for gap in company.gaps if gap.declared}
    spans = (told["to"] - told["from"]).dt.days
    assert set(zip(told["source"], spans, strict=True)) == declared
    for gap in company.gaps:
        begin = start_of(company) + timedelta(days=gap.day)
        inside = first_told["occurred_at"].between(begin, begin + timedelta(days=gap.days), "left")
        rows = first_told[inside & (first_told["source"] == gap.source)]
        assert (len(rows) == 0) == gap.lost


def test_a_late_gap_comes_in_one_delivery_though_the_source_knew_before(
    company: Company, first_told: pd.DataFrame
):
    gap = next(gap for gap in company.gaps if gap.source == "shop" and not gap.lost)
    begin = start_of(company) + timedelta(days=gap.day)
    end = begin + timedelta(days=gap.days)
    mine = first_told[first_told["source"] == "shop"]
    held = mine[mine["recorded_at"].between(begin, end, "left")]
    assert len(held) > 10
    assert set(held["night"]) == {str((end + timedelta(days=1)).date())}


def test_corrections_put_topics_and_scores_right(log: pd.DataFrame, first_told: pd.DataFrame):
    can = first_told["kind"].isin(["case_opened", "survey_answered"])
    fixed = log[log["updated_at"].notna() & log["deleted_at"].isna()]
    assert set(fixed["kind"]) == {"case_opened", "survey_answered"}
    share = fixed["interaction_id"].nunique() / can.sum()
    assert share == pytest.approx(USUAL.corrected, rel=0.5)
    both = fixed.merge(first_told, on=["source", "interaction_id"], suffixes=("", "_first"))
    both = both[both["updated_at_first"].isna()]
    changed = (both["topic"] != both["topic_first"]) | (both["score"] != both["score_first"])
    assert len(both) > 20
    assert changed.all()


@pytest.mark.parametrize(
    ("plant", "least"), [("deleted", 20), ("repeated", 300)]
)  # fmt: skip
def test_withdrawn_and_repeated_rows_have_their_share(
    log: pd.DataFrame, first_told: pd.DataFrame, plant: str, least: int
):
    if plant == "deleted":
        found = log["deleted_at"].notna().sum()
        base = first_told["source"].isin(["helpdesk", "shop"]).sum()
    else:
        plain = log[log["updated_at"].isna()].drop(columns="night")
        found, base = plain.astype(str).duplicated().sum(), len(first_told)
    assert found > least
    assert found / base == pytest.approx(getattr(USUAL, plant), rel=0.5)


def test_conflicts_say_something_else_at_the_same_age(log: pd.DataFrame):
    orders = log[(log["kind"] == "order") & log["updated_at"].isna()]
    values = orders.groupby("interaction_id")["value"].nunique()
    assert 1 <= (values > 1).sum() <= 0.01 * len(values)


def test_the_help_desk_has_keys_of_its_own_that_identities_resolve(
    company: Company, log: pd.DataFrame, identities: pd.DataFrame
):
    talk = log[log["source"] == "helpdesk"]
    assert talk["customer_id"].str.fullmatch(r"hd-\d{6}").all()
    keys = identities[identities["system"] == "helpdesk"].set_index("external_id")
    told, keys = keys["night"], keys["customer_id"]
    known = talk["customer_id"].map(keys)
    # Only a key of the last days may be still on its way.
    assert known.isna().mean() < 0.01
    world = delivered(company, "customers")["customer_id"]
    assert set(keys) <= set(world)
    assert keys.is_unique
    assert (talk["customer_id"].map(told) > talk["night"]).any()  # some rows wait for theirs


def test_second_ids_are_found_out_by_a_merge(
    company: Company, log: pd.DataFrame, identities: pd.DataFrame
):
    second = log[log["customer_id"].str.startswith("D")]
    assert set(second["source"]) <= {"app", "shop"}
    merged = identities[identities["external_id"].str.startswith("D")]
    share = merged["external_id"].nunique() / company.world.settings.customers
    assert 0.3 * USUAL.second_ids < share < USUAL.second_ids * 1.3
    assert (merged["merged_into"] == "C" + merged["external_id"].str[1:]).all()
    found = second["customer_id"].map(merged.set_index("external_id")["recorded_at"])
    assert (found.isna() | (second["occurred_at"] < found)).all()
    assert set(second["customer_id"]) <= set(delivered(company, "customers")["customer_id"])


def test_some_merges_are_undone_and_the_truth_follows_the_surviving_id(
    company: Company, identities: pd.DataFrame
):
    wrong = identities[
        (identities["system"] == "crm") & identities["external_id"].str.startswith("C")
    ]
    told = wrong.sort_values("updated_at").groupby("external_id")["merged_into"].agg(list)
    undone = told[told.map(len) == 2]
    assert len(undone) >= 3
    assert all(pd.notna(first) and pd.isna(last) for first, last in undone)
    still = told[told.map(len) == 1].map(lambda into: into[0])
    survivors = company.survivors()
    assert survivors[survivors.index.str.startswith("C")].to_dict() == still.to_dict()
    truth = company.truth()
    moved = truth[truth["customer_id"] != truth["surviving_id"]]
    assert set(moved["customer_id"]) <= set(still.index)
    assert not set(survivors) & set(survivors.index)  # no chain


def test_two_systems_say_different_things_of_some_customers_and_terms(company: Company):
    customers, terms = delivered(company, "customers"), delivered(company, "terms")
    for table, key, column in (
        (customers, "customer_id", "owner_id"), (terms, "term_id", "value_per_month")
    ):  # fmt: skip
        shop = table[(table["source"] == "shop") & ~table[key].str.startswith("D")]
        crm = table[table["source"] == "crm"].drop_duplicates(key)
        both = shop.merge(crm, on=key, suffixes=("", "_crm"))
        assert (both[column] != both[f"{column}_crm"]).all()
        assert len(both) / len(crm) == pytest.approx(USUAL.disagreeing, rel=0.6)
        assert (both["updated_at"] < both["updated_at_crm"]).all()  # the CRM has the last word


def test_seats_follow_the_customer_and_the_newsletter_follows_nothing(company: Company):
    rows = delivered(company, "attributes").sort_values("valid_from")
    assert (rows["valid_from"] <= rows["recorded_at"]).all()
    newest = rows.groupby(["name", "customer_id"]).last()["value"]
    first = rows.groupby(["name", "customer_id"]).first()["value"]
    change = np.log(newest["seats"].astype(float) / first["seats"].astype(float))
    truth = company.truth()
    now = truth[truth["as_of"] == truth["as_of"].max()].set_index("customer_id")["attachment"]
    joint = pd.DataFrame({"change": change, "attachment": now}).dropna()
    assert joint["change"].corr(joint["attachment"]) > 0.25
    letters = newest["newsletter"].map({"none": 0, "monthly": 1, "weekly": 2}).reindex(now.index)
    assert abs(letters.corr(now)) < 0.12


def test_agents_have_teams_and_days_and_teams_have_hours_and_holidays(
    company: Company, log: pd.DataFrame
):
    agents = delivered(company, "agents")
    assert set(log["agent_id"].dropna()) <= set(agents["agent_id"])
    assert agents["is_bot"].sum() == 2
    gone = agents.dropna(subset=["left_at"])
    assert len(gone) > 3
    assert (pd.to_datetime(gone["night"], utc=True) > gone["left_at"]).all()
    hours, holidays = delivered(company, "calendars"), delivered(company, "holidays")
    assert set(hours["team"]) == set(holidays["team"]) == set(agents["team"]) - {"bots"}
    assert {"2025-04-18", "2025-12-25"} <= set(holidays["date"])  # Good Friday, Christmas Day


def test_every_day_has_its_rate_of_every_foreign_currency(company: Company):
    rates = delivered(company, "rates")
    assert set(rates["currency"]) == {"GBP"}
    days = pd.to_datetime(rates["date"])
    assert (days.diff().dropna() == pd.Timedelta(seconds=DAY)).all()
    assert rates["rate"].between(0.9, 1.5).all()
    assert (pd.to_datetime(rates["night"]) > days).all()
