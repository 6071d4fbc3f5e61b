"""A person planted into a home in every way in which one can lie there, and a scan for them."""

from __future__ import annotations

import csv
import gzip
import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.answers import hashed_names
from models.batch import BatchWriter, publish
from models.contracts import WORKLIST_COLUMNS, renewals_schema, score_schema
from models.home import Home
from outreach import worklist
from pipelines import context
from pipelines.features.agents import Agents
from pipelines.features.matrix import Night
from pipelines.features.stream import AGENT_FIGURES
from pipelines.history.ingest import ingest

PERSON = "MAGDA-7001"
# Every word by which the person can be known; each must lie in the home before, and nowhere after.
WORDS = (
    "magda-7001", "old-7001", "hd-88412", "bill-3390", "ct-5510", "quistorp", "magda.q@example.net",
    "5550199", "5550144", "zebrafink", "oktoberlicht", "old.name@example.net",
)  # fmt: skip
NOW = datetime(2026, 7, 1, 5, tzinfo=UTC)
NIGHTS = (date(2026, 6, 29), date(2026, 6, 30), date(2026, 7, 1))

CUSTOMERS = """customer_id,joined_at,parent_id,segment,name,email,phone,updated_at
MAGDA-7001,2024-08-01T00:00:00Z,,consumer,Magdalena Quistorp,magda.q@example.net,+49 30 5550199,
OLD-7001,2024-09-01T00:00:00Z,,consumer,Magdalena Quistorp,old.name@example.net,+49 30 5550144,
KIND-1,2024-09-01T00:00:00Z,MAGDA-7001,consumer,Kim Other,kim.other@example.net,+49 30 7770001,
CALM-1,2024-09-02T00:00:00Z,,consumer,Cal Other,cal.other@example.net,+49 30 7770002,
"""
TERMS = """customer_id,term_id,product,value_per_month,currency,started_at
MAGDA-7001,T-M1,monthly,40,EUR,2024-08-01T00:00:00Z
KIND-1,T-K1,monthly,30,EUR,2024-09-01T00:00:00Z
CALM-1,T-C1,monthly,20,EUR,2024-09-02T00:00:00Z
"""
HEAD = (
    "interaction_id,customer_id,contact_id,occurred_at,kind,channel,case_id,topic,value,text,"
    "updated_at,deleted_at\n"
)
INTERACTIONS = HEAD + (
    "p1,MAGDA-7001,ct-5510,2026-05-01T10:00:00Z,case_opened,email,k-1,billing,,my zebrafink,,\n"
    "p2,MAGDA-7001,,2026-05-02T10:00:00Z,message_out,email,k-1,,,dear Ms Quistorp,,\n"
    "p3,OLD-7001,,2026-05-03T10:00:00Z,order,,,shoes,12.5,oktoberlicht,,\n"
    "p4,hd-88412,,2026-05-04T10:00:00Z,order,,,shoes,9,,,\n"
    "p5,KIND-1,ct-5510,2026-05-05T10:00:00Z,order,,,shoes,5,nothing special,,\n"
    "p6,CALM-1,,2026-05-06T10:00:00Z,complaint,email,k-9,billing,,it hurts,,\n"
    "p7,bill-3390,,2026-05-07T10:00:00Z,order,,,shoes,7,,,\n"
    "p8,NOBODY-YET,,2026-05-07T10:00:00Z,order,,,shoes,7,,,\n"
    "p20,MAGDA-7001,,2026-05-07T10:00:00Z,order,,,shoes,7,,2026-06-01T00:00:00Z,"
    "2026-06-01T00:00:00Z\n"
    "p9,MAGDA-7001,,2026-05-08T10:00:00Z,complaint,email,k-2,billing,,zebrafink again,,\n"
)
CONTACTS = """contact_id,customer_id,name,email,phone
ct-5510,MAGDA-7001,Jo Quistorp,magda.q@example.net,+49 30 5550199
ct-0001,CALM-1,Pat Other,pat.other@example.net,+49 30 7770003
"""
CONSENTS = """customer_id,contact_id,channel,purpose,state,at
MAGDA-7001,,email,service,granted,2026-01-01T00:00:00Z
CALM-1,,email,service,granted,2026-01-01T00:00:00Z
"""
ATTRIBUTES = """customer_id,name,value,valid_from
MAGDA-7001,seats,3,2026-01-01T00:00:00Z
CALM-1,seats,2,2026-01-01T00:00:00Z
"""
SYSTEMS = "system,external_id,customer_id,merged_into,updated_at\n"
IDENTITIES = SYSTEMS + (
    "plants,hd-88412,MAGDA-7001,,2026-01-01T00:00:00Z\n"
    "billing,bill-3390,MAGDA-7001,,2026-01-01T00:00:00Z\n"
)
# Later: corrections, a merge, one that was taken back, and rows that cannot be used.
LATER = {
    "customers": CUSTOMERS.splitlines()[0] + "\n"
    "MAGDA-7001,2024-08-01T00:00:00Z,,consumer,Magda Quistorp,magda.q@example.net,"
    "+49 30 5550199,2026-06-01T00:00:00Z\n",
    "interactions": HEAD
    + "p1,MAGDA-7001,ct-5510,2026-05-01T10:00:00Z,case_opened,email,k-1,billing,,zebrafink two,"
    "2026-06-01T00:00:00Z,\n"
    "p10,MAGDA-7001,,2026-05-09T10:00:00Z,no_such_kind,email,,,,zebrafink,,\n"
    "p11,CALM-1,,2026-05-09T10:00:00Z,MAGDA-7001,email,,,,,,\n"
    "p12,CALM-1,,2026-05-09T10:00:00Z,no_such_kind,email,,,,,,\n",
    "identities": SYSTEMS
    + "plants,OLD-7001,OLD-7001,MAGDA-7001,2026-06-01T00:00:00Z\n"
    + "plants,CALM-1,CALM-1,MAGDA-7001,2026-06-01T00:00:00Z\n",
}
TAKEN_BACK = {"identities": SYSTEMS + "plants,CALM-1,CALM-1,,2026-06-02T00:00:00Z\n"}
FIRST = {
    "customers": CUSTOMERS, "terms": TERMS, "interactions": INTERACTIONS, "contacts": CONTACTS,
    "consents": CONSENTS, "attributes": ATTRIBUTES, "identities": IDENTITIES,
}  # fmt: skip


def sources(place: Path) -> list[Path]:
    """The folders to ingest, in their order; all of one source."""
    made = []
    for name, tables in (("1", FIRST), ("2", LATER), ("3", TAKEN_BACK)):
        folder = place / name / "plants"
        folder.mkdir(parents=True)
        for table, text in tables.items():
            (folder / f"{table}.csv").write_text(text, encoding="utf-8")
        made.append(folder)
    return made


def ingested(home: Home, place: Path) -> list[Path]:
    """Ingests the folders into `home`; gives them."""
    folders = sources(place)
    for folder in folders:
        ingest(home.history, folder, now=NOW, max_reject_share=1.0)
    return folders


def recorded(home: Home) -> None:
    """What the nights, the audit and the logs may say of a person, with an unfinished run."""
    home.nights.mkdir(exist_ok=True)
    for night in NIGHTS:
        current = home.scores / f"as_of={night}" / "current"
        facts = {
            "as_of": str(night), "run": current.read_text().strip(), "finished": True,
            "started": NOW.isoformat(), "held": False, "took": {},
            "done": {"ingest": {"crm": {"claims": [{"case_id": "case of MAGDA-7001"}]}},
                     "score": {"run": current.read_text().strip()}},
        }  # fmt: skip
        path = home.nights / f"as_of={night}.json"
        path.write_text(json.dumps(facts, indent=2), encoding="utf-8")
    for name, words in (("audit/publish", "asked by magda.q@example.net"), ("logs/nightly-2026-06",
                        "for OLD-7001")):  # fmt: skip
        path = home.root / f"{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        lines = [json.dumps({"reason": words}), json.dumps({"reason": "a holiday"})]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    dead = home.scores / f"as_of={NIGHTS[0]}" / "run=dead"
    dead.mkdir()
    (dead / "part-00000.parquet").write_bytes(b"MAGDA-7001")
    (home.worklists / f"as_of={NIGHTS[0]}" / ".worklist.csv.0a1b2c3d").write_text("OLD-7001")


def published(home: Home) -> None:
    """Scores and lists of all nights, as if a model had given them: for tests without one."""
    for night in NIGHTS:
        for run in ("20260701T040000.000000Z", "20260701T050000.000000Z"):
            _scores(home, night, run)
        knew = Night(int(NOW.timestamp()), int(NOW.timestamp()))
        served = Agents((knew,), np.full((1, 1, len(AGENT_FIGURES)), 0.5))
        context.write(home.context, night, run, knew, served, ["agent-1"])
        context.publish(home.context, night, run)
        publish(home.scores, night, run)
        origin = worklist.Origin(run, NOW, 1)
        rows = [_row(1, "CALM-1"), _row(2, PERSON), _row(3, "KIND-1")]
        table = pa.Table.from_pylist(rows, schema=worklist.worklist_schema())
        log = [{"decision_id": f"d{n}", "customer_id": row["customer_id"], "as_of": NOW}
               for n, row in enumerate(rows)]  # fmt: skip
        assigned = pa.Table.from_pylist(log, schema=worklist.assignments_schema())
        kept = [{"unit": row["customer_id"], "model_version": "1"} for row in rows]
        record = pa.Table.from_pylist(kept, schema=worklist.record_schema())
        worklist.publish(home.root, night, table, assigned, record, origin)


def _scores(home: Home, night: date, run: str) -> None:
    ids = [PERSON, "KIND-1", "CALM-1"]
    rows = [{"customer_id": one, "churn_probability": 0.1, "as_of": NOW} for one in ids]
    facts = {"feature_names": [], "code_version": "1", "model_version": "1", "watermarks": {},
             "checks": [{"name": "x", "ok": True, "words": f"such as {PERSON}"}],
             "scored_at": NOW}  # fmt: skip
    with BatchWriter(home.scores, night, run) as writer:
        due = [
            {"customer_id": one, "renewal_at": NOW, "non_renewal_probability": 0.1} for one in ids
        ]
        writer.renewing(pa.Table.from_pylist(due, schema=renewals_schema()))
        writer.add(pa.Table.from_pylist(rows[:1], schema=score_schema()))
        writer.add(pa.Table.from_pylist(rows[1:], schema=score_schema()))
        writer.not_scored(["OLD-7001", "x"], ["joined later", "joined later"])
        writer.named(hashed_names(["hd", "hd"], ["HD-88412", "HD-1"], [PERSON, "CALM-1"]))
        writer.finish(facts)


def _row(rank: int, customer_id: str) -> dict[str, Any]:
    return dict.fromkeys(WORKLIST_COLUMNS) | {"rank": rank, "customer_id": customer_id}


# A probability's digits hold a telephone number's by chance.
FRACTION = re.compile(r"\d\.\d{12,}")


def hits(root: Path, words: tuple[str, ...] = WORDS) -> dict[str, set[str]]:
    """Which of `words` each file of the folder holds, in its name, its bytes or its columns."""
    found: dict[str, set[str]] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            texts = [
                str(path.relative_to(root)),
                *(FRACTION.sub("", text) for text in _texts(path)),
            ]
            here = {word for word in words if any(word in text.lower() for text in texts)}
            if here:
                found[str(path.relative_to(root))] = here
    return found


def _texts(path: Path) -> Iterator[str]:
    """All that can be read in a file."""
    content = path.read_bytes()
    yield content.decode("utf-8", "replace")
    yield content.decode("utf-16-le", "replace")
    if content[:4] == b"PAR1":
        for column in pq.read_table(path, partitioning=None).columns:
            yield "\n".join(map(str, column.to_pylist()))
        yield str(pq.read_metadata(path).metadata)
    elif content[:2] == b"\x1f\x8b":
        yield gzip.decompress(content).decode("utf-8", "replace")
    elif content[:15] == b"SQLite format 3":
        connection = sqlite3.connect(path)
        yield "\n".join(connection.iterdump())
        connection.close()
    elif path.suffix in {".json", ".jsonl"}:
        for line in (
            content.decode().splitlines() if path.suffix == ".jsonl" else [content.decode()]
        ):
            yield json.dumps(json.loads(line), ensure_ascii=False)


def rejected(home: Home) -> list[dict[str, str]]:
    """Rows of all files of rejects."""
    rows = []
    for path in sorted((home.history / "rejects").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows += list(csv.DictReader(file))
    return rows
