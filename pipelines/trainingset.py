"""From history to rows a model can learn from: features and labels of past nights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY, Feature
from models.dataset import Contacts, Dataset, sampled
from models.errors import NotEnoughData
from pipelines import labels, snapshots
from pipelines.afterwards import afterwards
from pipelines.contacted import contacted
from pipelines.features import matrix
from pipelines.population import Population, Why
from pipelines.walks import Engine, Local, Rows, Walk, Wanted

if TYPE_CHECKING:
    from models.command import Advance
    from models.settings import Settings
    from pipelines.history.store import History

NO_SIGN = 36_500.0  # days; longer than any silence that was broken


@dataclass(frozen=True)
class TrainingSet:
    """Rows of all snapshots. `silence` is the baseline's ranking: days since any sign of life."""

    data: Dataset
    silence: NDArray[np.float64]  # [n]
    dates: tuple[date, ...]  # of the snapshots
    label: str  # contractual | non_contractual
    sampled: float  # share of the customers that were taken
    renewals: labels.Renewals | None = None  # [n]; None where contracts tell nothing

    @property
    def terms(self) -> tuple[NDArray[Any], ...]:
        """What of `renewals` is learned from, column by column."""
        return () if self.renewals is None else tuple(vars(self.renewals).values())

    def take(self, rows: NDArray[np.bool_]) -> TrainingSet:
        """The rows chosen by mask."""
        return replace(
            self,
            data=self.data.take(rows),
            silence=self.silence[rows],
            renewals=self.renewals and self.renewals.take(rows),
        )

    def at(self, dates: Sequence[date], settings: Settings) -> NDArray[np.bool_]:
        """Mask of the rows of these snapshots, [n]."""
        instants = [snapshots.midnight(day, settings.zone) for day in dates]
        return np.isin(self.data.as_of, instants)


def assemble(
    history: History,
    settings: Settings,
    dates: Sequence[date],
    horizon_days: int,
    advance: Advance = lambda what, share: None,
    engine: Engine | None = None,
) -> TrainingSet:
    """Features as each date's night knew them, labels as they are known today.

    Rows: who would have been scored then, and whose leaving or staying can be told. Above
    `max_rows` customers are sampled by a hash of their number, all rows of one together.
    `engine`: where the rows are made, this machine by default.
    """
    engine = engine or Local(settings.performance.threads)
    people = Population.of(history.people(), history.terms())
    nights = [snapshots.night(day, settings.zone, settings.training.usual_hour) for day in dates]
    labelled, label = told(history, settings, people, nights, horizon_days * DAY, engine)
    usable = np.array(
        [
            (people.excluded(night) == Why.SCORED) & of_night.known
            for night, of_night in zip(nights, labelled, strict=True)
        ]
    )
    share = min(1.0, settings.training.max_rows / max(int(usable.sum()), 1))
    contracted = np.array([people.contracted(night.cutoff) for night in nights])
    wanted = Wanted(
        usable & sampled(np.arange(len(people)), share), contracted, settings.training.active_days
    )
    pieces = []
    advance("reading past nights", 0.0)
    context = engine.context(history, settings, nights)
    for rows, done in engine.walk(Walk(history, nights, context, wanted), as_they_are):
        left = labelled[rows.night].left[rows.customers]
        pieces.append((nights[rows.night].as_of, rows.customers, left, rows.values))
        advance("reading past nights", 0.4 * done)
    found = _set(pieces, context.features, tuple(dates), label, share)
    as_ofs = [night.as_of for night in nights]
    row = np.searchsorted(as_ofs, found.data.as_of), found.data.customer
    when = _leaves_in(labelled, row)
    sent = contacted(history, as_ofs, horizon_days * DAY, engine)
    did = afterwards(history, as_ofs, horizon_days * DAY, row, share, engine)
    contacts = _contacts(sent, row).before(when)
    data = replace(found.data, leaves_in=when, contacts=contacts, surrogates=did)
    if label != "contractual":
        return replace(found, data=data)
    counted = settings.training.counted_end_kinds
    due = [labels.renewal(people, night, horizon_days * DAY, counted) for night in nights]
    return replace(found, data=data, renewals=_renewals(due, row))


Cells = tuple[NDArray[np.intp], NDArray[np.int64]]  # of rows: the night's position, the customer


def _leaves_in(labelled: Sequence[labels.Labels], row: Cells) -> NDArray[np.float64] | None:
    """Days from each row's night to the customer's leaving; None where labels have no dates."""
    days = [of_night.days for of_night in labelled if of_night.days is not None]
    return np.array(days)[row] if len(days) == len(labelled) else None


def _contacts(sent: Sequence[Contacts], row: Cells) -> Contacts:
    """Of each row."""
    after, lately = (np.array([vars(one)[name] for one in sent]) for name in ("after", "lately"))
    return Contacts(after[row], lately[row])


def _renewals(due: Sequence[labels.Renewals], row: Cells) -> labels.Renewals:
    """The term of each row."""
    columns = ([vars(of_night)[name] for of_night in due] for name in vars(due[0]))
    return labels.Renewals(*(np.array(column)[row] for column in columns))


def as_they_are(rows: Rows) -> Rows:
    """What training takes of each block; never a view of it, which is written over."""
    return rows if rows.values.flags.owndata else replace(rows, values=rows.values.copy())


def told(
    history: History,
    settings: Settings,
    people: Population,
    nights: Sequence[matrix.Night],
    horizon: int,
    engine: Engine | None = None,
) -> tuple[list[labels.Labels], str]:
    """Who left within `horizon` seconds of each night, as it is known today, and which kind of
    leaving is meant. Raises `NotEnoughData` where contracts are to tell and there are none."""
    wanted = settings.training.label
    if wanted == "contractual" and not people.contractual:
        raise NotEnoughData(
            "`label` is set to contractual, but neither `terms` nor a `left_at` tells any end. "
            'Ingest them, or set label = "non_contractual" under [training].'
        )
    if wanted == "contractual" or (wanted == "auto" and people.contractual):
        counted = settings.training.counted_end_kinds
        found = [labels.contractual(people, night.as_of, horizon, counted) for night in nights]
        return found, "contractual"
    as_ofs = [night.as_of for night in nights]
    return labels.non_contractual(history, as_ofs, horizon, engine), "non_contractual"


def _set(
    pieces: Sequence[tuple[int, NDArray[np.int32], NDArray[np.bool_], NDArray[np.float64]]],
    features: tuple[Feature, ...],
    dates: tuple[date, ...],
    label: str,
    share: float,
) -> TrainingSet:
    """Pieces of (as_of, customers, left, rows) as one set, by snapshot and customer number."""
    rows = np.concatenate([rows for *_, rows in pieces] or [np.empty((0, len(features)))])
    as_of = np.concatenate([np.full(len(rows), at, np.int64) for at, _, _, rows in pieces])
    customer = np.concatenate([numbers for _, numbers, _, _ in pieces]).astype(np.int64)
    left = np.concatenate([left for _, _, left, _ in pieces])
    order = np.lexsort((customer, as_of))
    rows = rows[order]
    data = Dataset(
        X=rows,
        y=left[order],
        customer=customer[order],
        as_of=as_of[order],
        silent=rows[:, matrix.column("silent")] > 0,
        features=features,
    )
    signs = rows[:, [matrix.column("days_since_active"), matrix.column("days_since_word")]]
    silence = np.nan_to_num(signs, nan=NO_SIGN).min(axis=1)
    return TrainingSet(data, silence, dates, label, share)


def require_leavers(
    data: Dataset, settings: Settings, dates: Sequence[date], horizon_days: int
) -> None:
    """Raises `NotEnoughData` for one class or too few leavers, with when there would be enough."""
    leavers = len(np.unique(data.customer[data.y]))
    needed = settings.training.min_leavers
    if len(data) and leavers == len(np.unique(data.customer)) and data.y.all():
        raise NotEnoughData(
            "everyone in the training period left: there is nobody who stayed to learn from. "
            "Check `left_at` and `terms`, or name the right label under [training]."
        )
    if leavers >= needed:
        return
    first, last = dates[0], dates[-1] + timedelta(days=horizon_days)
    words = (
        f"{leavers} customers left between {first} and {last}, training needs {needed} "
        "(min_leavers)."
    )
    if leavers == 0:
        raise NotEnoughData(
            f"{words} Nobody left: check that `terms` or `left_at` tell ends, or that orders and "
            "use are in the history."
        )
    more = (last - first).days * (needed - leavers) / leavers
    raise NotEnoughData(
        f"{words} At this pace there will be enough by {last + timedelta(days=round(more))}; "
        "a longer --horizon has more leavers, too."
    )
