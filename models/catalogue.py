"""What the registry holds: every model ever trained, refused ones among them."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import registry
from models.errors import WarmlineError

if TYPE_CHECKING:
    from models.home import Home


@dataclass(frozen=True)
class Known:
    """One model of the registry."""

    version: str
    created_at: str  # ISO 8601, UTC
    horizon_days: int
    trained_from: str
    trained_to: str
    grade: str
    verdict: str
    auc: float | None
    run: str  # MLflow's id


def known(home: Home) -> list[Known]:
    """Every model ever trained here, the oldest first."""
    if not (home.root / registry.STORE).exists():
        return []
    client, _ = registry.opened(home)
    found = []
    for version in client.search_model_versions(f"name = '{registry.NAME}'"):
        run = str(version.run_id)
        data = client.get_run(run).data
        if "model_version" not in data.tags:
            continue  # its run failed half-way
        created = datetime.fromtimestamp(version.creation_timestamp / 1000, UTC)
        found.append(
            Known(
                version=str(version.version),
                created_at=created.isoformat(timespec="seconds"),
                horizon_days=int(data.params["horizon_days"]),
                trained_from=data.params["trained_from"],
                trained_to=data.params["trained_to"],
                grade=data.tags["grade"],
                verdict=data.tags["verdict"],
                auc=data.metrics.get("model.all.auc"),
                run=run,
            )
        )
    return sorted(found, key=lambda one: int(one.version))


def described(home: Home, version: str) -> tuple[str, dict[str, Any]]:
    """The model card and the report of a version.

    Raises `WarmlineError` naming those there are where it is not among them.
    """
    there = {one.version: one for one in known(home)}
    if version not in there:
        listed = f"there are {', '.join(there)}" if there else "there is none"
        raise WarmlineError(f"There is no model {version} in {home.root}: {listed}.")
    client, _ = registry.opened(home)
    with tempfile.TemporaryDirectory() as place:
        report = Path(client.download_artifacts(there[version].run, "report.json", place))
        facts: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return str(client.get_model_version(registry.NAME, version).description), facts
