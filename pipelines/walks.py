"""One walk over a history for some nights, and what is done with the rows where they are made.

Who asks says what is wanted of whom (`Walk`) and what becomes of each block's rows (`each`); where
it runs is the engine's: on this machine (`Local`) or on Spark (`pipelines/spark`). There `each`
runs in the tasks and only what it returns comes back, so it must be picklable and its answer small.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.executors import executor
from pipelines.features import matrix
from pipelines.history.events import Events

if TYPE_CHECKING:
    from pathlib import Path

    from models.settings import Settings
    from pipelines.history.store import History
    from pipelines.labels import Readable

T = TypeVar("T")


@dataclass(frozen=True)
class Rows:
    """Rows of the matrix of one night and of some customers, all of them wanted."""

    night: int  # position among the walk's nights
    customers: NDArray[np.int32]  # [n], ascending numbers
    values: NDArray[np.float64]  # [n, features]


@dataclass(frozen=True)
class Wanted:
    """Whose rows are wanted at each night, [nights, customers] each.

    Whoever has no contract that tells an end must have been active in the last `active_days`.
    """

    usable: NDArray[np.bool_]
    contracted: NDArray[np.bool_]
    active_days: int

    @property
    def anyone(self) -> NDArray[np.bool_]:
        """Who may have a row at any night, [customers]."""
        wanted: NDArray[np.bool_] = np.logical_or.reduce(self.usable, axis=0)
        return wanted

    def among(self, customers: NDArray[np.int32]) -> Wanted:
        """The same of some customers, whose position there stands for their number."""
        return Wanted(self.usable[:, customers], self.contracted[:, customers], self.active_days)

    def rows(self, values: NDArray[np.float64], customers: NDArray[np.int32]) -> Iterator[Rows]:
        """The wanted rows of `values` [nights, n, features], night by night.

        `customers`, ascending, are numbers here.
        """
        for night, of_night in enumerate(values):
            idle_days = of_night[:, matrix.column("days_since_active")]
            lately = idle_days <= self.active_days  # not where it is not known
            keep = self.usable[night, customers] & (self.contracted[night, customers] | lately)
            if keep.all():
                yield Rows(night, customers, of_night)
            else:
                yield Rows(night, customers[keep], of_night[keep])


@dataclass(frozen=True)
class Walk:
    """What is asked of a walk over a history."""

    history: History
    nights: Sequence[matrix.Night]
    context: matrix.Context
    wanted: Wanted


@dataclass(frozen=True)
class Few(Generic[T]):
    """What becomes of a few of a bucket's interactions."""

    columns: Collection[str]  # that are read, of those that a row may lack
    chosen: Callable[[Events], Events]
    each: Callable[[Events], T]  # of the chosen ones

    def __call__(self, events: Events) -> T:
        return self.each(self.chosen(events))


class Engine(Protocol):
    """Where walks run."""

    @property
    def keeps_rows(self) -> bool:
        """Whether `each` runs in this process, one block after another: what it keeps stays."""
        ...

    def history(self, folder: Path, precedence: tuple[str, ...]) -> History:
        """The history that it walks over, where the home's lies in `folder`. Raises
        `WarmlineError` where there is none."""
        ...

    def walk(self, walk: Walk, each: Callable[[Rows], T]) -> Iterator[tuple[T, float]]:
        """What `each` made of the rows of every block and night, in no order, and the share that
        is done."""
        ...

    def buckets(self, history: Readable, each: Callable[[Events], T]) -> Iterator[T]:
        """What `each` made of the interactions of every bucket that count today, in no order."""
        ...

    def versions(self, history: History, few: Few[T]) -> Iterator[T]:
        """What `few` made of the interactions of every bucket, in every version that ever counted,
        in no order."""
        ...

    def context(
        self, history: History, settings: Settings, nights: Sequence[matrix.Night]
    ) -> matrix.Context:
        """What the customers' own rows do not tell, for these nights (`matrix.context`)."""
        ...

    def notes(self) -> list[str]:
        """What the last walk could not use, in words."""
        ...


@dataclass(frozen=True)
class Local:
    """This machine: buckets are read and computed by `threads`, `each` is called here."""

    threads: int = 2
    keeps_rows: bool = True

    def history(self, folder: Path, precedence: tuple[str, ...]) -> History:
        from pipelines.history.store import History

        return History.open(folder, precedence)

    def walk(self, walk: Walk, each: Callable[[Rows], T]) -> Iterator[tuple[T, float]]:
        blocks = matrix.stream(
            walk.history,
            walk.nights,
            walk.context,
            customers=walk.wanted.anyone,
            threads=self.threads,
        )
        for block in blocks:
            share = (block.bucket + 1) / walk.history.buckets
            for rows in walk.wanted.rows(block.values, block.customers):
                yield each(rows), share

    def buckets(self, history: Readable, each: Callable[[Events], T]) -> Iterator[T]:
        return (each(history.bucket(bucket)) for bucket in range(history.buckets))

    def versions(self, history: History, few: Few[T]) -> Iterator[T]:
        def of_bucket(bucket: int) -> T:
            pieces = history.pieces(bucket, few.columns)
            return few.each(Events.concatenate([few.chosen(piece) for piece in pieces]))

        with executor(self.threads if history.buckets > 1 else 0) as pool:
            yield from pool.map(of_bucket, range(history.buckets))

    def context(
        self, history: History, settings: Settings, nights: Sequence[matrix.Night]
    ) -> matrix.Context:
        return matrix.context(history, settings, nights)

    def notes(self) -> list[str]:
        return []
