"""The prior of `alive` is the MBG/NBD model that fits CDNOW's buyers best."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import betaln, gammaln

from benchmarks.harness import SHARED_DATA
from pipelines.features.stream import ALIVE

LOG = SHARED_DATA / "cdnow" / "CDNOW_master.txt"


@pytest.mark.skipif(not LOG.exists(), reason=f"needs {LOG}")
def test_the_prior_is_the_best_fit_to_cdnow() -> None:
    names = ["customer", "day", "units", "dollars"]
    log = pd.read_csv(LOG, sep=r"\s+", header=0, names=names, dtype={"day": str})
    log["day"] = pd.to_datetime(log["day"], format="%Y%m%d")
    days = log.drop_duplicates(["customer", "day"]).groupby("customer")["day"]
    first, last, count = days.min(), days.max(), days.size()
    repeats = count.to_numpy() - 1
    recency = (last - first).dt.days.to_numpy()
    age = (pd.Timestamp("1998-06-30") - first).dt.days.to_numpy()
    assert len(count) == 23_570

    def loss(logarithms: np.ndarray) -> float:
        """The negative log-likelihood of Batislam et al. (2007), a customer."""
        r, alpha, a, b = np.exp(logarithms)
        shared = gammaln(r + repeats) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
        alive = betaln(a, b + repeats + 1) - (r + repeats) * np.log(alpha + age)
        gone = betaln(a + 1, b + repeats) - (r + repeats) * np.log(alpha + recency)
        return -float((shared + np.logaddexp(alive, gone)).mean())

    best = minimize(loss, np.log([1.0, 30.0, 1.0, 1.0]), method="Nelder-Mead", options=PRECISELY)
    assert best.success
    assert np.exp(best.x) == pytest.approx(ALIVE, rel=0.002)


PRECISELY = {"maxiter": 4_000, "xatol": 1e-6, "fatol": 1e-10}
