"""The chance that a yearly contract is not renewed: learned, judged, kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_world import QUICK

from models.bundle import Bundle, load, save
from models.calibration import probability
from models.contracts import Feature
from models.metrics import Ranking
from models.renewal import (
    Renewal,
    Renewing,
    Terms,
    cross_renewal,
    fit_renewal,
    judge_renewal,
)

FEATURES = tuple(
    Feature(name, "", "S8", "renewal") for name in ("noise", "renewals", "days_to_term_end")
)


def drawn(rows: int = 800, seed: int = 0, signal: float = 1.0) -> Terms:
    """Two nights of each customer: who is at risk, and who never renewed before, does not renew."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-2, 1, rows)
    renewals = rng.poisson(1, rows).astype(float)
    z = -1 + signal * (log_odds + 2 - 0.8 * renewals)
    matrix = np.column_stack([rng.normal(0, 1, rows), renewals, rng.uniform(90, 365, rows)])
    lapses = rng.random(rows) < probability(z)
    return Terms(log_odds, matrix, lapses, np.repeat(np.arange(rows // 2), 2))


@pytest.fixture(scope="module")
def renewal() -> Renewal:
    found = fit_renewal(drawn(), FEATURES, QUICK)
    assert found is not None
    return found


def judged(renewal: Renewal, terms: Terms) -> Renewing:
    p = renewal.probability(terms.log_odds, terms.matrix)
    return judge_renewal(p, renewal.base_rate, terms, "later in time", seed=1)


def test_it_tells_later_terms_better_than_the_base_rate(renewal: Renewal):
    told = judged(renewal, drawn(seed=1))
    assert told.auc is not None
    assert told.gain is not None
    assert told.auc.low > 0.65
    assert told.gain.low > 0
    assert told.metrics is not None
    assert told.said == pytest.approx(told.metrics.leavers / told.metrics.rows, abs=0.04)
    (line,) = told.lines()
    assert line.startswith("not renewed, yearly contracts that end past the horizon: ")


def test_it_stands_on_the_log_odds_of_leaving_and_the_contract_alone(renewal: Renewal):
    assert [FEATURES[at].name for at in renewal.columns] == ["days_to_term_end", "renewals"]
    terms = drawn(seed=2)
    noise = np.column_stack([terms.matrix[:, 0] + 9, terms.matrix[:, 1:]])
    p = renewal.probability(terms.log_odds, terms.matrix)
    np.testing.assert_array_equal(p, renewal.probability(terms.log_odds, noise))
    assert (p < renewal.probability(terms.log_odds + 1, terms.matrix)).mean() > 0.95
    faithful = terms.matrix + np.array([0, 2, 0])  # renewed twice more
    assert (renewal.probability(terms.log_odds, faithful) < p).mean() > 0.95


def test_where_nothing_tells_all_have_the_same_chance():
    terms = drawn(signal=0.0)
    found = fit_renewal(terms, FEATURES, QUICK)
    assert found is not None
    p = found.probability(terms.log_odds, terms.matrix)
    assert np.ptp(p) == 0
    assert p[0] == pytest.approx(found.base_rate, abs=0.01)


def test_of_too_few_nothing_is_learned_or_said(renewal: Renewal):
    terms = drawn(60)
    few = replace(terms, lapses=np.arange(60) < 10)
    assert fit_renewal(few, FEATURES, QUICK) is None
    (line,) = judged(renewal, few).lines()
    assert "not told, 5 not renewed among yearly contracts, 20 are needed" in line


def test_out_of_fold_chances_show_skill_where_there_is_some_and_only_there():
    for signal, low, high in ((0.0, 0.4, 0.6), (1.0, 0.65, 0.9)):
        terms = drawn(signal=signal)
        auc = Ranking(terms.lapses, cross_renewal(terms, FEATURES, QUICK)).auc()
        assert low < auc < high


def test_a_bundle_keeps_it(tmp_path: Path, bundle: Bundle, renewal: Renewal):
    own = replace(renewal, columns=(2, 5))
    kept = replace(bundle, model=replace(bundle.model, renewal=own))
    save(tmp_path / "one", kept)
    assert load(tmp_path / "one").model == kept.model
