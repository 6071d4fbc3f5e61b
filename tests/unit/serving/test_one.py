"""A CRM's own payload in, a flat answer out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.problems import Problem
from serving import flat
from serving.schemas import OneAnswer

# The shapes of the vendors' documentation, shortened to what is looked at and its neighbours.
HUBSPOT_WORKFLOW = {
    "vid": 4401, "portal-id": 62515, "is-contact": True,
    "properties": {"customer_id": {"value": "C00017", "versions": [{"value": "C00017"}]}},
}  # fmt: skip
HUBSPOT_EVENTS = [
    {"objectId": 1246965, "propertyName": "lifecyclestage", "subscriptionId": 5,
     "subscriptionType": "contact.propertyChange", "attemptNumber": 0}
]  # fmt: skip
SALESFORCE_FLOW = {"Id": "0015g00000AbCdEAAV", "AccountNumber": "C00017", "Active__c": True}
ZENDESK_WEBHOOK = {
    "type": "zen:event-type:ticket.created", "zendesk_event_version": "2022-11-06",
    "detail": {"id": "35436", "requester_id": "8447388090494", "tags": ["a"]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "id_field", "expected"),
    [
        (HUBSPOT_WORKFLOW, "properties.customer_id.value", "C00017"),
        (HUBSPOT_WORKFLOW, "vid", "4401"),
        (HUBSPOT_EVENTS, "0.objectId", "1246965"),
        (SALESFORCE_FLOW, "AccountNumber", "C00017"),
        (ZENDESK_WEBHOOK, "detail.requester_id", "8447388090494"),
        ({"a.b": "whole", "a": {"b": "parts"}}, "a.b", "whole"),
    ],
)
def test_the_id_is_found_in_the_named_field(payload: Any, id_field: str, expected: str) -> None:
    assert flat.found(json.dumps(payload).encode(), id_field) == expected


@pytest.mark.parametrize(
    ("body", "id_field", "status", "place"),
    [
        (b"{", "id", 400, None),
        (b'{"id": NaN}', "id", 400, None),
        (b'{"id": null}', "id", 422, "/id"),
        (b'{"id": true}', "id", 422, "/id"),
        (b'{"id": 1.5}', "id", 422, "/id"),
        (b'{"id": ""}', "id", 422, "/id"),
        (b'{"id": {"a/b": {}}}', "id.a/b", 422, "/id/a~1b"),
        (b"[{}]", "3", 422, "/3"),
        (b'"text"', "id", 422, None),
        (b'["C00017"]', "0", 422, None),
    ],
)
def test_a_payload_without_an_id_is_told_where(
    body: bytes, id_field: str, status: int, place: str | None
) -> None:
    with pytest.raises(Problem) as raised:
        flat.found(body, id_field)
    assert raised.value.status == status
    assert [wrong.pointer for wrong in raised.value.errors] == ([place] if place else [])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ([("system", "crm")], ["id_field"]),
        ([("id_field", ""), ("systm", "crm")], ["id_field", "systm"]),
        ([("id_field", "a"), ("id_field", "b")], []),
    ],
)
def test_a_wrong_query_is_told_by_parameter(query: list[tuple[str, str]], names: list[str]) -> None:
    with pytest.raises(Problem) as raised:
        flat.asked(query)
    assert raised.value.status == 422
    assert [wrong.pointer for wrong in raised.value.errors] == names


def test_a_flat_answer_has_all_its_fields_and_nothing_nested() -> None:
    may = {"state": "unknown", "reasons": ["one", "two"]}
    reasons = [{"words": "no order for 40 days"}, {"words": "complained twice"}]
    horizons = [{"days": 30, "probability": 0.1}, {"days": 90, "probability": 0.25}]
    scored = {"customer_id": "acme", "status": "scored", "churn_probability": 0.25,
              "horizons": horizons, "reasons": reasons, "what_changed": ["a", "b"],
              "may_contact": may}  # fmt: skip
    told = json.loads(flat.flattened(json.dumps(scored).encode()))
    assert told["reason_1"] == "no order for 40 days"
    assert told["reason_3"] is None
    assert (told["churn_probability_30"], told["churn_probability_90"]) == (0.1, 0.25)
    assert (told["what_changed"], told["may_contact_reasons"]) == ("a; b", "one; two")
    assert not any(isinstance(value, list | dict) for value in told.values())
    left_out = {"customer_id": "gone", "status": "not_scored", "why": "ended", "may_contact": may}
    other = json.loads(flat.flattened(json.dumps(left_out).encode()))
    assert set(told) - set(other) == {"churn_probability_30", "churn_probability_90"}
    assert OneAnswer.model_validate(other).why == "ended"
    # Names that Salesforce takes for Apex: a letter first, no two underscores, none at the end.
    assert all(name[0].isalpha() and "__" not in name and name[-1] != "_" for name in told)
