"""Public logs of events with what came of each customer, as rows of our own features.

Each log goes through `warmline ingest` into a home of its own; rows are customers at nights, with
the features that those nights knew. Folds are over customers; learned is from earlier nights and
judged on later ones, but for `cdnow`, whose history holds one night with 39 weeks ahead of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.folds import assembled
from benchmarks.harness import SHARED_DATA, workplace
from benchmarks.learners import OURS, Bools, Floats, Learner
from benchmarks.real import CASES, Case, ingested
from models import churn
from models.dataset import Dataset, FitSettings, group_folds
from models.home import Home
from pipelines.history.store import History

# Gold, Fighting Churn with Data (Manning 2020), chapters 3 and 7: each account's last 28 days, and
# what is made of them.
BOOKS_COUNTS = (
    "like", "newfriend", "post", "adview", "dislike", "unfriend", "message", "reply",
)  # fmt: skip
BOOKS_METRICS = """
SELECT *,
    adview / nullif(post, 0) AS adview_per_post,
    reply / nullif(message, 0) AS reply_per_message,
    "like" / nullif(post, 0) AS like_per_post,
    post / nullif(message, 0) AS post_per_message,
    dislike / nullif("like" + dislike, 0) AS dislike_percent,
    unfriend_84 / 3 / nullif(newfriend, 0) AS unfriend_per_newfriend,
    newfriend / nullif(newfriend_before, 0) - 1 AS newfriend_change
FROM (
    SELECT number, tenure,
        {counts},
        count(*) FILTER (what = 'unfriend' AND days <= 84) AS unfriend_84,
        count(*) FILTER (what = 'newfriend' AND days > 28 AND days <= 56) AS newfriend_before,
        min(days) FILTER (what = 'newfriend') AS days_since_newfriend
    FROM (
        SELECT number, account, night, date_diff('day', min(start_date), night) AS tenure
        FROM asked JOIN read_csv('{folder}/subscription.csv') ON account_id = account
        GROUP BY number, account, night
    ) AS asked
    LEFT JOIN (
        SELECT account_id, event_time, event_type_name AS what
        FROM read_parquet('{folder}/event.parquet') JOIN read_csv('{folder}/event_type.csv')
        USING (event_type_id)
    ) AS event ON account_id = account AND event_time < night
    CROSS JOIN LATERAL (SELECT date_diff('second', event_time, night) / 86400 AS days)
    GROUP BY number, tenure
)
ORDER BY number
"""


@dataclass(frozen=True)
class _Made:
    """What a log became."""

    rows: Dataset
    learned: Bools  # [n]; the rows to learn from ...
    judged: Bools  # [n]; ... and those to judge by
    ids: NDArray[np.object_]  # of customers, by number


@dataclass(frozen=True)
class EventSet:
    """A log: how it is read, and what is asked of it."""

    case: Case

    @property
    def name(self) -> str:
        return self.case.name

    @property
    def path(self) -> Path:
        return SHARED_DATA / self.name

    @cached_property
    def version(self) -> str:
        """SHA-256 of the rows that learners see: the data, our features and the labels."""
        digest = hashlib.sha256()
        for column in (self.rows.X, self.rows.y, self.rows.customer, self.rows.as_of):
            digest.update(column.tobytes())
        return digest.hexdigest()[:12]

    @property
    def rows(self) -> Dataset:
        """Customers at nights, in order of time."""
        return self._made.rows

    def read(self) -> tuple[pd.DataFrame, Bools]:
        """A column for each feature, the index the row in `rows`; and who left, [n]."""
        names = [feature.name for feature in self.rows.features]
        return pd.DataFrame(self.rows.X, columns=names), self.rows.y

    def splits(self, folds: int, seed: int) -> list[tuple[Bools, Bools]]:
        """The rows to learn from and those to judge by, [n] each, of each fold."""
        fold = group_folds(self.rows.customer, self.rows.y, folds, seed)
        learned, judged = self._made.learned, self._made.judged
        return [(learned & (fold != number), judged & (fold == number)) for number in range(folds)]

    @cached_property
    def books_metrics(self) -> Floats:
        """Each row's metrics by the book that `fightchurn_sim` comes from, [n, m]."""
        import duckdb

        counts = ",\n".join(
            f"count(*) FILTER (what = '{each}' AND days <= 28) AS \"{each}\""
            for each in BOOKS_COUNTS
        )
        asked = pd.DataFrame(
            {
                "number": np.arange(len(self.rows)),
                "account": self._made.ids[self.rows.customer].astype(np.int64),
                "night": pd.to_datetime(self.rows.as_of, unit="s"),
            }
        )
        with duckdb.connect() as connection:
            connection.register("asked", asked)
            found = connection.sql(BOOKS_METRICS.format(folder=self.path, counts=counts)).df()
        return np.asarray(found.drop(columns=["number"]).to_numpy(np.float64, na_value=np.nan))

    @cached_property
    def _made(self) -> _Made:
        with workplace() as place:
            home = place / "home"
            ingested(self.case, home)
            # The only night; none: as `warmline train` takes them, judged later in time.
            night = date.fromisoformat(self.case.as_of) if self.case.as_of else None
            rows, learned, judged = assembled(home, self.case.horizon or 0, night)
            ids = History.open(Home(home).history).ids().to_pylist()
            return _Made(rows.data, learned, judged, np.asarray(ids, object))


def ours(of: EventSet) -> Learner:
    """Ours as `warmline train` fits it: with who is whom, and when."""
    return Learner(OURS.name, partial(_fitted, of), OURS.version)


def books(of: EventSet) -> Learner:
    """The book's metrics, scaled as in its chapter 5, and its logistic regression (chapter 9)."""
    from importlib.metadata import version

    return Learner("its book", partial(_by_the_book, of), lambda: version("scikit-learn"))


def _fitted(of: EventSet, table: pd.DataFrame, y: Bools, others: pd.DataFrame, seed: int) -> Floats:
    how = FitSettings(horizon_days=of.case.horizon or 0, seed=seed)
    model = churn.fit(of.rows.take(table.index.to_numpy()), how)
    return model.predict(others.to_numpy(np.float64), how.threads)


def _by_the_book(
    of: EventSet, table: pd.DataFrame, y: Bools, others: pd.DataFrame, seed: int
) -> Floats:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    # All are counts and ratios with a long tail; a share of nothing is 0 in the book.
    model = make_pipeline(
        SimpleImputer(strategy="constant", fill_value=0.0),
        FunctionTransformer(lambda x: np.sign(x) * np.log1p(np.abs(x))),
        StandardScaler(),
        LogisticRegression(l1_ratio=1.0, C=0.04, solver="liblinear", random_state=seed),
    )
    metrics = of.books_metrics
    model.fit(metrics[table.index], y)
    return np.asarray(model.predict_proba(metrics[others.index]))[:, 1]


CDNOW, ONLINE_RETAIL, FIGHTCHURN = (
    EventSet(case)
    for name in ("cdnow", "online_retail", "fightchurn_sim")
    for case in CASES
    if case.name == name
)
EVENT_SETS = (CDNOW, ONLINE_RETAIL, FIGHTCHURN)
