"""Scores and the champion by URL: brought here before they are read, published there after.

Without a URL under [storage] each of these does nothing, and imports nothing heavy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from models import batch, bundle

if TYPE_CHECKING:
    from models.generation import Layout, Needed
    from models.home import Home
    from models.mirror import Mirror, Transfer
    from models.remote import Remote
    from models.settings import Settings

CONTEXT = "context"  # a folder at the URL of the scores, beside the nights: it goes with them
_NIGHT = re.compile(r"as_of=(\d{4}-\d\d-\d\d)")


def pull_model(home: Home, settings: Settings) -> Transfer | None:
    """Bring the champion here; what was transferred, or None without a URL.

    Raises as `Mirror.pull`.
    """
    url = settings.storage.models
    return _model(home, url).pull() if url else None


def push_model(
    home: Home, settings: Settings, *, now: datetime, keep_former: bool = True
) -> Transfer | None:
    """Publish the champion. `now`: UTC. Raises as `Mirror.push`."""
    url = settings.storage.models
    return _model(home, url).push(now=now, keep_former=keep_former) if url else None


def pull_scores(home: Home, settings: Settings, *, as_of: date | None = None) -> Transfer | None:
    """Bring the newest published night here; with `as_of` that night too, and the one before it;
    of each its context as well.

    Older nights stay where they are. Raises as `Mirror.pull`.
    """
    from models.mirror import Transfer
    from models.remote import Remote

    url = settings.storage.scores
    if not url:
        return None
    remote = Remote.open(url)
    nights = _nights(remote)
    wanted = {_first_published(remote, nights)}
    if as_of is not None:
        earlier = [night for night in nights if night < as_of]
        wanted |= {as_of, _first_published(remote, earlier)}
    total = Transfer()
    for night in sorted(night for night in wanted if night):
        total += _context(home, remote, night).pull()
        total += _scores(home, remote, night).pull()
    return total


def push_scores(
    home: Home, settings: Settings, as_of: date, *, now: datetime, keep_former: bool = True
) -> Transfer | None:
    """Publish the run of `as_of` that counts, what it knew of those who serve (`context/`) first.

    `now`: UTC. Raises as `Mirror.push`."""
    from models.remote import Remote

    url = settings.storage.scores
    if not url:
        return None
    remote = Remote.open(url)
    sent = _context(home, remote, as_of).push(now=now, keep_former=keep_former)
    return sent + _scores(home, remote, as_of).push(now=now, keep_former=keep_former)


def compare_model(home: Home, settings: Settings) -> str | None:
    """How the champion here and at its URL stand, as `Mirror.compared`; None without a URL."""
    url = settings.storage.models
    return _model(home, url).compared() if url else None


def compare_scores(home: Home, settings: Settings) -> str | None:
    """How the newest night here or at the URL stands, as `Mirror.compared`; None without a URL."""
    from models.remote import Remote

    url = settings.storage.scores
    if not url:
        return None
    remote, here = Remote.open(url), batch.latest(home.scores)
    there = _first_published(remote, _nights(remote))
    night = max((night for night in (here and here.as_of, there) if night), default=None)
    if night is None:
        return "nothing here or there yet"
    return f"of {night}, {_scores(home, remote, night).compared()}"


def record(home: Home, *names: str) -> Path:
    """Where a home notes what it last shared with a URL."""
    return home.root.joinpath("mirrors", *names[:-1], f"{names[-1]}.json")


def _model(home: Home, url: str) -> Mirror:
    from models.mirror import Mirror
    from models.remote import Remote

    return Mirror(_bundles(), home.champion, Remote.open(url), record(home, "models"))


def _scores(home: Home, remote: Remote, night: date) -> Mirror:
    from models.mirror import Mirror

    name = f"as_of={night}"
    place = record(home, "scores", name)
    return Mirror(_runs(night), home.scores / name, remote.under(name), place)


def _context(home: Home, remote: Remote, night: date) -> Mirror:
    from models.mirror import Mirror

    name = f"as_of={night}"
    place = record(home, CONTEXT, name)
    return Mirror(_contexts(night), home.context / name, remote.under(CONTEXT).under(name), place)


def _nights(remote: Remote) -> list[date]:
    """The nights that have a folder at the URL, newest first."""
    found = (_NIGHT.fullmatch(name) for name in remote.folders())
    return sorted((date.fromisoformat(night[1]) for night in found if night), reverse=True)


def _first_published(remote: Remote, nights: Sequence[date]) -> date | None:
    """The first of `nights` that has a run that counts."""
    for night in nights:
        if remote.under(f"as_of={night}").read(batch.CURRENT) is not None:
            return night
    return None


def _bundles() -> Layout:
    """`champion/`: a folder a bundle (models/bundle.py)."""
    from models.generation import Layout, Needed

    def files(word: str, manifest: bytes) -> list[Needed]:
        known = json.loads(manifest)["files"]
        return [Needed(f"{word}/{name}", checksum) for name, checksum in known.items()]

    def tidy(folder: Path) -> None:
        if (folder / bundle.CURRENT).exists():
            bundle.forget_old(folder, folder / (folder / bundle.CURRENT).read_text().strip())

    return Layout(
        name="the model",
        pointer=bundle.CURRENT,
        word=re.compile(r"v[A-Za-z0-9._-]+"),
        manifest=lambda word: f"{word}/{bundle.MANIFEST}",
        files=files,
        ours=re.compile(r"v[A-Za-z0-9._]*-[0-9a-f]{12}"),
        tidy=tidy,
    )


def _contexts(night: date) -> Layout:
    """One night of `context/`: a folder a run (pipelines/context.py)."""
    from models.generation import Needed

    def files(word: str, manifest: bytes) -> list[Needed]:
        known = json.loads(manifest)["files"]
        return [Needed(f"run={word}/{file['name']}", file["sha256"]) for file in known]

    return replace(_runs(night), name=f"the context of {night}", files=files)


def _runs(night: date) -> Layout:
    """One night of `scores/`: a folder a run (models/batch.py). A finished run never goes."""
    from models.generation import Layout, Needed

    def files(word: str, manifest: bytes) -> list[Needed]:
        known = json.loads(manifest)
        parts = (*known["parts"], known["not_scored"], *known.get("answers", ()))
        return [Needed(f"run={word}/{part['name']}", part["sha256"]) for part in parts]

    return Layout(
        name=f"the scores of {night}",
        pointer=batch.CURRENT,
        word=re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"),
        manifest=lambda word: f"run={word}/{batch.MANIFEST}",
        files=files,
        ours=re.compile(r"run=[A-Za-z0-9._-]+"),
        keeps_all=True,
    )
