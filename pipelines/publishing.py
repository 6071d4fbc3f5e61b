"""`warmline publish`: a held-back batch goes out by a person's word, and the night goes on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from models.batch import ScoreBatch
from models.command import Run, user
from pipelines import storage
from pipelines.acceptance import Acceptance, accept
from pipelines.lock import exclusive
from pipelines.nightly import go_on


def publish(
    run: Run, *, as_of: date, checks: Sequence[str], reason: str, until: date | None = None
) -> Acceptance:
    """Publishes the batch of `as_of` under the night's lock; raises as `acceptance.accept` does.

    Cut off anywhere, the same again ends it.
    """
    with exclusive(run.home.lock, "run"):
        storage.pull(run, as_of=as_of)
        given = accept(
            run.home,
            as_of=as_of,
            checks=checks,
            reason=reason,
            by=user(),
            at=run.now,
            until=until,
        )
        batch = ScoreBatch.open(run.home.scores, as_of, given.run)
        go_on(
            run.home,
            as_of=as_of,
            run=given.run,
            started=datetime.fromisoformat(batch.manifest.facts["scored_at"]),
            facts={"run": given.run, "rows": batch.manifest.rows, "published": "accepted"},
        )
        storage.push(run, as_of=as_of)
    return given
