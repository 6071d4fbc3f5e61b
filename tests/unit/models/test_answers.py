"""Answers by customer, as the endpoint looks them up."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from models import answers as module
from models.answers import MERGED, Answers, AnswerWriter, hashed_names, names_of
from models.contracts import renewals_schema, score_schema

NIGHT = date(2026, 7, 1)
REASON = {"feature": "complaint_count_90", "system": "S12", "words": 'said "no" – twice',
          "direction": "raises", "weight": 0.25}  # fmt: skip


def row(customer: str, **more: object) -> dict[str, object]:
    at = datetime(2026, 7, 1, 1, 30, tzinfo=UTC)
    told = {"as_of": at, "scored_at": at, "expires_at": at, "horizon_days": 90, "band": "high"}
    return {"customer_id": customer, "churn_probability": 1 / 3, **told, **more}


def written(folder: Path, *parts: list[dict[str, object]], left_out: dict[str, str]) -> Answers:
    writer = AnswerWriter(folder, NIGHT)
    for part in parts:
        writer.scored(pa.Table.from_pylist(part, schema=score_schema()))
    whole = {"customer_id": list(left_out), "why": list(left_out.values())}
    schema = pa.schema([("customer_id", pa.string()), ("why", pa.string())])
    writer.not_scored(pa.table(whole, schema=schema))
    writer.close()
    return Answers(folder)


def test_each_is_found_whatever_its_part(tmp_path: Path) -> None:
    ids = [f"C{number:05d}" for number in range(40)]
    parts = [[row(one, percentile=float(place))] for place, one in enumerate(ids)]
    found = written(tmp_path, *parts, left_out={}).find([*reversed(ids), "C99999"])
    places = [json.loads(one)["percentile"] for one in found[:-1] if one]
    assert (places, found[-1]) == ([float(place) for place in reversed(range(40))], None)


def test_a_few_answers_are_spelled_as_those_of_a_batch(tmp_path: Path) -> None:
    horizons = [{"days": 30, "probability": 1e-9, "low": None, "high": 0.2}]
    effects = [{"playbook": "é", "effect": -0.5, "low": None, "high": 1e22}]
    rows = [
        row("é-1", reasons=[REASON], what_changed=[], horizons=horizons, effects=effects),
        row("C2", silent=True, fading=1e-17, value_at_risk=123456789.123, model_version="7"),
    ]
    left_out = {"C3": 'no "order"'}
    scores = pa.Table.from_pylist(rows, schema=score_schema())
    few = module.rendered(scores.to_pylist(), left_out, NIGHT)
    of_batch = written(tmp_path, rows, left_out=left_out).find(list(few))
    assert list(few) == ["é-1", "C2", "C3"]
    for one, other in zip(few.values(), of_batch, strict=True):
        # Columns in the same order, too; how a number is spelled may differ.
        assert list(json.loads(one).items()) == list(json.loads(other or b"").items())


def test_an_answer_says_all_that_the_batch_does(tmp_path: Path) -> None:
    horizons = [{"days": 30, "probability": 0.1, "low": None, "high": 0.2}]
    scored = row(
        "é-1", reasons=[REASON], what_changed=["risk rose"], horizons=horizons, expected_days=700.5
    )
    (found,) = written(tmp_path, [scored], left_out={}).find(["é-1"])
    assert json.loads(found or b"") == {
        "customer_id": "é-1", "status": "scored", "as_of": "2026-07-01", "horizon_days": 90,
        "churn_probability": 1 / 3, "polarity": "a higher probability is worse",
        "horizons": horizons, "expected_days": 700.5, "band": "high", "percentile": None,
        "value_at_risk": None, "silent": None, "fading": None, "reasons": [REASON],
        "what_changed": ["risk rose"],
        "effects": None, "model_version": None, "scored_at": "2026-07-01T01:30:00Z",
        "expires_at": "2026-07-01T01:30:00Z", "renewal_at": None, "non_renewal_probability": None,
    }  # fmt: skip


def test_who_has_a_contract_to_be_renewed_is_told_how_likely_that_is(tmp_path: Path) -> None:
    renewal = {"renewal_at": datetime(2027, 3, 1, tzinfo=UTC), "non_renewal_probability": 0.25}
    writer = AnswerWriter(tmp_path, NIGHT)
    due = [{"customer_id": one, **renewal} for one in ("elsewhere", "C2")]
    writer.renewing(pa.Table.from_pylist(due, schema=renewals_schema()))
    writer.scored(pa.Table.from_pylist([row("C1"), row("C2")], schema=score_schema()))
    writer.close()
    told = [json.loads(one or b"") for one in Answers(tmp_path).find(["C1", "C2"])]
    assert [one["renewal_at"] for one in told] == [None, "2027-03-01T00:00:00Z"]
    assert [one["non_renewal_probability"] for one in told] == [None, 0.25]
    # And so is a row of which it is told beside the batch's columns.
    (few,) = module.rendered([row("C2") | renewal], {}, NIGHT).values()
    assert json.loads(few) == {name: told[1][name] for name in json.loads(few)}


def test_who_was_not_scored_is_told_why(tmp_path: Path) -> None:
    (found,) = written(tmp_path, left_out={"gone": "the relationship has ended"}).find(["gone"])
    assert json.loads(found or b"") == {
        "customer_id": "gone", "status": "not_scored", "why": "the relationship has ended",
        "as_of": "2026-07-01",
    }  # fmt: skip


def test_two_customers_of_one_hash_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "hashed", lambda keys: np.full(len(keys), 7, np.uint64))
    found = written(tmp_path, [row("a"), row("b"), row("c")], left_out={"d": "ended"})
    told = [json.loads(one)["customer_id"] if one else None for one in found.find(list("dbcax"))]
    assert told == ["d", "b", "c", "a", None]


def test_an_empty_batch_knows_nobody(tmp_path: Path) -> None:
    found = written(tmp_path, left_out={})
    assert (len(found), found.find(["a"]), found.find([])) == (0, [None], [])


def test_an_id_of_another_system_leads_to_its_customer(tmp_path: Path) -> None:
    names = hashed_names(
        ["crm", "shop", None, MERGED, "crm"],
        ["7", "7", "x-9", "calm", "bolt"],
        ["acme", "bolt", "bolt", "bolt", "acme"],
    )
    writer = AnswerWriter(tmp_path, NIGHT)
    schema = score_schema()
    writer.scored(pa.Table.from_pylist([row("acme"), row("bolt"), row("calm")], schema=schema))
    writer.named(names)
    writer.close()
    answers = Answers(tmp_path)
    asked = [("7", "crm"), ("7", "shop"), ("7", None), ("7", "mail"), ("x-9", "crm"), ("x-9", None)]
    assert [answers.whose(*one) for one in asked] == ["acme", "bolt", "7", "7", "bolt", "bolt"]
    assert answers.whose("bolt", "crm") == "bolt"  # a customer's own id comes first
    assert answers.whose("calm") == "bolt"  # merged
    assert names_of(tmp_path)["customer_id"].to_pylist().count("bolt") == 3
