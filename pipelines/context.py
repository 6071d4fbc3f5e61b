"""`context/`: what a night knew that no customer's own rows tell, published beside its scores.

context/as_of=2026-07-01/current                     the name of the run that counts
context/as_of=2026-07-01/run=ID/agents.parquet       a row an agent: its figures, null where unknown
context/as_of=2026-07-01/run=ID/manifest.json        written last: without it the run is not there

Whoever computes features of that night elsewhere (the endpoint, Spark) joins them by date instead
of walking over the whole history. It holds no customer, only sums over five or more of them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.batch import CURRENT, MANIFEST
from models.contracts import CONTEXT_VERSION
from models.erasure import first_name
from models.errors import BundleDamaged, SchemaTooNew
from models.files import make_folder, sha256, sync_file, write_atomically
from pipelines.features.stream import AGENT_FIGURES

if TYPE_CHECKING:
    import pyarrow as pa

    from models.batch import ScoreBatch
    from models.home import Home
    from pipelines.features.agents import Agents
    from pipelines.features.matrix import Night
    from pipelines.history.store import History

FILE = "agents.parquet"


def write(
    context: Path, as_of: date, run: str, night: Night, agents: Agents, words: Sequence[str]
) -> None:
    """Writes the figures of `night` as a run, not yet published; `words` are the ids by code.

    The same figures give the same bytes.
    """
    import pyarrow.parquet as pq

    folder = _run(context, as_of, run)
    if folder.exists():  # what a killed run of this name left
        (folder / MANIFEST).unlink(missing_ok=True)
    make_folder(folder)
    table = _table(agents.at([night])[0], words)
    pq.write_table(table, folder / FILE, compression="zstd")
    sync_file(folder / FILE)
    manifest = {
        "schema_version": CONTEXT_VERSION,
        "as_of": str(as_of),
        "run": run,
        "night": {"as_of": night.as_of, "cut_off": night.cutoff},
        "files": [{"name": FILE, "rows": table.num_rows, "sha256": sha256(folder / FILE)}],
    }
    write_atomically(folder / MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n")


def publish(context: Path, as_of: date, run: str) -> None:
    """Makes `run` the one that counts for `as_of`, in one step; again is harmless. A run of scores
    that has no context, of an older version, leaves what counts. A run that was written anew
    without an erased person has that of the run it was."""
    run = first_name(run)
    if (_run(context, as_of, run) / MANIFEST).exists():
        write_atomically(_night(context, as_of) / CURRENT, f"{run}\n".encode())


def read(context: Path, as_of: date, words: Sequence[str]) -> Agents | None:
    """The published figures of a night; None where there are none. `words` are the ids by code.

    Raises `BundleDamaged` where the file is not what was published, `SchemaTooNew` for a newer
    version's.
    """
    import pyarrow.parquet as pq

    # An ingest ages nights out, too: it is not to load the compiled pass.
    from pipelines.features.agents import Agents
    from pipelines.features.matrix import Night

    folder = published(context, as_of)
    if folder is None:
        return None
    manifest = json.loads((folder / MANIFEST).read_bytes())
    if manifest["schema_version"] > CONTEXT_VERSION:
        raise SchemaTooNew(
            f"{folder} was written by a newer Warmline. Install that version here too. "
            "Nothing was changed."
        )
    if sha256(folder / FILE) != manifest["files"][0]["sha256"]:
        raise BundleDamaged(
            f"{folder / FILE} is not what the run {manifest['run']} wrote. Restore the file, or "
            f"score that night again with `warmline score --as-of {as_of}`. Nothing was changed."
        )
    rows = pq.read_table(folder / FILE, partitioning=None)
    code = {word: place for place, word in enumerate(words)}
    place = np.array([code.get(one, -1) for one in rows["agent_id"].to_pylist()], np.int64)
    known = np.flatnonzero(place >= 0)
    figures = np.full((1, len(words), len(AGENT_FIGURES)), np.nan)
    for position, name in enumerate(AGENT_FIGURES):
        column = rows[name].to_pandas().to_numpy(np.float64)
        figures[0, place[known], position] = column[known]
    night = manifest["night"]
    return Agents((Night(night["as_of"], night["cut_off"]),), figures)


def of_night(home: Home, history: History, batch: ScoreBatch, night: Night) -> Agents | None:
    """The figures that `batch` published of this very `night`; None where it did not.

    To find them again, all customers' rows would be walked over.
    """
    agents = read(home.context, batch.as_of, history.words("agent"))
    return agents if agents is not None and agents.nights == (night,) else None


def published(context: Path, as_of: date) -> Path | None:
    """The folder of the run that counts; None where none does."""
    current = _night(context, as_of) / CURRENT
    return _run(context, as_of, current.read_text().strip()) if current.exists() else None


def differs(context: Path, as_of: date, night: Night, agents: Agents, words: Sequence[str]) -> bool:
    """Whether a night's figures, worked out again, are other bytes than those it published."""
    import tempfile

    folder = published(context, as_of)
    if folder is None:
        return False
    with tempfile.TemporaryDirectory(prefix="warmline-context-") as place:
        write(Path(place), as_of, "again", night, agents, words)
        again = _run(Path(place), as_of, "again") / FILE
        return again.read_bytes() != (folder / FILE).read_bytes()


def remove(context: Path, as_of: str) -> None:
    """Removes a night (`as_of=DATE`), the pointer first: without it nothing counts."""
    folder = context / as_of
    if folder.exists():
        (folder / CURRENT).unlink(missing_ok=True)
        shutil.rmtree(folder)


def _table(figures: NDArray[np.float64], words: Sequence[str]) -> pa.Table:
    """The agents of whom anything is known, by id."""
    import pyarrow as pa

    told = np.flatnonzero(~np.isnan(figures).all(axis=1)) if len(figures) else np.empty(0, np.intp)
    rows = sorted(told.tolist(), key=lambda row: words[row])
    columns: dict[str, pa.Array] = {"agent_id": pa.array([words[row] for row in rows], pa.string())}
    for position, name in enumerate(AGENT_FIGURES):
        column = figures[rows, position] if rows else np.empty(0)
        columns[name] = pa.array(column, pa.float64(), from_pandas=True)  # NaN is null
    return pa.table(columns)


def _night(context: Path, as_of: date) -> Path:
    return context / f"as_of={as_of.isoformat()}"


def _run(context: Path, as_of: date, run: str) -> Path:
    return _night(context, as_of) / f"run={run}"
