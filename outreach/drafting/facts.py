"""What a template may say: an allow-list, so that nothing of a customer's record slips out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from models.contracts import LATEST, MATTERS

# Dated facts by the name they have in a template; an order is what was `ordered`.
DATED = {("ordered" if name == "order_at" else name.removesuffix("_at")): name for name in LATEST}
# Of these, what a customer must not be told as if we had kept book.
DATED = {name: column for name, column in DATED.items() if name not in ("complaint", "answered")}
PLAIN = ("name", "company", "sender", "days", "offer")
# What some of them were about: `ordered_topic` is the item, `solved_case` the case's number.
TOPICS = {f"{name}_topic": column for name, column in DATED.items() if column in MATTERS}
OF_CASES = ("repeated", "asked", "solved")
CASES = {f"{name}_case": DATED[name] for name in OF_CASES}
NAMES = frozenset({*DATED, *PLAIN, *TOPICS, *CASES})
# What makes a letter this customer's: without one it could go to anybody.
SPECIFIC = frozenset(DATED)


@dataclass(frozen=True)
class Facts:
    """What is known for one letter. Dates are written in `zone`, the customer's where known."""

    zone: tzinfo
    name: str | None = None  # of who is written to
    company: str | None = None  # ours
    sender: str | None = None  # the person of ours who signs
    offer: str | None = None
    days: int | None = None  # since (or until) what the playbook is about
    dates: Mapping[str, datetime] = field(default_factory=dict)  # by the names of `DATED`
    about: Mapping[str, str] = field(default_factory=dict)  # by those of `TOPICS` and `CASES`
