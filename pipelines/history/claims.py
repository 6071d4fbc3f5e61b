"""Claims: a source's own aggregates, never features, checked against what its events say.

A help desk keeps sums of each case as they stand today (first reply after 42 minutes, 3 replies).
They know the future of every earlier night, so none becomes a feature. But they are a second
opinion: a mapping's `claims.sql` yields them, and here the same figures are derived from the
interactions that came with them, by the definitions in CONTRACTS.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from models.contracts import KINDS
from models.errors import WarmlineError
from pipelines.history.engine import quoted

if TYPE_CHECKING:
    import duckdb

CLAIMS = "claims"  # claims.sql: SELECT case_id, metric, value, optionally hours
MAPPED = f"mapped_{CLAIMS}"
ALIKE_WITHIN = 60  # seconds: sources round to whole minutes
CALENDAR = "calendar"
SAYS = {
    "first_reply_seconds": "the first reply took as long",
    "resolution_seconds": "the solution took as long",
    "requester_wait_seconds": "the customer waited as long",
    "replies": "there were as many replies",
    "reopens": "the case was reopened as often",
}
IS_TIME = "ends_with(metric, '_seconds')"

# The rows of each case that a claim is about, in the order of `Events`: by time, then by kind.
ROWS = """
CREATE OR REPLACE TEMP TABLE claimed_rows AS
WITH newest AS (
    SELECT * FROM staged_interactions SEMI JOIN {claims} AS claims
        ON claims.case_id::VARCHAR = staged_interactions.case_id
    WHERE _problem IS NULL AND _file >= 0
    QUALIFY row_number() OVER (
        PARTITION BY _key ORDER BY greatest(updated_at, deleted_at) DESC NULLS LAST, rowid) = 1
)
SELECT case_id, kind, floor(epoch(occurred_at))::BIGINT AS happened, agent_id,
    agent_id IN (FROM {bots}) AS by_bot,
    kind IN ('message_out', 'call_out') AND coalesce(agent_id NOT IN (FROM {bots}), true) AS reply,
    kind IN ('message_in', 'call_in') AS message,
    kind IN ('message_in', 'call_in', 'case_reopened', 'complaint') AS word,
    kind IN ('case_pending', 'case_solved', 'case_closed') AS stop,
    row_number() OVER (PARTITION BY case_id ORDER BY
        happened, list_position({kinds}, kind), interaction_id) AS place
FROM newest WHERE deleted_at IS NULL
"""
BOTS = "(SELECT agent_id FROM staged_agents WHERE is_bot AND _problem IS NULL)"
NO_BOTS = "(SELECT NULL::VARCHAR WHERE false)"
# What the customer waits on: the opening, or their first message where the company opened.
CLOCKS = """
CREATE OR REPLACE TEMP TABLE claimed_clocks AS
WITH opened AS (
    SELECT case_id, place AS opened, happened AS opened_at,
        agent_id IS NOT NULL AND NOT by_bot AS by_company
    FROM claimed_rows WHERE kind = 'case_opened'
    QUALIFY row_number() OVER (PARTITION BY case_id ORDER BY place) = 1
)
SELECT case_id, opened, opened_at,
    CASE WHEN by_company THEN min(place) FILTER (message AND place > opened) ELSE opened END
        AS clock,
    CASE WHEN by_company THEN min(happened) FILTER (message AND place > opened) ELSE opened_at END
        AS clock_at
FROM opened JOIN claimed_rows USING (case_id)
GROUP BY case_id, opened, opened_at, by_company
"""
# A wait ends with a stop. Since the stop before, it began with the clock, or else with the first
# word after we asked back or the first reopening.
WAITS = """
CREATE OR REPLACE TEMP TABLE claimed_waits AS
WITH told AS (
    SELECT claimed_rows.*, clock,
        count(*) FILTER (stop) OVER before AS stretch,
        last_value(CASE WHEN stop THEN kind END IGNORE NULLS) OVER before AS last_stop
    FROM claimed_rows JOIN claimed_clocks USING (case_id)
    WHERE place >= opened
    WINDOW before AS (
        PARTITION BY case_id ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
stretches AS (
    SELECT case_id, max(happened) FILTER (stop) - coalesce(
        min(happened) FILTER (place = clock),
        min(happened) FILTER (kind = 'case_reopened' OR (word AND last_stop = 'case_pending')))
        AS waited
    FROM told GROUP BY case_id, stretch
)
SELECT case_id, sum(waited) AS waited FROM stretches GROUP BY case_id
"""
DERIVED = """
CREATE OR REPLACE TEMP TABLE derived_claims AS
UNPIVOT (
    SELECT case_id,
        (min(happened) FILTER (reply AND place > clock) - any_value(clock_at))::DOUBLE
            AS first_reply_seconds,
        (max(happened) FILTER (kind = 'case_solved' AND place > opened) - any_value(opened_at))
            ::DOUBLE AS resolution_seconds,
        any_value(waited)::DOUBLE AS requester_wait_seconds,
        (count(*) FILTER (reply AND place > opened))::DOUBLE AS replies,
        (count(*) FILTER (kind = 'case_reopened' AND place > opened))::DOUBLE AS reopens
    FROM claimed_rows JOIN claimed_clocks USING (case_id) LEFT JOIN claimed_waits USING (case_id)
    GROUP BY case_id
) ON COLUMNS(* EXCLUDE (case_id)) INTO NAME metric VALUE derived
"""
COMPARED = f"""
WITH claimed AS (
    SELECT case_id::VARCHAR AS case_id, metric, value::DOUBLE AS value,
        {IS_TIME} AND hours IS DISTINCT FROM '{CALENDAR}' AS other_hours
    FROM {{claims}} WHERE value IS NOT NULL
),
pairs AS (
    SELECT claimed.*, derived, abs(derived - value) AS difference,
        CASE WHEN {IS_TIME} THEN {ALIKE_WITHIN} ELSE 0 END AS tolerance
    FROM claimed SEMI JOIN claimed_clocks USING (case_id)
    LEFT JOIN derived_claims USING (case_id, metric)
)
SELECT metric,
    count(difference) FILTER (NOT other_hours),
    count(*) FILTER (NOT other_hours AND difference <= tolerance),
    median(difference) FILTER (NOT other_hours),
    max(difference) FILTER (NOT other_hours),
    arg_max(case_id, (difference, case_id)) FILTER (NOT other_hours AND difference IS NOT NULL),
    count(*) FILTER (NOT other_hours AND derived IS NULL),
    count(*) FILTER (other_hours)
FROM pairs GROUP BY metric
"""  # noqa: S608


@dataclass(frozen=True)
class Claim:
    """One metric that a source claims, against what its events say. Differences are absolute."""

    system: str
    metric: str
    compared: int  # cases with both figures
    equal: int  # within a minute for times, exactly for counts
    median_difference: float | None  # seconds or a count, over those compared
    largest_difference: float | None
    case_id: str | None  # the case of the largest difference
    not_derived: int  # cases for which the events that came have no such figure
    skipped: int  # given in business hours

    def lines(self) -> Iterator[str]:
        """The comparison in words."""
        if self.compared or self.not_derived:
            yield f"{self.system} says {SAYS[self.metric]} as we derive for {self._outcome()}"
        if self.skipped:
            what = self.metric.removesuffix("_seconds").replace("_", " ")
            yield (
                f"{self.system} gives the {what} of {self.skipped:,} cases in business hours: not"
                " compared, since what we derive is calendar time"
            )

    def _outcome(self) -> str:
        words = f"{self.equal:,} of {self.compared:,} cases"
        if self.equal < self.compared and self.largest_difference is not None:
            largest = self._amount(self.largest_difference)
            words += f"; the largest difference is {largest}, case {self.case_id}"
        if self.not_derived:
            words += f"; for {self.not_derived:,} more the events have none"
        return words

    def _amount(self, difference: float) -> str:
        if not self.metric.endswith("_seconds"):
            return f"{difference:,.0f}"
        for seconds, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
            if difference >= seconds:
                return f"{difference / seconds:,.1f} {unit}"
        return f"{difference:,.0f} s"


def check(connection: duckdb.DuckDBPyConnection, system: str) -> list[Claim]:
    """What the mapping of `system` claims, against the staged interactions, a row a metric.

    Empty where the mapping claims nothing. Cases whose opening did not come are left alone: what
    is derived from half a case is no second opinion. Raises `WarmlineError` where `claims.sql`
    yields other columns or metrics than CONTRACTS.md defines.
    """
    columns = _columns(connection, MAPPED)
    if not columns or not _columns(connection, "staged_interactions"):
        return []
    _refuse_unknown(connection, system, columns)
    hours = "*" if "hours" in columns else f"*, '{CALENDAR}' AS hours"
    claims = f"(SELECT {hours} FROM {MAPPED})"  # noqa: S608
    bots = BOTS if _columns(connection, "staged_agents") else NO_BOTS
    kinds = "[" + ", ".join(map(quoted, KINDS)) + "]"
    connection.execute(ROWS.format(claims=claims, bots=bots, kinds=kinds))
    for step in (CLOCKS, WAITS, DERIVED):
        connection.execute(step)
    rows = connection.execute(COMPARED.format(claims=claims)).fetchall()
    order = list(SAYS)
    return sorted((Claim(system, *row) for row in rows), key=lambda c: order.index(c.metric))


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    """Names of a table's columns; none where there is no such table."""
    found = connection.execute(
        "SELECT column_name FROM duckdb_columns() WHERE table_name = ?", [table]
    )
    return {column for (column,) in found.fetchall()}


def _refuse_unknown(connection: duckdb.DuckDBPyConnection, system: str, columns: set[str]) -> None:
    missing = [column for column in ("case_id", "metric", "value") if column not in columns]
    if missing:
        raise WarmlineError(
            f"{system}/{CLAIMS}.sql yields no column `{missing[0]}`: it needs case_id, metric and"
            " value. Nothing was changed."
        )
    known = ", ".join(map(quoted, SAYS))
    unknown = connection.execute(
        f"SELECT DISTINCT metric FROM {MAPPED} WHERE metric NOT IN ({known}) ORDER BY 1"  # noqa: S608
    ).fetchall()
    if unknown:
        raise WarmlineError(
            f"{system}/{CLAIMS}.sql names the metric {unknown[0][0]}, which is none of"
            f" {', '.join(SAYS)}. Nothing was changed."
        )
