"""What became of those who were scored: each published batch against what happened, once its
horizon has passed (written as models/outcome.py says).

The labels are those of training, by the settings the batch was made with. Whoever was contacted in
the meantime counts like everybody for the whole, and is told apart besides: who was left alone, and
of those whom the plan would have contacted, who was left alone at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.batch import ScoreBatch
from models.contracts import DAY
from models.groups import Grouping, of_groups
from models.outcome import AT_RANDOM, Outcome, keep, run_of
from pipelines import snapshots
from pipelines.contacted import contacted
from pipelines.groupings import by_contact
from pipelines.history.store import History
from pipelines.nightchecks import LABEL_LAG_DAYS
from pipelines.population import Population
from pipelines.replay import settings_of
from pipelines.trainingset import told

if TYPE_CHECKING:
    from models.dataset import Contacts
    from models.home import Home
    from models.settings import Settings
    from pipelines.labels import Labels

# The arms of `assignments/` (CONTRACTS.md, Output), in words.
ARMS = {"control": AT_RANDOM, "treat": "to be contacted"}
MOST_ROWS = 200_000  # a larger batch is judged by a sample: the intervals are narrow enough
SEED = 20260101


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
        if not nights:
            continue
        labels = told(history, then, people, nights, horizon * DAY)[0]
        sent = contacted(history, [night.as_of for night in nights], horizon * DAY)
        for batch, label, contacts in zip(batches, labels, sent, strict=True):
            arms = _arms(home, history, batch)
            outcome = _outcome(history, batch, label, contacts.before(label.days), arms, now)
            if outcome is not None:
                keep(home, outcome)
                written.append(outcome)
    return written


def published(home: Home) -> list[ScoreBatch]:
    """The batch that counts of each night, oldest first."""
    nights = sorted(home.scores.glob("as_of=????-??-??/current"))
    return [
        ScoreBatch.open(home.scores, date.fromisoformat(path.parent.name[6:])) for path in nights
    ]


def _is_due(home: Home, batch: ScoreBatch, as_of: date) -> bool:
    horizon = _horizon(batch)
    if horizon is None or as_of < batch.as_of + timedelta(days=horizon + LABEL_LAG_DAYS):
        return False
    return run_of(home, batch.as_of) != batch.run


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
        then = settings_of(settings, batch.manifest.facts.get("settings", {}))
        key = f"{horizon} {then.timezone} {then.training!r}"
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


def _arms(home: Home, history: History, batch: ScoreBatch) -> Grouping:
    """The arm for which the plan drew each customer, by number; without a plan one for all."""
    code = np.full(len(history.people()), len(ARMS), np.int64)
    path = home.assignments(batch.as_of)
    if path.exists():
        import pyarrow.parquet as pq

        rows = pq.read_table(path, columns=["customer_id", "eligible", "arm"]).to_pylist()
        for row in rows:
            number = history.numbers.get(row["customer_id"])
            if number is not None and row["eligible"] and row["arm"] in ARMS:
                code[number] = list(ARMS).index(row["arm"])
    return Grouping("plan", (*ARMS.values(), "not eligible"), code)


def _outcome(
    history: History,
    batch: ScoreBatch,
    label: Labels,
    contacts: Contacts,
    arms: Grouping,
    now: datetime,
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
    taken = _sample(len(p))
    who = number[known][taken]
    p, silent, left = p[taken], silent[taken], label.left[who]
    parted = by_contact(contacts.take(who))
    arms = replace(arms, code=arms.code[who])
    if arms.code.min() < len(ARMS):
        parted.append(arms)
    horizon = _horizon(batch) or 0
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
        hindsight=_hindsight(batch, horizon),
        groups=of_groups(
            left, p, customer=np.arange(len(p)), silent=silent, groupings=parted, seed=SEED
        ),
    )


def _hindsight(batch: ScoreBatch, horizon: int) -> bool:
    """Whether the labels that the model learned from reach past the night: only where a past night
    was scored afterwards, since a model learns from horizons that are over."""
    trained_to = batch.manifest.facts.get("trained_to")
    if trained_to is None:
        return False
    return batch.as_of < date.fromisoformat(trained_to) + timedelta(days=horizon)


def _sample(rows: int) -> NDArray[np.int64]:
    if rows <= MOST_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(SEED).choice(rows, MOST_ROWS, replace=False))
