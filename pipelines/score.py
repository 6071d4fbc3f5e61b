"""The nightly scoring: everyone's risk, the reasons of whom the plan can reach, one batch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.batch import ScoreBatch, latest, publish, sweep
from models.contracts import BANDS
from models.errors import RefusedToPublish
from models.version import VERSION
from pipelines import checks, context, nightchecks, snapshots
from pipelines.acceptance import can_last, let_through
from pipelines.features import matrix
from pipelines.population import Why
from pipelines.scoring import Answer, Question, work_out
from pipelines.walks import Local

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.command import Advance
    from models.home import Home
    from models.settings import Settings
    from pipelines.history.store import History
    from pipelines.walks import Engine


# What a replay needs of the settings; never sources or stores, whose addresses may hold secrets.
REMEMBERED = {"timezone", "currency", "training", "features", "scoring", "promises", "plan"}


@dataclass(frozen=True)
class Scored:
    """What a scoring run did."""

    as_of: date
    run: str
    rows: int
    bands: dict[str, int]
    not_scored: dict[str, int]
    explained: int
    checks: tuple[checks.Check, ...]
    notes: tuple[str, ...] = ()  # what is not known of the scored, in words

    def to_dict(self) -> dict[str, Any]:
        facts = {**vars(self), "as_of": str(self.as_of), "notes": list(self.notes)}
        return facts | {"checks": [check.to_dict() for check in self.checks]}

    def lines(self) -> list[str]:
        spread = ", ".join(f"{self.bands[band]:,} {band}" for band in reversed(BANDS))
        lines = [f"Scored {self.rows:,} customers as of {self.as_of}: {spread} risk."]
        lines += [f"Not scored: {many:,}, {why}." for why, many in self.not_scored.items()]
        return lines + list(self.notes)


def score(
    home: Home,
    settings: Settings,
    *,
    as_of: date,
    run: str,
    started: datetime,
    further: Sequence[checks.Check] = (),
    advance: Advance = lambda what, share: None,
    engine: Engine | None = None,
) -> Scored:
    """Score everyone at `as_of` with the champion, check the batch, publish it whole.

    `run` names the batch and `started` (UTC) stamps it: the same input, run and start give the
    same bytes. What killed runs left is removed, so the caller holds the lock. Raises
    `RefusedToPublish` where a check fails, one of `further` included, that nobody has accepted for
    nights to come: the batch is kept for a look, and what was published before stays.
    `engine`: where the history is walked over, this machine by default.
    """
    from models import bundle as bundles

    engine = engine or Local(settings.performance.threads)
    history = engine.history(home.history, settings.ingest.precedence)
    champion = bundles.champion(home, expect=matrix.fingerprint(settings.features))
    night = snapshots.night(as_of, settings.zone, settings.training.usual_hour, started)
    previous = latest(home.scores, before=as_of)
    question = Question(history, champion, settings, as_of, night, started, previous)
    answer = work_out(question, advance, engine)
    found = (*_checks(answer), *further)
    advance("writing", 0.95)
    context.write(home.context, as_of, run, night, answer.agents, history.words("agent"))
    answer.write(home.scores, run, facts_of(question, found))
    failed = [check for check in found if not check.ok]
    spite = let_through(home, ScoreBatch.open(home.scores, as_of, run), started) if failed else None
    if failed and not spite:
        raise RefusedToPublish(_refusal(failed, as_of, run, previous.as_of if previous else None))
    context.publish(home.context, as_of, run)
    publish(home.scores, as_of, run)
    sweep(home.scores)
    return Scored(
        as_of,
        run,
        len(answer.scores),
        answer.table.bands(answer.scores),
        _counts(answer.why_not, answer.why_words()),
        len(answer.reasons),
        found,
        (
            *answer.worth.notes(answer.scores.customer),
            *engine.notes(),
            *([spite.note] if spite else []),
            *(f"Alarm {check.name}: {check.words}" for check in found if check.alarm),
        ),
    )


def _checks(answer: Answer) -> tuple[checks.Check, ...]:
    question, scores, before = answer.question, answer.scores, answer.before.probability
    limits, previous = question.settings.checks, question.previous
    days = (question.as_of - previous.as_of).days if previous else 0
    ids = answer.table.ids
    horizon = question.champion.model.horizon_days
    return (
        checks.freshness(scores.newest_days, limits),
        checks.sound(scores.probability),
        checks.volume(len(scores), len(before), limits),
        checks.score_shift(scores.probability, np.array(list(before.values())), limits),
        *nightchecks.of_training(question.champion, scores, previous, limits),
        nightchecks.of_customers(before, ids[scores.customer], ids, days, limits),
        *nightchecks.of_history(
            question.history, answer.people, question.night, horizon, question.settings
        ),
    )


def facts_of(question: Question, found: tuple[checks.Check, ...]) -> dict[str, Any]:
    """What the manifest tells besides rows and checksums."""
    history, champion = question.history, question.champion
    return {
        "feature_names": [feature.name for feature in champion.model.features],
        "model_version": champion.facts.model_version,
        "trained_to": champion.facts.trained_to,
        "code_version": VERSION,
        "history_generation": history.generation,
        "precedence": list(history.precedence),
        "watermarks": _watermarks(history),
        "cut_off": datetime.fromtimestamp(question.night.cutoff, UTC),
        "scored_at": question.started,
        "settings": question.settings.model_dump(mode="json", include=REMEMBERED),
        "checks": [check.to_dict() for check in found],
    }


def _watermarks(history: History) -> dict[str, str | None]:
    """The newest instant taken in from each source."""
    return {
        source: datetime.fromtimestamp(mark.occurred_at, UTC).isoformat()
        for source, mark in history.sources.items()
    }


def _refusal(failed: list[checks.Check], as_of: date, run: str, previous: date | None) -> str:
    age = (as_of - previous).days if previous else 0
    stays = (
        f"The list of {previous} stays, {age} day{'s' * (age != 1)} older than this would be"
        if previous
        else "Nothing was published"
    )
    return "\n".join(
        [
            f"the batch of {as_of} was not published, because a check failed:",
            *(f"  {check.name}: {check.words}." for check in failed),
            f"{stays}; the batch is kept as run {run}, for a look. Bring the feeds up to date and "
            "run it again, or change the limit under [checks] if this is how it should be. If this "
            "batch is right in spite of it: "
            f"`warmline publish {as_of} --accept CHECK --reason TEXT`"
            + (
                "; with --until DATE for the nights until its base has caught up too."
                if any(can_last(check.name) for check in failed)
                else "."
            ),
        ]
    )


def _counts(why_not: NDArray[np.int8], words: dict[Why, str]) -> dict[str, int]:
    """How many are not scored, by reason, most first."""
    found = Counter(why_not[why_not != Why.SCORED].tolist())
    return {words[Why(code)]: many for code, many in found.most_common()}
