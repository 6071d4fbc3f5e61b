"""A person lets a held-back batch through: which checks, who, when and why; all of it kept.

scores/as_of=DATE/accepted-RUN.json   beside the batch, whose own manifest never changes
audit/publish.jsonl                   one line for each acceptance, only ever added to

What can be a new normal (`LASTING`) may be accepted for later nights too, until its base has caught
up: half the tickets since a portal opened would hold the list back for weeks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.batch import MANIFEST, ScoreBatch, publish
from models.errors import WarmlineError, WrongUsage
from models.files import append_line, make_folder, write_atomically
from pipelines import context

if TYPE_CHECKING:
    from models.home import Home

LASTING = ("halved", "doubled", "label_drift")  # others compare with last time, or are outages
LONGEST = timedelta(days=62)  # then somebody looks again


@dataclass(frozen=True)
class Acceptance:
    """Who let which batch through in spite of which checks, and why."""

    as_of: str
    run: str
    checks: tuple[str, ...]
    reason: str
    by: str  # user of the operating system
    at: str  # ISO 8601, UTC
    until: str | None = None  # the last night for which its lasting checks are accepted

    @property
    def lasting(self) -> tuple[str, ...]:
        """The checks that are accepted for later nights too."""
        return tuple(filter(can_last, self.checks)) if self.until else ()

    @property
    def note(self) -> str:
        """What was let through, by whom and why, for whoever runs the night."""
        checks = ", ".join(self.checks)
        return f"Published in spite of {checks}: accepted by {self.by} ({self.reason})."

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def accept(
    home: Home,
    *,
    as_of: date,
    checks: Sequence[str],
    reason: str,
    by: str,
    at: datetime,
    until: date | None = None,
) -> Acceptance:
    """Publishes the newest batch of `as_of` that a check held back.

    Every failed check must be named in `checks`, and nothing else; those of them that can be a new
    normal are accepted for the nights to `until` as well. The audit is written first, so that
    nothing is ever published in spite of a check without a trace; the same again is harmless.
    Raises `WrongUsage` for other names, an empty reason or an `until` that cannot be,
    `WarmlineError` where nothing is held back. The caller holds the night's lock.
    """
    if not reason.strip():
        raise WrongUsage("--reason is empty: say why the batch may go out. Nothing was changed.")
    batch = held_back(home, as_of)
    failed = failed_checks(batch)
    _require_all(as_of, failed, checks)
    _require_possible(as_of, failed, until)
    given = Acceptance(
        str(as_of),
        batch.run,
        tuple(sorted(failed)),
        reason.strip(),
        by,
        at.isoformat(),
        str(until) if until else None,
    )
    if _beside(batch).exists():  # cut off after this was written: what was said then stands
        given = _read(_beside(batch))
    else:
        _keep(home, batch, given)
    context.publish(home.context, as_of, batch.run)
    publish(home.scores, as_of, batch.run)
    return given


def let_through(home: Home, batch: ScoreBatch, at: datetime) -> Acceptance | None:
    """Who accepted every failed check of `batch`, itself or with an earlier night; None if nobody.

    What an earlier night's word lets through is written down as if given for this batch.
    """
    failed = failed_checks(batch)
    if _beside(batch).exists():
        given = _read(_beside(batch))
        return given if failed.keys() <= set(given.checks) else None
    words = {check: given for given in _standing(home, batch.as_of) for check in given.lasting}
    if not failed or not failed.keys() <= words.keys():
        return None
    used = list(dict.fromkeys(words[check] for check in sorted(failed)))
    given = Acceptance(
        str(batch.as_of),
        batch.run,
        tuple(sorted(failed)),
        "; ".join(f"as {one.as_of}, until {one.until}: {one.reason}" for one in used),
        ", ".join(dict.fromkeys(one.by for one in used)),
        at.isoformat(),
    )
    _keep(home, batch, given)
    return given


def can_last(check: str) -> bool:
    """Whether what the check tells of can be a new normal."""
    return check.partition(":")[0] in LASTING


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


def _require_possible(as_of: date, failed: Mapping[str, str], until: date | None) -> None:
    if until is None:
        return
    if not as_of < until <= as_of + LONGEST:
        raise WrongUsage(
            f"--until {until} is not after {as_of}, or over {LONGEST.days} days after. "
            "Nothing was changed."
        )
    if not any(map(can_last, failed)):
        raise WrongUsage(
            f"--until: only {', '.join(LASTING)} can be a new normal. An outage that goes on "
            "belongs into feed_gaps, a feed that has ended into checks.retired_feeds; the others "
            "compare with last time. Nothing was changed."
        )


def _standing(home: Home, night: date) -> list[Acceptance]:
    """The acceptances of earlier nights that last to `night`, oldest first."""
    path = _audit_of(home)
    if not path.exists():
        return []
    given = [_acceptance(line) for line in path.read_bytes().splitlines() if line]
    return [one for one in given if one.until and one.as_of < str(night) <= one.until]


def _beside(batch: ScoreBatch) -> Path:
    return batch.path.with_name(f"accepted-{batch.run}.json")


def _read(path: Path) -> Acceptance:
    return _acceptance(path.read_bytes())


def _acceptance(written: bytes) -> Acceptance:
    facts = json.loads(written)
    return Acceptance(**{**facts, "checks": tuple(facts["checks"])})


def _keep(home: Home, batch: ScoreBatch, given: Acceptance) -> None:
    """Adds a line to the audit, on disk when this returns, and writes the same beside the batch."""
    path = _audit_of(home)
    make_folder(path.parent)
    append_line(path, json.dumps(given.to_dict(), ensure_ascii=False).encode())
    write_atomically(_beside(batch), json.dumps(given.to_dict(), indent=1).encode() + b"\n")


def _audit_of(home: Home) -> Path:
    return home.root / "audit" / "publish.jsonl"
