"""The ScoreBatch: one night's scores as files, published whole. Source: CONTRACTS.md, Output.

scores/as_of=2026-07-01/current                the name of the run that counts
scores/as_of=2026-07-01/run=ID/part-00000.parquet ...
scores/as_of=2026-07-01/run=ID/not_scored.parquet
scores/as_of=2026-07-01/run=ID/renewals.parquet  of yearly contracts, where the model tells of them
scores/as_of=2026-07-01/run=ID/answers*.arrow  the same by customer (models/answers.py)
scores/as_of=2026-07-01/run=ID/manifest.json   written last: without it the run does not exist
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from models.answers import Answers, AnswerWriter
from models.contracts import SCORE_BATCH_VERSION, not_scored_schema, renewals_schema, score_schema
from models.errors import BundleDamaged, SchemaTooNew, SchemaTooOld, WarmlineError
from models.files import make_folder, sha256, sync_file, sync_folder, write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

MANIFEST = "manifest.json"
CURRENT = "current"
NOT_SCORED = "not_scored.parquet"
RENEWALS = "renewals.parquet"
# What CONTRACTS.md asks of a manifest besides rows and checksums. `watermarks`: by source.
FACTS = frozenset({"feature_names", "code_version", "model_version", "watermarks", "checks"})
ROWS_A_GROUP = 1 << 16  # small enough to filter a part without holding it, large enough to compress
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # a run names a folder


@dataclass(frozen=True)
class Part:
    """One Parquet file of a run."""

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a finished run holds."""

    schema_version: int
    as_of: date
    run: str
    rows: int
    parts: Sequence[Part]
    not_scored: Part
    facts: Mapping[str, Any]  # what the scoring tells of itself, at least FACTS
    answers: Sequence[Part] = ()  # what the endpoint looks up; none in runs of before it
    renewals: Part | None = None  # None: the model tells nothing of them

    @property
    def files(self) -> tuple[Part, ...]:
        """Everything of the run but this manifest."""
        renewals = () if self.renewals is None else (self.renewals,)
        return (*self.parts, self.not_scored, *self.answers, *renewals)

    def to_json(self) -> str:
        """The text of `manifest.json`; the same manifest gives the same text."""
        core = asdict(self) | {"as_of": self.as_of.isoformat()}
        return json.dumps(core, indent=1, sort_keys=True, allow_nan=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """The manifest at `path`. Raises `SchemaTooNew`, `SchemaTooOld` or `BundleDamaged`."""
        try:
            core = json.loads(path.read_text(encoding="utf-8"))
            _check_version(core["schema_version"], path)
            return cls(
                schema_version=core["schema_version"],
                as_of=date.fromisoformat(core["as_of"]),
                run=core["run"],
                rows=core["rows"],
                parts=tuple(Part(**part) for part in core["parts"]),
                not_scored=Part(**core["not_scored"]),
                facts=core["facts"],
                answers=tuple(Part(**part) for part in core.get("answers", ())),
                renewals=Part(**told) if (told := core.get("renewals")) else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BundleDamaged(
                f"{path} cannot be read as a manifest ({error!r}). Score that night again with "
                "`warmline score --as-of DATE`, or restore the file. Nothing was changed."
            ) from error


class BatchWriter:
    """Stages one run; `finish` makes it exist. Left without `finish`, nothing remains of it.

    The same tables in the same order, with the same run and facts, give the same bytes.
    """

    def __init__(self, scores: Path, as_of: date, run: str) -> None:
        """Raises `WarmlineError` for a run that is finished: what was published never changes."""
        if not _RUN.fullmatch(run):
            raise ValueError(f"a run names a folder: letters, digits, . _ - only, not {run!r}")
        self.folder = run_folder(scores, as_of, run)
        if (self.folder / MANIFEST).exists():
            raise WarmlineError(
                f"The run {run} of {as_of} is finished and never changes ({self.folder}). "
                "Score again under another run. Nothing was changed."
            )
        self._as_of, self._run = as_of, run
        self._parts: list[Part] = []
        self._left_out: pa.Table | None = None
        self._renewals: Part | None = None
        self._finished = False

    def __enter__(self) -> Self:
        _remove(self.folder)  # what a killed run of this name left
        make_folder(self.folder)
        self._answers = AnswerWriter(self.folder, self._as_of)
        return self

    def add(self, table: pa.Table) -> None:
        """One more part, its rows in the caller's order. Columns: `score_schema()`, exactly."""
        _check_schema(table.schema, score_schema())
        if table.num_rows:
            self._parts.append(self._write(f"part-{len(self._parts):05d}.parquet", table))
            self._answers.scored(table)

    def renewing(self, renewals: pa.Table) -> None:
        """Who has a contract to be renewed; once at most, before the first `add`. Columns:
        `renewals_schema()`, exactly."""
        _check_schema(renewals.schema, renewals_schema())
        self._renewals = self._write(RENEWALS, renewals)
        self._answers.renewing(renewals)

    def not_scored(self, customer_ids: Sequence[str], why: Sequence[str]) -> None:
        """Everyone who was left out and why, row by row; called once at most."""
        import pyarrow as pa

        self._left_out = pa.table([customer_ids, why], schema=not_scored_schema())

    def named(self, names: pa.Table) -> None:
        """Whom the ids of other systems mean (`models.answers.hashed_names`); once at most."""
        self._answers.named(names)

    def finish(self, facts: Mapping[str, Any]) -> Manifest:
        """Makes the run exist, whole; it counts once it is published.

        `facts`: at least `FACTS`; dates, instants and dataclasses become plain JSON.
        """
        if missing := FACTS - facts.keys():
            raise ValueError(f"the manifest needs {', '.join(sorted(missing))}")
        left_out = not_scored_schema().empty_table() if self._left_out is None else self._left_out
        self._answers.not_scored(left_out)
        answers = [self._written(name, rows) for name, rows in self._answers.close().items()]
        manifest = Manifest(
            schema_version=SCORE_BATCH_VERSION,
            as_of=self._as_of,
            run=self._run,
            rows=sum(part.rows for part in self._parts),
            parts=tuple(self._parts),
            not_scored=self._write(NOT_SCORED, left_out),
            facts=json.loads(json.dumps(dict(facts), default=_plain)),
            answers=answers,
            renewals=self._renewals,
        )
        sync_folder(self.folder)
        write_atomically(self.folder / MANIFEST, manifest.to_json().encode())
        self._finished = True
        return manifest

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._finished:
            _remove(self.folder)

    def _write(self, name: str, table: pa.Table) -> Part:
        import pyarrow.parquet as pq

        path = self.folder / name
        # One chunk and no metadata: how the rows came together must not show in the bytes.
        plain = table.replace_schema_metadata(None).combine_chunks()
        pq.write_table(
            plain, path, row_group_size=ROWS_A_GROUP, compression="zstd", compression_level=3,
            version="2.6", data_page_version="1.0",
        )  # fmt: skip
        return self._written(name, table.num_rows)

    def _written(self, name: str, rows: int) -> Part:
        path = self.folder / name
        sync_file(path)
        return Part(name, rows, sha256(path))


@dataclass(frozen=True)
class ScoreBatch:
    """One finished run, to read."""

    path: Path
    manifest: Manifest

    @property
    def as_of(self) -> date:
        return self.manifest.as_of

    @property
    def run(self) -> str:
        return self.manifest.run

    @classmethod
    def open(cls, scores: Path, as_of: date, run: str | None = None) -> ScoreBatch:
        """The run of `as_of` that counts, or `run`, published or not.

        Raises `WarmlineError` where there is none, `SchemaTooNew` for a newer version's.
        """
        if run is None:
            run = _current(scores, as_of)
        if run is None:
            raise WarmlineError(
                f"There are no published scores of {as_of} in {scores}: "
                f"run `warmline score --as-of {as_of}`."
            )
        folder = run_folder(scores, as_of, run)
        if not (folder / MANIFEST).exists():
            raise WarmlineError(
                f"The run {run} of {as_of} was never finished ({folder} has no {MANIFEST}): "
                f"run `warmline score --as-of {as_of}`."
            )
        return cls(folder, Manifest.read(folder / MANIFEST))

    @classmethod
    def latest(cls, scores: Path, before: date | None = None) -> ScoreBatch:
        """The newest published night, or the newest strictly before that date.

        Raises `WarmlineError` where there is none.
        """
        found = latest(scores, before)
        if found is None:
            until = f" before {before}" if before else ""
            raise WarmlineError(
                f"There are no published scores{until} in {scores}: "
                "run `warmline score --as-of DATE` first."
            )
        return found

    @property
    def cut_off(self) -> int:
        """What had been recorded by then was known to the batch, seconds since 1970 UTC."""
        return int(datetime.fromisoformat(self.manifest.facts["cut_off"]).timestamp())

    def table(self, columns: Sequence[str] | None = None, where: Any = None) -> pa.Table:
        """The rows in the writer's order. `where`: a `pyarrow.compute` expression; rows that it
        drops are not held in memory."""
        import pyarrow.dataset as ds

        names = [str(self.path / part.name) for part in self.manifest.parts]
        rows = ds.dataset(names, schema=score_schema(), format="parquet")
        return rows.to_table(columns=None if columns is None else list(columns), filter=where)

    def not_scored(self) -> pa.Table:
        """Who was left out: `customer_id, why`."""
        import pyarrow.parquet as pq

        return pq.read_table(self.path / NOT_SCORED, partitioning=None)

    def renewals(self) -> pa.Table | None:
        """Who has a yearly contract that ends past the horizon (`renewals_schema`); None where the
        model told nothing of them."""
        import pyarrow.parquet as pq

        if self.manifest.renewals is None:
            return None
        return pq.read_table(self.path / RENEWALS, schema=renewals_schema(), partitioning=None)

    def answers(self) -> Answers:
        """What each customer's score is, to look up. Raises `SchemaTooOld` for a run of before
        there were any."""
        if not self.manifest.answers:
            raise SchemaTooOld(
                f"The scores of {self.as_of} were written before the endpoint could look them up: "
                f"run `warmline score --as-of {self.as_of}` again. Nothing was changed."
            )
        return Answers(self.path)

    def verify(self) -> None:
        """Raises `BundleDamaged` naming the first file that is not what its run wrote."""
        for part in self.manifest.files:
            path = self.path / part.name
            if not path.exists() or sha256(path) != part.sha256:
                raise BundleDamaged(
                    f"{path} is not what the run {self.run} wrote. Score that night again with "
                    f"`warmline score --as-of {self.as_of}`, or restore the file. "
                    "Nothing was changed."
                )


def latest(scores: Path, before: date | None = None) -> ScoreBatch | None:
    """The newest published night, or the newest strictly before that date; None without one."""
    nights = (night for night in _nights(scores) if before is None or night < before)
    newest = max((night for night in nights if _current(scores, night)), default=None)
    return None if newest is None else ScoreBatch.open(scores, newest)


def publish(scores: Path, as_of: date, run: str) -> ScoreBatch:
    """Makes `run` the one that counts for `as_of`, in one step; again is harmless.

    Its files are verified first: until the step, what was published before stands.
    """
    batch = ScoreBatch.open(scores, as_of, run)
    batch.verify()
    write_atomically(_night_folder(scores, as_of) / CURRENT, f"{run}\n".encode())
    return batch


def sweep(scores: Path) -> list[Path]:
    """Removes what killed runs left, and says what. Call it under the night's lock.

    Goes only what has no manifest and was last written before the newest finished run was: a run
    that is being written now stays, and so does every finished run.
    """
    runs = [run for night in _nights(scores) for run in _night_folder(scores, night).glob("run=*")]
    finished = [
        (run / MANIFEST).stat().st_mtime_ns for run in runs if (run / MANIFEST).exists()
    ]  # fmt: skip
    dead = [
        run
        for run in runs
        if not (run / MANIFEST).exists() and _last_written(run) < max(finished, default=0)
    ]
    for run in dead:
        _remove(run)
    return dead


def run_folder(scores: Path, as_of: date, run: str) -> Path:
    """Where a run lies."""
    return _night_folder(scores, as_of) / f"run={run}"


def _night_folder(scores: Path, as_of: date) -> Path:
    return scores / f"as_of={as_of.isoformat()}"


def _nights(scores: Path) -> list[date]:
    return [date.fromisoformat(folder.name[6:]) for folder in scores.glob("as_of=????-??-??")]


def _current(scores: Path, as_of: date) -> str | None:
    path = _night_folder(scores, as_of) / CURRENT
    return path.read_text(encoding="utf-8").strip() if path.exists() else None


def _plain(value: Any) -> Any:
    """What JSON has no form for, in a form that it has."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    raise TypeError(f"a manifest holds plain JSON, not {type(value).__name__}")


def _last_written(folder: Path) -> int:
    return max(path.stat().st_mtime_ns for path in (folder, *folder.iterdir()))


def _remove(folder: Path) -> None:
    """Removes a run; the manifest goes first, so that half of it is never taken for a run."""
    if folder.exists():
        (folder / MANIFEST).unlink(missing_ok=True)
        shutil.rmtree(folder)


def _check_schema(found: pa.Schema, wanted: pa.Schema) -> None:
    """Raises `ValueError` naming each column that differs: a mistake of the code, not the user."""
    if found.equals(wanted):
        return
    has = {field.name: field.type for field in found}
    wants = {field.name: field.type for field in wanted}
    wrong = [
        f"{name}: {has.get(name, 'missing')}, not {wants.get(name, 'a column')}"
        for name in {**wants, **has}
        if has.get(name) != wants.get(name)
    ]
    raise ValueError("; ".join(wrong) or f"columns in another order than {', '.join(wants)}")


def _check_version(found: int, path: Path) -> None:
    if found > SCORE_BATCH_VERSION:
        raise SchemaTooNew(
            f"{path} was written by a newer Warmline (scores version {found}, this one reads "
            f"{SCORE_BATCH_VERSION}). Install that version here too. Nothing was changed."
        )
    if found < SCORE_BATCH_VERSION:
        raise SchemaTooOld(
            f"{path} is of scores version {found}, this Warmline reads {SCORE_BATCH_VERSION}: "
            "score that night again with `warmline score --as-of DATE`. Nothing was changed."
        )
