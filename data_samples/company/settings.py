"""What is planted in a company's data, and how much of it: every size in one place.

A share or rate of 0 switches its plant off; `CompanySettings.plain()` switches off all. All sizes
are assumed unless a source stands beside them: no published figure is known to us.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SOURCES = ("crm", "helpdesk", "app", "shop")
SHOP_KINDS = (
    "order", "payment", "payment_failed", "refund", "promise_made", "promise_kept",
    "promise_broken",
)  # fmt: skip
APP_KINDS = ("usage", "outage")
CRM_KINDS = ("meeting_held", "meeting_missed", "referral", "contact_left")


def source_of(kind: str) -> str:
    """The system that records an interaction; all that is talk and cases is the help desk's."""
    for source, kinds in (("shop", SHOP_KINDS), ("app", APP_KINDS), ("crm", CRM_KINDS)):
        if kind in kinds:
            return source
    return "helpdesk"


@dataclass(frozen=True)
class Lag:
    """How long after a happening its row arrives: log-normal, rounded to seconds."""

    median_hours: float
    sigma: float  # of the logarithm
    told: bool = True  # whether the row carries `recorded_at`; else it simply comes later


@dataclass(frozen=True)
class Gap:
    """Some days, counted from the world's first, in which a source delivers no interactions."""

    source: str
    day: int
    days: int
    lost: bool  # what happened in these days is never told; else it comes in one delivery after
    declared: bool  # in `feed_gaps`, the day after it is over


# By source, or by source and kind; all assumed. People write up meetings and contracts a day
# or two later, ticket systems export every hour or so, an app's events come in batches, some
# from devices that were off line for days.
LAGS: Mapping[str, Lag] = {
    "crm": Lag(20.0, 0.9),
    "crm/identities": Lag(10.0, 1.2),
    "helpdesk": Lag(0.5, 1.0),
    "helpdesk/call_in": Lag(6.0, 1.0),  # phone logs are imported
    "helpdesk/call_out": Lag(6.0, 1.0),
    "helpdesk/survey_answered": Lag(18.0, 0.8),  # another vendor's daily export
    "app": Lag(6.0, 1.2, told=False),
    "shop": Lag(2.0, 1.0),
    "shop/payment": Lag(30.0, 0.5),  # banks settle in one or two days
}


@dataclass(frozen=True)
class CompanySettings:
    """What is planted. Shares are of rows or customers, rates are a customer and year."""

    seed: int = 1  # of the feeds, beside the world's own
    lags: Mapping[str, Lag] = field(default_factory=lambda: LAGS)
    gaps: tuple[Gap, ...] | None = None  # None: `usual_gaps` over the days of the world

    # Interactions: shares of the rows of the kinds that can have it.
    corrected: float = 0.04  # of openings (topic) and survey answers (score): wrong at first
    correction_days: float = 3.0  # mean days until the right version
    deleted: float = 0.003  # of the help desk's and the shop's rows: withdrawn after some days
    repeated: float = 0.01  # of all rows: delivered once more
    conflicting: float = 0.001  # of orders: once more with another value and no newer age

    # Who is who.
    second_ids: float = 0.03  # customers who get a second id in the shop and the app
    second_id_share: float = 0.5  # of whose later use and orders bear it until it is found
    found_after_days: float = 60.0  # mean; then an `identities` row merges the two
    wrong_merges: float = 0.01  # of customers: merged into another by mistake, later undone
    undone_after_days: float = 25.0  # mean

    # Contracts.
    pauses: float = 0.06
    pause_days: tuple[int, int] = (20, 90)
    plan_changes: float = 0.20
    add_ons: float = 0.20  # share of customers with a second product
    add_ons_lost: float = 0.15  # rate at which those end while the customer stays
    discounts: float = 0.6  # rate at which unhappy customers who stay are given a lower price
    discount: float = 0.2  # of the price

    # What is said differently, and in other words.
    disagreeing: float = 0.03  # customers (owner) and terms (value) of which the shop says other
    foreign: Mapping[str, str] = field(default_factory=lambda: {"north": "GBP"})  # by region
    owner_changes: float = 0.10
    attributes: bool = True  # seats (follows the customer) and newsletter (follows nothing)

    def lag(self, source: str, kind: str) -> Lag:
        """The lag of one kind; of the source where that has none of its own."""
        usual = self.lags.get(source, Lag(0.0, 0.0))
        return self.lags.get(f"{source}/{kind}", usual)

    @classmethod
    def plain(cls, **changed: object) -> CompanySettings:
        """Nothing planted: every row on the night after, once, and right; `changed` is set."""
        nothing: dict[str, object] = dict.fromkeys(
            (
                "corrected", "deleted", "repeated", "conflicting", "second_ids", "wrong_merges",
                "pauses", "plan_changes", "add_ons", "discounts", "disagreeing", "owner_changes",
            ),
            0.0,
        )  # fmt: skip
        nothing |= {"lags": {}, "gaps": (), "foreign": {}, "attributes": False}
        return cls(**(nothing | changed))  # type: ignore[arg-type]


def usual_gaps(days: int) -> tuple[Gap, ...]:
    """One of each sort: lost or late, declared or not; three fall in the last fifth."""
    return (
        Gap("app", int(0.45 * days), 4, lost=True, declared=True),
        Gap("helpdesk", int(0.60 * days), 2, lost=True, declared=False),
        Gap("shop", int(0.85 * days), 4, lost=False, declared=False),
        Gap("app", int(0.90 * days), 3, lost=True, declared=False),
        Gap("helpdesk", int(0.95 * days), 2, lost=False, declared=True),
    )
