"""Calls and answers as the OpenAPI document shows them, by operation; those of the demo's home."""

from __future__ import annotations

from typing import Any

from serving.routes import VERBS
from serving.tasks import TASKS

MAY_CONTACT = {
    "state": "some",
    "reasons": ["opted out of email on 9 June 2026"],
    "blocked": [
        {"channel": "email", "purpose": None, "reasons": ["opted out of email on 9 June 2026"]}
    ],
}
TASK = "5f1c0c7e9ab34d215f1c0c7e9ab34d21"
TASK_TOLD = {
    "task_id": TASK,
    "status": "in_progress",
    "name": "score_batch",
    "as_of": "2026-07-01",
    "created_at": "2026-07-01T02:30:00Z",
    "executed_at": "2026-07-01T02:30:00Z",
    "completed_at": None,
    "step": "scoring",
    "exit_code": None,
}
NEVER_KNOWN = {
    "customer_id": "C99999",
    "status": "not_scored",
    "why": "no customer has this id",
    "may_contact": MAY_CONTACT,
}
_SAME = {
    "customer_id": "C01886",
    "status": "scored",
    "as_of": "2026-07-01",
    "horizon_days": 90,
    "churn_probability": 0.6703,
    "polarity": "a higher probability is worse",
    "band": "high",
    "value_at_risk": 1145.08,
    "silent": False,
    "fading": None,
    "expected_days": 94.4,
    "model_version": "1",
    "scored_at": "2026-07-01T02:30:00Z",
    "expires_at": "2026-07-03T02:30:00Z",
    "renewal_at": "2027-03-01T00:00:00Z",
    "non_renewal_probability": 0.2417,
}
_WORDS = (
    "47 events of any kind in the last 90 days, and heard from the customer 18 times in the last "
    "90 days",
    "fifth case about how_to in 59 days: got in touch 17 times in the last 90 days, and the last "
    "case was opened 5 days ago (25 June 2026)",
    "heard from us 17 times in the last 90 days",
)
SCORED = _SAME | {
    "percentile": 99.92,
    "horizons": [
        {"days": 30, "probability": 0.3987, "low": 0.2392, "high": 0.5157},
        {"days": 60, "probability": 0.5873, "low": 0.3524, "high": 0.7597},
        {"days": 90, "probability": 0.6703, "low": 0.4022, "high": 0.867},
    ],
    "reasons": [
        {"feature": "any_count_90", "system": "S2", "words": _WORDS[0], "direction": "raises",
         "weight": 1.7},
        {"feature": "contact_count_90", "system": "S1", "words": _WORDS[1], "direction": "raises",
         "weight": 0.8},
        {"feature": "reply_count_90", "system": "S6", "words": _WORDS[2], "direction": "raises",
         "weight": 0.48},
    ],
    "what_changed": None,
    "effects": None,
    "may_contact": MAY_CONTACT,
}  # fmt: skip
REQUESTS: dict[str, dict[str, Any]] = {
    "score": {"customer_ids": ["C01886", "C99999"]},
    "scoreOne": {"Id": "0015g00000AbCdEAAV", "AccountNumber": "C01886", "Active__c": True},
    "scoreHistory": {
        "customers": [{"customer_id": "acme", "joined_at": "2024-03-05T09:00:00Z"}],
        "interactions": [
            {"interaction_id": "1", "customer_id": "acme", "kind": "order", "value": 120,
             "occurred_at": "2026-05-11T14:02:00Z"},
            {"interaction_id": "2", "customer_id": "acme", "kind": "complaint", "channel": "phone",
             "occurred_at": "2026-06-28T08:15:00Z"},
        ],
        "terms": [
            {"customer_id": "acme", "term_id": "t1", "value_per_month": 40, "currency": "EUR",
             "started_at": "2024-03-05T09:00:00Z"},
        ],
        "as_of": "2026-07-01",
    },
    "addEvents": {
        "interactions": [
            {"interaction_id": "8812", "customer_id": "C01886", "kind": "complaint",
             "occurred_at": "2026-07-01T10:00:00+02:00", "source": "zendesk",
             "text": "It broke again."},
        ]
    },
}  # fmt: skip
ANSWERS: dict[str, dict[str, Any]] = {
    "score": {"scores": [SCORED, NEVER_KNOWN]},
    "scoreOne": _SAME | {
        "why": None,
        "percentile": 99.92,
        "churn_probability_30": 0.3987,
        "churn_probability_60": 0.5873,
        "churn_probability_90": 0.6703,
        "reason_1": _WORDS[0],
        "reason_2": _WORDS[1],
        "reason_3": _WORDS[2],
        "what_changed": None,
        "may_contact": MAY_CONTACT["state"],
        "may_contact_reasons": MAY_CONTACT["reasons"][0],
    },
    "scoreHistory": {
        "as_of": "2026-07-01",
        "scores": [SCORED | {"customer_id": "acme", "percentile": None}],
    },
    "addEvents": {"accepted": 1},
    "alive": {"status": "alive"},
    "ready": {"status": "ready", "as_of": "2026-07-01", "run": "20260701T023000Z-5f1c"},
}  # fmt: skip
for _name in TASKS:
    REQUESTS[f"submit_{_name}"] = {"as_of": "2026-07-01"}
    for _verb in VERBS:
        ANSWERS[f"{_verb}_{_name}"] = TASK_TOLD | {"name": _name}
    ANSWERS[f"get_{_name}"] = {"as_of": "2026-07-01", "run": "20260701T023000Z-5f1c"}
_DETAILS: dict[int, dict[str, Any]] = {
    400: {"title": "Bad Request", "detail": "The body is no valid JSON."},
    401: {"title": "Unauthorized", "detail": "A valid key is needed."},
    403: {"title": "Forbidden", "detail": "This key does not have the scope `score`."},
    404: {"title": "Not Found", "detail": "No scores of 2026-05-01 are published."},
    409: {"title": "Conflict", "detail": "It has not ended yet.", "retry_after_seconds": 5},
    413: {"title": "Request Entity Too Large",
          "detail": "The body is larger than 10 MB: send fewer at a time."},
    415: {"title": "Unsupported Media Type", "detail": "The body must be application/json."},
    422: {"title": "Unprocessable Entity",
          "detail": "The body is not as this endpoint takes it (see /docs.json).",
          "errors": [{"pointer": "/customer_ids", "detail": "Field required"}]},
    429: {"title": "Too Many Requests", "detail": "Too many calls at once.",
          "retry_after_seconds": 1},
    503: {"title": "Service Unavailable", "retry_after_seconds": 60,
          "detail": "No scores are published yet: run `warmline score --as-of DATE`."},
    504: {"title": "Gateway Timeout",
          "detail": "The deadline that X-Request-Deadline-Ms gave has passed."},
}  # fmt: skip


def problem(status: int) -> dict[str, Any]:
    """A problem of this status."""
    same = {"type": "about:blank", "status": status, "request_id": "5f1c0c7e9ab34d21"}
    return same | _DETAILS[status]
