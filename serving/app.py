"""The routes. Source: CONTRACTS.md, HTTP."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, date, datetime
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router

from models.errors import WarmlineError
from models.home import Home
from models.problems import Problem
from serving import bentoclient, flat, metrics, openapi, taskroutes
from serving.contacts import Contacts
from serving.events import Brought, Interaction, accept, not_after
from serving.given import HistoryRequest, HistoryScorer, told_as
from serving.headers import idempotency_key
from serving.lines import Lines
from serving.published import Publications, Published, nobody
from serving.routes import JSON, NDJSON, media_type
from serving.schemas import OneId, ScoreRequest, as_date, parse
from serving.together import Together

# In every answer, behind the id, in which quotes are escaped; and of those without a score.
STATUS, NOT_SCORED = b'"status":"', b'"status":"not_scored"'


def application(root: Path, *, warm: bool = False) -> Router:
    """The ASGI application over the home at `root`, whose errors the guard answers.

    What is published is opened now, so that the first caller does not wait for it; `warm`: the
    compiled pass and the champion, too, which takes some seconds.
    """
    endpoint = Endpoint(Home(root))
    endpoint.open(warm)
    return Router(
        [  # what is called most comes first
            Route("/score", endpoint.score, methods=["POST"]),
            Route("/score/one", endpoint.score_one, methods=["POST"]),
            Route("/score_history", endpoint.score_history, methods=["POST"]),
            Route("/events", endpoint.events, methods=["POST"]),
            Route("/livez", endpoint.alive, methods=["GET"]),
            Route("/readyz", endpoint.ready, methods=["GET"]),
            Route("/metrics", endpoint.metrics, methods=["GET"]),
            Route("/docs.json", endpoint.docs, methods=["GET"]),
            Route("/schema.json", endpoint.schema, methods=["GET"]),
            *taskroutes.routes(root),
        ]
    )


class Endpoint:
    """Answers calls from what is published in a home."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.publications = Publications(home.scores)
        self.scorer = HistoryScorer(home)
        self._together = Together(self.scorer)
        self._contact = Contacts(home.root)
        self._told: Published | None = None  # which one the metrics tell of

    def open(self, warm: bool) -> None:
        """Makes ready to answer; without anything to answer with, calls say so."""
        with suppress(WarmlineError, OSError):
            self.publications.latest(time.monotonic())
        if warm:
            with suppress(WarmlineError):
                self.scorer.warm_up(datetime.now(UTC))

    async def alive(self, request: Request) -> Response:
        """The process answers."""
        return Response(b'{"status":"alive"}', media_type="application/json")

    async def ready(self, request: Request) -> Response:
        """There is something to answer with."""
        batch = self._latest().batch
        return Response(
            f'{{"status":"ready","as_of":"{batch.as_of}","run":"{batch.run}"}}'.encode(),
            media_type="application/json",
        )

    async def metrics(self, request: Request) -> Response:
        """Of all workers, for Prometheus."""
        text, media_type = metrics.text()
        return Response(text, media_type=media_type)

    async def docs(self, request: Request) -> Response:
        """What is served, as OpenAPI."""
        return Response(openapi.text(), media_type="application/json")

    async def schema(self, request: Request) -> Response:
        """What is served, for BentoML's client."""
        return Response(bentoclient.text(), media_type="application/json")

    async def score(self, request: Request) -> Response:
        """The published answer for each id, in the order asked for."""
        if media_type(request.headers.get("content-type", "")) == NDJSON:
            return await self._score_lines(request)
        asked = parse(ScoreRequest, await request.body())
        ids: list[str] = asked.customer_ids
        # A thousand take 2 ms: a thread, which takes the interpreter's lock, would win nobody time.
        found = self._published(asked.as_of).answers.find(ids)
        request.state.rows = len(ids)
        answers = _answers(ids, found, await self._contacts())
        if NDJSON in request.headers.get("accept", ""):
            return Response(b"\n".join(answers) + b"\n", media_type=NDJSON)
        return Response(_body(answers), media_type="application/json")

    async def _score_lines(self, request: Request) -> Response:
        """As many ids as a file holds, one a line; all are read, and right, before the first is
        answered, and all answers are of one publication."""
        given = request.query_params.get("as_of")
        published = self._published(None if given is None else as_date("as_of", given))
        lines = await Lines.read(request.stream(), OneId)
        try:
            request.state.rows = await run_in_threadpool(lines.require)
        except BaseException:
            lines.close()
            raise
        contacts = await self._contacts()
        return StreamingResponse(_answered_lines(lines, published, contacts), media_type=NDJSON)

    async def score_one(self, request: Request) -> Response:
        """The published answer for the customer whom a CRM's own payload names, flat."""
        asked = flat.asked(request.query_params.multi_items())
        external_id = flat.found(await request.body(), asked.id_field)
        answers = self._latest().answers
        customer = answers.whose(external_id, asked.system)
        found = answers.find([customer])
        (answer,) = _answers([customer], found, await self._contacts())
        request.state.rows = 1
        return Response(flat.flattened(answer), media_type="application/json")

    async def score_history(self, request: Request) -> Response:
        """The risk of customers whose rows are sent, by the champion; nothing is stored."""
        asked = parse(HistoryRequest, await request.body())
        answered = await self._together.answers(asked)
        if answered is None:
            answered = await run_in_threadpool(self.scorer.answers, asked, datetime.now(UTC))
        answers, as_of = answered
        request.state.rows = len(answers)
        contacts = await self._contacts()
        told = [
            answer[:-1] + contacts.told(one) for one, answer in zip(asked.ids, answers, strict=True)
        ]
        return Response(told_as(told, as_of), media_type="application/json")

    async def events(self, request: Request) -> Response:
        """Interactions, kept for the next ingest before this is answered."""
        key, now = idempotency_key(request), datetime.now(UTC)
        with ExitStack() as opened:
            if media_type(request.headers.get("content-type", "")) == NDJSON:
                lines = await Lines.read(request.stream(), Interaction, not_after(now))
                opened.enter_context(lines)
                await run_in_threadpool(lines.require)
                brought = Brought(lines.rows, lines.digest)
            else:
                brought = Brought.of(await request.body(), now)
            kept = await run_in_threadpool(
                accept, self._home.root, brought, caller=request.state.caller, key=key, now=now
            )
        request.state.rows = kept
        answer = json.dumps({"accepted": kept}).encode()
        return Response(answer, 202, media_type=JSON)

    async def _contacts(self) -> Contacts:
        """Whom outreach may contact."""
        await self._contact.keep_up(datetime.now(UTC), time.monotonic())
        return self._contact

    def _published(self, as_of: date | None) -> Published:
        """The newest, or that date's. Raises `Problem` 404 where it has none."""
        newest = self._latest()
        if as_of is None:
            return newest
        found = self.publications.of(as_of)
        if found is None:
            raise Problem(404, f"No scores of {as_of} are published.")
        return found

    def _latest(self) -> Published:
        found = self.publications.latest(time.monotonic())
        if found is None:
            raise WarmlineError("No scores are published yet: run `warmline score --as-of DATE`.")
        if found is not self._told:
            self._told = found
            scored_at = datetime.fromisoformat(found.facts["scored_at"]).timestamp()
            metrics.serving(found.facts["model_version"], scored_at)
        return found


async def _answered_lines(
    lines: Lines[OneId], published: Published, contacts: Contacts
) -> AsyncIterator[bytes]:
    """Some answers at a time, so that memory stays bounded and other calls come between."""

    def answered() -> bytes | None:
        rows = next(some, None)
        if rows is None:
            return None
        ids = [row.customer_id for row in rows]
        return b"\n".join(_answers(ids, published.answers.find(ids), contacts)) + b"\n"

    with lines:
        some = lines.rows()
        while (told := await run_in_threadpool(answered)) is not None:
            yield told


def _body(answers: list[bytes]) -> bytes:
    """All of them, one at least, copied once: a thousand are a megabyte."""
    answers[0] = b'{"scores":[' + answers[0]
    answers[-1] += b"]}"
    return b",".join(answers)


def _answers(ids: Sequence[str], found: Sequence[bytes | None], contacts: Contacts) -> list[bytes]:
    """The answers with what may be done; those without a score are counted by their reason."""
    out: list[bytes] = []
    left_out: Counter[str] = Counter()
    for customer, answer in zip(ids, found, strict=True):
        told = nobody(customer) if answer is None else answer
        if told.startswith(NOT_SCORED, told.find(STATUS)):
            left_out[json.loads(told)["why"]] += 1
        out.append(told[:-1] + contacts.told(customer))
    metrics.not_scored(left_out)
    return out
