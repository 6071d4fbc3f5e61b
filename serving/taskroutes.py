"""A task's routes, by the protocol of BentoML's tasks, so that its client works with them.

Source: `_bentoml_impl/server/app.py` and `client/http.py` of BentoML 1.4. Here errors are problem
details, a task that is worked on is submitted once, and cancelling one ends it
(docs/decisions/0027-night-over-http.md).
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from models.problems import Problem
from models.settings import load
from serving.headers import idempotency_key
from serving.routes import VERBS
from serving.schemas import TaskAnswer, TaskRequest, parse
from serving.tasks import TASKS, Ended, Status, Task, Tasks, available

ASK_AGAIN_SECONDS = 5
CANCEL_SECONDS = 15.0  # for a process to be gone
LOOK_SECONDS = 0.05

Answer = Callable[[Request], Awaitable[Response]]


def routes(root: Path) -> list[Route]:
    """Of all tasks of the home at `root`."""
    tasks = Tasks(root)
    return [
        Route(f"/{name}/{verb}", _answer(TaskRoutes(root, tasks, name), verb), methods=[method])
        for name in TASKS
        for verb, method in VERBS.items()
    ]


def _answer(of_task: TaskRoutes, verb: str) -> Answer:
    answer: Answer = getattr(of_task, verb)
    return answer


class TaskRoutes:
    """What is asked of the tasks of one name."""

    def __init__(self, root: Path, tasks: Tasks, name: str) -> None:
        self._root, self._tasks, self._name = root, tasks, name

    async def submit(self, request: Request) -> Response:
        """Begins it, in a process of its own."""
        asked = parse(TaskRequest, await request.body() or b"{}")
        return await self._begun(request, asked.as_of or self._today())

    async def retry(self, request: Request) -> Response:
        """Submits again what a task was for."""
        return await self._begun(request, date.fromisoformat(self._found(request).as_of))

    async def status(self, request: Request) -> Response:
        """How far it is."""
        return _told(self._found(request))

    async def get(self, request: Request) -> Response:
        """What came of it: the command's own JSON object, or a problem with its exit code."""
        task = self._found(request)
        ended = task.ended()
        if ended is None:
            raise _unfinished()
        if ended.status is not Status.COMPLETED:
            raise _failed(ended)
        return Response(json.dumps(ended.facts).encode(), media_type="application/json")

    async def cancel(self, request: Request) -> Response:
        """Ends it; answered once it has ended."""
        task = self._found(request)
        if task.ended() is None:
            self._tasks.cancel(task)
        until = time.monotonic() + CANCEL_SECONDS
        while (ended := task.ended()) is None:
            if time.monotonic() > until:
                raise Problem(503, "It has not ended yet.", retry_after=ASK_AGAIN_SECONDS)
            await asyncio.sleep(LOOK_SECONDS)
        if ended.status is not Status.CANCELED:
            words = f"It had ended before, as {ended.status}."
            raise Problem(409, words, more={"task_status": ended.status})
        return _told(task)

    async def _begun(self, request: Request, as_of: date) -> Response:
        if not available(self._name):
            raise Problem(404, f"There is no {self._name} here: this Bento can only score_batch.")
        task = await run_in_threadpool(
            self._tasks.submit, self._name, as_of, key=request.state.caller,
            called=idempotency_key(request), now=datetime.now(UTC),
        )  # fmt: skip
        return _told(task)

    def _found(self, request: Request) -> Task:
        task = self._tasks.find(self._name, request.query_params.get("task_id", ""))
        if task is None:
            raise Problem(404, "There is no such task. Its id goes into the query, as task_id.")
        return task

    def _today(self) -> date:
        return datetime.now(load(self._root, os.environ).zone).date()


def _told(task: Task) -> Response:
    step, ended = task.step(), task.ended()
    told: dict[str, Any] = {
        "task_id": task.id,
        "status": ended.status if ended else Status.IN_PROGRESS,
        "name": task.name,
        "as_of": task.as_of,
        "created_at": task.created_at,
        "executed_at": task.created_at,
    }
    told |= {"completed_at": ended.at, "exit_code": ended.exit_code} if ended else {"step": step}
    answer = TaskAnswer.model_validate_json(json.dumps(told))
    return Response(answer.model_dump_json(), media_type="application/json")


def _unfinished() -> Problem:
    more = {"task_status": Status.IN_PROGRESS}
    return Problem(409, "It has not ended yet.", retry_after=ASK_AGAIN_SECONDS, more=more)


def _failed(ended: Ended) -> Problem:
    """No 5xx: asking again changes nothing."""
    told = {"task_status": ended.status, "exit_code": ended.exit_code, "result": ended.facts}
    return Problem(409, str(ended.facts.get("error", "It failed.")), more=told)
