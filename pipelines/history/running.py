"""One ingest on its way: what was asked for, and what was found so far."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.history.addresses import Address
from pipelines.history.claims import Claim
from pipelines.history.conflicts import Difference
from pipelines.history.database import Fetched
from pipelines.history.leaving_out import Omit
from pipelines.history.manifest import Manifest
from pipelines.history.mapped import default_source
from pipelines.history.rejects import Reject
from pipelines.history.report import Counts
from pipelines.history.staging import Staged
from pipelines.history.words.lexicon import OURS, Lexicon
from pipelines.history.writing import Progress

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Order:
    """What to ingest, and how."""

    history: Path
    source: Path | Address
    mapping: Path | None
    dry_run: bool
    max_reject_share: float
    timezone: str
    now: datetime
    progress: Progress
    memory_gb: float
    threads: int
    lag: timedelta = timedelta(0)  # databases: how far before the last watermark to read again
    full: bool = False  # databases: read all, whatever was read before
    omit: Callable[[], Omit] = Omit
    precedence: tuple[str, ...] = ()  # of sources, for what they tell differently
    lexicon: Lexicon = OURS  # by which words are coded
    source_name: str | None = None  # of rows that name no source; None: as the source is called

    @property
    def named(self) -> str:
        """The source of rows that name none."""
        return self.source_name or default_source(self.source)


@dataclass
class Run:
    """One ingest on its way: the order, its connection, and what was found so far."""

    order: Order
    connection: duckdb.DuckDBPyConnection
    before: Manifest
    staging: Path
    staged: dict[str, Staged] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    fetched: Fetched | None = None
    new_customers: int = 0
    differences: list[Difference] = field(default_factory=list)
    published: Future[None] | None = None  # done once the new generation counts

    @cached_property
    def omit(self) -> Omit:
        """Which rows are left out, looked up once no other ingest can run."""
        return self.order.omit()
