"""A home for the endpoint's benchmark: the demo's, with a night of made-up customers published."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from benchmarks.harness import PROJECT, must, warmline
from models.batch import BatchWriter, ScoreBatch, publish
from models.contracts import score_schema
from models.errors import WarmlineError

NIGHT = date(2026, 7, 2)
SAMPLE = PROJECT / "data_samples" / "sample"
HISTORY_ROWS = 100


def name_of(number: int) -> str:
    """The id of a made-up customer."""
    return f"M{number:07d}"


def ready(root: Path, customers: int) -> Path:
    """The home at `root`, made where it is not yet, which takes two minutes."""
    if not (root / "champion").exists():
        must(warmline(root, "demo"))
    publish(root / "scores", NIGHT, written(root, f"made-up-{customers}", customers))
    return root


def written(root: Path, run: str, customers: int) -> str:
    """That run of the night, not published: real rows under other ids, as often as are needed."""
    scores = root / "scores"
    try:
        ScoreBatch.open(scores, NIGHT, run)
        return run
    except (WarmlineError, OSError):
        pass
    known = ScoreBatch.latest(scores, before=NIGHT)
    rows, facts = known.table(), dict(known.manifest.facts)
    place = rows.schema.get_field_index("customer_id")
    with BatchWriter(scores, NIGHT, run) as writer:
        for start in range(0, customers, 250_000):
            numbers = np.arange(start, min(start + 250_000, customers))
            part = rows.take(pa.array(numbers % rows.num_rows))
            ids = pa.array([name_of(number) for number in numbers.tolist()], pa.string())
            writer.add(part.set_column(place, score_schema().field(place), ids))
        writer.finish(facts)
    return run


def key(home: Path) -> str:
    """A new one, which opens everything."""
    made = warmline(home, "keys", "create", "bench", "--scope", "admin").facts
    return str(made["key"])


def history(customers: int) -> dict[str, Any]:
    """The body for `/score_history`: the sample's customers with about as many interactions as
    `HISTORY_ROWS`, each, of those who are scored: who has left costs neither features nor model."""
    chosen = (
        "SELECT customer_id FROM interactions "
        "ANTI JOIN (FROM terms WHERE coalesce(ended_at, notice_at) IS NOT NULL) "
        "USING (customer_id) "
        "SEMI JOIN (FROM customers WHERE profiling_objection = 'false') "
        f"USING (customer_id) GROUP BY 1 ORDER BY abs(count(*) - {HISTORY_ROWS}), 1 "
        f"LIMIT {customers}"
    )
    body: dict[str, Any] = {"as_of": "2026-07-01"}
    with duckdb.connect() as sample:
        for name in ("customers", "interactions", "terms"):
            file = f"read_csv('{SAMPLE}/{name}.csv', all_varchar = true)"
            sample.execute(f"CREATE VIEW {name} AS FROM {file}")
        for name in ("customers", "interactions", "terms"):
            found = sample.sql(f"FROM {name} WHERE customer_id IN ({chosen})").to_arrow_table()
            body[name] = [
                {column: cell for column, cell in row.items() if cell} for row in found.to_pylist()
            ]
    return body


def apart(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The same as a body for each customer, the first of them first."""
    tables = ("customers", "interactions", "terms")
    of: dict[str, dict[str, Any]] = {}
    for name in tables:
        for row in body[name]:
            empty = {"as_of": body["as_of"], **{one: [] for one in tables}}
            of.setdefault(row["customer_id"], empty)[name].append(row)
    return list(of.values())
