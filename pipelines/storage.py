"""History, model and scores by URL, around what a command does.

Every command that reads calls `pull` first, every one that publishes calls `push` after. Without
a URL under [storage] both do nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import WarmlineError
from models.storage import (
    compare_model,
    compare_scores,
    pull_model,
    pull_scores,
    push_model,
    push_scores,
    record,
)
from pipelines.history.manifest import CURRENT, OURS, Manifest, sweep
from pipelines.lock import exclusive

if TYPE_CHECKING:
    from models.command import Run
    from models.generation import Needed
    from models.home import Home
    from models.mirror import Mirror, Transfer
    from models.settings import Settings


def pull(run: Run, *, as_of: date | None = None) -> None:
    """Bring history, model and scores here (`models.storage.pull_scores` says which nights).

    Raises as `Mirror.pull`.
    """
    pull_history(run)
    _tell(run, "read the model", pull_model(run.home, run.settings))
    _tell(run, "read the scores", pull_scores(run.home, run.settings, as_of=as_of))


def push(run: Run, *, as_of: date | None = None) -> None:
    """Publish history, model and the scores of `as_of`, in this order: whoever finds the scores
    finds what they were made from. Raises as `Mirror.push`."""
    push_history(run)
    _tell(run, "published the model", push_model(run.home, run.settings, now=run.now))
    if as_of is not None:
        sent = push_scores(run.home, run.settings, as_of, now=run.now)
        _tell(run, "published the scores", sent)


def pull_history(run: Run) -> Transfer | None:
    """Bring the history here; what was transferred, or None without a URL."""
    mirror = _history(run.home, run.settings)
    moved = mirror.pull() if mirror else None
    _tell(run, "read the history", moved)
    return moved


def push_history(run: Run, *, keep_former: bool = True) -> Transfer | None:
    """Publish the history. `keep_former=False` leaves no generation before: for an erasure."""
    mirror = _history(run.home, run.settings)
    moved = mirror.push(now=run.now, keep_former=keep_former) if mirror else None
    _tell(run, "published the history", moved)
    return moved


def compare(home: Home, settings: Settings) -> dict[str, str]:
    """How what is here and what is at its URL stand to each other, in words, for each URL.

    Raises as `Mirror.compared`.
    """
    mirror = _history(home, settings)
    found = {
        "history": mirror.compared() if mirror else None,
        "model": compare_model(home, settings),
        "scores": compare_scores(home, settings),
    }
    return {what: words for what, words in found.items() if words}


def refuse_urls(run: Run) -> None:
    """Raises where the home has URLs: for what must not touch a company's data."""
    storage = run.settings.storage
    if storage.history or storage.scores or storage.models:
        raise WarmlineError(
            "The demo fills a home of its own, and [storage] or WARMLINE_STORAGE__... names a "
            "URL that others use: unset it. Nothing was changed."
        )


def _history(home: Home, settings: Settings) -> Mirror | None:
    url = settings.storage.history
    if not url:
        return None
    from models.generation import Layout
    from models.mirror import Mirror
    from models.remote import Remote

    layout = Layout(
        name="the history",
        pointer=CURRENT,
        word=re.compile(r"manifest-\d+\.json"),
        manifest=lambda word: word,
        files=_files,
        ours=OURS,
        hold=lambda folder: exclusive(folder / ".lock", "ingest"),
        tidy=sweep,
    )
    return Mirror(layout, home.history, Remote.open(url), record(home, "history"))


def _files(word: str, manifest: bytes) -> Sequence[Needed]:
    from models.generation import Needed

    found = Manifest.from_json(manifest, Path(word)).files()
    return [Needed(file.path, file.sha256, file.bytes) for file in found]


def _tell(run: Run, what: str, moved: Transfer | None) -> None:
    if moved is not None:
        run.note(f"{what} by URL: {moved.files} files, {moved.bytes / 1e6:.1f} MB")
