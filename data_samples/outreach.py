"""Contacts handed in from outside: sent, felt, and by some answered."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_samples.draws import Draws
from data_samples.feelings import Feelings
from data_samples.people import People
from data_samples.rows import NONE, Rows, rows_of
from data_samples.settings import WorldSettings
from data_samples.terms import Terms
from models.contracts import CHANNEL_CODE, DAY


class Outreach:
    """The contacts of a world: waiting ones by day, and the ids of all messages so far."""

    def __init__(self, settings: WorldSettings, people: People, draws: Draws) -> None:
        self.messages: list[str] = []  # by number, which rows carry as `cause`
        self._settings, self._people, self._draws = settings, people, draws
        self._waiting: dict[int, list[Rows]] = {}
        self._strength: list[float] = []  # by message number

    def plan(self, contacts: pd.DataFrame | None, begin: int, end: int, width: int) -> None:
        """Take in contacts for [begin, end), in seconds; each has its effect on its day."""
        if contacts is None or contacts.empty:
            return
        who = _customer_numbers(contacts["customer_id"], width, len(self._people))
        at = pd.to_datetime(
            contacts["at"], utc=True, format="ISO8601" if contacts["at"].dtype == object else None
        )
        seconds = at.to_numpy("datetime64[s]").astype(np.int64)
        outside = (seconds < begin) | (seconds >= end)
        if outside.any():
            raise ValueError(
                f"{int(outside.sum())} contacts lie outside the days advanced, the first at "
                f"{at.iloc[int(np.argmax(outside))].isoformat()}"
            )
        number = len(self.messages) + np.arange(len(who))
        kinds = (
            contacts["kind"].astype(str)
            if "kind" in contacts
            else pd.Series(["check_in"] * len(who))
        )
        ids = contacts.get("message_id", pd.Series([f"m-{n + 1:07d}" for n in number]))
        self.messages.extend(ids.astype(str))
        self._strength.extend(self._settings.playbook_effects.get(kind, 1.0) for kind in kinds)
        channel = self._people.preferred[who]
        if "channel" in contacts:
            given = contacts["channel"].map(CHANNEL_CODE).fillna(NONE).to_numpy(np.int8)
            channel = np.where(given == NONE, channel, given)
        rows = rows_of("outreach_sent", who, seconds, channel=channel, cause=number)
        for day in np.unique(seconds // DAY):
            mine = rows[seconds // DAY == day]
            self._waiting.setdefault(int(day), []).append(mine)

    def send(self, midnight: int, feelings: Feelings, terms: Terms) -> list[Rows]:
        """Today's contacts take effect on those still there; rows of them and their answers."""
        waiting = self._waiting.pop(midnight // DAY, [])
        if not waiting:
            return []
        sent = np.concatenate(waiting)
        day = (midnight - terms.midnight) // DAY
        who = sent["customer"].astype(np.int64)
        reached = (self._people.joined_day[who] <= day) & (terms.ended[who] > sent["at"])
        sent, who = sent[reached], who[reached]
        strength = np.array(self._strength)[sent["cause"]]
        feelings.contact(who, day, strength)
        answers = self._draws.chance("outreach", day, who, self._settings.outreach_answers)
        answers &= ~self._people.silent[who]
        reply = sent[answers].copy()
        wait = self._draws.exponential("outreach wait", day, who[answers]) * 1.2 * DAY
        reply["at"] += 600 + wait.astype(np.int64)
        blank = rows_of("outreach_answered", reply["customer"], reply["at"])
        blank["channel"], blank["cause"] = reply["channel"], reply["cause"]
        return [sent, blank]


def _customer_numbers(ids: pd.Series, width: int, count: int) -> NDArray[np.int64]:
    """`C00017` to 17; ValueError names the first id that is no customer's."""
    good = ids.astype(str).str.fullmatch(rf"C\d{{{width}}}")
    numbers = pd.to_numeric(ids.astype(str).str[1:].where(good), errors="coerce").fillna(-1)
    unknown = (numbers < 0) | (numbers >= count)
    if unknown.any():
        raise ValueError(f"no customer {ids[unknown].iloc[0]!r} in this world")
    return numbers.to_numpy(np.int64)
