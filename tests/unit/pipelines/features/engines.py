"""Every engine over random histories: rows of `histories` in, [nights, customers, features] out.

An engine may be fed by whatever stands before it (contract rows, a job), and must give what
`reference` gives. Spec tables run on the same engines by `tests/spec/features/table.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, SCORE_KINDS
from pipelines.features import matrix, reference
from tests.unit.pipelines.features import contract_rows, histories

JOINED = histories.AS_OF - 200 * DAY
# The answers that a contract row may give (CONTRACTS.md); others are rejected.
LEAST_AND_MOST = {"csat": (1, 5), "ces": (1, 7), "nps": (0, 10)}

Rows = list[dict[str, Any]]
Engine = Callable[
    [Rows, int, Sequence[matrix.Night], matrix.Context], NDArray[np.float64]
]  # rows, how many customers, nights, context


def kernel(
    rows: Rows, customers: int, nights: Sequence[matrix.Night], where: matrix.Context
) -> NDArray[np.float64]:
    """The compiled pass over coded rows."""
    return histories.features(as_kept(rows), list(nights), customers, where)


def given(
    rows: Rows, customers: int, nights: Sequence[matrix.Night], where: matrix.Context
) -> NDArray[np.float64]:
    """The compiled pass over rows that came in the contract's shape."""
    return of_contract(contract_rows.contract(rows), customers, nights, where)


ENGINES: dict[str, Engine] = {"kernel": kernel, "given": given}


def of_contract(
    interactions: list[dict[str, Any]],
    customers: int,
    nights: Sequence[matrix.Night],
    where: matrix.Context,
) -> NDArray[np.float64]:
    """Features of contract rows."""
    joined = {f"{number:03}": JOINED for number in range(customers)}
    history = contract_rows.read(contract_rows.tables(interactions, joined), contract_rows.WORDS)
    numbers = np.arange(customers, dtype=np.int32)
    return matrix.compute(history.versions(0), numbers, history.people().joined, nights, where)


def of_reference(
    rows: Rows, customers: int, nights: Sequence[matrix.Night], where: matrix.Context
) -> NDArray[np.float64]:
    """[nights, customers, features of the streams, tenure, silent]: what all must equal."""
    numbers = np.arange(customers, dtype=np.int32)
    joined = np.full(customers, JOINED, np.int64)
    return reference.compute(histories.events(as_kept(rows)), numbers, joined, nights, where)


def differing(one: NDArray[np.float64], other: NDArray[np.float64]) -> set[str]:
    """Names of the features in which two answers differ by more than the one tolerance."""
    width = min(one.shape[2], other.shape[2])
    one, other = one[:, :, :width], other[:, :, :width]
    tolerance = reference.TOLERANCE
    equal = np.isclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True)
    names = [feature.name for feature in matrix.features()]
    return {names[column] for column in np.nonzero(~equal)[2]}


def acceptable(rows: Rows) -> Rows:
    """The rows with the score kinds of answers that no survey of that kind can give taken off."""
    return [row | {"score_kind": _score_kind(row)} for row in rows]


def _score_kind(row: dict[str, Any]) -> int:
    kind = int(row["score_kind"])
    if kind < 0 or np.isnan(row["score"]):
        return kind
    least, most = LEAST_AND_MOST[SCORE_KINDS[kind]]
    return kind if least <= row["score"] <= most else -1


def as_kept(rows: Rows) -> Rows:
    """The rows as a history keeps them: known at the earliest when they happened, the cases of each
    customer numbered by first mention, and words coded where they are looked at."""
    first: dict[tuple[int, int], int] = {}
    for row in rows:
        if row["case"] >= 0:
            key = row["customer"], row["case"]
            first[key] = min(first.get(key, row["at"]), row["at"])
    number: dict[tuple[int, int], int] = {}
    for customer in {customer for customer, _ in first}:
        cases = [(at, case) for (whose, case), at in first.items() if whose == customer]
        number |= {(customer, case): place for place, (_, case) in enumerate(sorted(cases))}
    return [
        row
        | {"recorded": max(row["recorded"], row["at"])}
        | {"case": number.get((row["customer"], row["case"]), -1)}
        | {"said": contract_rows.coded_as(row["said"], row["kind"])}
        for row in rows
    ]
