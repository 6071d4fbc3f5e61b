"""The people who served, by what was known of each of them that night (S6).

Their figures come from the pre-pass of pipelines/features/agents.py. No sentence names an agent.
"""

from __future__ import annotations

from models.contracts import SERVING_KINDS
from pipelines.features.stream import Stat, Stream, rows


def served(figure: str, *windows: int | None, says: str) -> tuple[Stat, ...]:
    """The mean over the rows of one of AGENT_FIGURES of their agents; NaN where none is known."""
    return tuple(Stat("served_mean", window, says, of=figure) for window in windows)


def served_most(figure: str, *windows: int | None, says: str) -> tuple[Stat, ...]:
    """The highest of one of AGENT_FIGURES among the rows' agents; NaN where none is known."""
    return tuple(Stat("served_max", window, says, of=figure) for window in windows)


def served_last(figure: str, says: str) -> tuple[Stat, ...]:
    """One of AGENT_FIGURES of the newest row that names an agent; NaN where it is not known."""
    return (Stat("served_last", None, says, of=figure),)


NOBODY = "nobody of whom it is known served them in {window}"
NEVER = "of whoever served them last it is not known"

AGENTS = (
    Stream(
        "served",
        "S6",
        rows(*SERVING_KINDS, by="person"),
        (
            *served(
                "caseload", 90,
                says="those who served them in {window} look after {value} customers a month each"
                "|those who served them in {window} looked after nobody in the last month"
                f"|{NOBODY}",
            ),
            *served(
                "workload", 90,
                says="those who served them in {window} have {value} times as much to do as usual"
                "|those who served them in {window} did nothing in the last month"
                f"|{NOBODY} as long as it takes to know what is usual",
            ),
            *served(
                "against_team", 90,
                says="those who served them in {window} look after {value} times as many customers "
                "as is usual in their team"
                "|those who served them in {window} looked after nobody in the last month"
                "|nobody of a known team served them in {window}",
            ),
            *served(
                "team_workload", 90,
                says="the team that served them in {window} has {value} times as much to do "
                "as usual|the team that served them in {window} did nothing in the last month"
                "|no team of which it is known served them in {window}",
            ),
            *served(
                "tenure", 90,
                says="those who served them in {window} have been here for {value} day{s} on "
                "average|those who served them in {window} began today"
                f"|{NOBODY} since when they are here",
            ),
            *served_last(
                "tenure",
                says="whoever served them last has been here for {value} day{s}"
                f"|whoever served them last began today|{NEVER} since when they are here",
            ),
            *served(
                "gone", 90, 365,
                says="people who have left did {value} of what was done for them in {window}"
                "|nobody who served them in {window} has left"
                f"|{NOBODY} whether they are still here",
            ),
            *served_last(
                "gone",
                says="whoever served them last has left|whoever served them last is still here"
                f"|{NEVER} whether they are still here",
            ),
            *served(
                "lost", 90, 365,
                says="{value} of the customers of those who served them in {window} have left"
                "|no customer of those who served them in {window} has left"
                f"|{NOBODY} how many of their customers have left",
            ),
            *served_most(
                "lost", 365,
                says="of the customers of one who served them in {window} {value} have left"
                "|no customer of those who served them in {window} has left"
                f"|{NOBODY} how many of their customers have left",
            ),
            *served_last(
                "lost",
                says="{value} of the customers of whoever served them last have left"
                "|no customer of whoever served them last has left"
                f"|{NEVER} how many of their customers have left",
            ),
            *served(
                "turnover", 90, 365,
                says="{value} of the team that served them in {window} left in the last half year"
                "|nobody of the team that served them in {window} left in the last half year"
                "|no team of which it is known who left served them in {window}",
            ),
        ),
        group="agents",
    ),
)  # fmt: skip
