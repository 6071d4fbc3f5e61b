"""Reading a source: every table staged, every row judged by itself."""

from __future__ import annotations

from functools import partial

from models.errors import WarmlineError
from pipelines.history import (
    claims,
    database,
    dictionaries,
    identities,
    leaving_out,
    mapped,
    sources,
)
from pipelines.history.addresses import Address
from pipelines.history.engine import count
from pipelines.history.rejects import by_reason, collect
from pipelines.history.rejects import count as count_rejects
from pipelines.history.report import Counts
from pipelines.history.running import Run
from pipelines.history.schema import CUSTOMERS, IDENTITIES, TABLES, Table
from pipelines.history.sources import Feed, Found
from pipelines.history.staging import Staged, stage

AHEAD = 86_400  # seconds that a past time may lie ahead: clocks and time zones differ


def read(run: Run) -> None:
    """Stages every table of the run's source.

    Raises `WarmlineError` where it cannot be read, or too much of it cannot be used.
    """
    order = run.order
    found = _found(run)
    run.ignored, run.left_out = found.ignored, found.left_out
    for table in TABLES:
        feeds = [feed for feed in found.feeds if feed.table is table]
        if feeds:
            order.progress(f"reading {table.name}")
            read_table(run, table, feeds)
    if order.mapping:
        run.claims = claims.check(run.connection, order.mapping.name)
    _refuse_too_many(run)


def _found(run: Run) -> Found:
    """What the source holds: of a database, of a mapping's SELECTs, or of a folder."""
    order = run.order
    if isinstance(order.source, Address):
        last = {} if order.full else run.before.reads.get(order.source.name, {})
        asked = database.Reading(
            order.source, order.mapping, last, order.lag, order.now, order.progress
        )
        run.fetched = database.read(run.connection, asked)
        return run.fetched.found
    if order.mapping:
        order.progress("running the mapping")
        folder = mapped.find_mapping(order.mapping)
        return mapped.run_mapping(run.connection, folder, order.source)
    return sources.find(run.connection, order.source)


def read_table(run: Run, table: Table, feeds: list[Feed]) -> None:
    """Stages the rows of one table and judges each by itself."""
    order = run.order
    latest = int(order.now.timestamp()) + AHEAD
    waiting = run.before.pending is not None
    staged = stage(run.connection, feeds, source=order.named, latest=latest, more=waiting)
    run.staged[table.name] = staged
    omit = run.omit
    erased, too_old = leaving_out.mark(run.connection, staged, omit, partial(_living, run, table))
    if table is IDENTITIES:
        identities.refuse_circles(run.connection, order.history, run.before, staged)
    run.rejects += leaving_out.unnamed(collect(run.connection, staged), omit)
    run.ignored += _columns_not_read(staged)
    rows = count(run.connection, staged.name) + len(staged.broken)
    rejected = count_rejects(run.connection, staged)
    run.counts[table.name] = Counts(rows=rows, rejected=rejected, erased=erased, too_old=too_old)


def _living(run: Run, table: Table) -> set[str]:
    """Ids of customers who are there, or come with this ingest, before `table` is looked at."""
    ids = set(dictionaries.read_words(run.order.history, run.before, "customer"))
    if "customers" in run.staged and table is not CUSTOMERS:
        query = "SELECT DISTINCT customer_id FROM staged_customers WHERE _problem IS NULL"
        ids |= {customer for (customer,) in run.connection.execute(query).fetchall()}
    return ids


def _columns_not_read(staged: Staged) -> list[str]:
    if staged.table.open_ended:
        return []
    names = sorted({column for feed in staged.files for column in feed.others})
    return [f"column `{column}` of {staged.table.name}" for column in names]


def _refuse_too_many(run: Run) -> None:
    rows = sum(counts.rows for counts in run.counts.values())
    rejected = sum(counts.rejected for counts in run.counts.values())
    if rejected <= run.order.max_reject_share * rows:
        return
    reasons = by_reason(run.rejects)
    told = "\n".join(f"  {reason}" for reason in reasons)
    raise WarmlineError(
        f"{rejected:,} of {rows:,} rows cannot be used ({rejected / rows:.1%}, at most "
        f"{run.order.max_reject_share:.1%} is allowed):\n{told}\nNothing was changed.",
        rejected=[reason.to_dict() for reason in reasons],
    )
