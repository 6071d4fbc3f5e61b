"""Salesforce's collections, queries and bulk jobs. Sources: outreach/channels/crm/salesforce.py and
salesforce_bulk.py."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from tests.servers.crm_cloud import Call, Cloud, Said

AT_ONCE = 200


def upsert(cloud: Cloud, call: Call, object_: str, key: str) -> Said:
    rows = call.json()["records"]
    if len(rows) > AT_ONCE:
        return 400, [{"errorCode": "EXCEEDED_ID_LIMIT", "message": "record limit reached"}], {}
    if lacking := {name for row in rows for name in row} & cloud.unknown_fields:
        message = f"No such column '{min(lacking)}' on sobject of type {object_}"
        return 400, [{"errorCode": "INVALID_FIELD", "message": message}], {}
    return 200, [_written(cloud, object_, row.pop(key), row) for row in rows], {}


def make(cloud: Cloud, call: Call) -> Said:
    said = []
    for row in call.json()["records"]:
        number = f"00T{cloud.number():015d}"
        fields = {name: value for name, value in row.items() if name != "attributes"}
        cloud.of(row["attributes"]["type"])[number] = fields
        said.append({"id": number, "success": True, "errors": []})
    return 200, said, {}


def update(cloud: Cloud, call: Call) -> Said:
    said = []
    for row in call.json()["records"]:
        object_, number = row["attributes"]["type"], row.pop("id")
        key = next((k for k in cloud.of(object_) if _id(k) == number or k == number), None)
        said.append(
            {"success": False, "errors": [{"statusCode": "ENTITY_IS_DELETED", "message": "-"}]}
            if key is None
            else _written(cloud, object_, key, row)
        )
    return 200, said, {}


def _written(cloud: Cloud, object_: str, key: str, row: dict[str, Any]) -> dict[str, Any]:
    there, code = cloud.of(object_), ""
    if key not in there:
        code = "REQUIRED_FIELD_MISSING"
    elif key in cloud.wrong:
        code = "STRING_TOO_LONG"
    elif cloud.busy[key]:
        cloud.busy[key] -= 1
        code = "UNABLE_TO_LOCK_ROW"
    if code:
        return {"success": False, "errors": [{"statusCode": code, "message": "no", "fields": []}]}
    there[key].update({name: value for name, value in row.items() if name != "attributes"})
    return {"id": _id(key), "success": True, "errors": [], "created": False}


def _id(key: str) -> str:
    return "001" + key.encode().hex().zfill(15)


def query(cloud: Cloud, call: Call) -> Said:
    found = re.fullmatch(r"SELECT ([\w, ]+) FROM (\w+) WHERE (\w+) IN \((.*)\)", call.query["q"])
    assert found
    names, object_, where = found[1].split(", "), found[2], found[3]
    quoted = re.findall(r"'((?:[^'\\]|\\.)*)'", found[4])
    wanted = {re.sub(r"\\(.)", r"\1", one) for one in quoted}
    rows = []
    for key, fields in cloud.of(object_).items():
        row = {**fields, "IsClosed": fields.get("Status") == "Completed"}
        # Tasks lie here by their Id, other records by their external id.
        row |= {"Id": key} if object_ == "Task" else {"Id": _id(key), where: key}
        if row.get(where) in wanted:
            rows.append({name: row.get(name) for name in names})
    return 200, {"totalSize": len(rows), "done": True, "records": rows}, {}


def make_job(cloud: Cloud, call: Call) -> Said:
    name = f"750{cloud.number():015d}"
    cloud.jobs[name] = {**call.json(), "id": name, "state": "Open", "rows": [], "looks": 0}
    return 200, cloud.jobs[name], {}


def upload(cloud: Cloud, call: Call, name: str) -> Said:
    cloud.jobs[name]["rows"] = list(csv.DictReader(io.StringIO(call.body.decode())))
    return 201, None, {}


def say(cloud: Cloud, call: Call, name: str) -> Said:
    job = cloud.jobs[name]
    job["state"] = call.json()["state"]
    if job["state"] == "UploadComplete":
        key, job["done"] = job["externalIdFieldName"], []
        for row in job["rows"]:
            there = {field: None if v == "#N/A" else v for field, v in row.items() if field != key}
            job["done"].append((row, _written(cloud, job["object"], row[key], there)))
    return 200, job, {}


def look(cloud: Cloud, call: Call, name: str) -> Said:
    if name not in cloud.jobs:
        return 404, [{"errorCode": "NOT_FOUND", "message": "-"}], {}
    job = cloud.jobs[name]
    job["looks"] += 1
    if job["state"] == "UploadComplete" and job["looks"] > 1:
        job["state"] = "JobComplete"
    return 200, {"id": name, "state": job["state"]}, {}


def results(cloud: Cloud, call: Call, name: str, which: str) -> Said:
    good = which == "successfulResults"
    rows = [({"sf__Id": said.get("id", ""), "sf__Error": said["errors"][0]["statusCode"]
              if said["errors"] else "", **row})
            for row, said in cloud.jobs[name]["done"] if said["success"] is good]  # fmt: skip
    rows = [] if which == "unprocessedrecords" else rows
    file = io.StringIO()
    if rows:
        out = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    return 200, file.getvalue(), {}


_API = r"/services/data/v62\.0"
ROUTES = (
    (rf"PATCH {_API}/composite/sobjects/(\w+)/(\w+)", upsert),
    (rf"PATCH {_API}/composite/sobjects", update),
    (rf"POST {_API}/composite/sobjects", make),
    (rf"GET {_API}/query", query),
    (rf"POST {_API}/jobs/ingest", make_job),
    (rf"PUT {_API}/jobs/ingest/(\w+)/batches", upload),
    (rf"PATCH {_API}/jobs/ingest/(\w+)", say),
    (rf"GET {_API}/jobs/ingest/(\w+)", look),
    (rf"GET {_API}/jobs/ingest/(\w+)/(\w+)/", results),
)
