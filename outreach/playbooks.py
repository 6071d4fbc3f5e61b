"""Playbooks: for whom, why, how and with what a check-in is made. One file each.

Those of Warmline lie in `outreach/playbooks/`; a home adds its own in `HOME/playbooks/`, and a file
there with the name of one of ours takes its place.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from models.contracts import KINDS, LATEST, Feature
from models.errors import WrongUsage
from models.section import Section

OURS = Path(__file__).with_name("playbooks")
FACTS = tuple(name.removesuffix("_at") for name in LATEST)
AHEAD = frozenset({"renews"})  # facts that lie ahead: days are counted until them
# A public or automatic channel is none on which a person can be reached on our own account.
REACHABLE = ("email", "phone", "chat", "sms", "app", "in_person")
Channel = Literal["email", "phone", "chat", "sms", "app", "in_person"]
Days = Annotated[float, Field(ge=0)]
System = Annotated[str, Field(pattern=r"^S([1-9]|1[0-9]|2[01])$")]  # CAPABILITIES.md


class Range(Section):
    """Which figures of a feature count; one that is not known never does. A number: just it."""

    min: float | None = None
    max: float | None = None
    above: float | None = None
    below: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_a_number(cls, said: object) -> object:
        is_number = isinstance(said, (int, float)) and not isinstance(said, bool)
        return {"min": said, "max": said} if is_number else said

    @model_validator(mode="after")
    def _holds_anything(self) -> Range:
        least = [each for each in (self.min, self.above) if each is not None]
        most = [each for each in (self.max, self.below) if each is not None]
        if not least + most:
            raise ValueError("give a number, or at least one of min, max, above and below")
        if least and most:
            low, high = max(least), min(most)
            if low > high or (low == high and low in (self.above, self.below)):
                raise ValueError("no number lies between these bounds")
        return self


class Trigger(Section):
    """When it fires: every condition that is given has to hold, at the night's midnight."""

    fact: Literal[*FACTS] | None = None  # type: ignore[valid-type]  # a dated fact of the history
    from_days: Days = 0  # how long ago it happened; of a fact that lies ahead, how far off it is
    to_days: Days | None = None
    silent: bool | None = None
    min_fading: Days | None = None  # the present gap over the customer's own usual one
    features: dict[str, Range] = Field(default_factory=dict)  # by name (docs/features.md)
    systems: tuple[System, ...] = ()  # of the reasons that raise the risk, at least one of these

    @model_validator(mode="after")
    def _fits_together(self) -> Trigger:
        if self.to_days is not None and self.to_days <= self.from_days:
            raise ValueError("to_days must be more than from_days")
        if self.fact is None and (self.from_days or self.to_days is not None):
            raise ValueError("from_days and to_days need a fact to count from")
        return self


class Audience(Section):
    """Whom it is for."""

    min_band: Literal["low", "medium", "high"] | None = None  # None: as `plan.min_band`
    segments: tuple[str, ...] = ()  # empty: all


class Offer(Section):
    """What may be offered."""

    text: str = ""
    budget: Annotated[float, Field(ge=0)] = 0  # in the home's currency, a customer
    total: Annotated[float, Field(ge=0)] = 0  # of all together over 30 days; 0: no limit

    @model_validator(mode="after")
    def _can_be_counted(self) -> Offer:
        if self.total and not self.budget:
            raise ValueError("total needs a budget, which is what one customer's offer costs")
        return self

    @property
    def most(self) -> int | None:
        """To how many customers it can be made in 30 days; None: to any number."""
        return int(self.total // self.budget) if self.total else None


class Success(Section):
    """What tells that it worked: an interaction of this kind within so many days."""

    kind: Literal[*KINDS] = "usage"  # type: ignore[valid-type]
    days: Annotated[int, Field(ge=1)] = 90


class Playbook(Section):
    """One play."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    title: Annotated[str, Field(min_length=1)]
    urgency: Annotated[int, Field(ge=0, le=999)]  # of several that fire, the lowest goes
    trigger: Trigger = Trigger()
    audience: Audience = Audience()
    refers: bool = False  # a person sees to it above all; nothing holds it
    randomised: bool = False  # has a control group
    despite_open_case: bool = False
    channels: tuple[Channel, ...] = ("phone", "email")  # in order, after the preferred one
    mode: Literal["draft", "approve", "auto"] = "draft"
    purpose: Annotated[str, Field(min_length=1)] = "service"  # what consent must allow
    transactional: bool = False
    cap: Annotated[int, Field(ge=1)] | None = None  # contacts a night
    survey: bool = False
    offer: Offer = Offer()
    success: Success = Success()
    checklist: tuple[str, ...] = ()
    template: str = ""
    enabled: bool = True

    @cached_property
    def is_unlimited(self) -> bool:
        """Whether neither a cap nor its offer's money bounds how many it is for."""
        return self.cap is None and self.offer.most is None

    @model_validator(mode="after")
    def _fits_together(self) -> Playbook:
        if self.refers and self.randomised:
            raise ValueError("what refers to a person is never withheld: not randomised")
        if self.refers and self.trigger.fact is None:
            raise ValueError("what refers to a person needs a dated fact")
        if not self.refers and not self.channels:
            raise ValueError("channels must name at least one")
        return self


@dataclass(frozen=True)
class Playbooks:
    """All that are enabled, the most urgent first."""

    plays: tuple[Playbook, ...]

    @classmethod
    def of(cls, plays: Sequence[Playbook]) -> Playbooks:
        enabled = [play for play in plays if play.enabled]
        return cls(tuple(sorted(enabled, key=lambda play: (play.urgency, play.name))))

    @classmethod
    def load(cls, home: Path | None = None) -> Playbooks:
        """Ours, and those of `home`. Raises `WrongUsage` naming file and field."""
        found = {play.name: play for play in _read(OURS)}
        if home is not None:
            found |= {play.name: play for play in _read(home / "playbooks")}
        return cls.of(list(found.values()))

    @cached_property
    def features(self) -> tuple[str, ...]:
        """That any trigger asks for."""
        return tuple(dict.fromkeys(name for play in self.plays for name in play.trigger.features))

    def refuse_unknown(self, features: Sequence[Feature]) -> None:
        """Raises `WrongUsage` where a trigger asks for another feature than these."""
        known = [feature.name for feature in features]
        wrong = [
            f"playbooks/{play.name}.toml: `trigger.features.{name}`: there is no such feature"
            f"{_like(name, known)} (docs/features.md names all)."
            for play in self.plays
            for name in play.trigger.features
            if name not in known
        ]
        if wrong:
            raise WrongUsage("\n".join(wrong))

    def refuse_unwritten(self, templates: Sequence[str]) -> None:
        """Raises `WrongUsage` where a playbook's letter is none of these."""
        wrong = [
            f"playbooks/{play.name}.toml: `template`: there is no letter {play.template!r}"
            f"{_like(play.template, templates)} (docs/guides/letters.md)."
            for play in self.plays
            if play.template and play.template not in templates
        ]
        if wrong:
            raise WrongUsage("\n".join(wrong))

    @cached_property
    def version(self) -> str:
        """Names what they say: another text, another version."""
        text = "\n".join(play.model_dump_json() for play in self.plays)
        return hashlib.sha256(text.encode()).hexdigest()[:10]


def _like(name: str, known: Sequence[str]) -> str:
    like = get_close_matches(name, known, n=3)
    return f"; did you mean {' or '.join(like)}?" if like else ""


def _read(folder: Path) -> Iterator[Playbook]:
    for path in sorted(folder.glob("*.toml")):
        yield read(path)


def read(path: Path) -> Playbook:
    """The playbook of one file, named as the file. Raises `WrongUsage` naming file and field."""
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{path} is not valid TOML: {error}") from error
    if "name" in said:
        raise WrongUsage(f"{path}: `name` is not set in the file: a playbook is named as its file.")
    try:
        return Playbook(name=path.stem, **said)
    except ValidationError as error:
        raise WrongUsage("\n".join(_lines(error, path))) from error


def _lines(error: ValidationError, path: Path) -> Iterator[str]:
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"])
        told = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "extra_forbidden":
            yield f"{path}: unknown key `{where}` (docs/guides/playbooks.md names all)."
        elif where == "name":
            yield f"{path}: a playbook's file is named in lower case, digits and hyphens."
        else:
            yield f"{path}: `{where}`: {told}." if where else f"{path}: {told}."
