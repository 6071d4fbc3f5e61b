"""The BentoML service: `warmline serve` starts it, `bentoml build` packs it.

It is set by the home that WARMLINE_HOME names, once, when a worker starts.
"""

from __future__ import annotations

import gc
import logging
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml
from bentoml._internal.server.http import traffic

from models.settings import load
from serving.guard import Guard
from serving.processes import end_with_parent
from serving.supervising import look_often
from serving.tracing import tracer

if TYPE_CHECKING:
    from starlette.routing import Router
    from starlette.types import ASGIApp, Receive, Scope, Send

GARBAGE = 10_000  # objects until the collector looks; rows of one call are a few hundred
ROOT = Path(os.environ.get("WARMLINE_HOME", "./warmline_home")).absolute()
_serving = load(ROOT, os.environ).serving


def _through(app: ASGIApp, timeout: float) -> ASGIApp:
    """In place of BentoML's time limit: the guard has its own. BentoML's keeps something of each
    call until the limit has passed, which for lines was hours: 380 bytes a call, and a worker that
    held 270 MB held 740 after half an hour (decision 22)."""
    return app


if not hasattr(traffic, "TimeoutMiddleware"):
    raise ImportError("this BentoML keeps its time limit elsewhere: see `_through`")
traffic.TimeoutMiddleware = _through  # type: ignore[assignment,misc]


@cache
def _application() -> Router:
    """Made by a worker, with all that it imports; the process that starts workers imports this
    module as well, and needs none of it."""
    from serving.app import application

    return application(ROOT, warm=True)


async def _ours(scope: Scope, receive: Receive, send: Send) -> None:
    await _application()(scope, receive, send)


class Warmline:
    """Churn scores for a CRM: what was published, looked up."""

    def __init__(self) -> None:
        end_with_parent()
        _application()
        calls = logging.getLogger("warmline.calls")
        calls.setLevel(logging.INFO)
        calls.propagate = False
        if not calls.handlers:
            calls.addHandler(logging.StreamHandler())
        # What is loaded by now stays for good: the collector need not look at it again, which had
        # held up one call in a hundred for 200 ms.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE)

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def supervised() -> None:
        """Called where workers are started."""
        look_often()


service = bentoml.service(
    name="warmline",
    workers=_serving.workers,
    # Ours, with the routes as labels: BentoML's name raw paths, and take a third of the time.
    metrics={"enabled": False},
    # Its instrumentation works on each call, whether anybody collects or not.
    tracing={"excluded_urls": ".*"},
    logging={"access": {"enabled": False}},
)(Warmline)
service.add_asgi_middleware(
    Guard,
    ours=_ours,
    root=ROOT,
    most_in_flight=_serving.most_in_flight,
    workers=_serving.workers,
    open_networks=_serving.open_networks,
    tracer=tracer(_serving.tracing, os.environ),
)
