"""`--via URL`: the work is done at an endpoint, where the home is, and waited for here.

For orchestrators on machines that have no home. The endpoint keeps the task: whoever is cut off
here, runs the same again and goes on waiting for the same task (docs/guides/nightly.md).
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import Busy, RefusedToPublish, WarmlineError, WrongUsage

if TYPE_CHECKING:
    from models.command import Advance

KEY = "WARMLINE_KEY"
LOOK_SECONDS = 2.0  # between two looks at a task
BUSY_SECONDS = 15.0  # between two tasks, where another run has the lock
FIRST_SECONDS, LATER_SECONDS = 30.0, 900.0  # without an answer: before the task is known, and after
LONGEST_PAUSE = 15.0
CALL_SECONDS = 30.0
CUT_OFF_AT_MOST = 3  # times that a task is begun again
ERRORS: Mapping[int, type[WarmlineError]] = {
    one.exit_code: one for one in (WrongUsage, RefusedToPublish, Busy)
}


class Refused(WarmlineError):
    """The endpoint answered, and asking again changes nothing."""

    def __init__(self, status: int, words: str, told: Mapping[str, Any]) -> None:
        super().__init__(words)
        self.status, self.told = status, told


@dataclass(frozen=True)
class Endpoint:
    """Where the work is done. The key is never shown."""

    url: str
    key: str = field(repr=False)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def of(cls, url: str, key_file: Path | None) -> Endpoint:
        """With the key of a file, or of the environment. Raises `WrongUsage`."""
        if not url.startswith(("http://", "https://")):
            raise WrongUsage(f"--via {url!r} is no address: write it as https://host:3000.")
        key = key_file.read_text(encoding="utf-8") if key_file else os.environ.get(KEY, "")
        if not key.strip():
            raise WrongUsage(
                f"a key is needed: set {KEY}, or name a file with --key-file. At the endpoint, "
                "`warmline keys create NAME --scope admin` makes one."
            )
        return cls(url.rstrip("/"), key.strip())

    def ask(
        self, method: str, path: str, patience: float, body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """The answer's JSON object; without one, asked again for `patience` seconds.

        Raises `Refused` for an answer that says no, `WarmlineError` for none.
        """
        until, pause = self.clock() + patience, 0.5
        while True:
            try:
                return self._ask(method, path, body, headers or {})
            except (OSError, http.client.HTTPException, ValueError) as error:
                if self.clock() + pause > until:
                    raise WarmlineError(
                        f"{self.url} gave no answer in {patience:g} s ({_why(error)}). What it "
                        "works on goes on there: run this again, and it is waited for."
                    ) from error
            self.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        content = None if body is None else json.dumps(body).encode()
        sent = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        request = urllib.request.Request(  # noqa: S310 - http or https, see `of`
            self.url + path, content, {**sent, **headers}, method=method
        )
        try:
            with _opener.open(request, timeout=CALL_SECONDS) as answer:
                told: dict[str, Any] = json.load(answer)
                return told
        except urllib.error.HTTPError as error:
            if error.code == 429 or error.code >= 500:
                raise
            raise _refusal(error) from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The key is for this address alone."""

    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def work_there(
    endpoint: Endpoint, name: str, as_of: date | None, *, wait: float, advance: Advance
) -> dict[str, Any]:
    """What the task `name` of that date (the endpoint's today by default) told of itself.

    A task that is worked on already is waited for, one that was cut off is begun again. Raises what
    the command would have raised there; `Busy` after `wait` seconds of another run's.
    """
    until, cut_off = endpoint.clock() + wait, 0
    while True:
        pause = LOOK_SECONDS
        try:
            return _once(endpoint, name, as_of, advance)
        except Refused as refused:
            told = refused.told.get("result", {})
            code = refused.told.get("exit_code", WarmlineError.exit_code)
            if told.get("cut_off") and cut_off < CUT_OFF_AT_MOST:
                cut_off += 1
            elif code != Busy.exit_code or endpoint.clock() >= until:
                facts = {key: told[key] for key in told.keys() - {"ok", "error", "exit_code"}}
                raise ERRORS.get(code, WarmlineError)(str(refused), **facts) from refused
            else:
                pause = BUSY_SECONDS
        endpoint.sleep(pause)


def _once(endpoint: Endpoint, name: str, as_of: date | None, advance: Advance) -> dict[str, Any]:
    body = {} if as_of is None else {"as_of": str(as_of)}
    # A submission whose answer was lost is the same one when it is made again.
    key = {"Idempotency-Key": secrets.token_hex(16)}
    task = endpoint.ask("POST", f"/{name}/submit", FIRST_SECONDS, body, key)
    place = f"task_id={task['task_id']}"
    while task["status"] == "in_progress":
        advance(str(task.get("step") or "starting"), 0.0)
        endpoint.sleep(LOOK_SECONDS)
        task = endpoint.ask("GET", f"/{name}/status?{place}", LATER_SECONDS)
    return endpoint.ask("GET", f"/{name}/get?{place}", LATER_SECONDS)


def _refusal(error: urllib.error.HTTPError) -> Refused:
    try:
        told = json.load(error)
        words = str(told["detail"])
    except (ValueError, KeyError, TypeError):
        told, words = {}, f"the endpoint answered {error.code}."
    return Refused(error.code, words, told)


def _why(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"it answered {error.code}"
    return str(getattr(error, "reason", error)) or type(error).__name__
