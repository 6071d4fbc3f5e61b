"""Protected attributes that are no features, told from the features or not."""

from __future__ import annotations

import numpy as np
import pytest
from small_world import FEATURES, world

from models.groups import Grouping
from models.proxies import Proxy, proxies

LATER = world(1200, seed=5).take(np.arange(1, 1200, 2))  # one row a customer


def found(*groupings: Grouping) -> tuple[Proxy, ...]:
    return proxies(LATER.X, FEATURES, groupings, seed=1)


def drawn(share: float, of: int = 2) -> Grouping:
    """A sex that the spend tells for this share of the customers, and that is chance for others."""
    rng = np.random.default_rng(0)
    spend = LATER.X[:, 5]
    told = np.searchsorted(np.quantile(spend, np.arange(1, of) / of), spend)
    code = np.where(rng.random(len(spend)) < share, told, rng.integers(0, of, len(spend)))
    return Grouping("sex", tuple(f"group {n}" for n in range(of)), code)


def test_what_the_features_tell_is_found_with_the_feature_that_tells_it():
    (proxy,) = found(drawn(0.8))
    assert (proxy.attribute, proxy.group) == ("sex", "group 0")
    assert proxy.auc > 0.8
    assert proxy.features[0] == "spend"
    assert "`sex` is no feature, but 'group 0' can be told" in proxy.line()


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_what_they_tell_little_of_is_not(share: float):
    assert found(drawn(share)) == ()


def test_of_several_groups_each_is_asked_for():
    assert {proxy.group for proxy in found(drawn(1.0, of=3))} == {"group 0", "group 1", "group 2"}


def test_groups_too_small_and_customers_of_whom_nothing_is_known_are_left_out():
    few = np.full(len(LATER), -1)
    few[:200] = 0
    few[:10] = 1
    assert found(Grouping("sex", ("f", "m"), few)) == ()
