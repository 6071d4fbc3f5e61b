"""What became of one published batch: a file of counts and figures, of no customer.

outcomes/as_of=DATE.json   beside `scores/`, which may be kept for a shorter time
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from models.errors import SchemaTooNew
from models.files import make_folder, write_atomically

if TYPE_CHECKING:
    from pathlib import Path

    from models.groups import Group
    from models.home import Home

FORMAT = 1
PARTS = ("contact", "plan")  # kinds of groups that are told beside everybody
AT_RANDOM = "left alone at random"  # the control arm of the night's plan


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
    hindsight: bool  # a night scored afterwards: the model may have learned from what followed
    groups: tuple[Group, ...]  # all, silent, vocal, and by contact and by arm where there are any

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"format": FORMAT, **asdict(self), "as_of": str(self.as_of)}


def keep(home: Home, outcome: Outcome) -> None:
    """Writes it, in one step, over what was known of that night."""
    make_folder(_folder(home))
    write_atomically(_path(home, outcome.as_of), json.dumps(outcome.to_dict(), indent=1).encode())


def run_of(home: Home, as_of: date) -> str | None:
    """The run of that night that was looked at; None where none was."""
    path = _path(home, as_of)
    return str(json.loads(path.read_bytes())["run"]) if path.exists() else None


def read(home: Home) -> list[dict[str, Any]]:
    """What is on record, oldest first. Raises `SchemaTooNew` for a newer version's."""
    found = []
    for path in sorted(_folder(home).glob("as_of=*.json")):
        facts: dict[str, Any] = json.loads(path.read_bytes())
        if facts["format"] > FORMAT:
            raise SchemaTooNew(
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
    if facts["hindsight"]:
        line += " (in hindsight: its model has learned from what followed, so this flatters it)"
    if everybody["figures"] is None:
        return f"{line}; {everybody['why']}"
    auc, lift = everybody["figures"]["auc"], everybody["figures"]["lift"]
    return (
        f"{line}; AUC {_shown(auc, 3)}, lift of the riskiest tenth {_shown(lift, 2)}, "
        f"calibration error {everybody['metrics']['calibration_error']:.3f}"
        + "".join(_part(group) for group in facts["groups"] if group["kind"] in PARTS)
    )


def calibration(facts: dict[str, Any]) -> dict[str, float] | None:
    """Mean probability less the share that left, with its interval, of those by whom probabilities
    are to be judged; None where they are too few.

    Where some were contacted, of those left alone at random, if enough: what contact changed is no
    fault of the model's. Else of everybody.
    """
    groups = {(group["kind"], group["name"]): group["figures"] for group in facts["groups"]}
    contacted = any(kind == "contact" for kind, _ in groups)
    alone = groups.get(("plan", AT_RANDOM)) if contacted else None
    figures = alone or facts["groups"][0]["figures"]
    return figures and dict(figures["calibration"])


def _part(group: dict[str, Any]) -> str:
    """A group's share that left beside what was said of it."""
    many = group["metrics"]["rows"]
    if group["figures"] is None:
        return f"; {group['name']} ({many:,}): {group['why']}"
    left, off = group["metrics"]["leavers"] / many, group["figures"]["calibration"]["value"]
    return f"; {group['name']} ({many:,}): {left + off:.1%} said, {left:.1%} left"


def _shown(figure: dict[str, float], digits: int) -> str:
    value, low, high = (f"{figure[name]:.{digits}f}" for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def _folder(home: Home) -> Path:
    return home.root / "outcomes"


def _path(home: Home, as_of: date) -> Path:
    return _folder(home) / f"as_of={as_of}.json"
