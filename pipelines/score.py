"""The nightly scoring: everyone's risk, the reasons of whom the plan can reach, one batch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.batch import BatchWriter, latest, publish, sweep
from models.contracts import BANDS, Reason
from models.errors import RefusedToPublish
from models.version import code_version
from pipelines import checks, snapshots
from pipelines.features import matrix
from pipelines.history.store import History
from pipelines.population import Population, Why
from pipelines.scoretable import Scores, ScoreTable
from pipelines.shortlist import Shortlist, stake
from pipelines.values import monthly_values

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.command import Advance
    from models.home import Home
    from models.settings import Checks, Settings


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

    def to_dict(self) -> dict[str, Any]:
        facts = {**vars(self), "as_of": str(self.as_of)}
        return facts | {"checks": [check.to_dict() for check in self.checks]}

    def lines(self) -> list[str]:
        spread = ", ".join(f"{self.bands[band]:,} {band}" for band in reversed(BANDS))
        lines = [f"Scored {self.rows:,} customers as of {self.as_of}: {spread} risk."]
        return lines + [f"Not scored: {many:,}, {why}." for why, many in self.not_scored.items()]


@dataclass
class _Pass:
    """One walk over the history for one night."""

    history: History
    champion: Bundle
    settings: Settings
    people: Population
    night: matrix.Night
    value: NDArray[np.float64]
    why_not: NDArray[np.int8]  # Why, of each customer; the walk adds the inactive
    shortlist: Shortlist

    def walk(self, advance: Advance) -> Scores:
        """Probabilities of all; the matrix rows of those with most at stake stay."""
        pieces = []
        advance("scoring", 0.0)
        blocks = matrix.stream(
            self.history,
            [self.night],
            matrix.context(self.history, self.settings),
            customers=self.why_not == Why.SCORED,
            threads=self.settings.performance.threads,
        )
        for block in blocks:
            customer, rows = self._active(block.customers, block.values[0])
            scores = Scores.of(
                customer, self.champion.model.predict(rows, self.settings.performance.threads), rows
            )
            self.shortlist.offer(customer, stake(scores.probability, self.value[customer]), rows)
            pieces.append(scores)
            advance("scoring", 0.8 * (block.bucket + 1) / self.history.buckets)
        return Scores.joined(pieces)

    def _active(
        self, customer: NDArray[np.int32], rows: NDArray[np.float64]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Without a contract, only who was active lately is scored."""
        days = self.settings.training.active_days
        active = self.people.active(customer, rows[:, matrix.column("days_since_active")], days)
        self.why_not[customer[~active]] = Why.INACTIVE
        return (customer, rows) if active.all() else (customer[active], rows[active])


def score(
    home: Home,
    settings: Settings,
    *,
    as_of: date,
    run: str,
    started: datetime,
    advance: Advance = lambda what, share: None,
) -> Scored:
    """Score everyone at `as_of` with the champion, check the batch, publish it whole.

    `run` names the batch and `started` (UTC) stamps it: the same input, run and start give the
    same bytes. What killed runs left is removed, so the caller holds the lock. Raises
    `RefusedToPublish` where a check fails: the batch is kept for a look, and what was published
    before stays.
    """
    from models import bundle as bundles

    history = History.open(home.history)
    champion = bundles.champion(home, expect=matrix.fingerprint())
    night = snapshots.night(as_of, settings.zone, settings.training.usual_hour, started)
    people = Population.of(history.customers(), history.terms())
    value = monthly_values(history, night, settings.currency)
    at_least, share = settings.scoring.explain_at_least, settings.scoring.explain_share
    shortlist = Shortlist(max(at_least, round(share * len(people))))
    why_not = people.excluded(night)
    walk = _Pass(history, champion, settings, people, night, value, why_not, shortlist)
    scores = walk.walk(advance)
    advance("finding reasons", 0.85)
    reasons = _reasons(champion, shortlist, settings.performance.threads)
    previous, before = _before(home, as_of)
    found = _checks(scores, settings.checks, before)
    words = {why: why.words(settings.training.active_days) for why in Why}
    table = ScoreTable(history, champion, settings, night.as_of, started, value, before)
    advance("writing", 0.95)
    with BatchWriter(home.scores, as_of, run) as writer:
        for part in table.parts(scores, reasons):
            writer.add(part)
        out = why_not != Why.SCORED
        writer.not_scored(table.ids[out].tolist(), [words[code] for code in why_not[out]])
        writer.finish(_facts(history, champion, night, started, found))
    failed = [check for check in found if not check.ok]
    if failed:
        raise RefusedToPublish(_refusal(failed, as_of, run, previous))
    publish(home.scores, as_of, run)
    sweep(home.scores)
    return Scored(
        as_of, run, len(scores), table.bands(scores), _counts(why_not, words), len(reasons), found
    )


def _reasons(champion: Bundle, shortlist: Shortlist, threads: int) -> dict[int, list[Reason]]:
    """Reasons of each customer on the shortlist, by customer number."""
    from models.explain import reasons

    customer, rows = shortlist.best()
    if len(customer) == 0:
        return {}
    found = reasons(champion.model, rows, threads=threads)
    return dict(zip(customer.tolist(), found, strict=True))


def _before(home: Home, as_of: date) -> tuple[date | None, dict[str, float]]:
    """The last published night before `as_of`, and its probabilities by customer id."""
    batch = latest(home.scores, before=as_of)
    if batch is None:
        return None, {}
    table = batch.table(["customer_id", "churn_probability"])
    ids, probabilities = (column.to_pylist() for column in table.columns)
    return batch.as_of, dict(zip(ids, probabilities, strict=True))


def _checks(scores: Scores, limits: Checks, before: dict[str, float]) -> tuple[checks.Check, ...]:
    return (
        checks.freshness(scores.newest_days, limits),
        checks.sound(scores.probability),
        checks.volume(len(scores), len(before), limits),
        checks.score_shift(scores.probability, np.array(list(before.values())), limits),
    )


def _facts(
    history: History,
    champion: Bundle,
    night: matrix.Night,
    started: datetime,
    found: tuple[checks.Check, ...],
) -> dict[str, Any]:
    """What the manifest tells besides rows and checksums."""
    return {
        "feature_names": [feature.name for feature in champion.model.features],
        "model_version": champion.facts.model_version,
        "code_version": code_version(),
        "history_generation": history.generation,
        "watermarks": _watermarks(history),
        "cut_off": datetime.fromtimestamp(night.cutoff, UTC),
        "scored_at": started,
        "checks": [check.to_dict() for check in found],
    }


def _watermarks(history: History) -> dict[str, str | None]:
    """The newest instant taken in from each source."""
    return {
        source: datetime.fromtimestamp(mark.occurred_at, UTC).isoformat()
        for source, mark in history.sources.items()
    }


def _refusal(failed: list[checks.Check], as_of: date, run: str, previous: date | None) -> str:
    stays = f"The list of {previous} stays" if previous else "Nothing was published"
    return "\n".join(
        [
            f"the batch of {as_of} was not published, because a check failed:",
            *(f"  {check.name}: {check.words}" for check in failed),
            f"{stays}; the batch is kept as run {run}, for a look. Bring the feeds up to date and "
            "run it again, or change the limit under [checks] if this is how it should be.",
        ]
    )


def _counts(why_not: NDArray[np.int8], words: dict[Why, str]) -> dict[str, int]:
    """How many are not scored, by reason, most first."""
    found = Counter(why_not[why_not != Why.SCORED].tolist())
    return {words[Why(code)]: many for code, many in found.most_common()}
