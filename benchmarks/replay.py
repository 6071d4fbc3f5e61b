"""A company whose data is late, corrected, merged: are its nights known again, and does it pay?

`make bench-replay`. A simulated company (data_samples/company) delivers night by night. Each night
is ingested, scored and planned; afterwards every night is replayed and must come out as it was
published. Then: training in two times against training on today's view of the past, both scored as
the nights really ran; and the same company exported as today's state only, which must not teach a
model more than the truth can, and with its history, where renewal dates must help.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import outreach.cli
import warmline
from benchmarks.harness import Bar, Report, workplace
from data_samples.company.company import Company
from data_samples.company.exports import write_as_known_today, write_with_history
from data_samples.settings import WorldSettings
from data_samples.world import World
from models import churn
from models.command import Run
from models.dataset import Dataset, FitSettings
from models.errors import RefusedToPublish
from models.home import create
from models.metrics import Ranking
from pipelines import snapshots
from pipelines.features import matrix
from pipelines.history.events import Events
from pipelines.history.store import History
from pipelines.history.terms import Terms
from pipelines.intake import take_up
from pipelines.nightly import run_name
from pipelines.replay import replaying
from pipelines.score import score
from pipelines.train import train
from pipelines.trainingset import TrainingSet, assemble

HORIZON = 30
LEARNING = FitSettings(horizon_days=HORIZON)
NIGHTS, QUICK_NIGHTS = 90, 10
# Contracts matter more than in the sample, so that knowing their dates can show.
CONTRACTS: dict[str, Any] = {
    "seed": 11, "uses_per_month": 4.0, "win_backs": 0.1, "yearly_window": 4.0, "yearly_locked": 0.3,
}  # fmt: skip
STEP = timedelta(days=10)  # between the nights that the two ways of training are judged on


@dataclass
class Nights:
    """The company's nights in one home."""

    home: Path
    company: Company
    first: date
    published: list[date] = field(default_factory=list)
    held: dict[date, str] = field(default_factory=dict)
    generations: dict[date, int] = field(default_factory=dict)

    def run(self, day: date, hour: float = 1.0) -> Run:
        """A command at that hour of that date, UTC."""
        now = datetime.combine(day, clock(), UTC) + timedelta(hours=hour)
        return Run(self.home, json=True, verbose=False, now=now)

    def ingest(self, day: date) -> None:
        take_up(self.run(day, 0.5), str(self.company.night(day)), None)

    def night(self, day: date) -> None:
        """One night: what came, scores, list. A night that a check holds back publishes nothing."""
        self.ingest(day)
        run = self.run(day)
        self.generations[day] = History.open(run.home.history).generation
        try:
            score(run.home, run.settings, as_of=day, run=run_name(run.now), started=run.now)
        except RefusedToPublish as refusal:
            self.held[day] = str(refusal)
            return
        outreach.cli.plan_and_publish(run, day, warmline.book(run, day))
        self.published.append(day)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few nights")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it")
    given = parser.parse_args()
    with workplace(given.keep) as place:
        report = Report("replay", given.quick)
        seconds = bench(place, report, quick=given.quick)
        report.figures["seconds"] = seconds
        report.print(("step", "seconds"), list(seconds.items()))


def bench(place: Path, report: Report, *, quick: bool) -> dict[str, float]:
    """Everything in turn; gives the seconds of each part."""
    took: dict[str, float] = {}
    many = QUICK_NIGHTS if quick else NIGHTS
    nights = lived(place, customers=3_000, backlog=600, nights=many)
    clocked = _Clock(took)
    with clocked("backlog and training"):
        nights.ingest(nights.first)
        run = nights.run(nights.first)
        trained = train(run.home, run.settings, as_of=None, horizon=HORIZON, now=run.now)
    print(*trained.lines(), sep="\n", flush=True)
    with clocked(f"{many} nights"):
        for number in range(1, many + 1):
            nights.night(nights.first + timedelta(days=number))
    with clocked(f"{many} replays"):
        equal, otherwise = replayed(nights)
    report.figures |= {
        "nights": many,
        "held_back": {str(day): words.splitlines()[1:2] for day, words in nights.held.items()},
        "otherwise": otherwise,
    }
    published = len(nights.published)
    report.bars.append(
        Bar("replays equal to what was published", equal, f"= {published}", equal == published)
    )
    with clocked("two ways of training"):
        two_times(nights, report, quick=quick)
    with clocked("exports"):
        exports(place, nights, report)
    return took


def lived(place: Path, customers: int, backlog: int, nights: int) -> Nights:
    """A company about to live through `backlog` days and so many nights more, and an empty home."""
    world = WorldSettings(**CONTRACTS, customers=customers, days=backlog + nights)
    company = Company(place / "deliveries", World(world))
    home, _ = create(place / "home")
    text = home.config.read_text()
    for default, ours in (
        ("# horizon_days = 90 ", f"horizon_days = {HORIZON} "),
        ("# min_leavers = 100", "min_leavers = 40"),
    ):
        text = text.replace(default, ours)
    home.config.write_text(text)
    return Nights(home.root, company, world.start + timedelta(days=backlog))


def replayed(nights: Nights) -> tuple[int, dict[str, list[str]]]:
    """How many published nights come out the same, scores and list, and what differs elsewhere."""
    equal, otherwise = 0, {}
    for day in nights.published:
        run = nights.run(nights.first + timedelta(days=NIGHTS + 1))
        with replaying(run.home, run.settings, day) as again:
            _, listed, words = outreach.cli.plan_again(run, again.batch, again.settings, again.book)
        if again.differences or not listed:
            otherwise[str(day)] = [*again.differences, *words]
        else:
            equal += 1
    return equal, otherwise


class Hindsight(History):
    """Today's view of the past: only what counts now, as if it had been known at once."""

    def versions(self, bucket: int, columns: Collection[str] | None = None) -> Events:
        events = super().versions(bucket, columns).standing()
        return replace(events, recorded=events.at)

    def terms(self) -> Terms | None:
        return _at_once(super().terms())

    def terms_of(self, bucket: int) -> Terms | None:
        return _at_once(super().terms_of(bucket))


def _at_once(terms: Terms | None) -> Terms | None:
    """Each term as it counts now, known from its start."""
    if terms is None:
        return None
    known = terms.known()
    return replace(known, recorded=known.started, seen=np.zeros_like(known.seen))


def two_times(nights: Nights, report: Report, *, quick: bool) -> None:
    """AUC of both ways of training, on nights as they really ran."""
    run = nights.run(nights.first)
    settings = run.settings
    history = History.open(run.home.history)
    hindsight = Hindsight(history.folder, history.manifest)
    last = nights.first + timedelta(days=QUICK_NIGHTS if quick else NIGHTS)
    judged = [day for day in sorted(nights.generations) if day + timedelta(days=HORIZON) <= last]
    judged = judged[:: STEP.days]
    learned = [nights.first - timedelta(days=HORIZON * back) for back in range(1, 9)]
    if not judged:  # a quick run has no night whose label is known: the last of the backlog stands
        judged = [nights.first - timedelta(days=HORIZON)]
        learned = [day - timedelta(days=HORIZON) for day in learned]
    how = FitSettings(horizon_days=HORIZON, threads=settings.performance.threads)
    models = {
        name: churn.fit(assemble(view, settings, learned, HORIZON).data, how)
        for name, view in (("two times", history), ("today's view", hindsight))
    }
    real = as_it_ran(nights, history, judged)
    aucs = {name: auc(real.y, model.predict(real.X)) for name, model in models.items()}
    report.figures["training"] = {
        "judged_on": [str(day) for day in judged], "rows": len(real), "leavers": int(real.y.sum()),
        "auc": aucs,
    }  # fmt: skip
    gap = aucs["two times"] - aucs["today's view"]
    report.bars.append(
        Bar("AUC in two times less AUC on today's view", gap, "reported", bool(np.isfinite(gap)))
    )


def as_it_ran(nights: Nights, history: History, judged: list[date]) -> Dataset:
    """Features of those nights as they saw them, labels as they are known now."""
    settings = nights.run(nights.first).settings
    pieces = []
    for day in judged:
        now = assemble(history, settings, [day], HORIZON).data
        then = history.at(nights.generations[day]) if day in nights.generations else history
        cutoff = int(nights.run(day).now.timestamp())
        night = matrix.Night(snapshots.midnight(day, settings.zone), cutoff)
        blocks = matrix.stream(then, [night], matrix.context(then, settings, [night]))
        rows = np.full((history.manifest.customers, now.X.shape[1]), np.nan)
        for block in blocks:
            rows[block.customers] = block.values[0]
        there = now.customer < then.manifest.customers
        now = now.take(there)
        pieces.append(replace(now, X=rows[now.customer]))
    return replace(
        pieces[0],
        X=np.concatenate([piece.X for piece in pieces]),
        y=np.concatenate([piece.y for piece in pieces]),
        customer=np.concatenate([piece.customer for piece in pieces]),
        as_of=np.concatenate([piece.as_of for piece in pieces]),
        silent=np.concatenate([piece.silent for piece in pieces]),
    )


def exports(place: Path, nights: Nights, report: Report, learning: FitSettings = LEARNING) -> None:
    """Today's state must not teach more than the truth can; history must let renewals help."""
    for name, write in (("today", write_as_known_today), ("history", write_with_history)):
        write(place / name, nights.company)
        home, _ = create(place / f"home-{name}")
        shutil.copy(nights.home / "warmline.toml", home.config)
        run = replace(nights.run(nights.first + timedelta(days=NIGHTS + 2)), root=home.root)
        take_up(run, str(place / name), None)
        history = History.open(home.history)
        data, later = later_in_time(history, run)
        if name == "today":
            _ceiling(nights.company, history, data, later, report, learning)
        else:
            _renewals(history, data, later, report, learning)


def later_in_time(history: History, run: Run) -> tuple[TrainingSet, NDArray[np.bool_]]:
    """Rows to learn from and, marked, those to judge on: the first of months, with truth."""
    from pipelines.train import plan_snapshots

    planned = plan_snapshots(history, run.settings, None, HORIZON)
    until = planned.judging[-1].replace(day=1)
    months = pd.date_range(end=until, periods=14, freq="MS").date.tolist()
    learned, judged = months[:9], months[-4:]
    rows = assemble(history, run.settings, [*learned, *judged], HORIZON)
    return rows, rows.at(judged, run.settings)


def _ceiling(
    company: Company,
    history: History,
    rows: TrainingSet,
    later: NDArray[np.bool_],
    report: Report,
    learning: FitSettings,
) -> None:
    data = rows.data
    model = churn.fit(data.take(~later), learning)
    judged = data.take(later)
    words = np.array(history.words("customer"), object)
    mine = pd.DataFrame(
        {
            "surviving_id": words[judged.customer],
            "as_of": pd.to_datetime(judged.as_of, unit="s").strftime("%Y-%m-%d"),
            "left": judged.y,
            "score": model.predict(judged.X),
        }
    )
    truth = company.truth((HORIZON,))
    chance = f"leave_{HORIZON}"
    both = mine.merge(truth[["surviving_id", "as_of", chance]], on=["surviving_id", "as_of"])
    y = both["left"].to_numpy(np.bool_)
    found = auc(y, both["score"].to_numpy())
    ceiling = auc(y, both[chance].to_numpy())
    report.figures["today_only"] = {"rows": len(both), "leavers": int(y.sum())}
    report.bars.append(
        Bar(
            "AUC from today's state only", found, f"<= {ceiling:.3f}, the truth's", found <= ceiling
        )
    )


def _renewals(
    history: History,
    rows: TrainingSet,
    later: NDArray[np.bool_],
    report: Report,
    learning: FitSettings,
) -> None:
    """The same model with and without what it knows of renewals, on customers with planned ends."""
    data = rows.data
    without = data.X.copy()
    without[:, [i for i, f in enumerate(data.features) if f.group == "renewal"]] = np.nan
    yearly = later & ~np.isnan(data.X[:, matrix.column("days_to_term_end")])
    aucs = {}
    for name, columns in (("with", data.X), ("without", without)):
        learned = replace(data, X=columns).take(~later)
        model = churn.fit(learned, learning)
        aucs[name] = auc(data.y[yearly], model.predict(columns[yearly]))
    report.figures["renewals"] = {"rows": int(yearly.sum()), "auc": aucs}
    gain = aucs["with"] - aucs["without"]
    report.bars.append(Bar("AUC that renewal features add, planned ends", gain, "> 0", gain > 0))


def auc(y: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    return Ranking(y, score).auc() if 0 < y.sum() < len(y) else float("nan")


class _Clock:
    """Writes down what each part took."""

    def __init__(self, took: dict[str, float]) -> None:
        self.took = took

    def __call__(self, name: str) -> Any:
        from contextlib import contextmanager

        @contextmanager
        def timed() -> Iterator[None]:
            began = time.perf_counter()
            yield
            self.took[name] = round(time.perf_counter() - began, 1)

        return timed()


if __name__ == "__main__":
    main()
