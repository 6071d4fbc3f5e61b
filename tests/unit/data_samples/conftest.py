"""Worlds that several tests look at. Nothing may advance them: take `copy.deepcopy` first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from data_samples.company import Company
from data_samples.simulator import World, WorldSettings
from tests.once import once


@dataclass(frozen=True)
class Lived:
    """A world after its days, and what it left in the log."""

    world: World
    interactions: pd.DataFrame
    truth: pd.DataFrame


def delivered(company: Company, table: str) -> pd.DataFrame:
    """All rows of a table that were delivered so far, with the `night` that brought them."""
    blocks = [
        pd.read_parquet(path).assign(night=folder.name.removeprefix("night-"))
        for folder in company.deliveries()
        for path in sorted(folder.glob(f"{table}-*.parquet"))
    ]
    return pd.concat(blocks, ignore_index=True)


def through_the_nights(company: Company, nights: int) -> Company:
    """A backlog, and then `nights` single nights until the world's days are over."""
    settings = company.world.settings
    end = settings.start + timedelta(days=settings.days)
    for back in range(nights, -1, -1):
        company.night(end - timedelta(days=back))
    return company


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """1,500 customers, a year in one delivery and 60 single nights, with the usual plants."""
    world = WorldSettings(customers=1_500, days=425, uses_per_month=3, win_backs=0.3, seed=17)

    def make(folder: Path) -> Company:
        return through_the_nights(Company(folder, World(world)), 60)

    return once(tmp_path_factory, "company", make)


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """3,000 customers over two years."""

    def make(folder: Path) -> tuple[World, pd.DataFrame, pd.DataFrame]:
        world = World(WorldSettings(customers=3_000, seed=11))
        return world, world.advance(730), world.truth()

    return Lived(*once(tmp_path_factory, "lived", make))
