"""Terms written as tables: a header of column names, one line a version, `-` for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.features import contract_pass, relationship
from pipelines.features.contract import FEATURES
from pipelines.features.matrix import Night
from pipelines.features.reference import TOLERANCE
from pipelines.history.people import People
from pipelines.history.rates import Money
from pipelines.history.terms import END_KIND_CODE, NEVER, Terms, announced
from pipelines.population import Population

DATES = (
    "started", "ends_at", "notice", "ended", "paused_from", "paused_to", "recorded", "seen",
    "until",
)  # fmt: skip
WORDS = ("currency", "product")


def at(text: str) -> int:
    """Midnight UTC of a date in seconds; NEVER for a dash."""
    if text == "-":
        return NEVER
    return int(datetime.fromisoformat(f"{text}T00:00+00:00").timestamp())


def night(day: str) -> Night:
    """The night of a date, run at six in the morning."""
    return Night(at(day), at(day) + 6 * 3600)


def terms(table: str, *, undated: bool = False) -> Terms:
    """Versions from a table; `undated`: none says when it was recorded."""
    header, *lines = [line.split() for line in table.strip().splitlines()]
    rows = [dict(zip(header, cells, strict=True)) for cells in lines]
    words = {name: sorted({row[name] for row in rows} - {"-"}) for name in header if name in WORDS}
    columns = {name: np.array([_cell(name, row[name], words) for row in rows]) for name in header}
    columns["customer"] = columns["customer"].astype(np.int32)
    if undated:
        columns["dated"] = np.zeros(len(rows), np.bool_)
    return announced(Terms.of(**columns, currencies=tuple(words.get("currency", ()))))


def _cell(name: str, text: str, words: dict[str, list[str]]) -> float:
    if name in DATES:
        return at(text)
    if name == "end_kind":
        return END_KIND_CODE.get(text, -1)
    if name in WORDS:
        return words[name].index(text) if text != "-" else -1
    if name == "value":
        return float("nan" if text == "-" else text)
    return int(text)


def population(of: Terms | None, customers: int = 1, **columns: object) -> Population:
    """Customers who joined in 2020, with these terms."""
    frame = pd.DataFrame(
        {
            "joined_at": np.full(customers, at("2020-01-01")),
            "left_at": np.full(customers, NEVER),
            "profiling_objection": np.zeros(customers, bool),
        }
        | columns
    )
    return Population.of(People.of(frame), of)


def features(
    of: Terms, nights: Sequence[Night], customers: int, money: Money | None = None
) -> NDArray[np.float64]:
    """The matrix [nights, customers, features], on which the compiled way and the readable one
    agree. Neither writes beside it."""
    everyone = np.arange(customers, dtype=np.int32)
    wide = np.full((len(nights), customers, len(FEATURES) + 2), -1.0)
    contract_pass.fill(wide, of, everyone, nights, money, 1)
    readable = np.empty((len(nights), customers, len(FEATURES)))
    relationship.fill(readable, of, everyone, nights, money)
    np.testing.assert_allclose(wide[:, :, 1:-1], readable, rtol=TOLERANCE, atol=TOLERANCE)
    assert (wide[:, :, [0, -1]] == -1.0).all()
    return readable


def figures(
    of: Terms, when: Night, customers: int = 1, money: Money | None = None
) -> dict[str, list[float]]:
    """Each feature of each customer at a night, on which both ways agree."""
    out = features(of, [when], customers, money)
    return {feature.name: out[0, :, i].tolist() for i, feature in enumerate(FEATURES)}
