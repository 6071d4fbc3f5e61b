"""What is looked at before anything is learned: leaks, protected attributes, and their proxies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models import leaks
from models.protected import refuse_features
from models.proxies import Proxy, proxies
from pipelines.groupings import protected_groupings

if TYPE_CHECKING:
    from models.contracts import Feature
    from models.dataset import Dataset
    from models.settings import Settings
    from pipelines.history.store import History


def require_no_leak(learned: Dataset, settings: Settings) -> tuple[leaks.Finding, ...]:
    """Features that tell much by themselves. Raises `leaks.Leak` where one tells too much."""
    training = settings.training
    findings = leaks.inspect(
        leaks.columns_of_matrix(learned.X, learned.features),
        learned.y,
        customer=learned.customer,
        limit=training.max_feature_auc,
        seed=training.seed,
    )
    try:
        leaks.refuse(findings, training.accepted_features)
    except leaks.Leak as leak:
        named = ", ".join(f'"{name}"' for name in leak.facts["features"])
        raise leaks.Leak(
            f"{leak} (To accept: accepted_features = [{named}] under [training] in warmline.toml.)",
            **leak.facts,
        ) from leak
    return findings


def require_unprotected(features: Sequence[Feature], settings: Settings) -> None:
    """Raises `ProtectedFeature` where a feature is called like a protected attribute."""
    names = [feature.name for feature in features]
    training = settings.training
    refuse_features(names, "the features", training.protected, training.not_protected)


def told_apart(history: History, learned: Dataset, settings: Settings) -> tuple[Proxy, ...]:
    """Protected attributes that the features tell, on the last night learned from."""
    last = learned.take(learned.as_of == learned.as_of.max())
    groups = protected_groupings(history, last.customer, settings.training)
    return proxies(last.X, last.features, groups, settings.training.seed)
