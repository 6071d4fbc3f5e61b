"""The home's outreach store, for the commands that work on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.command import Run
    from outreach.store.database import Store


def opened(run: Run) -> Store:
    """The home's store, made where there is none yet. Raises as `Store.open`."""
    from outreach.store.database import Store

    return Store.open(run.settings.outreach.database, run.home.root)
