"""What to do with contacted customers in training, judged by who leaves if left alone.

`python -m benchmarks.treated SEED...` lives through worlds in which the company contacts each week
those who look riskiest, but for a random tenth that is left alone. Contact helps, harms or does
what it does in the simulator, and reaches 10, 30 or 50% of the customers within the horizon. Each
way of learning sees the same past nights. It is judged on everybody, in a copy of the world in
which nobody is contacted after the last night. Prints one JSON object a world, and the table.
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
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
from models.calibration import calibrate, probability
from models.dataset import Dataset
from models.home import Home, create
from models.metrics import brier, calibration_error, top_decile_lift
from models.settings import Settings
from pipelines.history.ingest import ingest
from pipelines.history.store import History
from pipelines.trainingset import assemble

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CUSTOMERS, FIRST_CONTACT, NIGHT, HORIZON, WEEK = 3_000, 210, 690, 90, 7
NIGHTS_BACK = range(HORIZON + 30 * 7, HORIZON - 1, -30)  # days before the last night
CONTROL, COOL_DOWN = 0.1, 60
KINDS: dict[str, dict[str, Any]] = {
    "helps": {"persuadable": 0.8, "sleeping_dogs": 0.0, "contact_lift": 2.5},
    "usual": {},
    "harms": {"persuadable": 0.0, "sleeping_dogs": 0.6, "contact_harm": 1.2},
}  # fmt: skip
SHARES = (0.1, 0.3, 0.5)
MOST_WEIGHT = 10.0  # of a row; a tenth is left alone whatever they look like
TREES: dict[str, Any] = {
    "objective": "binary", "num_leaves": 15, "max_depth": 6, "learning_rate": 0.05,
    "feature_fraction": 0.4, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 1.0,
    "min_data_in_leaf": 40, "max_bin": 63, "force_col_wise": True, "num_threads": 2,
    "seed": 1, "deterministic": True, "verbosity": -1,
}  # fmt: skip
ROUNDS, FOLDS = 400, 3


@dataclass(frozen=True)
class Lived:
    """What a company knows at its last night, and what nobody knows."""

    learned: Dataset  # of past nights
    tonight: Dataset  # `y`: who leaves within the horizon if nobody is contacted any more
    due: Floats  # [n] of `learned`: days until a contact was due, control included; NaN: never
    control: Bools  # [n] of `learned`


class Policy:
    """Contacts each week those who look riskiest: long without use or order, with recent cases."""

    def __init__(self, share: float, customers: int, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._share = share
        self._last = np.zeros(customers)
        self._cases = np.zeros(customers)
        self._contacted = np.full(customers, -1000)
        self.control = self._rng.random(customers) < CONTROL
        self.due: list[tuple[int, NDArray[np.int64]]] = []  # day, who; both arms

    def see(self, day: int, log: pd.DataFrame) -> None:
        """The last week's interactions."""
        number = log["customer_id"].astype(str).str[1:].astype(int).to_numpy()
        kind = log["kind"].astype(str).to_numpy()
        self._last[number[np.isin(kind, ("usage", "order"))]] = day
        self._cases *= 0.5 ** (WEEK / 60)
        np.add.at(self._cases, number[np.isin(kind, ("case_opened", "complaint"))], 1.0)

    def choose(self, day: int, here: NDArray[np.int64]) -> NDArray[np.int64]:
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
    """A world's past, as training reads it, and its future without contact."""
    start = date(2024, 7, 1)
    night = start + timedelta(days=NIGHT)
    world = World(
        WorldSettings(
            customers=CUSTOMERS, days=NIGHT, start=start, seed=seed, truth_dates=(night,),
            uses_per_month=2.0, **KINDS[kind],
        )
    )  # fmt: skip
    policy = Policy(share, CUSTOMERS, seed)
    tables = [world.advance_table(FIRST_CONTACT)]
    policy.see(FIRST_CONTACT, tables[0].to_pandas())
    while world.day < NIGHT:
        days = min(WEEK, NIGHT - world.day)
        here = world.truth()
        numbers = here[here["as_of"] == str(world.today)]["customer_id"].str[1:].astype(int)
        chosen = policy.choose(world.day, numbers.to_numpy().astype(np.int64))
        at = pd.Timestamp(world.today, tz="UTC") + pd.Timedelta(hours=9)
        contacts = pd.DataFrame({"customer_id": [f"C{n:05d}" for n in chosen], "at": at})
        tables.append(world.advance_table(days, contacts))
        policy.see(world.day, tables[-1].to_pandas())
    _write(folder / "source", world, pa.concat_tables(tables))
    home, _ = create(folder / "home")
    now = datetime.combine(night, datetime.min.time(), UTC)
    ingest(home.history, folder / "source", now=now)
    alone = copy.deepcopy(world)
    alone.advance_table(HORIZON)
    return _rows(home, policy, night, alone.truth())


def _write(folder: Path, world: World, log: pa.Table) -> None:
    folder.mkdir(parents=True)
    pq.write_table(log, folder / "interactions.parquet")
    for name in ("customers", "terms", "agents", "consents", "owners"):
        write_table(folder / f"{name}.parquet", getattr(world, name)(), "parquet")


def _rows(home: Home, policy: Policy, night: date, truth: pd.DataFrame) -> Lived:
    history = History.open(home.history)
    nights = [night - timedelta(days=back) for back in NIGHTS_BACK]
    rows = assemble(history, Settings(), [*nights, night], HORIZON)
    tonight = rows.at([night], Settings())
    words = history.words("customer")
    then = truth[truth["as_of"] == str(night)].set_index("customer_id")
    ids = [words[number] for number in rows.data.customer[tonight]]
    found = then.reindex(ids)
    decided = pd.to_datetime(found["decided_at"], utc=True)
    end = pd.Timestamp(night, tz="UTC") + pd.Timedelta(days=HORIZON)
    wanted = found["end_kind"].isin(["cancelled", "not_renewed"])
    left = (decided < end).to_numpy() & wanted.to_numpy()
    learned = rows.data.take(~tonight)
    own = np.array([int(words[number][1:]) for number in learned.customer])
    return Lived(
        learned,
        replace(rows.data.take(tonight), y=left),
        _due(policy, own, learned.as_of),
        policy.control[own],
    )


def _due(policy: Policy, who: NDArray[np.int64], as_of: NDArray[np.int64]) -> Floats:
    """Days from each row's night to the day a contact was due, NaN where none was."""
    first = int(datetime(2024, 7, 1, tzinfo=UTC).timestamp())
    day = (as_of - first) // 86_400
    due = np.full(len(who), np.nan)
    for on, chosen in reversed(policy.due):
        mine = np.isin(who, chosen) & (on >= day) & (on < day + HORIZON)
        due[mine] = (on - day)[mine] + 0.375
    return due


def grown(x: Floats, y: Floats, weight: Floats, rounds: int, **more: Any) -> lightgbm.Booster:
    table = lightgbm.Dataset(x, y, weight=weight)
    return lightgbm.train({**TREES, **more}, table, rounds)


def learn(
    x: Floats, y: Bools, customer: NDArray[np.int64], weight: Floats | None = None
) -> Callable[[Floats], Floats]:
    """Trees over rows that count `weight` times: rounds and calibration out of fold, as ours."""
    w = np.ones(len(y)) if weight is None else weight
    rounds, out = [], np.empty(len(y))
    for fold in range(FOLDS):
        held = customer % FOLDS == fold
        table = lightgbm.Dataset(x[~held], y[~held].astype(float), weight=w[~held])
        judge = lightgbm.Dataset(x[held], y[held].astype(float), weight=w[held], reference=table)
        stop = lightgbm.early_stopping(30, verbose=False)
        booster = lightgbm.train(TREES, table, ROUNDS, valid_sets=[judge], callbacks=[stop])
        rounds.append(booster.best_iteration)
        out[held] = booster.predict(x[held], raw_score=True)
    calibration = calibrate(out, y, w)
    whole = grown(x, y.astype(float), w, max(1, round(np.mean(rounds))))
    return lambda tonight: probability(
        calibration(np.asarray(whole.predict(tonight, raw_score=True)))
    )


def ways(lived: Lived) -> Iterator[tuple[str, Floats]]:
    """Every way of learning, and its probabilities for the last night, [m]."""
    data, tonight = lived.learned, lived.tonight.X
    assert data.contacts is not None
    assert data.leaves_in is not None
    treated, x, y, who = data.contacts.within, data.X, data.y, data.customer
    yield "nothing", learn(x, y, who)(tonight)
    ours = np.array([feature.group == "outreach" for feature in data.features])
    yield "nothing, no outreach features", learn(x[:, ~ours], y, who)(tonight[:, ~ours])
    yield "half weight", learn(x, y, who, np.where(treated, 0.5, 1.0))(tonight)
    marked = np.column_stack([x, treated])
    yield "a feature", learn(marked, y, who)(np.column_stack([tonight, np.zeros(len(tonight))]))

    def without(weight: Floats) -> Floats:
        return learn(x[~treated], y[~treated], who[~treated], weight[~treated])(tonight)

    yield "left out", without(np.ones(len(y)))
    exposure = np.nanmin([data.contacts.after, data.leaves_in, np.full(len(y), HORIZON)], axis=0)
    rate = _rate(data, treated, exposure)
    yield "left out, propensity learned", without(np.minimum(np.exp(rate * exposure), MOST_WEIGHT))
    before = ~np.isnan(lived.due) & ~(lived.due >= data.leaves_in)
    yield "left out, propensity known", without(np.where(before & lived.control, 1 / CONTROL, 1.0))
    yield "months until contact", _months(data, treated, exposure, tonight)


def _rate(data: Dataset, treated: Bools, exposure: Floats) -> Floats:
    """Contacts a day to be expected of each row, out of fold over customers, [n]."""
    out = np.empty(len(data))
    days = np.maximum(exposure, 0.5)
    for fold in range(FOLDS):
        held = data.customer % FOLDS == fold
        often = treated[~held] / days[~held] * HORIZON
        booster = grown(data.X[~held], often, days[~held], 100, objective="poisson")
        out[held] = booster.predict(data.X[held])
    return out / HORIZON


def _months(data: Dataset, treated: Bools, exposure: Floats, tonight: Floats) -> Floats:
    """A row for each month without contact, and the chance of staying as their product."""
    assert data.leaves_in is not None
    pieces, left, who = [], [], []
    for month in range(3):
        begin, end = month * 30, month * 30 + 30
        there = exposure >= begin if month else np.ones(len(data), bool)
        there &= ~(treated & (exposure < end))
        pieces.append(np.column_stack([data.X[there], np.full(there.sum(), month)]))
        left.append((data.leaves_in < end)[there])
        who.append(data.customer[there])
    p = learn(np.vstack(pieces), np.concatenate(left), np.concatenate(who))
    stays = [1 - p(np.column_stack([tonight, np.full(len(tonight), month)])) for month in range(3)]
    return np.asarray(1 - np.prod(stays, axis=0))


def figures(data: Dataset, p: Floats) -> dict[str, float]:
    """How well the night's probabilities tell who leaves if left alone."""
    from sklearn.metrics import roc_auc_score

    top = p >= np.quantile(p, 0.8)
    return {
        "auc": float(roc_auc_score(data.y, p)),
        "lift": top_decile_lift(data.y, p),
        "brier": brier(data.y, p),
        "off": float(p.mean() - data.y.mean()),
        "off_top": float(p[top].mean() - data.y[top].mean()),
        "error": calibration_error(data.y, p),
    }


def main(seeds: Sequence[int]) -> None:
    found: dict[tuple[str, float, str], list[dict[str, float]]] = {}
    for seed in seeds:
        for kind in KINDS:
            for share in SHARES:
                with tempfile.TemporaryDirectory() as folder:
                    lived = live(kind, share, 100 + seed, Path(folder))
                contacts = lived.learned.contacts
                assert contacts is not None
                told = {name: figures(lived.tonight, p) for name, p in ways(lived)}
                facts = {
                    "world": kind, "share": share, "seed": seed, "rows": len(lived.learned),
                    "treated": round(float(contacts.within.mean()), 4),
                    "left": round(lived.learned.base_rate, 4),
                    "left_alone": round(lived.tonight.base_rate, 4),
                    "treated_left": round(float(lived.learned.y[contacts.within].mean()), 4),
                    "ways": told,
                }  # fmt: skip
                print(json.dumps(facts), flush=True)
                for name, one in told.items():
                    found.setdefault((kind, share, name), []).append(one)
    _table(found)


def _table(found: dict[tuple[str, float, str], list[dict[str, float]]]) -> None:
    """Means over seeds; AUC and Brier as the gain over doing nothing, with its standard error."""
    rows = []
    for (kind, share, name), all_of in found.items():
        base = found[kind, share, "nothing"]
        cells = []
        for measure in ("auc", "brier"):
            gain = np.array([a[measure] - b[measure] for a, b in zip(all_of, base, strict=True)])
            error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.nan
            cells.append(f"{gain.mean():+.4f} ({error:.4f})")
        means = [np.mean([one[measure] for one in all_of]) for measure in ("auc", "brier")]
        off = [f"{np.mean([one[m] for one in all_of]):+.3f}" for m in ("off", "off_top")]
        error = np.mean([one["error"] for one in all_of])
        rows.append((kind, f"{share:.0%}", name, f"{means[0]:.3f}", cells[0], f"{means[1]:.4f}",
                     cells[1], *off, f"{error:.4f}"))  # fmt: skip
    print_table(("contact", "treated", "way", "AUC", "gain", "Brier", "change", "off",
                 "off, top fifth", "error"), rows)  # fmt: skip


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]] or [0, 1, 2])
