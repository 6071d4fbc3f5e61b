"""The same figures on Spark as by the reference: specs, random histories, nights of the past."""

from __future__ import annotations

import importlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from hypothesis import Phase
from hypothesis import given as drawn
from hypothesis import settings as drawing

from models.contracts import DAY
from models.settings import Settings, SparkTable
from models.settings import Spark as Asked
from pipelines.features import matrix, reference
from pipelines.history.events import Events
from pipelines.history.ingest import ingest
from pipelines.history.store import History
from pipelines.spark.engine import Spark
from pipelines.spark.tables import Tables
from pipelines.walks import Local
from tests.spark import Computed, assert_close, everyone, rows_of
from tests.spec.features import table
from tests.unit.pipelines.features import contract_rows, engines, histories

FAR = 4_000_000_000  # seconds: after every row


HEAD = "interaction_id,customer_id,occurred_at,kind,value,recorded_at,updated_at,deleted_at"


def test_a_past_night_is_replayed_as_it_was_known(spark, tmp_path):
    """Rows that came late, were corrected and were deleted, over two ingests."""
    source = tmp_path / "crm"
    source.mkdir()
    told = (
        ("1,a,2026-01-02T10:00:00Z,order,5,,,", "2,b,2026-01-03T10:00:00Z,order,7,,,"),
        (
            "1,a,2026-01-02T10:00:00Z,order,50,,2026-02-10T00:00:00Z,",
            "2,b,2026-01-03T10:00:00Z,order,7,,2026-02-11T00:00:00Z,2026-02-11T00:00:00Z",
            "3,a,2026-01-20T10:00:00Z,order,9,2026-02-12T00:00:00Z,,",
        ),
    )
    days = "a,2025-01-01T00:00:00Z\nb,2025-01-01T00:00:00Z\n"
    (source / "customers.csv").write_text("customer_id,joined_at\n" + days)
    for month, rows in enumerate(told, 2):
        (source / "interactions.csv").write_text("\n".join((HEAD, *rows)) + "\n")
        ingest(tmp_path / "history", source, now=datetime(2026, month, 20, tzinfo=UTC))
    history = History.open(tmp_path / "history")
    february, march = (int(datetime(2026, month, 1, tzinfo=UTC).timestamp()) for month in (2, 3))
    nights = [matrix.Night(february, february + 3600), matrix.Night(march, march + 3600)]
    walk = everyone(history, nights, Settings())
    values = rows_of(Spark(spark), walk)
    assert values[:, :, matrix.column("order_sum_365")].tolist() == [[5, 7], [59, 0]]
    assert_close(values, rows_of(Local(), walk))
    then = History.open(tmp_path / "history").at(1)
    before = everyone(then, nights, Settings())
    assert_close(rows_of(Spark(spark), before), rows_of(Local(), before))


def test_every_spec_holds_on_spark(spark):
    for path in Path(table.__file__).parent.glob("test_*.py"):
        importlib.import_module(f"tests.spec.features.{path.stem}")
    examples = list(table.EXAMPLES.values())
    assert len(examples) > 50
    found = dict(Spark(spark).run(examples, Computed()))
    for title, spec in table.SPECS.items():
        got = found[title][0, :, matrix.column(spec.feature)]
        assert_close(got, np.array([*spec.expected.values()], np.float64))


def random_interactions(many: int) -> list[dict[str, Any]]:
    """Contract rows of so many random histories of two customers each, `000`, `001` and so on."""
    found: list[dict[str, Any]] = []

    @drawing(max_examples=many, database=None, deadline=None, phases=[Phase.generate])
    @drawn(histories.histories().map(engines.acceptable))
    def collect(rows: list[dict[str, Any]]) -> None:
        first = len(found)
        found.extend(
            row | {"customer": 2 * collected[0] + row["customer"]}
            | {"interaction": first + row["interaction"]}
            for row in rows
        )  # fmt: skip
        collected[0] += 1

    collected = [0]
    collect()
    return contract_rows.contract(found)


def test_random_histories_are_on_spark_what_the_reference_says(spark, tmp_path):
    """Versions, deletions, late rows and ties, from our history and from a lake."""
    rows = random_interactions(60)
    names = sorted({row["customer_id"] for row in rows})
    assert len(names) > 50
    tables = contract_rows.tables(rows, dict.fromkeys(names, engines.JOINED))
    source = tmp_path / "crm"
    source.mkdir()
    for name, table_ in tables.items():
        pq.write_table(table_, source / f"{name}.parquet")
    ingest(tmp_path / "history", source, now=datetime.fromtimestamp(FAR, UTC))
    history = History.open(tmp_path / "history")
    nights = [matrix.Night(histories.AS_OF - 40 * DAY, histories.AS_OF - 40 * DAY + 3600)]
    nights.append(matrix.Night(histories.AS_OF, histories.AS_OF + 30 * 3600))
    walk = everyone(history, nights, Settings())
    told = reference.compute(
        Events.concatenate([history.versions(bucket) for bucket in range(history.buckets)]),
        np.arange(len(names), dtype=np.int32),
        history.people().joined,
        nights,
        walk.context,
    )
    ours = rows_of(Spark(spark), walk)
    assert engines.differing(ours, told) == set()
    asked = Asked(
        tables={name: SparkTable(path=str(source / f"{name}.parquet")) for name in tables}
    )
    settings = Settings(spark=asked)
    lake = Tables(spark, settings, FAR)
    head = lake.history(tmp_path, ())
    context = lake.context(head, settings, nights)
    theirs = rows_of(lake, replace(everyone(head, nights, settings), context=context))
    assert engines.differing(theirs, ours) == set()
    assert lake.notes() == []
