"""Ingest: a source folder is checked, compared with what is known, and added as one generation.

All reading, checking and comparing happens in a staging folder; the history itself changes in one
step at the end. A source that brings nothing new changes nothing at all.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from models.errors import WarmlineError
from pipelines.history import (
    coding,
    conflicts,
    dictionaries,
    mapped,
    numbering,
    people,
    small,
    sources,
    totals,
    twocases,
)
from pipelines.history.addresses import Address
from pipelines.history.chains import WAITED
from pipelines.history.engine import beside, connect, count, quoted
from pipelines.history.failures import said_plainly
from pipelines.history.leaving_out import Omit
from pipelines.history.manifest import Manifest, publish, read_current, sweep
from pipelines.history.reading import read
from pipelines.history.rejects import by_reason
from pipelines.history.rejects import write as write_rejects
from pipelines.history.report import IngestReport
from pipelines.history.running import Order, Run
from pipelines.history.schema import INTERACTIONS
from pipelines.history.staging import stage
from pipelines.history.verdicts import judge
from pipelines.history.words import OURS, Lexicon, coder
from pipelines.history.writing import WRITERS, Draft, Progress
from pipelines.lock import exclusive

# Bytes of source files, which packed may hold ten times as much: more goes into a database file.
IN_MEMORY = 64_000_000


def ingest(
    home_history: Path,
    source: Path | Address,
    *,
    mapping: Path | None = None,
    dry_run: bool = False,
    max_reject_share: float = 0.01,
    timezone: str = "UTC",
    now: datetime,
    progress: Progress | None = None,
    memory_gb: float = 2.0,
    threads: int = 1,
    lag: timedelta = timedelta(days=3),
    full: bool = False,
    omit: Callable[[], Omit] = Omit,
    precedence: tuple[str, ...] = (),
    lexicon: Lexicon = OURS,
) -> IngestReport:
    """Adds the folder or database `source` to the history in `home_history`.

    Of a database only what is newer than the last ingest's watermark less `lag` is read; with
    `full` all of it.
    `timezone` (IANA) is where times without an offset are read. Above `max_reject_share` of a
    source's rows the ingest fails whole. `omit` says, once no other
    ingest can run, which rows are left out. `progress` is called with words as each step begins.
    `precedence` of sources is only for the report: which one counts where they differ.
    `lexicon` is what words are coded by; where it is another than before, all are coded anew.
    Raises `Busy` while another ingest runs, and `WarmlineError` for whatever cannot be read or
    written; the history is then as it was.
    """
    order = Order(
        home_history, source, mapping, dry_run, max_reject_share, timezone, now,
        progress or (lambda _: None), memory_gb, threads, lag, full, omit,
        precedence, lexicon,
    )  # fmt: skip
    with said_plainly(home_history), _staging(order) as staging, ThreadPoolExecutor(1) as last:
        before = read_current(home_history) or Manifest()
        with connect(
            staging / "ingest.duckdb" if _is_large(order, before) else None,
            timezone=timezone, memory_gb=memory_gb, threads=threads, spill=staging / "spill",
        ) as connection:  # fmt: skip
            run = Run(order, connection, before, staging)
            with dictionaries.loading(connection, home_history, before, "customer"):
                read(run)
            compare(run)
            _refuse_nobody(run)
            report = _conclude(run, last)
        if run.published:
            run.published.result()
            order.progress("published")
        return report


@contextmanager
def _staging(order: Order) -> Iterator[Path]:
    """A folder to work in. A dry run works elsewhere and leaves the history alone."""
    if order.dry_run:
        with tempfile.TemporaryDirectory(prefix="warmline-") as elsewhere:
            yield Path(elsewhere)
        return
    order.history.mkdir(parents=True, exist_ok=True)
    with exclusive(order.history / ".lock", "ingest"):
        order.progress("sweeping up after earlier runs")
        sweep(order.history)
        staging = order.history / "staging"
        staging.mkdir()
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)
            _sweep_quietly(order.history)


def _is_large(order: Order, before: Manifest) -> bool:
    """Whether what comes may not fit into memory. A database in a file packs what is staged, which
    takes five times as long as to stage it."""
    if isinstance(order.source, Address):
        return order.full or order.source.name not in before.reads
    files = (path for path in order.source.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files) > IN_MEMORY


def _sweep_quietly(history: Path) -> None:
    """Remove what this run no longer needs. Where that fails, the next run does it."""
    try:
        sweep(history)
    except (OSError, WarmlineError):
        return


def compare(run: Run) -> None:
    """Finds out what of the staged rows is new."""
    history, before = run.order.history, run.before
    run.order.progress("comparing with what is known")
    for table, staged in run.staged.items():
        if small.is_small(table):
            read = run.counts[table]
            found = small.compare(run.connection, history, staged, before, read.rejected)
            run.counts[table] = replace(found, erased=read.erased)
    settle(run)
    totals.count_interactions(run.connection, run.counts)
    if "interactions" in run.counts:
        run.counts["interactions"].conflicting_ids = conflicts.same_age(run.connection)


def settle(run: Run) -> None:
    """Numbers the customers, and finds out whose each interaction is and what it brings. Needs
    `words_customer`, and `fresh_TABLE` of each small table that came."""
    history, before = run.order.history, run.before
    run.new_customers = numbering.number_customers(run.connection, history, before, run.staged)
    _take_up_pending(run)
    judge(run.connection, history, before)
    coding.place(run.connection, history, before, run.staged)


def _refuse_nobody(run: Run) -> None:
    if run.before.customers + run.new_customers == 0:
        raise WarmlineError(
            f"{run.order.source} brings no customers, and none are known yet: bring the table"
            " customers first, or together with the interactions. Nothing was changed."
        )


def _take_up_pending(run: Run) -> None:
    """Has the interactions that wait for their customer arrive once more."""
    if "interactions" not in run.staged:
        empty = sources.empty_feed(INTERACTIONS)
        stage(run.connection, [empty], source="", latest=0)
    if run.before.pending is None:
        return
    path = quoted(str(run.order.history / run.before.pending.path))
    run.connection.execute(
        f"INSERT INTO staged_interactions BY NAME SELECT *, {WAITED} AS _file, 0 AS _naive "  # noqa: S608
        f"FROM read_parquet({path})"
    )


def _conclude(run: Run, last: Executor) -> IngestReport:
    """Has `last` publish what is new, if anything is, and reports meanwhile."""
    tables = [
        table for table in run.staged
        if small.is_small(table) and count(run.connection, f"fresh_{table}")
    ]  # fmt: skip
    arriving = totals.arriving(run.connection)
    changed = bool(tables or arriving or totals.anything_else(run.connection) or _coded_before(run))
    written = None
    if not run.order.dry_run:
        if run.rejects:
            written = write_rejects(
                run.order.history / "rejects",
                mapped.default_source(run.order.source),
                run.rejects,
            )
        if changed:
            finished = _write(run, tables, arriving)
            run.order.progress("publishing")
            run.published = last.submit(publish, run.order.history, finished)
    return _report(run, changed, written)


def _coded_before(run: Run) -> bool:
    """Whether there are words that another lexicon coded, or none."""
    return bool(run.before.parts) and run.before.lexicon != run.order.lexicon.version


def _write(run: Run, tables: list[str], arriving: int) -> Manifest:
    """Writes the new generation, to which nothing refers yet."""
    order = run.order
    manifest = replace(
        run.before,
        generation=run.before.generation + 1,
        ingested_at=order.now.isoformat(),
        customers=run.before.customers + run.new_customers,
        reads=_reads(run),
        lexicon=order.lexicon.version,
    )
    with ThreadPoolExecutor(WRITERS) as writers:
        draft = Draft(
            run.connection, order.history, manifest, run.before, int(order.now.timestamp()),
            order.progress, coder(order.lexicon), writers,
        )  # fmt: skip
        draft.where.mkdir()
        draft.tables(tables)
        new = {"customer": run.new_customers}
        draft.note()
        if arriving or draft.moved:
            new |= draft.interactions(run.staging, arriving)
        if _coded_before(run):
            draft.recode()
        draft.words(new)
        draft.pending()
        manifest = _with_conflicts(run, draft)
    return _with_people(run, draft.where, manifest)


def _with_conflicts(run: Run, draft: Draft) -> Manifest:
    """The finished manifest with what its sources tell differently: of the small tables that is
    found out while interactions are written."""
    order = run.order
    order.progress("comparing the sources")
    with beside(run.connection) as connection:
        found = conflicts.of_tables(connection, order.history, draft.manifest, order.precedence)
    manifest = draft.finish()
    found += twocases.of_cases(order.history, manifest, conflicts.EXAMPLES)
    ids = dictionaries.read_words(order.history, manifest, "customer") if found else []
    run.differences = conflicts.differences(found, ids)
    return replace(manifest, conflicts=tuple(found))


def _with_people(run: Run, where: Path, manifest: Manifest) -> Manifest:
    """The manifest with its customers and contracts coded."""
    order = run.order
    if people.is_coded(manifest, order.precedence):
        return manifest
    order.progress("coding customers")
    with beside(run.connection) as connection:
        return people.code(connection, order.history, where, manifest, order.precedence)


def _reads(run: Run) -> dict[str, dict[str, str]]:
    """How far each database is read, this one included."""
    if not run.fetched:
        return run.before.reads
    return run.before.reads | {mapped.default_source(run.order.source): run.fetched.reads}


def _report(run: Run, changed: bool, written: Path | None) -> IngestReport:
    facts = totals.facts(run.connection)
    generation = run.before.generation
    if changed and not run.order.dry_run:
        generation += 1
    return IngestReport(
        source=mapped.default_source(run.order.source),
        dry_run=run.order.dry_run,
        changed=changed,
        generation=generation,
        tables=run.counts,
        naive_timestamps=totals.naive(run.connection, [s.name for s in run.staged.values()]),
        timezone=run.order.timezone,
        unknown_customers=facts.unknown_customers,
        kinds=facts.kinds,
        ahead=totals.ahead(run.connection, {t: s.name for t, s in run.staged.items()}),
        first=facts.first,
        last=facts.last,
        rejects=written,
        rejected=by_reason(run.rejects),
        ignored=run.ignored,
        left_out=run.left_out,
        claims=run.claims,
        fetched=run.fetched.rows if run.fetched else {},
        since=run.fetched.since if run.fetched else {},
        conflicts=run.differences,
    )
