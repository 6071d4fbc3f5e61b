"""Worlds that several tests look at. Nothing may advance them: take `copy.deepcopy` first."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest

from data_samples.simulator import World, WorldSettings


@dataclass(frozen=True)
class Lived:
    """A world after its days, and what it left in the log."""

    world: World
    interactions: pd.DataFrame
    truth: pd.DataFrame


@pytest.fixture(scope="package")
def lived() -> Lived:
    """3,000 customers over two years."""
    world = World(WorldSettings(customers=3_000, seed=11))
    interactions = world.advance(730)
    return Lived(world, interactions, world.truth())
