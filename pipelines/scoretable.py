"""From scores to the columns of a ScoreBatch. Source: CONTRACTS.md, Output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from math import isnan
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.changes import Before
from models.contracts import BANDS, Reason, renewals_schema, score_schema
from models.horizons import Predictions
from pipelines.features import matrix
from pipelines.history.terms import NEVER

if TYPE_CHECKING:
    import pyarrow as pa

    from models.bundle import Bundle
    from models.drift import Counting
    from models.settings import Settings
    from pipelines.history.store import History

ROWS_PER_PART = 250_000
MAY_BE_UNKNOWN = ("expected_days", "value_at_risk", "fading")  # NaN, null in a part


@dataclass(frozen=True)
class Scores:
    """The scored customers, [n]: number, what is predicted, and the two facts of silence."""

    customer: NDArray[np.int32]
    predicted: Predictions
    silent: NDArray[np.bool_]
    fading: NDArray[np.float64]
    newest_days: float  # age of the newest interaction of any of them, infinite without one
    # A sample's rows in the bins of the training, [features, bins]; None: nothing to compare with.
    counts: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.customer)

    @property
    def probability(self) -> NDArray[np.float64]:
        """Of leaving within the main horizon."""
        return self.predicted.main

    @classmethod
    def of(
        cls,
        customer: NDArray[np.int32],
        predicted: Predictions,
        rows: NDArray[np.float64],
        counting: Counting | None = None,
    ) -> Scores:
        """From matrix rows [n, features], which are not kept."""
        return cls(
            customer,
            predicted,
            rows[:, matrix.column("silent")] > 0,
            rows[:, matrix.column("fading")].copy(),
            float(np.fmin.reduce(rows[:, matrix.column("days_since_any")], initial=np.inf)),
            None if counting is None else counting(customer, rows),
        )

    @classmethod
    def joined(cls, pieces: Sequence[Scores]) -> Scores:
        """All pieces as one, by customer number; each is so by itself."""
        if len(pieces) == 1:
            return pieces[0]
        customer = np.concatenate([piece.customer for piece in pieces])
        order = np.argsort(customer, kind="stable")
        counts = [piece.counts for piece in pieces if piece.counts is not None]
        return cls(
            customer[order],
            Predictions.joined([piece.predicted for piece in pieces]).take(order),
            np.concatenate([piece.silent for piece in pieces])[order],
            np.concatenate([piece.fading for piece in pieces])[order],
            min(piece.newest_days for piece in pieces),
            np.sum(counts, axis=0) if counts else None,
        )


@dataclass(frozen=True)
class ScoreTable:
    """Turns `Scores` into parts of the batch."""

    history: History
    champion: Bundle
    settings: Settings
    as_of: int  # seconds since 1970
    started: datetime
    value: NDArray[np.float64]  # a month, of every customer; NaN where unknown
    before: Before
    # Planned ends of yearly contracts past the horizon, of every customer; NEVER: there is none
    renews_at: NDArray[np.int64]

    @property
    def ids(self) -> NDArray[np.object_]:
        """Customer ids by customer number."""
        return np.array(self.history.words("customer"), object)

    def bands(self, scores: Scores) -> dict[str, int]:
        """How many customers are in each band."""
        found = Counter(self.champion.model.bands.of(scores.probability))
        return {band: found[band] for band in BANDS}

    def parts(self, scores: Scores, reasons: Mapping[int, list[Reason]]) -> Iterator[pa.Table]:
        """Tables of the batch's schema, in customer order."""
        percentile = _percentile(scores.probability)
        ids = self.ids
        for start in range(0, max(len(scores), 1), ROWS_PER_PART):
            rows = slice(start, start + ROWS_PER_PART)
            columns = self._columns(scores, rows, ids, reasons)
            columns["percentile"] = percentile[rows]
            yield _as_part(columns, scores.predicted.take(rows))

    def renewals(self, scores: Scores) -> pa.Table | None:
        """`models.contracts.renewals_schema`; None where the model tells nothing of renewals."""
        import pyarrow as pa

        chance = scores.predicted.lapse
        if chance is None:
            return None
        ends_at = self.renews_at[scores.customer]
        due = ends_at < NEVER
        columns = [self.ids[scores.customer[due]], ends_at[due] * 1_000_000, chance[due]]
        return pa.table(columns, schema=renewals_schema())

    def rows(self, scores: Scores, reasons: Mapping[int, list[Reason]]) -> Iterator[dict[str, Any]]:
        """The rows of `parts`, percentiles left out: of a few customers, of whom those would mean
        something else. A table of a few rows takes longer to make than all that is in it."""
        columns = self._columns(scores, slice(None), self.ids, reasons)
        told = {name: _listed(columns.get(name), len(scores)) for name in _names()}
        told["horizons"] = _horizon_rows(scores.predicted)
        told |= self._renewal_rows(scores)
        for cells in zip(*told.values(), strict=True):
            yield dict(zip(told, cells, strict=True))

    def _renewal_rows(self, scores: Scores) -> dict[str, list[Any]]:
        chance = scores.predicted.lapse
        if chance is None:
            return {}
        ends_at = self.renews_at[scores.customer].tolist()
        return {
            "renewal_at": [
                None if at == NEVER else datetime.fromtimestamp(at, UTC) for at in ends_at
            ],
            "non_renewal_probability": [
                None if at == NEVER else one
                for at, one in zip(ends_at, chance.tolist(), strict=True)
            ],
        }

    def _columns(
        self,
        scores: Scores,
        rows: slice,
        all_ids: NDArray[np.object_],
        reasons: Mapping[int, list[Reason]],
    ) -> dict[str, Any]:
        """By name, all but horizons and percentiles; NaN for a number that is not known."""
        customer, probability = scores.customer[rows], scores.probability[rows]
        ids = all_ids[customer]
        at_stake = self.settings.scoring.months_at_stake * self.settings.scoring.margin
        many = len(customer)
        as_of = datetime.fromtimestamp(self.as_of, UTC)
        expires = self.started + timedelta(days=self.settings.scoring.expires_after_days)
        told = [reasons.get(number) for number in customer.tolist()]
        return {
            "customer_id": ids,
            "as_of": _same(as_of, many),
            "horizon_days": np.full(many, self.champion.model.horizon_days, np.int32),
            "churn_probability": probability,
            "expected_days": scores.predicted.take(rows).expected_days,
            "band": self.champion.model.bands.of(probability),
            "value_at_risk": probability * self.value[customer] * at_stake,
            "silent": scores.silent[rows],
            "fading": scores.fading[rows],
            "reasons": [
                None if some is None else [vars(reason) for reason in some] for some in told
            ],
            "what_changed": self._changes(ids, probability, told),
            "model_version": _same(self.champion.facts.model_version, many),
            "scored_at": _same(self.started, many),
            "expires_at": _same(expires, many),
        }

    def _changes(
        self,
        ids: NDArray[np.object_],
        probability: NDArray[np.float64],
        told: Sequence[list[Reason] | None],
    ) -> list[list[str] | None]:
        """What is new since the last batch, for those who have reasons."""
        each = zip(ids.tolist(), probability.tolist(), told, strict=True)
        return [
            None if some is None else self.before.changes(customer_id, now, some)
            for customer_id, now, some in each
        ]


def _as_part(columns: Mapping[str, Any], predicted: Predictions) -> pa.Table:
    import pyarrow as pa

    schema, many = score_schema(), len(predicted.main)
    told = {**columns, "horizons": _horizons(predicted)}
    for name in MAY_BE_UNKNOWN:
        told[name] = _null(told[name])
    arrays = [
        pa.array(told[field.name], field.type) if field.name in told else pa.nulls(many, field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


@cache
def _names() -> tuple[str, ...]:
    return tuple(score_schema().names)


def _listed(column: Any, many: int) -> list[Any]:
    """A column's cells as Python has them, None for what is not known."""
    if column is None:
        return [None] * many
    if not isinstance(column, np.ndarray):
        return list(column)
    cells: list[Any] = column.tolist()
    return [None if cell != cell else cell for cell in cells]


def _horizon_rows(predicted: Predictions) -> list[list[dict[str, Any]]]:
    of_each = zip(*(column.tolist() for column in predicted.columns), strict=True)
    return [
        [
            {
                "days": days,
                "probability": probability,
                "low": None if isnan(low) else low,
                "high": None if isnan(high) else high,
            }
            for days, probability, low, high in zip(predicted.days, *of_one, strict=True)
        ]
        for of_one in of_each
    ]


def _horizons(predicted: Predictions) -> pa.Array:
    """One list a customer of a horizon's days, probability and the ends of its interval."""
    import pyarrow as pa

    many, each = predicted.probabilities.shape
    of_each = score_schema().field("horizons").type.value_type
    flat = [
        pa.array(np.tile(np.array(predicted.days, np.int32), many)),
        *(_null(values.ravel()) for values in predicted.columns),
    ]
    told = pa.StructArray.from_arrays(flat, fields=list(of_each))
    return pa.ListArray.from_arrays(np.arange(many + 1, dtype=np.int32) * each, told)


def _percentile(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the scored with a lower or equal probability, 0 to 100; equal scores share it."""
    order = np.sort(probability)
    return 100.0 * np.searchsorted(order, probability, side="right") / max(len(probability), 1)


def _same(value: object, many: int) -> list[object]:
    return [value] * many


def _null(values: NDArray[np.float64]) -> pa.Array:
    """NaN as null."""
    import pyarrow as pa

    return pa.array(values, from_pandas=True)
