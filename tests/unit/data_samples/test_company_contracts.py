"""The contract book says what the world did, and plants what its CRM would show besides."""

from __future__ import annotations

import pandas as pd
import pytest

from data_samples.company import Company, CompanySettings
from tests.unit.data_samples.conftest import delivered

USUAL = CompanySettings()


@pytest.fixture(scope="module")
def versions(company: Company) -> pd.DataFrame:
    """The CRM's versions of all terms, oldest first."""
    rows = delivered(company, "terms")
    return rows[rows["source"] == "crm"].sort_values(["term_id", "updated_at"])


@pytest.fixture(scope="module")
def terms(versions: pd.DataFrame) -> pd.DataFrame:
    """The newest version of each."""
    return versions.groupby("term_id", as_index=False).tail(1).reset_index(drop=True)


@pytest.fixture(scope="module")
def decided(company: Company) -> pd.DataFrame:
    """First notice or end of each customer, as the world has it."""
    rows = company.world.terms()
    rows = rows[rows["end_kind"].notna() | rows["notice_at"].notna()]
    rows["decided"] = rows[["notice_at", "ended_at"]].min(axis=1)
    return rows.drop_duplicates("customer_id").set_index("customer_id")


def is_main(terms: pd.DataFrame) -> pd.Series:
    return terms["product"] != "care_plan"


def years(company: Company) -> float:
    """Customer-years of the world, roughly: those who are there, over its days."""
    truth = company.truth()
    here = truth.groupby("as_of")["customer_id"].size().mean()
    return float(here * company.world.settings.days / 365)


def test_every_version_is_newer_than_the_one_before(versions: pd.DataFrame):
    assert (versions["recorded_at"] == versions["updated_at"]).all()
    gaps = versions.groupby("term_id")["updated_at"].diff().dropna()
    assert (gaps > pd.Timedelta(0)).all()


def test_who_left_the_world_left_the_book_at_the_same_moment(
    company: Company, terms: pd.DataFrame, decided: pd.DataFrame
):
    ended = terms[is_main(terms) & terms["end_kind"].notna()].drop_duplicates("customer_id")
    ended = ended.set_index("customer_id")
    ended["decided"] = ended[["notice_at", "ended_at"]].min(axis=1)
    both = ended.merge(decided, on="customer_id", suffixes=("", "_world"))
    both = both[both["end_kind_world"].notna()]
    assert len(both) > 200
    assert (both["decided"] == both["decided_world"].dt.floor("s")).all()
    assert (both["end_kind"] == both["end_kind_world"]).all()
    # What ended in the last days is still on its way into the CRM.
    last = pd.Timestamp(company.world.today, tz="UTC") - pd.Timedelta(days=14)
    world = decided[decided["end_kind"].notna() & (decided["ended_at"] < last)]
    assert set(world.index) <= set(ended.index)


def test_other_end_kinds_occur(terms: pd.DataFrame):
    assert {"cancelled", "not_renewed", "moved", "non_payment"} <= set(terms["end_kind"].dropna())


def test_notice_is_known_before_the_end(versions: pd.DataFrame):
    under_notice = versions[versions["notice_at"].notna() & versions["ended_at"].isna()]
    assert under_notice["customer_id"].nunique() > 50


def test_a_renewal_rolls_the_planned_end_on_and_is_known_after_it(versions: pd.DataFrame):
    yearly = versions[versions["ends_at"].notna() & is_main(versions)]
    step = yearly.groupby("term_id")["ends_at"].diff()
    rolled = yearly[step > pd.Timedelta(0)]
    assert (step[step > pd.Timedelta(0)] == pd.Timedelta(days=365)).all()
    known = rolled["recorded_at"] - (rolled["ends_at"] - pd.Timedelta(days=365))
    assert (known >= pd.Timedelta(0)).all()
    assert len(rolled) > 300
    # Nobody renews a term that was given up.
    assert rolled["ended_at"].isna().all()


def test_pauses_are_known_from_some_day_and_nothing_is_used_in_them(
    company: Company, versions: pd.DataFrame
):
    paused = versions[versions["paused_from"].notna()]
    customers = paused["customer_id"].nunique()
    assert customers == pytest.approx(USUAL.pauses * years(company), rel=0.4)
    first = paused.drop_duplicates(["term_id", "paused_from"])
    assert first["paused_to"].isna().any()  # an end that is not known yet
    assert (first["recorded_at"] < first["paused_from"]).any()
    assert (first["recorded_at"] > first["paused_from"]).any()
    over = paused[paused["paused_to"].notna() & is_main(paused)]
    over = over.drop_duplicates(["term_id", "paused_from"], keep="last")
    length = (over["paused_to"] - over["paused_from"]).dt.days
    assert length.between(*USUAL.pause_days).all()
    log = delivered(company, "interactions")
    used = log[log["kind"].isin(["usage", "order"])].merge(over, on="customer_id")
    inside = used["occurred_at"].between(used["paused_from"], used["paused_to"], "left")
    assert len(used) > 100
    assert not inside.any()


def test_a_change_of_plan_is_a_new_term_that_follows_at_once(company: Company, terms: pd.DataFrame):
    main = terms[is_main(terms)].sort_values(["customer_id", "started_at"])
    before = main.groupby("customer_id").shift(1)
    follows = (main["started_at"] == before["ended_at"]) & before["end_kind"].isna()
    changed, old = main[follows], before[follows]
    assert (changed["product"] != old["product"]).all()
    assert (changed["value_per_month"] != old["value_per_month"]).all()
    assert (changed["recorded_at"] >= changed["started_at"]).all()
    # A third find no tier further up or down and stay.
    share = len(changed) / (USUAL.plan_changes * years(company))
    assert 0.4 < share < 1.1


def test_both_terms_of_a_change_of_plan_are_known_in_the_same_night(versions: pd.DataFrame):
    over = versions[versions["ended_at"].notna() & versions["end_kind"].isna()]
    begun = versions.drop_duplicates("term_id")
    both = over.merge(
        begun, left_on=["customer_id", "ended_at"], right_on=["customer_id", "started_at"]
    )
    first = both.drop_duplicates("term_id_x")
    assert len(first) > 50
    assert (first["recorded_at_x"] == first["recorded_at_y"]).all()


def test_add_ons_run_beside_the_contract_and_some_end_while_it_goes_on(
    company: Company, terms: pd.DataFrame
):
    extra, main = terms[~is_main(terms)], terms[is_main(terms)]
    assert len(extra) / main["customer_id"].nunique() == pytest.approx(USUAL.add_ons, rel=0.2)
    last = main.sort_values("started_at").groupby("customer_id").last()
    lost = extra[extra["ended_at"].notna()].merge(last, on="customer_id", suffixes=("", "_main"))
    partial = lost["ended_at_main"].isna() | (lost["ended_at"] < lost["ended_at_main"])
    assert partial.sum() > 10
    together = lost[lost["ended_at"] == lost["ended_at_main"]]
    assert len(together) > 20
    assert (together["end_kind"] == together["end_kind_main"]).all()


def test_some_who_left_come_back_after_months_on_a_new_term(terms: pd.DataFrame):
    main = terms[is_main(terms)].sort_values(["customer_id", "started_at"])
    before = main.groupby("customer_id").shift(1)
    back = before["end_kind"].notna()
    away = (main["started_at"] - before["ended_at"])[back].dt.days
    assert back.sum() > 15
    assert away.min() >= 44
    assert 60 < away.median() < 200


def test_a_price_is_lowered_in_place_for_some_who_were_unhappy(
    company: Company, versions: pd.DataFrame
):
    price = versions.groupby("term_id")["value_per_month"]
    ratio = (price.last() / price.first())[price.nunique() > 1]
    assert ratio.between(0.79, 0.81).all()
    assert len(ratio) > 30


def test_regions_with_another_currency_have_all_their_terms_in_it(
    company: Company, terms: pd.DataFrame
):
    region = delivered(company, "customers").drop_duplicates("customer_id").set_index("customer_id")
    where = terms["customer_id"].map(region["region"])
    assert ((where == "north") == (terms["currency"] == "GBP")).all()
    assert 0.15 < (terms["currency"] == "GBP").mean() < 0.4
