"""The night's plan: from a ScoreBatch to decisions, the worklist and the log of assignments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from models.batch import ScoreBatch
from models.contracts import DECISIONS, CustomerBook, Timeline
from models.memory import give_back
from models.settings import Plan
from outreach import columns, notes, worklist
from outreach.assign import Draw
from outreach.decide import Policy
from outreach.deciding import decided
from outreach.evidence import Evidence, Sources, gather
from outreach.gates import CONTROL
from outreach.kept import Kept
from outreach.ledger import Empty, Ledger
from outreach.passing import barred, passed
from outreach.planned import Planned
from outreach.playbooks import Playbooks
from outreach.power import Power
from outreach.quiet import Hours
from outreach.ranking import FIRST, scores_of
from outreach.record import planned
from outreach.rows import Tonight, due
from outreach.triggers import Company, Fired, asking, fire
from outreach.waking import Waking
from outreach.worth import ordered

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class PlanResult:
    """One night's decisions. The list holds everyone for whom a playbook fires; the others are
    counted only."""

    as_of: date
    origin: worklist.Origin
    policy_version: str
    rows: pa.Table  # worklist_schema(), by rank
    assigned: pa.Table  # assignments_schema(), in the same order
    record: pa.Table  # record_schema(), in the same order
    counts: dict[str, int]  # scored, no_play, unknown, listed, each decision, held_<gate>
    notes: tuple[str, ...]  # what a reader of the list must know, in sentences
    period: str  # of the control group
    drawn: Kept | None = None  # arms of the period, where some are new
    passed: frozenset[tuple[str, str]] = frozenset()  # customer and reason of items (passing.py)
    barred: frozenset[tuple[str, str]] = frozenset()  # likewise
    recorded: Mapping[str, int] = field(default_factory=dict)  # what was new to the store

    @property
    def run(self) -> str:
        """The ScoreBatch that was planned."""
        return self.origin.run

    @property
    def bands(self) -> Sequence[str]:
        """The risk band of each row."""
        bands: list[str] = self.record["band"].to_pylist()
        return bands

    @cached_property
    def worklist(self) -> pd.DataFrame:
        """The list: `WORKLIST_COLUMNS`, by rank; columns of lists hold arrays."""
        frame: pd.DataFrame = self.rows.to_pandas()
        return frame

    @cached_property
    def assignments(self) -> pd.DataFrame:
        """Who was eligible, arm and propensity: the columns of CONTRACTS.md, `assignments/`."""
        frame: pd.DataFrame = self.assigned.to_pandas()
        return frame

    def night(self, zone: tzinfo) -> datetime:
        """Midnight at the start of `as_of`."""
        return datetime.combine(self.as_of, time(), zone)

    def to_write(self) -> list[str]:
        """Customers who are to get a letter."""
        import pyarrow.compute as pc

        by_letter = (pc.field("decision") == "contact") & (pc.field("channel") == "email")
        customers: list[str] = self.rows.filter(by_letter)["customer_id"].to_pylist()
        return customers

    def to_do(self, most: int) -> list[str]:
        """Customers whom somebody is to see to or to contact, the first `most` of the list."""
        import pyarrow.compute as pc

        some = self.rows.filter(pc.field("decision") != "hold").slice(0, most)
        customers: list[str] = some["customer_id"].to_pylist()
        return customers

    def planned(self, held: Collection[str] = ()) -> Iterator[Planned]:
        """What is to be done, as the store keeps it, and the decisions to hold one of `held`
        (customers); all others are only in the file that is published."""
        import pyarrow as pa
        import pyarrow.compute as pc

        whose = pa.array(sorted(held), pa.string())
        mine = pc.or_(
            pc.not_equal(self.rows["decision"], "hold"),
            pc.is_in(self.rows["customer_id"], value_set=whose),
        )
        tables = (some.filter(mine) for some in (self.rows, self.assigned, self.record))
        return planned(*tables, as_of=self.as_of, run=self.run)


def preview(
    home: Path,
    scores: Path,
    book: CustomerBook,
    timeline: Timeline,
    settings: Plan,
    *,
    key: bytes,
    now: datetime,
    as_of: date | None = None,
    zone: tzinfo = UTC,
    ledger: Ledger | None = None,
) -> PlanResult:
    """Plans the published scores of `as_of` (the newest by default); `write` publishes the list.

    Raises `WarmlineError` where there are no scores, `WrongUsage` for a playbook that cannot be
    read.
    """
    batch = ScoreBatch.latest(scores) if as_of is None else ScoreBatch.open(scores, as_of)
    return plan(
        batch, book, timeline, settings,
        key=key, now=now, zone=zone, ledger=ledger, playbooks=Playbooks.load(home), home=home,
    )  # fmt: skip


def write(result: PlanResult, home: Path) -> Path:
    """Publishes the list and the assignments in `home`; gives the folder of the list."""
    give_back()
    if result.drawn is not None:
        worklist.write_draw(home, result.period, result.drawn)
    return worklist.publish(
        home, result.as_of, result.rows, result.assigned, result.record, result.origin
    )


def plan(
    batch: ScoreBatch,
    book: CustomerBook,
    timeline: Timeline,
    settings: Plan,
    *,
    key: bytes,
    now: datetime,
    zone: tzinfo = UTC,
    ledger: Ledger | None = None,
    playbooks: Playbooks | None = None,
    home: Path | None = None,
) -> PlanResult:
    """Decides about everyone in `batch` for whom a playbook fires, and about whoever waits for an
    answer, scored or not.

    `zone` is the home's; the night is midnight at the start of `batch.as_of` there, and the
    same night gives the same decisions whenever it is planned. Only refusals, suppressions and
    overrides count until `now`. `key` is the home's secret, which draws the control group; the
    draw on record is read from `home`.
    """
    night = datetime.combine(batch.as_of, time(), zone)
    policy = Policy(settings, zone, playbooks or Playbooks.load())
    sources = Sources(book, timeline, ledger or Empty(), key, night, now)
    evidence, counts = _gathered(batch, policy, sources)
    give_back()
    power = _power(evidence, settings, policy)
    draw = _draw(batch, evidence, settings, power, key=key, home=home)
    home_zone = zone if isinstance(zone, ZoneInfo) else ZoneInfo("UTC")
    hours = Hours(settings.opens, settings.closes)
    tonight = Tonight(
        batch.as_of, night, due(batch.as_of, zone), policy, draw,
        Waking.of(night, home_zone, hours, book.holidays()),
    )  # fmt: skip
    whole, drawn = decided(evidence, tonight)
    counts |= _counts(whole, draw)
    return PlanResult(
        as_of=batch.as_of,
        origin=worklist.Origin(batch.run, now, counts=counts),
        policy_version=policy.version,
        rows=whole.select(worklist.worklist_schema().names),
        assigned=whole.select(worklist.assignments_schema().names),
        record=whole.select(worklist.record_schema().names),
        counts=counts,
        notes=tuple(notes.notes(batch, evidence, timeline.latest(night), policy, power, draw, now)),
        period=draw.name,
        drawn=drawn,
        passed=frozenset(passed(evidence, policy, timeline.latest(night))),
        barred=frozenset(barred(evidence, whole)),
    )


def _gathered(
    batch: ScoreBatch, policy: Policy, sources: Sources
) -> tuple[Evidence, dict[str, int]]:
    """What is known of all for whom a playbook fires, from the top of the list; how many have a
    score, how many of those no playbook, and how many the book does not know."""
    fired = _fired(batch, policy, sources)
    give_back()
    scores = scores_of(batch, fired.customer_id)
    evidence = gather(scores, fired, policy.playbooks, sources, policy.settings)
    rows = ordered(evidence, policy, key=sources.key, as_of=batch.as_of)
    scored = scores.num_rows - scores["churn_probability"].null_count
    counts = {
        "scored": batch.manifest.rows,
        "no_play": batch.manifest.rows - scored,
        "unknown": scores.num_rows - rows.num_rows,
    }
    return replace(evidence, rows=rows), counts


def _fired(batch: ScoreBatch, policy: Policy, sources: Sources) -> Fired:
    """For whom which playbook fires. Raises `WrongUsage` for a feature that there is not."""
    import pyarrow as pa

    books, least, night = policy.playbooks, policy.settings.min_band, sources.night
    told = any(play.trigger.systems for play in books.plays)
    scores = batch.table([*FIRST, "reasons"] if told else FIRST)
    company = Company.of(scores, sources.timeline.latest(night))
    if any(play.audience.segments for play in books.plays):
        found = sources.book.customers(company.customer_id)
        segments = columns.beside(company.customer_id, found, "segment").combine_chunks()
        company = replace(company, segment=segments)
    if books.features:
        books.refuse_unknown(sources.timeline.features())
        wanted = company.customer_id.filter(pa.array(asking(company, books, least, night)))
        figures = sources.timeline.figures(wanted, books.features, night)
        company = company.with_figures(figures)
    return fire(company, books, least, night)


def _power(evidence: Evidence, settings: Plan, policy: Policy) -> Power:
    """What a control group of those at risk tonight could tell."""
    import pyarrow.compute as pc

    randomised = [n for n, play in enumerate(policy.playbooks.plays) if play.randomised]
    rows = evidence.rows
    needed = rows.select(["play", "unit", "churn_probability"])
    taking_part = needed.filter(pc.field("play").isin(randomised))
    base = pc.mean(taking_part["churn_probability"]).as_py() or 0.0
    return Power.of(len(taking_part["unit"].unique()), settings.control_share, base)


def _draw(
    batch: ScoreBatch,
    evidence: Evidence,
    settings: Plan,
    power: Power,
    *,
    key: bytes,
    home: Path | None,
) -> Draw:
    """The period's draw with what is on record of it; timing where a control group tells nothing.

    A draw that is on record stands, however many are at risk tonight."""
    import pyarrow.compute as pc

    horizon = pc.max(evidence.rows["horizon_days"]).as_py() or 0
    fresh = Draw.of(key, settings.control_share, as_of=batch.as_of, horizon_days=horizon)
    kept = worklist.read_draw(home, fresh.name) if home is not None else Kept.none()
    timing = not len(kept) and 0 < settings.control_share < 1 and not power.tells
    return replace(fresh, kept=kept, timing=timing)


def _many(column: pa.ChunkedArray) -> Counter[str]:
    """How often each text stands in a column, or in its lists."""
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.list_flatten(column) if pa.types.is_list(column.type) else column
    return Counter({each["values"]: each["counts"] for each in texts.value_counts().to_pylist()})


def _counts(whole: pa.Table, draw: Draw) -> dict[str, int]:
    """How many are listed, how many got each decision, and how many each gate held. Where timing is
    drawn nobody is in a control group: they wait for their turn."""
    kinds, held = (_many(whole[name]) for name in ("decision", "held_by"))
    words = {CONTROL.name: "turn"} if draw.timing else {}
    return {
        "listed": whole.num_rows,
        **{kind: kinds[kind] for kind in DECISIONS},
        **{f"held_{words.get(gate, gate)}": held[gate] for gate in sorted(held)},
    }
