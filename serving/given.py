"""`POST /score_history`: the risk of customers whose rows the caller sends; nothing is stored."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock, Thread
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, RootModel

from models import bundle
from models.answers import rendered
from models.errors import WarmlineError
from models.settings import load
from pipelines.features import matrix
from pipelines.given_scores import Scorer
from pipelines.history import manifest
from pipelines.history.store import History
from pipelines.snapshots import local_date
from serving.problems import Problem, Wrong, pointer
from serving.published import nobody
from serving.schemas import Body, Day, ScoreAnswer

if TYPE_CHECKING:
    import pyarrow as pa

    from models.home import Home
    from pipelines.given_scores import GivenScores

MOST_CUSTOMERS, MOST_INTERACTIONS = 1_000, 100_000
ID = "customer_id"  # always a text: 7 and "7" are one customer
Cell = str | float | int | bool | None


class Row(RootModel[dict[str, Cell]]):
    """A row of a contract's table, by column; numbers and times may be texts, as in a CSV file."""

    model_config = ConfigDict(frozen=True, strict=True)


class HistoryAnswer(BaseModel):
    """One answer for each customer, in the order given; `percentile` is null."""

    as_of: date
    scores: list[ScoreAnswer]


class HistoryRequest(Body):
    """Rows of the contract's tables. `as_of`: today by default."""

    customers: Annotated[list[Row], Field(min_length=1, max_length=MOST_CUSTOMERS)]
    interactions: Annotated[list[Row], Field(max_length=MOST_INTERACTIONS)]
    terms: Annotated[list[Row], Field(max_length=MOST_INTERACTIONS)] | None = None
    as_of: Day | None = None


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

    def warm_up(self, now: datetime) -> None:
        """Ready for the first call, compiled and loaded; nothing where there is no champion."""
        if bundle.has_champion(self._home):
            self._scorer().warm_up(now)

    def answers(self, asked: HistoryRequest, now: datetime) -> tuple[list[bytes], date]:
        """The answer for each of `customers` in their order, and the date they are of.

        Raises `Problem` 422 for rows that cannot be used, `WarmlineError` without a champion.
        """
        scorer = self._scorer()
        as_of = asked.as_of or local_date(int(now.timestamp()), scorer.settings.zone)
        tables = {"customers": asked.customers, "interactions": asked.interactions}
        if asked.terms is not None:
            tables["terms"] = asked.terms
        given = {name: _table(rows) for name, rows in tables.items() if rows}
        try:
            found = scorer.score(given, as_of=as_of, now=now)
        except WarmlineError as error:
            raise Problem(422, str(error)) from error
        _require_whole(found)
        told = rendered(found.scores, found.not_scored, as_of)
        ids = [_id(row) for row in asked.customers]
        # Who is deleted by their own row is nobody.
        return [told.get(one) or nobody(one) for one in ids], as_of

    def _scorer(self) -> Scorer:
        stand, held = Stand.of(self._home), self._held
        if held is None:
            with self._lock:
                if self._held is None:
                    self._held = stand, self._make()
                return self._held[1]
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


def _table(given: Sequence[Row]) -> pa.Table:
    """Rows as columns; one of mixed kinds as texts, which are read as in a CSV file."""
    import pyarrow as pa

    rows = [row.root for row in given]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return pa.table({name: _column(name, [row.get(name) for row in rows]) for name in columns})


def _column(name: str, values: list[Cell]) -> pa.Array:
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    with suppress(OverflowError):  # a number that no type holds is told as a text
        if name == ID:
            pass
        elif kinds == {int}:
            return pa.array(values, pa.int64())
        elif kinds <= {int, float}:
            numbers = [None if value is None else float(value) for value in values]
            return pa.array(numbers, pa.float64())
        elif kinds <= {bool}:
            return pa.array(values, pa.bool_())
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _text(value: Cell) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _id(row: Row) -> str:
    """As it is read: `pipelines.history.casts` leaves out spaces around a text."""
    return _text(row.root[ID]).strip(" ")


def _require_whole(found: GivenScores) -> None:
    """Raises `Problem` for rows that could not be used: half of a history scores another one."""
    if found.rejects:
        wrong = tuple(
            Wrong(pointer([one.file, one.line - 1, *([one.column] if one.column else [])]),
                  one.reason)
            for one in found.rejects[:20]
        )  # fmt: skip
        raise Problem(422, "Some rows cannot be used, so nobody was scored.", wrong)
    if found.pending:
        wrong = (Wrong("/interactions", f"{found.pending} are of customers that are not given."),)
        raise Problem(422, "Each interaction needs its customer in `customers`.", wrong)


def told_as(answers: Sequence[bytes], as_of: date) -> bytes:
    """The answer's body."""
    return b'{"as_of":"%s","scores":[%s]}' % (str(as_of).encode(), b",".join(answers))
