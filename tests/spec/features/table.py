"""Feature specs as tables: rows in, one figure a customer out, on every engine.

    @feature_spec("late_first_reply_count_30", as_of="2026-03-01")
    def test_counts_a_promise_that_ran_out():
        history = \"\"\"
            customer | occurred_at      | kind        | case
            acme     | 2026-02-10 09:00 | case_opened | 1
        \"\"\"
        return history, {"acme": 1}

Columns: customer, occurred_at, kind, and any of channel, case, topic, agent, value, seconds, wait,
score, score_kind, recorded_at, until, provoked, said (as `text negative`); a `-` is "not known".
Times are UTC. Agents whose name begins with "bot" are bots. A figure of None is "not known". Each
spec is printed in docs/features.md below its feature.

What a customer's rows do not tell comes in tables of the same form, by keyword: `feed_gaps`
(kind, from, to, recorded_at; a kind `-` is every kind), `calendars` (team, weekday, opens, closes,
timezone), `holidays` (team, date), `agents` (agent_id, team, started_at, left_at, recorded_at,
until) and `left` (customer, left_at).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from textwrap import dedent
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from models.contracts import CHANNEL_CODE, KIND_CODE, SAID, SCORE_KIND_CODE
from models.settings import Promises, Training
from pipelines.features import matrix, reference
from pipelines.features.agents import Agents, Survey
from pipelines.features.calendar_rows import calendars_by_team
from pipelines.features.calendars import NO_HOURS, hours_of
from pipelines.features.gaps import gaps_of
from pipelines.features.matrix import teams_of
from pipelines.history.agents import AgentRows
from pipelines.history.events import DTYPES, NEVER, Events
from pipelines.history.given import Given
from pipelines.history.people import People
from tests.unit.pipelines.features import contract_rows

Expected = dict[str, float | None]
NUMBERS = ("value", "seconds", "wait", "score")
CODES = {"kind": KIND_CODE, "channel": CHANNEL_CODE, "score_kind": SCORE_KIND_CODE}
SPECS: dict[str, Spec] = {}  # by title; pytest and the docs may both import a module


@dataclass(frozen=True)
class Example:
    """A spec as an engine takes it."""

    title: str
    rows: list[dict[str, str]]  # of the history, as written
    names: list[str]  # of customers, by number
    tables: dict[str, str]
    night: matrix.Night
    joined: NDArray[np.int64]

    @property
    def numbers(self) -> NDArray[np.int32]:
        return np.arange(len(self.names), dtype=np.int32)


EXAMPLES: dict[str, Example] = {}  # by title


def of_events(compute: Callable[..., NDArray[np.float64]]) -> Engine:
    """An engine that takes coded rows."""

    def run(example: Example) -> NDArray[np.float64]:
        events, agents = coded(example.rows, example.names)
        where = _where(example, events, agents, example.names)
        return compute(events, example.numbers, example.joined, [example.night], where)

    return run


def from_contract_rows(example: Example) -> NDArray[np.float64]:
    """The rows as an endpoint is given them, or Spark; all examples are read together, once."""
    history = _all_given(len(EXAMPLES))
    place = {name: number for number, name in enumerate(history.words("customer"))}
    own = np.array([place[f"{example.title}/{name}"] for name in example.names], np.int32)
    order = np.argsort(own)
    everything = history.versions(0)
    mine = everything.take(np.isin(everything.customer, own))
    mine = replace(mine, customer=np.searchsorted(own[order], mine.customer).astype(np.int32))
    names = [example.names[place] for place in order]
    where = _where(example, mine, history.words("agent"), names)
    joined = history.people().joined[own[order]]
    values = np.empty((1, len(own), len(where.features)))
    values[:, order] = matrix.compute(mine, example.numbers, joined, [example.night], where)
    return values


def _where(example: Example, events: Events, agents: list[str], names: list[str]) -> matrix.Context:
    """What the example's tables tell, and what its rows do of its agents. `names` by number."""
    joined, tables = example.joined, example.tables
    served = figures_of_agents(events, joined, names, example.night, agents, tables)
    return replace(context(agents, tables), agents=served)


@functools.cache
def _all_given(examples: int) -> Given:
    found, joined = [], {}
    for title, example in EXAMPLES.items():
        names = {name: f"{title}/{name}" for name in example.names}
        joined |= dict(zip(names.values(), example.joined.tolist(), strict=True))
        for number, row in enumerate(example.rows):
            found += _in_contract(row, names[row["customer"]], f"{title}/{number}")
    assert len(EXAMPLES) == examples
    return contract_rows.read(contract_rows.tables(found, joined), {})


def _in_contract(row: dict[str, str], customer: str, name: str) -> list[dict[str, object]]:
    """A row of a spec in the contract's columns, and its deletion if it was taken out."""
    said = {column: None if cell == "-" else cell for column, cell in row.items()}
    ids = {"interaction_id": name, "customer_id": customer}
    times = {
        column: contract_rows.moment(second(cell))
        for column in ("occurred_at", "recorded_at", "until")
        if (cell := said.get(column))
    }
    numbers = {column: float(cell) for column in NUMBERS if (cell := said.get(column))}
    found: dict[str, object] = {
        **{column: said.get(column) for column in ("kind", "channel", "topic", "score_kind")},
        **ids, **numbers,
        "wait_seconds": numbers.get("wait"),
        "case_id": said.get("case"),
        "agent_id": said.get("agent"),
        "text": _words(said.get("said") or ""),
        "caused_by": "a message" if said.get("provoked") == "yes" else None,
        "occurred_at": times["occurred_at"],
        "recorded_at": times.get("recorded_at", times["occurred_at"]),
    }  # fmt: skip
    return [found, *([ids | {"deleted_at": times["until"]}] if "until" in times else [])]


def _words(said: str) -> str | None:
    return contract_rows.text_of(_flags(said))


def _flags(said: str) -> int:
    return sum(1 << SAID.index(word) for word in said.split() if word != "-")


Engine = Callable[[Example], NDArray[np.float64]]  # [1 night, customers, features]
ENGINES: dict[str, Engine] = {
    "reference": of_events(reference.compute),
    "kernel": of_events(matrix.compute),
    "given": from_contract_rows,
}


@dataclass(frozen=True)
class Spec:
    """One example: what it shows, its rows, and what comes out."""

    feature: str
    as_of: str
    title: str
    history: str  # with the other tables below it
    expected: Expected


def feature_spec(
    feature: str, *, as_of: str, joined: str = "2020-01-01", cutoff: str = "", **tables: str
) -> Callable[[Callable[[], tuple[str, Expected]]], Callable[..., None]]:
    """Run the decorated table on every engine."""

    def decorate(example: Callable[[], tuple[str, Expected]]) -> Callable[..., None]:
        history, expected = example()
        title = example.__name__.removeprefix("test_").replace("_", " ")
        given = [history, *(f"{name}\n{dedent(text).strip()}" for name, text in tables.items())]
        told = "\n\n".join(dedent(text).strip() for text in given)
        SPECS[title] = Spec(feature, as_of, title, told, expected)

        names = list(expected)
        EXAMPLES[title] = Example(
            title,
            parsed(history),
            names,
            tables,
            matrix.Night(second(as_of), second(cutoff or as_of + " 06:00")),
            np.full(len(names), second(joined), np.int64),
        )

        def run(engine: str) -> None:
            values = ENGINES[engine](EXAMPLES[title])
            got = dict(zip(names, values[0, :, matrix.column(feature)].tolist(), strict=True))
            assert got == pytest.approx(
                {name: np.nan if figure is None else figure for name, figure in expected.items()},
                rel=reference.TOLERANCE,
                abs=reference.TOLERANCE,
                nan_ok=True,
            )

        functools.update_wrapper(run, example, assigned=("__name__", "__doc__", "__module__"))
        del run.__wrapped__  # pytest must see the signature with `engine`
        return pytest.mark.parametrize("engine", list(ENGINES))(run)

    return decorate


def context(agents: list[str], tables: dict[str, str]) -> matrix.Context:
    """What the tables tell beside the rows; `agents` by code."""
    frames = {name: pd.DataFrame(parsed(text)).replace("-", None) for name, text in tables.items()}
    told = frames.get("agents")
    team = {} if told is None or "team" not in told else dict(told[["agent_id", "team"]].to_numpy())
    hours = NO_HOURS
    if "calendars" in frames:
        given = frames["calendars"].astype({"weekday": float})
        calendars = calendars_by_team(given, frames.get("holidays"), ZoneInfo("UTC"))
        hours = hours_of(calendars, agents, team, KNOWN_HOURS)
    gaps = frames.get("feed_gaps")
    if gaps is not None:
        times = gaps.columns.intersection(["from", "to", "recorded_at"])
        gaps = gaps.assign(source="all", **{name: gaps[name].map(second) for name in times})
    return matrix.Context(
        np.array([name.startswith("bot") for name in agents], bool),
        matrix.promise_seconds(Promises()),
        gaps=gaps_of(gaps),
        hours=hours,
        teams=teams_of(agents, team),
    )


def figures_of_agents(
    events: Events,
    joined: np.ndarray,
    names: list[str],
    night: matrix.Night,
    agents: list[str],
    tables: dict[str, str],
) -> Agents:
    """The pre-pass over the same rows; `agents` by code."""
    left = {row["customer"]: second(row["left_at"]) for row in parsed(tables.get("left", " "))}
    ends = np.array([left.get(name, NEVER) for name in names], np.int64)
    nobody = np.zeros(len(names), bool)
    people = People(joined, ends, ends, nobody, nobody)
    bots = np.array([name.startswith("bot") for name in agents], bool)
    survey = Survey.of(people, lambda cutoff: False, Training(), [night], bots, len(agents))
    told = agent_rows(parsed(tables["agents"]), agents) if "agents" in tables else None
    return survey.told(survey.count([([events], None)]), told)


def agent_rows(rows: list[dict[str, str]], agents: list[str]) -> AgentRows:
    """Versions of agents; each is known from `recorded_at`, else from its start."""

    def seconds(name: str) -> np.ndarray:
        given = [row.get(name, "-") for row in rows]
        return np.array([NEVER if one == "-" else second(one) for one in given], np.int64)

    everyone = [*agents, *sorted({row["agent_id"] for row in rows} - set(agents))]
    teams = sorted({row.get("team", "-") for row in rows} - {"-"})
    started, recorded = seconds("started_at"), seconds("recorded_at")
    known = np.where(recorded < NEVER, recorded, np.where(started < NEVER, started, 0))
    return AgentRows(
        np.array([everyone.index(row["agent_id"]) for row in rows], np.int32),
        np.array([teams.index(t) if (t := row.get("team", "-")) != "-" else -1 for row in rows]),
        np.array([row["agent_id"].startswith("bot") for row in rows], bool),
        started, seconds("left_at"), known, known, seconds("until"),
    )  # fmt: skip


def parsed(table: str) -> list[dict[str, str]]:
    """The rows of a table as written, by column."""
    header, *lines = [
        [cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()
    ] or [[]]
    return [dict(zip(header, cells, strict=True)) for cells in lines]


def coded(rows: list[dict[str, str]], names: list[str]) -> tuple[Events, list[str]]:
    """Events of rows, customers numbered as in `names`, and the names of agents by code."""
    agents = sorted({row["agent"] for row in rows if row.get("agent", "-") != "-"})
    words = {"agent": agents} | {
        name: sorted({row[name] for row in rows if row.get(name, "-") != "-"})
        for name in ("topic", "case")
    }
    columns = {
        name: np.array([_cell(row, name, names, words) for row in rows], dtype)
        for name, dtype in DTYPES.items()
    }
    return Events(**columns).sorted(), agents


def _cell(row: dict[str, str], name: str, names: list[str], words: dict[str, list[str]]) -> object:
    text = row.get(name, "-")
    if name == "customer":
        return names.index(text)
    if name in ("at", "recorded"):
        recorded = row.get("recorded_at", "-")
        return second(recorded if name == "recorded" and recorded != "-" else row["occurred_at"])
    if name == "until":
        return NEVER if text == "-" else second(text)
    if name == "provoked":
        return text == "yes"
    if name == "said":
        return _flags(text)
    if name in NUMBERS:
        return np.nan if text == "-" else float(text)
    if text == "-":
        return -1
    return CODES[name][text] if name in CODES else words[name].index(text)


def second(text: str) -> int:
    """Seconds since 1970 of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


KNOWN_HOURS = second("2025-01-01"), second("2026-12-31")
