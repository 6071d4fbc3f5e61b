"""Event history into churn features: our pass against a bare scan, SQL, Polars and pandas.

`make bench-features`: 100 million interactions of 1 million customers from the simulator's fast
path, stored as our history, and the figures of one night: the windows of counted and valued streams
by our pass and by each peer, then our whole set, twelve monthly nights, the last 30 days as parts
of their own, and a tenth of the customers. `ARGS=--quick`: 5 million of 50,000, and no tenth. A way
begins with a run that is not measured, so that nothing is compiled and files lie in memory; the
shortest of the others counts. Ways of one process run by turns.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.fast_history import write_days, write_history
from benchmarks.feature_peers import APART, NIGHT, PANDAS_SHARE, PARTS_SHARE, figures
from benchmarks.harness import Bar, Report, measure, must, workplace
from data_samples.fastpath import FastSettings
from models.home import Home
from models.settings import Settings
from pipelines.features import matrix, reference
from pipelines.history.store import History

WHOLE = FastSettings(customers=1_000_000, interactions=100_000_000)
QUICK = FastSettings(customers=50_000, interactions=5_000_000)
BILLION = FastSettings(customers=10_000_000, interactions=1_000_000_000)
Ways = tuple[tuple[str, ...], ...]

DAYS = 30  # whose parts lie beside the large ones
WAYS = {
    "bare": "DuckDB: three sums a customer",
    "windows": "Warmline: windows of the same streams",
    "one": "Warmline: all features, as training takes them",
    "one_apart": f"Warmline: the same with {DAYS} days not compacted",
    "full": "Warmline: all features, written",
    "twelve": "Warmline: all features of twelve nights",
    "duckdb": "DuckDB: one query with FILTER",
    "duckdb_some": f"DuckDB: the query for a part in {PARTS_SHARE}, times {PARTS_SHARE}",
    "polars": "Polars: one lazy query, streaming",
    "pandas": f"pandas: one customer in {PANDAS_SHARE}, times {PANDAS_SHARE}",
}
DAY_WAYS = {
    "day": "Warmline: ingest of a day",
    "bare_day": "DuckDB: that day sorted and written, all ids read",
}
# Of one process each, by turns.
OUR_WAYS: Ways = (("bare",), ("windows", "full"), ("one", "one_apart", "twelve"))
PEERS: Ways = (("polars",), ("duckdb",), ("pandas",))  # the quickest in the same minutes as ours
# Starting a process and loading its libraries takes as long as what is measured in it.
QUICK_WAYS: Ways = (("windows", "full", "one", "one_apart", "twelve"),)
QUICK_PEERS: Ways = (("bare", "duckdb_some", "polars", "pandas"),)
SHARES = {"pandas": PANDAS_SHARE, "duckdb_some": PARTS_SHARE}  # ways that compute a share of all
QUICK_RUNS = 2  # of each way, the first of them not measured
REFERRED = 20  # customers whose figures the readable reference computes as well


@dataclass(frozen=True)
class Run:
    """The shortest run of a way, and the peak memory of its process."""

    seconds: float
    peak_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5 million interactions")
    parser.add_argument(
        "--billion", action="store_true", help="a billion interactions by our pass alone, for hours"
    )
    parser.add_argument("--keep", type=Path, help="a folder to make the histories in, or find them")
    asked = parser.parse_args()
    with workplace(asked.keep) as place:
        if asked.billion:
            _grow(place)
        else:
            _compare(place, asked.quick)


def _compare(place: Path, quick: bool) -> None:
    size, most = (QUICK, QUICK_RUNS) if quick else (WHOLE, None)
    home = _history(place / "whole", size)
    apart = Home(home.with_name(APART))
    if not apart.history.exists():
        write_days(apart, Home(home), DAYS)
    tenth = replace(size, customers=size.customers // 10, interactions=size.interactions // 10)
    small = None if quick else _history(place / "tenth", tenth)
    # What is set against each other runs soon after each other: the machine's pace changes.
    runs: dict[str, Run] = {}
    for names in QUICK_WAYS if quick else OUR_WAYS:
        runs |= run(names, home, place, most=most)
    tenths = run(("windows", "one", "full"), small, place / "tenth-out") if small else {}
    for names in QUICK_PEERS if quick else PEERS:
        runs |= run(names, home, place, most=most)
    day = run(("day", "bare_day"), home, place / "day-out", "feature_day", most)
    for name in SHARES.keys() & runs.keys():
        runs[name] = replace(runs[name], seconds=runs[name].seconds * SHARES[name])
    sql = "duckdb_some" if quick else "duckdb"
    equal = _equals_reference(home) and _equals_sql(home, place / sql)
    history = History.open(Home(home).history)
    report = Report("features", quick)
    report.bars = [*_bars(runs, tenths, equal), _of_day(day)]
    seconds = {name: done.seconds for name, done in runs.items()}
    report.figures = {
        "events": history.rows,
        "customers": size.customers,
        "features": len(matrix.features()),
        "window_features": len(list(figures())),
        "seconds": seconds,
        "scaled": {name: SHARES[name] for name in SHARES.keys() & runs.keys()},
        "ratio_bare_scan": seconds["windows"] / seconds["bare"],
        "ratio_full_bare_scan": seconds["full"] / seconds["bare"],
        "ratio_duckdb": seconds[sql] / seconds["windows"],
        "ratio_polars": seconds["polars"] / seconds["windows"],
        "ratio_pandas": seconds["pandas"] / seconds["windows"],
        "ratio_12_snapshots": seconds["twelve"] / seconds["one"],
        "ratio_uncompacted": seconds["one_apart"] / seconds["one"],
        "ratio_day_ingest": day["day"].seconds / day["bare_day"].seconds,
        "peak_rss_mb": runs["twelve"].peak_mb,
        "equal_to_reference": equal,
    }
    rows = [[WAYS[name], done.seconds, done.peak_mb] for name, done in runs.items()]
    rows += [[f"{WAYS[n]}, a tenth", done.seconds, done.peak_mb] for n, done in tenths.items()]
    rows += [[DAY_WAYS[name], done.seconds, done.peak_mb] for name, done in day.items()]
    report.print(("what", "seconds", "peak MB"), rows)


def _of_day(day: dict[str, Run]) -> Bar:
    ratio = day["day"].seconds / day["bare_day"].seconds
    return Bar("a day's ingest / sort, write and scan of ids", ratio, "<= 3", ratio <= 3)


def _grow(place: Path) -> None:
    """Our pass over ten times the whole size: how long, and with how much memory."""
    home = _history(place / "billion", BILLION, whole=False)
    runs = run(("bare",), home, place / "billion-out")
    for name in ("windows", "one"):  # each with the memory of a process of its own
        runs |= run((name,), home, place / "billion-out")
    report = Report("features", quick=False)
    report.bars = [
        Bar(f"peak MB, {name}", runs[name].peak_mb, "<= 2000", runs[name].peak_mb <= 2_000)
        for name in ("windows", "one")
    ]
    report.figures = {
        "events": History.open(Home(home).history).rows,
        "customers": BILLION.customers,
        "seconds": {name: done.seconds for name, done in runs.items()},
    }
    rows = [[WAYS[name], done.seconds, done.peak_mb] for name, done in runs.items()]
    report.print(("what", "seconds", "peak MB"), rows)


def _history(home: Path, size: FastSettings, whole: bool = True) -> Path:
    """A home with that much history; one that is there already is used."""
    if not Home(home).history.exists():
        write_history(Home(home), size, whole)
    return home


def run(
    names: Sequence[str],
    home: Path,
    out: Path,
    module: str = "feature_peers",
    most: int | None = None,
) -> dict[str, Run]:
    """Some ways of a module, one after the other in a process of their own; each run as often as
    its module says, or `most` times."""
    command = [sys.executable, "-m", f"benchmarks.{module}", ",".join(names), str(home), str(out)]
    facts = must(measure([*command, *([str(most)] if most else [])])).facts
    return {n: Run(min(facts[n]["seconds"]), facts[n]["peak_mb"]) for n in names}


def _bars(runs: dict[str, Run], tenths: dict[str, Run], equal: bool) -> list[Bar]:
    def most(name: str, way: str, against: float, limit: float) -> Bar:
        value = runs[way].seconds / against
        return Bar(name, value, f"<= {limit:g}", value <= limit)

    def least(name: str, way: str, limit: float) -> Bar:
        value = runs[way].seconds / runs["windows"].seconds
        return Bar(name, value, f">= {limit:g}", value >= limit)

    bare = runs["bare"].seconds
    peak = runs["twelve"].peak_mb
    growth = [
        most(f"10 times the customers / a tenth, {name}", name, done.seconds, 10.5)
        for name, done in tenths.items()
    ]
    return [
        most("windows / bare scan", "windows", bare, 3),
        most("all features / bare scan", "full", bare, 8),
        least("DuckDB / windows", "duckdb" if "duckdb" in runs else "duckdb_some", 12),
        least("Polars / windows", "polars", 10),
        least("pandas / windows", "pandas", 200),
        most("12 nights / one", "twelve", runs["one"].seconds, 2.5),
        most(f"{DAYS} days not compacted / compacted", "one_apart", runs["one"].seconds, 1.3),
        *growth,
        Bar("peak MB", peak, "<= 2000", peak <= 2_000),
        Bar("equal to the reference and to SQL", float(equal), "= 1", equal),
    ]


def _close(ours: np.ndarray, theirs: np.ndarray) -> bool:
    at_most = reference.TOLERANCE
    return bool(np.allclose(ours, theirs, rtol=at_most, atol=at_most, equal_nan=True))


def _equals_reference(home: Path) -> bool:
    """Whether some customers' figures are those of the readable reference."""
    history = History.open(Home(home).history)
    bucket = history.buckets // 2
    events, some = history.versions(bucket), history.members(bucket)[:REFERRED]
    joined = history.customers()["joined_at"].to_numpy(np.int64)[some]
    context = matrix.context(history, Settings(), [NIGHT])
    ours = matrix.compute(events, some, joined, [NIGHT], context, history.terms())
    theirs = reference.compute(events, some, joined, [NIGHT], context)
    return _close(ours[:, :, : theirs.shape[2]], theirs)


def _equals_sql(home: Path, told_by: Path) -> bool:
    """Whether each figure of the first bucket's customers is what DuckDB's query wrote."""
    import pyarrow.parquet as pq

    history = History.open(Home(home).history)
    members = history.members(0)
    names = [name for name, _, _ in figures()]
    written = np.fromfile(told_by.with_name("windows") / "bucket-00000.float64")
    ours = written.reshape(len(members), -1)[:, : len(names)]
    told = pq.read_table(told_by / "matrix.parquet").to_pandas().set_index("customer")
    known = np.isin(members, told.index.to_numpy())
    theirs = told.loc[members[known], names].to_numpy(np.float64)
    return bool(known.any()) and _close(ours[known], theirs)


if __name__ == "__main__":
    main()
