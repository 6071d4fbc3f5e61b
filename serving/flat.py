"""`/score/one`: a CRM's own payload in, a flat answer out.

CRMs call with payloads of their own shape and map an answer's fields to properties one by one, so
that lists and objects are of no use to them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from models.problems import Problem, Wrong, pointer
from serving.schemas import OneRequest

REASONS = 3  # fields for reasons; a batch has as many
DEEPEST = 20  # parts of an `id_field`
_SAME = (
    "customer_id", "status", "why", "as_of", "horizon_days", "churn_probability", "polarity",
    "band", "percentile", "value_at_risk", "silent", "fading", "expected_days",
    "model_version", "scored_at", "expires_at", "renewal_at", "non_renewal_probability",
)  # fmt: skip


def asked(parameters: Iterable[tuple[str, str]]) -> OneRequest:
    """The query's parameters. Raises `Problem` 422."""
    pairs = list(parameters)
    try:
        if len({name for name, _ in pairs}) < len(pairs):
            raise Problem(422, "A parameter stands twice in the query.")
        return OneRequest.model_validate(dict(pairs))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
    wrong = tuple(Wrong(str(one["loc"][0]), one["msg"]) for one in found)
    raise Problem(422, "The query is not as this endpoint takes it (see /docs.json).", wrong)


def found(body: bytes, id_field: str) -> str:
    """The id at `id_field` of the body: names or, in a list, places, joined by dots.

    A field that is named with its dots counts before its parts do. Raises `Problem`: 400 for what
    is no JSON, 422 for neither an object nor a list of them, and where no text or whole number
    stands there.
    """
    try:
        place = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise Problem(400, "The body is no valid JSON.") from None
    objects = place if isinstance(place, list) else [place]
    if not all(isinstance(one, dict) for one in objects):
        raise Problem(422, "The body must be an object or a list of objects.")
    if isinstance(place, dict) and id_field in place:
        place, way = place[id_field], [id_field]
    else:
        way = id_field.split(".")[:DEEPEST]
        for part in way:
            place = _inside(place, part)
    if isinstance(place, bool) or not isinstance(place, str | int) or place == "":
        wrong = Wrong(pointer(way), "A text or a whole number is needed here.")
        raise Problem(422, f"The body has no id at `{id_field}`.", (wrong,))
    return str(place)


def _inside(place: Any, part: str) -> Any:
    if isinstance(place, dict):
        return place.get(part)
    if isinstance(place, list) and part.isdigit() and len(part) < 6 and int(part) < len(place):
        return place[int(part)]
    return None


def flattened(answer: bytes) -> bytes:
    """An answer of `/score` with no list and no object in it; every field always there."""
    told = json.loads(answer)
    out = {name: told.get(name) for name in _SAME}
    for one in told.get("horizons") or []:
        out[f"churn_probability_{one['days']}"] = one["probability"]
    words = [reason["words"] for reason in told.get("reasons") or []]
    for number in range(REASONS):
        out[f"reason_{number + 1}"] = words[number] if number < len(words) else None
    out["what_changed"] = "; ".join(told.get("what_changed") or []) or None
    out["may_contact"] = told["may_contact"]["state"]
    out["may_contact_reasons"] = "; ".join(told["may_contact"]["reasons"])
    return json.dumps(out, ensure_ascii=False).encode()
