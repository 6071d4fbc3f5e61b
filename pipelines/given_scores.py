"""Risk of customers whose rows are given, not stored: the answer to `/score_history`.

The same reading, pass, model and reasons as the night's; equal to what the night would publish of
these customers, had it these rows. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipelines import context, snapshots
from pipelines.features import matrix
from pipelines.features.agents import NO_AGENTS, Agents
from pipelines.features.calendar_rows import read_hours
from pipelines.features.declared import Attributes
from pipelines.features.gaps import gaps_of
from pipelines.features.warming import Warmth, warm_up
from pipelines.history.given import NOTHING_KNOWN, Given, Known, given
from pipelines.history.plain import Plain, plain
from pipelines.history.rates import Money
from pipelines.history.sent import Sent
from pipelines.history.store import History
from pipelines.history.words import lexicon
from pipelines.population import Why
from pipelines.scoring import Answer, Question, work_out
from pipelines.walks import Local

if TYPE_CHECKING:
    import pyarrow as pa

    from models.bundle import Bundle
    from models.home import Home
    from models.settings import Settings
    from pipelines.history.rejects import Reject

HERE = Local(threads=0)  # given customers lie in one bucket, which one thread computes
TEAMS_ARE_TOLD_IN = {"agents", "calendars", "holidays"}


class Told(NamedTuple):
    """What is told of the customers of a call."""

    rows: list[dict[str, Any]]  # of those with a score
    not_scored: dict[str, str]  # why, by customer id


@dataclass(frozen=True)
class GivenScores:
    """Answers about given customers."""

    answer: Answer
    rejects: tuple[Reject, ...]  # rows that could not be used
    pending: int  # interactions of customers that were not given

    @cached_property
    def not_scored(self) -> dict[str, str]:
        """Why each customer who is not scored is not, by id."""
        return {customer_id: why for _, customer_id, why in _not_scored(self.answer)}

    @property
    def scores(self) -> pa.Table:
        """`models.contracts.score_schema`; `percentile` is null: of so few it says little."""
        (part,) = self.answer.table.parts(self.answer.scores, self.answer.reasons)
        return _without(part, "percentile")

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows of `scores`, without a table."""
        return self.answer.table.rows(self.answer.scores, self.answer.reasons)

    def apart(self) -> list[Told]:
        """What is told of the customers of each call."""
        company = self.answer.question.company
        if company is None:
            return [Told(list(self.rows()), self.not_scored)]
        of, out = company.tolist(), [Told([], {}) for _ in range(int(company[-1]) + 1)]
        for number, row in zip(self.answer.scores.customer.tolist(), self.rows(), strict=True):
            out[of[number]].rows.append(row)
        for number, customer_id, why in _not_scored(self.answer):
            out[of[number]].not_scored[customer_id] = why
        return out


@dataclass(frozen=True)
class Scorer:
    """A model and what a home knows beside customers' own rows; made once, used for every call."""

    champion: Bundle
    settings: Settings
    history: History | None = None  # whose agents, teams, feeds, rates and words count; None: none
    known: Known = NOTHING_KNOWN
    figures: Path | None = None  # the home's `context/`: what nights published of those who serve
    _contexts: dict[int, matrix.Context] = field(default_factory=dict)  # by `as_of`
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def of(
        cls, champion: Bundle, settings: Settings, history: History | None, home: Home | None = None
    ) -> Scorer:
        """Raises `WarmlineError` for a calendar of the history that cannot be used."""
        known = NOTHING_KNOWN if history is None else Known.of(history)
        champion = replace(champion, training=None)  # a few rows tell nothing of drift
        return cls(champion, settings, history, known, home.context if home else None)

    def warm_up(self, now: datetime) -> Warmth:
        """Loads all that a call needs, compiling what never was: a worker does so before it says
        that it is ready. Scores a customer that is made up."""
        import pyarrow as pa

        warmth = warm_up(self.settings.features)
        day = now - timedelta(days=1)
        made_up = {
            "customers": pa.table({"customer_id": ["-"], "joined_at": [day - timedelta(days=30)]}),
            "interactions": pa.table(
                {"interaction_id": ["-"], "customer_id": ["-"], "occurred_at": [day],
                 "kind": ["order"]}
            ),
        }  # fmt: skip
        self.score(made_up, as_of=snapshots.local_date(int(now.timestamp()), self.settings.zone),
                   now=now)  # fmt: skip
        return warmth

    def score(
        self, tables: Mapping[str, pa.Table | Sent], *, as_of: date, now: datetime
    ) -> GivenScores:
        """Scores the customers of `tables` (contract rows by table) at `as_of`, as of `now`.

        What has no date of its own is known from `now`; of a past `as_of` the night's cut-off lies
        before that, as for a history that was ingested since. Raises `WarmlineError` for a table
        without a column that it needs.
        """
        return self.scored(self.read(tables, now), self._night(as_of, now), now)

    def score_at_once(
        self, *calls: Mapping[str, pa.Table | Sent], as_of: date, now: datetime
    ) -> GivenScores | None:
        """As `score`, of each of `calls` as if it came alone; None for what takes long (rows that
        are not plain, columns that are read in a database, a night of which it is not known yet
        what the home knows of it) and for calls that cannot be answered together."""
        night, declared = self._night(as_of, now), self.settings.features
        if night.as_of not in self._contexts or declared.attributes or declared.static:
            return None
        rows = plain(*calls, **self._how(now))
        if rows is None:
            return None
        if len(calls) > 1 and rows.manifest.customers > self.settings.scoring.explain_at_least:
            return None  # alone, more of them would have reasons
        return self.scored(rows, night, now)

    def scored(self, rows: Given | Plain, night: matrix.Night, now: datetime) -> GivenScores:
        """Scores the customers of `rows`, as `score` does."""
        question = Question(
            rows, self.champion, self.settings,
            snapshots.local_date(night.as_of, self.settings.zone), night, now, None,
            self.context(rows, night), rows.call if isinstance(rows, Plain) else None,
        )  # fmt: skip
        return GivenScores(work_out(question, engine=HERE), rows.rejects, rows.pending)

    def read(self, tables: Mapping[str, pa.Table | Sent], now: datetime) -> Given | Plain:
        """The history that `tables` are, which came in at `now`."""
        told, how = self._with_declared(tables), self._how(now)
        return plain(told, **how) or given(told, **how)

    def _how(self, now: datetime) -> dict[str, Any]:
        """How rows are read, which came in at `now`."""
        return {
            "zone": self.settings.zone,
            "seen": int(now.timestamp()),
            "known": self.known,
            "precedence": self.settings.ingest.precedence,
            "lexicon": lexicon(self.settings.features.words),
        }

    def _night(self, as_of: date, now: datetime) -> matrix.Night:
        return snapshots.night(as_of, self.settings.zone, self.settings.training.usual_hour, now)

    def context(self, rows: Given | Plain, night: matrix.Night) -> matrix.Context:
        """What the home knows, and in its place what tables of the rows tell."""
        if self.history is None:
            return matrix.context(rows, self.settings, [night])
        home = self._at_home(self.history, night)
        found = replace(
            home,
            attributes=Attributes.of(rows, self.settings.features),
            # As the night knew them; a call's own cut-off is later.
            agents=Agents((night,), home.agents.figures) if home.agents.nights else NO_AGENTS,
        )
        if rows.came & TEAMS_ARE_TOLD_IN:
            agents = rows.words("agent")
            found = replace(
                found,
                bots=rows.bots(),
                hours=read_hours(rows, self.settings.zone),
                teams=matrix.teams_of(agents, rows.teams()),
            )
        if "feed_gaps" in rows.came:
            found = replace(found, gaps=gaps_of(rows.table("feed_gaps"), feeds=rows.feeds()))
        if "rates" in rows.came:
            found = replace(found, money=Money.of_history(rows, self.settings.currency))
        return found

    def _at_home(self, history: History, night: matrix.Night) -> matrix.Context:
        """What the home knows at a night, which is looked up once, whoever waits for it: a walk
        over its feeds takes a third of a second."""
        found = self._contexts.get(night.as_of)
        if found is not None:
            return found
        with self._lock:
            found = self._contexts.get(night.as_of)
            if found is None:
                found = self._contexts[night.as_of] = self._of_home(history, night)
                for other in self._contexts.keys() - {night.as_of}:  # one is asked for at a time
                    self._contexts.pop(other, None)
        return found

    def _of_home(self, history: History, night: matrix.Night) -> matrix.Context:
        """What the home knows at a night. Figures of those who serve are those that were published;
        of a night that nobody published they are found by a walk over the history."""
        as_of = snapshots.local_date(night.as_of, self.settings.zone)
        agents = None
        if self.figures is not None:
            agents = context.read(self.figures, as_of, self.known.words["agent"])
        return matrix.context(history, self.settings, [night], agents)

    def _with_declared(
        self, tables: Mapping[str, pa.Table | Sent]
    ) -> Mapping[str, pa.Table | Sent]:
        """With the columns that are declared as features and that nobody gives: not known."""
        import pyarrow as pa

        customers, static = tables.get("customers"), self.settings.features.static
        if customers is None or not static:
            return tables
        if isinstance(customers, Sent):
            return {**tables, "customers": customers.with_columns(static)}
        for column in static:
            if column not in customers.column_names:
                customers = customers.append_column(column, pa.nulls(len(customers), pa.string()))
        return {**tables, "customers": customers}


def _not_scored(answer: Answer) -> Iterator[tuple[int, str, str]]:
    """Number, id and reason of each customer who is not scored."""
    out = np.flatnonzero(answer.why_not != Why.SCORED).tolist()
    if not out:
        return
    words, ids = answer.why_words(), answer.question.history.words("customer")
    for number in out:
        yield number, ids[number], words[Why(answer.why_not[number])]


def _without(scores: pa.Table, column: str) -> pa.Table:
    import pyarrow as pa

    place = scores.schema.get_field_index(column)
    of = scores.schema.field(place)
    return scores.set_column(place, of, pa.nulls(len(scores), of.type))
