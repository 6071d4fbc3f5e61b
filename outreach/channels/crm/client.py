"""Calls to a CRM's API: no faster than allowed, and again where that is safe and may help."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from outreach.channels.crm import CannotPush
from outreach.channels.http import Answer, Caller, NoAnswer, PrivateAddress

TRIES = 6  # waits 1, 2, 4, 8 and 16 s in between
LONGEST_WAIT = 120.0  # seconds that a CRM may ask us to wait; for longer the push ends
_AGAIN = frozenset({408, 425, 429})  # RFC 9110, 8470, 6585: the same may be asked again


class Auth(Protocol):
    """Who we are to the CRM."""

    def headers(self) -> Mapping[str, str]:
        """Of each call. Raises `CannotPush`."""
        ...

    def renew(self, refused: Mapping[str, str]) -> bool:
        """After a 401 to those headers: whether there is another token to try."""
        ...


@dataclass(frozen=True)
class Bearer:
    """A token that does not change."""

    token: str = field(repr=False)

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def renew(self, refused: Mapping[str, str]) -> bool:
        return False


@dataclass
class Pace:
    """Places for calls, evenly apart, so that no window holds more than allowed."""

    per_second: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _free_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Until the next place."""
        with self._lock:
            now = self.clock()
            at = max(now, self._free_at)
            self._free_at = at + 1 / self.per_second
        if at > now:
            self.sleep(at - now)

    def rest(self, seconds: float) -> None:
        """Nobody calls for so long: the CRM asked for it."""
        with self._lock:
            self._free_at = max(self._free_at, self.clock() + seconds)


@dataclass(frozen=True)
class Connecting:
    """How a server is reached."""

    timeout: float = 30
    allow_private: bool = False

    def caller(self, url: str) -> Caller:
        """Raises `CannotPush` for a URL that is none."""
        try:
            return Caller(url, timeout=self.timeout, allow_private=self.allow_private)
        except ValueError as error:
            raise CannotPush(f"[crm] url is {error}. Nothing was pushed.") from None


class Client:
    """An API. Each thread has a connection of its own; the pace is everybody's."""

    def __init__(self, url: str, auth: Auth, pace: Pace, connecting: Connecting) -> None:
        self._url, self._auth, self._pace, self._connecting = url, auth, pace, connecting
        self._here = threading.local()
        connecting.caller(url)  # a wrong one is told before anything is done

    def json(self, method: str, path: str, body: Any = None) -> Answer:
        """A call with a JSON body."""
        sent = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        return self.call(method, path, sent, {"Content-Type": "application/json"})

    def call(
        self, method: str, path: str, body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """The answer, unless it is that we are to come again; then again, a few times.

        Everything here may be said twice. Raises `CannotPush` where it does not help.
        """
        why = ""
        for attempt in range(TRIES):
            self._pace.wait()
            try:
                answer = self._authorized(method, path, body, headers or {})
            except PrivateAddress as error:
                raise CannotPush(
                    f"The CRM was not called: {error}. Set [crm] allow_private if it is meant."
                ) from None
            except NoAnswer as error:
                why, wait = str(error), None
            else:
                if answer.status not in _AGAIN and answer.status < 500:
                    return answer
                _refuse_for_today(answer)
                why, wait = f"answered {answer.status}", answer.retry_after
            if wait is not None and wait > LONGEST_WAIT:
                raise CannotPush(f"The CRM asks to wait {wait:,.0f} s: run it again then.")
            if attempt < TRIES - 1:
                self._pace.rest(2.0**attempt if wait is None else wait)
        raise CannotPush(
            f"The CRM cannot be reached ({why}, {TRIES} times). What it has taken is on record: "
            "run it again."
        )

    def _authorized(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        who = self._auth.headers()
        answer = self._caller().call(method, path, body, {**headers, **who})
        if answer.status == 401 and self._auth.renew(who):
            again = {**headers, **self._auth.headers()}
            answer = self._caller().call(method, path, body, again)
        if answer.status == 401:
            raise CannotPush(
                "The CRM does not know us (401): look at the token or client under [crm]. "
                "What it has taken is on record."
            )
        return answer

    def _caller(self) -> Caller:
        found: Caller | None = getattr(self._here, "caller", None)
        if found is None:
            found = self._here.caller = self._connecting.caller(self._url)
        return found


def _refuse_for_today(answer: Answer) -> None:
    """HubSpot's daily limit ends at midnight in the account's zone: waiting does not help.

    Source: developers.hubspot.com, API usage guidelines, policyName.
    """
    said = answer.json() if answer.status == 429 else None
    if isinstance(said, dict) and said.get("policyName") == "DAILY":
        raise CannotPush(
            "The CRM's limit of calls a day is used up. What it has taken is on record: run it "
            "again tomorrow."
        )
