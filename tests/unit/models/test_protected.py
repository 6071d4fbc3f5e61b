"""Which names hold personal data or a protected attribute, and what a refusal says."""

from __future__ import annotations

import pandas as pd
import pytest
from small_world import QUICK

from models import protected, tables
from models.protected import PERSONAL_DATA, ProtectedFeature, of_name
from pipelines.features.matrix import features


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("gender", "sex"), ("Gender_Code", "sex"), ("IS_FEMALE", "sex"), ("Geschlecht", "sex"),
        ("Age", "age"), ("age_group", "age"), ("Customer_Age", "age"), ("AgeHH1", "age"),
        ("SeniorCitizen", "age"), ("seniorcitizen", "age"), ("date_of_birth", "age"),
        ("BirthYear", "age"), ("birthdate", "age"), ("attribute_age", "age"),
        ("MaritalStatus", "marital status"), ("Familienstand", "marital status"),
        ("Dependents", "marital status"), ("Nationalität", "nationality"),
        ("country-of-origin", "nationality"), ("race", "ethnicity"), ("Religion", "religion"),
        ("TradeUnion", "union"), ("disability_flag", "disability"), ("diagnosis", "health"),
        ("sexualOrientation", "orientation"), ("political_party", "politics"),
        ("email", PERSONAL_DATA), ("Surname", PERSONAL_DATA), ("customer_name", PERSONAL_DATA),
        ("PhoneNumber", PERSONAL_DATA), ("IP address", PERSONAL_DATA),
    ],
)  # fmt: skip
def test_what_is_protected_is_known_in_the_spellings_of_real_data(name: str, held: str):
    assert of_name(name) == held


@pytest.mark.parametrize(
    "name",
    [
        "usage", "average_bill", "package", "page_views", "account_age",
        "AgeOfDevice", "contract_age_days", "tenure", "plan_name", "email_opens", "phone_calls",
        "health", "health_score", "seats", "newsletter", "embrace", "trace_id", "disabled",
        "partner_level", "union_station", "address_changes", "Geography", "credit_score",
    ],
)  # fmt: skip
def test_what_only_looks_alike_is_not(name: str):
    assert of_name(name) is None


def test_none_of_our_own_features_is_protected():
    assert protected.held(feature.name for feature in features()) == {}


def test_a_company_names_further_ones_and_takes_back_what_only_sounds_so():
    names = ["postcode_area", "age_of_router", "seats"]
    assert protected.held(names) == {"age_of_router": "age"}
    found = protected.held(names, own=["Postcode"], accepted=["age_of_router"])
    assert found == {"postcode_area": "Postcode"}


def test_a_refusal_says_what_and_what_to_do():
    with pytest.raises(ProtectedFeature) as error:
        protected.refuse_features(["gender", "seats", "Email"], "`static` under [features]")
    words = str(error.value)
    assert words.startswith("`static` under [features]: `gender` (sex), `Email` (personal data)")
    assert 'not_protected = ["gender", "Email"]' in words
    assert error.value.facts == {"features": ["gender", "Email"]}


def test_a_plain_table_with_protected_columns_is_refused_unless_one_asks_for_it():
    rows = 240
    table = pd.DataFrame(
        {
            "gender": ["f", "m"] * (rows // 2),
            "SeniorCitizen": [0, 0, 1] * (rows // 3),
            "calls": range(rows),
            "churn": ["yes", "no", "no", "no"] * (rows // 4),
        }
    )
    with pytest.raises(ProtectedFeature, match=r"`gender` \(sex\), `SeniorCitizen` \(age\)"):
        tables.fit(table, "churn", QUICK)
    with pytest.raises(ProtectedFeature, match="learn_protected=True"):
        tables.cross_predict(table, "churn", QUICK)
    model = tables.fit(table, "churn", QUICK, learn_protected=True)
    assert {"gender", "SeniorCitizen"} <= {feature.group for feature in model.churn.features}
