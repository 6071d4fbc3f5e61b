"""The scores of all nights without one person.

A run of scores never changes: each one that names the person is written anew under another name,
published if it was, and the old one is removed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from models.answers import names_of
from models.batch import CURRENT, MANIFEST, BatchWriter, ScoreBatch, publish
from models.contracts import score_schema
from models.files import write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

    from models.erasure import Erasure
    from models.home import Home
    from models.person import Person


def count(home: Home, erasure: Erasure) -> dict[str, int]:
    """Rows of the person in all runs, published or not; runs that were never finished."""
    rows = left_out = 0
    for night, run in _finished(home):
        batch = ScoreBatch.open(home.scores, night, run)
        rows += _rows(batch, erasure.person).num_rows
        left_out += _theirs(batch.not_scored(), erasure.person).num_rows
    unfinished = sum(1 for _ in _unfinished(home))
    return {"scores": rows, "not_scored": left_out, "unfinished_runs": unfinished}


def erase(home: Home, erasure: Erasure) -> None:
    """Writes the runs without the person. The caller holds the night's lock."""
    for folder in list(_unfinished(home)):
        shutil.rmtree(folder)
    for night, run in list(_finished(home)):
        new = erasure.run_name(run)
        batch = ScoreBatch.open(home.scores, night, run)
        if run != new and _names(batch, erasure.person):
            _replace(home, batch, erasure, new)


def _replace(home: Home, batch: ScoreBatch, erasure: Erasure, new: str) -> None:
    folder = batch.path.parent
    if not (folder / f"run={new}" / MANIFEST).exists():
        _write(home, batch, erasure, new)
    current = folder / CURRENT
    if current.exists() and current.read_text().strip() == batch.run:
        publish(home.scores, batch.as_of, new)
    _replace_acceptance(folder, batch.run, new, erasure)
    (batch.path / MANIFEST).unlink()  # first: without it, what is left is no run
    shutil.rmtree(batch.path)


def _write(home: Home, batch: ScoreBatch, erasure: Erasure, new: str) -> None:
    import pyarrow.parquet as pq

    person = erasure.person
    with BatchWriter(home.scores, batch.as_of, new) as writer:
        renewals = batch.renewals()
        if renewals is not None:
            writer.renewing(_others(renewals, person))
        for part in batch.manifest.parts:
            path = batch.path / part.name
            rows = pq.read_table(path, schema=score_schema(), partitioning=None)
            writer.add(_others(rows, person))
        left_out = _others(batch.not_scored(), person)
        writer.not_scored(left_out["customer_id"].to_pylist(), left_out["why"].to_pylist())
        if batch.manifest.answers:
            writer.named(_others(names_of(batch.path), person))
        facts = person.traces.cleared(dict(batch.manifest.facts), erasure.pseudonym)
        writer.finish(facts)


def _replace_acceptance(folder: Path, run: str, new: str, erasure: Erasure) -> None:
    """The word of a person who let the run through, which lies beside it under its name."""
    path = folder / f"accepted-{run}.json"
    if not path.exists():
        return
    said = erasure.person.traces.cleared(json.loads(path.read_bytes()), erasure.pseudonym)
    content = json.dumps({**said, "run": new}, indent=1).encode() + b"\n"
    write_atomically(folder / f"accepted-{new}.json", content)
    path.unlink()


def _names(batch: ScoreBatch, person: Person) -> bool:
    if _rows(batch, person).num_rows or _theirs(batch.not_scored(), person).num_rows:
        return True
    facts = dict(batch.manifest.facts)
    return bool(person.traces.cleared(facts, "") != facts)


def _rows(batch: ScoreBatch, person: Person) -> pa.Table:
    """The person's scores; of the others only the ids are read."""
    import pyarrow.compute as pc

    return batch.table(["customer_id"], pc.field("customer_id").isin(list(person.ids)))


def _theirs(table: pa.Table, person: Person) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(pc.field("customer_id").isin(list(person.ids)))


def _others(table: pa.Table, person: Person) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(~pc.field("customer_id").isin(list(person.ids)))


def _finished(home: Home) -> Iterator[tuple[date, str]]:
    for path in sorted(home.scores.glob(f"as_of=*/run=*/{MANIFEST}")):
        night = date.fromisoformat(path.parent.parent.name.removeprefix("as_of="))
        yield night, path.parent.name.removeprefix("run=")


def _unfinished(home: Home) -> Iterator[Path]:
    runs = sorted(home.scores.glob("as_of=*/run=*"))
    return (run for run in runs if not (run / MANIFEST).exists())
