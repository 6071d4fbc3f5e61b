"""A feature's sentence with a customer's own figure in it.

`Feature.says` is a template: alternatives separated by `|`, first the usual one, second the one
for zero, third the one for "not known". In it `{value}` is the figure (written as its statistic
asks), `{window}` the window in words, `{s}` a plural's s and `{was}` was or were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from math import isnan

from models.contracts import DAY, Feature

WINDOWS = {None: "the whole history", 365: "the last year"}
WHOLE = frozenset({"count", "days", "distinct", "sum_count"})
ONE_DECIMAL = frozenset({"ratio", "trend"})
AND = ", and "  # between the two sentences of a reason
# Beside what the model says of a customer if something were otherwise.
NO_PROMISE = "what customers like that do, by the model; no promise of an effect"
AGE = "days_since_"  # how features are named whose figure is the age of something that happened


@dataclass(frozen=True)
class Dates:
    """Ages at a night as dates.

    An age counts only the time in which its feeds were alive, so it is a date only where none was
    down since.
    """

    as_of: int  # seconds since 1970 UTC
    zone: tzinfo
    unbroken: int = 0  # since when no feed was down, likewise

    def of(self, days: float) -> date | None:
        """The date of what is `days` old; None where it may be another one."""
        at = self.as_of - days * DAY
        if not at >= self.unbroken:
            return None
        return datetime.fromtimestamp(at, UTC).astimezone(self.zone).date()


def say(feature: Feature, value: float, dates: Dates | None = None) -> str:
    """The sentence of `feature` for a customer whose figure is `value` (NaN: not known).

    With `dates`, the date follows an age: "no order for 40 days (since 2 May 2026)".
    """
    usual, zero, unknown = _alternatives(feature.says)
    figure = written(feature.stat, value)
    known = zero if figure in {"0", "0%"} else usual
    template = unknown if isnan(value) else known
    one = figure == "1"
    sentence = template.format(
        value=figure,
        window=window(feature.window_days),
        s="" if one else "s",
        was="was" if one else "were",
    )
    if dates is None or template is not usual or not feature.name.startswith(AGE):
        return sentence
    day = dates.of(value)
    since = "since " if f" for {figure} day" in sentence else ""
    return f"{sentence} ({since}{on(day)})" if day else sentence


def on(day: date) -> str:
    """A date in words: "2 May 2026"."""
    return f"{day.day} {day:%B %Y}"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`, of one at least."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def written(stat: str, value: float) -> str:
    """A figure as people write it: `1,204`, `35%`, `0.4`; "an unknown number" for NaN."""
    if isnan(value):
        return "an unknown number"
    if stat == "share":
        return f"{value:.0%}"
    if stat in WHOLE:
        return f"{value:,.0f}"
    if stat in ONE_DECIMAL:
        return _short(value, 1)
    return _short(value, 0 if abs(value) >= 100 else 1)


def window(days: int | None) -> str:
    """A window in words: "the last 30 days"."""
    return WINDOWS.get(days, f"the last {days} days")


def _short(value: float, decimals: int) -> str:
    """Rounded, without an idle `.0` and without a minus before zero."""
    text = f"{value:,.{decimals}f}"
    if decimals:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


@cache
def _alternatives(says: str) -> tuple[str, str, str]:
    """The templates for a figure, for zero, and for none."""
    parts = [part.strip() for part in says.split("|")]
    usual = parts[0]
    zero = parts[1] if len(parts) > 1 else usual
    return usual, zero, parts[2] if len(parts) > 2 else usual
