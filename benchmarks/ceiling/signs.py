"""What a world's log shows of each customer, as signs that can be weighed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.ceiling import laws
from benchmarks.ceiling.laws import Bools, Floats, Ints
from data_samples.routine import QUARTER
from data_samples.rows import CASE_TOPICS, CODE, Rows
from data_samples.world import World
from models.contracts import DAY, SCORE_KIND_CODE

BIG = 2  # the first segment that is invited to meetings
ANSWER_DAYS = 3  # after which a survey is not answered any more
KEPT = ("customer", "at", "kind", "topic", "value", "score", "score_kind", "mood")


class Watched(World):
    """A world that keeps its rows with what each did to the mood."""

    seen: list[Rows]

    def _happened(self, rows: Rows) -> Rows:
        here = rows[rows["at"] < self._terms.ended[rows["customer"]]]
        self.seen.append(here[list(KEPT)])
        return super()._happened(rows)

    def log(self, days: int) -> pd.DataFrame:
        """Lives through `days`; their rows, those that only moved moods included."""
        self.seen = []
        for _ in range(days):
            self.advance_table(1)
        table = pd.DataFrame({name: np.concatenate([r[name] for r in self.seen]) for name in KEPT})
        table["day"] = (table.pop("at") - self._midnight) // DAY
        return table


@dataclass(frozen=True)
class Shown:
    """What the log shows of each customer, by customer, day and kind of sign."""

    starts: Ints  # [customers + 1]
    days: Ints
    codes: Ints
    values: Floats
    flags: Ints

    def of(self, customer: int) -> tuple[Ints, Ints, Floats, Ints]:
        """The signs of one."""
        mine = slice(self.starts[customer], self.starts[customer + 1])
        return self.days[mine], self.codes[mine], self.values[mine], self.flags[mine]


def shown(world: World, log: pd.DataFrame) -> Shown:
    """The signs in the rows of a world."""
    signs = pd.concat(list(_signs(world, log)), ignore_index=True)
    signs = signs.sort_values(["customer", "day", "code"], kind="stable")
    everyone = np.arange(len(world.hidden.people) + 1)
    return Shown(
        np.searchsorted(signs["customer"], everyone).astype(np.int64),
        signs["day"].to_numpy(np.int64),
        signs["code"].to_numpy(np.int64),
        signs["value"].to_numpy(np.float64),
        signs["flag"].to_numpy(np.int64),
    )


def _sign(rows: pd.DataFrame, code: int, value: Any = 0.0, flag: Any = 0) -> pd.DataFrame:
    return rows[["customer", "day"]].assign(code=code, value=value, flag=flag)


def _signs(world: World, log: pd.DataFrame) -> Iterator[pd.DataFrame]:
    of = {kind: log[log["kind"] == code] for kind, code in CODE.items()}
    use = of["usage"]
    yield _sign(use, laws.USED, use["value"])
    yield _sign(of["order"], laws.ORDERED)
    yield _sign(of["referral"], laws.REFERRED)
    for kind in ("case_opened", "bot_handoff", "meeting_held", "survey_answered"):
        yield _sign(of[kind], laws.SPOKE)
    moved = log.loc[log["mood"] != 0.0, ["customer", "day", "mood"]]
    marks: pd.DataFrame = moved.groupby(["customer", "day"]).sum().reset_index()
    yield _sign(marks, laws.MARKED, marks["mood"])
    failed = of["bot_session"][of["bot_session"]["value"] == 0.0]
    yield _sign(failed[~_among(failed, of["bot_handoff"])], laws.NOT_HANDED)
    yield from _cases(of)
    yield from _surveys(of)
    yield _sign(of["meeting_held"], laws.MET)
    yield _sign(of["meeting_missed"], laws.MISSED)
    yield from _not_invited(world, of)


def _among(rows: pd.DataFrame, others: pd.DataFrame) -> Bools:
    """Which rows have one of the others on the same customer's day."""
    return pd.MultiIndex.from_frame(rows[["customer", "day"]]).isin(
        pd.MultiIndex.from_frame(others[["customer", "day"]])
    )


def _cases(of: dict[str, pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """New troubles: no repeats, and none that a bot handed on; and outages that brought none."""
    opened = of["case_opened"]
    fresh = opened[(opened["mood"] == 0.0) & ~_among(opened, of["bot_handoff"])]
    contract = fresh["topic"] == CASE_TOPICS.index("contract")
    yield _sign(fresh, laws.OPENED, contract, _among(fresh, of["outage"]))
    yield _sign(of["outage"][~_among(of["outage"], fresh)], laws.NOT_HASTENED)


def _surveys(of: dict[str, pd.DataFrame]) -> Iterator[pd.DataFrame]:
    nps = SCORE_KIND_CODE["nps"]
    sent, answered = (of[f"survey_{what}"] for what in ("sent", "answered"))
    sent, answered = sent[sent["score_kind"] == nps], answered[answered["score_kind"] == nps]
    yield _sign(answered, laws.ANSWERED, answered["score"])
    late = sent.assign(day=sent["day"] + ANSWER_DAYS)
    lost = np.ones(len(sent), bool)
    for after in range(ANSWER_DAYS):
        lost &= ~_among(sent.assign(day=sent["day"] + after), answered)
    yield _sign(late[lost], laws.NOT_ANSWERED)


def _not_invited(world: World, of: dict[str, pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Quarters in which a bigger account neither met nor missed: nobody invites the silent."""
    hidden, days = world.hidden, world.day
    big = np.flatnonzero(hidden.people.segment >= BIG)
    turn = (hidden.draws.uniform("quarter", -1, big) * QUARTER).astype(np.int64)
    each = turn[:, None] + QUARTER * np.arange(days // QUARTER + 1)
    there = (each < days) & (each > hidden.people.joined_day[big][:, None])
    rows = pd.DataFrame({"customer": np.repeat(big, there.sum(axis=1)), "day": each[there]})
    met = _among(rows, of["meeting_held"]) | _among(rows, of["meeting_missed"])
    yield _sign(rows[~met], laws.NOT_INVITED)
