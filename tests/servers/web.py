"""An ASGI application behind a real server, and a real browser before it (Debian's Chromium)."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

from tests.servers.endpoint import free_port


class Missing(Exception):
    """No browser can be run here; the message says why."""


@contextmanager
def serving(app: Starlette) -> Iterator[str]:
    """Its URL, as long as the block lasts."""
    config = uvicorn.Config(app, port=free_port(), log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < until
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{config.port}"
    finally:
        server.should_exit = True
        thread.join(20)


@contextmanager
def browser() -> Iterator[Any]:
    """Playwright's browser, of the system's program: none is downloaded. Raises `Missing`."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        raise Missing("Chromium is not installed: run `.ci/system-packages chromium`")
    # Its sandbox does not run as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=arguments)
        try:
            yield found
        finally:
            found.close()
