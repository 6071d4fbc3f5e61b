"""Which columns hold dates, under whatever type they come: nothing that they tell may lie ahead.

A table's dates come as text, a company's own numbers as `20260701` or as seconds since 1970. They
are found by their values alone, all of which must read so.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

FEWEST = 5  # different values; fewer may read as dates by chance
# Text, in the order of ISO 8601 or with the day or the month first.
WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?|\d{1,2}([./-])\d{1,2}\2\d{4}( .*)?")
ORDERS = ("%Y-%m-%d", "%d-%m-%Y", "%m-%d-%Y")  # the first in which all of them are days
FIRST_DAY, LAST_DAY = 1900_01_01, 2100_12_31
FIRST, LAST = 946_684_800, 4_102_444_800  # 2000 and 2100 in seconds; before, numbers are too small


def of_texts(words: NDArray[np.object_]) -> Floats | None:
    """The days that texts tell, [n], None where there is none, in seconds since 1970 UTC, NaN where
    there is none; None where they are no dates."""
    import pandas as pd

    known = np.array([word is not None for word in words], np.bool_)
    levels, place = np.unique(words[known].astype(str), return_inverse=True)
    if len(levels) < FEWEST or not all(map(WRITTEN.fullmatch, levels.tolist())):
        return None
    days = pd.Series(levels).str.slice(0, 10).str.split(r"[ T]", regex=True).str[0]
    days = days.str.replace(r"[./]", "-", regex=True)
    for written in ORDERS:
        read = pd.to_datetime(days, errors="coerce", utc=True, format=written)
        if not read.isna().any():
            found = np.full(len(words), np.nan)
            found[known] = seconds(read)[place]
            return found
    return None


def of_numbers(x: Floats) -> Floats | None:
    """Numbers [n] as seconds since 1970 UTC, NaN where they are; None where they are no dates."""
    levels, place = np.unique(x[np.isfinite(x)], return_inverse=True)
    if len(levels) < FEWEST or (levels != np.floor(levels)).any():
        return None
    read = _days(levels)
    if read is None:
        scale = 1000.0 if levels[0] > LAST else 1.0
        if levels[0] < FIRST * scale or levels[-1] >= LAST * scale:
            return None
        read = levels / scale
    found = np.full(len(x), np.nan)
    found[np.isfinite(x)] = read[place]
    return found


def seconds(column: pd.Series) -> Floats:
    """Times as seconds since 1970 UTC, NaN where there is none."""
    import pandas as pd

    utc = pd.to_datetime(column, utc=True).dt.tz_convert(None)
    found = utc.to_numpy("datetime64[s]").astype(np.float64)
    return np.where(utc.isna().to_numpy(), np.nan, found)


def span(at: Floats) -> str:
    """The first and the last day of instants [n], in words."""
    ends = (datetime.fromtimestamp(end, UTC).date() for end in (np.nanmin(at), np.nanmax(at)))
    return " to ".join(map(str, ends))


def _days(levels: Floats) -> Floats | None:
    """Ascending numbers as days written `YYYYMMDD`, in seconds since 1970."""
    if levels[0] < FIRST_DAY or levels[-1] > LAST_DAY:
        return None
    try:
        read = [datetime.strptime(str(int(level)), "%Y%m%d") for level in levels]
    except ValueError:
        return None
    return np.array([day.replace(tzinfo=UTC).timestamp() for day in read])
