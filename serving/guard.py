"""What every call goes through before anything answers it: key, limits, one line in the log.

It stands around everything that BentoML serves, its own pages and mounts included. What is not in
`ROUTES` is not served at all, and what is goes straight to our application: BentoML's routes would
come first, and answer `/readyz` without a reason.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.callers import Callers, require
from models.errors import WarmlineError
from models.keys import Key
from models.problems import BROKEN, Problem
from serving import metrics
from serving.pulse import Pulse
from serving.routes import NOTHING, ROUTES, USUAL, WATCHED, Limits, media_type

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from serving.tracing import Tracer

LONGEST_WAIT = 0.25  # seconds of the loop; about as long again in the socket. CRMs wait 10 s
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
OTHER = "other"  # the route of everything else, in log and metrics: never what was asked for

log = logging.getLogger("warmline.calls")


@dataclass
class Call:
    """One request on its way."""

    route: str
    method: str
    request_id: str
    key: Key | None = None
    status: int = 0  # of the answer; 0: it has not begun
    limits: Limits = USUAL
    read: int = 0  # bytes of its body, so far
    began: float = field(default_factory=time.perf_counter)


class Guard:
    """ASGI middleware over the home at `root`; `ours` answers what is in `ROUTES`."""

    def __init__(
        self,
        app: ASGIApp,
        ours: ASGIApp,
        root: Path,
        most_in_flight: int,
        workers: int = 1,
        open_networks: Sequence[str] = (),
        tracer: Tracer | None = None,
    ) -> None:
        self._app, self._ours, self._tracer = app, ours, tracer
        self._callers = Callers(root, workers)
        self._networks = [ipaddress.ip_network(one) for one in open_networks]
        self._most, self._in_flight = most_in_flight, 0
        self._pulse = Pulse()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._guard(scope, receive, send)
        else:  # no websocket is served
            await send({"type": "websocket.close", "code": 1008})

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _headers(scope)
        given = headers.get("x-request-id", "")
        route = scope["path"] if scope["path"] in ROUTES else OTHER
        request_id = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        call = Call(route, scope["method"], request_id)
        scope.setdefault("state", {}).update(rows=0)

        async def reply(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                message.setdefault("headers", [])
                message["headers"] = [
                    *(pair for pair in message["headers"] if pair[0].lower() != b"x-request-id"),
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        self._in_flight += 1
        try:
            self._admit(scope, headers, call)
            scope["state"]["caller"] = call.key.id if call.key else ""
            seconds = _deadline(headers) or call.limits.seconds
            async with asyncio.timeout(seconds):
                await self._ours(scope, _limited(receive, call), reply)
        except Problem as problem:
            await self._refuse(problem, call, scope, receive, reply)
        except WarmlineError as error:  # there is nothing to answer with: it says what to do
            unserved = Problem(503, str(error), retry_after=60)
            await self._refuse(unserved, call, scope, receive, reply)
        except TimeoutError:
            late = Problem(504, f"It was not answered in {seconds:g} s.")
            await self._refuse(late, call, scope, receive, reply)
        except Exception as error:
            _note(error, call)
            broken = Problem(500, BROKEN)
            await self._refuse(broken, call, scope, receive, reply)
        finally:
            self._in_flight -= 1
            self._tell(call, headers, scope["state"]["rows"])

    def _admit(self, scope: Scope, headers: Mapping[str, str], call: Call) -> None:
        """Notes whose call it is. Raises `Problem` where it may not go on."""
        access = ROUTES.get(call.route, NOTHING)
        needed = access.scope
        key = call.key = self._callers.key(headers.get("authorization", ""))
        watching = call.route in WATCHED and self._is_open(scope)
        if needed is not None and not watching:
            require(key, needed)
        if key is not None:
            self._callers.spend(key)
        if call.route == OTHER:
            raise Problem(404, "There is nothing at this path (see /docs.json).")
        if call.method not in (access.method, "HEAD" if access.method == "GET" else None):
            words = f"Only {access.method} is answered here."
            raise Problem(405, words, headers={"Allow": access.method})
        if access.bodies:
            call.limits = _check_body(headers, access.bodies)
        if needed is not None and (
            self._in_flight > self._most or self._pulse.behind() > LONGEST_WAIT
        ):
            raise Problem(429, "Too many calls at once.", retry_after=1)

    def _is_open(self, scope: Scope) -> bool:
        client = scope.get("client")
        if not client or not self._networks:
            return False
        try:
            address = ipaddress.ip_address(client[0])
        except ValueError:  # a Unix socket
            return False
        return any(address in network for network in self._networks)

    async def _refuse(
        self, problem: Problem, call: Call, scope: Scope, receive: Receive, send: Send
    ) -> None:
        if call.status:  # the answer has begun: all that is left is to end it
            return
        milliseconds = call.key is not None and call.key.retry_after == "milliseconds"
        response = problem.response(call.request_id, milliseconds=milliseconds)
        await response(scope, receive, send)

    def _tell(self, call: Call, headers: Mapping[str, str], rows: int) -> None:
        seconds = time.perf_counter() - call.began
        metrics.count(call.route, call.status, rows, seconds)
        line: dict[str, Any] = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request_id": call.request_id,
            "method": call.method,
            "route": call.route,
            "status": call.status,
            "ms": round(seconds * 1000, 2),
            "rows": rows,
            "key": call.key.id if call.key else None,
        }
        if self._tracer is not None:
            line["trace_id"] = self._tracer.tell(line, seconds, headers)
        log.info(json.dumps(line))


def _headers(scope: Scope) -> dict[str, str]:
    """By name; of several of one name the first."""
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in reversed(scope["headers"])
    }


def _check_body(headers: Mapping[str, str], bodies: Mapping[str, Limits]) -> Limits:
    """The call's limits, by what its body says that it is. Raises `Problem`."""
    kind = media_type(headers.get("content-type", ""))
    if kind not in bodies:
        raise Problem(415, f"The body must be {' or '.join(bodies)}.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "A compressed body is not read: send it as it is.")
    length = headers.get("content-length", "0")
    if length.isdigit() and int(length) > bodies[kind].bytes:
        raise _too_large(bodies[kind])
    return bodies[kind]


def _too_large(limits: Limits) -> Problem:
    words = f"The body is larger than {limits.bytes >> 20} MB: send fewer at a time."
    return Problem(413, words)


def _limited(receive: Receive, call: Call) -> Receive:
    """The body as it comes, until it is too large whatever its headers said."""

    async def limited() -> Message:
        message = await receive()
        if message["type"] == "http.request":
            call.read += len(message.get("body", b""))
            if call.read > call.limits.bytes:
                raise _too_large(call.limits)
        return message

    return limited


def _deadline(headers: Mapping[str, str]) -> float | None:
    """Seconds that the caller waits; None where it does not say. Raises `Problem`."""
    given = headers.get("x-request-deadline-ms")
    if given is None:
        return None
    if not given.isdigit() or not 0 < len(given) < 8:
        raise Problem(400, "X-Request-Deadline-Ms must be a whole number of milliseconds.")
    return int(given) / 1000


def _note(error: Exception, call: Call) -> None:
    """Where it broke. Not the error's words, nor any value: they may be personal."""
    import traceback

    places = [f"{one.filename}:{one.lineno}" for one in traceback.extract_tb(error.__traceback__)]
    told = {"request_id": call.request_id, "error": type(error).__name__, "at": places[-6:]}
    log.error(json.dumps(told))
