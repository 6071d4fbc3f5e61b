"""A topic that keeps coming back stands beside the reason that it explains."""

from __future__ import annotations

from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from models.contracts import Reason
from models.explain import Systems
from pipelines.features import matrix
from pipelines.history.given import given
from pipelines.recurring import most_often, with_topics
from pipelines.walks import Local
from tests.spec.features.table import coded, parsed, second

NIGHT = matrix.Night(second("2026-03-01"), second("2026-03-01 06:00"))
MODEL = SimpleNamespace(systems=Systems(matrix.features()))
HEADER = "customer | occurred_at | kind | case | channel | topic\n"
WAITED = Reason("first_reply_mean_90", "S15", "replies took 31 hours", "raises", 0.7)
OFTEN = Reason("case_count_90", "S1", "5 cases opened in 90 days", "raises", 0.4)
UNUSED = Reason("usage_count_90", "S2", "did not use the product", "raises", 0.9)
QUICK = Reason("case_count_90", "S1", "no case opened in 90 days", "lowers", -0.9)


@pytest.mark.parametrize(
    ("openings", "sentence"),
    [
        ([("02-10", 1, "billing")], None),
        ([("02-10", 1, "billing"), ("02-20", 2, "app")], None),
        ([("02-10", 1, "app"), ("02-28", 2, "app")], "second case about app in 18 days"),
        ([("02-10", 1, "app"), ("02-10", 2, "app")], "second case about app in 1 day"),
        # One case opened twice is one case; what was not lately does not count.
        ([("02-10", 1, "billing"), ("02-20", 1, "billing")], None),
        ([("02-10", 1, "billing"), ("2025-11-01", 2, "billing")], None),
        ([("02-10", 1, "-"), ("02-11", 2, "-")], None),
        # The topic that came most often; of two that came as often, the one that came first.
        (
            [("02-01", 1, "app"), ("02-02", 2, "billing"), ("02-03", 3, "app"),
             ("02-04", 4, "billing"), ("02-05", 5, "billing")],
            "third case about billing in 3 days",
        ),
        (
            [("02-01", 1, "billing"), ("02-02", 2, "app"), ("02-03", 3, "app"),
             ("02-04", 4, "billing")],
            "second case about billing in 3 days",
        ),
        (
            [(f"02-{day:02}", day, "billing") for day in range(1, 11)],
            "10 cases about billing in 9 days",
        ),
    ],
)  # fmt: skip
def test_the_topic_that_came_most_often_lately_is_told(openings, sentence):
    days = (day if len(day) > 5 else f"2026-{day}" for day, *_ in openings)
    rows = [
        f"acme | {day} 00:00 | case_opened | {case} | email | {topic}\n"
        for day, (_, case, topic) in sorted(zip(days, openings, strict=True))
    ]
    events, _ = coded(parsed(HEADER + "".join(rows)), ["acme"])
    names = sorted({topic for *_, topic in openings} - {"-"})  # as `coded` numbers them
    found = most_often(events, NIGHT.as_of).sentences(names)
    assert found == ({0: sentence} if sentence else {})


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        ([OFTEN, WAITED], ["third case about billing in 20 days: 5 cases opened in 90 days",
                           "replies took 31 hours"]),
        ([UNUSED, WAITED], ["did not use the product",
                            "third case about billing in 20 days: replies took 31 hours"]),
        ([UNUSED], ["did not use the product"]),
        ([QUICK, UNUSED], ["no case opened in 90 days", "did not use the product"]),
        ([], []),
    ],
)  # fmt: skip
def test_it_stands_before_the_heaviest_reason_that_is_about_cases(reasons, told):
    found = with_topics({0: reasons, 1: reasons}, MODEL, history(), NIGHT, Local())  # type: ignore[arg-type]
    assert [reason.words for reason in found[0]] == told
    assert found[1] == reasons  # another customer's, who came once
    assert [reason.weight for reason in found[0]] == [reason.weight for reason in reasons]


def history():
    """Customer 0 wrote about billing three times, once more as nobody knew at night, and after."""
    rows = [
        ("a1", "acme", "2026-02-08 00:00", None, "k1"),
        ("a2", "acme", "2026-02-18 00:00", None, "k2"),
        ("a3", "acme", "2026-02-28 00:00", None, "k3"),
        ("late", "acme", "2026-02-27 00:00", "2026-03-02 00:00", "k4"),
        ("after", "acme", "2026-03-01 01:00", None, "k5"),
        ("b1", "beta", "2026-02-28 00:00", None, "k1"),
    ]
    names = ("interaction_id", "customer_id", "occurred_at", "recorded_at", "case_id")
    interactions = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    for name, value in (("kind", "case_opened"), ("topic", "billing")):
        interactions = interactions.append_column(name, pa.array([value] * len(rows)))
    customers = pa.table({"customer_id": ["acme", "beta"], "joined_at": ["2025-01-01"] * 2})
    seen = second("2026-03-05")
    return given(
        {"customers": customers, "interactions": interactions}, zone=ZoneInfo("UTC"), seen=seen
    )
