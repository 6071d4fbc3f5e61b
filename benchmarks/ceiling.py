"""What the simulator's log can show at all: the chance of leaving as the world's own laws see it.

Who knows every law and constant of the world, and has nothing but the rows, believes what
`benchmarks.particles` believes; no model can rank better. Of what a case did to the mood it is
told the true size, which the log shows only in part: generous for the vocal, and nothing for the
silent, who have no cases.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks import particles
from data_samples.feelings import State, contact_gain, leave_probability, usual_mood
from data_samples.people import PERSUADABLE, SLEEPING_DOG, People
from data_samples.routine import QUARTER
from data_samples.rows import CASE_TOPICS, CODE, Rows
from data_samples.terms import FAR
from data_samples.world import World
from models.contracts import DAY, SCORE_KIND_CODE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PARTICLES = 500
AT_ONCE = 100  # customers
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
    yield _sign(use, particles.USED, use["value"])
    yield _sign(of["order"], particles.ORDERED)
    yield _sign(of["referral"], particles.REFERRED)
    for kind in ("case_opened", "bot_handoff", "meeting_held", "survey_answered"):
        yield _sign(of[kind], particles.SPOKE)
    marks = log[log["mood"] != 0.0].groupby(["customer", "day"], as_index=False)["mood"].sum()
    yield _sign(marks, particles.MARKED, marks["mood"])
    failed = of["bot_session"][of["bot_session"]["value"] == 0.0]
    yield _sign(failed[~_among(failed, of["bot_handoff"])], particles.NOT_HANDED)
    yield from _cases(of)
    yield from _surveys(of)
    yield _sign(of["meeting_held"], particles.MET)
    yield _sign(of["meeting_missed"], particles.MISSED)
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
    yield _sign(fresh, particles.OPENED, contract, _among(fresh, of["outage"]))
    yield _sign(of["outage"][~_among(of["outage"], fresh)], particles.NOT_HASTENED)


def _surveys(of: dict[str, pd.DataFrame]) -> Iterator[pd.DataFrame]:
    nps = SCORE_KIND_CODE["nps"]
    sent, answered = (of[f"survey_{what}"] for what in ("sent", "answered"))
    sent, answered = sent[sent["score_kind"] == nps], answered[answered["score_kind"] == nps]
    yield _sign(answered, particles.ANSWERED, answered["score"])
    late = sent.assign(day=sent["day"] + ANSWER_DAYS)
    lost = np.ones(len(sent), bool)
    for after in range(ANSWER_DAYS):
        lost &= ~_among(sent.assign(day=sent["day"] + after), answered)
    yield _sign(late[lost], particles.NOT_ANSWERED)


def _not_invited(world: World, of: dict[str, pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Quarters in which a bigger account neither met nor missed: nobody invites the silent."""
    hidden, days = world.hidden, world.day
    big = np.flatnonzero(hidden.people.segment >= BIG)
    turn = (hidden.draws.uniform("quarter", -1, big) * QUARTER).astype(np.int64)
    each = turn[:, None] + QUARTER * np.arange(days // QUARTER + 1)
    there = (each < days) & (each > hidden.people.joined_day[big][:, None])
    rows = pd.DataFrame({"customer": np.repeat(big, there.sum(axis=1)), "day": each[there]})
    met = _among(rows, of["meeting_held"]) | _among(rows, of["meeting_missed"])
    yield _sign(rows[~met], particles.NOT_INVITED)


@dataclass(frozen=True)
class Believed:
    """Of each row asked for: what the log lets one expect."""

    leave: Floats
    effect: Floats  # of a contact today, on it
    kept: Floats  # chance that the customer leaves and that a contact would have kept it
    attachment: Floats  # [n, 2] the middle four fifths of what is believed
    log_chance: Floats


def believed(
    world: World,
    signs: Shown,
    customer: Ints,
    night: Ints,
    horizon: int,
    *,
    savable: float,
    count: int = PARTICLES,
    without: str = "",
) -> Believed:
    """What the log shows of `customer` [n] at the midnights before the days `night` [n].

    `savable`: the effect at which a contact counts as keeping. `without`: as in `laws_of`.
    """
    order = np.lexsort((night, customer))
    who, first = np.unique(customer[order], return_index=True)
    bounds = np.append(first, len(order))
    laws = particles.laws_of(world.settings, without)
    columns = []
    for begin in range(0, len(who), AT_ONCE):
        some = slice(bounds[begin], bounds[min(begin + AT_ONCE, len(who))])
        rows = order[some]
        clouds = _clouds(world, laws, signs, customer[rows], night[rows], count)
        columns.append(_expected(world, customer[rows], night[rows], clouds, horizon, savable))
    out = np.empty((len(order), 6))
    out[order] = np.concatenate(columns)
    return Believed(out[:, 0], out[:, 1], out[:, 2], out[:, 3:5], out[:, 5])


@dataclass(frozen=True)
class _Clouds:
    """Particles of some rows, for each row those that are silent and those that are not."""

    states: Floats  # [2, n, fields, particles]
    weights: Floats  # [2, n, particles], which add up to 1 for each row
    log_chance: Floats  # [n]


def _clouds(
    world: World, laws: particles.Laws, signs: Shown, customer: Ints, night: Ints, count: int
) -> _Clouds:
    people, settings = world.hidden.people, world.settings
    n = len(customer)
    states, logs = np.zeros((2, n, particles.FIELDS, count)), np.zeros((2, n, count))
    chance = np.empty((2, n))
    tables = particles.gap_tables()
    for one in np.unique(customer):
        rows = np.flatnonzero(customer == one)
        mine = slice(rows[0], rows[-1] + 1)
        for side, (silent, fade) in enumerate(
            ((False, settings.fade_vocal), (True, settings.fade_silent))
        ):
            chance[side, mine] = particles.follow(
                laws, silent, fade, int(people.joined_day[one]), bool(people.yearly[one]),
                *signs.of(one), night[mine], *tables, states[side, mine], logs[side, mine],
                int(one),
            )  # fmt: skip
    chance += np.log([[1.0 - settings.silent], [settings.silent]])
    log_chance = np.logaddexp(*chance)
    weights = np.exp(logs + (chance - log_chance)[:, :, None])
    return _Clouds(states, weights / weights.sum(axis=(0, 2))[:, None], log_chance)


def _expected(
    world: World, customer: Ints, night: Ints, clouds: _Clouds, horizon: int, savable: float
) -> Floats:
    """Means over the particles of each row, [n, 6]."""
    settings = world.settings
    people = world.hidden.people
    sides, n, _, count = clouds.states.shape
    field = np.moveaxis(clouds.states, 2, 0).reshape(particles.FIELDS, -1)
    silent = np.repeat([False, True], n * count)
    who = np.tile(np.repeat(customer, count), sides)
    cases = np.where(silent, 0.0, np.exp(field[particles.RATE + particles.CASES]))
    traits = SimpleNamespace(impatience=np.exp(field[particles.IMPATIENCE]), case_rate=cases)
    out = np.empty((n, 6))
    weights = clouds.weights
    joined = people.joined_day[who]

    def mean(values: Floats) -> Floats:
        total: Floats = (values.reshape(weights.shape) * weights).sum(axis=(0, 2))
        return total

    attachment = field[particles.ATTACHMENT]
    day = np.tile(np.repeat(night, count), sides)
    ends = np.where(people.yearly[who], day + 365 - (day - joined) % 365, FAR)
    usual = usual_mood(settings, cast(People, traits))
    leave, kept, woken = np.empty((3, len(who)))
    for date in np.unique(night):
        mine = np.flatnonzero(day == date)
        state = State(
            who[mine], int(date), field[particles.FIT, mine], field[particles.MOOD, mine],
            usual[mine], attachment[mine], np.zeros(len(mine)), np.ones(len(mine)), ends[mine],
        )  # fmt: skip
        leave[mine] = leave_probability(settings, people, state, horizon)
        for response, after in ((PERSUADABLE, kept), (SLEEPING_DOG, woken)):
            gain = contact_gain(settings, np.full(len(mine), response), attachment[mine])
            after[mine] = leave_probability(settings, people, state, horizon, gain) - leave[mine]
    dogs = _dogs(world, silent, field[particles.RATE + particles.USES])
    out[:, 0] = mean(leave)
    out[:, 1] = mean(settings.persuadable * kept + dogs * woken)
    out[:, 2] = mean(settings.persuadable * leave * (kept <= savable))
    for column, share in ((3, 0.1), (4, 0.9)):
        out[:, column] = _quantile(attachment.reshape(weights.shape), weights, share)
    out[:, 5] = clouds.log_chance
    return out


def _dogs(world: World, silent: Bools, log_rate: Floats) -> Floats:
    """Chance of a sleeping dog: three times as high among the silent who use little."""
    settings = world.settings
    usual = settings.sleeping_dogs / (1.0 + 2.0 * settings.silent / 2.0)
    dozing = silent & (log_rate < np.log(settings.uses_per_month / 30.0))
    return np.where(dozing, 3.0 * usual, usual)


def _quantile(values: Floats, weights: Floats, share: float) -> Floats:
    """Of each row of [2, n, particles]."""
    flat = np.moveaxis(values, 1, 0).reshape(values.shape[1], -1)
    heavy = np.moveaxis(weights, 1, 0).reshape(flat.shape)
    order = np.argsort(flat, axis=1)
    total = np.cumsum(np.take_along_axis(heavy, order, axis=1), axis=1)
    place = (total < share).sum(axis=1).clip(max=flat.shape[1] - 1)
    found: Floats = np.take_along_axis(
        flat, np.take_along_axis(order, place[:, None], axis=1), axis=1
    )
    return found[:, 0]
