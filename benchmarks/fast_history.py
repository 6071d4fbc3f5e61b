"""A history as large as asked for, in minutes: the simulator's fast rows, written as our own parts.

Customers, terms and agents are ingested as any others. Interactions are drawn bucket by bucket and
written by the history's own writer, without being typed, judged and recognised row by row, which a
feature pass does not see. Hashes of ids and contents in the side files are drawn, too.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from benchmarks.harness import must, warmline
from data_samples.fastpath import FastSettings, agents, customers, lives, terms
from data_samples.fastrows import Block, Drawn, draw, ids
from data_samples.rows import TOPICS
from models.contracts import DAY, SCORE_KIND_CODE
from models.home import Home
from pipelines.history import people
from pipelines.history.buckets import bucket_of, buckets_for
from pipelines.history.engine import connect
from pipelines.history.events import DTYPES, NEVER, NONE, Events
from pipelines.history.manifest import File, Manifest, Part, publish
from pipelines.history.ordering import merged
from pipelines.history.parts import SIDE_COLUMNS, Notes, write_part
from pipelines.history.store import History
from pipelines.history.verdicts import NO_VERSION

Ints = NDArray[np.int64]

THREADS = 2


def write_history(home: Home, settings: FastSettings, whole: bool = True) -> History:
    """Makes the home and its history. Every bucket has its own random numbers.

    Unless `whole`, side files hold nothing that a feature pass would read."""
    buckets = buckets_for(settings.interactions)
    place = home.root.parent / f"{home.root.name}-tables"
    _write_tables(place, settings, buckets)
    must(warmline(home.root, "init"))
    must(warmline(home.root, "ingest", str(place)))
    before = History.open(home.history).manifest
    _add_parts(home.history, before, settings, buckets, whole)
    return History.open(home.history)


def write_days(home: Home, of: Home, days: int) -> History:
    """A home with the history of another one, as if the last `days` days had come night by night
    and nothing had been compacted: a part a day and bucket."""
    shutil.copytree(of.root, home.root, copy_function=os.link)
    history = History.open(home.history)
    before, edges = history.manifest, np.arange(days - 1, -1, -1)
    assert history.span is not None
    until = history.span[1] + 1 - edges * DAY
    where = home.history / f"g{before.generation + 1:06d}"

    def write(bucket: int) -> list[Part]:
        events = history.versions(bucket)
        day = np.searchsorted(until - DAY, events.at, side="right")
        pieces = (events.take(day == number) for number in range(days + 1))
        return [
            write_part(home.history, where / f"day-{number:02d}", bucket, some,
                       _no_side(len(some)), Notes.none())
            for number, some in enumerate(pieces)
        ]  # fmt: skip

    with ThreadPoolExecutor(THREADS) as pool:
        parts = tuple(chain.from_iterable(pool.map(write, range(history.buckets))))
    publish(home.history, replace(before, generation=before.generation + 1, parts=parts))
    return History.open(home.history)


def _block(settings: FastSettings, bucket: Ints, number: int) -> tuple[Block, np.random.Generator]:
    """The customers of one bucket (`bucket` has everyone's), and their random numbers."""
    rng = np.random.default_rng([settings.seed, number])
    return lives(settings, rng, np.flatnonzero(bucket == number)), rng


def _write_tables(place: Path, settings: FastSettings, buckets: int) -> None:
    """Customers and terms by number, so that ingest numbers them as we do."""
    place.mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[pa.Table]] = {"customers": [], "terms": []}
    bucket = bucket_of(np.arange(settings.customers), buckets)
    for number in range(buckets):
        block, _ = _block(settings, bucket, number)
        tables["customers"].append(customers(block, np.random.default_rng(settings.seed)))
        tables["terms"].append(terms(block))
    for name, pieces in tables.items():
        table = pa.concat_tables(pieces, promote_options="permissive").sort_by("customer_id")
        pq.write_table(table, place / f"{name}.parquet")
    pq.write_table(agents(settings), place / "agents.parquet")


def _add_parts(
    folder: Path, before: Manifest, settings: FastSettings, buckets: int, whole: bool
) -> None:
    words = History(folder, before).words("customer")
    if words != [f"C{number:010d}" for number in range(settings.customers)]:
        raise SystemExit("ingest numbered the customers otherwise than this benchmark does")
    where = folder / f"g{before.generation + 1:06d}"
    room = 2 * settings.interactions // buckets  # ids of a bucket
    bucket = bucket_of(np.arange(settings.customers), buckets)

    def write(number: int) -> tuple[Part, int, int]:
        """A bucket's part, and its first and last time."""
        block, rng = _block(settings, bucket, number)
        target = round(settings.interactions * len(block) / settings.customers)
        events = coded(block, draw(block, rng, target, settings.agents))
        side = _side(events, rng, number * room) if whole else _no_side(len(events))
        part = write_part(folder, where, number, events, side, Notes.none())
        return part, int(events.at.min()), int(events.at.max())

    with ThreadPoolExecutor(THREADS) as pool:
        written = list(pool.map(write, range(buckets)))
    parts, first, last = zip(*written, strict=True)
    manifest = replace(
        before,
        generation=before.generation + 1,
        buckets=buckets,
        rows=sum(part.coded.rows for part in parts),
        span=(min(first), max(last)),
        parts=parts,
        dictionaries={
            **before.dictionaries,
            "agent": (_words(folder, where, "agent", agents(settings)["agent_id"]),),
            "topic": (_words(folder, where, "topic", pa.array(TOPICS)),),
        },
    )
    with connect(memory_gb=4) as connection:  # by the new number of buckets
        manifest = people.code(connection, folder, where, manifest, ())
    publish(folder, manifest)


def _words(folder: Path, where: Path, dictionary: str, words: Any) -> File:
    """A dictionary's words by code."""
    path = where / f"dictionary-{dictionary}.parquet"
    pq.write_table(pa.table({"word": words}), path)
    return File.of(folder, path, len(words))


def coded(block: Block, rows: Drawn) -> Events:
    """Drawn rows as the history codes them: every row known when it happened."""
    n = len(rows.at)
    at = block.start + rows.at
    given: dict[str, NDArray[Any]] = {
        "customer": block.numbers[rows.customer],
        "at": at,
        "recorded": at,
        "kind": rows.kind,
        "channel": rows.channel,
        "topic": rows.topic,
        "agent": rows.agent,
        "case": _within_customer(rows),
        "value": rows.value,
        "seconds": np.full(n, np.nan),
        "wait": np.round(rows.wait),
        "score": rows.score,
        "score_kind": np.where(np.isnan(rows.score), NONE, SCORE_KIND_CODE["csat"]),
        "provoked": np.zeros(n, np.bool_),
        "said": np.zeros(n, np.int8),
        "until": np.full(n, NEVER),
    }
    return merged([Events(**{name: given[name].astype(DTYPES[name]) for name in DTYPES})])


def _no_side(rows: int) -> pa.Table:
    """All that a reader of a generation's features may look at."""
    return pa.table({"generation": np.zeros(rows, np.int32)})


def _side(events: Events, rng: np.random.Generator, before: int) -> pa.Table:
    """The side columns of new rows that follow `before` others."""
    n = len(events)
    nothing, first = pa.nulls(n, pa.string()), np.zeros(n, np.int32)
    drawn: dict[str, Any] = {
        "key": rng.integers(0, 2**64, n, np.uint64),
        "content": rng.integers(0, 2**64, n, np.uint64),
        "version": np.full(n, NO_VERSION),
        "source": first,
        "owner": events.customer,
        "generation": first,
        "interaction_id": ids("i", before + np.arange(n)),
    }
    return pa.table({name: drawn.get(name, nothing) for name in SIDE_COLUMNS})


def _within_customer(rows: Drawn) -> Ints:
    """Case numbers of a block, which ascend with its customers, as 0, 1, 2, ... of each."""
    case = rows.case.astype(np.int64)
    known = np.flatnonzero(case >= 0)
    first = np.full(int(rows.customer.max(initial=0)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, rows.customer[known], case[known])
    return np.where(case >= 0, case - first[rows.customer], NONE)
