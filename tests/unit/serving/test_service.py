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


def test_who_starts_workers_looks_often_whether_they_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARMLINE_HOME", str(tmp_path))
    from bentoml._internal.utils import circus

    monkeypatch.setattr(circus, "Arbiter", circus.Arbiter)  # and as it was, afterwards
    service = importlib.import_module("serving.service")
    hook = service.service.inner.supervised
    assert hook.__bentoml_deployment_hook__  # BentoML calls it before it starts workers
    hook()
    arbiter = circus.create_standalone_arbiter([])
    try:
        assert arbiter.ctrl.check_delay == 500  # milliseconds; a look that waits for another
        arbiter._exclusive_running_command = "arbiter_stop"  # would be an error in the log
        assert arbiter.manage_watchers() is None
    finally:
        arbiter.ctrl.sys_hdl.stop()
        arbiter.context.destroy(linger=0)
