"""What is looked at before anything is learned: leaks, and protected attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models import leaks
from models.protected import refuse_features

if TYPE_CHECKING:
    from models.contracts import Feature
    from models.dataset import Dataset
    from models.settings import Settings


def require_no_leak(learned: Dataset, settings: Settings) -> tuple[leaks.Finding, ...]:
    """Features that tell much by themselves. Raises `leaks.Leak` where one tells too much."""
    training = settings.training
    findings = leaks.inspect(
        leaks.columns_of_matrix(learned.X, learned.features, learned.as_of),
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
