"""The windows of counted and valued streams by what else could make them, and by our own pass.

`python -m benchmarks.feature_peers NAMES HOME OUT [MOST]` computes, from the coded parts of the
home's history, the figures of `counted_streams` at one night, writes the matrix to OUT/NAME and
prints `{NAME: {"seconds": [...], "peak_mb": ...}, ...}`. NAMES are some of `WAYS`, with commas
between; the peak is that of their process. Each is run as often as `WAYS` says, or MOST times.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial, reduce
from operator import and_, or_
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import by_turns
from models.contracts import CHANNEL_CODE, DAY, KIND_CODE, SCORE_KIND_CODE, SCORE_KINDS
from models.home import Home
from models.settings import Settings
from pipelines.features import engine, matrix
from pipelines.features.agents import NO_AGENTS
from pipelines.features.program import compile_streams
from pipelines.features.stream import RATINGS, SCORE_CUTS, Stat, Stream, Where
from pipelines.features.streams import STREAMS
from pipelines.history.rooms import Rooms
from pipelines.history.store import History

AS_OF = int(datetime(2026, 7, 1, tzinfo=UTC).timestamp())
NIGHT = matrix.Night(AS_OF, AS_OF + 6 * 3_600)
MONTHS = [matrix.Night(AS_OF - back, AS_OF - back + 6 * 3_600) for back in
          range(11 * 30 * DAY, -1, -30 * DAY)]  # fmt: skip
THREADS = 2
OPS = ("count", "sum", "total", "mean", "min", "max")
PANDAS_SHARE = 100  # pandas computes for one customer in so many
PARTS_SHARE = 4  # where time is short, DuckDB's query with FILTER is asked of one part in so many
APART = "days-apart"  # the home beside the other's whose last days are parts of their own
BLOCK_ROWS = 16_384  # rows of the matrix that are computed, then written: whole pages
PAGE = 4_096


def counted_streams() -> tuple[Stream, ...]:
    """The declared streams over interactions whose figures SQL can say, with just those."""
    return tuple(
        replace(stream, stats=tuple(stat for stat in stream.stats if stat.op in OPS))
        for stream in STREAMS
        if not stream.where.of_facts
        and stream.where.by is None
        and not stream.where.said
        and any(stat.op in OPS for stat in stream.stats)
    )


def figures() -> Iterator[tuple[str, Stream, Stat]]:
    """Name, stream and statistic of each figure, in the order of our columns."""
    for stream in counted_streams():
        for stat, feature in zip(stream.stats, stream.features(), strict=True):
            yield feature.name, stream, stat


@contextmanager
def streamed(path: Path) -> Iterator[Callable[[NDArray[np.float64]], None]]:
    """Writes arrays that begin with a page into a file, past the system's cache of files.

    That cache needs as much new memory as is written, which is given to it page by page: for the
    matrix of all features 3 s of 14 that were not the same twice (docs/quality.md, Features)."""
    straight = getattr(os, "O_DIRECT", 0)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | straight)
    except OSError:  # not every file system can
        file, straight = os.open(path, os.O_WRONLY | os.O_CREAT), 0

    def write(values: NDArray[np.float64]) -> None:
        data = values.reshape(-1).data.cast("B")
        whole = len(data) // PAGE * PAGE
        _write_all(file, data[:whole])
        if whole < len(data):  # the last of the file
            if straight:
                fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) & ~straight)
            _write_all(file, data[whole:])

    try:
        yield write
    finally:
        os.close(file)


def _write_all(file: int, data: memoryview) -> None:
    if os.write(file, data) != len(data):
        raise SystemExit("The disk is full.")


def warmline_windows(home: Path, out: Path) -> None:
    """Our pass, over the same streams only: two buckets at a time, each block written as it is."""
    history = History.open(Home(home).history)
    word = next(stream for stream in STREAMS if stream.name == "word")
    streams = counted_streams()
    if "word" not in {stream.name for stream in streams}:
        streams = (*streams, replace(word, stats=()))
    plan = compile_streams(streams)
    context = matrix.context(history, Settings(), [NIGHT], NO_AGENTS)
    joined = np.zeros(history.manifest.customers, np.int64)  # no window asks since when

    rooms = Rooms()

    def bucket(number: int) -> None:
        events, members = history.versions(number, plan.columns), history.members(number)
        with streamed(out / f"bucket-{number:05d}.float64") as write:
            for start in range(0, len(members), BLOCK_ROWS):
                some = members[start : start + BLOCK_ROWS]
                block = rooms.array(1, len(some), len(plan.program.template))
                engine.fill(block, events, some, joined[some], [NIGHT], context, plan)
                write(block)

    with ThreadPoolExecutor(THREADS + 1) as pool:  # one waits for the disk
        list(pool.map(bucket, range(history.buckets)))


def warmline_full(home: Path, out: Path) -> None:
    """The whole set of features of one night, as a night computes them."""
    for number, block in enumerate(_stream(home, [NIGHT])):
        with streamed(out / f"block-{number:05d}.float64") as write:
            write(block)


def warmline_one(home: Path, out: Path) -> None:
    """The whole set of one night, used as it comes and not written: as training does."""
    for _ in _stream(home, [NIGHT]):
        pass


def warmline_one_apart(home: Path, out: Path) -> None:
    """The whole set of one night, where the last days are parts of their own."""
    warmline_one(home.with_name(APART), out)


def warmline_twelve(home: Path, out: Path) -> None:
    """The same of twelve monthly nights."""
    for _ in _stream(home, MONTHS):
        pass


def _stream(home: Path, nights: Sequence[matrix.Night]) -> Iterator[NDArray[np.float64]]:
    history = History.open(Home(home).history)
    context = matrix.context(history, Settings(), nights)
    for block in matrix.stream(history, nights, context, threads=THREADS):
        yield block.values


def bare_scan(home: Path, out: Path) -> None:
    """What any group-by of these parts costs at least: three sums."""
    _duckdb(home, "sum(value), sum(seconds), sum(wait)", out)


def duckdb_filter(home: Path, out: Path) -> None:
    """One query with a FILTER for each figure."""
    _duckdb(home, _filters(), out)


def duckdb_filter_some(home: Path, out: Path) -> None:
    """The same of a part in four, the first among them: scaled by who asks."""
    _duckdb(home, _filters(), out, PARTS_SHARE)


def polars_lazy(home: Path, out: Path) -> None:
    """One lazy query, run by the streaming engine."""
    import polars as pl

    said = [_polars(stream, stat).alias(name) for name, stream, stat in figures()]
    rows = pl.scan_parquet([str(path) for path in parts(home)]).filter(pl.col("at") < AS_OF)
    rows.group_by("customer").agg(said).sink_parquet(out / "matrix.parquet")


def pandas_groupby(home: Path, out: Path) -> None:
    """Masks and a group-by for each figure; of one customer in a hundred, scaled by who asks."""
    import pandas as pd

    pieces = []
    for path in parts(home):
        rows = pd.read_parquet(path)
        pieces.append(rows[rows["customer"] % PANDAS_SHARE == 0])
    rows = pd.concat(pieces, ignore_index=True)
    rows = rows[rows["at"] < AS_OF]
    found = {name: _pandas(rows, stream, stat) for name, stream, stat in figures()}
    pd.DataFrame(found, index=np.unique(rows["customer"])).to_parquet(out / "matrix.parquet")


# How each way goes, and how often: a first run of several is not measured (`harness.by_turns`), so
# that nothing is compiled or loaded in one that is.
WAYS: dict[str, tuple[Callable[[Path, Path], None], int]] = {
    "windows": (warmline_windows, 4),
    "full": (warmline_full, 3),
    "one": (warmline_one, 4),
    "one_apart": (warmline_one_apart, 4),
    "twelve": (warmline_twelve, 4),
    "bare": (bare_scan, 4),
    "duckdb": (duckdb_filter, 1),
    "duckdb_some": (duckdb_filter_some, 1),
    "polars": (polars_lazy, 2),
    "pandas": (pandas_groupby, 1),
}


def parts(home: Path) -> list[Path]:
    """The coded parts of the history that counts."""
    history = History.open(Home(home).history)
    return [history.folder / part.coded.path for part in history.manifest.parts]


def _filters() -> str:
    return ", ".join(f'{_sql(stream, stat)} AS "{name}"' for name, stream, stat in figures())


def _duckdb(home: Path, said: str, out: Path, share: int = 1) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}")
    files = ", ".join(f"'{path}'" for path in parts(home)[::share])
    connection.execute(
        f'COPY (SELECT customer, {said} FROM read_parquet([{files}]) WHERE "at" < {AS_OF} '
        f"GROUP BY customer) TO '{out / 'matrix.parquet'}' (FORMAT parquet)"
    )


def _sql(stream: Stream, stat: Stat) -> str:
    said = _conditions(stream.where)
    if stat.window is not None:
        said.append(f'"at" >= {AS_OF - stat.window * DAY}')
    if stat.op == "count":
        return f"count(*) FILTER (WHERE {' AND '.join(said)})"
    said.append(f"NOT isnan({stream.measure})")
    function = {"total": "sum", "mean": "avg"}.get(stat.op, stat.op)
    figure = f"{function}({stream.measure} * {stream.scale!r}) FILTER (WHERE {' AND '.join(said)})"
    return f"coalesce({figure}, 0)" if stat.op == "sum" else figure


def _conditions(where: Where) -> list[str]:
    said = [f"kind IN ({_codes(KIND_CODE, where.sources)})"]
    if where.channels:
        said.append(f"channel IN ({_codes(CHANNEL_CODE, where.channels)})")
    if where.provoked is not None:
        said.append("provoked" if where.provoked else "NOT provoked")
    if where.in_case is not None:
        said.append('"case" >= 0' if where.in_case else '"case" < 0')
    if where.signs:
        signs = {"unknown": "isnan(value)", "negative": "value < 0", "zero": "value = 0",
                 "positive": "value > 0 AND NOT isnan(value)"}  # fmt: skip
        said.append("(" + " OR ".join(f"({signs[sign]})" for sign in where.signs) + ")")
    if where.score_kinds or where.ratings:
        rated = [
            f"(score_kind = {SCORE_KIND_CODE[kind]} AND NOT isnan(score) AND "
            + {
                "poor": f"score <= {SCORE_CUTS[kind][0]})",
                "middling": f"score > {SCORE_CUTS[kind][0]} AND score < {SCORE_CUTS[kind][1]})",
                "good": f"score >= {SCORE_CUTS[kind][1]})",
            }[rating]
            for kind in where.score_kinds or SCORE_KINDS
            for rating in where.ratings or RATINGS
        ]
        said.append("(" + " OR ".join(rated) + ")")
    return said


def _codes(codes: dict[str, int], names: Sequence[str]) -> str:
    return ", ".join(str(codes[name]) for name in names)


def _mask(where: Where, window: int | None, column: Callable[[str], Any], isin: str) -> Any:
    """The same conditions for columns that know `&`, `|` and comparisons."""

    def among(name: str, codes: list[int]) -> Any:
        return getattr(column(name), isin)(codes)

    said = [among("kind", [KIND_CODE[kind] for kind in where.sources])]
    if where.channels:
        said.append(among("channel", [CHANNEL_CODE[name] for name in where.channels]))
    if where.provoked is not None:
        said.append(column("provoked") == where.provoked)
    if where.in_case is not None:
        said.append((column("case") >= 0) == where.in_case)
    if where.signs:
        value = column("value")
        signs = {"unknown": value != value, "negative": value < 0, "zero": value == 0,
                 "positive": value > 0}  # fmt: skip
        said.append(reduce(or_, [signs[sign] for sign in where.signs]))
    if where.score_kinds or where.ratings:
        said.append(
            reduce(
                or_,
                [
                    (column("score_kind") == SCORE_KIND_CODE[kind])
                    & _rated(column("score"), rating, *SCORE_CUTS[kind])
                    for kind in where.score_kinds or SCORE_KINDS
                    for rating in where.ratings or RATINGS
                ],
            )
        )
    if window is not None:
        said.append(column("at") >= AS_OF - window * DAY)
    return reduce(and_, said)


def _rated(score: Any, rating: str, poor: float, good: float) -> Any:
    if rating == "poor":
        return score <= poor
    return score >= good if rating == "good" else (score > poor) & (score < good)


def _polars(stream: Stream, stat: Stat) -> Any:
    import polars as pl

    mask = _mask(stream.where, stat.window, pl.col, "is_in")
    if stat.op == "count":
        return mask.sum()
    value = pl.col(stream.measure) * stream.scale
    known = value.filter(mask & pl.col(stream.measure).is_not_nan())
    function = {"total": "sum"}.get(stat.op, stat.op)
    return getattr(known, function)()


def _pandas(rows: Any, stream: Stream, stat: Stat) -> Any:
    mask = _mask(stream.where, stat.window, rows.__getitem__, "isin")
    if stat.op == "count":
        return mask.groupby(rows["customer"]).sum()
    value = (rows[stream.measure] * stream.scale)[mask]
    by = value.groupby(rows["customer"])
    function = {"total": "sum"}.get(stat.op, stat.op)
    return getattr(by, function)()


def _clear(out: Path) -> None:
    for path in out.iterdir():
        path.unlink()


def run(name: str, home: Path, out: Path) -> float:
    """Seconds of one run of a way."""
    out.mkdir(parents=True, exist_ok=True)
    _clear(out)
    started = time.perf_counter()
    WAYS[name][0](home, out)
    return time.perf_counter() - started


def main(names: Sequence[str], home: Path, out: Path, most: int | None = None) -> None:
    runs = {name: min(WAYS[name][1], most or WAYS[name][1]) for name in names}
    print(json.dumps(by_turns({n: partial(run, n, home, out / n) for n in names}, runs)))


if __name__ == "__main__":
    main(sys.argv[1].split(","), Path(sys.argv[2]), Path(sys.argv[3]), *map(int, sys.argv[4:]))
