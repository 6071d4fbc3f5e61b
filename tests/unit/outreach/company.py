"""A small company to plan for: scores in real files, the book and the timeline in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.batch import BatchWriter, Manifest, Part, ScoreBatch, publish
from models.contracts import LATEST, Feature, renewals_schema, score_schema
from models.settings import Plan
from outreach.ledger import Empty, shape
from outreach.plan import PlanResult, plan
from outreach.playbooks import Playbook, Playbooks, Trigger

NIGHT = date(2026, 7, 1)  # a Wednesday
MORNING = datetime(2026, 7, 1, 6, tzinfo=UTC)
KEY = b"k" * 32
EVERYONE_TREATED = Plan(control_share=0)
CHECK_IN = Playbooks.of([Playbook(name="check-in", title="Check-in", urgency=90, randomised=True)])
COMPLAINT = Playbook(
    name="unanswered-complaint", title="Complaint", urgency=0, refers=True,
    trigger=Trigger(fact="complaint", to_days=90),
)  # fmt: skip
FEATURES = (
    Feature("usage_count_30", "used {value} time{s} in {window}|no use in {window}", "S8", "usage",
            "count", 30),
    Feature("usage_count_90", "used {value} time{s} in {window}|no use in {window}", "S8", "usage",
            "count", 90),
    Feature("csat_mean_90", "a mark of {value}||no mark", "S13", "csat", "mean", 90),
)  # fmt: skip
# Those that the tests of the plan itself need: the others have tests of their own.
PLAYS = Playbooks.of([*CHECK_IN.plays, COMPLAINT])


def score(customer_id: str, probability: float = 0.8, **others: Any) -> dict[str, Any]:
    """One row of a ScoreBatch."""
    return {
        "customer_id": customer_id,
        "as_of": datetime(2026, 7, 1, tzinfo=UTC),
        "horizon_days": 90,
        "churn_probability": probability,
        "band": "high",
        "value_at_risk": 1000 * probability,
        "silent": False,
        "expires_at": datetime(2026, 7, 3, tzinfo=UTC),
    } | others


def reason(words: str, direction: str = "raises") -> dict[str, Any]:
    return {"feature": "f", "system": "S2", "words": words, "direction": direction, "weight": 1.0}


@dataclass
class Company:
    """A book and a timeline as `models/contracts.py` wants them; who is not named has no trait."""

    known: Sequence[str] = ()
    parents_of: dict[str, str] = field(default_factory=dict)
    owners_of: dict[str, str] = field(default_factory=dict)
    prefers: dict[str, str] = field(default_factory=dict)
    objectors: frozenset[str] = frozenset()
    segments: dict[str, str] = field(default_factory=dict)
    regions: dict[str, str] = field(default_factory=dict)
    zones: dict[str, str] = field(default_factory=dict)
    # customer, channel, purpose, at
    refused: list[tuple[str, str | None, str | None, datetime]] = field(default_factory=list)
    # customer, contact, channel, purpose, state, at
    said: list[tuple[str, str | None, str | None, str | None, str, datetime]] = field(
        default_factory=list
    )
    cases: list[tuple[str, datetime]] = field(default_factory=list)
    facts: list[tuple[str, str, datetime]] = field(default_factory=list)  # customer, fact, at
    # customer, at; further, channel and whether outreach_sent
    contacted_at: list[tuple[Any, ...]] = field(default_factory=list)
    persons: list[tuple[str, str, str | None, datetime | None]] = field(default_factory=list)
    emails: list[tuple[str, str | None, str]] = field(default_factory=list)
    phones: list[tuple[str, str | None, str]] = field(default_factory=list)
    staff: list[dict[str, Any]] = field(default_factory=list)
    free_days: list[tuple[str | None, date]] = field(default_factory=list)
    figures_of: dict[str, dict[str, float]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)  # whose figures were

    def customers(self, customer_ids: pa.Array) -> pa.Table:
        texts = (
            "customer_id", "parent_id", "owner_id", "preferred_channel", "segment", "region",
            "timezone",
        )  # fmt: skip
        kinds = [*((name, pa.string()) for name in texts), ("profiling_objection", pa.bool_())]
        known = set(self.known)
        rows = [
            (each, self.parents_of.get(each), self.owners_of.get(each), self.prefers.get(each),
             self.segments.get(each), self.regions.get(each), self.zones.get(each),
             each in self.objectors)
            for each in customer_ids.to_pylist()
            if each in known
        ]  # fmt: skip
        columns = list(zip(*rows, strict=True)) or [()] * len(kinds)
        arrays = [pa.array(column, kind) for column, (_, kind) in zip(columns, kinds, strict=True)]
        return pa.table(arrays, schema=pa.schema(kinds))

    def parents(self) -> pa.Table:
        rows = [{"customer_id": who, "parent_id": of} for who, of in self.parents_of.items() if of]
        kinds = [("customer_id", pa.string()), ("parent_id", pa.string())]
        return pa.Table.from_pylist(rows, pa.schema(kinds))

    def consents(self, as_of: datetime) -> pd.DataFrame:
        refused = [(who, None, way, why, "refused", at) for who, way, why, at in self.refused]
        rows = [row for row in (*refused, *self.said) if row[-1] < as_of]
        columns = ["customer_id", "contact_id", "channel", "purpose", "state", "at"]
        return pd.DataFrame(rows, columns=columns)

    def contacts(self) -> pd.DataFrame:
        columns = ["customer_id", "contact_id", "role", "left_at"]
        frame = pd.DataFrame(self.persons, columns=columns)
        return frame.assign(left_at=pd.to_datetime(frame["left_at"], utc=True))

    def addresses(self, channel: str) -> pa.Table:
        rows = self.emails if channel == "email" else self.phones
        columns = list(zip(*rows, strict=True)) or [(), (), ()]
        names = ("customer_id", "contact_id", "address")
        return pa.table([pa.array(column, pa.string()) for column in columns], names=names)

    def owners(self) -> pd.DataFrame:
        columns = ["owner_id", "team", "capacity_per_day", "away_from", "away_to", "delegate_id",
                   "active"]  # fmt: skip
        return pd.DataFrame([{"active": True} | row for row in self.staff], columns=columns)

    def holidays(self) -> pd.DataFrame:
        return pd.DataFrame(self.free_days, columns=["team", "date"])

    def open_cases(self, as_of: datetime) -> pd.DataFrame:
        rows = [(who, f"case of {at}", at, at) for who, at in self.cases if at < as_of]
        return pd.DataFrame(rows, columns=["customer_id", "case_id", "opened_at", "last_at"])

    def latest(self, as_of: datetime) -> pa.Table:
        found: dict[str, dict[str, Any]] = {}
        for who, fact, at in self.facts:
            if at < as_of or fact == "renews":
                found.setdefault(who, {"customer_id": who})[f"{fact}_at"] = at
        instant = pa.timestamp("s", tz="UTC")
        fields = [("customer_id", pa.string()), *((name, instant) for name in LATEST)]
        return pa.Table.from_pylist(list(found.values()), schema=pa.schema(fields))

    def contacted(self, since: datetime, as_of: datetime) -> pa.Table:
        rows = [(*row, "email", True)[:4] if len(row) < 4 else row for row in self.contacted_at]
        rows = [row for row in rows if since <= row[1] < as_of]
        columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
        types = (pa.string(), pa.timestamp("s", tz="UTC"), pa.string(), pa.bool_())
        names = ("customer_id", "at", "channel", "recorded")
        arrays = [pa.array(c, kind) for c, kind in zip(columns, types, strict=True)]
        return pa.table(arrays, names=names)

    def features(self) -> Sequence[Feature]:
        return FEATURES

    def figures(self, customer_ids: pa.Array, names: Sequence[str], as_of: datetime) -> pa.Table:
        self.asked += customer_ids.to_pylist()
        some = [who for who in customer_ids.to_pylist() if who in self.known]
        told = {name: [self.figures_of.get(who, {}).get(name) for who in some] for name in names}
        columns = {name: pa.array(each, pa.float64()) for name, each in told.items()}
        return pa.table({"customer_id": pa.array(some, pa.string()), **columns})


@dataclass
class Record(Empty):
    """A ledger in memory; tables by name."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def _table(self, name: str) -> pa.Table:
        return pa.Table.from_pylist(self.tables.get(name, []), schema=shape(name))

    def contacts(self, since: datetime, until: datetime) -> pa.Table:
        at = pc.field("at")
        return self._table("contacts").filter((at >= since) & (at < until))

    def answers(self, since: datetime, until: datetime) -> pa.Table:
        at = pc.field("at")
        return self._table("answers").filter((at >= since) & (at < until))

    def suppressions(self, now: datetime) -> pa.Table:
        return self._table("suppressions").filter(pc.field("at") < now)

    def consents(self, now: datetime) -> pa.Table:
        return self._table("consents").filter(pc.field("at") < now)

    def overrides(self, now: datetime) -> pa.Table:
        return self._table("overrides").filter(pc.field("until") > now)

    def offers(self, since: date, until: date) -> pa.Table:
        return self._table("offers")

    def items(self, now: datetime) -> pa.Table:
        return self._table("items")


def batch_of(
    scores: Path,
    rows: Sequence[dict[str, Any]],
    run: str = "a",
    night: date = NIGHT,
    renewals: Sequence[dict[str, Any]] = (),
) -> ScoreBatch:
    """`rows` published as the night's scores, with `renewals` where there are any."""
    facts = {"feature_names": [], "code_version": "", "model_version": "1", "watermarks": {}}
    with BatchWriter(scores, night, run) as writer:
        if renewals:
            writer.renewing(pa.Table.from_pylist(list(renewals), schema=renewals_schema()))
        writer.add(pa.Table.from_pylist(list(rows), schema=score_schema()))
        writer.finish(facts | {"checks": []})
    return publish(scores, night, run)


@dataclass(frozen=True)
class InMemory(ScoreBatch):
    """A night's scores that were never written: for tests that plan many of them."""

    rows: pa.Table

    @classmethod
    def of(cls, rows: Sequence[dict[str, Any]]) -> InMemory:
        manifest = Manifest(1, NIGHT, "a", len(rows), (), Part("", 0, ""), {})
        return cls(Path(), manifest, pa.Table.from_pylist(list(rows), schema=score_schema()))

    def table(self, columns: Sequence[str] | None = None, where: Any = None) -> pa.Table:
        found = self.rows if where is None else self.rows.filter(where)
        return found if columns is None else found.select(list(columns))


def planned(
    scores: Path | None,
    rows: Sequence[dict[str, Any]],
    company: Company | None = None,
    settings: Plan = EVERYONE_TREATED,
    *,
    run: str = "a",
    now: datetime = MORNING,
    playbooks: Playbooks = PLAYS,
    **options: Any,
) -> PlanResult:
    """The plan for `rows`; without a company everyone is known and nothing ever happened.

    `scores` None: the scores are in memory."""
    company = company or Company(known=[row["customer_id"] for row in rows])
    batch = InMemory.of(rows) if scores is None else batch_of(scores, rows, run)
    return plan(batch, company, company, settings, key=KEY, now=now, playbooks=playbooks, **options)


def decisions(result: PlanResult) -> dict[str, str]:
    """Customer to decision, in the order of the list."""
    return dict(
        zip(result.rows["customer_id"].to_pylist(), result.rows["decision"].to_pylist(),
            strict=True)
    )  # fmt: skip


def row(result: PlanResult, customer_id: str) -> dict[str, Any]:
    """The customer's row of the list."""
    return next(each for each in result.rows.to_pylist() if each["customer_id"] == customer_id)
