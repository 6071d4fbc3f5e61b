"""What is served, as OpenAPI 3.0.3, which Salesforce's External Services accept; 3.1 they do not.

BentoML's own document knows neither our errors nor our answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from models.problems import MEDIA_TYPE
from models.version import VERSION
from serving import examples, rows
from serving.events import EventsAnswer, EventsRequest
from serving.given import HistoryAnswer, HistoryRequest
from serving.routes import JSON, VERBS
from serving.schemas import (
    MOST_LETTERS,
    AliveAnswer,
    OneAnswer,
    ProblemAnswer,
    ReadyAnswer,
    ScoreRequest,
    ScoresAnswer,
    TaskAnswer,
    TaskRequest,
    TaskResult,
)
from serving.tasks import TASKS

SCHEMAS = "#/components/schemas/"
# Each with what it means; which of them a route answers with is below.
PROBLEMS = {
    400: "The body is no JSON, or a header is wrong.",
    401: "No valid key.",
    403: "The key lacks the scope.",
    404: "Nothing is published for that date, or there is no such task.",
    409: "The task has no result: it goes on, was cancelled, or failed with `exit_code`.",
    413: "The body is too large.",
    415: "The body has another media type, or is compressed.",
    422: "The body is another than this endpoint takes; `errors` points at each field.",
    429: "Too many calls; try again after `retry_after_seconds`.",
    503: "There is nothing to answer with; the detail says why.",
    504: "It was not answered in time: that of X-Request-Deadline-Ms, or a minute.",
}
_ALL = tuple(one for one in PROBLEMS if one != 409)
# What is asked of a task: a summary, and what it answers besides refusals of keys and calls.
VERBS_TOLD: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "submit": ("Begin NAME in a process of its own; the same task where it goes on",
               (400, 413, 415, 422)),
    "status": ("How far NAME is", (404,)),
    "get": ("What came of NAME: what its command tells with --json", (404, 409)),
    "retry": ("Begin NAME again for the same date", (404,)),
    "cancel": ("End NAME; nothing of it is left half done", (404, 409, 503)),
}  # fmt: skip
# What any JSON of a CRM is: an object, or a list of them. Its fields are the CRM's own.
PAYLOAD = {
    "Payload": {
        "type": "object",
        "description": "What the CRM sends, as it is.",
        "additionalProperties": True,
    },
    "Payloads": {"type": "array", "items": {"$ref": SCHEMAS + "Payload"}, "minItems": 1},
}
MODELS: tuple[type[BaseModel], ...] = (
    ScoreRequest, ScoresAnswer, OneAnswer, HistoryRequest, HistoryAnswer, EventsRequest,
    EventsAnswer, AliveAnswer, ReadyAnswer, TaskRequest, TaskAnswer, TaskResult, ProblemAnswer,
)  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One call, as the document tells of it."""

    id: str
    summary: str
    answers: str  # when it went well
    answer: type[BaseModel]
    problems: tuple[int, ...] = _ALL
    status: int = 200
    body: Mapping[str, Any] | None = None  # its schema
    parameters: tuple[Mapping[str, Any], ...] = ()
    open_to_all: bool = False

    def document(self) -> dict[str, Any]:
        """Its operation object."""
        told: dict[str, Any] = {"operationId": self.id, "summary": self.summary}
        if self.parameters:
            told["parameters"] = [dict(one) for one in self.parameters]
        if self.body is not None:
            content = {JSON: {"schema": self.body, "example": examples.REQUESTS[self.id]}}
            told["requestBody"] = {"required": True, "content": content}
        answer = {"schema": _ref(self.answer), "example": examples.ANSWERS[self.id]}
        told["responses"] = {
            str(self.status): {"description": self.answers, "content": {JSON: answer}},
            **{str(one): _problem(one) for one in self.problems},
        }
        return told | ({"security": []} if self.open_to_all else {})


def _parameter(name: str, description: str, place: str, *, required: bool = False, least: int = 1,
               most: int = MOST_LETTERS, example: str) -> dict[str, Any]:  # fmt: skip
    return {
        "name": name,
        "in": place,
        "description": description,
        "required": required,
        "schema": {"type": "string", "minLength": least, "maxLength": most},
        "example": example,
    }


def _ref(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": SCHEMAS + model.__name__}


def _problem(status: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": _ref(ProblemAnswer), "example": examples.problem(status)}}
    return {"description": PROBLEMS[status], "content": content}


def _of_task(task: str, verb: str) -> Operation:
    summary, problems = VERBS_TOLD[verb]
    ident, submits = f"{verb}_{task}", verb == "submit"
    words = "A repeated call with it is about the same task, also once that has ended."
    kept = _parameter("Idempotency-Key", words, "header", most=255, example="night-2026-07-01")
    which = _parameter("task_id", "Its id.", "query", required=True, example=examples.TASK)
    return Operation(
        ident,
        summary.replace("NAME", task),
        "What its command tells." if verb == "get" else "The task.",
        TaskResult if verb == "get" else TaskAnswer,
        problems=tuple(sorted({401, 403, 429, *problems})),
        body=_ref(TaskRequest) if submits else None,
        parameters=(kept if submits else which,),
    )


# In lines (application/x-ndjson) `score` and `events` take more; Salesforce takes no document that
# says so (docs/guides/endpoint.md does).
OPERATIONS: Mapping[tuple[str, str], Operation] = {
    ("/score", "post"): Operation(
        "score",
        "The published score of each customer",
        "One answer for each id, in the order asked for.",
        ScoresAnswer,
        body=_ref(ScoreRequest),
    ),
    ("/score/one", "post"): Operation(
        "scoreOne",
        "The published score of the customer whom a CRM's payload names",
        "Flat: no list, no object.",
        OneAnswer,
        problems=tuple(one for one in _ALL if one != 404),
        body={"oneOf": [{"$ref": SCHEMAS + name} for name in PAYLOAD]},
        parameters=(
            _parameter(
                "id_field",
                "Where the body names the customer: names and places in a list, joined by dots.",
                "query",
                required=True,
                example="AccountNumber",
            ),
            _parameter(
                "system", "Whose id it is, as in `identities`.", "query", least=0,
                example="salesforce",
            ),
        ),
    ),
    ("/score_history", "post"): Operation(
        "scoreHistory",
        "The risk of customers whose rows are sent; nothing is stored",
        "One answer for each customer, in the order given.",
        HistoryAnswer,
        problems=tuple(one for one in _ALL if one != 404),
        body=_ref(HistoryRequest),
    ),
    ("/events", "post"): Operation(
        "addEvents",
        "Interactions, kept for the next ingest",
        "They are on disk.",
        EventsAnswer,
        status=202,
        problems=tuple(one for one in _ALL if one not in (404, 503)),
        body=_ref(EventsRequest),
        parameters=(
            _parameter(
                "Idempotency-Key",
                "A repeated call with it has one effect and the same answer, for seven days.",
                "header",
                most=255,
                example="zendesk-8812",
            ),
        ),
    ),
    **{
        (f"/{task}/{verb}", method.lower()): _of_task(task, verb)
        for task in TASKS
        for verb, method in VERBS.items()
    },
    ("/livez", "get"): Operation(
        "alive", "The process answers", "It does.", AliveAnswer, problems=(), open_to_all=True
    ),
    ("/readyz", "get"): Operation(
        "ready", "There is something to answer with", "There is.", ReadyAnswer,
        problems=(401, 403, 429, 503),
    ),
}  # fmt: skip


@cache
def text() -> bytes:
    """The document as JSON."""
    return json.dumps(document(), sort_keys=True).encode()


def document() -> dict[str, Any]:
    """The document."""
    paths: dict[str, dict[str, Any]] = {}
    for (path, method), operation in OPERATIONS.items():
        paths.setdefault(path, {})[method] = operation.document()
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Warmline",
            "version": VERSION,
            "description": "Churn scores as they were published. A higher probability is worse.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def _schemas() -> dict[str, Any]:
    _, found = models_json_schema(
        [(model, "validation") for model in MODELS], ref_template=SCHEMAS + "{model}"
    )
    schemas = {name: _plain(schema) for name, schema in found["$defs"].items()}
    # Which columns a table has is known; what a cell holds is as free as in a CSV file.
    for table, name in rows.NAMES.items():
        schemas["HistoryRequest"]["properties"][table]["items"] = {"$ref": SCHEMAS + name}
    return schemas | PAYLOAD | rows.schemas(SCHEMAS)


def _plain(schema: Any) -> Any:
    """As OpenAPI 3.0 says it: `nullable` for a choice of null, one example for several, a list of
    one for a constant; without the titles that pydantic makes of names."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _plain(value) for key, value in schema.items()}
    if isinstance(out.get("title"), str):
        del out["title"]
    if "examples" in out:
        out["example"] = out.pop("examples")[0]
    if "const" in out:
        out["enum"] = [out.pop("const")]
    if out.get("default", 0) is None:
        del out["default"]
    choices = out.pop("anyOf", None)
    if choices:
        kind, *others = [one for one in choices if one != {"type": "null"}]
        if others:  # a cell, of which `rows` tells
            return out
        if "$ref" in kind:  # beside which nothing is read; such a field is left out, never null
            return kind
        # Null does not stand in an `enum` beside it, though 3.0.3 would have it so: generated
        # clients then have three types for one field.
        out |= kind | {"nullable": True}
    return out
