"""What is served as OpenAPI is valid, says what is served, and stays within 3.0."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from serving import openapi
from serving.routes import ROUTES


def parts(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from parts(value)
    elif isinstance(node, list):
        for value in node:
            yield from parts(value)


def test_it_tells_of_every_route_that_is_meant_for_callers() -> None:
    told = {(path, next(iter(of)).upper()) for path, of in openapi.document()["paths"].items()}
    assert told == {(path, access.method) for path, access in ROUTES.items()} - {
        ("/metrics", "GET"), ("/docs.json", "GET"), ("/schema.json", "GET"),
    }  # fmt: skip


def test_it_says_nothing_that_3_0_does_not_know() -> None:
    document = json.loads(openapi.text())
    assert document["openapi"] == "3.0.3"
    for part in parts(document):
        assert not {"anyOf", "examples", "const", "prefixItems"} & part.keys()
        assert not isinstance(part.get("type"), list)
        if isinstance(part.get("$ref"), str):
            name = part["$ref"].removeprefix(openapi.SCHEMAS)
            assert name in document["components"]["schemas"]


def test_lists_are_of_named_things() -> None:
    """Salesforce's External Services refuse a list of nameless objects."""
    for part in parts(openapi.document()):
        if part.get("type") == "array":
            assert "$ref" in part["items"] or part["items"]["type"] != "object"
