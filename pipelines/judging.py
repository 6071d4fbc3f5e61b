"""Judging a model on nights later than those it has learned from, and beside the champion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models import registry
from models.errors import FeatureMismatch
from models.evaluate import Report, evaluate
from pipelines.groupings import groupings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from models.churn import ChurnModel
    from models.dataset import Dataset
    from models.home import Home
    from pipelines.history.store import History
    from pipelines.trainingset import TrainingSet

LATER_IN_TIME = "later in time"


def judging(
    home: Home,
    history: History,
    judged: TrainingSet,
    model: ChurnModel,
    probability: NDArray[np.float64],
    seed: int,
) -> Report:
    """The model on later nights, beside longest silence, the base rate and the present champion.

    `probability`: what the model says of the rows of `judged`, [n].
    """
    data = judged.data
    return evaluate(
        data.y,
        probability,
        customer=data.customer,
        silent=data.silent,
        longest_silence=judged.silence,
        base_rate=model.base_rate,
        champion=_champion_on(home, data, model.horizon_days),
        groupings=groupings(history, data),
        protocol=LATER_IN_TIME,
        seed=seed,
    )


def _champion_on(home: Home, data: Dataset, horizon_days: int) -> NDArray[np.float64] | None:
    """The present champion's probabilities, where it answers the same question.

    Of the champion as it was judged, if the registry still has that: what was released has since
    learned from the nights it was judged on, which are mostly these, and would look better on them
    than any challenger can (docs/decisions/0020-judging-and-release.md).
    """
    from models import bundle as bundles

    if not bundles.has_champion(home):
        return None
    expect = bundles.fingerprint(data.features)
    try:
        champion = bundles.champion(home, expect=expect)
    except FeatureMismatch:
        return None
    if champion.model.horizon_days != horizon_days:
        return None
    stands = registry.judged(home, champion.facts.model_version) or champion
    return stands.model.predict(data.X)
