"""What words cost to code, how many feelings the lists find, and what that adds to a model.

`make bench-words`. A simulated world (data_samples) whose customers write in five languages what
they feel, in sentences of which the lists do not know all. The model learns from earlier nights and
is judged on later ones, with the features of words and without: all else is the same.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.harness import Bar, Report, workplace
from data_samples.simulator import World, WorldSettings, write_history
from data_samples.words import SENTENCES
from models import churn
from models.command import Run
from models.contracts import KIND_CODE, SAID
from models.dataset import Dataset, FitSettings
from models.home import create
from models.metrics import Ranking, resampled
from pipelines.features.streams_words import WORDS
from pipelines.history.store import History
from pipelines.history.words import coder
from pipelines.intake import take_up
from pipelines.train import plan_snapshots
from pipelines.trainingset import assemble

LETTERS = 300  # of a message
DAYS = 730
HORIZON = 90
DRAWS = 1_000
ALONE = (
    "bad_tone_count_365", "good_tone_count_365", "effort_word_count_365", "leaving_word_count_365",
    "contact_count_365",
)  # fmt: skip
FEELINGS = ("nothing", "positive", "negative", "effort", "leaving")  # as SENTENCES has them


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer messages and customers")
    parser.add_argument("--customers", type=int, help="of the simulated world")
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it")
    given = parser.parse_args()
    with workplace(given.keep) as place:
        report = Report("words", given.quick)
        cost(report, 100_000 if given.quick else 1_000_000)
        found = feelings(report)
        worth(report, place, given.customers or (2_000 if given.quick else 10_000))
        report.print(("sentences that say", "of", "found", "something else found"), found)


def cost(report: Report, many: int) -> None:
    """Seconds to code messages of the simulator's sentences, and rows without any."""
    luck = np.random.default_rng(1)
    pool = [[text for kind in of for text in kind] for of in SENTENCES.values()]
    some = [_message(luck, pool[n % len(pool)]) for n in range(5_000)]
    texts = pa.array(some).take(pa.array(np.arange(many) % len(some)))
    kinds = np.full(many, KIND_CODE["message_in"], np.int16)
    coder().code(texts.slice(0, 1_000), kinds[:1_000])  # expressions are made once
    began, work = time.perf_counter(), time.process_time()
    said = coder().code(texts, kinds)
    seconds, busy = time.perf_counter() - began, time.process_time() - work
    began = time.perf_counter()
    coder().code(pa.nulls(many, pa.string()), kinds)
    without = time.perf_counter() - began
    report.figures |= {
        "messages": many, "seconds": round(seconds, 2), "cpu_seconds": round(busy, 2),
        "share_that_says_something": round(float((said > 1).mean()), 3),
        "seconds_without_words": round(without, 5),
    }  # fmt: skip
    million = seconds / many * 1e6
    report.bars.append(Bar("seconds a million messages", million, "<= 60", million <= 60))
    report.bars.append(Bar("seconds without words", without, "<= 0.1", without <= 0.1))


def _message(luck: np.random.Generator, pool: list[str]) -> str:
    text = ""
    while len(text) < LETTERS:
        text += f"{luck.choice(pool)} "
    return text[:LETTERS]


def feelings(report: Report) -> list[tuple[str, int, int, int]]:
    """Of the simulator's sentences, those whose feeling the lists find, and where they err."""
    rows = []
    for place, feeling in enumerate(FEELINGS):
        texts = [text for of in SENTENCES.values() for text in of[place]]
        kinds = np.full(len(texts), KIND_CODE["message_in"], np.int16)
        said = coder().code(pa.array(texts), kinds) & ~1
        right = 0 if feeling == "nothing" else 1 << SAID.index(feeling)
        found = int(((said & right) > 0).sum()) if right else int((said == 0).sum())
        rows.append((feeling, len(texts), found, int(((said & ~right) > 0).sum())))
    report.figures["sentences"] = {feeling: vars_ for feeling, *vars_ in rows}
    return rows


def worth(report: Report, place: Path, customers: int) -> None:
    """AUC on later nights with the features of words and without."""
    world = World(WorldSettings(customers=customers, days=DAYS, seed=5, words=1.0))
    write_history(place / "source", world, DAYS)
    home, _ = create(place / "home")
    run = Run(home.root, json=True, verbose=False, now=datetime(2026, 7, 1, 6, tzinfo=UTC))
    take_up(run, str(place / "source"), None)
    history = History.open(home.history)
    plan = plan_snapshots(history, run.settings, None, HORIZON)
    rows = assemble(history, run.settings, (*plan.training, *plan.judging), HORIZON)
    is_training = rows.at(plan.training, run.settings)
    report.figures["auc_alone_who_wrote"] = _alone(rows.data.take(~is_training))
    with_words = _predicted(rows.data, is_training)
    blind = rows.data.X.copy()
    blind[:, _of_words(rows.data)] = np.nan
    without = _predicted(replace(rows.data, X=blind), is_training)
    judged = rows.data.take(~is_training)
    spoken = judged.X[:, [f.name for f in judged.features].index("kept_word_count_365")] > 0
    for name, who in (("all", np.ones(len(spoken), np.bool_)), ("who wrote", spoken)):
        y, one, other = judged.y[who], with_words[who], without[who]
        pair = Ranking(y, one), Ranking(y, other)
        weights = resampled(judged.customer[who], DRAWS, 1)
        gains = [pair[0].auc(weight) - pair[1].auc(weight) for weight in weights]
        low, high = np.quantile(gains, [0.025, 0.975])
        gain = pair[0].auc() - pair[1].auc()
        report.figures[f"auc_{name.replace(' ', '_')}"] = {
            "rows": len(y), "leavers": int(y.sum()), "with_words": round(pair[0].auc(), 4),
            "without": round(pair[1].auc(), 4), "gain_95": [round(low, 4), round(high, 4)],
        }  # fmt: skip
        report.bars.append(Bar(f"AUC that words add, {name}", gain, "> 0", gain > 0))


def _alone(judged: Dataset) -> dict[str, float]:
    """How each of some figures of words ranks by itself those whose words are known."""
    names = [feature.name for feature in judged.features]
    spoken = judged.take(judged.X[:, names.index("kept_word_count_365")] > 0)
    found = {}
    for name in ALONE:
        ranking = Ranking(spoken.y, spoken.X[:, names.index(name)])
        found[name] = round(ranking.auc(), 4)
    return found


def _of_words(data: Dataset) -> list[int]:
    names = {feature.name for stream in WORDS for feature in stream.features()}
    return [n for n, feature in enumerate(data.features) if feature.name in names]


def _predicted(data: Dataset, is_training: NDArray[np.bool_]) -> NDArray[np.float64]:
    model = churn.fit(data.take(is_training), FitSettings(horizon_days=HORIZON))
    return model.predict(data.take(~is_training).X, 2)


if __name__ == "__main__":
    main()
