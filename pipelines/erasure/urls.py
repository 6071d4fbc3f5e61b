"""The same where history and scores also lie by URL: brought here, cleared, published again."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from models.batch import ScoreBatch
from models.storage import pull_scores, push_scores
from pipelines import storage

if TYPE_CHECKING:
    from models.command import Run
    from models.erasure import Erasure
    from models.remote import Remote

_NIGHT = re.compile(r"as_of=(\d{4}-\d\d-\d\d)")


def bring(run: Run) -> None:
    """The newest history and the scores of every night. Raises as `Mirror.pull`."""
    storage.pull_history(run)
    remote = _scores(run)
    for night in _nights(remote) if remote else []:
        pull_scores(run.home, run.settings, as_of=night)


def publish(run: Run, erasure: Erasure) -> None:
    """What stands here now, and nothing of before: also runs of scores that no longer counted
    go there, since they may name anybody. Raises as `Mirror.push`; again is harmless."""
    storage.push_history(run, keep_former=False)
    remote = _scores(run)
    for night in _nights(remote) if remote else []:
        push_scores(run.home, run.settings, night, now=run.now, keep_former=False)
        assert remote is not None  # noqa: S101 - or there would be no night
        _remove_others(run, remote, night)


def _remove_others(run: Run, remote: Remote, night: date) -> None:
    """Runs at the URL besides the one that counts."""
    folder = remote.under(f"as_of={night}")
    counts = f"run={ScoreBatch.open(run.home.scores, night).run}"
    for name in folder.folders():
        if name.startswith("run=") and name != counts:
            folder.remove_folder(name)


def _scores(run: Run) -> Remote | None:
    from models.remote import Remote

    url = run.settings.storage.scores
    return Remote.open(url) if url else None


def _nights(remote: Remote) -> list[date]:
    found = (_NIGHT.fullmatch(name) for name in remote.folders())
    return sorted(date.fromisoformat(night[1]) for night in found if night)
