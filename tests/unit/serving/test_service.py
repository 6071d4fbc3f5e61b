"""The service as BentoML puts it together."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


def test_no_time_limit_of_bentomls_stands_around_the_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps something of each call until the limit has passed (decision 22)."""
    monkeypatch.setenv("WARMLINE_HOME", str(tmp_path))
    from _bentoml_impl.server.app import ServiceAppFactory

    service = importlib.import_module("serving.service")
    around = [one.cls.__name__ for one in ServiceAppFactory(service.service).middlewares]
    assert "TimeoutMiddleware" not in around
    assert around.index("_through") < around.index("Guard")
