"""The proof of each erasure, without personal data: erasures.jsonl, only ever added to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from models.files import append_line
from models.suppression import ANY, Suppression

if TYPE_CHECKING:
    from models.home import Home

FILE = "erasures.jsonl"


@dataclass(frozen=True)
class Proof:
    """What was removed, when, by whom, and what the history is since."""

    erasure: int  # 1, 2, 3, ...
    at: str  # ISO 8601, UTC
    by: str  # user of the operating system
    person: str  # keyed hash of the customer id, as on the suppression list
    removed: dict[str, int]  # rows and lines, by kind
    generation_before: int
    generation_after: int
    manifest_sha256: str  # of the history's manifest after

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """The proof in words."""
        short = f"{self.person[:16]}..."
        yield f"Erasure {self.erasure}, {self.at}, by {self.by}, of the person {short}"
        for kind, many in self.removed.items():
            if many:
                yield f"  {kind.replace('_', ' ')}: {many:,}"
        yield (
            f"  the history went from generation {self.generation_before} to "
            f"{self.generation_after}; its manifest has the SHA-256 {self.manifest_sha256}"
        )


def read(home: Home) -> list[Proof]:
    """All proofs, oldest first."""
    path = home.root / FILE
    if not path.exists():
        return []
    return [Proof(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def add(home: Home, proof: Proof) -> None:
    """One line more, on disk when this returns; again is harmless."""
    if any(known.erasure == proof.erasure for known in read(home)):
        return
    append_line(home.root / FILE, json.dumps(proof.to_dict()).encode())


def of_person(home: Home, asked: str) -> Proof | None:
    """The proof of an id that was erased, any of the person's; None where it never was."""
    listed = Suppression.of(home)
    number = listed.customer(asked) or listed.alias(ANY, asked) if listed else None
    return next((proof for proof in read(home) if proof.erasure == number), None)
