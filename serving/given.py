"""`POST /score_history`: the risk of customers whose rows the caller sends; nothing is stored."""

from __future__ import annotations

import os
import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock, Thread
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import BaseModel, Field

from models import bundle
from models.answers import rendered
from models.errors import WarmlineError
from models.problems import Problem, Wrong, pointer
from models.settings import load
from pipelines.features import matrix
from pipelines.given_scores import Scorer
from pipelines.history import manifest
from pipelines.history.reading import AHEAD
from pipelines.history.schema import CUSTOMERS, INTERACTIONS, TERMS
from pipelines.history.sent import ID, Cell, Sent, spelled
from pipelines.history.store import History
from pipelines.snapshots import local_date
from serving.published import nobody
from serving.schemas import Body, Day, ScoreAnswer

if TYPE_CHECKING:
    from models.home import Home
    from pipelines.given_scores import GivenScores, Told

MOST_CUSTOMERS, MOST_INTERACTIONS = 1_000, 100_000
MOST_TOLD = 20  # of what is wrong
APART = ("source", "updated_at", "deleted_at")  # what tells rows of one customer or term apart
EVERY = 0.5  # seconds; so often a new champion or a newer history is looked for
REQUIRED = {
    table.name: {column.name for column in table.columns if column.required}
    for table in (CUSTOMERS, INTERACTIONS, TERMS)
}
# A row of a contract's table, by column; numbers and times may be texts, as in a CSV file.
Row = dict[str, Annotated[Cell, Field(union_mode="left_to_right")]]


class HistoryAnswer(BaseModel):
    """One answer for each customer, in the order given; `percentile` is null."""

    as_of: date
    scores: list[ScoreAnswer]


class HistoryRequest(Body):
    """Rows of the contract's tables. `as_of`: today by default, tomorrow at the latest."""

    customers: Annotated[list[Row], Field(min_length=1, max_length=MOST_CUSTOMERS)]
    interactions: Annotated[list[Row], Field(max_length=MOST_INTERACTIONS)]
    terms: Annotated[list[Row], Field(max_length=MOST_INTERACTIONS)] | None = None
    as_of: Day | None = None

    @property
    def many(self) -> int:
        """Rows of all tables."""
        return sum(map(len, self.rows.values()))

    def tables(self) -> dict[str, Sent]:
        """The tables that have rows, by column. A required one that no row has is empty, so that
        each row is told to lack it."""
        tables = {name: Sent.of(rows) for name, rows in self.rows.items()}
        for name, sent in tables.items():
            if not REQUIRED[name] <= sent.columns.keys():
                tables[name] = sent.with_columns(sorted(REQUIRED[name]))
        return tables

    @property
    def ids(self) -> list[str]:
        """The customers, each once, in the order of their first rows."""
        return list(dict.fromkeys(map(id_of, self.customers)))

    @property
    def kind(self) -> Hashable:
        """What calls that are answered together have in common: the night and the tables."""
        return self.as_of, *self.rows

    @property
    def rows(self) -> dict[str, list[Row]]:
        """The tables that have rows."""
        tables = {
            "customers": self.customers,
            "interactions": self.interactions,
            "terms": self.terms,
        }
        return {name: rows for name, rows in tables.items() if rows}


class Answered(NamedTuple):
    """The answer for each of a call's `customers` in their order, and the date they are of."""

    answers: list[bytes]
    as_of: date


@dataclass(frozen=True)
class Stand:
    """Which champion and which history a scorer was made of."""

    champion: str
    manifest: str | None  # of the history that counts

    @classmethod
    def of(cls, home: Home) -> Stand:
        """As they are now. Raises `WarmlineError` where there is no champion."""
        if not bundle.has_champion(home):
            raise WarmlineError("There is no model yet: run `warmline train` first.")
        name = (home.champion / bundle.CURRENT).read_text(encoding="utf-8").strip()
        return cls(name, manifest.current(home.history))


class HistoryScorer:
    """Scores given histories by the champion and with what the home knows besides.

    A new champion or a newer history is taken over meanwhile: until it is ready, the one before
    answers.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._lock = Lock()
        self._held: tuple[Stand, Scorer] | None = None
        self._making: Thread | None = None
        self._looked = float("-inf")

    def warm_up(self, now: datetime) -> None:
        """Ready for the first call, compiled and loaded; nothing where there is no champion."""
        if bundle.has_champion(self._home):
            self._scorer().warm_up(now)

    def answers(self, asked: HistoryRequest, now: datetime) -> Answered:
        """Raises `Problem` 422 for rows that cannot be used, `WarmlineError` without a champion."""
        scorer = self._scorer()
        as_of = _as_of(asked, scorer, now)
        _require_once(asked)
        try:
            found = scorer.score(asked.tables(), as_of=as_of, now=now)
        except WarmlineError as error:
            raise Problem(422, str(error)) from error
        _require_whole(found)
        (told,) = found.apart()
        return _answered(asked, told, as_of)

    def answers_at_once(
        self, several: Sequence[HistoryRequest], now: datetime
    ) -> list[Answered] | None:
        """As `answers` of each of `several`, which are about one night and bring the same tables.

        None for what takes longer, and for calls that cannot be answered together.
        """
        if self._held is None:
            return None
        scorer = self._scorer()
        as_of = _as_of(several[0], scorer, now)
        calls = [asked.tables() for asked in several]
        found = scorer.score_at_once(*calls, as_of=as_of, now=now)
        if found is None:
            return None
        each = zip(several, found.apart(), strict=True)
        return [_answered(asked, told, as_of) for asked, told in each]

    def _scorer(self) -> Scorer:
        held, moment = self._held, time.monotonic()
        if held is not None and moment < self._looked + EVERY:
            return held[1]
        stand = Stand.of(self._home)
        if held is None:
            with self._lock:
                if self._held is None:
                    self._held = stand, self._make()
                return self._held[1]
        self._looked = moment
        if held[0] != stand and (self._making is None or not self._making.is_alive()):
            self._making = Thread(target=self._take_over, args=(stand,), daemon=True)
            self._making.start()
        return held[1]

    def _take_over(self, stand: Stand) -> None:
        self._held = stand, self._make()

    def _make(self) -> Scorer:
        home, settings = self._home, load(self._home.root, os.environ)
        champion = bundle.champion(home, expect=matrix.fingerprint(settings.features))
        history = None
        if manifest.current(home.history) is not None:
            history = History.open(home.history, settings.ingest.precedence)
        return Scorer.of(champion, settings, history, home)


def _as_of(asked: HistoryRequest, scorer: Scorer, now: datetime) -> date:
    """Raises `Problem` for a date that has not come yet wherever the caller is."""
    zone, seen = scorer.settings.zone, int(now.timestamp())
    if asked.as_of is None:
        return local_date(seen, zone)
    if asked.as_of > local_date(seen + AHEAD, zone):
        wrong = Wrong("/as_of", "This lies ahead: leave it out for today, or name a past date.")
        raise Problem(422, "What is known at a date is known once it has come.", (wrong,))
    return asked.as_of


def _answered(asked: HistoryRequest, told: Told, as_of: date) -> Answered:
    by_id = rendered(told.rows, told.not_scored, as_of)
    # Who is deleted by their own row is nobody.
    return Answered([by_id.get(one) or nobody(one) for one in asked.ids], as_of)


def id_of(row: Row) -> str:
    """As it is read: `pipelines.history.casts` leaves out spaces around a text."""
    return _text(row[ID])


def _require_once(asked: HistoryRequest) -> None:
    """Raises `Problem` for a customer or term of which two rows are neither versions nor of two
    sources: nothing says which of them holds. Plain rows are told once."""
    wrong = []
    for table in (CUSTOMERS, TERMS):
        first: dict[tuple[str, ...], int] = {}
        for place, row in enumerate(asked.rows.get(table.name, ())):
            told = [_text(row.get(name)) for name in (*table.key, *APART)]
            before = first.setdefault(tuple(told), place)
            if before != place and all(told[: len(table.key)]):  # a row without its key is refused
                same = pointer([table.name, before])
                wrong.append(
                    Wrong(pointer([table.name, place]),
                          f"is told at {same} already: leave one out, or give `updated_at`")
                )  # fmt: skip
    if wrong:
        detail = "Some rows are told twice, so nobody was scored."
        raise Problem(422, detail, tuple(wrong[:MOST_TOLD]))


def _text(cell: Cell) -> str:
    return "" if cell is None else spelled(cell).strip(" ")


def _require_whole(found: GivenScores) -> None:
    """Raises `Problem` for rows that could not be used: half of a history scores another one."""
    if found.rejects:
        wrong = tuple(
            Wrong(pointer([one.file, one.line - 1, *([one.column] if one.column else [])]),
                  one.reason)
            for one in found.rejects[:MOST_TOLD]
        )  # fmt: skip
        raise Problem(422, "Some rows cannot be used, so nobody was scored.", wrong)
    if found.pending:
        wrong = (Wrong("/interactions", f"{found.pending} are of customers that are not given."),)
        raise Problem(422, "Each interaction needs its customer in `customers`.", wrong)


def told_as(answers: Sequence[bytes], as_of: date) -> bytes:
    """The answer's body."""
    return b'{"as_of":"%s","scores":[%s]}' % (str(as_of).encode(), b",".join(answers))
