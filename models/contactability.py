"""`contactability/`: whom nobody may contact for now, as outreach publishes it for the endpoint.

snapshot.parquet          after each plan: everyone who may not be contacted then
delta-2026-07-01.jsonl    each closure since, appended as it happens, one file a day
heartbeat                 the last moment at which outreach ran

Rows have customer_id, channel, purpose (null: any), may_contact, reasons and at. A delta only
closes: what opens again does so with the next snapshot. Source: CONTRACTS.md, Output.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from models.files import append_line, make_folder, replacing, stamp, write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "contactability"
SNAPSHOT, HEARTBEAT = "snapshot.parquet", "heartbeat"
TAKEN_AT = b"taken_at"  # in the snapshot's metadata: the moment whose state it is
BEAT = timedelta(seconds=30)
SILENT = timedelta(seconds=60)  # without a beat for longer nobody knows


def schema() -> pa.Schema:
    """Columns of the snapshot."""
    import pyarrow as pa

    text = pa.string()
    return pa.schema(
        [("customer_id", text), ("channel", text), ("purpose", text), ("may_contact", pa.bool_()),
         ("reasons", pa.list_(text)), ("at", pa.timestamp("us", tz="UTC"))]
    )  # fmt: skip


def publish(root: Path, rows: pa.Table, *, taken_at: datetime, now: datetime) -> None:
    """The state of `taken_at` as a new snapshot, in one step; deltas of the days before it go."""
    import pyarrow.parquet as pq

    folder = root / FOLDER
    make_folder(folder)
    told = rows.cast(schema()).replace_schema_metadata({TAKEN_AT: taken_at.isoformat().encode()})
    with replacing(folder / SNAPSHOT) as staged:
        pq.write_table(told, staged, compression="zstd", version="2.6")
    for path in folder.glob("delta-*.jsonl"):
        if path.name < _delta(taken_at - timedelta(days=1)):
            path.unlink(missing_ok=True)
    beat(root, now)


def add(root: Path, rows: Sequence[Mapping[str, Any]], *, now: datetime) -> None:
    """Closures, on disk when this returns."""
    folder = root / FOLDER
    make_folder(folder)
    if rows:
        lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        append_line(folder / _delta(now), lines.encode())


def beat(root: Path, now: datetime) -> None:
    """Outreach runs."""
    folder = root / FOLDER
    make_folder(folder)
    write_atomically(folder / HEARTBEAT, now.isoformat().encode())


@dataclass
class Heart:
    """Beats when it is time to, however often it is asked."""

    root: Path
    last: datetime | None = None

    def beat(self, now: datetime) -> bool:
        """Beats where the last one is half of `BEAT` ago; whether it did."""
        due = self.last is None or now - self.last >= BEAT / 2
        if due:
            beat(self.root, now)
            self.last = now
        return due


@contextmanager
def beating(root: Path, clock: Callable[[], datetime]) -> Iterator[None]:
    """Beats in the background as long as the block lasts."""
    ended = threading.Event()

    def keep_on() -> None:
        while True:
            beat(root, clock())
            if ended.wait(BEAT.total_seconds() / 2):
                return

    thread = threading.Thread(target=keep_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def leave_out(root: Path, customer_ids: Collection[str]) -> None:
    """Those customers out of every file; again is harmless."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    folder, ids = root / FOLDER, set(customer_ids)
    for path in sorted(folder.glob("delta-*.jsonl")):
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not ids & {_row(line).get("customer_id")}]
        if kept != lines:
            write_atomically(path, "".join(f"{line}\n" for line in kept).encode())
    if (folder / SNAPSHOT).exists():
        rows = pq.read_table(folder / SNAPSHOT)
        theirs = pc.is_in(rows["customer_id"], value_set=pa.array(sorted(ids), pa.string()))
        if pc.any(theirs).as_py():
            with replacing(folder / SNAPSHOT) as staged:
                pq.write_table(rows.filter(pc.invert(theirs)), staged, compression="zstd")


@dataclass(frozen=True)
class Closure:
    """One reason why a customer may not be contacted; channel or purpose None: any."""

    channel: str | None
    purpose: str | None
    reasons: tuple[str, ...]
    at: datetime


@dataclass(frozen=True)
class MayContact:
    """Whether a customer may be contacted, and every reason why not."""

    state: Literal["yes", "no", "unknown"]
    reasons: tuple[str, ...] = ()


@dataclass
class Contactability:
    """Reads what is published in the home at `root`, and only what is new of it.

    Whoever asks while another thread refreshes is told of the snapshot before, whole.
    """

    root: Path
    _closed: dict[str, list[Closure]] = field(default_factory=dict)
    _since: datetime | None = None
    _snapshot: tuple[int, int] | None = None
    _read: dict[str, int] = field(default_factory=dict)  # bytes of each delta

    @property
    def is_known(self) -> bool:
        """Whether outreach has ever published a snapshot."""
        return self._since is not None

    def closures(self, customer_id: str) -> Sequence[Closure]:
        """Every reason against contacting the customer, as of the last `refresh`."""
        return self._closed.get(customer_id, ())

    def of(
        self, customer_id: str, *, channel: str | None, purpose: str | None, now: datetime
    ) -> MayContact:
        """For that channel and purpose; None asks about any of them."""
        self.refresh()
        if self._since is None:
            return MayContact("unknown", ("outreach has published nothing yet",))
        age = self.age(now)
        if age is None or age > SILENT:
            heard = "never" if age is None else f"{int(age.total_seconds())} s ago"
            return MayContact("unknown", (f"outreach was last heard of: {heard}",))
        reasons = [
            reason
            for one in self._closed.get(customer_id, ())
            if channel in (None, one.channel) or one.channel is None
            if purpose in (None, one.purpose) or one.purpose is None
            for reason in one.reasons
        ]
        return MayContact("no" if reasons else "yes", tuple(dict.fromkeys(reasons)))

    def age(self, now: datetime) -> timedelta | None:
        """Since the last beat; None where there was none."""
        try:
            last = (self.root / FOLDER / HEARTBEAT).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return now - datetime.fromisoformat(last)

    def has_new_snapshot(self) -> bool:
        """Whether the next `refresh` reads a snapshot, which of many customers takes seconds."""
        return stamp(self.root / FOLDER / SNAPSHOT) not in (None, self._snapshot)

    def refresh(self) -> None:
        """Takes up what was published since the last time."""
        folder = self.root / FOLDER
        published = stamp(folder / SNAPSHOT)
        if published is None:
            return
        closed = self._closed
        if published != self._snapshot:
            closed = self._load(folder / SNAPSHOT)
            self._snapshot, self._read = published, {}
        for path in sorted(folder.glob("delta-*.jsonl")):
            self._follow(path, closed)
        self._closed = closed

    def _load(self, path: Path) -> dict[str, list[Closure]]:
        import pyarrow.parquet as pq

        rows = pq.read_table(path)
        self._since = datetime.fromisoformat(rows.schema.metadata[TAKEN_AT].decode())
        closed: dict[str, list[Closure]] = {}
        for row in rows.to_pylist():
            _close(closed, row, row["at"])
        return closed

    def _follow(self, path: Path, closed: dict[str, list[Closure]]) -> None:
        before = self._read.get(path.name, 0)
        if path.stat().st_size <= before:
            return
        with path.open("rb") as file:
            file.seek(before)
            whole = file.read()
        whole = whole[: whole.rfind(b"\n") + 1]  # the last line may still be on its way
        for line in whole.decode("utf-8").splitlines():
            row = _row(line)
            at = datetime.fromisoformat(row["at"]) if row else None
            if at is not None and self._since is not None and at >= self._since:
                _close(closed, row, at)
        self._read[path.name] = before + len(whole)


def _close(closed: dict[str, list[Closure]], row: Mapping[str, Any], at: datetime) -> None:
    if not row["may_contact"]:
        one = Closure(row["channel"], row["purpose"], tuple(row["reasons"] or ()), at)
        closed.setdefault(row["customer_id"], []).append(one)


def _delta(now: datetime) -> str:
    return f"delta-{now.date()}.jsonl"


def _row(line: str) -> dict[str, Any]:
    """A line; empty where a crash cut it off."""
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return found
