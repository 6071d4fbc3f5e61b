"""The interactions of a company on their way in: late, twice, wrong at first, or never.

Every draw is a function of the row's number, so that it does not matter how many days are taken
at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_samples.company.identities import Identities
from data_samples.company.luck import Luck
from data_samples.company.mail import Mail
from data_samples.company.settings import SOURCES, CompanySettings, Gap, source_of
from data_samples.rows import CASE_TOPICS
from data_samples.terms import NEVER, instants
from models.contracts import DAY, KINDS

SOURCE_OF = {kind: source_of(kind) for kind in KINDS}
MOST_SCORE = {"csat": 5, "nps": 10, "ces": 7}
LEAST_SCORE = {"csat": 1, "nps": 0, "ces": 1}

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """n rows of one source with what decides their way; arrays (n,), times in seconds."""

    rows: pd.DataFrame  # the contract's columns
    number: Ids  # of the row in the world
    at: Ids
    arrives: Ids

    def take(self, chosen: NDArray[np.bool_]) -> Batch:
        """Some of the rows."""
        return Batch(self.rows[chosen], self.number[chosen], self.at[chosen], self.arrives[chosen])


class Log:
    """Posts the world's rows, by source."""

    def __init__(
        self,
        settings: CompanySettings,
        luck: Luck,
        mail: Mail,
        identities: Identities,
        gaps: tuple[Gap, ...],
        midnight: int,
    ) -> None:
        self._settings, self._luck, self._mail = settings, luck, mail
        self._identities = identities
        self._gaps = {
            source: [
                (midnight + gap.day * DAY, midnight + (gap.day + gap.days) * DAY, gap.lost)
                for gap in gaps
                if gap.source == source
            ]
            for source in SOURCES
        }

    def take(self, rows: pd.DataFrame) -> None:
        """Rows of whole days, as the world gives them."""
        source = rows["kind"].astype(object).map(SOURCE_OF)
        for name in SOURCES:
            mine = rows[(source == name).to_numpy()].reset_index(drop=True)
            if len(mine):
                self._post(name, mine)

    def _post(self, source: str, rows: pd.DataFrame) -> None:
        number = rows["interaction_id"].str.removeprefix("i-").to_numpy().astype(np.int64)
        at = rows["occurred_at"].to_numpy("datetime64[s]").astype(np.int64)
        who = rows["customer_id"].str.removeprefix("C").to_numpy().astype(np.int64)
        rows["customer_id"] = self._called(source, rows["customer_id"], who, number, at)
        lag = np.zeros(len(rows), np.int64)
        told = np.zeros(len(rows), bool)
        kinds = rows["kind"].astype(object)
        for kind in kinds.unique():
            mine = (kinds == kind).to_numpy()
            lag[mine] = self._luck.lag(source, kind, 0, number[mine])
            told[mine] = self._settings.lag(source, kind).told
        recorded = np.where(told & bool(self._settings.lags), at + lag, NEVER)
        for column, values in (("recorded_at", recorded), ("updated_at", None)):
            never = np.full(len(rows), NEVER)
            rows[column] = instants(never if values is None else values)
        rows["deleted_at"] = rows["updated_at"]
        batch = Batch(rows, number, at, at + lag)
        gone = np.zeros(len(rows), bool)
        for begin, end, lost in self._gaps[source]:
            gone |= lost & (begin <= at) & (at < end)
        batch = batch.take(~gone)
        if source == "helpdesk":
            self._identities.tell_desk_keys(who[~gone], batch.at)
        batch, wrong = self._correct(source, batch)
        self._send(source, batch, 1)
        # A row that will be put right is not withdrawn as well: which came last would be chance.
        self._delete(source, batch.take(~wrong))
        self._repeat(source, batch)
        self._contradict(source, batch)

    def _called(self, source: str, ids: pd.Series, who: Ids, number: Ids, at: Ids) -> pd.Series:
        """What the source calls each customer."""
        if source == "helpdesk":
            return self._identities.desk_keys(who)
        if source == "crm":
            return ids
        share = self._settings.second_id_share
        second = self._luck.draws.chance("by second id", 0, number, share)
        second &= self._identities.has_second(who, at)
        return ids.astype(object).where(~second, self._identities.second_names(who))

    def _send(self, source: str, batch: Batch, version: int) -> None:
        arrives = batch.arrives.copy()
        for begin, end, lost in self._gaps[source]:
            held = ~np.bool_(lost) & (begin <= arrives) & (arrives < end)
            arrives[held] = end
        self._mail.post("interactions", source, batch.rows, arrives, batch.number * 8 + version)

    def _some(self, purpose: str, batch: Batch, share: float) -> Batch:
        return batch.take(self._luck.draws.chance(purpose, 0, batch.number, share))

    def _dated(self, batch: Batch, columns: tuple[str, ...], mean_days: float) -> Batch:
        """The rows again, written some days later."""
        wait = self._luck.waits("later " + columns[0], 0, batch.number, mean_days)
        arrives = batch.arrives + wait
        written = instants(arrives).set_axis(batch.rows.index)
        rows = batch.rows.assign(**dict.fromkeys(columns, written))
        return Batch(rows, batch.number, batch.at, arrives)

    def _correct(self, source: str, batch: Batch) -> tuple[Batch, NDArray[np.bool_]]:
        """Wrong topics and scores at first; the right version comes after some days.

        Returns the rows as they are first told, and which of them are wrong.
        """
        kinds = batch.rows["kind"].astype(object)
        can = kinds.isin(["case_opened", "survey_answered"]).to_numpy()
        wrong = can & self._luck.draws.chance(
            "corrected", 0, batch.number, self._settings.corrected
        )
        right = self._dated(batch.take(wrong), ("updated_at",), self._settings.correction_days)
        self._send(source, right, 2)
        rows = batch.rows.copy()
        opened = wrong & (kinds == "case_opened").to_numpy()
        rows["topic"] = rows["topic"].astype(object)
        rows.loc[opened, "topic"] = [
            CASE_TOPICS[(CASE_TOPICS.index(topic) + 1) % len(CASE_TOPICS)]
            for topic in rows.loc[opened, "topic"]
        ]
        # Scores typed on the reversed scale: the usual mistake.
        answered = wrong & (kinds == "survey_answered").to_numpy()
        scale = rows.loc[answered, "score_kind"].astype(object)
        turned = scale.map(MOST_SCORE) + scale.map(LEAST_SCORE) - rows.loc[answered, "score"]
        middle = turned == rows.loc[answered, "score"]
        rows.loc[answered, "score"] = turned - middle
        return Batch(rows, batch.number, batch.at, batch.arrives), wrong

    def _delete(self, source: str, batch: Batch) -> None:
        if source in ("helpdesk", "shop"):
            some = self._some("deleted", batch, self._settings.deleted)
            self._send(source, self._dated(some, ("deleted_at", "updated_at"), 4.0), 3)

    def _repeat(self, source: str, batch: Batch) -> None:
        some = self._some("repeated", batch, self._settings.repeated)
        wait = self._luck.waits("repeated later", 0, some.number, 2.0)
        self._send(source, Batch(some.rows, some.number, some.at, some.arrives + wait), 4)

    def _contradict(self, source: str, batch: Batch) -> None:
        """Orders told once more with another value and no newer age: a conflict."""
        orders = batch.take((batch.rows["kind"].astype(object) == "order").to_numpy())
        some = self._some("conflicting", orders, self._settings.conflicting)
        if not len(some.rows):
            return
        rows = some.rows.assign(value=(some.rows["value"] * 1.19).round(2))
        wait = self._luck.waits("conflicting later", 0, some.number, 2.0)
        self._send(source, Batch(rows, some.number, some.at, some.arrives + wait), 5)
