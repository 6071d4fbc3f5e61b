"""The pre-pass over those who serve: equal to a plain count, and with nothing that came later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.contracts import DAY, END_KINDS, KINDS, SERVING_KINDS, STAYING_KINDS
from models.errors import WarmlineError
from models.settings import Training
from pipelines.features import agents_pass as compiled
from pipelines.features.agents import LEAST_CUSTOMERS, Agents, Survey
from pipelines.features.matrix import Night
from pipelines.features.stream import AGENT_FIGURES
from pipelines.history.agents import AgentRows
from pipelines.history.events import NEVER
from pipelines.history.terms import Terms
from pipelines.population import Population
from tests.unit.pipelines.features.histories import AGES, AS_OF, BOTS, HOUR, LAGS, events, row

CUSTOMERS, PEOPLE = 8, 4
NIGHT = Night(AS_OF, AS_OF + 6 * HOUR)
NIGHTS = [NIGHT, Night(AS_OF - 30 * DAY, AS_OF - 30 * DAY + 6 * HOUR), Night(AS_OF, AS_OF)]
JOINED = np.full(CUSTOMERS, AS_OF - 800 * DAY)
COUNTED = Training().counted_end_kinds
examples = settings(max_examples=60, deadline=None)


@st.composite
def acts(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Mostly what agents did, for many customers; some rows corrected or deleted later."""
    found = []
    for _ in range(draw(st.integers(0, 60))):
        one = draw(row(CUSTOMERS))
        if draw(st.integers(0, 3)):
            one["kind"] = KINDS.index(draw(st.sampled_from(SERVING_KINDS)))
            one["agent"] = draw(st.integers(0, PEOPLE - 1))
        if draw(st.integers(0, 5)) == 0:
            one["until"] = one["recorded"] + draw(st.sampled_from([1, HOUR, 40 * DAY]))
        found.append(one)
    return found


@st.composite
def staff(draw: st.DrawFn) -> AgentRows:
    """Some agents, two of whom never acted, in one or two versions."""
    rows = []
    for agent in range(PEOPLE + 2):
        started = draw(st.sampled_from([NEVER, AS_OF - 700 * DAY, AS_OF - 100 * DAY, AS_OF + DAY]))
        left = draw(st.one_of(st.just(NEVER), AGES.map(lambda age: AS_OF - age)))
        recorded = AS_OF - draw(AGES)
        seen, until = recorded + draw(LAGS), NEVER
        team, bot = draw(st.integers(-1, 1)), draw(st.integers(0, 5)) == 0
        if draw(st.booleans()):
            until = seen + 1 + draw(LAGS)
            rows.append((agent, team, bot, started, NEVER, recorded, seen, until))
            recorded, seen, until = until, until, NEVER
        rows.append((agent, draw(st.integers(-1, 1)), bot, started, left, recorded, seen, until))
    kinds = (np.int32, np.int32, np.bool_, *[np.int64] * 5)
    return AgentRows(*(np.array(c, k) for c, k in zip(zip(*rows, strict=True), kinds, strict=True)))


@st.composite
def contracts(draw: st.DrawFn) -> Population:
    """Customers with terms of which some are known late, some under notice, some over."""
    terms: list[dict[str, int]] = []
    for number in range(draw(st.integers(0, 12))):
        started = AS_OF - draw(AGES)
        ended = draw(st.one_of(st.just(NEVER), AGES.map(lambda a: max(AS_OF - a, started))))  # noqa: B023
        terms.append(
            {
                "customer": draw(st.integers(0, CUSTOMERS - 2)),
                "term": number,
                "started": started,
                "notice": draw(st.one_of(st.just(NEVER), AGES.map(lambda a: AS_OF - a))),
                "ended": ended,
                "end_kind": draw(st.integers(-1, len(END_KINDS) - 1)) if ended < NEVER else -1,
                "recorded": started + draw(LAGS),
                "seen": started + 40 * DAY + draw(LAGS),
            }
        )
    left = np.array([AS_OF - draw(AGES) if draw(st.booleans()) else NEVER for _ in JOINED])
    dtypes = {"customer": np.int32, "end_kind": np.int8}
    given_terms = Terms.of(
        **{
            name: np.array([term[name] for term in terms], dtypes.get(name, np.int64))
            for name in (terms[0] if terms else ())
        }
    ) if terms else None  # fmt: skip
    return Population(JOINED, left, left, *[np.zeros(CUSTOMERS, bool)] * 2, given_terms)


def surveyed(
    rows: list[dict[str, Any]],
    told: AgentRows | None,
    people: Population,
    nights: list[Night],
    training: Training = Training(),  # noqa: B008 - frozen
) -> Agents:
    survey = survey_of(people, nights, training)
    return survey.told(survey.count([([events(rows)], people.terms)]), told)


def survey_of(
    people: Population,
    nights: list[Night],
    training: Training = Training(),  # noqa: B008 - frozen
) -> Survey:
    def known(cutoff: int) -> bool:
        return people.terms is not None and len(people.terms.owners(cutoff)) > 0

    return Survey.of(people, known, training, nights, BOTS, PEOPLE)


def standing_at(people: Population, night: Night, counted: Sequence[str]) -> np.ndarray:
    """How each customer stands by contract, as the walk finds it."""
    training = Training(label="contractual", counted_end_kinds=tuple(counted))
    survey = survey_of(people, [night], training)
    standing = survey.standing.copy()
    survey.stand(people.terms, standing)
    return standing[0]


def plain(
    rows: list[dict[str, Any]], told: AgentRows | None, standing: list[int], night: Night
) -> np.ndarray:
    """The figures of one night as their definitions read."""
    seen = [r for r in rows if r["at"] < night.as_of and r["recorded"] <= night.cutoff < r["until"]]
    year = [
        r for r in seen if r["at"] >= night.as_of - 365 * DAY and KINDS[r["kind"]] in SERVING_KINDS
        and r["agent"] >= 0 and not (r["agent"] < len(BOTS) and BOTS[r["agent"]])
    ]  # fmt: skip
    staff = [] if told is None else known(told, night)
    month = [r for r in year if r["at"] >= night.as_of - 30 * DAY]
    caseload = [len({r["customer"] for r in month if r["agent"] == one}) for one in range(PEOPLE)]
    any_end = any(one["left"] < NEVER for one in staff)
    found = []
    for agent in range(PEOPLE):
        mine = [r for r in year if r["agent"] == agent]
        told_of = {r["customer"] for r in mine if standing[r["customer"]] != compiled.UNTOLD}
        lost = [one for one in told_of if standing[one] == compiled.GONE]
        row = next((one for one in staff if one["agent"] == agent), None)
        team = [one for one in staff if row and row["team"] >= 0 and one["team"] == row["team"]]
        codes = {one["agent"] for one in team}
        busy = [caseload[code] for code in codes if code < PEOPLE and caseload[code]]
        begun = row is not None and row["started"] < night.as_of
        figures = {
            "caseload": caseload[agent],
            "workload": against_usual(mine, night),
            "against_team": caseload[agent] / median(busy) if busy else np.nan,
            "tenure": (min(row["left"], night.as_of) - row["started"]) / DAY if begun else np.nan,
            "gone": row["left"] < night.as_of if row and any_end else np.nan,
            "lost": len(lost) / len(told_of) if len(told_of) >= LEAST_CUSTOMERS else np.nan,
            "turnover": turnover(team, night) if team and any_end else np.nan,
            "team_workload": against_usual([r for r in year if r["agent"] in codes], night)
            if team else np.nan,
        }  # fmt: skip
        found.append([figures[name] for name in AGENT_FIGURES])
    return np.array(found, float)


def known(told: AgentRows, night: Night) -> list[dict[str, Any]]:
    names = list(told.__dataclass_fields__)
    rows = [
        dict(zip(names, row, strict=True))
        for row in zip(*(getattr(told, name).tolist() for name in names), strict=True)
    ]
    rows = [r for r in rows if r["recorded"] <= night.cutoff < r["until"] and not r["bot"]]
    for one in rows:
        if one["seen"] > night.cutoff and one["left"] > night.cutoff:
            one["left"] = NEVER
    return rows


def against_usual(acts: list[dict[str, Any]], night: Night) -> float:
    month = [r for r in acts if r["at"] >= night.as_of - 30 * DAY]
    first = min((r["at"] for r in acts), default=night.as_of)
    days, earlier = (night.as_of - first) / DAY - 30, len(acts) - len(month)
    return (len(month) / 30) / (earlier / days) if days >= 30 and earlier else np.nan


def turnover(team: list[dict[str, Any]], night: Night) -> float:
    begin = night.as_of - 180 * DAY

    def heads(moment: int) -> int:
        return sum(
            (one["started"] < moment or one["started"] == NEVER) and one["left"] >= moment
            for one in team
        )

    left = sum(begin <= one["left"] < night.as_of for one in team)
    return left / max((heads(begin) + heads(night.as_of)) / 2, 1)


@examples
@given(acts(), st.one_of(st.none(), staff()), contracts())
def test_the_pre_pass_equals_a_plain_count(rows, told, people):
    training = Training(label="contractual")
    found = surveyed(rows, told, people, NIGHTS, training)
    for night in NIGHTS:
        standing = standing_at(people, night, COUNTED).tolist()
        np.testing.assert_allclose(
            found.at([night])[0], plain(rows, told, standing, night), rtol=1e-12
        )


@examples
@given(acts())
def test_without_contracts_who_is_inactive_has_left(rows):
    training = Training(label="non_contractual", active_days=60)
    people = Population(JOINED, JOINED * 0 + NEVER, JOINED, *[np.zeros(CUSTOMERS, bool)] * 2, None)
    found = surveyed(rows, None, people, NIGHTS, training)
    for night in NIGHTS:
        active = {
            r["customer"] for r in rows
            if KINDS[r["kind"]] in STAYING_KINDS and not r["provoked"]
            and night.as_of - 60 * DAY <= r["at"] < night.as_of
            and r["recorded"] <= night.cutoff < r["until"]
        }  # fmt: skip
        standing = [
            compiled.STAYING if one in active else compiled.GONE for one in range(CUSTOMERS)
        ]
        np.testing.assert_allclose(
            found.at([night])[0], plain(rows, None, standing, night), rtol=1e-12
        )


@examples
@given(acts(), staff(), contracts())
def test_a_past_night_is_the_same_from_what_it_knew(rows, told, people):
    night = Night(AS_OF - 30 * DAY, AS_OF - 30 * DAY + 6 * HOUR)
    heard = [
        r | {"until": r["until"] if r["until"] <= night.cutoff else NEVER}
        for r in rows
        if r["recorded"] <= night.cutoff
    ]
    then = told.take(told.recorded <= night.cutoff)
    then = replace(
        then,
        until=np.where(then.until <= night.cutoff, then.until, NEVER),
        left=np.where((then.seen <= night.cutoff) | (then.left <= night.cutoff), then.left, NEVER),
    )
    terms = people.terms
    if terms is not None:
        terms = terms.told(night.cutoff)
        terms = replace(terms, until=np.where(terms.until <= night.cutoff, terms.until, NEVER))
    before = replace(
        people,
        terms=terms,
        left=np.where(people.left_recorded <= night.cutoff, people.left, NEVER),
    )
    training = Training(label="contractual")
    today = surveyed(rows, told, people, NIGHTS, training).at([night])
    np.testing.assert_array_equal(
        today, surveyed(heard, then, before, [night], training).at([night])
    )


@examples
@given(contracts())
def test_who_stays_and_who_has_left_is_as_scoring_and_labels_have_it(people):
    standing = standing_at(people, NIGHT, END_KINDS)
    leaving = people.leaving(NIGHT.as_of, NIGHT.cutoff)
    told = people.has_terms(NIGHT.cutoff)
    if not told.any():
        told = np.ones(CUSTOMERS, bool)
    stays = leaving.runs & (leaving.at >= NIGHT.as_of)
    # Whoever is scored has not left.
    assert (standing[told & stays] == compiled.STAYING).all()
    assert (standing[~told] == compiled.UNTOLD).all()
    under_notice = told & leaving.runs & ~stays
    ahead = np.zeros(CUSTOMERS, bool)
    if people.terms is not None:
        view = people.terms.known(NIGHT.cutoff)
        ahead[view.customer[np.minimum(view.notice, view.ended) >= NIGHT.as_of]] = True
    # A term that lies ahead, after a gap, is a return.
    assert (standing[under_notice & ~ahead] == compiled.GONE).all()
    assert (standing[told & ~leaving.runs & ~ahead] == compiled.GONE).all()


@examples
@given(acts(), contracts(), st.integers(2, 4))
def test_pieces_of_a_bucket_are_one(rows, people, many):
    survey = survey_of(people, NIGHTS)
    pieces = [events(rows[place::many]) for place in range(many)]
    whole = survey.count([([events(rows)], people.terms)])
    np.testing.assert_array_equal(survey.count([(pieces, people.terms)]), whole)
    none = survey.count([([events([])], None)])
    np.testing.assert_array_equal(none, compiled.empty_tally(len(NIGHTS), PEOPLE))


def test_a_death_or_a_move_is_neither_leaving_nor_staying():
    kinds = ["cancelled", "deceased", "moved"]
    ended = np.full(3, AS_OF - 10 * DAY)
    terms = Terms.of(
        customer=np.arange(3, dtype=np.int32), started=ended - 90 * DAY, ended=ended,
        end_kind=np.array([END_KINDS.index(kind) for kind in kinds], np.int8),
    )  # fmt: skip
    people = Population(
        JOINED[:3], np.full(3, NEVER), np.full(3, NEVER), *[np.zeros(3, bool)] * 2, terms
    )
    standing = standing_at(people, NIGHT, COUNTED)
    assert standing.tolist() == [compiled.GONE, compiled.UNTOLD, compiled.UNTOLD]


def test_figures_of_other_nights_are_refused():
    agents = Agents((NIGHT,), np.zeros((1, 2, len(AGENT_FIGURES))))
    assert agents.at([NIGHT, NIGHT]).shape == (2, 2, len(AGENT_FIGURES))
    with pytest.raises(WarmlineError, match="other nights"):
        agents.at([Night(AS_OF, AS_OF)])
    assert Agents().at([NIGHT]).shape == (1, 0, len(AGENT_FIGURES))
