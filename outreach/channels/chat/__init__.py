"""Chat messages to owners, by a Slack-compatible incoming webhook (Mattermost, Rocket.Chat, Zulip
and others take the same).

Sources, read 2026-11-26: docs.slack.dev, Sending messages using incoming webhooks (200 `ok`; 400,
403, 404 and 410 with a word that says why); Rate limits (one message a second, 429 with
`Retry-After`); Formatting message text (`&`, `<` and `>` are escaped; `<!channel>` and the like are
written with them); Block Kit (50 blocks, 3,000 characters a section, 150 a header).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.errors import WrongUsage
from models.settings_outreach import Chat as Settings
from outreach.channels import Later, Refused, Result, Sent, Unknown
from outreach.channels.http import Caller, NoAnswer, NotReached, PrivateAddress

TRIES = 3
LONGEST_WAIT = 60.0  # seconds that are waited for; for longer the next push tries again
_HEADER, _SECTION, _BLOCKS = 150, 3_000, 50
_CUT = "\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True)
class Note:
    """What an owner reads: a line, and paragraphs of mrkdwn (see `escaped`)."""

    title: str
    paragraphs: Sequence[str]

    def body(self) -> bytes:
        """As JSON: `text` is what a notification shows."""
        header = {
            "type": "header",
            "text": {"type": "plain_text", "text": _cut(self.title, _HEADER)},
        }
        sections = [
            {"type": "section", "text": {"type": "mrkdwn", "text": _cut(words, _SECTION)}}
            for words in self.paragraphs[: _BLOCKS - 1]
        ]
        message = {"text": escaped(self.title), "blocks": [header, *sections]}
        return json.dumps(message, ensure_ascii=False).encode()


class Chat:
    """Posts to webhooks, one URL after the other."""

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._settings, self._sleep = settings, sleep

    def check(self) -> None:
        """Raises `WrongUsage` where a URL of the settings is none."""
        for url in filter(None, (self._settings.url, *self._settings.owners.values())):
            self._caller(url)

    def post(self, url: str, note: Note) -> Result:
        """Posts it once. `Unknown` where it may have arrived: a webhook knows no idempotency.
        Raises as `check`."""
        caller = self._caller(url)
        try:
            return self._post(caller, note.body())
        except PrivateAddress as error:
            return Refused(f"{error}: set [channels.chat] allow_private")
        except NotReached as error:
            return Later(str(error), down=True)
        except NoAnswer as error:
            return Unknown(str(error))
        finally:
            caller.close()

    def _caller(self, url: str) -> Caller:
        ours = self._settings
        try:
            return Caller(url, timeout=ours.timeout_seconds, allow_private=ours.allow_private)
        except ValueError as error:
            raise WrongUsage(f"[channels.chat] a url is {error}.") from None

    def _post(self, caller: Caller, body: bytes) -> Result:
        for left in reversed(range(TRIES)):
            answer = caller.call("POST", "", body, {"Content-Type": "application/json"})
            if answer.ok:
                return Sent()
            word = escaped(answer.body[:40].decode("utf-8", "replace"))
            why = f"answered {answer.status} {word}".rstrip()
            if answer.status != 429:
                return Later(why) if answer.status >= 500 else Refused(why)
            wait = 1.0 if answer.retry_after is None else answer.retry_after
            if left and wait <= LONGEST_WAIT:
                caller.close()  # a kept connection is tried twice where it breaks
                self._sleep(wait)
        return Later(why, after=wait)


def escaped(text: str) -> str:
    """`text` on one line, as mrkdwn shows it: nothing in it mentions anybody or is a link."""
    line = " ".join(text.split())
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + _CUT
