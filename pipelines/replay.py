"""A past night again: everyone's risk as it was known then, and whether that is what was published.

A night that was published is worked out anew from the generation of the history that it read, the
model that it used and the settings that it had. A night that never was is worked out from what
would have been known at its usual hour.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.batch import ScoreBatch, latest, publish
from models.errors import WarmlineError
from models.section import Section
from models.settings import Settings
from models.version import VERSION
from pipelines import context, snapshots
from pipelines.features import matrix
from pipelines.history.erasing import NAMELESS
from pipelines.history.store import History
from pipelines.nightbook import NightBook
from pipelines.nightly import run_name
from pipelines.score import REMEMBERED, facts_of
from pipelines.scoring import Answer, Question, work_out

if TYPE_CHECKING:
    import pyarrow as pa

    from models.command import Advance
    from models.home import Home

MOST_SHOWN = 5  # differences that are told one by one


@dataclass(frozen=True)
class Replayed:
    """One night, worked out again."""

    batch: ScoreBatch  # as worked out now; in a folder that goes with the replay
    published: ScoreBatch | None  # as that night published it, if it did
    history: History
    settings: Settings  # those of the night
    differences: tuple[str, ...]  # between the two, in words; empty: all that was told is the same
    erased: int  # persons erased since: their rows are gone, of both
    apart: int  # of the others, rows that are not as they were published
    notes: tuple[str, ...]

    @property
    def cutoff(self) -> int:
        """What had been recorded by then was known, seconds since 1970."""
        return self.batch.cut_off

    def book(self, generation: int | None = None) -> NightBook:
        """Customers and what happened to them, by the night's cut-off; from the history that the
        scores read, or from a `generation` of it."""
        history = self.history
        if generation is not None:
            history = History.open(history.folder, history.precedence).at(generation)
        return NightBook(history, self.cutoff, settings=self.settings)

    def to_dict(self) -> dict[str, Any]:
        return {
            "as_of": str(self.batch.as_of),
            "run": self.batch.run,
            "rows": self.batch.manifest.rows,
            "was_published": self.published is not None,
            "scores_equal": None if self.published is None else not self.differences,
            "score_differences": list(self.differences),
            "erased_since": self.erased,
            "rows_apart": self.apart,
            "history_generation": self.history.generation,
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        if self.published is None:
            first = (
                f"No night of {self.batch.as_of} was published: this is what would have been known."
            )
        elif self.erased:
            first = f"{_persons(self.erased)} erased since, whose rows are gone: {self._of_others}"
        elif self.differences:
            first = f"The scores of {self.batch.as_of} come out otherwise than they were published:"
        else:
            first = (
                f"The scores of {self.batch.as_of} come out as they were published, {self._alike}."
            )
        return [first, *(f"  {one}" for one in self.differences), *self.notes]

    @property
    def _of_others(self) -> str:
        night = self.batch.as_of
        if self.apart:
            return (
                f"of the {self.batch.manifest.rows:,} others' rows of {night}, {self.apart:,} "
                f"{'differs' if self.apart == 1 else 'differ'} from what was published:"
            )
        ends = "; but there are:" if self.differences else "."
        return f"all others' scores of {night} come out as they were published, {self._alike}{ends}"

    @property
    def _alike(self) -> str:
        """How far the rows are those that were published, where nothing tells them apart."""
        if self.published and self.published.manifest.parts == self.batch.manifest.parts:
            how = "to the byte"
        elif self.erased:
            how = "but for percentiles, which are those among all of that night"
        else:
            how = "in every column that was filled then"
        return f"{how} ({self.batch.manifest.rows:,} customers)"


@contextmanager
def replaying(
    home: Home, settings: Settings, as_of: date, advance: Advance = lambda what, share: None
) -> Iterator[Replayed]:
    """Work the night of `as_of` out again, in a folder that is removed at the end.

    Raises `WarmlineError` where its model or its history is gone.
    """
    try:
        published: ScoreBatch | None = ScoreBatch.open(home.scores, as_of)
    except WarmlineError:
        published = None
    question = (
        _as_it_was(home, settings, published)
        if published
        else _as_it_would_be(home, settings, as_of)
    )
    with tempfile.TemporaryDirectory(prefix="warmline-replay-") as place:
        answer = work_out(question, advance)
        advance("writing", 0.95)
        run = published.run if published else run_name(question.started)
        facts = published.manifest.facts if published else facts_of(question, ())
        answer.write(Path(place), run, facts)
        batch = publish(Path(place), as_of, run)
        words = question.history.words("agent")
        erased = _erased(home, published)
        yield Replayed(
            batch,
            published,
            question.history,
            question.settings,
            (
                *_differences(published, batch, erased),
                *_context_differences(home, published, answer, words),
            )
            if published
            else (),
            erased,
            _apart(published, batch, erased) if published and erased else 0,
            tuple(_notes(published, erased)),
        )


def _as_it_was(home: Home, settings: Settings, published: ScoreBatch) -> Question:
    from models import registry

    facts = published.manifest.facts
    champion = registry.registered(home, facts["model_version"])
    then = settings_of(settings, facts.get("settings", {}))
    if champion.fingerprint != matrix.fingerprint(then.features):
        raise WarmlineError(
            f"the model {facts['model_version']} of {published.as_of} was trained on other features"
            f" than this version computes (it scored with {facts['code_version']}). Replay it with "
            "that version; the list as it was published is in "
            f"{home.worklists / f'as_of={published.as_of}'}."
        )
    night = matrix.Night(snapshots.midnight(published.as_of, then.zone), published.cut_off)
    return Question(
        History.open(home.history, tuple(facts.get("precedence", ()))).at(
            facts["history_generation"]
        ),
        champion,
        then,
        published.as_of,
        night,
        datetime.fromisoformat(facts["scored_at"]),
        latest(home.scores, before=published.as_of),
    )


def _as_it_would_be(home: Home, settings: Settings, as_of: date) -> Question:
    from models import bundle as bundles

    champion = bundles.champion(home, expect=matrix.fingerprint(settings.features))
    night = snapshots.night(as_of, settings.zone, settings.training.usual_hour)
    started = datetime.fromtimestamp(night.cutoff, UTC)
    previous = latest(home.scores, before=as_of)
    history = History.open(home.history, settings.ingest.precedence)
    return Question(history, champion, settings, as_of, night, started, previous)


def settings_of(settings: Settings, then: dict[str, Any]) -> Settings:
    """The settings with what the night remembered of its own; what this version has no setting for
    any more is left out."""
    update = {}
    for name in REMEMBERED & then.keys():
        section = type(getattr(settings, name))
        if issubclass(section, Section):
            known = {
                key: then[name][key] for key in section.model_fields.keys() & then[name].keys()
            }
            update[name] = section.model_validate(known)
        else:
            update[name] = then[name]
    return settings.model_copy(update=update)


def _differences(published: ScoreBatch, again: ScoreBatch, erased: int) -> Iterator[str]:
    """What is not the same, most telling first; nothing where the files are equal, but for what
    is gone with those erased."""
    if published.manifest.parts == again.manifest.parts or _same(published, again, erased):
        if not _same_not_scored(published, again, erased):
            yield "other customers, or other reasons, among those not scored"
        if published.manifest.renewals != again.manifest.renewals:
            yield "other chances that yearly contracts are not renewed"
        return
    columns = ["customer_id", "churn_probability", "value_at_risk", "band"]
    old, new = (_by_id(batch.table(columns)) for batch in (published, again))
    for name, ids in (("only then", old.keys() - new), ("only now", new.keys() - old)):
        if ids:
            yield f"{len(ids):,} customers are scored {name}: {_some(ids)}"
    apart = {
        one: abs(old[one][0] - new[one][0]) for one in old.keys() & new if old[one] != new[one]
    }
    if apart:
        most = max(apart, key=lambda one: apart[one])
        yield (
            f"{len(apart):,} customers have another score, {most} the most: {old[most][0]:.4f} "
            f"then, {new[most][0]:.4f} now"
        )
    if old == new:
        yield "other reasons, or another order, with the same scores"


def _same(published: ScoreBatch, again: ScoreBatch, erased: int) -> bool:
    """Whether the rows are equal in all that `published` told: a run of before a column was added
    has other bytes, and no value in it. Percentiles among fewer are other ones."""
    before = published.table()
    told = _told(before, erased)
    return bool(before.select(told).equals(again.table(told)))


def _told(rows: pa.Table, erased: int) -> list[str]:
    """The columns that can be compared."""
    return [
        name
        for name in rows.column_names
        if rows[name].null_count < rows.num_rows and not (erased and name == "percentile")
    ]


def _apart(published: ScoreBatch, again: ScoreBatch, erased: int) -> int:
    """How many customers have another row, or a row in one of the two only."""
    import pyarrow as pa
    import pyarrow.compute as pc

    old, new = published.table(), again.table()
    ids = [set(rows["customer_id"].to_pylist()) for rows in (old, new)]
    both = pa.array(ids[0] & ids[1], pa.string())
    old_both, new_both = (
        rows.filter(pc.is_in(rows["customer_id"].cast(pa.string()), both)).sort_by("customer_id")
        for rows in (old, new)
    )
    other = {
        row
        for name in _told(old, erased)
        if not old_both[name].equals(new_both[name])
        for row, (then, now) in enumerate(
            zip(old_both[name].to_pylist(), new_both[name].to_pylist(), strict=True)
        )
        if then != now
    }
    return len(other) + len(ids[0] ^ ids[1])


def _same_not_scored(published: ScoreBatch, again: ScoreBatch, erased: int) -> bool:
    """Whether the same customers are not scored for the same reasons; the words that stand in the
    history for those erased are nobody's."""
    if not erased:
        return published.manifest.not_scored == again.manifest.not_scored
    before, now = (
        {row["customer_id"]: row["why"] for row in batch.not_scored().to_pylist()}
        for batch in (published, again)
    )
    return before == {
        one: why
        for one, why in now.items()
        if one in before or not one.startswith(NAMELESS.format(number=""))
    }


def _context_differences(
    home: Home, published: ScoreBatch, answer: Answer, words: Sequence[str]
) -> Iterator[str]:
    if context.differs(home.context, published.as_of, answer.question.night, answer.agents, words):
        yield "other figures of those who serve (context/)"


def _by_id(table: pa.Table) -> dict[str, tuple[float, ...]]:
    ids, *others = (column.to_pylist() for column in table.columns)
    return dict(zip(ids, zip(*others, strict=True), strict=True))


def _some(ids: set[str]) -> str:
    shown = sorted(ids)[:MOST_SHOWN]
    return ", ".join(shown) + (", ..." if len(ids) > len(shown) else "")


def _erased(home: Home, published: ScoreBatch | None) -> int:
    """Persons erased since the night, or ever where it was not published."""
    now = History.open(home.history)
    then = now.at(published.manifest.facts["history_generation"]) if published else None
    return now.manifest.erased - (then.manifest.erased if then else 0)


def _persons(erased: int) -> str:
    return f"{erased:,} {'person was' if erased == 1 else 'persons were'}"


def _notes(published: ScoreBatch | None, erased: int) -> Iterator[str]:
    if published is None:
        if erased:
            yield f"{_persons(erased)} erased: the past is no longer complete."
        return
    code = published.manifest.facts["code_version"]
    if code != VERSION:
        yield f"It was scored by version {code}; this is {VERSION}."
