"""One night of a large company against the script that a user would write for it.

`make bench-nightly`: 10 million interactions of 200,000 customers from the simulator, ingested, and
a champion trained on a sample of them. Then the night (features, scores, reasons for the top 5%,
plan) and the plain script, one after the other, on the same machine. `ARGS=--quick`: a tenth.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any

from benchmarks.harness import Bar, Measured, Report, measure, must, warmline, workplace

AS_OF = "2026-07-01"
SHARE = 0.05
USES_PER_MONTH = "2.6"
# The whole night in a third of the plain script's time, and in 2 GB.
MOST_RATIO, MOST_MB = 1 / 3, 2_000
# The champion is not what is measured: enough rows for a model of the usual size.
TRAINING = {
    "WARMLINE_TRAINING__MAX_ROWS": "40000",
    "WARMLINE_SCORING__EXPLAIN_SHARE": str(SHARE),
    "WARMLINE_SCORING__EXPLAIN_AT_LEAST": "1",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 customers")
    parser.add_argument("--keep", type=Path, help="a folder to make the company in, or find it")
    asked = parser.parse_args()
    with workplace(asked.keep) as place:
        _compare(place, asked.quick)


def _compare(place: Path, quick: bool) -> None:
    world, home = place / "world", place / "home"
    if not (home / "champion" / "current").exists():
        _prepare(world, home, customers=20_000 if quick else 200_000)
    night = min((_night(home) for _ in range(3)), key=lambda done: done.seconds)
    plain = _plain(place)
    ratio, most = night.seconds / plain.seconds, 1.0 if quick else MOST_RATIO
    report = Report("nightly", quick)
    report.bars = [
        # A tenth of the size is mostly start-up: there it need only be no slower.
        Bar("night / plain script", ratio, "<= 1" if quick else "<= 1/3", ratio <= most),
        Bar("night, peak MB", night.peak_mb, f"<= {MOST_MB}", night.peak_mb <= MOST_MB),
    ]
    steps = night.facts["steps"]
    report.figures = {
        "interactions": _interactions(home),
        "customers_scored": steps["score"]["rows"],
        "explained": steps["score"]["explained"],
        "listed": steps["plan"]["listed"],
        "seconds": night.seconds,
        "plain": plain.facts | {"whole": plain.seconds, "peak_mb": plain.peak_mb},
    }
    rows: list[list[Any]] = [
        ["Warmline", "the whole night", night.seconds, night.peak_mb],
        *(["plain script", name, took, None] for name, took in plain.facts["seconds"].items()),
        ["plain script", "the whole night", plain.seconds, plain.peak_mb],
    ]
    report.print(("what", "step", "seconds", "peak MB"), rows)


def _prepare(world: Path, home: Path, customers: int) -> None:
    """A company of that size, its history and its champion; what is there already is used."""
    if not world.exists():
        simulator = [sys.executable, "-m", "data_samples.simulator", str(world)]
        # As dense as 10 million interactions of 200,000 customers in two years.
        size = ["--customers", str(customers), "--uses-per-month", USES_PER_MONTH]
        must(measure([*simulator, *size]))
    if not home.exists():
        must(warmline(home, "init"))
        must(warmline(home, "ingest", str(world)))
    trained = must(warmline(home, "train", environment=TRAINING))
    if not trained.facts["promoted"]:
        raise SystemExit(f"no champion: {trained.facts['verdict']}")


def _night(home: Path) -> Measured:
    """`warmline nightly`, as if for the first time: features, scores, reasons, plan."""
    shutil.rmtree(home / "nights", ignore_errors=True)
    return must(warmline(home, "nightly", "--as-of", AS_OF, environment=TRAINING))


def _plain(place: Path) -> Measured:
    champions = place / "home" / "champion"
    bundle = champions / (champions / "current").read_text().strip()
    command = [sys.executable, "-m", "benchmarks.plain_night"]
    out = place / "plain.csv"
    return must(measure([*command, place / "world", bundle, AS_OF, str(SHARE), out]))


def _interactions(home: Path) -> int:
    from pipelines.history.store import History

    return History.open(home / "history").rows


if __name__ == "__main__":
    main()
