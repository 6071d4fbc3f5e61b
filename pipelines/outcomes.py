"""What became of those who were scored: each published batch against what happened, once its
horizon has passed.

outcomes/as_of=DATE.json   counts and figures of one batch, no customer; beside `scores/`, which
                           may be kept for a shorter time

The labels are those of training, by the settings the batch was made with. Whoever was contacted in
the meantime counts like everybody: this tells how true the scores were, and what contact changed is
for the control group to tell.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.batch import ScoreBatch
from models.contracts import DAY
from models.errors import WarmlineError
from models.files import make_folder, write_atomically
from models.groups import Group, of_groups
from models.settings import Training
from pipelines import snapshots
from pipelines.history.store import History
from pipelines.nightchecks import LABEL_LAG_DAYS
from pipelines.population import Population
from pipelines.trainingset import told

if TYPE_CHECKING:
    from pathlib import Path

    from models.home import Home
    from models.settings import Settings
    from pipelines.labels import Labels

FORMAT = 1
MOST_ROWS = 200_000  # a larger batch is judged by a sample: the intervals are narrow enough
SEED = 20260101


@dataclass(frozen=True)
class Outcome:
    """What became of one batch."""

    as_of: date
    run: str
    model_version: str
    horizon_days: int
    looked_at: str  # ISO 8601, UTC
    scored: int
    judged: int  # whose leaving or staying is known, or a sample of them
    said: float  # mean probability of those judged
    left: float  # the share of them that left
    groups: tuple[Group, ...]  # all, silent, vocal

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"format": FORMAT, **asdict(self), "as_of": str(self.as_of)}


def look_back(home: Home, settings: Settings, *, as_of: date, now: datetime) -> list[Outcome]:
    """Judges every published batch whose horizon and label lag have passed by `as_of` and that was
    not judged yet, or under another run; what was written.

    A batch whose labels the feeds have not told yet is left for a later night.
    """
    waiting = [batch for batch in published(home) if _is_due(home, batch, as_of)]
    if not waiting:
        return []
    history = History.open(home.history, settings.ingest.precedence)
    people = Population.of(history.people(), history.terms())
    written = []
    for batches, horizon, then in _alike(waiting, settings):
        batches = [one for one in batches if _is_told(history, people, one, horizon, then)]
        nights = [
            snapshots.night(one.as_of, then.zone, then.training.usual_hour) for one in batches
        ]
        labels = told(history, then, people, nights, horizon * DAY)[0] if nights else []
        for batch, label in zip(batches, labels, strict=True):
            outcome = _outcome(history, batch, label, horizon, now)
            if outcome is not None:
                make_folder(_folder(home))
                write_atomically(
                    _path(home, batch.as_of), json.dumps(outcome.to_dict(), indent=1).encode()
                )
                written.append(outcome)
    return written


def published(home: Home) -> list[ScoreBatch]:
    """The batch that counts of each night, oldest first."""
    nights = sorted(home.scores.glob("as_of=????-??-??/current"))
    return [
        ScoreBatch.open(home.scores, date.fromisoformat(path.parent.name[6:])) for path in nights
    ]


def read(home: Home) -> list[dict[str, Any]]:
    """What is on record, oldest first. Raises `WarmlineError` for a newer version's."""
    found = []
    for path in sorted(_folder(home).glob("as_of=*.json")):
        facts: dict[str, Any] = json.loads(path.read_bytes())
        if facts["format"] > FORMAT:
            raise WarmlineError(
                f"{path} was written by a newer Warmline. Install that version here too."
            )
        found.append(facts)
    return found


def words(facts: dict[str, Any]) -> str:
    """One batch's outcome for people."""
    everybody = facts["groups"][0]
    line = (
        f"scores of {facts['as_of']} (model {facts['model_version']}): {facts['said']:.1%} were "
        f"said to leave within {facts['horizon_days']} days, {facts['left']:.1%} of "
        f"{facts['judged']:,} did"
    )
    if everybody["figures"] is None:
        return f"{line}; {everybody['why']}"
    auc, lift = everybody["figures"]["auc"], everybody["figures"]["lift"]
    return (
        f"{line}; AUC {_shown(auc, 3)}, lift of the riskiest tenth {_shown(lift, 2)}, "
        f"calibration error {everybody['metrics']['calibration_error']:.3f}"
    )


def _shown(figure: dict[str, float], digits: int) -> str:
    value, low, high = (f"{figure[name]:.{digits}f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _is_due(home: Home, batch: ScoreBatch, as_of: date) -> bool:
    horizon = _horizon(batch)
    if horizon is None or as_of < batch.as_of + timedelta(days=horizon + LABEL_LAG_DAYS):
        return False
    path = _path(home, batch.as_of)
    return not path.exists() or json.loads(path.read_bytes())["run"] != batch.run


def _horizon(batch: ScoreBatch) -> int | None:
    """Days; None for a batch of nobody."""
    import pyarrow.parquet as pq

    for part in batch.manifest.parts:
        with pq.ParquetFile(batch.path / part.name) as file:
            rows = next(file.iter_batches(1, columns=["horizon_days"]))
        return int(rows.column(0)[0].as_py())
    return None


def _alike(
    batches: Sequence[ScoreBatch], settings: Settings
) -> list[tuple[list[ScoreBatch], int, Settings]]:
    """Batches of one horizon and one definition of leaving together: one look at the history."""
    found: dict[str, tuple[list[ScoreBatch], int, Settings]] = {}
    for batch in batches:
        horizon = _horizon(batch) or 0
        remembered = batch.manifest.facts.get("settings", {}).get("training", {})
        known = {key: remembered[key] for key in Training.model_fields if key in remembered}
        training = settings.training.model_copy(update=dict(Training(**known))) if known else None
        then = settings.model_copy(update={"training": training}) if training else settings
        key = f"{horizon} {then.training!r}"
        found.setdefault(key, ([], horizon, then))[0].append(batch)
    return list(found.values())


def _is_told(
    history: History, people: Population, batch: ScoreBatch, horizon: int, settings: Settings
) -> bool:
    """Whether the feeds have come as far as the horizon's end."""
    end = snapshots.midnight(batch.as_of, settings.zone) + horizon * DAY
    until = history.span[1] + 1 if history.span else 0
    terms = people.terms
    if terms is not None and len(terms) and settings.training.label != "non_contractual":
        until = min(until, terms.told_until)
    return until >= end


def _outcome(
    history: History, batch: ScoreBatch, label: Labels, horizon: int, now: datetime
) -> Outcome | None:
    """None where nobody's leaving or staying is known."""
    rows = batch.table(["customer_id", "churn_probability", "silent"])
    number = np.array([history.numbers.get(one, -1) for one in rows["customer_id"].to_pylist()])
    known = number >= 0
    known[known] = label.known[number[known]]
    if not known.any():
        return None
    p = rows["churn_probability"].to_numpy()[known]
    silent = rows["silent"].to_numpy()[known]
    left = label.left[number[known]]
    taken = _sample(len(p))
    p, silent, left = p[taken], silent[taken], left[taken]
    return Outcome(
        as_of=batch.as_of,
        run=batch.run,
        model_version=batch.manifest.facts["model_version"],
        horizon_days=horizon,
        looked_at=now.astimezone(UTC).isoformat(timespec="seconds"),
        scored=batch.manifest.rows,
        judged=len(p),
        said=float(p.mean()),
        left=float(left.mean()),
        groups=of_groups(left, p, customer=np.arange(len(p)), silent=silent, seed=SEED),
    )


def _sample(rows: int) -> NDArray[np.int64]:
    if rows <= MOST_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(SEED).choice(rows, MOST_ROWS, replace=False))


def _folder(home: Home) -> Path:
    return home.root / "outcomes"


def _path(home: Home, as_of: date) -> Path:
    return _folder(home) / f"as_of={as_of}.json"
