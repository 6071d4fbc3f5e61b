"""One small world and the model fitted to it, shared by the tests of `models`."""

from __future__ import annotations

import pytest
from small_world import QUICK, world

from models.bundle import Bundle, Facts
from models.churn import ChurnModel, Dataset, fit


@pytest.fixture(scope="session")
def data() -> Dataset:
    return world()


@pytest.fixture(scope="session")
def model(data: Dataset) -> ChurnModel:
    return fit(data, QUICK)


@pytest.fixture(scope="session")
def bundle(model: ChurnModel, data: Dataset) -> Bundle:
    facts = Facts(
        model_version="1",
        code_version="0.1.0",
        created_at="2026-01-02T03:04:05+00:00",
        trained_from="2025-06-01",
        trained_to="2025-12-01",
        rows=len(data),
        leavers=int(data.y.sum()),
    )
    return Bundle(model, facts)
