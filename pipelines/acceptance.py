"""A person lets a held-back batch through: which checks, who, when and why; all of it kept.

scores/as_of=DATE/accepted-RUN.json   beside the batch, whose own manifest never changes
audit/publish.jsonl                   one line for each acceptance, only ever added to
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.batch import MANIFEST, ScoreBatch, publish
from models.errors import WarmlineError, WrongUsage
from models.files import append_line, make_folder, write_atomically

if TYPE_CHECKING:
    from models.home import Home


@dataclass(frozen=True)
class Acceptance:
    """Who let which batch through in spite of which checks, and why."""

    as_of: str
    run: str
    checks: tuple[str, ...]
    reason: str
    by: str  # user of the operating system
    at: str  # ISO 8601, UTC

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def accept(
    home: Home, *, as_of: date, checks: Sequence[str], reason: str, by: str, at: datetime
) -> Acceptance:
    """Publishes the newest batch of `as_of` that a check held back.

    Every failed check must be named in `checks`, and nothing else. The audit is written first, so
    that nothing is ever published in spite of a check without a trace; the same again is harmless.
    Raises `WrongUsage` for other names or an empty reason, `WarmlineError` where nothing is held
    back. The caller holds the night's lock.
    """
    if not reason.strip():
        raise WrongUsage("--reason is empty: say why the batch may go out. Nothing was changed.")
    batch = held_back(home, as_of)
    failed = failed_checks(batch)
    _require_all(as_of, failed, checks)
    given = Acceptance(
        str(as_of), batch.run, tuple(sorted(failed)), reason.strip(), by, at.isoformat()
    )
    path = _beside(batch)
    if path.exists():  # cut off after this was written: what was said then stands
        given = _read(path)
    else:
        _audit(home, given)
        write_atomically(path, json.dumps(given.to_dict(), indent=1).encode() + b"\n")
    publish(home.scores, as_of, batch.run)
    return given


def held_back(home: Home, as_of: date) -> ScoreBatch:
    """The newest finished batch of `as_of`, if a check failed. Raises `WarmlineError` if not."""
    folder = home.scores / f"as_of={as_of}"
    runs = [path.parent.name.removeprefix("run=") for path in folder.glob(f"run=*/{MANIFEST}")]
    batches = [ScoreBatch.open(home.scores, as_of, run) for run in runs]
    newest = max(batches, key=lambda batch: str(batch.manifest.facts["scored_at"]), default=None)
    if newest is None:
        raise WarmlineError(
            f"There is no batch of {as_of} in {home.scores}: run `warmline nightly --as-of "
            f"{as_of}` first. Nothing was changed."
        )
    if not failed_checks(newest):
        raise WarmlineError(
            f"No check failed for the newest batch of {as_of} (run {newest.run}): there is nothing "
            "to accept. Nothing was changed."
        )
    return newest


def failed_checks(batch: ScoreBatch) -> dict[str, str]:
    """Words of each failed check of a batch, by name."""
    found: Sequence[Mapping[str, Any]] = batch.manifest.facts["checks"]
    return {check["name"]: check["words"] for check in found if not check["ok"]}


def accepted(batch: ScoreBatch) -> bool:
    """Whether a person let every failed check of this batch through."""
    path = _beside(batch)
    return path.exists() and failed_checks(batch).keys() <= set(_read(path).checks)


def _require_all(as_of: date, failed: Mapping[str, str], given: Sequence[str]) -> None:
    wrong = sorted(set(given) - failed.keys())
    missing = sorted(failed.keys() - set(given))
    if not wrong and not missing:
        return
    problem = f"{', '.join(wrong)} did not fail" if wrong else f"{', '.join(missing)} failed too"
    raise WrongUsage(
        "\n".join(
            [
                f"{problem}. To publish the batch of {as_of}, accept exactly these, each with its "
                "own --accept:",
                *(f"  {name}: {words}" for name, words in sorted(failed.items())),
                "Nothing was changed.",
            ]
        )
    )


def _beside(batch: ScoreBatch) -> Path:
    return batch.path.with_name(f"accepted-{batch.run}.json")


def _read(path: Path) -> Acceptance:
    facts = json.loads(path.read_bytes())
    return Acceptance(**{**facts, "checks": tuple(facts["checks"])})


def _audit(home: Home, given: Acceptance) -> None:
    """Adds one line, on disk when this returns."""
    path = home.root / "audit" / "publish.jsonl"
    make_folder(path.parent)
    append_line(path, json.dumps(given.to_dict(), ensure_ascii=False).encode())
