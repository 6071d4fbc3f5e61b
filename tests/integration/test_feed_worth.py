"""A feed that tells who leaves is worth something, one that tells nothing is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from models import churn
from models.dataset import FAINT
from models.home import Home, create
from models.settings import Settings, Training
from pipelines.feedworth import worth_of_feeds
from pipelines.history.ingest import ingest

NOW = datetime(2026, 7, 1, tzinfo=UTC)
FIRST, DAYS, CUSTOMERS = date(2025, 7, 1), 360, 400


def written(folder: Path) -> Path:
    """Everybody orders now and then; who complains to the desk stops ten days later. The web feed
    brings mentions that mean nothing."""
    rng = np.random.default_rng(5)
    rows = []
    for number in range(CUSTOMERS):
        who = f"c{number:03}"
        stops = int(rng.integers(60, DAYS)) if number % 2 else DAYS
        rows += [(who, int(day), "order", "shop") for day in rng.integers(0, stops, stops // 12)]
        if stops < DAYS:
            rows.append((who, stops - 10, "complaint", "desk"))
        rows += [(who, int(day), "public_mention", "web") for day in rng.integers(0, DAYS, 8)]
    lines = ["interaction_id,customer_id,occurred_at,kind,source"]
    for number, (who, day, kind, source) in enumerate(rows):
        lines.append(f"{number},{who},{FIRST + timedelta(days=day)}T10:00:00Z,{kind},{source}")
    folder.mkdir()
    (folder / "interactions.csv").write_text("\n".join(lines))
    people = [f"c{number:03},2025-01-01T00:00:00Z,20,EUR" for number in range(CUSTOMERS)]
    head = "customer_id,joined_at,value_per_month,currency"
    (folder / "customers.csv").write_text("\n".join([head, *people]))
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made, _ = create(tmp_path / "home")
    ingest(made.history, written(tmp_path / "source"), now=NOW)
    return made


def test_a_feed_is_worth_what_is_lost_without_it(home: Home, monkeypatch: pytest.MonkeyPatch):
    quick = {
        "max_rounds": 60, "wide": replace(FAINT, learning_rate=0.1), "seeds": 1,
        "folds": 2, "linear_strengths": (0.001,),
    }  # fmt: skip
    usual = churn.FitSettings
    monkeypatch.setattr(churn, "FitSettings", lambda **given: usual(**given, **quick))
    training = Training(horizon_days=30, min_leavers=20, snapshots=5, active_days=30)
    steps: list[str] = []
    found = worth_of_feeds(
        home,
        Settings(training=training, currency="EUR"),
        advance=lambda what, share: steps.append(what),
    )
    assert found.by == "source"
    assert steps == ["with everything", "without desk", "without shop", "without web"]
    feeds = {feed.name: feed for feed in found.feeds}
    assert found.feeds[0].name == "desk"
    assert feeds["desk"].auc_lost.low > 0.05
    assert feeds["desk"].auc == pytest.approx(found.auc - feeds["desk"].auc_lost.value)
    assert feeds["desk"].profit_lost is not None
    assert feeds["desk"].profit_lost.low > 0
    assert abs(feeds["web"].auc_lost.value) < 0.04
    assert feeds["web"].rows == 8 * CUSTOMERS
    text = "\n".join(found.lines())
    assert "without desk (200 interactions): AUC 0." in text
    assert "EUR less found at stake" in text
    assert "may be chance" in text or "without web" in text
