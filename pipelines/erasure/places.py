"""Where a person may lie in a home, in the order in which an erasure goes through it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from models.erasure import Erasure, Place
from pipelines.erasure import records, scores
from pipelines.history import erasing
from pipelines.history.manifest import read_current, sweep

if TYPE_CHECKING:
    from models.command import Run
    from models.home import Home


def ours(run: Run, erased: int, others: Sequence[Place]) -> tuple[Place, ...]:
    """All places, `others` among them. `erased`: persons that the history missed as
    the erasure began.

    The scores come before what names their runs.
    """

    def erase_history(home: Home, erasure: Erasure) -> None:
        current = read_current(home.history)
        if current and current.erased == erased:
            erasing.erase(home.history, erasure.person, home.secret_key(), run.now)
        else:  # cut off after the new generation was published
            sweep(home.history, keep_former=False)

    return (
        Place("history", _count_history, erase_history),
        Place("scores", scores.count, scores.erase),
        *others,
        Place("records", records.count, records.erase),
    )


def _count_history(home: Home, erasure: Erasure) -> dict[str, int]:
    current = read_current(home.history)
    return erasing.count(home.history, current, erasure.person) if current else {}
