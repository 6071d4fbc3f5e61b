"""The people who serve: figures by agent at each night, from a pre-pass over few columns.

What one customer's rows cannot tell. Acts are replies and solutions (`SERVING_KINDS`) of an agent
who is no bot; a night counts those that had happened, were known by its cut-off and stood then. So
a past night's figures are the same from today's history and from what was known by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, END_KINDS, KIND_CODE, KINDS, SERVING_KINDS, STAYING_KINDS
from models.errors import WarmlineError
from pipelines.features import agents_pass as compiled
from pipelines.features.stream import AGENT_FIGURES
from pipelines.history.events import DTYPES, NEVER, Events
from pipelines.history.terms import end_kind_codes

if TYPE_CHECKING:
    from models.settings import Settings, Training
    from pipelines.features.matrix import Night
    from pipelines.history.agents import AgentRows
    from pipelines.history.people import People
    from pipelines.history.store import History
    from pipelines.history.terms import Terms
    from pipelines.population import Population

LEAST_CUSTOMERS = 5  # a share of fewer says more of single customers than of the agent (assumed)
USUAL_DAYS = 30  # the usual is known from so many days before the last 30 (as with any trend)
TURNOVER_DAYS = 180

# AGENT_FIGURES in words, for docs/features.md.
EXPLAINED = {
    "caseload": "different customers served in the last 30 days",
    "workload": "acts a day in the last 30 days over those of the year before, of which 30 days or "
    "more must be known",
    "against_team": "the caseload over the median of those of the team who had one",
    "tenure": "days since `started_at`, until `left_at`",
    "gone": "1 if `left_at` lies before the night, else 0; not known where no end was ever told",
    "lost": "the share of the customers served in the last year that had left by the night (as the "
    f"churn label has it); not known below {LEAST_CUSTOMERS} customers",
    "turnover": f"who left the team in the last {TURNOVER_DAYS} days over its mean headcount",
    "team_workload": "the workload of all agents of the team together",
}

_CONTRACTS = compiled.Contracts._fields
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Agents:
    """`figures` [nights, agents, AGENT_FIGURES] by agent code, NaN where not known.

    Without nights nothing is known of anybody, at whichever night.
    """

    nights: tuple[Night, ...] = ()
    figures: Floats = field(default_factory=lambda: np.empty((0, 0, len(AGENT_FIGURES))))

    def at(self, nights: Sequence[Night]) -> Floats:
        """The figures of these nights, [nights, agents, AGENT_FIGURES].

        Raises `WarmlineError` for a night that these are not of.
        """
        if not self.nights:
            return np.empty((len(nights), 0, len(AGENT_FIGURES)))
        place = {night: number for number, night in enumerate(self.nights)}
        if not place.keys() >= set(nights):
            raise WarmlineError(
                "The figures of agents are of other nights than those asked for: make the context "
                "for the nights that are computed (`matrix.context`)."
            )
        return self.figures[[place[night] for night in nights]]


NO_AGENTS = Agents()


def agents_of(history: History, settings: Settings, nights: Sequence[Night]) -> Agents:
    """The figures of every agent at each of `nights`, by one walk over the history."""
    survey = survey_of(history, settings, nights)
    if survey is None:
        return NO_AGENTS
    threads = settings.performance.threads

    def share(first: int) -> Ints:
        buckets = range(first, history.buckets, threads)
        return survey.count(survey.read(history, bucket) for bucket in buckets)

    with ThreadPoolExecutor(threads) as pool:
        counted = list(pool.map(share, range(threads)))
    return survey.told(together(counted), history.agents())


def survey_of(history: History, settings: Settings, nights: Sequence[Night]) -> Survey | None:
    """What has to be counted for figures of agents; None where nobody asks, or nobody serves."""
    many = len(history.words("agent"))
    if not nights or not many:
        return None

    def known(cutoff: int) -> bool:
        told = (history.terms_of(bucket) for bucket in range(history.buckets))
        return any(terms is not None and len(terms.owners(cutoff)) for terms in told)

    return Survey.of(history.people(), known, settings.training, nights, history.bots(), many)


def together(counted: Sequence[Ints]) -> Ints:
    """What was counted of several groups of whole customers, as of all."""
    total: Ints = np.sum(counted, axis=0)
    total[:, :, compiled.FIRST] = np.min(counted, axis=0)[:, :, compiled.FIRST]
    return total


@dataclass(frozen=True)
class Survey:
    """What a walk over the history for some nights has to count, and what it is given.

    Who has left is what the labels call leaving (CONTRACTS.md, churn label), by what a night knew:
    notice or end of the last term, else `left_at`; an end of a kind that is not counted (a death, a
    move) is neither leaving nor staying, and who has no contract tells nothing where others have
    one. Without any contract a customer has left who is not scored for want of activity.
    """

    nights: tuple[Night, ...]  # each once, in the order of time
    joined: Ints  # [customers]
    standing: NDArray[np.int8]  # [nights, customers] as far as it is known before the walk
    by_terms: tuple[bool, ...]  # at each night: whether contracts tell who has left
    counted: NDArray[np.bool_]  # by END_KINDS, the last for none: which ends count
    active_days: int  # 0: activity tells nothing of who has left
    bots: NDArray[np.bool_]  # by agent code
    agents: int

    @classmethod
    def of(
        cls,
        people: People | Population,
        known: Callable[[int], bool],
        training: Training,
        nights: Sequence[Night],
        bots: NDArray[np.bool_],
        agents: int,
    ) -> Survey:
        """`known` says whether any term was known at a cut-off; NEVER: today."""
        ordered = tuple(sorted(set(nights), key=lambda night: (night.as_of, night.cutoff)))
        ends = known(NEVER) or bool((people.left < NEVER).any())
        by_activity = training.label == "non_contractual" or (training.label == "auto" and not ends)
        by_terms = tuple(not by_activity and known(night.cutoff) for night in ordered)
        standing = np.full((len(ordered), len(people)), compiled.UNTOLD, np.int8)
        for row, night, told in zip(standing, ordered, by_terms, strict=True):
            if not told:
                row[people.joined < night.as_of] = compiled.STAYING
            if not told and not by_activity:
                gone = (people.left_recorded <= night.cutoff) & (people.left < night.as_of)
                row[gone & (row == compiled.STAYING)] = compiled.GONE
        counts = np.zeros(len(END_KINDS) + 1, np.bool_)
        counts[end_kind_codes(training.counted_end_kinds)] = True
        active = training.active_days if by_activity else 0
        joined = np.require(people.joined, np.int64, ["C", "W"])  # one type, compiled once
        return cls(ordered, joined, standing, by_terms, counts, active, bots, agents)

    def read(self, history: History, bucket: int) -> tuple[Sequence[Events], Terms | None]:
        """What has to be looked at of a bucket: with contracts only what agents did."""
        if self.active_days:
            return history.pieces(bucket, ("agent", "provoked")), None
        return history.acts(bucket), history.terms_of(bucket) if any(self.by_terms) else None

    def count(self, buckets: Iterable[tuple[Sequence[Events], Terms | None]]) -> Ints:
        """What the compiled pass counts in the pieces of each bucket, [nights, agents, TALLIES]."""
        meaning = np.full(len(KINDS), compiled.NOTHING, np.int8)
        meaning[[KIND_CODE[kind] for kind in STAYING_KINDS if self.active_days]] = compiled.STAYS
        meaning[[KIND_CODE[kind] for kind in SERVING_KINDS]] = compiled.SERVES
        mine = compiled.Nights(
            as_of=np.array([night.as_of for night in self.nights], np.int64),
            cutoff=np.array([night.cutoff for night in self.nights], np.int64),
            standing=self.standing.copy(),
            tally=compiled.empty_tally(len(self.nights), self.agents),
            last=np.full((len(self.nights), self.agents, 2), -1, np.int32),
            active=self.active_days * DAY,
        )
        for pieces, terms in buckets:
            self.stand(terms, mine.standing)
            some = [self._selected(piece, meaning) for piece in pieces]
            compiled.tally(_rows(some), mine)
        return mine.tally

    def stand(self, terms: Terms | None, standing: NDArray[np.int8]) -> None:
        """Write into `standing` [nights, customers] what some customers' terms tell."""
        if terms is None:
            return
        told = compiled.Contracts(
            *(np.require(getattr(terms, name), requirements=["C", "W"]) for name in _CONTRACTS)
        )
        for row, night, by_terms in zip(standing, self.nights, self.by_terms, strict=True):
            if by_terms:
                compiled.by_contract(
                    told, self.joined, night.as_of, night.cutoff, self.counted, row
                )

    def _selected(self, events: Events, meaning: NDArray[np.int8]) -> compiled.Rows:
        """The rows that the compiled pass looks at."""
        kind, agent, provoked = (_fixed(events, name) for name in ("kind", "agent", "provoked"))
        place = np.empty(len(events), np.int32)
        many = compiled.select(kind, agent, provoked, self.bots, self.agents, meaning, place)
        rows = place[:many]
        at = events.at[rows]
        acts = meaning[events.kind[rows]] == compiled.SERVES
        return compiled.Rows(
            events.customer[rows],
            at,
            at if events.recorded is events.at else events.recorded[rows],
            events.until[rows],
            np.where(acts, events.agent[rows], np.int32(-1)),
        )

    def told(self, tallies: Ints, agents: AgentRows | None) -> Agents:
        """The figures from what was counted, and what is told of the agents."""
        found = [
            figures(tally, night, agents.known(night.cutoff) if agents is not None else None)
            for tally, night in zip(tallies, self.nights, strict=True)
        ]
        return Agents(self.nights, np.stack(found))


def _rows(pieces: list[compiled.Rows]) -> compiled.Rows:
    """Pieces as one, customer by customer; one piece is in that order."""
    if len(pieces) == 1:
        return pieces[0]
    empty = [np.empty(0, DTYPES[name]) for name in compiled.Rows._fields]
    joined = [np.concatenate(columns) for columns in zip(empty, *pieces, strict=True)]
    order = np.argsort(joined[0], kind="stable")
    return compiled.Rows(*(column[order] for column in joined))


def _fixed(events: Events, name: str) -> NDArray[Any]:
    """A column as the compiled code takes all: contiguous, of its type, not to be written."""
    view = np.require(getattr(events, name), DTYPES[name], "C").view()
    view.flags.writeable = False
    return view


def figures(tally: Ints, night: Night, told: AgentRows | None) -> Floats:
    """[agents, AGENT_FIGURES] of one night, from what was counted and what was `told` by then."""
    many = len(tally)
    found = {name: np.full(many, np.nan) for name in AGENT_FIGURES}
    found["caseload"] = tally[:, compiled.MONTH_CUSTOMERS].astype(np.float64)
    found["workload"] = _against_usual(tally, night)
    enough = tally[:, compiled.TOLD] >= LEAST_CUSTOMERS
    lost = tally[:, compiled.LEFT] / np.maximum(tally[:, compiled.TOLD], 1)
    found["lost"] = np.where(enough, lost, np.nan)
    if told is not None:
        _of_rows(found, tally, night, told.take(~told.bot))
    return np.stack([found[name] for name in AGENT_FIGURES], axis=1)


def _against_usual(tally: Ints, night: Night) -> Floats:
    """Acts a day in the last 30 days over those of the year before; see `stream.trend`."""
    first = np.minimum(tally[:, compiled.FIRST], night.as_of)
    days = (night.as_of - first) / DAY - USUAL_DAYS
    earlier = tally[:, compiled.EARLIER_ACTS]
    known = (days >= USUAL_DAYS) & (earlier > 0)
    usual = np.where(known, earlier, 1) / np.where(known, days, 1)
    return np.where(known, tally[:, compiled.MONTH_ACTS] / USUAL_DAYS / usual, np.nan)


def _of_rows(found: dict[str, Floats], tally: Ints, night: Night, told: AgentRows) -> None:
    """What the table of agents tells: tenure, who has left, and the teams."""
    as_of, many = night.as_of, len(tally)
    mine = told.take(told.agent < many)
    begun = mine.started < as_of
    until = np.minimum(mine.left, as_of)
    found["tenure"][mine.agent[begun]] = (until - mine.started)[begun] / DAY
    if not (told.left < NEVER).any():  # a table that never told of an end does not tell who is here
        departures = None
    else:
        found["gone"][mine.agent] = mine.left < as_of
        departures = (told.left < as_of) & (told.left >= as_of - TURNOVER_DAYS * DAY)
    team = np.full(many, -1, np.int32)
    team[mine.agent] = mine.team
    for one in np.unique(told.team[told.team >= 0]).tolist():
        members, agents = told.team == one, team == one
        if departures is not None:
            here = [_here(told, moment)[members].sum() for moment in
                    (as_of - TURNOVER_DAYS * DAY, as_of)]  # fmt: skip
            left = departures[members].sum()
            found["turnover"][agents] = left / max(sum(here) / 2, 1)
        together = tally[agents].sum(axis=0, keepdims=True)
        together[:, compiled.FIRST] = tally[agents, compiled.FIRST].min(initial=NEVER)
        found["team_workload"][agents] = _against_usual(together, night)[0]
        busy = found["caseload"][agents & (found["caseload"] > 0)]
        if len(busy):
            found["against_team"][agents] = found["caseload"][agents] / np.median(busy)


def _here(told: AgentRows, moment: int) -> NDArray[np.bool_]:
    """Who had begun by a moment and had not left; without a start, always."""
    here: NDArray[np.bool_] = (told.started < moment) | (told.started == NEVER)
    return here & (told.left >= moment)
