"""The night as a user would write it by hand, for comparison: one script, no Warmline in its way.

`python -m benchmarks.plain_night WORLD BUNDLE AS_OF SHARE OUT` computes with one DuckDB query
(`FILTER` for each stream and window) every feature of ours that SQL can say over plain
interactions, predicts with the same trees by LightGBM, takes `pred_contrib` for the same share of
customers, and writes a CSV. Facts, rhythms and trends are left at nothing, so it does less.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import lightgbm
import numpy as np

from pipelines.features.matrix import features
from pipelines.features.stream import SCORE_CUTS, Stat, Stream, Where
from pipelines.features.streams import STREAMS

COLUMN = {"value": "value", "seconds": "seconds", "wait": "wait_seconds", "score": "score"}


def main(world: Path, bundle: Path, day: date, share: float, out: Path) -> None:
    started = time.perf_counter()
    as_of = datetime.combine(day, datetime.min.time(), UTC)
    wanted = {feature.name: position for position, feature in enumerate(features())}
    said = dict(columns(as_of))
    connection = duckdb.connect()
    connection.execute("SET threads = 2; SET TimeZone = 'UTC'")
    query = ", ".join(f'{expression} AS "{name}"' for name, expression in said.items())
    table = connection.sql(
        f"SELECT customer_id, {query} FROM read_parquet('{world}/interactions*.parquet') "
        f"WHERE occurred_at < '{as_of.isoformat()}' GROUP BY customer_id"
    ).to_arrow_table()
    matrix = np.full((table.num_rows, len(wanted)), np.nan)
    for name in said:
        matrix[:, wanted[name]] = table[name].to_numpy()
    featured = time.perf_counter()
    booster = lightgbm.Booster(model_file=str(bundle / "model.txt"))
    probability = np.asarray(booster.predict(matrix, num_threads=2))
    scored = time.perf_counter()
    top = np.argsort(-probability)[: round(share * len(probability))]
    why = np.asarray(booster.predict(matrix[top], pred_contrib=True, num_threads=2))
    explained = time.perf_counter()
    names = list(wanted)
    ids = table["customer_id"].to_pylist()
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for row, contributions in zip(top, why, strict=True):
            best = np.argsort(-contributions[:-1])[:3]
            writer.writerow([ids[row], probability[row], *(names[column] for column in best)])
    ended = time.perf_counter()
    steps = {
        "features": featured - started,
        "predict": scored - featured,
        "pred_contrib": explained - scored,
        "csv": ended - explained,
    }
    facts = {"columns": len(said), "customers": table.num_rows, "seconds": steps}
    print(json.dumps(facts))


def columns(as_of: datetime) -> Iterator[tuple[str, str]]:
    """Name and SQL of each feature that plain SQL can say."""
    streams = {stream.name: stream for stream in STREAMS}
    for stream in STREAMS:
        if stream.where.of_facts or stream.where.by is not None or stream.where.said:
            continue
        for stat, feature in zip(stream.stats, stream.features(), strict=True):
            expression = _figure(stream, stat, as_of, streams)
            if expression:
                yield feature.name, expression


def _figure(stream: Stream, stat: Stat, as_of: datetime, streams: dict[str, Stream]) -> str | None:
    rows = f"FILTER (WHERE {_where(stream.where)}{_since(stat.window, as_of)})"
    measure = f"{COLUMN.get(stream.measure, '1')} * {stream.scale!r}"
    age = f"epoch(TIMESTAMPTZ '{as_of.isoformat()}' - {{}}(occurred_at) {rows}) / 86400"
    if stat.op == "share":
        whole = streams[stat.of].where
        if whole.of_facts or whole.by is not None or whole.said:
            return None
        of = f"FILTER (WHERE {_where(whole)}{_since(stat.window, as_of)})"
        return f"count(*) {rows} / nullif(count(*) {of}, 0)"
    attribute = {"agent": "agent_id", "case": "case_id", "day": "occurred_at::DATE"}
    named = attribute.get(stat.attribute or "", stat.attribute)
    figures = {
        "count": f"count(*) {rows}",
        "sum": f"coalesce(sum({measure}) {rows}, 0)",
        "mean": f"avg({measure}) {rows}",
        "min": f"min({measure}) {rows}",
        "max": f"max({measure}) {rows}",
        "last": f"arg_max({measure}, occurred_at) {rows}",
        "since": age.format("max"),
        "first": age.format("min"),
        "distinct": f"count(DISTINCT {named}) {rows}",
    }
    return figures.get(stat.op)


def _since(window: int | None, as_of: datetime) -> str:
    if window is None:
        return ""
    return f" AND occurred_at >= '{(as_of - timedelta(days=window)).isoformat()}'"


def _where(where: Where) -> str:
    said = [_among("kind", where.sources)]
    if where.channels:
        said.append(_among("channel", where.channels))
    if where.score_kinds:
        said.append(_among("score_kind", where.score_kinds))
    if where.provoked is not None:
        said.append(f"caused_by IS {'NOT ' if where.provoked else ''}NULL")
    if where.in_case is not None:
        said.append(f"case_id IS {'NOT ' if where.in_case else ''}NULL")
    if where.signs:
        signs = {"unknown": "value IS NULL", "negative": "value < 0", "zero": "value = 0",
                 "positive": "value > 0"}  # fmt: skip
        said.append("(" + " OR ".join(signs[sign] for sign in where.signs) + ")")
    if where.ratings:
        rated = (
            f"(score_kind = '{kind}' AND {_rating(rating, *cuts)})"
            for kind, cuts in SCORE_CUTS.items()
            for rating in where.ratings
        )
        said.append("(" + " OR ".join(rated) + ")")
    return " AND ".join(said)


def _rating(rating: str, poor: float, good: float) -> str:
    bounds = {
        "poor": f"score <= {poor}",
        "middling": f"score > {poor} AND score < {good}",
        "good": f"score >= {good}",
    }
    return bounds[rating]


def _among(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


if __name__ == "__main__":
    world, bundle, day, share, out = sys.argv[1:]
    main(Path(world), Path(bundle), date.fromisoformat(day), float(share), Path(out))
