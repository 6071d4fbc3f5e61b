"""What one look at a company's interactions tells: how many came when and from where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.contracts import DAY, KINDS
from pipelines.history import lags
from pipelines.history.manifest import Watermark

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import Column, DataFrame

APPROXIMATELY = 0.02  # relative standard deviation


@dataclass(frozen=True)
class Counted:
    """As the manifest and the feeds of a history tell it after an ingest of the same rows."""

    words: Mapping[str, tuple[str, ...]]
    sources: dict[str, Watermark]
    span: tuple[int, int] | None
    feeds: pd.DataFrame

    @property
    def rows(self) -> int:
        return int(self.feeds["rows"].sum())

    @classmethod
    def of(cls, frame: DataFrame, seen: int) -> Counted:
        """By Spark, in two scans of few columns that move nothing but counts and names.

        `seen`: when the tables are read, seconds since 1970 UTC.
        """
        feeds = _feeds(frame, seen)
        sources = {
            str(source): Watermark(
                int(rows["last"].max()),
                int(rows["recorded"].max()),
                int(rows["rows"].sum()),
                int(rows.loc[rows["dated"], "rows"].sum()),
                seen,
            )
            for source, rows in feeds.groupby("source")
        }
        span = (int(feeds["first"].min()), int(feeds["last"].max())) if len(feeds) else None
        told = feeds.drop(columns=["first", "last", "recorded"])
        return cls(_words(frame), sources, span, told)


def _words(frame: DataFrame) -> dict[str, tuple[str, ...]]:
    """Agents, sources and topics by code, as an ingest codes them."""
    from pyspark.sql import functions as F  # noqa: N812

    columns = {"agent": "agent_id", "source": "source", "topic": "topic"}
    sets = [
        F.collect_set((F.col(column) if column in frame.columns else F.lit(None)).cast("string"))
        for column in columns.values()
    ]
    found = frame.agg(*sets).toArrow()
    words = (column.combine_chunks().flatten().to_pylist() for column in found.columns)
    return {name: tuple(sorted(some)) for name, some in zip(columns, words, strict=True)}


def _seconds(frame: DataFrame, name: str) -> Column:
    """A time as seconds since 1970; NULL where there is none or it is no time."""
    from pyspark.sql import functions as F  # noqa: N812

    if name not in frame.columns:
        return F.lit(None).cast("long")
    return F.expr(f"unix_seconds(try_cast({name} AS timestamp))")


def _feeds(frame: DataFrame, now: int) -> pd.DataFrame:
    """As `History.feeds`, counted by Spark. Repeated rows and versions count, too."""
    from pyspark.sql import functions as F  # noqa: N812

    at, recorded = _seconds(frame, "occurred_at"), _seconds(frame, "recorded_at")
    late = F.greatest(recorded, at) - at
    edges = F.array(*(F.lit(edge) for edge in lags.BINS))
    # The first bin whose edge is not below; the last one takes what is later still.
    bins = F.least(F.size(F.filter(edges, lambda edge: edge < late)), F.lit(len(lags.BINS) - 1))
    rows = frame.where(at.isNotNull() & F.col("kind").isin(*KINDS)).select(
        "source",
        "kind",
        F.floor(at / DAY).cast("int").alias("day"),
        F.when(recorded.isNull(), F.lit(lags.UNKNOWN)).otherwise(bins).alias("lag"),
        recorded.isNotNull().alias("dated"),
        at.alias("at"),
        F.greatest(recorded, at).alias("recorded"),
        "customer_id",
    )
    counted = rows.groupBy("source", "kind", "day", "lag", "dated").agg(
        F.count("*").alias("rows"),
        # Only a check asks, for a ratio; exactly counted, every row would be shuffled.
        F.approx_count_distinct("customer_id", APPROXIMATELY).alias("customers"),
        F.min("at").alias("first"),
        F.max("at").alias("last"),
        F.max("recorded").alias("recorded"),
    )
    found: pd.DataFrame = counted.toArrow().to_pandas()
    found = found.sort_values(["source", "kind", "day", "lag", "dated"], ignore_index=True)
    return found.assign(ingested_at=np.int64(now)).astype({"lag": "int8"})
