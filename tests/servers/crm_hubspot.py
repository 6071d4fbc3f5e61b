"""HubSpot's objects in batches. Sources: outreach/channels/crm/hubspot.py."""

from __future__ import annotations

from tests.servers.crm_cloud import Call, Cloud, Said

AT_ONCE = 100


def batch(cloud: Cloud, call: Call, object_: str, verb: str) -> Said:
    inputs, there = call.json()["inputs"], cloud.of(object_)
    if len(inputs) > AT_ONCE:
        return _invalid("batch too large")
    names = {name for one in inputs for name in one["properties"]}
    if lacking := names & cloud.unknown_fields:
        return _invalid(f'[{{"error":"PROPERTY_DOESNT_EXIST","name":"{min(lacking)}"}}]')
    if any(one["id"] in cloud.wrong for one in inputs):
        return _invalid("INVALID_INTEGER: ann@example.org was not a valid integer")
    results, lost = [], []
    for one in inputs:
        if verb == "update" and one["id"] not in there:
            lost.append(one)
            continue
        there.setdefault(one["id"], {}).update(one["properties"])
        results.append({"id": _number(one["id"]), "objectWriteTraceId": one["objectWriteTraceId"]})
    if not lost:
        return 200, {"status": "COMPLETE", "results": results}, {}
    context = {"ids": [one["id"] for one in lost]}
    error = {"status": "error", "category": "OBJECT_NOT_FOUND", "context": context,
             "message": "Could not get some objects"}  # fmt: skip
    return 207, {"status": "COMPLETE", "results": results, "numErrors": 1, "errors": [error]}, {}


def _number(key: str) -> str:
    """HubSpot's own id of a record."""
    return str(int.from_bytes(key.encode()[:6], "big"))


def read(cloud: Cloud, call: Call, object_: str) -> Said:
    asked, there = call.json(), cloud.of(object_)
    by = asked.get("idProperty")
    rows = []
    for one in asked["inputs"]:
        key = next((k for k in there if one["id"] == (k if by else _number(k))), None)
        if key is not None:
            named = {by: key} if by else {}
            rows.append({"id": _number(key), "properties": {**there[key], **named}})
    return (200 if len(rows) == len(asked["inputs"]) else 207), {"results": rows}, {}


def link(cloud: Cloud, call: Call, object_: str) -> Said:
    for one in call.json()["inputs"]:
        cloud.linked.add((one["from"]["id"], one["to"]["id"]))
    return 200, {"status": "COMPLETE"}, {}


def one_record(cloud: Cloud, call: Call, object_: str, key: str) -> Said:
    there = cloud.of(object_)
    if key not in there:
        return 404, {"status": "error", "category": "OBJECT_NOT_FOUND"}, {}
    there[key].update(call.json()["properties"])
    return 200, {"id": str(cloud.number()), "properties": {}}, {}


def _invalid(message: str) -> Said:
    return 400, {"status": "error", "category": "VALIDATION_ERROR", "message": message}, {}


ROUTES = (
    (r"POST /crm/v3/objects/(\w+)/batch/(update|upsert)", batch),
    (r"POST /crm/v3/objects/(\w+)/batch/read", read),
    (r"POST /crm/v4/associations/tasks/(\w+)/batch/associate/default", link),
    (r"PATCH /crm/v3/objects/(\w+)/(\w+)", one_record),
)
