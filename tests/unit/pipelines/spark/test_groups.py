"""Rows of a lake in a task: a customer is whole before it is computed, however batches fall."""

import pickle
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from models.errors import WarmlineError
from models.settings import Promises
from pipelines.features import matrix
from pipelines.features.declared import Attributes
from pipelines.history.lags import Lags
from pipelines.history.words import lexicon
from pipelines.spark import groups
from pipelines.spark.groups import CELL, InGroups, Reading, Refused
from pipelines.spark.tasks import OfEvents, OfRows, Task
from pipelines.walks import Rows, Wanted

NIGHT = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
HOUR = 3_600
USE = matrix.column("usage_count_365")
# Of bucket 0 ada, bob and cy, of bucket 1 dot and eve; eve never came, cy is not asked about.
ROWS = ["ada"] * 3 + ["bob"] * 5 + ["cy"] * 2 + ["nobody"] + ["dot"] * 4
EXPECTED = {0: 3, 1: 5, 3: 4, 4: 0}


def task(bucket: int, *customers: int) -> Task:
    numbers = np.array(customers, np.int32)
    everything = np.ones((1, len(numbers)), np.bool_)
    joined = np.full(len(numbers), NIGHT - 400 * 86_400)
    wanted = Wanted(everything, everything, 365)
    return Task(bucket, None, numbers, joined, None, Attributes.none(), wanted)


def sorted_rows() -> pa.RecordBatch:
    """As Spark hands them over: a bucket's task, then its rows by customer."""
    cells = {0: (task(0, 0, 1), ["ada", "bob"], ["cy"]), 1: (task(1, 3, 4), ["dot", "eve"], [])}
    found = []
    for bucket, cell in cells.items():
        found.append({"bucket": bucket, CELL: pickle.dumps(cell)})
        mine = [name for name in ROWS if (name == "dot") == bool(bucket)]
        found += [
            {
                "bucket": bucket,
                "interaction_id": f"{bucket}-{place}",
                "customer_id": name,
                "occurred_at": datetime.fromtimestamp(NIGHT - HOUR * (place + 1), UTC),
                "kind": "usage",
                "value": 1.0,
                "source": "log",
            }
            for place, name in enumerate(mine)
        ]
    schema = pa.schema(
        [("bucket", pa.int32()), (CELL, pa.binary()), ("interaction_id", pa.string()),
         ("customer_id", pa.string()), ("occurred_at", pa.timestamp("us", "UTC")),
         ("kind", pa.string()), ("value", pa.float64()), ("source", pa.string())]
    )  # fmt: skip
    return pa.RecordBatch.from_pylist(found, schema=schema)


class Used:
    """How often each customer used the product."""

    def __call__(self, rows: Rows) -> dict[int, float]:
        return dict(zip(rows.customers.tolist(), rows.values[:, USE].tolist(), strict=True))


READING = Reading(
    "UTC",
    NIGHT + HOUR,
    {"agent": (), "source": ("log",)},
    Lags(np.ones((1, 40, 17))),
    (),
    lexicon(),
)
WORK = OfRows(
    (matrix.Night(NIGHT, NIGHT + HOUR),),
    matrix.Context(np.empty(0, np.bool_), matrix.promise_seconds(Promises())),
    Used(),
    matrix.fingerprint(),
)


def answers(many: int, work: OfRows | OfEvents = WORK) -> list:
    """What comes of the rows in batches of `many`."""
    rows = sorted_rows()
    batches = (rows.slice(start, many) for start in range(0, rows.num_rows, many))
    return [pickle.loads(one.column(0)[0].as_py()) for one in InGroups(READING, work)(batches)]  # noqa: S301


@pytest.mark.parametrize("most", [1, 4, 1_000])
@pytest.mark.parametrize("many", [1, 2, 5, 1_000])
def test_each_customer_is_computed_once_with_every_row(monkeypatch, many, most):
    monkeypatch.setattr(groups, "GROUP_ROWS", most)
    found = answers(many)
    told = [one for one in found if isinstance(one, Refused)]
    used = [one for one in found if isinstance(one, dict)]
    names = [number for one in used for number in one]
    assert sorted(names) == sorted(set(names))
    assert {number: count for one in used for number, count in one.items()} == EXPECTED
    # The rows of who is not asked about are neither read nor refused.
    assert sum(one.rows for one in told) == 12
    assert sum(one.nobody for one in told) == 1


def test_rows_waiting_for_their_customer_are_few(monkeypatch):
    monkeypatch.setattr(groups, "GROUP_ROWS", 4)
    sizes = [one.rows for one in answers(1) if isinstance(one, Refused)]
    assert max(sizes) <= 8


def test_labels_read_the_same_rows():
    assert sum(one for one in answers(3, OfEvents(len)) if isinstance(one, int)) == 12


def test_another_version_of_the_features_is_refused():
    with pytest.raises(WarmlineError, match="other features than the driver"):
        answers(5, replace(WORK, fingerprint="another"))
