"""Everyone's risk as of one night, worked out from a history and a model; nothing is published.

The nightly scoring and the replay of a past night both do just this, so that what was published
can be had again to the byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.answers import hashed_names
from models.batch import BatchWriter, Manifest, ScoreBatch
from models.changes import Before
from models.contracts import DAY, Reason
from models.words import Dates
from pipelines import labels
from pipelines.features import matrix
from pipelines.features.agents import Agents
from pipelines.history.erasing import nameless
from pipelines.history.terms import NEVER
from pipelines.population import Population, Why
from pipelines.recurring import with_topics
from pipelines.scoretable import Scores, ScoreTable
from pipelines.shortlist import Shortlist, Stakes
from pipelines.values import Worth, worth
from pipelines.walks import Engine, Local, Rows, Walk, Wanted

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.churn import ChurnModel
    from models.command import Advance
    from models.drift import Counting
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
    context: matrix.Context | None = None  # None: what the history tells
    # Whose each customer is, of companies that know nothing of each other; None: all are one's
    company: NDArray[np.intp] | None = None


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
    before: Before
    agents: Agents  # what the night knew of those who serve

    def why_words(self) -> dict[Why, str]:
        """Each `Why` for a manager to read."""
        days = self.question.settings.training.active_days
        return {why: why.words(days) for why in Why}

    def write(self, scores: Path, run: str, facts: Mapping[str, Any]) -> Manifest:
        """Writes the run, finished and not published; the same answer gives the same bytes."""
        words = self.why_words()
        with BatchWriter(scores, self.question.as_of, run) as writer:
            renewals = self.table.renewals(self.scores)
            if renewals is not None:
                writer.renewing(renewals)
            for part in self.table.parts(self.scores, self.reasons):
                writer.add(part)
            out = self.why_not != Why.SCORED
            if self.question.history.manifest.erased:
                out &= ~nameless(self.table.ids)
            ids = self.table.ids[out].tolist()
            writer.not_scored(ids, [words[code] for code in self.why_not[out]])
            names = self.question.history.names()
            writer.named(hashed_names(*(column.to_pylist() for column in names.columns)))
            return writer.finish(facts)


def work_out(
    question: Question,
    advance: Advance = lambda what, share: None,
    engine: Engine | None = None,
) -> Answer:
    """Walk over the history and score everyone; explain whom the plan can reach.

    `engine`: where it runs, this machine by default.
    """
    history, settings, night = question.history, question.settings, question.night
    engine = engine or Local(settings.performance.threads)
    people = Population.of(history.people(), history.terms())
    advance("looking at those who serve", 0.0)
    context = question.context or engine.context(history, settings, [night])
    worths = worth(history, night, settings.currency, context.money)
    why_not = people.excluded(night)
    walk = _walk(question, people, why_not, context)
    asked = _Asked(question, engine, worths.amount, walk, advance)
    scores, reasons = asked.in_one_walk() if engine.keeps_rows else asked.in_two_walks()
    reasons = with_topics(reasons, question.champion.model, history, night, engine)
    inactive = why_not == Why.SCORED
    inactive[scores.customer] = False
    why_not[inactive] = Why.INACTIVE
    before = Before.of(question.previous, question.champion.facts.model_version)
    table = ScoreTable(
        history, question.champion, settings, night.as_of, question.started,
        worths.amount, before, _renews_at(question, people),
    )  # fmt: skip
    return Answer(question, people, scores, reasons, why_not, worths, table, before, context.agents)


def _walk(
    question: Question, people: Population, why_not: NDArray[np.int8], context: matrix.Context
) -> Walk:
    """Without a contract, only who was active lately is scored."""
    settings, nights = question.settings, [question.night]
    wanted = Wanted(
        usable=(why_not == Why.SCORED)[None],
        contracted=people.contracted(question.night.cutoff, question.company)[None],
        active_days=settings.training.active_days,
    )
    return Walk(question.history, nights, context, wanted)


def _renews_at(question: Question, people: Population) -> NDArray[np.int64]:
    """When each customer's yearly contract is planned to end, past the horizon; NEVER: none is."""
    model = question.champion.model
    if model.renewal is None:
        return np.full(len(people), NEVER)
    counted = question.settings.training.counted_end_kinds
    return labels.renewal(people, question.night, model.horizon_days * DAY, counted).ends_at


@dataclass(frozen=True)
class Predicted:
    """Rows of the matrix become scores; the rows are not kept."""

    model: ChurnModel
    threads: int = 1
    counting: Counting | None = None

    def __call__(self, rows: Rows) -> Scores:
        predicted = self.model.predict_all(rows.values, self.threads)
        return Scores.of(rows.customers, predicted, rows.values, self.counting)


@dataclass(frozen=True)
class Explained:
    """Rows of the matrix become reasons, by customer number."""

    model: ChurnModel
    dates: Dates
    threads: int = 1

    def __call__(self, rows: Rows) -> dict[int, list[Reason]]:
        from models.explain import reasons

        if len(rows.customers) == 0:
            return {}
        found = reasons(self.model, rows.values, threads=self.threads, dates=self.dates)
        return dict(zip(rows.customers.tolist(), found, strict=True))


def dates_of(night: matrix.Night, settings: Settings, context: matrix.Context) -> Dates:
    """How ages at a night are told as dates in the home's zone."""
    return Dates(night.as_of, settings.zone, context.gaps.unbroken(night))


@dataclass(frozen=True)
class _Asked:
    """Scores of all of one night, and reasons of those with most at stake."""

    question: Question
    engine: Engine
    value: NDArray[np.float64]
    walk: Walk
    advance: Advance

    def in_one_walk(self) -> tuple[Scores, dict[int, list[Reason]]]:
        """The matrix rows of those with most at stake stay."""
        shortlist, threads = Shortlist(self._most), self.question.settings.performance.threads
        predicted = Predicted(self.question.champion.model, threads, self._counting)

        def each(rows: Rows) -> Scores:
            scores = predicted(rows)
            shortlist.offer(self._stakes(scores), rows.values)
            return scores

        scores = self._scores(each)
        self.advance("finding reasons", 0.85)
        explained = Explained(self.question.champion.model, self._dates, threads)
        return scores, explained(Rows(0, *shortlist.best()))

    def in_two_walks(self) -> tuple[Scores, dict[int, list[Reason]]]:
        """Rows stay where they are made. Who has most at stake is known once all are scored, and
        then explained where their rows are made again (docs/decisions/0014-spark.md)."""
        model = self.question.champion.model
        scores = self._scores(Predicted(model, counting=self._counting))
        self.advance("finding reasons", 0.6)
        few = np.zeros_like(self.walk.wanted.usable)
        few[:, scores.customer[self._stakes(scores).highest(self._most)]] = True
        walk = replace(self.walk, wanted=replace(self.walk.wanted, usable=few))
        found: dict[int, list[Reason]] = {}
        for some, _ in self.engine.walk(walk, Explained(model, self._dates)):
            found |= some
        return scores, found

    def _stakes(self, scores: Scores) -> Stakes:
        lowest = self.question.settings.plan.min_band
        return Stakes.of(
            scores.customer,
            scores.probability,
            self.value[scores.customer],
            at_risk=self.question.champion.model.bands.least(lowest),
        )

    def _scores(self, each: Callable[[Rows], Scores]) -> Scores:
        self.advance("scoring", 0.0)
        pieces = []
        for scores, share in self.engine.walk(self.walk, each):
            pieces.append(scores)
            self.advance("scoring", (0.8 if self.engine.keeps_rows else 0.6) * share)
        return Scores.joined(pieces)

    @property
    def _counting(self) -> Counting | None:
        from models.drift import Counting

        training = self.question.champion.training
        return None if training is None else Counting.of(training, len(self.value))

    @property
    def _dates(self) -> Dates:
        return dates_of(self.question.night, self.question.settings, self.walk.context)

    @property
    def _most(self) -> int:
        """How many are explained."""
        scoring = self.question.settings.scoring
        everyone = len(self.value)
        return max(scoring.explain_at_least, round(scoring.explain_share * everyone))
