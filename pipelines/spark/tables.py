"""A company's own tables on Spark: contract tables found where they lie, scored without an ingest.

All but the interactions are read by the driver, as a history that is given in memory
(`history.given`). Interactions stay on Spark: one shuffle brings each customer's rows together, and
tasks read them with the very rules of an ingest, some whole customers at a time.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.errors import WarmlineError
from pipelines.features import matrix
from pipelines.features.agents import NO_AGENTS, Survey, survey_of, together
from pipelines.history import identities
from pipelines.history.buckets import buckets_for
from pipelines.history.given import Known, given
from pipelines.history.schema import INTERACTIONS, PROVENANCE, TABLE
from pipelines.history.words import lexicon
from pipelines.spark.counted import Counted
from pipelines.spark.engine import answers, of_rows, tasks_of
from pipelines.spark.groups import CELL, InGroups, Reading, Refused
from pipelines.spark.tasks import SCHEMA, OfEvents, OfRows
from pipelines.spark.views import contract_tables
from pipelines.walks import Few, Rows, Walk, Wanted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from models.settings import Settings
    from pipelines.history.events import Events
    from pipelines.history.given import Given
    from pipelines.history.store import History
    from pipelines.labels import Readable
    from pipelines.spark.tasks import Task

T = TypeVar("T")
# What no feature reads is not moved. `text` is: of a table without words it is no column at all.
COLUMNS = tuple(
    column.name for column in (*INTERACTIONS.columns, *PROVENANCE) if column.name != "contact_id"
)
# Tables of which no feature, label or value depends; personal for the most part.
LEFT = frozenset({"contacts", "consents", "owners"})
GIVEN = "tables"  # the source of a row that names none


@dataclass(frozen=True)
class Counts:
    """What some whole customers' rows tell of agents."""

    survey: Survey

    def __call__(self, events: Events) -> NDArray[np.int64]:
        return self.survey.count([([events], None)])


@dataclass(frozen=True)
class Tables:
    """An engine that walks over the company's own tables."""

    session: SparkSession
    settings: Settings
    seen: int  # when the tables were read, seconds since 1970 UTC
    keeps_rows: bool = False
    refused: list[Refused] = field(default_factory=list)  # of the walk that read most

    def history(self, folder: Path, precedence: tuple[str, ...]) -> History:
        """The tables but their interactions, of which it knows how many came when from where."""
        return self._head

    def walk(self, walk: Walk, each: Callable[[Rows], T]) -> Iterator[tuple[T, float]]:
        """As `walks.Engine.walk`."""
        for answer in self._run(walk, of_rows(walk, each)):
            yield answer, 1.0

    def buckets(self, history: Readable, each: Callable[[Events], T]) -> Iterator[T]:
        """As `walks.Engine.buckets`, some whole customers at a time."""
        return self._run(self._everyone(), OfEvents(each))

    def versions(self, history: History, few: Few[T]) -> Iterator[T]:
        """As `walks.Engine.versions`, some whole customers at a time."""
        return self._run(self._everyone(), OfEvents(few, standing=False))

    def _everyone(self) -> Walk:
        """A walk in which every customer's rows are looked at."""
        everyone = np.ones((1, self._head.manifest.customers), np.bool_)
        nobody = matrix.Context(np.empty(0, np.bool_), np.empty(0, np.int64))
        return Walk(self._head, (), nobody, Wanted(everyone, everyone, 0))

    def context(
        self, history: History, settings: Settings, nights: Sequence[matrix.Night]
    ) -> matrix.Context:
        """As `walks.Engine.context`; what agents did is counted by tasks."""
        head, agents = self._head, NO_AGENTS
        survey = survey_of(head, settings, nights)
        if survey is not None:
            standing = survey.standing.copy()
            survey.stand(head.terms(), standing)
            counts = Counts(replace(survey, standing=standing))
            counted = list(self._run(self._everyone(), OfEvents(counts, standing=False)))
            agents = survey.told(together(counted), head.agents())
        return matrix.context(head, settings, nights, agents)

    def notes(self) -> list[str]:
        """What was left out of the last walk, in words."""
        return Refused.words(self.refused)

    @cached_property
    def _frames(self) -> dict[str, DataFrame]:
        # How naive times are read, here and in the tasks.
        self.session.conf.set("spark.sql.session.timeZone", self.settings.timezone)
        asked = self.settings.spark
        return contract_tables(self.session, asked.tables, asked.mapping)

    @cached_property
    def interactions(self) -> DataFrame:
        """With the columns that are read, and `source` in every row."""
        from pyspark.sql import functions as F  # noqa: N812 - as everyone calls it

        frame = self._frames["interactions"]
        missing = [
            c.name for c in INTERACTIONS.columns if c.required and c.name not in frame.columns
        ]
        if missing:
            raise WarmlineError(
                f"The interactions have no column `{missing[0]}`. They have "
                f"{', '.join(frame.columns)}: rename it in a mapping (docs/guides/spark.md). "
                "Nothing was changed."
            )
        there = frame.select(*(name for name in COLUMNS if name in frame.columns))
        given_source = F.col("source") if "source" in there.columns else F.lit(None)
        return there.withColumn("source", F.coalesce(given_source, F.lit(GIVEN)))

    @cached_property
    def _head(self) -> Given:
        """Everything but the interactions, and what one look at those tells."""
        small = {
            name: frame.drop(*(c.name for c in TABLE[name].columns if c.personal)).toArrow()
            for name, frame in self._frames.items()
            if name != "interactions" and name not in LEFT
        }
        none = self.interactions.limit(0).toArrow()
        counted = Counted.of(self.interactions, self.seen)
        head = given(
            {**small, "interactions": none}, zone=self.settings.zone, seen=self.seen,
            known=Known(counted.words), source=GIVEN, precedence=self.settings.ingest.precedence,
        )  # fmt: skip
        told = replace(
            head.manifest,
            rows=counted.rows,
            buckets=buckets_for(counted.rows),
            span=counted.span,
            sources=counted.sources,
        )
        found = replace(head, manifest=told)
        vars(found)["_feeds"] = counted.feeds
        return found

    @cached_property
    def _ids(self) -> tuple[list[str], DataFrame | None]:
        """Ids of customers by number, and other systems' ids with the customer each stands for."""
        head = self._head
        ids = head.words("customer")
        if "identities" not in head.manifest.tables:
            return ids, None
        with head.connection() as connection:
            count = head.manifest.customers
            connection.execute("CREATE TEMP TABLE words_customer AS SELECT * FROM held_customer")
            living = identities.living(connection, head.folder, head.manifest)
            survivors = identities.resolve(connection, living, count)
            known = connection.sql("SELECT external_id, system, code FROM aliases").fetchall()
        merged = [
            (ids[code], None, ids[into]) for code, into in enumerate(survivors) if code != into
        ]
        others = [(word, system, ids[survivors[code]]) for word, system, code in known]
        # An own id counts before another system's, and that before what all systems mean.
        own = set(ids)
        pairs = [*merged, *(one for one in others if one[0] not in own)]
        schema = "id string, system string, means string"
        return ids, self.session.createDataFrame(pairs, schema) if pairs else None

    def _run(self, walk: Walk, work: OfRows[T] | OfEvents[T]) -> Iterator[T]:
        """The answers of all tasks; what they refused is kept, and fails above the set share."""
        refused: list[Refused] = []
        for answer in answers(self.dealt(walk).mapInArrow(InGroups(self._reading, work), SCHEMA)):
            if isinstance(answer, Refused):
                refused.append(answer)
            else:
                yield answer
        Refused.require(refused, self.settings.ingest.max_reject_share)
        # A later walk may look at few of the customers: what was told of most of them stays.
        if sum(one.rows for one in refused) >= sum(one.rows for one in self.refused):
            self.refused[:] = refused

    @property
    def _reading(self) -> Reading:
        head = self._head
        words = {name: tuple(head.words(name)) for name in ("agent", "source", "topic")}
        return Reading(
            self.settings.timezone, self.seen, words, head.lags,
            self.settings.ingest.precedence, lexicon(self.settings.features.words),
        )  # fmt: skip

    def dealt(self, walk: Walk) -> DataFrame:
        """Each customer's interactions together in one partition, after the task they belong to."""
        from pyspark.sql import functions as F  # noqa: N812

        many = max(self._head.buckets, 1)
        ids, others = self._ids
        rows = self.interactions.withColumn("customer_id", F.col("customer_id").cast("string"))
        if others is not None:
            rows = _resolved(rows, others)
        tasks = self._tasks(walk, many, ids)
        bucket = F.pmod(F.xxhash64("customer_id"), F.lit(many)).cast("int")
        together = rows.withColumn("bucket", bucket).unionByName(tasks, allowMissingColumns=True)
        return together.repartition(many, "bucket").sortWithinPartitions(
            "bucket", F.col(CELL).isNull(), "customer_id", "occurred_at"
        )

    def _tasks(self, walk: Walk, many: int, ids: list[str]) -> DataFrame:
        """A row for each bucket that has customers, with what they are asked about."""
        import pyarrow as pa
        from pyspark.sql import functions as F  # noqa: N812

        numbers = pa.table({"number": np.arange(len(ids), dtype=np.int32), "id": pa.array(ids)})
        placed = self.session.createDataFrame(numbers).select(
            "number", F.pmod(F.xxhash64("id"), F.lit(many)).cast("int").alias("bucket")
        )
        found = placed.toArrow().sort_by([("bucket", "ascending"), ("number", "ascending")])
        bucket, number = found["bucket"].to_numpy(), found["number"].to_numpy()
        edges = np.searchsorted(bucket, np.arange(many + 1))
        members = [number[edges[b] : edges[b + 1]] for b in range(many)]
        terms = walk.history.terms()
        asked = tasks_of(walk, members, lambda bucket: terms)
        cells = [
            pickle.dumps(_named(task, everyone, ids), pickle.HIGHEST_PROTOCOL)
            for task, everyone in zip(asked, members, strict=True)
        ]
        table = pa.table(
            {"bucket": pa.array(range(many), pa.int32()), CELL: pa.array(cells, pa.binary())}
        )
        return self.session.createDataFrame(table)


def _named(
    task: Task, everyone: NDArray[np.int32], ids: Sequence[str]
) -> tuple[Task, list[str], list[str]]:
    """The task with the ids of its customers, and of those of the bucket not asked about."""
    others = np.setdiff1d(everyone, task.customers)
    return task, [ids[n] for n in task.customers], [ids[n] for n in others]


def _resolved(rows: DataFrame, others: DataFrame) -> DataFrame:
    """With the customer's own id, of who survives, in place of another system's."""
    from pyspark.sql import functions as F  # noqa: N812

    by_system = others.where("system IS NOT NULL").toDF("customer_id", "source", "theirs")
    by_all = others.where("system IS NULL").select(
        F.col("id").alias("customer_id"), F.col("means").alias("everyones")
    )
    joined = rows.join(F.broadcast(by_system), ["customer_id", "source"], "left").join(
        F.broadcast(by_all), "customer_id", "left"
    )
    means = F.coalesce("theirs", "everyones", "customer_id")
    return joined.withColumn("customer_id", means).drop("theirs", "everyones")
