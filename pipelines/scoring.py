"""Everyone's risk as of one night, worked out from a history and a model; nothing is published.

The nightly scoring and the replay of a past night both do just this, so that what was published
can be had again to the byte.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.batch import BatchWriter, Manifest, ScoreBatch
from models.contracts import Reason
from pipelines.features import matrix
from pipelines.features.agents import Agents
from pipelines.history.erasing import nameless
from pipelines.population import Population, Why
from pipelines.scoretable import Scores, ScoreTable
from pipelines.shortlist import Shortlist, stake
from pipelines.values import Worth, worth

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.command import Advance
    from models.settings import Settings
    from pipelines.history.store import History


@dataclass(frozen=True)
class Question:
    """Who is asked about, by what, as of when."""

    history: History
    champion: Bundle
    settings: Settings
    as_of: date
    night: matrix.Night
    started: datetime  # stamps the scores
    previous: ScoreBatch | None  # the night before, which tells what changed


@dataclass(frozen=True)
class Answer:
    """Scores and reasons of everyone who is scored, and why the others are not."""

    question: Question
    people: Population
    scores: Scores
    reasons: dict[int, list[Reason]]  # by customer number
    why_not: NDArray[np.int8]  # Why, of each customer
    worth: Worth
    table: ScoreTable
    before: dict[str, float]  # probabilities of the night before, by customer id
    agents: Agents  # what the night knew of those who serve

    def why_words(self) -> dict[Why, str]:
        """Each `Why` for a manager to read."""
        days = self.question.settings.training.active_days
        return {why: why.words(days) for why in Why}

    def write(self, scores: Path, run: str, facts: Mapping[str, Any]) -> Manifest:
        """Writes the run, finished and not published; the same answer gives the same bytes."""
        words = self.why_words()
        with BatchWriter(scores, self.question.as_of, run) as writer:
            for part in self.table.parts(self.scores, self.reasons):
                writer.add(part)
            out = self.why_not != Why.SCORED
            if self.question.history.manifest.erased:
                out &= ~nameless(self.table.ids)
            ids = self.table.ids[out].tolist()
            writer.not_scored(ids, [words[code] for code in self.why_not[out]])
            return writer.finish(facts)


def work_out(question: Question, advance: Advance = lambda what, share: None) -> Answer:
    """Walk over the history once and score everyone; explain whom the plan can reach."""
    history, settings = question.history, question.settings
    people = Population.of(history.people(), history.terms())
    worths = worth(history, question.night, settings.currency)
    at_least, share = settings.scoring.explain_at_least, settings.scoring.explain_share
    shortlist = Shortlist(max(at_least, round(share * len(people))))
    why_not = people.excluded(question.night)
    advance("looking at those who serve", 0.0)
    context = matrix.context(history, settings, [question.night])
    scores = _Pass(question, people, worths.amount, why_not, shortlist, context).walk(advance)
    advance("finding reasons", 0.85)
    reasons = _reasons(question.champion, shortlist, settings.performance.threads)
    before = _probabilities(question.previous)
    table = ScoreTable(
        history, question.champion, settings, question.night.as_of, question.started,
        worths.amount, before,
    )  # fmt: skip
    return Answer(question, people, scores, reasons, why_not, worths, table, before, context.agents)


@dataclass
class _Pass:
    """One walk over the history for one night."""

    question: Question
    people: Population
    value: NDArray[np.float64]
    why_not: NDArray[np.int8]  # Why, of each customer; the walk adds the inactive
    shortlist: Shortlist
    context: matrix.Context

    def walk(self, advance: Advance) -> Scores:
        """Probabilities of all; the matrix rows of those with most at stake stay."""
        asked, pieces = self.question, []
        threads = asked.settings.performance.threads
        advance("scoring", 0.0)
        blocks = matrix.stream(
            asked.history,
            [asked.night],
            self.context,
            customers=self.why_not == Why.SCORED,
            threads=threads,
        )
        for block in blocks:
            customer, rows = self._active(block.customers, block.values[0])
            scores = Scores.of(customer, asked.champion.model.predict(rows, threads), rows)
            self.shortlist.offer(customer, stake(scores.probability, self.value[customer]), rows)
            pieces.append(scores)
            advance("scoring", 0.8 * (block.bucket + 1) / asked.history.buckets)
        return Scores.joined(pieces)

    def _active(
        self, customer: NDArray[np.int32], rows: NDArray[np.float64]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Without a contract, only who was active lately is scored."""
        days = self.question.settings.training.active_days
        idle = rows[:, matrix.column("days_since_active")]
        active = self.people.active(customer, idle, days, self.question.night.cutoff)
        self.why_not[customer[~active]] = Why.INACTIVE
        return (customer, rows) if active.all() else (customer[active], rows[active])


def _reasons(champion: Bundle, shortlist: Shortlist, threads: int) -> dict[int, list[Reason]]:
    """Reasons of each customer on the shortlist, by customer number."""
    from models.explain import reasons

    customer, rows = shortlist.best()
    if len(customer) == 0:
        return {}
    found = reasons(champion.model, rows, threads=threads)
    return dict(zip(customer.tolist(), found, strict=True))


def _probabilities(batch: ScoreBatch | None) -> dict[str, float]:
    """Probabilities of a batch by customer id."""
    if batch is None:
        return {}
    table = batch.table(["customer_id", "churn_probability"])
    ids, probabilities = (column.to_pylist() for column in table.columns)
    return dict(zip(ids, probabilities, strict=True))
