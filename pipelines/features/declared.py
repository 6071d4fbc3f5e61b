"""Features that a company declares: numbers of its own, dated or known from the day they were seen.

`attributes` names rows of the table `attributes`, which count from `valid_from`; `static` names
other columns of `customers`, which have no date and count from when they were seen, never earlier.
Text is not coded: a value that is no number is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import Feature
from models.errors import WrongUsage
from pipelines.history import combining, knowledge, voices
from pipelines.history.dictionaries import load
from pipelines.history.engine import name, quoted
from pipelines.history.schema import ATTRIBUTES, CUSTOMERS
from pipelines.history.terms import rows_of
from pipelines.history.versions import all_versions

if TYPE_CHECKING:
    import duckdb

    from models.settings import Features as Declared
    from pipelines.history.rates import Instant
    from pipelines.history.store import History

DATED_SQL = """
SELECT code AS customer, name, TRY_CAST(value AS DOUBLE) AS value, {valid_from} AS since,
    greatest(_recorded, {valid_from}) AS recorded, _until AS until
FROM ({spans}) JOIN {words} ON word = customer_id
WHERE name IN ({names})
"""
STATIC_SQL = """
SELECT code AS customer, TRY_CAST({column} AS DOUBLE) AS value, _seen AS recorded, _until AS until
FROM ({spans}) JOIN {words} ON word = customer_id
WHERE _seen < _until
"""


def features(declared: Declared) -> tuple[Feature, ...]:
    """The declared columns in their order. Another declaration needs another model."""
    return tuple(
        Feature(
            f"{kind}_{word}",
            "|".join(f"{spoken(word)} is {told}" for told in ("{value}", "0", "not known")),
            system="S17",
            group=word,
            stat="value",
            definition=f"{kind} {word}",
        )
        for kind, words in (("attribute", declared.attributes), ("static", declared.static))
        for word in words
    )


def spoken(word: str) -> str:
    """A column's name as a sentence has it."""
    return word.replace("_", " ")


@dataclass(frozen=True)
class Attributes:
    """n values of the declared `features`, sorted by `customer`, `feature`, `since`.

    A night knows one if `recorded` <= cut-off < `until`, and of those with `since` <= as_of the
    last one counts.
    """

    customer: NDArray[np.int32]
    feature: NDArray[np.int32]  # position in `features`
    since: NDArray[np.int64]
    recorded: NDArray[np.int64]
    until: NDArray[np.int64]
    value: NDArray[np.float64]  # NaN where it is no number

    @classmethod
    def of(cls, history: History, declared: Declared) -> Attributes:
        """The declared columns of a history. Raises `WrongUsage` for a column that never came."""
        if not (declared.attributes or declared.static):
            return cls.none()
        pieces = [cls.none()]
        with history.connection() as connection:
            if declared.attributes and "attributes" in history.manifest.tables:
                pieces.append(cls._dated(connection, history, declared.attributes))
            for position, column in enumerate(declared.static):
                found = cls._static(connection, history, column)
                feature = np.full(len(found.customer), len(declared.attributes) + position)
                pieces.append(cls(**vars(found) | {"feature": feature.astype(np.int32)}))
        names = [field.name for field in fields(cls)]
        joined = {n: np.concatenate([getattr(piece, n) for piece in pieces]) for n in names}
        order = np.lexsort([joined[key] for key in ("recorded", "since", "feature", "customer")])
        return cls(**{n: joined[n][order] for n in names})

    @classmethod
    def none(cls) -> Attributes:
        """No values."""
        whole, code = np.empty(0, np.int64), np.empty(0, np.int32)
        return cls(code, code, whole, whole, whole, np.empty(0))

    def among(self, customers: NDArray[np.int32]) -> Attributes:
        """Those of `customers` (ascending numbers) alone."""
        rows, _ = rows_of(self.customer, customers)
        return Attributes(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def _dated(
        cls, connection: duckdb.DuckDBPyConnection, history: History, names: Sequence[str]
    ) -> Attributes:
        folder, manifest = history.folder, history.manifest
        valid_from = knowledge.seconds("valid_from")
        told = voices.told(connection, folder, manifest, ATTRIBUTES.name, history.precedence)
        rows = knowledge.read(
            connection,
            DATED_SQL,
            spans=combining.spans(connection, told, valid_from),
            words=load(connection, folder, manifest, "customer"),
            valid_from=valid_from,
            names=", ".join(map(quoted, names)),
        ).to_pandas()
        return cls(
            rows["customer"].to_numpy(np.int32),
            rows["name"].map({word: code for code, word in enumerate(names)}).to_numpy(np.int32),
            rows["since"].to_numpy(np.int64),
            rows["recorded"].to_numpy(np.int64),
            rows["until"].to_numpy(np.int64),
            rows["value"].to_numpy(np.float64),
        )

    @classmethod
    def _static(
        cls, connection: duckdb.DuckDBPyConnection, history: History, column: str
    ) -> Attributes:
        folder, manifest = history.folder, history.manifest
        _refuse_unknown(connection, history, column)
        told = voices.told(connection, folder, manifest, CUSTOMERS.name, history.precedence)
        rows = knowledge.read(
            connection,
            STATIC_SQL,
            spans=combining.spans(connection, told, knowledge.seconds("joined_at")),
            words=load(connection, folder, manifest, "customer"),
            column=name(column),
        ).to_pandas()
        return cls(
            rows["customer"].to_numpy(np.int32),
            np.zeros(len(rows), np.int32),
            np.zeros(len(rows), np.int64),  # one version at most is known at a time
            rows["recorded"].to_numpy(np.int64),
            rows["until"].to_numpy(np.int64),
            rows["value"].to_numpy(np.float64),
        )


def fill(
    out: NDArray[np.float64],
    attributes: Attributes,
    customers: NDArray[np.int32],
    nights: Sequence[Instant],
) -> None:
    """Write the declared features of `customers` (ascending) into `out`, [nights, customers, n]."""
    out[...] = np.nan
    if len(customers) == 0 or not out.shape[2]:
        return
    first = np.searchsorted(attributes.customer, customers[0], side="left")
    end = np.searchsorted(attributes.customer, customers[-1], side="right")
    near = np.arange(first, end)
    place = np.searchsorted(customers, attributes.customer[near])
    mine = near[customers[place] == attributes.customer[near]]
    for position, night in enumerate(nights):
        known = (attributes.recorded[mine] <= night.cutoff) & (
            night.cutoff < attributes.until[mine]
        )
        rows = mine[known & (attributes.since[mine] <= night.as_of)]
        owner = np.searchsorted(customers, attributes.customer[rows])
        # Sorted by `since`, so that the last one stays.
        out[position, owner, attributes.feature[rows]] = attributes.value[rows]


def _refuse_unknown(connection: duckdb.DuckDBPyConnection, history: History, column: str) -> None:
    personal = {known.name for known in CUSTOMERS.columns if known.personal}
    rows = all_versions(history.folder, history.manifest, "customers")
    there = set(connection.sql(rows).columns)
    if column in personal or column not in there:
        raise WrongUsage(
            f"`static` under [features] names {column!r}, which is "
            + ("personal data" if column in personal else "no column of `customers`")
            + ". Take it out of warmline.toml, or bring the column. Nothing was changed."
        )
