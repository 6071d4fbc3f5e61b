"""`/claims`: other tools ask over HTTP whether they may contact a customer now, and book it.

POST   /claims       {"key": "m-81", "customer_id": "acme", "channel": "email", "purpose": "news"}
                     {"allowed": true, "reasons": []}
DELETE /claims/KEY   they do not contact them after all
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from models.callers import Callers, require
from models.contracts import CHANNELS
from models.errors import WarmlineError
from models.files import stamp
from models.home import Home
from models.keys import Key
from models.problems import Problem, Wrong
from models.settings import Settings
from models.suppression import FILE, Suppression
from outreach.contact_point import NotAnAddress, keyed
from outreach.store.booked import Rules
from outreach.store.claims import AnotherClaim, Claim, Wanted, claim_contact, release
from outreach.store.database import Store
from outreach.store.interactions import tell
from outreach.web import LATER, body_of, field_by_field

PATH = "/claims"
SCOPE = "work"
ERASED = "was erased: is never contacted"
_Name = Annotated[str, Field(min_length=1, max_length=200)]


class Asked(BaseModel):
    """`key`: the tool's own name of this contact; the same again is the same claim. `address`: to
    which it would write, where it knows it."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,200}$")]
    customer_id: _Name
    channel: Literal[*CHANNELS]  # type: ignore[valid-type]
    purpose: _Name
    transactional: bool = False
    address: Annotated[str, Field(max_length=320)] = ""


def claim_routes(
    store: Store, secret: bytes, root: Path, clock: Callable[[], datetime], settings: Settings
) -> list[Route]:
    """None where [outreach] claims is off."""
    if not settings.outreach.claims:
        return []
    return Desk(store, secret, root, clock, Rules.of(settings.plan, settings.zone)).routes()


class Desk:
    """Answers claims on the home at `root`."""

    def __init__(
        self, store: Store, secret: bytes, root: Path, clock: Callable[[], datetime], rules: Rules
    ) -> None:
        self._store, self._secret, self._clock, self._rules = store, secret, clock, rules
        self._home, self._callers = Home(root), Callers(root)
        self._listed: tuple[tuple[int, int] | None, Suppression] = (None, Suppression())

    def routes(self) -> list[Route]:
        """Of the application that serves outreach."""
        return [
            Route(PATH, self._answering(self._claim), methods=["POST"]),
            Route(PATH + "/{key}", self._answering(self._release), methods=["DELETE"]),
        ]

    def _answering(
        self, act: Callable[[Request, Key], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                return await act(request, self._caller(request))
            except Problem as problem:
                return problem.response()
            except AnotherClaim as error:
                return Problem(409, str(error)).response()
            except (WarmlineError, OSError):
                return LATER.response()

        return answer

    async def _claim(self, request: Request, caller: Key) -> Response:
        try:
            asked = Asked.model_validate_json(await body_of(request))
        except ValidationError as error:
            words = "The claim is not as docs/guides/claims.md has it."
            raise field_by_field(error, words) from None
        found = await run_in_threadpool(self._decide, asked, caller.name)
        return JSONResponse({"allowed": found.allowed, "reasons": list(found.reasons)})

    async def _release(self, request: Request, caller: Key) -> Response:
        released = await run_in_threadpool(
            release, self._store, by=caller.name, now=self._clock(), key=request.path_params["key"]
        )
        if not released:
            raise Problem(404, "No claim of this tool stands under that key.")
        return Response(status_code=204)

    def _decide(self, asked: Asked, tool: str) -> Claim:
        if self._erased().customer(asked.customer_id) is not None:
            return Claim(False, (ERASED,))
        wanted = Wanted(
            asked.customer_id, asked.channel, asked.purpose, asked.transactional, self._point(asked)
        )
        now = self._clock()
        found = claim_contact(
            self._store, by=tool, now=now, key=asked.key, wanted=wanted, rules=self._rules
        )
        tell(self._store, self._home.root, now=now)
        return found

    def _erased(self) -> Suppression:
        """The list of the erased, read again only where it is another."""
        there = stamp(self._home.root / FILE)
        if there != self._listed[0]:
            self._listed = there, Suppression.of(self._home)
        return self._listed[1]

    def _point(self, asked: Asked) -> str | None:
        if not asked.address:
            return None
        kind = "email" if asked.channel == "email" else "phone"
        try:
            return keyed(self._secret, kind, asked.address)
        except NotAnAddress:
            wrong = Wrong("/address", f"is no address for {kind}")
            raise Problem(422, "The address cannot be written to.", (wrong,)) from None

    def _caller(self, request: Request) -> Key:
        """Whose call it is. Raises `Problem` where the key is missing, narrow or used up."""
        key = require(self._callers.key(request.headers.get("authorization", "")), SCOPE)
        self._callers.spend(key)
        return key
