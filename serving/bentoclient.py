"""`/schema.json`, which BentoML's own client reads before anything else.

`bentoml.SyncHTTPClient(url, token=KEY)` then has a method for each route: `client.score(...)`,
`client.score_batch.submit(as_of=...)`. Source: `Service.schema` of BentoML 1.4.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic import BaseModel

from serving.events import EventsAnswer, EventsRequest
from serving.given import HistoryAnswer, HistoryRequest
from serving.schemas import ScoreRequest, ScoresAnswer, TaskRequest
from serving.tasks import TASKS


@cache
def text() -> bytes:
    """The document as JSON."""
    routes = [
        _route("score", ScoreRequest, ScoresAnswer.model_json_schema()),
        _route("score_history", HistoryRequest, HistoryAnswer.model_json_schema()),
        _route("events", EventsRequest, EventsAnswer.model_json_schema()),
        *({**_route(name, TaskRequest, {"type": "object"}), "is_task": True} for name in TASKS),
    ]
    paths = {route["route"]: {"mounted": False} for route in routes}
    told = {"name": "warmline", "type": "service", "routes": routes, "paths": paths}
    return json.dumps(told).encode()


def _route(name: str, asked: type[BaseModel], answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "route": f"/{name}",
        "description": asked.__doc__,
        "input": asked.model_json_schema(),
        "output": answer,
        "is_task": False,
    }
