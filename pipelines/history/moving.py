"""Rows that a merge takes to another customer: taken out where they lie, written where they go.

All versions of a row move, so that past nights of the survivor see what was known of each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.history import cases
from pipelines.history.events import NONE
from pipelines.history.manifest import Manifest, Part
from pipelines.history.merging import Rows
from pipelines.history.parts import MOVED, Notes, with_notes

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

MOVING_CASES = """
CREATE OR REPLACE TEMP TABLE moving_cases AS
SELECT moved.customer, moved.before, moved."case" AS old_case, case_id, occurred_at
FROM moved_cases AS moved
JOIN ({cases}) AS known
    ON known.customer = moved.before AND known."case" = moved."case"
"""
NO_CASES = (
    "CREATE OR REPLACE TEMP TABLE moving_cases (customer INTEGER, before INTEGER, "
    "old_case INTEGER, case_id VARCHAR, occurred_at TIMESTAMPTZ)"
)
# A case has a number of its own with each customer.
NUMBERS = """
SELECT DISTINCT before, moving_cases.customer, old_case, cases."case" AS number
FROM moving_cases JOIN cases USING (customer, case_id)
"""


@dataclass(frozen=True)
class Leaving:
    """Rows of one part under their new customers, their cases still numbered as with `before`."""

    rows: Rows
    before: NDArray[np.int32]  # customer of each row until now


def leaving(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The rows in `moving`. Makes `moving_cases`, empty."""
    connection.execute(NO_CASES)
    return connection.execute("SELECT * FROM moving ORDER BY filename, row").df()


def take_moving(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    where: Path,
    manifest: Manifest,
    frame: pd.DataFrame,
) -> tuple[tuple[Part, ...], list[Leaving]]:
    """The parts without the rows of `frame` (`leaving`), and those rows.

    Fills `moving_cases`, so that coding gives their cases a number with their new customers.
    """
    parts = {str(folder / part.side.path): part for part in manifest.parts}
    moved, generation = [], manifest.generation
    for side, group in frame.groupby("filename"):
        part = parts[str(side)]
        rows, number = Rows.read(folder, part), group["row"].to_numpy(np.int32)
        parts[str(side)] = _without(folder, where, part, rows.notes, number, generation)
        moved.append(_leaving(rows.take(number.astype(np.intp)), group, generation))
    _name_cases(connection, folder, manifest, moved)
    return tuple(parts.values()), moved


def numbered(connection: duckdb.DuckDBPyConnection, moved: list[Leaving]) -> Rows:
    """The moved rows, sorted, with the case numbers that `cases` gives to their new customers."""
    import pandas as pd

    numbers = connection.execute(NUMBERS).df()
    pieces = []
    for leaving in moved:
        events = leaving.rows.events
        keys = pd.DataFrame(
            {"before": leaving.before, "customer": events.customer, "old_case": events.case}
        )
        found = keys.merge(numbers, how="left", on=list(keys.columns))["number"]
        case = found.fillna(NONE).to_numpy(np.int32)
        pieces.append(replace(leaving.rows, events=replace(events, case=case)))
    return Rows.union(pieces)


def _without(
    folder: Path, where: Path, part: Part, notes: Notes, rows: np.ndarray, generation: int
) -> Part:
    none = np.zeros(len(rows))
    moved = Notes.of([rows, none, none, none + MOVED, none + generation])
    return with_notes(folder, where, part, Notes.union([notes, moved]))


def _leaving(rows: Rows, group: pd.DataFrame, generation: int) -> Leaving:
    import pyarrow as pa

    side = rows.side
    owner = group["owner"].to_numpy(np.int32)
    written = np.full(len(owner), generation, np.int32)
    for name, values in (("owner", owner), ("generation", written)):
        place = side.schema.get_field_index(name)
        side = side.set_column(place, name, pa.array(values))
    events = replace(rows.events, customer=group["customer"].to_numpy(np.int32))
    return Leaving(Rows(events, side, rows.notes), rows.events.customer)


def _cases(leaving: Leaving) -> pd.DataFrame:
    """Which cases leave: of whom, to whom, and when they began."""
    import pandas as pd

    events = leaving.rows.events
    frame = pd.DataFrame(
        {
            "before": leaving.before,
            "customer": events.customer,
            "case": events.case,
            "occurred_at": pd.to_datetime(events.at, unit="s", utc=True),
        }
    )
    named = frame[frame["case"] != NONE]
    return named.groupby(["before", "customer", "case"])["occurred_at"].min().reset_index()


def _name_cases(
    connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest, moved: list[Leaving]
) -> None:
    import pandas as pd

    moved_cases = pd.concat([_cases(leaving) for leaving in moved], ignore_index=True)
    if not len(moved_cases):
        return
    connection.register("moved_cases", moved_cases)
    connection.execute(MOVING_CASES.format(cases=cases.known(folder, manifest.cases)))
    connection.unregister("moved_cases")
