"""A plan that is not published against the published one of the same night: who comes and goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outreach import worklist
from outreach.plan import PlanResult
from outreach.store.recording import SENDS

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

NAMED = 10  # customers who come or go, told by id
ACTIVE = ("contact", "refer")


@dataclass(frozen=True)
class Comparison:
    """Of two policies on one night's batch. Ids are in the order of the list they are on."""

    before: str | None  # policy versions; None: nothing was published that night
    after: str
    come: tuple[str, ...]  # contacted or referred now, not before
    go: tuple[str, ...]
    changed: int  # contacted or referred by another playbook or channel than before
    counts: dict[str, tuple[int, int]]  # of decisions, and of each gate: before and after
    passed: int = 0  # unfinished items that no playbook would have a cause for any more

    def facts(self) -> dict[str, Any]:
        """For machines."""
        return {**vars(self), "come": list(self.come), "go": list(self.go)}

    def lines(self) -> Iterator[str]:
        """For people."""
        if self.before is None:
            yield "There is no published list of that night to compare with."
            return
        if self.before == self.after:
            yield f"The policy is the one of the published list ({self.after})."
        else:
            yield f"Policy {self.before} (published) against {self.after} (not published)."
        yield f"come: {len(self.come):,}{_named(self.come)}"
        yield f"go: {len(self.go):,}{_named(self.go)}"
        yield f"stay, by another playbook or channel: {self.changed:,}"
        if self.passed:
            yield f"items that nothing would be the cause of any more: {self.passed:,}"
        for name, (then, now) in self.counts.items():
            if then or now:
                yield f"{name.replace('_', ' ')}: {then:,} -> {now:,}"


def compare(home: Path, result: PlanResult) -> Comparison:
    """`result` with what is published for its night in `home`."""
    origin = worklist.Origin.read(home, result.as_of)
    if origin is None:
        return Comparison(None, result.policy_version, (), (), 0, {})
    published = worklist.read(home, result.as_of)
    then, now = _active(published), _active(result.rows)
    names = [*result.counts, *(name for name in origin.counts if name not in result.counts)]
    return Comparison(
        before=next(iter(published["policy_version"].to_pylist()), result.policy_version),
        after=result.policy_version,
        come=tuple(who for who in now if who not in then),
        go=tuple(who for who in then if who not in now),
        changed=sum(now[who] != how for who, how in then.items() if who in now),
        counts={n: (origin.counts.get(n, 0), result.counts.get(n, 0)) for n in names},
        passed=len(result.passed),
    )


def tonight(result: PlanResult) -> str:
    """What the list means for the people who work it: tasks, drafts, and whose they are."""
    rows = result.rows
    columns = (rows[name].to_pylist() for name in ("decision", "channel", "owner_id"))
    active = [(how, owner) for what, how, owner in zip(*columns, strict=True) if what in ACTIVE]
    drafts = sum(how in SENDS for how, _ in active)
    owners = Counter(owner or "the queue" for _, owner in active)
    shown = [f"{owner} {many:,}" for owner, many in owners.most_common(NAMED)]
    more = f", {len(owners) - NAMED:,} more" if len(owners) > NAMED else ""
    whose = f": {', '.join(shown)}{more}" if shown else ""
    return f"Tonight {len(active) - drafts:,} tasks, {drafts:,} drafts{whose}"


def _active(rows: pa.Table) -> dict[str, tuple[str, str | None]]:
    """Who is contacted or referred, and how."""
    names = ("customer_id", "decision", "playbook", "channel")
    columns = (rows[name].to_pylist() for name in names)
    rows_of = zip(*columns, strict=True)
    return {who: (play, channel) for who, what, play, channel in rows_of if what in ACTIVE}


def _named(ids: tuple[str, ...]) -> str:
    if not ids:
        return ""
    return f" ({', '.join(ids[:NAMED])}{', ...' if len(ids) > NAMED else ''})"
