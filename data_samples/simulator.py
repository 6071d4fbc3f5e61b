"""The simulator: worlds of customers and service with a known truth.

    python -m data_samples.simulator OUT --customers N --days N --seed N --format csv|parquet

writes the contract's tables to OUT; `--truth FILE` writes the truth, which only tests read, as
CSV beside. From Python: `World(WorldSettings(...))`, then `advance` (docs/guides/simulator.md).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from data_samples.export import write_history, write_table
from data_samples.settings import WorldSettings
from data_samples.world import World

__all__ = ["World", "WorldSettings", "main", "write_history"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one world as asked for on the command line."""
    given = _parser().parse_args(arguments)
    start = given.end - timedelta(days=given.days - 1)
    settings = WorldSettings(
        customers=given.customers,
        days=given.days,
        start=start,
        seed=given.seed,
        uses_per_month=given.uses_per_month,
        truth_dates=_truth_dates(start, given.days, given.truth_months) if given.truth else (),
    )
    world = World(settings)
    rows = write_history(given.out, world, given.days, file_format=given.format)
    if given.truth:
        given.truth.parent.mkdir(parents=True, exist_ok=True)
        write_table(given.truth, world.truth())
    print(f"{rows:,} interactions of {len(world.customers()):,} customers in {given.out}")


def _truth_dates(start: date, days: int, months: int) -> tuple[date, ...]:
    """First days of every `months`-th month, counted from January."""
    every = (start + timedelta(days=day) for day in range(days))
    return tuple(day for day in every if day.day == 1 and (day.month - 1) % months == 0)


def _parser() -> argparse.ArgumentParser:
    usual = WorldSettings()
    parser = argparse.ArgumentParser(
        prog="python -m data_samples.simulator", description=__doc__.partition("\n")[0]
    )
    add = parser.add_argument
    add("out", type=Path, metavar="OUT", help="folder for the tables")
    add("--customers", type=int, default=usual.customers)
    add("--days", type=int, default=usual.days)
    add("--end", type=date.fromisoformat, default=date(2026, 6, 30), help="last day of history")
    add("--seed", type=int, default=usual.seed)
    add("--uses-per-month", type=float, default=usual.uses_per_month, help="days of use a customer")
    add("--format", choices=("csv", "parquet"), default="parquet")
    add("--truth", type=Path, help="file for the hidden truth (CSV); only tests read it")
    add("--truth-months", type=int, default=3, help="months between the truth's dates")
    return parser


if __name__ == "__main__":
    main()
