"""Protected attributes: refused as features, and part the report where they are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.protected import ProtectedFeature
from models.settings import Features, Settings, Training
from pipelines.features import matrix
from pipelines.groupings import protected_groupings
from pipelines.history.store import History
from pipelines.inspecting import require_unprotected
from tests.unit.pipelines.test_training import company, orders

STREAM = """
from pipelines.features.stream import Stream, counts, rows
STREAMS = (
    Stream("pregnancy", "S8", rows("order"), counts(90, says="{value} of it|none")),
)
"""


@pytest.fixture
def history(tmp_path: Path) -> History:
    people = "\n".join(
        f"c{n},2025-01-01T00:00:00Z,{'fm'[n % 2]},Ann,{1950 + 2 * n},{n}" for n in range(30)
    )
    dated = "\n".join(
        f"c{n},religion,{'none' if n < 9 else 'some'},2025-01-0{1 + n % 2}T00:00:00Z"
        for n in range(20)
    )
    return company(
        tmp_path,
        customers=f"customer_id,joined_at,gender,first_name,birth_year,seats\n{people}",
        interactions=orders(("c1", "2025-12-20")),
        attributes=f"customer_id,name,value,valid_from\n{dated}\n"
        "c0,religion,some,2025-06-01T00:00:00Z\nc0,size,3,2025-06-01T00:00:00Z",
    )


def found(history: History, **training: object) -> dict[str, dict[str, int]]:
    """By attribute, how many customers are in each group."""
    everyone = np.arange(30)
    groups = protected_groupings(history, everyone, Training(**training))
    return {
        one.kind: {name: int((one.code == at).sum()) for at, name in enumerate(one.names)}
        for one in groups
    }


def test_what_is_known_parts_the_customers_and_personal_data_does_not(history: History):
    assert found(history) == {
        "gender": {"f": 15, "m": 15},
        "birth_year": {"up to 1970": 11, "over 1970 to 1988": 9, "over 1988": 10},
        "religion": {"none": 8, "some": 12},
    }


def test_a_company_says_what_else_is_protected_and_what_is_not(history: History):
    more = found(history, protected=("seats",), not_protected=("birth_year",))
    assert set(more) == {"gender", "seats", "religion"}


@pytest.mark.parametrize("place", ["static", "attributes"])
def test_a_declared_column_is_refused_before_anything_is_computed(history: History, place: str):
    settings = Settings(features=Features(**{place: ("seats", "gender")}))
    with pytest.raises(ProtectedFeature, match=rf"`{place}` under .*`gender` \(sex\) must not"):
        matrix.context(history, settings, [])


def test_so_is_a_stream_of_that_name(history: History, tmp_path: Path):
    file = tmp_path / "own.py"
    file.write_text(STREAM, encoding="utf-8")
    settings = Settings(features=Features(streams=str(file)))
    with pytest.raises(ProtectedFeature, match=r"`pregnancy` \(health\)"):
        matrix.context(history, settings, [])
    with pytest.raises(ProtectedFeature, match=r"`pregnancy_count_90` \(health\)"):
        require_unprotected(matrix.features(settings.features), settings)


def test_what_only_sounds_protected_is_accepted_by_name(history: History):
    allowed = Training(not_protected=("birth_year",))
    settings = Settings(features=Features(static=("birth_year",)), training=allowed)
    assert matrix.context(history, settings, []).features[-1].name == "static_birth_year"
