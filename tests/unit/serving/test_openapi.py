"""What is served as OpenAPI is valid, says what is served, and stays within what callers take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from models.problems import MEDIA_TYPE
from serving import flat, openapi
from serving.events import EventsRequest
from serving.given import HistoryRequest
from serving.routes import ROUTES
from serving.schemas import Body, ProblemAnswer, ScoreRequest, TaskRequest, parse
from serving.tasks import TASKS

# help.salesforce.com, articles external_services_*: "OpenAPI 2.0 and 3.0 Support",
# "Schema Definitions", "Naming and Description Conventions", "Apex Reserved Keywords",
# "Media Type Directives and Mapping"; read on 2026-11-26.
SUPPORTED_MEDIA = {"application/json", "application/x-www-form-urlencoded", "text/plain"}
LONGEST_DESCRIPTION = 1_333
APEX_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")


def parts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from parts(value)
    elif isinstance(node, list):
        for value in node:
            yield from parts(value)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(openapi.text())
    return told


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for path in document["paths"].values() for one in path.values()]


def contents(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for part in parts(document["paths"]):
        yield from part.get("content", {}).items()


def test_it_tells_of_every_route_that_is_meant_for_callers(document: dict[str, Any]) -> None:
    told = {(path, next(iter(of)).upper()) for path, of in document["paths"].items()}
    assert told == {(path, access.method) for path, access in ROUTES.items()} - {
        ("/metrics", "GET"), ("/docs.json", "GET"), ("/schema.json", "GET"),
    }  # fmt: skip


def test_it_says_nothing_that_3_0_does_not_know(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.0.3"
    for part in parts(document):
        assert not {"examples", "const", "prefixItems"} & part.keys()
        assert not isinstance(part.get("type"), list)
        if isinstance(part.get("$ref"), str):
            name = part["$ref"].removeprefix(openapi.SCHEMAS)
            assert name in document["components"]["schemas"]
            assert set(part) == {"$ref"}  # what else stands there is not read
        if part.get("nullable"):
            assert part["type"]  # without which it says nothing


def test_salesforce_operations_have_names_that_are_apex(document: dict[str, Any]) -> None:
    ids = [one["operationId"] for one in operations(document)]
    assert len({name.lower() for name in ids}) == len(ids)  # Apex reads no case
    assert all(APEX_NAME.fullmatch(name) for name in ids)


def test_salesforce_types_and_fields_have_names_that_are_apex(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    names = [name for one in parts(schemas) for name in one.get("properties", {})]
    assert [name for name in (*schemas, *names) if not APEX_NAME.fullmatch(name)] == []
    assert len({name.lower() for name in schemas}) == len(schemas)


def test_salesforce_parameters_have_names_and_only_headers_have_hyphens(
    document: dict[str, Any],
) -> None:
    """A hyphen is encoded as `x2d`: Idempotency-Key is Idempotencyx2dKey in Apex."""
    for operation in operations(document):
        for parameter in operation.get("parameters", ()):
            name = parameter["name"].replace("-", "") if parameter["in"] == "header" else ""
            assert APEX_NAME.fullmatch(name or parameter["name"])


def test_salesforce_nothing_nameless_is_nested(document: dict[str, Any]) -> None:
    """A list in a list is no field of a Flow's variable, a nameless object has a made-up name."""
    for schema in parts(document):
        if schema.get("type") == "array":
            assert "$ref" in schema["items"] or schema["items"]["type"] not in ("array", "object")
        for of_one in (schema.get("properties") or {}).values():
            assert of_one.get("type") != "object"
    for media, content in contents(document):
        assert {"$ref", "oneOf"} & content["schema"].keys(), media


def test_salesforce_every_field_says_what_it_is(document: dict[str, Any]) -> None:
    for schema in parts(document["components"]["schemas"]):
        for of_one in schema.get("properties", {}).values():
            assert {"type", "$ref", "anyOf", "allOf"} & of_one.keys()


def test_salesforce_media_types_are_its_own_but_for_the_one_that_the_guide_maps(
    document: dict[str, Any],
) -> None:
    assert {media for media, _ in contents(document)} - SUPPORTED_MEDIA == {MEDIA_TYPE}


def test_salesforce_descriptions_are_kept_whole_and_no_answer_is_in_headers(
    document: dict[str, Any],
) -> None:
    for part in parts(document):
        assert len(part.get("description", "")) <= LONGEST_DESCRIPTION
        assert "headers" not in part
    assert all("requestBody" not in path.get("get", {}) for path in document["paths"].values())


def test_every_call_and_answer_has_an_example(document: dict[str, Any]) -> None:
    assert all("example" in content for _, content in contents(document))


def test_the_examples_of_calls_are_taken() -> None:
    kinds: dict[str, type[Body]] = {
        "score": ScoreRequest, "scoreHistory": HistoryRequest, "addEvents": EventsRequest,
        **dict.fromkeys((f"submit_{name}" for name in TASKS), TaskRequest),
    }  # fmt: skip
    for (path, _), operation in openapi.OPERATIONS.items():
        if operation.body is None:
            continue
        body = json.dumps(openapi.examples.REQUESTS[operation.id]).encode()
        if operation.id in kinds:
            parse(kinds[operation.id], body)
        else:
            given = {one["name"]: one["example"] for one in operation.parameters}
            assert path == "/score/one"
            assert flat.found(body, flat.asked(given.items()).id_field) == "C01886"


def test_the_examples_of_answers_are_such_answers() -> None:
    for operation in openapi.OPERATIONS.values():
        operation.answer.model_validate_json(json.dumps(openapi.examples.ANSWERS[operation.id]))
    for status in openapi.PROBLEMS:
        ProblemAnswer.model_validate(openapi.examples.problem(status))
