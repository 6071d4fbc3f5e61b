"""The chance that a yearly contract is not renewed: what it is learned from, and for whom."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY
from models.renewal import (
    Renewing,
    Terms,
    cross_renewal,
    fit_renewal,
    judge_renewal,
    too_few,
)
from pipelines import labels
from pipelines.history.terms import NEVER, RENEWAL_GRACE
from pipelines.population import Population
from pipelines.snapshots import local_date

if TYPE_CHECKING:
    from models.churn import ChurnModel, Fitted
    from models.dataset import FitSettings
    from models.settings import Settings
    from pipelines.features.matrix import Night
    from pipelines.history.store import History
    from pipelines.trainingset import TrainingSet


LATER, CROSSED = "later in time", "out of fold over customers"


def with_renewal(fitted: Fitted, rows: TrainingSet, how: FitSettings, until: int = NEVER) -> Fitted:
    """What was fitted to `rows`, with the second head where there are terms to learn from.

    `until`: whose fate was told by then, seconds; before the first night that is judged, so that
    nothing the judge asks about was seen.
    """
    terms = _terms(rows, fitted.held_out, until)
    if terms is None:
        return fitted
    head = fit_renewal(terms, rows.data.features, how)
    return replace(fitted, model=replace(fitted.model, renewal=head))


def renewing(
    fitted: Fitted,
    learned: TrainingSet,
    judged: TrainingSet,
    probability: NDArray[np.float64],
    how: FitSettings,
) -> Renewing | None:
    """How true the second head is: on `judged`, of which the first one says `probability` [n].

    Their planned ends lie between the horizon and the last day told of: often too few. Then all
    terms learned from are judged out of fold over customers. None where contracts tell nothing.
    """
    later, known = _terms(judged, probability, NEVER), _terms(learned, fitted.held_out, NEVER)
    head = fitted.model.renewal
    if later and head and not too_few(later.lapses, later.customer):
        p = head.probability(later.log_odds, later.matrix)
        return judge_renewal(p, head.base_rate, later, LATER, how.seed)
    if known is None or not len(known.lapses):
        return None
    p = cross_renewal(known, learned.data.features, how)
    return judge_renewal(p, float(known.lapses.mean()), known, CROSSED, how.seed)


def _terms(rows: TrainingSet, p: NDArray[np.float64], until: int) -> Terms | None:
    due = rows.renewals
    if due is None or not due.asked.any():
        return None
    some = due.known & (due.ends_at <= until - RENEWAL_GRACE)
    return Terms(
        np.log(p[some] / (1 - p[some])), rows.data.X[some], due.lapses[some],
        rows.data.customer[some],
    )  # fmt: skip


@dataclass(frozen=True)
class Chance:
    """Of one customer's yearly contract."""

    ends_at: date  # its planned end
    not_renewed: float
    usually: float  # of all that the model has learned from

    @property
    def words(self) -> str:
        return (
            f"The yearly contract ends on {self.ends_at}: {self.not_renewed:.0%} likely not to be "
            f"renewed (usually {self.usually:.0%})."
        )


def chance_of(
    history: History,
    settings: Settings,
    model: ChurnModel,
    rows: NDArray[np.float64],
    number: int,
    night: Night,
) -> Chance | None:
    """Of the customer of this number, whose features are `rows` [1, f]; None without a yearly
    contract that ends past the horizon, or where the model cannot tell."""
    chance = model.lapse(rows)
    if model.renewal is None or chance is None:
        return None
    people = Population.of(history.people(), history.terms())
    counted = settings.training.counted_end_kinds
    due = labels.renewal(people, night, model.horizon_days * DAY, counted)
    if not due.asked[number]:
        return None
    ends_at = local_date(int(due.ends_at[number]), settings.zone)
    return Chance(ends_at, float(chance[0]), model.renewal.base_rate)
