"""What to do with contacted customers in training, judged by who leaves if left alone.

`python -m benchmarks.treated SEED...` lives through worlds in which the company contacts each week
those who look riskiest, but for a random tenth that is left alone. Contact helps, harms or does
what it does in the simulator, and reaches 10, 30 or 50% of the customers within the horizon. At
each night a copy of the world goes on without contact: it tells who would have left. Each way of
learning sees what the company sees and is judged by the copies, out of fold over customers; "the
truth" has learned from the copies. Prints one JSON object a world, and the table.
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.harness import print_table
from data_samples.export import write_table
from data_samples.simulator import World, WorldSettings
from models.alone import left_alone
from models.calibration import calibrate, probability
from models.dataset import Dataset, FitSettings
from models.home import Home, create
from models.metrics import brier, calibration_error, top_decile_lift
from models.settings import Settings
from pipelines.history.ingest import ingest
from pipelines.history.store import History
from pipelines.trainingset import assemble

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Numbers = NDArray[np.int64]

START = date(2024, 7, 1)
CUSTOMERS, FIRST_CONTACT, END, HORIZON, WEEK = 3_000, 210, 690, 90, 7
NIGHTS = range(END - HORIZON - 30 * 7, END - HORIZON + 1, 30)  # days since the start
CONTROL, COOL_DOWN = 0.1, 60
KINDS: dict[str, dict[str, Any]] = {
    "helps": {"persuadable": 0.8, "sleeping_dogs": 0.0, "contact_lift": 2.5},
    "usual": {},
    "harms": {"persuadable": 0.0, "sleeping_dogs": 0.6, "contact_harm": 1.2},
}
SHARES = (0.1, 0.3, 0.5)
TREES: dict[str, Any] = {
    "objective": "binary", "num_leaves": 15, "max_depth": 6, "learning_rate": 0.07,
    "feature_fraction": 0.4, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1.0,
    "min_data_in_leaf": 60, "max_bin": 31, "bin_construct_sample_cnt": 4000, "force_col_wise": True,
    "num_threads": 2, "seed": 1, "deterministic": True, "verbosity": -1,
}  # fmt: skip
ROUNDS, FOLDS = 50, 3


@dataclass(frozen=True)
class Lived:
    """What a company knows of past nights, and what nobody knows."""

    data: Dataset
    alone: Bools  # [n]; who leaves within the horizon if nobody is contacted after the night
    due: Floats  # [n]; days until a contact was due, control included; NaN: never
    control: Bools  # [n]


class Policy:
    """Contacts each week those who look riskiest: long without use or order, with recent cases."""

    def __init__(self, share: float, customers: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._share, self._seen = share, 0
        self._last = np.zeros(customers)
        self._cases = np.zeros(customers)
        self._contacted = np.full(customers, -1000)
        self.control = self._rng.random(customers) < CONTROL
        self.due: list[tuple[int, Numbers]] = []  # day, who; both arms

    def see(self, day: int, log: pd.DataFrame) -> None:
        """The last week's interactions."""
        number = log["customer_id"].astype(str).str[1:].astype(int).to_numpy()
        kind = log["kind"].astype(str).to_numpy()
        self._last[number[np.isin(kind, ("usage", "order"))]] = day
        self._cases *= 0.5 ** ((day - self._seen) / 60)
        self._seen = day
        np.add.at(self._cases, number[np.isin(kind, ("case_opened", "complaint"))], 1.0)

    def choose(self, day: int, here: Numbers) -> Numbers:
        """Whom to contact today, among those `here`."""
        risk = np.log1p(day - self._last[here]) + 0.7 * self._cases[here]
        risk = (risk - risk.mean()) / risk.std() + self._rng.normal(0, 0.7, len(here))
        risk[day - self._contacted[here] < COOL_DOWN] = -np.inf
        many = round(self._share * len(here) * WEEK / HORIZON)
        chosen = here[np.argsort(-risk)[:many]]
        self._contacted[chosen] = day
        self.due.append((day, chosen))
        return chosen[~self.control[chosen]]


def live(kind: str, share: float, seed: int, folder: Path) -> Lived:
    """A world with contacts, and at each night one without."""
    nights = tuple(START + timedelta(days=day) for day in NIGHTS)
    world = World(
        WorldSettings(
            customers=CUSTOMERS, days=END, start=START, seed=seed, uses_per_month=2.0,
            truth_dates=nights, **KINDS[kind],
        )
    )  # fmt: skip
    policy = Policy(share, CUSTOMERS, seed)
    tables = [world.advance_table(FIRST_CONTACT)]
    policy.see(FIRST_CONTACT, tables[0].to_pandas())
    stops = sorted({*range(FIRST_CONTACT, END, WEEK), *NIGHTS, END})
    alone: dict[date, set[str]] = {}
    for day, stop in pairwise(stops):
        contacts = None
        if day in NIGHTS:
            alone[world.today] = _leavers(world)
        if (day - FIRST_CONTACT) % WEEK == 0:
            contacts = _contacts(world, policy)
        tables.append(world.advance_table(stop - day, contacts))
        policy.see(stop, tables[-1].to_pandas())
    _write(folder / "source", world, pa.concat_tables(tables))
    home, _ = create(folder / "home")
    now = datetime.combine(world.today, datetime.min.time(), UTC)
    ingest(home.history, folder / "source", now=now)
    return _rows(home, policy, alone)


def _leavers(world: World) -> set[str]:
    """Who leaves within the horizon if nobody is contacted from now on."""
    night, end = str(world.today), world.today + timedelta(days=HORIZON)
    without = copy.deepcopy(world)
    without.advance_table(HORIZON)
    truth = without.truth()
    truth = truth[truth["as_of"] == night]
    decided = pd.to_datetime(truth["decided_at"], utc=True) < pd.Timestamp(end, tz="UTC")
    left = decided & truth["end_kind"].isin(["cancelled", "not_renewed"])
    return set(truth["customer_id"][left])


def _contacts(world: World, policy: Policy) -> pd.DataFrame:
    truth = world.truth()
    here = truth["customer_id"][truth["as_of"] == str(world.today)].str[1:]
    chosen = policy.choose(world.day, here.astype(int).to_numpy().astype(np.int64))
    at = pd.Timestamp(world.today, tz="UTC") + pd.Timedelta(hours=9)
    return pd.DataFrame({"customer_id": [f"C{number:05d}" for number in chosen], "at": at})


def _write(folder: Path, world: World, log: pa.Table) -> None:
    folder.mkdir(parents=True)
    pq.write_table(log, folder / "interactions.parquet")
    for name in ("customers", "terms", "agents", "consents", "owners"):
        write_table(folder / f"{name}.parquet", getattr(world, name)(), "parquet")


def _rows(home: Home, policy: Policy, alone: dict[date, set[str]]) -> Lived:
    history = History.open(home.history)
    data = _varying(assemble(history, Settings(), list(alone), HORIZON).data)
    words = history.words("customer")
    first = int(datetime.combine(START, datetime.min.time(), UTC).timestamp())
    day = (data.as_of - first) // 86_400
    nights = [START + timedelta(days=int(one)) for one in day]
    pairs = zip(data.customer, nights, strict=True)
    left = np.array([words[number] in alone[night] for number, night in pairs])
    own = np.array([int(words[number][1:]) for number in data.customer])
    return Lived(data, left, _due(policy, own, day), policy.control[own])


def _varying(data: Dataset) -> Dataset:
    """Without columns in which hardly any row differs from the others: they cost time alone."""
    low, high = np.percentile(np.nan_to_num(data.X, nan=-1.0), [2, 98], axis=0)
    kept = high > low
    features = tuple(one for one, keep in zip(data.features, kept, strict=True) if keep)
    return replace(data, X=np.ascontiguousarray(data.X[:, kept]), features=features)


def _due(policy: Policy, who: Numbers, day: Numbers) -> Floats:
    """Days from each row's night to the day a contact was due, NaN where none was."""
    due = np.full(len(who), np.nan)
    for on, chosen in reversed(policy.due):
        mine = np.isin(who, chosen) & (on >= day) & (on < day + HORIZON)
        due[mine] = (on - day)[mine] + 9 / 24
    return due


def grown(x: Floats, y: Floats, weight: Floats) -> lightgbm.Booster:
    """Trees over rows that count `weight` times."""
    return lightgbm.train(TREES, lightgbm.Dataset(x, y, weight=weight), ROUNDS)


def raw(
    lived: Lived, x: Floats, y: Bools, weight: Floats, asked: Floats | None = None
) -> tuple[Floats, Floats]:
    """Out-of-fold log-odds of all rows as they are learned from and as they are `asked` for (where
    that differs), both [n]. Rows of weight 0 are not learned from."""
    fold, out, own = lived.data.customer % FOLDS, np.empty(len(y)), np.empty(len(y))
    for number in range(FOLDS):
        held = fold == number
        some = ~held & (weight > 0)
        booster = grown(x[some], y[some].astype(float), weight[some])
        own[held] = booster.predict(x[held], raw_score=True)
        out[held] = own[held] if asked is None else booster.predict(asked[held], raw_score=True)
    return own, out


def calibrated(own: Floats, y: Bools, weight: Floats, out: Floats | None = None) -> Floats:
    """Probabilities by `own` log-odds, or by `out`, calibrated as ours on rows of some weight."""
    some = weight > 0
    curve = calibrate(own[some], y[some], weight[some])
    return probability(curve(own if out is None else out))


def ways(lived: Lived) -> Iterator[tuple[str, Floats]]:
    """Every way of learning, and its probabilities, [n]."""
    data = lived.data
    assert data.contacts is not None
    assert data.leaves_in is not None
    treated, x, y, ones = data.contacts.within, data.X, data.y, np.ones(len(data))
    yield "the truth", calibrated(raw(lived, x, lived.alone, ones)[0], lived.alone, ones)
    as_is = raw(lived, x, y, ones)[0]
    yield "nothing", calibrated(as_is, y, ones)
    ours = np.array([feature.group == "outreach" for feature in data.features])
    blind = raw(lived, x[:, ~ours], y, ones)[0]
    yield "nothing, no outreach features", calibrated(blind, y, ones)
    half = np.where(treated, 0.5, ones)
    yield "half weight", calibrated(raw(lived, x, y, half)[0], y, half)
    marked, never = (np.column_stack([x, mark]) for mark in (treated, 0 * treated))
    own, out = raw(lived, marked, y, ones, never)
    yield "a feature", calibrated(own, y, ones, out)
    exposure = np.nanmin([data.contacts.after, data.leaves_in, np.full(len(y), HORIZON)], axis=0)
    yield "months until contact", _months(data, treated, exposure)
    learned = left_alone(data, FitSettings(HORIZON)).alone
    due = ~np.isnan(lived.due) & ~(lived.due >= data.leaves_in)
    known = np.where(due & lived.control, 1 / CONTROL, ones) * ~treated
    left_out = {"left out": ones * ~treated, "propensity learned": learned,
                "propensity known": known}  # fmt: skip
    for name, weight in left_out.items():
        yield name, calibrated(raw(lived, x, y, weight)[0], y, weight)
        yield f"{name}, in calibration only", calibrated(as_is, y, weight)


def _months(data: Dataset, treated: Bools, exposure: Floats) -> Floats:
    """A row for each month without contact, and the chance of staying as their product."""
    assert data.leaves_in is not None
    out, fold = np.empty(len(data)), data.customer % FOLDS
    for number in range(FOLDS):
        held = fold == number
        rows, left = [], []
        for month in range(3):
            begin, end = month * 30, month * 30 + 30
            there = ~held & ((exposure >= begin) | (month == 0)) & ~(treated & (exposure < end))
            rows.append(np.column_stack([data.X[there], np.full(there.sum(), month)]))
            left.append((data.leaves_in < end)[there])
        y = np.concatenate(left).astype(float)
        booster = grown(np.vstack(rows), y, np.ones(len(y)))
        stays = np.ones(int(held.sum()))
        for month in range(3):
            asked = np.column_stack([data.X[held], np.full(len(stays), month)])
            stays *= 1 - np.asarray(booster.predict(asked))
        out[held] = 1 - stays
    return out


def figures(lived: Lived, p: Floats) -> dict[str, float]:
    """How well probabilities tell who leaves if left alone; `off_due`: of whom contact is due."""
    from sklearn.metrics import roc_auc_score

    y, top, due = lived.alone, p >= np.quantile(p, 0.9), ~np.isnan(lived.due)
    return {
        "auc": float(roc_auc_score(y, p)),
        "lift": top_decile_lift(y, p),
        "brier": brier(y, p),
        "off": float(p.mean() - y.mean()),
        "off_top": float(p[top].mean() - y[top].mean()),
        "off_due": float(p[due].mean() - y[due].mean()),
        "error": calibration_error(y, p),
    }


def main(seeds: Sequence[int]) -> None:
    worlds = []
    for seed in seeds:
        for kind in KINDS:
            for share in SHARES:
                with tempfile.TemporaryDirectory() as folder:
                    lived = live(kind, share, 100 + seed, Path(folder))
                contacts = lived.data.contacts
                assert contacts is not None
                worlds.append(
                    {
                        "contact": kind, "share": share, "seed": seed, "rows": len(lived.data),
                        "treated": float(contacts.within.mean()),
                        "left": lived.data.base_rate,
                        "alone": float(lived.alone.mean()),
                        "treated_left": float(lived.data.y[contacts.within].mean()),
                        "treated_alone": float(lived.alone[contacts.within].mean()),
                        "ways": {name: figures(lived, p) for name, p in ways(lived)},
                    }
                )  # fmt: skip
                print(json.dumps(worlds[-1]), flush=True)
    table(worlds)


def table(worlds: Sequence[dict[str, Any]]) -> None:
    """Means over worlds; AUC and Brier as the gain over doing nothing, with its standard error."""
    shown: list[tuple[Callable[[dict[str, Any]], bool], str]] = [(lambda world: True, "all")]
    for key in ("contact", "share"):
        for value in sorted({str(world[key]) for world in worlds}):
            shown.append((_with(key, value), f"{key} {value}"))
    rows = []
    for wanted, title in shown:
        some = [world for world in worlds if wanted(world)]
        rows += [(title, name, *_cells(some, name)) for name in some[0]["ways"]]
    heads = ("AUC", "gain", "Brier, 1e-4", "off", "off, top tenth", "off, due", "cal. error")
    print_table(("worlds", "way", *heads), rows)


def _with(key: str, value: str) -> Callable[[dict[str, Any]], bool]:
    return lambda world: str(world[key]) == value


def _cells(worlds: Sequence[dict[str, Any]], name: str) -> Iterator[str]:
    def of(measure: str, way: str) -> Floats:
        return np.array([world["ways"][way][measure] for world in worlds])

    def gain(measure: str, scale: float, digits: int) -> str:
        apart = (of(measure, name) - of(measure, "nothing")) * scale
        error = apart.std(ddof=1) / np.sqrt(len(apart)) if len(apart) > 1 else np.nan
        return f"{apart.mean():+.{digits}f} ({error:.{digits}f})"

    yield f"{of('auc', name).mean():.3f}"
    yield gain("auc", 1, 4)
    yield gain("brier", 1e4, 2)
    for measure in ("off", "off_top", "off_due"):
        yield f"{of(measure, name).mean():+.4f}"
    yield f"{of('error', name).mean():.4f}"


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or [0, 1, 2])
