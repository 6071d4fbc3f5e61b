"""What the second head, the chance that a yearly contract is not renewed, learns from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.renewal import Renewing, Terms, fit_renewal, judge_renewal
from pipelines.history.terms import NEVER, RENEWAL_GRACE

if TYPE_CHECKING:
    from models.churn import ChurnModel, Fitted
    from models.dataset import FitSettings
    from pipelines.trainingset import TrainingSet


def with_renewal(
    fitted: Fitted, rows: TrainingSet, how: FitSettings, until: int = NEVER
) -> ChurnModel:
    """The model fitted to `rows`, with the second head where there are terms to learn from.

    `until`: whose fate was told by then, seconds; before the first night that is judged, so that
    nothing the judge asks about was seen.
    """
    terms = _terms(rows, fitted.held_out, until)
    if terms is None:
        return fitted.model
    return replace(fitted.model, renewal=fit_renewal(terms, rows.data.features, how))


def renewing(
    model: ChurnModel, rows: TrainingSet, probability: NDArray[np.float64], seed: int
) -> Renewing | None:
    """The second head on `rows` that were not learned from, of which the first one says
    `probability` [n]; None where contracts tell nothing."""
    terms = _terms(rows, probability, NEVER)
    return None if terms is None else judge_renewal(model.renewal, terms, seed)


def _terms(rows: TrainingSet, p: NDArray[np.float64], until: int) -> Terms | None:
    due = rows.renewals
    if due is None or not due.asked.any():
        return None
    some = due.known & (due.ends_at <= until - RENEWAL_GRACE)
    return Terms(
        np.log(p[some] / (1 - p[some])), rows.data.X[some], due.lapses[some],
        rows.data.customer[some],
    )  # fmt: skip
