"""What is believed of customers at some nights, and what it lets one expect."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from typing import cast

import numpy as np

from benchmarks.ceiling import laws
from benchmarks.ceiling.clocks import gap_tables
from benchmarks.ceiling.course import follow
from benchmarks.ceiling.laws import Bools, Floats, Ints, Laws, laws_of
from benchmarks.ceiling.signs import Shown
from data_samples.feelings import State, contact_gain, leave_probability, usual_mood
from data_samples.people import PERSUADABLE, SLEEPING_DOG, People
from data_samples.terms import FAR
from data_samples.world import World

PARTICLES = 1_000  # twice as many rank no better (docs/quality.md)
AT_ONCE = 50  # customers
THREADS = 2


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
    threads: int = THREADS,
) -> Believed:
    """What the log shows of `customer` [n] at the midnights before the days `night` [n].

    `savable`: the effect at which a contact counts as keeping. `without`: as in `laws_of`.
    """
    order = np.lexsort((night, customer))
    who, first = np.unique(customer[order], return_index=True)
    bounds = np.append(first, len(order))
    known = laws_of(world.settings, without)

    def of_some(begin: int) -> Floats:
        rows = order[bounds[begin] : bounds[min(begin + AT_ONCE, len(who))]]
        clouds = _clouds(world, known, signs, customer[rows], night[rows], count)
        return _expected(world, customer[rows], night[rows], clouds, horizon, savable)

    out = np.empty((len(order), 6))
    with ThreadPoolExecutor(threads) as pool:
        out[order] = np.concatenate(list(pool.map(of_some, range(0, len(who), AT_ONCE))))
    return Believed(out[:, 0], out[:, 1], out[:, 2], out[:, 3:5], out[:, 5])


@dataclass(frozen=True)
class _Clouds:
    """Particles of some rows, for each row those that are silent and those that are not."""

    states: Floats  # [2, n, fields, particles]
    weights: Floats  # [2, n, particles], which add up to 1 for each row
    log_chance: Floats  # [n]


def _clouds(
    world: World, known: Laws, signs: Shown, customer: Ints, night: Ints, count: int
) -> _Clouds:
    people, settings = world.hidden.people, world.settings
    n = len(customer)
    states, logs = np.zeros((2, n, laws.FIELDS, count)), np.zeros((2, n, count))
    chance = np.empty((2, n))
    tables = gap_tables()
    for one in np.unique(customer):
        rows = np.flatnonzero(customer == one)
        mine = slice(rows[0], rows[-1] + 1)
        for side, (silent, fade) in enumerate(
            ((False, settings.fade_vocal), (True, settings.fade_silent))
        ):
            chance[side, mine] = follow(
                known, silent, fade, int(people.joined_day[one]), bool(people.yearly[one]),
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
    field = np.moveaxis(clouds.states, 2, 0).reshape(laws.FIELDS, -1)
    silent = np.repeat([False, True], n * count)
    who = np.tile(np.repeat(customer, count), sides)
    cases = np.where(silent, 0.0, field[laws.RATE + laws.CASES])
    traits = SimpleNamespace(impatience=np.exp(field[laws.IMPATIENCE]), case_rate=cases)
    out = np.empty((n, 6))
    weights = clouds.weights
    joined = people.joined_day[who]

    def mean(values: Floats) -> Floats:
        total: Floats = (values.reshape(weights.shape) * weights).sum(axis=(0, 2))
        return total

    attachment = field[laws.ATTACHMENT]
    day = np.tile(np.repeat(night, count), sides)
    ends = np.where(people.yearly[who], day + 365 - (day - joined) % 365, FAR)
    usual = usual_mood(settings, cast(People, traits))
    leave, kept, woken = np.empty((3, len(who)))
    for date in np.unique(night):
        mine = np.flatnonzero(day == date)
        state = State(
            who[mine], int(date), field[laws.FIT, mine], field[laws.MOOD, mine],
            usual[mine], attachment[mine], np.zeros(len(mine)), np.ones(len(mine)), ends[mine],
        )  # fmt: skip
        leave[mine] = leave_probability(settings, people, state, horizon)
        for response, after in ((PERSUADABLE, kept), (SLEEPING_DOG, woken)):
            gain = contact_gain(settings, np.full(len(mine), response), attachment[mine])
            after[mine] = leave_probability(settings, people, state, horizon, gain) - leave[mine]
    dogs = _dogs(world, silent, field[laws.RATE + laws.USES])
    out[:, 0] = mean(leave)
    out[:, 1] = mean(settings.persuadable * kept + dogs * woken)
    out[:, 2] = mean(settings.persuadable * leave * (kept <= savable))
    for column, share in ((3, 0.1), (4, 0.9)):
        out[:, column] = _quantile(attachment.reshape(weights.shape), weights, share)
    out[:, 5] = clouds.log_chance
    return out


def _dogs(world: World, silent: Bools, rate: Floats) -> Floats:
    """Chance of a sleeping dog: three times as high among the silent who use little."""
    settings = world.settings
    usual = settings.sleeping_dogs / (1.0 + 2.0 * settings.silent / 2.0)
    dozing = silent & (rate < settings.uses_per_month / 30.0)
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
