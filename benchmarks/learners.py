"""Ours and its peers, each as one function: learn from some rows, predict others.

Peers get the table as it is best for them: categories as their own kind where they have one, as
flags for the logistic regression, gaps as gaps. Their versions are part of a cached result's key.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.harness import PROJECT
from models.encoding import is_number, numbers_of, texts

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Predict = Callable[[pd.DataFrame, Bools, pd.DataFrame, int], Floats]

THREADS = 2
TRIALS = 20  # of the tuned LightGBM
FLAML_SECONDS = 60  # a fold


@dataclass(frozen=True)
class Learner:
    """`predict(table, y, others, seed)`: probabilities of `others`, [m]."""

    name: str
    predict: Predict
    version: Callable[[], str]
    repeats: int = 5


def tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Numbers as numbers, all else as categories; no label is looked at."""
    return pd.DataFrame(
        {
            name: numbers_of(table[name])
            if is_number(table[name])
            else pd.Categorical(pd.Series(texts(table[name]), dtype=object))
            for name in table.columns
        },
        index=table.index,
    )


def ours(table: pd.DataFrame, y: Bools, others: pd.DataFrame, seed: int) -> Floats:
    from dataclasses import replace

    from models import tables

    settings = replace(tables.SETTINGS, seed=seed, threads=THREADS)
    # The published figures are with sex and age.
    model = tables.fit(table.assign(_left=y), "_left", settings, learn_protected=True)
    return model.predict(others, THREADS)


def lightgbm_default(table: pd.DataFrame, y: Bools, others: pd.DataFrame, seed: int) -> Floats:
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(random_state=seed, n_jobs=THREADS, verbose=-1)
    return np.asarray(model.fit(table, y).predict_proba(others))[:, 1]


def logistic_regression(table: pd.DataFrame, y: Bools, others: pd.DataFrame, seed: int) -> Floats:
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
    )
    model = make_pipeline(columns, LogisticRegression(max_iter=2000, random_state=seed))
    return np.asarray(model.fit(table, y).predict_proba(others))[:, 1]


def lightgbm_tuned(table: pd.DataFrame, y: Bools, others: pd.DataFrame, seed: int) -> Floats:
    """Optuna over the usual ranges, early stopping on a fifth held out of the training rows."""
    import lightgbm
    import optuna
    from sklearn.model_selection import train_test_split

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    learn, judge = train_test_split(np.arange(len(y)), test_size=0.2, stratify=y, random_state=seed)
    pieces = [lightgbm.Dataset(table.iloc[rows], y[rows].astype(float)) for rows in (learn, judge)]

    def train(trial: Any) -> Any:
        parameters = {
            "objective": "binary", "metric": "auc", "verbosity": -1, "seed": seed,
            "num_threads": THREADS, "feature_pre_filter": False, "bagging_freq": 1,
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 7, 127, log=True),
            "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 5, 200, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.3, 1.0),
            "bagging_fraction": trial.suggest_float("bagging_fraction", 0.5, 1.0),
            "lambda_l2": trial.suggest_float("lambda_l2", 1e-3, 30.0, log=True),
        }  # fmt: skip
        stop = lightgbm.early_stopping(50, verbose=False)
        booster = lightgbm.train(
            parameters, pieces[0], 1000, valid_sets=[pieces[1]], callbacks=[stop]
        )
        trial.set_user_attr("rounds", booster.best_iteration)
        return booster.best_score["valid_0"]["auc"]

    for piece in pieces:
        piece.free_raw_data = False
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(train, n_trials=TRIALS)
    parameters = {
        "objective": "binary", "verbosity": -1, "seed": seed, "num_threads": THREADS,
        "bagging_freq": 1, **study.best_params,
    }  # fmt: skip
    whole = lightgbm.Dataset(table, y.astype(float))
    rounds = study.best_trial.user_attrs["rounds"]
    return np.asarray(lightgbm.train(parameters, whole, rounds).predict(others))


def catboost_default(table: pd.DataFrame, y: Bools, others: pd.DataFrame, seed: int) -> Floats:
    from catboost import CatBoostClassifier

    words = [name for name in table.columns if table[name].dtype == "category"]

    def as_words(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(**{name: rows[name].astype(object).fillna("") for name in words})

    model = CatBoostClassifier(
        random_seed=seed, thread_count=THREADS, verbose=False, allow_writing_files=False,
        cat_features=words,
    )  # fmt: skip
    return np.asarray(model.fit(as_words(table), y).predict_proba(as_words(others)))[:, 1]


def flaml(table: pd.DataFrame, y: Bools, others: pd.DataFrame, seed: int) -> Floats:
    from flaml import AutoML

    model = AutoML()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(
            table, y.astype(int), task="classification", metric="roc_auc", seed=seed,
            time_budget=FLAML_SECONDS, n_jobs=THREADS, verbose=0,
        )  # fmt: skip
    return np.asarray(model.predict_proba(others))[:, 1]


def our_version() -> str:
    """What of ours could change a prediction: the text of `models/` and LightGBM's version."""
    digest = hashlib.sha256()
    for name in OURS_READS:
        digest.update((PROJECT / "models" / f"{name}.py").read_bytes())
    return f"{digest.hexdigest()[:12]} lightgbm {version('lightgbm')}"


OURS_READS = (
    "boosting", "calibration", "churn", "dataset", "encoding", "forest", "kernels",
    "linear", "mixing", "surrogate", "tables", "totals",
)  # fmt: skip


def versions(*packages: str) -> Callable[[], str]:
    return lambda: " ".join(f"{package} {version(package)}" for package in packages)


OURS = Learner("ours", ours, our_version)
# The slow ones are measured on the first repeat's folds only.
PEERS = (
    Learner("LightGBM, default", lightgbm_default, versions("lightgbm")),
    Learner("logistic regression", logistic_regression, versions("scikit-learn")),
    Learner("LightGBM, tuned", lightgbm_tuned, versions("lightgbm", "optuna"), repeats=1),
    Learner("CatBoost", catboost_default, versions("catboost"), repeats=1),
    Learner("FLAML", flaml, versions("flaml", "xgboost-cpu"), repeats=1),
)
QUICK_PEERS = PEERS[:2]
