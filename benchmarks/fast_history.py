"""A history as large as asked for, in minutes: the simulator's fast rows, written as our own parts.

Customers, terms and agents are ingested as any others. Interactions are drawn bucket by bucket and
written by the history's own writer, without being typed, judged and recognised row by row, which a
feature pass does not see. Hashes of ids and contents in the side files are drawn, too.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
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
    parts: list[Part] = []
    for bucket in range(history.buckets):
        events = history.versions(bucket)
        day = np.searchsorted(until - DAY, events.at, side="right")
        for number in range(days + 1):
            some = events.take(day == number)
            folder = where / f"day-{number:02d}"
            side = _no_side(len(some))
            parts.append(write_part(home.history, folder, bucket, some, side, Notes.none()))
    publish(home.history, replace(before, generation=before.generation + 1, parts=tuple(parts)))
    return History.open(home.history)


def _blocks(
    settings: FastSettings, buckets: int
) -> Iterator[tuple[int, Block, np.random.Generator]]:
    everyone = np.arange(settings.customers)
    bucket = bucket_of(everyone, buckets)
    for number in range(buckets):
        rng = np.random.default_rng([settings.seed, number])
        yield number, lives(settings, rng, everyone[bucket == number]), rng


def _write_tables(place: Path, settings: FastSettings, buckets: int) -> None:
    """Customers and terms by number, so that ingest numbers them as we do."""
    place.mkdir(parents=True, exist_ok=True)
    tables: dict[str, list[pa.Table]] = {"customers": [], "terms": []}
    for _, block, _ in _blocks(settings, buckets):
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
    parts: list[Part] = []
    first, last, rows = np.iinfo(np.int64).max, np.iinfo(np.int64).min, 0
    for number, block, rng in _blocks(settings, buckets):
        target = round(settings.interactions * len(block) / settings.customers)
        events = coded(block, draw(block, rng, target, settings.agents))
        side = _side(events, rng, rows) if whole else _no_side(len(events))
        parts.append(write_part(folder, where, number, events, side, Notes.none()))
        first, last = min(first, int(events.at.min())), max(last, int(events.at.max()))
        rows += len(events)
    manifest = replace(
        before,
        generation=before.generation + 1,
        buckets=buckets,
        rows=rows,
        span=(first, last),
        parts=tuple(parts),
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
