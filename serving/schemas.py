"""What may be asked, what is answered, and what is wrong with what was asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic_core import ErrorDetails

from models.answers import POLARITY
from models.problems import Problem, Wrong, pointer

MOST_IDS = 1000
MOST_LETTERS = 200
# What a cell of a row may be: of one that is none of them, pydantic tells once for each.
CELL = frozenset({"str", "float", "int", "bool"})
_DAY = r"\d{4}-\d\d-\d\d"
_OFFSET = r"(?:[Zz]|[+-]\d\d:?\d\d)"
DAY = re.compile(_DAY)
INSTANT = re.compile(rf"{_DAY}[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?{_OFFSET}")


def _like_a_day(value: Any) -> Any:
    return _like(DAY, value, "a date such as 2026-07-01")


def _like_an_instant(value: Any) -> Any:
    return _like(INSTANT, value, "a time with its offset such as 2026-07-01T09:30:00+02:00")


def _like(form: re.Pattern[str], value: Any, words: str) -> Any:
    """Pydantic takes digits for seconds since 1970: `20260701` would be a day of that August."""
    if not isinstance(value, str) or not form.fullmatch(value):
        raise ValueError(f"this must be {words}")
    return value


Id = Annotated[str, StringConstraints(min_length=1, max_length=MOST_LETTERS)]
Day = Annotated[date, Field(strict=False), BeforeValidator(_like_a_day)]
Instant = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_like_an_instant)]
Asked = TypeVar("Asked", bound="Body")


class Body(BaseModel):
    """A request's JSON object."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class ScoreRequest(Body):
    """Whose published scores are wanted."""

    customer_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_IDS)]
    as_of: Day | None = Field(None, description="That date's scores, not the newest.")


class OneId(Body):
    """A line of many."""

    customer_id: Id


class TaskRequest(Body):
    """Which night's work is wanted."""

    as_of: Day | None = Field(None, description="Today, where none is given.")


class TaskAnswer(Body):
    """A task that was taken on; the same one again where it is worked on already."""

    task_id: str
    status: Literal["in_progress", "completed", "failed", "canceled"]
    name: str
    as_of: date
    created_at: datetime
    executed_at: datetime
    completed_at: datetime | None = None
    step: str | None = Field(None, description="What it is at.")
    exit_code: int | None = Field(None, description="Of the command, once it has ended.")


class TaskResult(BaseModel):
    """The JSON object of the command that did it."""

    model_config = ConfigDict(extra="allow")


class OneRequest(Body):
    """Where a CRM's payload names the customer."""

    id_field: Id
    system: Annotated[str, StringConstraints(max_length=MOST_LETTERS)] | None = None


class HorizonAnswer(Body):
    """The chance of leaving within some days, with a 95% interval where it is known."""

    days: int
    probability: float
    low: float | None
    high: float | None


class ReasonAnswer(Body):
    """Why the risk is what it is; the weight is in log-odds."""

    feature: str
    system: str
    words: str
    direction: Literal["raises", "lowers"]
    weight: float


class EffectAnswer(Body):
    """What a contact of this playbook changes, in probability; negative keeps customers."""

    playbook: str
    effect: float
    low: float
    high: float


class BlockedAnswer(Body):
    """A channel and a purpose on which the customer may not be contacted; null: on any."""

    channel: str | None
    purpose: str | None
    reasons: list[str]


class MayContactAnswer(Body):
    """Whether outreach may contact the customer: `no` on any channel, `some` where only what
    stands in `blocked` is closed, `unknown` where outreach has been silent for a minute."""

    state: Literal["yes", "no", "some", "unknown"]
    reasons: list[str] = Field(description="Every reason against it, each once.")
    blocked: list[BlockedAnswer]


class ScoreAnswer(Body):
    """One customer. `why` where `status` is `not_scored`; all else where it is `scored`."""

    customer_id: str
    status: Literal["scored", "not_scored"]
    why: str | None = None
    as_of: date | None = None
    horizon_days: int | None = None
    churn_probability: float | None = Field(None, description=f"{POLARITY}; calibrated.")
    polarity: str | None = None
    horizons: list[HorizonAnswer] | None = None
    expected_days: float | None = Field(
        None, description="Until the customer would leave; null where no contract tells ends."
    )
    band: Literal["low", "medium", "high"] | None = None
    percentile: float | None = Field(None, description="0 to 100 among the scored.")
    value_at_risk: float | None = Field(None, description="In the home's currency.")
    silent: bool | None = None
    fading: float | None = Field(None, description="The present gap over the customer's usual one.")
    reasons: list[ReasonAnswer] | None = Field(None, description="Null: not worked out.")
    what_changed: list[str] | None = None
    effects: list[EffectAnswer] | None = None
    model_version: str | None = None
    scored_at: datetime | None = None
    expires_at: datetime | None = None
    renewal_at: datetime | None = Field(
        None, description="When a yearly contract is planned to end, past the horizon."
    )
    non_renewal_probability: float | None = Field(
        None, description="That it is not renewed then; a higher probability is worse."
    )
    may_contact: MayContactAnswer


class ScoresAnswer(Body):
    """One answer for each id, in the order asked for."""

    scores: list[ScoreAnswer]


class OneAnswer(BaseModel):
    """One customer, flat. Besides these, `churn_probability_DAYS` for each horizon."""

    customer_id: str
    status: Literal["scored", "not_scored"]
    why: str | None
    as_of: date | None
    horizon_days: int | None
    churn_probability: float | None = Field(description=f"{POLARITY}; calibrated.")
    polarity: str | None
    band: Literal["low", "medium", "high"] | None
    percentile: float | None
    value_at_risk: float | None
    silent: bool | None
    fading: float | None
    expected_days: float | None
    model_version: str | None
    scored_at: datetime | None
    expires_at: datetime | None
    renewal_at: datetime | None
    non_renewal_probability: float | None
    reason_1: str | None
    reason_2: str | None
    reason_3: str | None
    what_changed: str | None
    may_contact: Literal["yes", "no", "some", "unknown"]
    may_contact_reasons: str


class AliveAnswer(Body):
    """The process answers."""

    status: Literal["alive"]


class ReadyAnswer(Body):
    """As of which night it answers, and which run of the scoring."""

    status: Literal["ready"]
    as_of: date
    run: str


class WrongAnswer(Body):
    """A field that is not as asked for."""

    pointer: str
    detail: str


class ProblemAnswer(Body):
    """What is wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[WrongAnswer] = []
    retry_after_seconds: float | None = None
    task_status: str | None = None
    exit_code: int | None = Field(None, description="Of a task: 1, 2, 3 or 75, as the command's.")
    result: TaskResult | None = Field(None, description="Of a task: what its command told.")


def parse(kind: type[Asked], body: bytes, context: Mapping[str, Any] | None = None) -> Asked:
    """The body as `kind`, whose validators are given `context`.

    Raises `Problem`: 400 where it is no JSON, 422 where it is another.
    """
    try:
        return kind.model_validate_json(body, context=context)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        raise Problem(400, f"The body is no valid JSON: {_cause(found[0]['msg'])}.")
    wrong = {_place(one["loc"]): Wrong(pointer(_place(one["loc"])), _words(one)) for one in found}
    words = "The body is not as this endpoint takes it (see /docs.json)."
    raise Problem(422, words, tuple(wrong.values())[:20])


def _place(place: tuple[str | int, ...]) -> tuple[str | int, ...]:
    return place[:-1] if place and place[-1] in CELL else place


def _words(error: ErrorDetails) -> str:
    if error["loc"] and error["loc"][-1] in CELL:
        return "A text, a number, true, false or null is needed here"
    return error["msg"].removeprefix("Value error, ")


def as_date(name: str, given: str) -> date:
    """A date in the query. Raises `Problem` 422."""
    try:
        return date.fromisoformat(given)
    except ValueError:
        wrong = (Wrong(name, "This is no date: write it as 2026-07-01."),)
        raise Problem(422, "The query is not as this endpoint takes it.", wrong) from None


def _cause(words: str) -> str:
    return words.partition(": ")[2] or words
