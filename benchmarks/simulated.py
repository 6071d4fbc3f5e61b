"""The simulator's hidden truth: how far the model gets towards what can be known at all.

`make bench-simulated`: a world of 20,000 customers (`ARGS=--quick`: 4,000) over two years and a
quarter, in which everything is learned as `warmline train` learns it and judged on later nights:
beside a plain baseline (counts of each kind in each window, default LightGBM) and beside ranking by
the true probability, for all, the silent and the vocal. And of the silent who left within the
horizon and whom a contact would truly have kept, how many stand in the riskiest fifth. Beside each
AUC stands the one to be expected, in which each row counts as a leaver by its true chance: the same
without the luck of who left, so that less of it is noise.

`ARGS=--ceiling` puts beside them what the log can show at all (`benchmarks.ceiling`, some six
minutes more a world of 20,000): who knows the world's laws and sees only its rows. No model can
see more, so that the same shares are asked of that, too.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.ceiling.belief import Believed, believed
from benchmarks.ceiling.signs import Watched, shown
from benchmarks.harness import Bar, Report, must, warmline, workplace
from benchmarks.learners import lightgbm_default
from data_samples.simulator import World, WorldSettings, write_history
from models import churn
from models.contracts import DAY
from models.dataset import Dataset
from models.home import Home
from models.metrics import Ranking
from models.settings import Settings
from pipelines import train
from pipelines.features.stream import WINDOWS
from pipelines.history.store import History
from pipelines.trainingset import assemble

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HORIZON = 90
DAYS = 820
SEEDS = (5, 7)  # of worlds; AUCs are means over them
CUSTOMERS, QUICK_CUSTOMERS = 20_000, 4_000
# Two worlds: as sparse as the sample, and of a product that is used every few days.
USES = {"sparse": WorldSettings().uses_per_month, "dense": 4.0}
WAY = 0.7  # of the way from the baseline to the truth
SAVABLE = -0.02  # a contact takes two points off the chance of leaving
FOUND, OF_TRUTH = 0.6, 0.85
TOP = 0.2
COLUMNS = ("rows", "left", "baseline", "ours", "log", "truth", "way", "log's way", "of the log's")


@dataclass(frozen=True)
class Judged:
    """The later nights of one world: what was said and what is true, one value a row."""

    y: Bools
    silent: Bools  # as the night knew it
    night: NDArray[np.int64]
    savable: Bools
    chance: Floats  # the true one of leaving within the horizon
    by: dict[str, Floats]  # probabilities: of ours, of the baseline, of the truth, of the log
    kept: Floats | None  # chance, by the log, of one who leaves and whom a contact would keep


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small world")
    parser.add_argument("--only", choices=sorted(USES), help="one of the worlds")
    parser.add_argument("--ceiling", action="store_true", help="also what the log can show")
    parser.add_argument("--keep", type=Path, help="a folder to make the worlds in, or find them")
    asked = parser.parse_args()
    report, rows = Report("simulated", asked.quick), []
    with workplace(asked.keep) as place:
        for name, uses in USES.items():
            if name != (asked.only or ("dense" if asked.quick else name)):
                continue
            judged = []
            for seed in SEEDS[:1] if asked.quick else SEEDS:
                settings = WorldSettings(
                    customers=QUICK_CUSTOMERS if asked.quick else CUSTOMERS,
                    days=DAYS,
                    seed=seed,
                    uses_per_month=uses,
                )
                home = place / f"{name}-{seed}-{settings.customers}"
                judged.append(judge(home, settings, ceiling=asked.ceiling))
            figures = {who: _figures(judged, who) for who in ("all", "silent", "vocal")}
            found = _found(judged)
            for who, of_group in figures.items():
                rows.append([name, who, *_told(of_group)])
                rows.append([name, f"{who}, expected", *_told(of_group["expected"])])
            report.figures[name] = {**figures, "savable silent found": found}
            report.bars += _bars(name, figures, found)
    report.print(("world", "who", *COLUMNS), rows)


def judge(place: Path, world: WorldSettings, *, ceiling: bool = False) -> Judged:
    """One world: lived, ingested, learned from, and its later nights predicted; with `ceiling` by
    what its log can show, too."""
    home, settings = Home(place / "home"), Settings()
    if not home.history.exists():
        write_history(place / "tables", World(replace(world, truth_dates=())), world.days)
        must(warmline(home.root, "init"))
        must(warmline(home.root, "ingest", _at(place)))
    history = History.open(home.history)
    plan = train.plan_snapshots(history, settings, None, HORIZON)
    rows = assemble(history, settings, (*plan.training, *plan.judging), HORIZON)
    learned = rows.at(plan.training, settings)
    ours = churn.fit(rows.data.take(learned), churn.FitSettings(horizon_days=HORIZON))
    judged = rows.data.take(~learned)
    # The same world is lived again to be asked on just these dates.
    again = Watched(replace(world, truth_dates=plan.judging))
    log = again.log(world.days)
    ids = np.asarray(history.words("customer"), dtype=object)[judged.customer]
    truth = _truth(again, ids, judged)
    seen = _seen(again, log, ids, judged) if ceiling else None
    counts = _counts(place, history, rows.data)
    plain = lightgbm_default(counts[learned], rows.data.y[learned], counts[~learned], world.seed)
    chance = truth[f"leave_{HORIZON}"].to_numpy(np.float64)
    return Judged(
        judged.y,
        judged.silent,
        judged.as_of,
        (truth[f"effect_{HORIZON}"] <= SAVABLE).to_numpy(),
        chance,
        {
            "ours": ours.predict(judged.X),
            "baseline": plain,
            "truth": chance,
            **({"log": seen.leave} if seen else {}),
        },
        seen.kept if seen else None,
    )


def _at(place: Path) -> str:
    return str(place / "tables")


def _truth(world: World, ids: NDArray[np.object_], rows: Dataset) -> pd.DataFrame:
    """The truth of each row."""
    truth = world.truth(horizons=(HORIZON,))
    days = [datetime.fromtimestamp(at, UTC).date().isoformat() for at in rows.as_of.tolist()]
    keys = pd.MultiIndex.from_arrays([ids, days])
    found = truth.set_index(["customer_id", "as_of"]).reindex(keys)
    missing = int(found[f"leave_{HORIZON}"].isna().sum())
    if missing:
        raise SystemExit(f"{missing} of {len(rows)} rows have no truth")
    return found


def _seen(world: World, log: pd.DataFrame, ids: NDArray[np.object_], rows: Dataset) -> Believed:
    """What the log shows of each row."""
    numbers = np.array([int(one[1:]) for one in ids])
    night = (rows.as_of - world.hidden.midnight) // DAY
    return believed(world, shown(world, log), numbers, night, HORIZON, savable=SAVABLE)


def _counts(place: Path, history: History, rows: Dataset) -> pd.DataFrame:
    """How often each kind came in each window before each row's night, [n, kinds x windows]."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        ids = np.asarray(history.words("customer"), dtype=object)[rows.customer]
        at = pd.to_datetime(rows.as_of, unit="s", utc=True)
        connection.register(
            "row", pd.DataFrame({"row": np.arange(len(rows)), "customer_id": ids, "at": at})
        )
        source = f"read_parquet('{place}/tables/interactions.parquet')"
        found = connection.execute(f"SELECT DISTINCT kind FROM {source} ORDER BY 1").fetchall()
        figures = ", ".join(
            f"""count(*) FILTER (WHERE kind = '{kind}'{_within(days)}) AS "{kind}_{days}" """
            for (kind,) in found
            for days in WINDOWS
        )
        table: pd.DataFrame = connection.execute(
            f"SELECT row, {figures} FROM row LEFT JOIN {source} AS it "
            "ON it.customer_id = row.customer_id AND occurred_at < row.at GROUP BY row ORDER BY row"
        ).df()
    return table.drop(columns="row")


def _within(days: int | None) -> str:
    return "" if days is None else f" AND occurred_at >= row.at - INTERVAL {days} DAY"


def _figures(worlds: Sequence[Judged], who: str) -> dict[str, Any]:
    """AUCs of a group, mean over the worlds, and how far from the baseline to the truth ours is."""
    some = [_of(world, who) for world in worlds]
    pairs = list(zip(worlds, some, strict=True))

    def mean(auc: Callable[[Judged, Bools, str], float]) -> dict[str, float]:
        return {
            name: float(np.mean([auc(world, mine, name) for world, mine in pairs]))
            for name in worlds[0].by
        }

    auc = mean(lambda world, mine, name: Ranking(world.y[mine], world.by[name][mine]).auc())
    expected = mean(
        lambda world, mine, name: expected_auc(world.chance[mine], world.by[name][mine])
    )
    return {
        "rows": int(sum(mine.sum() for mine in some)),
        "left": int(sum(world.y[mine].sum() for world, mine in pairs)),
        **_ways(auc),
        "expected": _ways(expected),
    }


def _told(figures: Mapping[str, Any]) -> list[Any]:
    """A line of the table."""
    return [figures.get(column, "") for column in COLUMNS]


def expected_auc(chance: Floats, score: Floats) -> float:
    """The chance that one who leaves is ranked above one who stays, where each row [n] leaves by
    its `chance`."""
    both = Ranking(np.repeat([True, False], len(score)), np.concatenate([score, score]))
    return both.auc(np.concatenate([chance, 1 - chance]))


def _ways(auc: dict[str, float]) -> dict[str, float]:
    """The AUCs, and how far from the baseline's to the truth's each of ours and the log's is."""
    way = {
        name: (auc[name] - auc["baseline"]) / (auc["truth"] - auc["baseline"])
        for name in ("ours", "log")
        if name in auc
    }
    told = (
        {"log's way": way["log"], "of the log's": way["ours"] / way["log"]} if "log" in way else {}
    )
    return {
        **{name: round(value, 4) for name, value in auc.items()},
        "way": round(way["ours"], 3),
        **{name: round(value, 3) for name, value in told.items()},
    }


def _of(world: Judged, who: str) -> Bools:
    if who == "all":
        return np.ones(len(world.y), bool)
    return world.silent if who == "silent" else ~world.silent


def _found(worlds: Sequence[Judged]) -> dict[str, Any]:
    """Of the silent leavers whom a contact would have kept, the share in each night's riskiest
    fifth: by each ranking."""
    out: dict[str, Any] = {"of": 0}
    hits: dict[str, int] = {}
    for world in worlds:
        wanted = world.y & world.silent & world.savable
        out["of"] += int(wanted.sum())
        kept = {} if world.kept is None else {"log, by whom a contact keeps": world.kept}
        for name, probability in (world.by | kept).items():
            hits[name] = hits.get(name, 0) + int((wanted & _top(world.night, probability)).sum())
    return out | {name: round(number / max(out["of"], 1), 3) for name, number in hits.items()}


def _top(night: NDArray[np.int64], probability: Floats) -> Bools:
    """The riskiest fifth of each night's rows."""
    chosen = np.zeros(len(night), bool)
    for one in np.unique(night):
        mine = np.flatnonzero(night == one)
        first = np.argsort(-probability[mine], kind="stable")[: round(TOP * len(mine))]
        chosen[mine[first]] = True
    return chosen


def _bars(name: str, figures: dict[str, Any], found: dict[str, Any]) -> Iterator[Bar]:
    for who, of_group in figures.items():
        for told, what in (("way", "way to the truth"), ("of the log's", "of the way of the log")):
            if told in of_group:
                yield _bar(f"{name}, {who}: {what}", of_group[told], WAY)
    ours, where = found["ours"], f"{name}, savable silent in the top fifth"
    yield _bar(where, ours, min(FOUND, OF_TRUTH * found["truth"]))
    if "log" in found:
        yield _bar(f"{where}, of what the log can show", ours, min(FOUND, OF_TRUTH * found["log"]))


def _bar(name: str, value: float, least: float) -> Bar:
    return Bar(name, value, f">= {least:.3g}", bool(value >= least))


if __name__ == "__main__":
    main()
