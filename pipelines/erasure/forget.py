"""`warmline forget`: one person out of everything, in steps that can be cut off anywhere.

What is needed to go on lies in a journal that goes at the end. While it stands, nothing else is
written: the next `forget` or `nightly` completes the erasure first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from models import suppression
from models.command import user
from models.erasure import Erasure, Journal, Place, journal
from models.files import sha256, sync_folder
from pipelines.erasure import places, proofs, urls
from pipelines.erasure.finding import find
from pipelines.erasure.proofs import Proof
from pipelines.history.manifest import manifest_name, read_current
from pipelines.history.store import History
from pipelines.inbox import take_up_inbox
from pipelines.lock import exclusive

if TYPE_CHECKING:
    from models.command import Advance, Run
    from models.home import Home

# What a killed run left of a file that it was writing (see `files.replacing`).
STAGED = re.compile(r"\..+\.[0-9a-f]{8}")
WRITTEN_INTO = (
    "worklists", "assignments", "nights", "scores", "audit", "logs", "history", "mirrors",
)  # fmt: skip


@dataclass(frozen=True)
class Forgotten:
    """What an erasure did, would do, or had done."""

    removed: dict[str, int]
    proof: Proof | None  # None: a dry run
    again: bool = False  # the person had been erased before

    def to_dict(self) -> dict[str, Any]:
        return {
            "dry_run": self.proof is None,
            "already_erased": self.again,
            "removed": self.removed,
            "proof": self.proof.to_dict() if self.proof else None,
        }

    def lines(self) -> list[str]:
        if self.proof is None:
            listed = [f"  {kind.replace('_', ' ')}: {n:,}" for kind, n in self.removed.items() if n]
            return ["This would go:", *listed, "Dry run: nothing was changed."]
        first = "This person had been erased before:" if self.again else "The person is erased."
        return [first, *self.proof.lines()]


def forget(
    run: Run,
    customer_id: str,
    others: Sequence[Place],
    *,
    dry_run: bool = False,
    advance: Advance = lambda what, share: None,
) -> Forgotten:
    """Erase the person that `customer_id` (any of their ids) stands for, from our places and
    from `others`.

    An erasure that was cut off is completed first. Raises `Busy` while a night or an ingest runs,
    and `WarmlineError` where nobody has the id.
    """
    if dry_run:
        return _survey(run, customer_id, others)
    with exclusive(run.home.lock, "run"):
        _complete(run, others, advance)
        known = proofs.of_person(run.home, customer_id)
        if known:
            return Forgotten(known.removed, known, again=not _just_now(run, known))
        urls.bring(run)
        take_up_inbox(run)  # what the endpoint was told of the person goes with the history
        History.open(run.home.history)  # says so where there is none
        with _history_alone(run.home):
            begun = _begin(run, customer_id, others)
        proof = _carry_out(run, begun, others, advance)
        return Forgotten(proof.removed, proof)


def complete(run: Run, others: Sequence[Place], wait: float = 0.0) -> Proof | None:
    """Ends an erasure that was cut off; None where there is none. Raises `Busy` as a night does."""
    if not journal(run.home).exists():
        return None
    with exclusive(run.home.lock, "run", wait):
        return _complete(run, others, lambda what, share: None)


def _complete(run: Run, others: Sequence[Place], advance: Advance) -> Proof | None:
    begun = Journal.read(run.home)
    return None if begun is None else _carry_out(run, begun, others, advance)


def _just_now(run: Run, proof: Proof) -> bool:
    """Whether this very command brought the erasure to its end."""
    return datetime.fromisoformat(proof.at) == run.now


def _survey(run: Run, customer_id: str, others: Sequence[Place]) -> Forgotten:
    known = proofs.of_person(run.home, customer_id)
    if known:
        return Forgotten(known.removed, known, again=True)
    person = find(History.open(run.home.history), customer_id)
    # Counting needs no pseudonym, and so no key, which would be made for it.
    erasure = Erasure(person, len(proofs.read(run.home)) + 1, pseudonym="")
    return Forgotten(_counts(run, erasure, others), None)


def _begin(run: Run, customer_id: str, others: Sequence[Place]) -> Journal:
    """The journal, written: from here on the erasure will be completed."""
    home = run.home
    history = History.open(home.history)
    person = find(history, customer_id)
    erasure = Erasure.of(home, person, len(proofs.read(home)) + 1)
    begun = Journal(
        person, erasure.number, run.now.isoformat(), user(), history.generation,
        history.manifest.erased, _counts(run, erasure, others),
    )  # fmt: skip
    begun.write(home)
    return begun


def _counts(run: Run, erasure: Erasure, others: Sequence[Place]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for place in places.ours(run, 0, others):
        counts |= place.count(run.home, erasure)
    return counts


def _carry_out(run: Run, begun: Journal, others: Sequence[Place], advance: Advance) -> Proof:
    """Every place that is not done yet, then the proof. The caller holds the night's lock."""
    home = run.home
    erasure = Erasure.of(home, begun.person, begun.number)
    with _history_alone(home):
        _remove_staged(home)
        suppression.add(home, begun.person, begun.number)
        steps = places.ours(run, begun.erased, others)
        for position, place in enumerate(steps):
            if place.name not in begun.done:
                advance(f"erasing: {place.name}", position / len(steps))
                place.erase(home, erasure)
                begun = replace(begun, done=(*begun.done, place.name))
                begun.write(home)
    advance("publishing by URL", 1.0)
    urls.publish(run, erasure)
    proof = _proof(run, begun)
    proofs.add(home, proof)
    journal(home).unlink()
    sync_folder(home.root)
    return proof


def _proof(run: Run, begun: Journal) -> Proof:
    manifest = read_current(run.home.history)
    generation = manifest.generation if manifest else 0
    listed = suppression.Suppression.of(run.home)
    return Proof(
        erasure=begun.number,
        at=run.now.isoformat(),
        by=begun.by,
        person=suppression.hashed(listed.key, "customer", begun.person.customer_id),
        removed=begun.removed,
        generation_before=begun.generation,
        generation_after=generation,
        manifest_sha256=sha256(run.home.history / manifest_name(generation)),
    )


def _remove_staged(home: Home) -> None:
    """Removes what killed runs left half-written: it may hold anything."""
    folders = [home.root, *(home.root / name for name in WRITTEN_INTO)]
    for folder in folders:
        found = folder.glob("*") if folder == home.root else folder.rglob("*")
        for path in list(found):
            if STAGED.fullmatch(path.name) and path.is_file():
                path.unlink()


def _history_alone(home: Home) -> AbstractContextManager[None]:
    return exclusive(home.history / ".lock", "ingest")
