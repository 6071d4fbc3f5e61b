"""The service as BentoML puts it together."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest


def test_no_time_limit_of_bentomls_stands_around_the_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps something of each call until the limit has passed (decision 22)."""
    monkeypatch.setenv("WARMLINE_HOME", str(tmp_path))
    from bentoml._internal.server.base_app import BaseAppFactory

    service = importlib.import_module("serving.service")
    limited = SimpleNamespace(timeout=60.0, max_concurrency=None)
    (around,) = BaseAppFactory.middlewares.fget(limited)
    assert around.cls is service._through
    application = object()
    assert around.cls(application, **around.kwargs) is application


def test_what_reads_http_is_the_fast_one_on_a_loop_that_lets_everybody_in() -> None:
    """uvicorn takes what is installed: httptools halves a call, uvloop starves new connections
    (decision 22)."""
    from uvicorn.protocols.http.auto import AutoHTTPProtocol

    assert AutoHTTPProtocol.__name__ == "HttpToolsProtocol"
    assert importlib.util.find_spec("uvloop") is None
