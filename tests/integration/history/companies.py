"""Companies in a database, for the tests of databases as sources."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg

from pipelines.history.addresses import parse
from pipelines.history.ingest import ingest
from pipelines.history.report import IngestReport
from pipelines.history.schema import TABLE
from pipelines.history.sources import columns_of
from pipelines.history.store import History
from tests.integration.history.conftest import NOW

SAMPLE = Path(__file__).parents[3] / "data_samples" / "sample"
TYPES = {
    "text": "text", "time": "timestamptz", "date": "date", "number": "numeric", "flag": "boolean",
}  # fmt: skip
TABLES = """
CREATE TABLE customers (customer_id text PRIMARY KEY, joined_at timestamptz, segment text,
    email text, updated_at timestamptz NOT NULL DEFAULT '2026-05-01Z');
CREATE TABLE interactions (interaction_id bigint PRIMARY KEY, customer_id text,
    occurred_at timestamptz, kind text, topic text, value numeric(10,2),
    updated_at timestamptz NOT NULL, deleted_at timestamptz);
INSERT INTO customers (customer_id, joined_at)
    VALUES ('acme', '2025-01-01Z'), ('bolt', '2025-02-01Z');
INSERT INTO interactions (interaction_id, customer_id, occurred_at, kind, topic, value, updated_at)
SELECT n, CASE n % 2 WHEN 0 THEN 'acme' ELSE 'bolt' END, moment, 'order', 'shoes', n, moment
FROM generate_series(1, 100) AS n, LATERAL (SELECT '2026-01-01Z'::timestamptz + n * interval '1 day'
    AS moment) AS at;
"""


@dataclass
class Company:
    """A database and the history that is read from it."""

    root: Path
    url: str

    @property
    def history(self) -> Path:
        return self.root / "history"

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Runs statements, one transaction each; returns the last one's rows."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            for statement in statements:
                cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def ingest(self, **options: Any) -> IngestReport:
        address = parse(options.pop("url", self.url), {}, name=options.pop("name", None))
        return ingest(self.history, address, **({"now": NOW, "lag": timedelta(days=3)} | options))

    def open(self) -> History:
        return History.open(self.history)

    def topics(self) -> dict[str, str | None]:
        frame = self.open().table("interactions")
        assert frame is not None
        return dict(zip(frame["interaction_id"], frame["topic"], strict=True))

    def mapping(self, **files: str) -> Path:
        """A mapping; `source__NAME` is its SELECT that the database runs."""
        folder = self.root / "mapping"
        for name, text in files.items():
            path = folder / f"{name.replace('__', '/')}.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return folder


def load_sample(connection: psycopg.Connection[Any], until: str = "infinity") -> None:
    """The sample's files as tables of the contract's types; interactions before `until`."""
    for path in sorted(SAMPLE.glob("*.csv")):
        with path.open(encoding="utf-8") as file:
            header = next(csv.reader(file))
            types = {column.name: TYPES[column.type] for column in columns_of(TABLE[path.stem])}
            spelled = ", ".join(f'"{name}" {types.get(name, "text")}' for name in header)
            connection.execute(f'CREATE TABLE "{path.stem}" ({spelled})')
            with connection.cursor().copy(f'COPY "{path.stem}" FROM STDIN (FORMAT csv)') as copy:
                copy.write(file.read())
    connection.execute("DELETE FROM interactions WHERE occurred_at >= %s::timestamptz", [until])
