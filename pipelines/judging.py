"""Judging a model on nights later than those it has learned from, and beside the champion."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models import registry
from models.ageing import Older, ageing, older_beside_newer
from models.dataset import FitSettings
from models.drivers import drivers
from models.effects import effects
from models.errors import FeatureMismatch, NotEnoughData
from models.evaluate import Report, evaluate
from models.profit import expected_profit
from models.proxies import Proxy, proxies
from models.timing import timing
from pipelines.features.matrix import Night
from pipelines.groupings import groupings, protected_groupings
from pipelines.values import monthly_values

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.bundle import Bundle
    from models.churn import ChurnModel
    from models.contracts import Feature
    from models.dataset import Dataset
    from models.home import Home
    from models.horizons import Predictions
    from models.settings import Settings
    from pipelines.history.store import History
    from pipelines.trainingset import TrainingSet

LATER_IN_TIME = "later in time"


def judging(
    home: Home,
    history: History,
    settings: Settings,
    learned: Dataset,
    judged: TrainingSet,
    model: ChurnModel,
    predicted: Predictions,
    value: NDArray[np.float64],
) -> Report:
    """The model of `learned` on later nights, beside longest silence, the base rate and the present
    champion.

    `predicted`: what it says of the rows of `judged`, and `value` what is `at_stake`.
    """
    data, probability = judged.data, predicted.main
    champion = _champion(home, data.features, model.horizon_days)
    report = evaluate(
        data.y,
        probability,
        customer=data.customer,
        silent=data.silent,
        longest_silence=judged.silence,
        base_rate=model.base_rate,
        champion=None if champion is None else champion.model.predict(data.X),
        groupings=groupings(history, data, settings.training),
        protocol=LATER_IN_TIME,
        seed=settings.training.seed,
    )
    aged = ageing(
        data.y,
        probability,
        customer=data.customer,
        as_of=data.as_of,
        learned_until=int(learned.as_of.max()),
        older=_older(learned, data, settings),
        seed=settings.training.seed,
    )
    newest = np.flatnonzero(data.as_of == data.as_of.max())
    drawn = {"seed": settings.training.seed, "threads": settings.performance.threads}
    return replace(
        report,
        profit=expected_profit(data.y, probability, value, settings.currency),
        ageing=aged,
        timing=timing(predicted, data.y, data.leaves_in),
        proxies=_proxies(history, data, settings),
        drivers=drivers(
            model,
            data.X[newest],
            value[newest],
            customer=data.customer[newest],
            as_of=int(data.as_of[newest[0]]),
            unit=settings.currency,
            **drawn,
        ),
        effects=effects(model, data.X, customer=data.customer, **drawn),
    )


def _proxies(history: History, data: Dataset, settings: Settings) -> tuple[Proxy, ...]:
    """Protected attributes that the features tell, on the last night."""
    last = data.take(data.as_of == data.as_of.max())
    groups = protected_groupings(history, last.customer, settings.training)
    return proxies(last.X, last.features, groups, settings.training.seed)


def at_stake(history: History, settings: Settings, data: Dataset) -> NDArray[np.float64]:
    """What each row's customer was worth over the months at stake, as of its night; NaN: unknown.

    Source: CONTRACTS.md, value at risk.
    """
    months = settings.scoring.months_at_stake * settings.scoring.margin
    found = np.empty(len(data))
    for as_of in np.unique(data.as_of).tolist():
        night = Night(as_of, as_of + settings.training.usual_hour * 3600)
        rows = data.as_of == as_of
        found[rows] = monthly_values(history, night, settings.currency)[data.customer[rows]]
    return found * months


def _champion(home: Home, features: tuple[Feature, ...], horizon_days: int) -> Bundle | None:
    """The present champion, where it answers the same question.

    As it was judged, if the registry still has that: what was released has since learned from the
    nights it was judged on, which are mostly these, and would look better on them than any
    challenger can (docs/decisions/0020-judging-and-release.md).
    """
    from models import bundle as bundles

    if not bundles.has_champion(home):
        return None
    try:
        champion = bundles.champion(home, expect=bundles.fingerprint(features))
    except FeatureMismatch:
        return None
    if champion.model.horizon_days != horizon_days:
        return None
    return registry.judged(home, champion.facts.model_version) or champion


def _older(learned: Dataset, judged: Dataset, settings: Settings) -> Older | str:
    """A model that learned less far, beside one that learned further; or why there is none."""
    how = FitSettings(
        horizon_days=settings.training.horizon_days,
        seed=settings.training.seed,
        threads=settings.performance.threads,
    )
    try:
        return older_beside_newer(learned, judged, how)
    except NotEnoughData as error:
        return str(error)
