"""What is served, as OpenAPI 3.0.3, which Salesforce's External Services accept; 3.1 they do not.

BentoML's own document knows neither our errors nor our answers.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from models.version import VERSION
from serving.events import EventsAnswer, EventsRequest, Interaction
from serving.given import HistoryAnswer, HistoryRequest
from serving.problems import MEDIA_TYPE
from serving.routes import JSON, NDJSON, VERBS
from serving.schemas import (
    OneAnswer,
    OneId,
    ProblemAnswer,
    ScoreAnswer,
    ScoreRequest,
    ScoresAnswer,
    TaskAnswer,
    TaskRequest,
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
    504: "It was not answered in time, the caller's or a minute.",
}


_ALL = tuple(one for one in PROBLEMS if one != 409)
# What is asked of a task: a summary, and what it answers besides refusals of keys and calls.
VERBS_TOLD = {
    "submit": ("Begin NAME in a process of its own; the same task where it goes on", (422,)),
    "status": ("How far NAME is", (404,)),
    "get": ("What came of NAME: what its command tells with --json", (404, 409)),
    "retry": ("Begin NAME again for the same date", (404,)),
    "cancel": ("End NAME; it publishes nothing", (404, 409, 503)),
}


@cache
def text() -> bytes:
    """The document as JSON."""
    return json.dumps(document(), sort_keys=True).encode()


def document() -> dict[str, Any]:
    """The document."""
    models: list[type[BaseModel]] = [
        ScoreRequest, ScoresAnswer, OneAnswer, HistoryRequest, HistoryAnswer, EventsRequest,
        EventsAnswer, ProblemAnswer, OneId, Interaction, TaskRequest, TaskAnswer,
    ]  # fmt: skip
    _, found = models_json_schema(
        [(model, "validation") for model in models], ref_template=SCHEMAS + "{model}"
    )
    schemas = {name: _plain(schema) for name, schema in found["$defs"].items()}
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Warmline",
            "version": VERSION,
            "description": "Churn scores as they were published. A higher probability is worse.",
        },
        "paths": {
            "/score": {
                "post": {
                    "operationId": "score",
                    "summary": "The published score of each customer",
                    "parameters": [_parameter("as_of", "With application/x-ndjson: as in JSON.")],
                    "requestBody": _body(ScoreRequest, OneId),
                    "responses": {
                        "200": _answer(
                            "One answer for each id, in the order asked for; a line each where "
                            "lines were sent or asked for.",
                            _ref(ScoresAnswer),
                            _ref(ScoreAnswer),
                        ),
                        **_problems(*_ALL),
                    },
                }
            },
            "/score/one": {
                "post": {
                    "operationId": "scoreOne",
                    "summary": "The published score of the customer whom a CRM's payload names",
                    "parameters": [
                        _parameter(
                            "id_field",
                            "Where the body names the customer, such as "
                            "`objectId` or `properties.customer_id`.",
                            required=True,
                        ),
                        _parameter("system", "Whose id it is, as in `identities`."),
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {JSON: {"schema": {"type": "object"}}},
                    },
                    "responses": {
                        "200": _answer("Flat: no list, no object.", _ref(OneAnswer)),
                        **_problems(*(one for one in _ALL if one != 404)),
                    },
                }
            },
            "/score_history": {
                "post": {
                    "operationId": "scoreHistory",
                    "summary": "The risk of customers whose rows are sent; nothing is stored",
                    "requestBody": _body(HistoryRequest),
                    "responses": {
                        "200": _answer(
                            "One answer for each customer, in the order given.",
                            _ref(HistoryAnswer),
                        ),
                        **_problems(*(one for one in _ALL if one != 404)),
                    },
                }
            },
            "/events": {
                "post": {
                    "operationId": "addEvents",
                    "summary": "Interactions, kept for the next ingest",
                    "parameters": [
                        _parameter(
                            "Idempotency-Key",
                            "A repeated call with it has one effect and "
                            "the same answer, for seven days.",
                            place="header",
                        ),
                    ],
                    "requestBody": _body(EventsRequest, Interaction),
                    "responses": {
                        "202": _answer("They are on disk.", _ref(EventsAnswer)),
                        **_problems(*(one for one in _ALL if one not in (404, 503))),
                    },
                }
            },
            **{
                f"/{task}/{verb}": {method.lower(): _of_task(task, verb)}
                for task in TASKS
                for verb, method in VERBS.items()
            },
            "/livez": _watch("alive", "The process answers.", open_to_all=True),
            "/readyz": _watch("ready", "There is something to answer with.", 401, 403, 503),
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}],
    }


def _parameter(
    name: str, description: str, *, required: bool = False, place: str = "query"
) -> dict[str, Any]:
    told: dict[str, Any] = {"name": name, "in": place, "description": description}
    return told | {"required": required, "schema": {"type": "string"}}


def _of_task(task: str, verb: str) -> dict[str, Any]:
    summary, problems = VERBS_TOLD[verb]
    of_it: dict[str, Any] = {
        "operationId": f"{verb}_{task}",
        "summary": summary.replace("NAME", task),
        "responses": {
            "200": _answer("The task.", {"type": "object"} if verb == "get" else _ref(TaskAnswer)),
            **_problems(401, 403, 429, *problems),
        },
    }
    if verb == "submit":
        words = "A repeated call with it is about the same task, also once that has ended."
        return of_it | {
            "requestBody": _body(TaskRequest),
            "parameters": [_parameter("Idempotency-Key", words, place="header")],
        }
    return of_it | {"parameters": [_parameter("task_id", "Its id.", required=True)]}


def _body(asked: type[BaseModel], line: type[BaseModel] | None = None) -> dict[str, Any]:
    """`line`: what a line of NDJSON is, where that is taken too."""
    return {"required": True, "content": _content(_ref(asked), _ref(line) if line else None)}


def _content(schema: dict[str, Any], line: dict[str, Any] | None) -> dict[str, Any]:
    return {JSON: {"schema": schema}} | ({NDJSON: {"schema": line}} if line else {})


def _watch(operation: str, summary: str, *problems: int, open_to_all: bool = False) -> Any:
    schema = {"type": "object", "properties": {"status": {"type": "string"}}}
    of_it: dict[str, Any] = {
        "operationId": operation,
        "summary": summary,
        "responses": {"200": _answer(summary, schema), **_problems(*problems)},
    }
    return {"get": of_it | ({"security": []} if open_to_all else {})}


def _problems(*status: int) -> dict[str, Any]:
    schema = _ref(ProblemAnswer)
    return {
        str(one): {"description": PROBLEMS[one], "content": {MEDIA_TYPE: {"schema": schema}}}
        for one in status
    }


def _answer(
    description: str, schema: dict[str, Any], line: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {"description": description, "content": _content(schema, line)}


def _ref(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": SCHEMAS + model.__name__}


def _plain(schema: Any) -> Any:
    """As OpenAPI 3.0 says it: `nullable` for a choice of null, one example for several, a list of
    one for a constant."""
    if isinstance(schema, list):
        return [_plain(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: _plain(value) for key, value in schema.items()}
    if "examples" in out:
        out["example"] = out.pop("examples")[0]
    if "const" in out:
        out["enum"] = [out.pop("const")]
    if out.get("default", 0) is None:
        del out["default"]
    choices = out.pop("anyOf", None)
    if choices:
        kinds = [one for one in choices if one != {"type": "null"}]
        if len(kinds) > 1:  # a value of several kinds: anything that is no list and no object
            return {
                **out,
                "description": "A text, a number, true, false or null.",
                "nullable": True,
            }
        (kind,) = kinds
        # Beside a reference nothing else counts in 3.0.
        out |= {"allOf": [kind]} if "$ref" in kind else kind
        out["nullable"] = True
    return out
