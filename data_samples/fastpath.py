"""Very large worlds in minutes: contract files whose rows are drawn at once, not lived through.

A block of customers is drawn, sorted and written, then forgotten: memory holds one block. There
is no service and no hidden state here, only this law: some customers begin to fade one day, their
use thins out, the vocal among them have more cases, and most of them leave within months.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from data_samples.fastrows import Block, draw, interactions
from data_samples.people import REGION_SHARES, REGIONS, SEGMENT_SHARES, SEGMENT_VALUE, SEGMENTS
from data_samples.service import TEAMS
from models.contracts import DAY

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ROWS_A_BLOCK = 4_000_000  # about 0.9 GB while a block is sorted and written
LONGEST_PAST = 5 * 365  # days before the start in which half of the customers joined


@dataclass(frozen=True)
class FastSettings:
    """Size, period and law of a fast world. Shares and sizes are assumed."""

    customers: int = 2_000_000
    interactions: int = 200_000_000  # about: counts are drawn
    days: int = 730
    end: date = date(2026, 6, 30)  # the last day of the history
    seed: int = 2
    joined_before: float = 0.55
    silent: float = 0.45  # never open a case
    fading_per_year: float = 0.30  # hazard of beginning to fade
    fade_days: float = 40.0  # in which use falls to 37%
    fading_leave: float = 0.75  # share of those who fade that leave, the rest only use less
    leaves_after: float = 75.0  # mean days from the beginning
    leave_per_year: float = 0.04  # hazard of leaving without any sign
    cases_per_year: float = 0.8  # of the vocal, three times that while they fade
    gives_notice: float = 0.65
    agents: int = 2_000


def write_fast(folder: Path, settings: FastSettings) -> int:
    """Write `customers`, `terms`, `agents` and `interactions/` as Parquet; returns interactions.

    Every block has its own random numbers: the same settings give the same bytes. ValueError
    where there are no customers or days to write.
    """
    if settings.customers < 1 or settings.days < 1:
        raise ValueError("a world needs at least one customer and one day: nothing was written")
    blocks = max(1, -(-settings.interactions // ROWS_A_BLOCK))
    edges = np.linspace(0, settings.customers, min(blocks, settings.customers) + 1).astype(int)
    (folder / "interactions").mkdir(parents=True, exist_ok=True)
    pq.write_table(agents(settings), folder / "agents.parquet")
    rows = 0
    writers: dict[str, pq.ParquetWriter] = {}
    try:
        for number, (first, last) in enumerate(pairwise(edges)):
            rng = np.random.default_rng([settings.seed, number])
            block = lives(settings, rng, np.arange(first, last))
            for name, table in (("customers", customers(block, rng)), ("terms", terms(block))):
                if name not in writers:
                    path = folder / f"{name}.parquet"
                    writers[name] = pq.ParquetWriter(path, table.schema, compression="zstd")
                writers[name].write_table(table)
            target = round(settings.interactions * (last - first) / settings.customers)
            log = interactions(block, draw(block, rng, target, settings.agents), rows)
            _write_log(folder / "interactions" / f"part-{number:05d}.parquet", log)
            rows += log.num_rows
    finally:
        for writer in writers.values():
            writer.close()
    return rows


def lives(settings: FastSettings, rng: np.random.Generator, numbers: Ints) -> Block:
    """The lives of customers `numbers`: when they join, fade, give notice and leave."""
    n = len(numbers)
    end = int(datetime.combine(settings.end, datetime.min.time(), UTC).timestamp()) + DAY
    start = end - settings.days * DAY
    before = rng.random(n) < settings.joined_before
    luck = rng.random(n)
    joined = np.where(before, -LONGEST_PAST * luck**1.5, luck * settings.days)
    begin = np.maximum(joined, 0.0)
    fades = begin + rng.exponential(365.0 / settings.fading_per_year, n)
    after = 14.0 + rng.exponential(settings.leaves_after - 14.0, n)
    leaves = np.where(rng.random(n) < settings.fading_leave, fades + after, np.inf)
    leaves = np.minimum(leaves, begin + rng.exponential(365.0 / settings.leave_per_year, n))
    notice = np.where(rng.random(n) < settings.gives_notice, leaves, np.inf)
    ended = np.where(np.isfinite(notice), notice + 30.0 * rng.random(n), leaves)
    segment = np.searchsorted(np.cumsum(SEGMENT_SHARES)[:-1], rng.random(n), side="right")
    silent = rng.random(n) < settings.silent
    return Block(
        numbers=numbers,
        start=start,
        days=settings.days,
        joined=joined,
        fades=fades,
        notice=notice,
        ended=ended,
        fade_days=settings.fade_days,
        use=rng.gamma(1.5, 1.0, n),
        cases=np.where(silent, 0.0, settings.cases_per_year / 365.0),
        segment=segment,
        value=np.round(SEGMENT_VALUE[segment] * rng.lognormal(0.0, 0.5, n), 2),
    )


def customers(block: Block, rng: np.random.Generator) -> pa.Table:
    """Who has joined by the end, in the contract's columns."""
    here = np.flatnonzero(block.joined < block.days)
    region = np.searchsorted(np.cumsum(REGION_SHARES)[:-1], rng.random(len(block)), side="right")
    region = region[here]
    return pa.table(
        {
            "customer_id": block.ids().take(pa.array(here)),
            "joined_at": block.instants(block.joined[here]),
            "segment": pa.array(SEGMENTS).take(pa.array(block.segment[here])),
            "region": pa.array([name for name, _, _ in REGIONS]).take(pa.array(region)),
            "locale": pa.array([locale for _, locale, _ in REGIONS]).take(pa.array(region)),
            "timezone": pa.array([zone for _, _, zone in REGIONS]).take(pa.array(region)),
        }
    )


def terms(block: Block) -> pa.Table:
    """One open term a customer, ended where that has come; notice where it was given."""
    here = np.flatnonzero(block.joined < block.days)
    ended = np.where(block.ended < block.days, block.ended, np.inf)[here]
    notice = np.where(block.notice < block.days, block.notice, np.inf)[here]
    ids = block.ids().take(pa.array(here))
    gone = pa.array(np.isfinite(ended))
    return pa.table(
        {
            "customer_id": ids,
            "term_id": ids,
            "product": pa.array(["monthly"] * len(here)),
            "value_per_month": block.value[here],
            "currency": pa.array(["EUR"] * len(here)),
            "started_at": block.instants(block.joined[here]),
            "notice_at": block.instants(notice),
            "ended_at": block.instants(ended),
            "end_kind": pa.array(["cancelled"] * len(here)).filter(gone).take(_ranks(gone)),
        }
    )


def _ranks(chosen: pa.Array) -> pa.Array:
    """Position among the chosen for each chosen one, null for the others."""
    flags = chosen.to_numpy(zero_copy_only=False)
    return pa.array(np.cumsum(flags) - 1, mask=~flags)


def agents(settings: FastSettings) -> pa.Table:
    number = np.arange(settings.agents)
    return pa.table(
        {
            "agent_id": [f"a-{n:05d}" for n in number],
            "team": [TEAMS[n % len(TEAMS)] for n in number],
            "is_bot": [False] * len(number),
        }
    )


def _write_log(path: Path, log: pa.Table) -> None:
    """Ids and times ascend: as differences they take a byte or two a row, not ten."""
    words = ["customer_id", "kind", "channel", "case_id", "agent_id", "topic", "score_kind"]
    pq.write_table(
        log,
        path,
        compression="zstd",
        compression_level=1,
        use_dictionary=words,
        column_encoding={
            "interaction_id": "DELTA_BYTE_ARRAY",
            "occurred_at": "DELTA_BINARY_PACKED",
        },
    )
