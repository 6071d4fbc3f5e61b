"""The features of the contract, declared: names, sentences and windows."""

from __future__ import annotations

from models.contracts import Feature

PRICE_CHANGE_DAYS = 180
EVENT_DAYS = 365
# The renewal season: most yearly contracts ask for notice one to three months ahead.
ENDING_DAYS = 60


def _feature(
    name: str, says: str, stat: str, window_days: int | None = None, group: str = "contract"
) -> Feature:
    return Feature(name, says, system="S8", group=group, stat=stat, window_days=window_days)


FEATURES = (
    _feature("running_terms", "{value} contract{s} running|no contract running", "last"),
    _feature(
        "value_per_month",
        "pays {value} a month|pays nothing a month|what they pay is not known",
        "value",
    ),
    _feature(
        "days_since_term_began",
        "the present contract began {value} day{s} ago|the present contract began today|"
        "no contract running",
        "days",
    ),
    _feature("earlier_terms", "{value} earlier contract{s} ran out|the first contract", "count"),
    _feature(
        "price_change_180",
        "pays {value} times what it was half a year ago|pays nothing any more|"
        "no price to compare with half a year ago",
        "ratio",
        PRICE_CHANGE_DAYS,
        "price",
    ),
    _feature(
        "relationship_days",
        "a customer for {value} day{s} without a break|a customer since today|no contract running",
        "days",
    ),
    _feature(
        "earlier_relationships",
        "left and came back {value} time{s}|never left before",
        "count",
        group="return",
    ),
    _feature(
        "days_away",
        "had been away for {value} day{s} before coming back|had been away for less than a day|"
        "never left before",
        "days",
        group="return",
    ),
    _feature(
        "terms_lost_365",
        "{value} contract{s} of several ended in {window}|no contract of several ended in {window}",
        "count",
        EVENT_DAYS,
        "loss",
    ),
    _feature(
        "days_since_term_lost",
        "one of several contracts ended {value} day{s} ago|one of several contracts ended today|"
        "no contract of several has ended",
        "days",
        group="loss",
    ),
    _feature(
        "terms_under_notice",
        "{value} of several contracts {was} given notice|no running contract was given notice",
        "last",
        group="loss",
    ),
    _feature(
        "plan_changes_365",
        "{value} change{s} of plan in {window}|no change of plan in {window}",
        "count",
        EVENT_DAYS,
        "plan",
    ),
    _feature(
        "days_since_plan_change",
        "changed the plan {value} day{s} ago|changed the plan today|never changed the plan",
        "days",
        group="plan",
    ),
    _feature(
        "paused",
        "all running contracts are paused|no pause at present|no contract running",
        "last",
        group="pause",
    ),
    _feature(
        "pauses_365",
        "{value} pause{s} in {window}|no pause in {window}",
        "count",
        EVENT_DAYS,
        "pause",
    ),
    _feature(
        "days_since_resumed",
        "resumed {value} day{s} ago after a pause|resumed today after a pause|never was on a pause",
        "days",
        group="pause",
    ),
    _feature("renewals", "renewed {value} time{s}|never renewed yet", "count", group="renewal"),
    _feature(
        "days_since_renewal",
        "renewed {value} day{s} ago|renewed today|never renewed yet",
        "days",
        group="renewal",
    ),
    _feature(
        "days_to_term_end",
        "the next contract to end has {value} day{s} to go|the next contract to end ends today|"
        "no planned end is known",
        "days",
        group="renewal",
    ),
    _feature(
        "term_ends_in_60",
        "a contract is in its last 60 days|no contract is in its last 60 days|"
        "no planned end is known",
        "last",
        group="renewal",
    ),
    _feature(
        "runs_past_end",
        "a contract runs on past its planned end|no contract runs past its planned end|"
        "no planned end is known",
        "last",
        group="renewal",
    ),
)
