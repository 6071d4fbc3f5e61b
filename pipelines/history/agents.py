"""Those who serve, in two times: who was in which team, since when, and who had left by then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.history import combining, knowledge, voices
from pipelines.history.events import NEVER, NONE
from pipelines.history.manifest import Manifest
from pipelines.history.schema import AGENTS

if TYPE_CHECKING:
    import duckdb

# The team and whether it is a bot have no date of their own: what an agent's first row says of them
# holds from `started_at`, as labels do, what a later one says from when that one was known.
AGENTS_SQL = """
SELECT agent_id, team, coalesce(is_bot, false) AS bot,
    coalesce({started}, {never}) AS started, coalesce({left}, {never}) AS left_at,
    _recorded AS recorded, _seen AS seen, _until AS until
FROM ({spans}) ORDER BY agent_id, _recorded
"""


@dataclass(frozen=True)
class AgentRows:
    """n versions of the rows of `agents`. Times are seconds since 1970 UTC, NEVER where absent.

    A night knows a version if `recorded` <= cut-off < `until`: of one agent at most one. An end
    that lies ahead is known from `seen`, one that has come from then on, too.
    """

    agent: NDArray[np.int32]  # the code in interactions; who never acted has one past the last
    team: NDArray[np.int32]  # equal where the team is; NONE where not known
    bot: NDArray[np.bool_]
    started: NDArray[np.int64]
    left: NDArray[np.int64]
    recorded: NDArray[np.int64]
    seen: NDArray[np.int64]
    until: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.agent)

    def take(self, rows: NDArray[np.bool_]) -> AgentRows:
        """The versions chosen by mask."""
        return AgentRows(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    def known(self, cutoff: int) -> AgentRows:
        """One version of each agent, as a night with this cut-off knew it."""
        view = self.take((self.recorded <= cutoff) & (cutoff < self.until))
        told = (view.seen <= cutoff) | (view.left <= cutoff)
        return replace(view, left=np.where(told, view.left, NEVER))


def agent_rows(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    manifest: Manifest,
    precedence: Sequence[str],
    words: Sequence[str],
) -> AgentRows:
    """Every version of every agent that `agents` tells of; `words` are the ids by code."""
    told = voices.told(connection, folder, manifest, AGENTS.name, precedence)
    started = knowledge.seconds("started_at")
    rows = knowledge.read(
        connection,
        AGENTS_SQL,
        spans=combining.spans(connection, told, started),
        started=started,
        left=knowledge.seconds("left_at"),
        never=NEVER,
    )
    code = {word: place for place, word in enumerate(words)}
    agent = [code.setdefault(one, len(code)) for one in rows["agent_id"].to_pylist()]
    teams = rows["team"].to_pylist()
    place = {team: number for number, team in enumerate(sorted({t for t in teams if t}))}
    times = (rows[name].to_numpy() for name in ("started", "left_at", "recorded", "seen", "until"))
    return AgentRows(
        np.array(agent, np.int32),
        np.array([place.get(team, NONE) for team in teams], np.int32),
        np.array(rows["bot"].to_pylist(), np.bool_),
        *(np.asarray(time, np.int64) for time in times),
    )
