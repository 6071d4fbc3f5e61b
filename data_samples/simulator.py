"""The simulator: worlds of customers and service with a known truth.

    python -m data_samples.simulator OUT --customers N --days N --seed N --format csv|parquet

writes the contract's tables to OUT; `--truth FILE` writes the truth, which only tests read, as
CSV beside. From Python: `World(WorldSettings(...))`, then `advance` (docs/guides/simulator.md).

`--nights N` writes what a company's systems deliver in its last N nights instead, late and
corrected as real data is. `--fast --interactions N` draws very large worlds in minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from data_samples.company import Company
from data_samples.export import write_history, write_table
from data_samples.fastpath import FastSettings, write_fast
from data_samples.settings import WorldSettings
from data_samples.world import World

__all__ = ["World", "WorldSettings", "main", "write_history"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Write one world as asked for on the command line."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.fast and (given.truth or given.nights is not None or given.format != "parquet"):
        parser.error("--fast writes Parquet and has neither nights nor a truth")
    if given.nights is not None and not 0 <= given.nights < given.days:
        parser.error("--nights: at least 0, and fewer than --days")
    if given.fast:
        _write_fast(given)
        return
    start = given.end - timedelta(days=given.days - 1)
    settings = WorldSettings(
        customers=given.customers,
        days=given.days,
        start=start,
        seed=given.seed,
        uses_per_month=given.uses_per_month,
        words=given.words,
        truth_dates=_truth_dates(start, given.days, given.truth_months) if given.truth else (),
    )
    world = World(settings)
    if given.nights is None:
        rows = write_history(given.out, world, given.days, file_format=given.format)
        print(f"{rows:,} interactions of {len(world.customers()):,} customers in {given.out}")
    else:
        company = Company(given.out, world)
        for back in range(given.nights, -1, -1):
            company.night(given.end + timedelta(days=1 - back))
        print(f"{given.nights + 1} deliveries in {given.out}, the first is the backlog")
    if given.truth:
        given.truth.parent.mkdir(parents=True, exist_ok=True)
        write_table(given.truth, world.truth())


def _write_fast(given: argparse.Namespace) -> None:
    settings = FastSettings(
        customers=given.customers, interactions=given.interactions, days=given.days,
        end=given.end, seed=given.seed,
    )  # fmt: skip
    rows = write_fast(given.out, settings)
    print(f"{rows:,} interactions of {given.customers:,} customers in {given.out}")


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
    add("--words", type=float, default=0.0, help="share of customers whose words are kept")
    add("--format", choices=("csv", "parquet"), default="parquet")
    add("--truth", type=Path, help="file for the hidden truth (CSV); only tests read it")
    add("--truth-months", type=int, default=3, help="months between the truth's dates")
    add("--nights", type=int, help="deliveries of so many last nights, after the backlog")
    add("--fast", action="store_true", help="a large world drawn at once, without service or truth")
    add("--interactions", type=int, default=1_000_000, help="about so many, with --fast")
    return parser


if __name__ == "__main__":
    main()
