"""Which model is the champion, who said so, and the way back.

audit/model.jsonl   one line for each change, only ever added to, written before the change is made:
                    nothing becomes champion without a trace

A change that was cut off after its line is completed by the same call again, without a second line.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import bundle as bundles
from models.errors import WarmlineError, WrongUsage
from models.files import append_line, make_folder

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.home import Home

TRAINED, PROMOTED, ROLLED_BACK = "trained", "promoted", "rolled_back"


@dataclass(frozen=True)
class Change:
    """One change of champion."""

    action: str  # trained | promoted | rolled_back
    before: str | None  # the champion's version until then; None: there was none
    version: str  # the champion's version since
    by: str  # user of the operating system
    at: str  # ISO 8601, UTC
    why: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def words(self) -> str:
        """For people."""
        before = f"instead of {self.before}, " if self.before else ""
        return f"{self.at[:16]} model {self.version} {before}{self.action} by {self.by}: {self.why}"


def changes(home: Home) -> list[Change]:
    """Every change of champion on record, oldest first."""
    path = _audit_of(home)
    if not path.exists():
        return []
    return [Change(**json.loads(line)) for line in path.read_bytes().splitlines() if line]


def release(
    home: Home, bundle: Bundle, *, by: str, at: datetime, why: str, action: str = PROMOTED
) -> Change:
    """Makes `bundle`, which the registry holds, the champion; written down first.

    Raises `WrongUsage` without a reason, and `WarmlineError` where it is the champion already. The
    caller holds the lock of the training.
    """
    from models import registry

    if not why.strip():
        raise WrongUsage("--reason is empty: say why this model. Nothing was changed.")
    version, before = bundle.facts.model_version, current(home)
    registry.require(home, version)
    if before == version and registry.champion_version(home) == version:
        raise WarmlineError(f"Model {version} is the champion already. Nothing was changed.")
    change = _cut_off(home, before)
    if change is None or (change.action, change.version) != (action, version):
        change = Change(action, before, version, by, at.isoformat(), why.strip())
        if before != version:  # else only MLflow's alias was missing
            make_folder(_audit_of(home).parent)
            append_line(_audit_of(home), json.dumps(change.to_dict(), ensure_ascii=False).encode())
    bundles.export(bundle, home)
    registry.promote(home, version)
    return change


def rollback(home: Home, *, by: str, at: datetime, why: str, expect: str) -> Change:
    """Goes back to the champion before; twice goes back two.

    `expect`: the fingerprint of the features the code computes. Raises `WarmlineError` where there
    was none before, and as `registry.registered` and `release` do.
    """
    from models import registry

    cut_off = _cut_off(home, current(home))
    if cut_off is not None and cut_off.action == ROLLED_BACK:
        target = cut_off.version
    else:
        line = lineage(home)
        if len(line) < 2:
            raise WarmlineError(
                "There is no champion before the present one to go back to: see `warmline model "
                "list`, and promote the one you mean. Nothing was changed."
            )
        target = line[-2]
    bundle = registry.registered(home, target, expect=expect)
    return release(home, bundle, by=by, at=at, why=why, action=ROLLED_BACK)


def current(home: Home) -> str | None:
    """The version of the model that the home scores with; None without one."""
    return bundles.champion(home).facts.model_version if bundles.has_champion(home) else None


def lineage(home: Home) -> list[str]:
    """Champions from the first to the present one, without those that were gone back from."""
    line: list[str] = []
    for change in changes(home):
        if change.before is not None and change.before not in line:
            line.append(change.before)  # it stood before anything was written down
        if change.action == ROLLED_BACK:
            line = line[: line.index(change.version) + 1] if change.version in line else line[:-1]
        else:
            line.append(change.version)
    now = current(home)
    if now is not None and (not line or line[-1] != now):
        line.append(now)
    return line


def _cut_off(home: Home, now: str | None) -> Change | None:
    """The last change, where it was written down and not made."""
    known = changes(home)
    return known[-1] if known and known[-1].version != now else None


def _audit_of(home: Home) -> Path:
    return home.root / "audit" / "model.jsonl"
