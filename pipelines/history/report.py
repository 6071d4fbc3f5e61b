"""What an ingest did, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.history import conflicts as between_sources
from pipelines.history.claims import Claim
from pipelines.history.conflicts import Difference
from pipelines.history.rejects import Reason


@dataclass
class Counts:
    """Rows of one table. `new` to `too_old` add up to `rows`; of the new, some may wait."""

    rows: int = 0  # read
    new: int = 0
    corrected: int = 0  # replaced an older version
    repeated: int = 0  # known already
    conflicting: int = 0  # same id and age, different content: the first was kept
    removed: int = 0  # tombstones that took a row out
    rejected: int = 0
    erased: int = 0  # of persons who were erased: left out
    too_old: int = 0  # older than is kept: left out
    pending: int = 0  # waiting for their customer, rows of earlier ingests included
    joined: int = 0  # waited since an earlier ingest, and their customer came
    # Ids of up to three that were conflicting.
    conflicting_ids: list[str] = field(default_factory=list, compare=False)


@dataclass(frozen=True)
class IngestReport:
    """What came in, what became of it, and where the rejects stand."""

    source: str
    dry_run: bool
    changed: bool  # whether a new generation was made (or would be, in a dry run)
    generation: int
    tables: dict[str, Counts]
    naive_timestamps: int
    timezone: str
    unknown_customers: int
    kinds: dict[str, int]  # interactions read and accepted, by kind
    first: datetime | None  # time range of those
    last: datetime | None
    rejects: Path | None
    rejected: list[Reason]
    ignored: list[str] = field(default_factory=list)  # files and columns that were not read
    # Dated after they were recorded, by table and kind (interactions) or name (attributes).
    ahead: dict[str, dict[str, int]] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)  # by a mapping, with its reason
    claims: list[Claim] = field(default_factory=list)  # the source's aggregates against ours
    fetched: dict[str, int] = field(default_factory=dict)  # rows that a database sent, by table
    since: dict[str, str] = field(default_factory=dict)  # of those, tables read from there on
    # What sources of the history tell differently, this one or not.
    conflicts: list[Difference] = field(default_factory=list)

    @property
    def interactions(self) -> Counts:
        return self.tables.get("interactions", Counts())

    @property
    def reject_reasons(self) -> list[str]:
        return [str(reason) for reason in self.rejected]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; times in ISO 8601."""
        plain = asdict(self)
        plain["first"] = self.first.isoformat() if self.first else None
        plain["last"] = self.last.isoformat() if self.last else None
        plain["rejects"] = str(self.rejects) if self.rejects else None
        plain["reject_reasons"] = self.reject_reasons
        plain["rejected"] = [reason.to_dict() for reason in self.rejected]
        return plain

    def lines(self) -> Iterator[str]:
        """The report in words, a line each."""
        for table, counts in self.tables.items():
            yield f"{table}: {_words(counts)}"
            if counts.conflicting_ids:
                yield _of_equal_age(table, counts)
        if self.first and self.last:
            yield f"from {_day(self.first)} to {_day(self.last)}"
        if self.kinds:
            yield "kinds: " + ", ".join(f"{kind} {n:,}" for kind, n in self.kinds.items())
        if self.naive_timestamps:
            yield f"{self.naive_timestamps:,} times without an offset, read in {self.timezone}"
        if self.interactions.joined:
            yield f"{self.interactions.joined:,} interactions waited, and their customer came"
        if self.interactions.pending:
            yield (
                f"{self.interactions.pending:,} interactions wait for {self.unknown_customers:,} "
                "customers that no source has named yet"
            )
        yield from self._ahead()
        yield from self._left_out()
        yield from (f"rejected: {reason}" for reason in self.reject_reasons)
        if self.rejects:
            yield f"rejected rows are listed in {self.rejects}"
        for table, rows in self.fetched.items():
            newer = f" newer than {self.since[table]}" if table in self.since else ""
            yield f"fetched from {table}: {rows:,} rows{newer}"
        yield from self._about_the_source()
        yield from between_sources.lines(self.conflicts)
        yield self._outcome()

    def _ahead(self) -> Iterator[str]:
        for table, of_each in self.ahead.items():
            named = ", ".join(f"{name} {many:,}" for name, many in of_each.items())
            yield f"{table} dated after they were recorded, which count from their date on: {named}"

    def _left_out(self) -> Iterator[str]:
        erased = sum(counts.erased for counts in self.tables.values())
        if erased:
            yield f"{erased:,} rows of erased persons were left out"
        if self.interactions.too_old:
            yield f"{self.interactions.too_old:,} interactions older than is kept were left out"

    def _about_the_source(self) -> Iterator[str]:
        for reason, rows in self.left_out.items():
            yield f"left out by the mapping: {rows:,} {reason}"
        for claim in self.claims:
            yield from claim.lines()
        if self.ignored:
            yield "not read: " + ", ".join(self.ignored)

    def _outcome(self) -> str:
        if not self.changed:
            return f"nothing new: the history stays at generation {self.generation}"
        if self.dry_run:
            return "dry run: nothing was changed"
        return f"the history is now at generation {self.generation}"


def _words(counts: Counts) -> str:
    parts = [f"{counts.rows:,} rows"]
    for name in ("new", "corrected", "repeated", "conflicting", "removed", "rejected"):
        number = getattr(counts, name)
        if number or name == "new":
            parts.append(f"{number:,} {name}")
    return ", ".join(parts)


def _of_equal_age(table: str, counts: Counts) -> str:
    more = ", ..." if counts.conflicting > len(counts.conflicting_ids) else ""
    return (
        f"{table}: another content with the same `updated_at`, of which the first was kept: "
        f"{', '.join(counts.conflicting_ids)}{more}"
    )


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"
