"""What may be asked, what is answered, and what is wrong with what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from models.answers import POLARITY
from serving.problems import Problem, Wrong, pointer

MOST_IDS = 1000

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Asked = TypeVar("Asked", bound="Body")


class Body(BaseModel):
    """A request's JSON object."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class ScoreRequest(Body):
    """Whose published scores are wanted."""

    customer_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_IDS)] = Field(
        examples=[["C00017"]]
    )
    as_of: date | None = Field(None, description="That date's scores, not the newest.")


class OneId(Body):
    """A line of many."""

    customer_id: Id


class TaskRequest(Body):
    """Which night's work is wanted."""

    as_of: date | None = Field(None, description="Today, where none is given.")


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


class OneRequest(Body):
    """Where a CRM's payload names the customer."""

    id_field: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    system: Annotated[str, StringConstraints(max_length=200)] | None = None


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


class MayContactAnswer(Body):
    """Whether outreach may contact the customer."""

    state: Literal["unknown"]
    reasons: list[str]


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
    model_version: str | None
    scored_at: datetime | None
    expires_at: datetime | None
    reason_1: str | None
    reason_2: str | None
    reason_3: str | None
    what_changed: str | None
    may_contact: Literal["unknown"]
    may_contact_reasons: str


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
    result: dict[str, Any] | None = Field(None, description="Of a task: what its command told.")


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
    wrong = tuple(Wrong(pointer(one["loc"]), one["msg"]) for one in found[:20])
    raise Problem(422, "The body is not as this endpoint takes it (see /docs.json).", wrong)


def as_date(name: str, given: str) -> date:
    """A date in the query. Raises `Problem` 422."""
    try:
        return date.fromisoformat(given)
    except ValueError:
        wrong = (Wrong(name, "This is no date: write it as 2026-07-01."),)
        raise Problem(422, "The query is not as this endpoint takes it.", wrong) from None


def _cause(words: str) -> str:
    return words.partition(": ")[2] or words
