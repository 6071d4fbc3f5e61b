"""The health of each feed, judged against its own rhythm; and where a feed was dead in the past.

A feed is a source and kind; all kinds of a source are judged together as well. What is too sparse
or too young to be judged is not: it would only cry wolf.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY
from pipelines.feedseries import Series, series_of
from pipelines.rhythm import BASE_DAYS, Expected, around, before, rhythm

if TYPE_CHECKING:
    import pandas as pd

# By chance alone. Of 30 feeds, each with a few hundred pauses and some thirty windows a year that
# do not overlap, about one a decade stops and one a decade halves (docs/guides/nightly.md).
STOP_CHANCE, LEVEL_CHANCE = 1e-5, 1e-4
GAP_CHANCE = 1e-4  # a silence that happens by chance once in ten thousand stretches is a gap
WINDOWS = (3, 7, 14, 28, 56)  # days: the shortest that tells is told; sparse feeds need long ones
HALVED, DOUBLED = 0.65, 1.6  # a half and a double, with room for what is measured by chance
MORE_EACH = 1.4  # rows a customer, against before: between once and twice
LEAST_PAUSES = 20  # before the longest of them says anything
LAG_SEEN = 0.95  # a day counts as told once so much of it usually has come


@dataclass(frozen=True)
class Finding:
    """One thing wrong with one feed: `stopped`, `stale`, `halved` or `doubled`."""

    what: str
    feed: str
    words: str
    known: bool = False  # within a declared outage

    @property
    def name(self) -> str:
        return f"{self.what}:{self.feed}"


@dataclass(frozen=True)
class Health:
    """What was found, and how many feeds could be judged."""

    findings: tuple[Finding, ...]
    judged: int
    unjudged: tuple[str, ...]  # names, too sparse or too young


def health(
    feeds: pd.DataFrame,
    as_of: int,
    cutoff: int,
    gaps: pd.DataFrame | None = None,
    retired: Sequence[str] = (),
) -> Health:
    """Judges each feed on the whole days before `as_of`, by what had come by `cutoff` (seconds).

    `feeds` is `History.feeds()`; `gaps` (`source, kind, from, to` in seconds, kind empty for all
    kinds) are known outages: what they explain is reported as known. Feeds named in `retired`, as
    `source/kind` or `source`, are not judged.
    """
    findings: list[Finding] = []
    unjudged: list[str] = []
    judged = 0
    dead: set[str] = set()
    for series in series_of(feeds, as_of, cutoff):
        if series.name in retired or series.source in retired or series.source in dead:
            continue
        if not series.kind and not _many(feeds, series.source):
            continue  # its one kind is judged below
        found = _judge(series, gaps)
        if found is None:
            unjudged.append(series.name)
            continue
        if series.kind:
            judged += 1
            findings += found
        else:
            findings += [finding for finding in found if finding.what == "stopped"]
            dead |= {series.source for finding in found if finding.what == "stopped"}
    return Health(tuple(findings), judged, tuple(name for name in unjudged if "/" in name))


def found_gaps(feeds: pd.DataFrame, now: int) -> pd.DataFrame:
    """Stretches before `now` in which a feed with a steady rhythm brought nothing.

    One row each: `source, kind, from, to`, whole UTC days in seconds, `to` exclusive. By the feed's
    rhythm in the four weeks before and after, such a stretch would happen by chance less than once
    in ten thousand. It says that the feed was dead, not that its customers were silent.
    """
    import pandas as pd

    rows = [
        (series.source, series.kind, (series.first + start) * DAY, (series.first + end) * DAY)
        for series in series_of(feeds, now, now)
        if series.kind
        for start, end in dead_stretches(series)
    ]
    frame = pd.DataFrame(rows, columns=["source", "kind", "from", "to"])
    return frame.astype({"from": "int64", "to": "int64"})


def dead_stretches(series: Series) -> Iterator[tuple[int, int]]:
    """Runs of days without a row that chance does not explain, as positions [start, end)."""
    none = np.concatenate([[0], (series.counts == 0).astype(np.int8), [0]])
    starts, ends = np.flatnonzero(np.diff(none) == 1), np.flatnonzero(np.diff(none) == -1)
    long_enough = ends - starts >= _shortest_gap(series)
    stretches = zip(starts[long_enough].tolist(), ends[long_enough].tolist(), strict=True)
    # The longest first: a stretch that is known to be dead does not blur the rhythm of the others.
    known = series
    for start, end in sorted(stretches, key=_length):
        usual = rhythm(known, around(known, start, end))
        if usual and usual.of(known, slice(start, end)).chance_of_none < GAP_CHANCE:
            marked = known.known.copy()
            marked[start:end] = True
            known = replace(known, known=marked)
            yield start, end


def _shortest_gap(series: Series) -> float:
    """Days that a gap has at least, at the best four weeks ever, all rows on one weekday.

    Chance leaves a stretch without rows at least as often as Poisson's law says, exp(-mean).
    """
    month = min(BASE_DAYS // 2, series.end)
    sums = np.cumsum(np.concatenate([[0.0], series.counts]))
    busiest = float((sums[month:] - sums[:-month]).max()) / month
    return -math.log(GAP_CHANCE) / max(7 * busiest, 1e-9)


def _length(stretch: tuple[int, int]) -> int:
    return stretch[0] - stretch[1]


def _many(feeds: pd.DataFrame, source: str) -> bool:
    return feeds.loc[feeds["source"] == source, "kind"].nunique() > 1


def _judge(series: Series, gaps: pd.DataFrame | None) -> list[Finding] | None:
    """What is wrong with one feed; None where it cannot be judged."""
    quiet = slice(series.end - series.quiet, series.end)
    past = series.known.copy()
    for start, end in dead_stretches(series):
        if end < series.end:
            past[start:end] = True
    series = replace(series, known=past)
    declared = _declared(series, gaps)
    found = _findings(series, quiet)
    if found is None or not declared.any():
        return found
    left = _findings(replace(series, known=series.known | declared), quiet) or []
    still = {finding.what for finding in left}
    return left + [_as_known(finding) for finding in found if finding.what not in still]


def _declared(series: Series, gaps: pd.DataFrame | None) -> NDArray[np.bool_]:
    """Days that a known outage touches."""
    touched = np.zeros(series.end, np.bool_)
    if gaps is None or not len(gaps):
        return touched
    mine = gaps["source"].isna() | (gaps["source"] == series.source)
    mine &= gaps["kind"].isna() | gaps["kind"].isin(["", series.kind])
    for start, end in gaps.loc[mine, ["from", "to"]].to_numpy(np.int64).tolist():
        first, last = start // DAY - series.first, -(-end // DAY) - series.first
        touched[max(first, 0) : max(last, 0)] = True
    return touched


def _as_known(finding: Finding) -> Finding:
    return replace(
        finding,
        known=True,
        words=f"{finding.words}; feed_gaps or holidays tell of it: nothing to do",
    )


def _findings(series: Series, quiet: slice) -> list[Finding] | None:
    usual = rhythm(series, before(series, quiet.start))
    stale = _stale(series)
    if usual is None:
        return [stale] if stale else None
    if quiet.stop > quiet.start:
        missed = usual.of(series, quiet)
        if missed.chance_of_none < STOP_CHANCE:
            return [Finding("stopped", series.name, _stopped_words(series, missed))]
    if stale:
        return [stale]
    level = _level(series)
    return [level] if level else []


def _stale(series: Series) -> Finding | None:
    """Nothing for longer than it ever paused, and by more than pauses vary."""
    told = np.flatnonzero((series.counts > 0) & ~series.known)
    if len(told) <= LEAST_PAUSES:
        return None
    missing = np.concatenate([[0], np.cumsum(series.known)])
    pauses = np.diff(told) - (missing[told[1:]] - missing[told[:-1]])
    due = (series.arrived >= LAG_SEEN) & ~series.known
    waited = int(due[told[-1] + 1 :].sum())
    # Pauses that are all alike allow for little more; those of chance for twice the longest.
    longest = float(pauses.max())
    limit = longest * (1 + min(1.0, float(pauses.std() / pauses.mean()))) + 1
    if waited <= limit:
        return None
    return Finding(
        "stale",
        series.name,
        f"nothing since {_date(series, int(told[-1]))}, {waited} days, and it never paused for "
        f"longer than {longest:.0f} days before. {ADVICE}",
    )


def _level(series: Series) -> Finding | None:
    """Fewer or more rows than usual, on the shortest window that can tell."""
    for days in WINDOWS:
        window = series.window(days)
        usual = rhythm(series, before(series, window.start, max(BASE_DAYS, 2 * days)))
        if usual is None:
            return None
        rows = float(series.counts[window][~series.known[window]].sum())
        expected = usual.of(series, window)
        if rows <= HALVED * expected.mean and expected.at_most(rows) < LEVEL_CHANCE:
            return Finding("halved", series.name, _level_words(rows, expected, days))
        if rows >= DOUBLED * expected.mean and expected.at_least(rows) < LEVEL_CHANCE:
            if _busy(series, window):
                return None
            return Finding("doubled", series.name, _level_words(rows, expected, days))
    return None


def _busy(series: Series, window: slice) -> bool:
    """Whether more customers explain more rows: a busy time, in which each brings as many as ever.

    Rows that were brought twice are of the same customers.
    """
    base = before(series, window.start)
    each, usual = (
        series.counts[days].sum() / max(series.people[days].sum(), 1.0) for days in (window, base)
    )
    return bool(series.people.any() and each < MORE_EACH * usual)


ADVICE = (
    "Bring the feed up to date; a known outage goes into feed_gaps, a feed that has ended into "
    "checks.retired_feeds"
)


def _stopped_words(series: Series, missed: Expected) -> str:
    days = series.quiet
    return (
        f"nothing for {days} day{'s' * (days != 1)}, where it usually brings {missed.mean:,.0f} "
        f"rows in that time. {ADVICE}"
    )


def _level_words(rows: float, expected: Expected, days: int) -> str:
    return (
        f"{rows:,.0f} rows in the last {days} days, where {expected.mean:,.0f} are usual "
        f"({rows / max(expected.mean, 1e-9):.0%}). Look at what the source exports; if it is as it "
        "should be, accept it"
    )


def _date(series: Series, position: int) -> str:
    return str(np.datetime64(series.first + position, "D"))
