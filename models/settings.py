"""What a home is set to: `warmline.toml`, overridden by the environment, read once and frozen.

`WARMLINE_TRAINING__HORIZON_DAYS=60` overrides `horizon_days` under `[training]`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import time
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from models.contracts import CHANNELS, END_KINDS
from models.errors import SchemaTooNew, WrongUsage
from models.section import Days, Kept, Many, Section, Share
from models.settings_outreach import Channels, Crm, Inbound, Outreach, Send

CONFIG_NAME = "warmline.toml"
HOME_FORMAT = 1  # raised when a home of this version can no longer be read by an older one
ENVIRONMENT_PREFIX = "WARMLINE_"
PASSWORD = re.compile(r"://\S*@")  # of a database's URL; never shown
# Read by the command line itself, before there are settings.
OUTSIDE_SETTINGS = frozenset({"WARMLINE_HOME", "WARMLINE_KEY"})


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        near = difflib.get_close_matches(name, available_timezones(), 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{name!r} is no IANA time zone.{hint}")
    return name


def _network(text: str) -> str:
    ip_network(text)  # its ValueError says what is wrong
    return text


Network = Annotated[str, AfterValidator(_network)]


class Source(Section):
    """A place that `warmline nightly` ingests from each night."""

    path: str  # a folder, or a database's URL
    mapping: str | None = None
    name: str | None = None  # what a database's feed is called, by default the database's name


class Ingest(Section):
    max_reject_share: Share = 0.01  # CONTRACTS.md: above it the ingest fails whole
    # Databases: transactions that commit so much after their rows' stamp are still found.
    lag_window_days: Annotated[float, Field(ge=0)] = 3
    precedence: tuple[str, ...] = ()  # of sources that tell of the same row: the first one counts
    sources: tuple[Source, ...] = ()


class Training(Section):
    horizon_days: Days = 90
    label: Literal["auto", "contractual", "non_contractual"] = "auto"
    counted_end_kinds: tuple[Literal[*END_KINDS], ...] = ("cancelled", "not_renewed")  # type: ignore[valid-type]
    snapshots: Annotated[int, Field(ge=1, le=60)] = 8
    min_leavers: Annotated[int, Field(ge=2)] = 100
    min_history_days: Days = 60  # what features need before the first snapshot
    max_rows: Annotated[int, Field(ge=1000)] = 300_000  # above it customers are sampled, by hash
    active_days: Days = 365  # without contracts: active that lately to be scored
    usual_hour: Annotated[int, Field(ge=0, le=23)] = 6  # cut-off of a past night: as_of plus this
    max_feature_auc: Annotated[float, Field(gt=0.5, le=1)] = 0.98  # by one feature alone: a leak
    accepted_features: tuple[str, ...] = ()  # that may be as good as that, knowingly
    protected: tuple[str, ...] = ()  # further names that no feature may have (models/protected.py)
    not_protected: tuple[str, ...] = ()  # names that only sound protected
    seed: int = 20260101


class Features(Section):
    """What a company adds to the features: columns of its own (numbers only), and streams."""

    attributes: tuple[str, ...] = ()  # names in the table `attributes`, dated by valid_from
    static: tuple[str, ...] = ()  # other columns of `customers`, from the day they were seen
    streams: str = ""  # a Python file that declares STREAMS; from the home, unless absolute
    words: str = ""  # a TOML file of further words (docs/guides/words.md); likewise


class Scoring(Section):
    silent_days: Days = 365
    months_at_stake: Annotated[float, Field(gt=0)] = 12
    margin: Annotated[float, Field(gt=0)] = 1
    expires_after_days: Days = 2
    explain_share: Share = 0.05  # reasons for at least this share, by value at risk
    explain_at_least: Annotated[int, Field(ge=1)] = 1000


class Checks(Section):
    max_age_days: Annotated[float, Field(gt=0)] = 3  # newest interaction, before the batch is stale
    max_population_change: Share = 0.3
    max_score_shift: Annotated[float, Field(gt=0)] = 0.25  # population stability index
    max_missing_customers: Share = 0.05  # of those scored last time, a month
    max_label_drift: Annotated[float, Field(gt=1)] = 2  # leavers so many times more, or fewer
    retired_feeds: tuple[str, ...] = ()  # source/kind, or source: ended for good


class Nightly(Section):
    # Healthchecks' convention: URL/start, URL, URL/fail. Empty: nobody is told. It lets whoever
    # has it ping, so it is not shown.
    ping_url: Annotated[str, Field(pattern=r"^(https?://\S+)?$", repr=False)] = ""
    # Trains again after the list is published, when so much time has passed or drift asks for it.
    retrain: Literal["never", "weekly", "monthly", "quarterly", "on_drift"] = "never"


class Promises(Section):
    """First replies, in hours. Source: CONTRACTS.md, default promises."""

    first_reply_hours: Annotated[float, Field(gt=0)] = 24
    by_channel: Mapping[Literal[*CHANNELS], float] = {"social": 1, "chat": 1}  # type: ignore[valid-type]


class Caps(Section):
    """Contacts at most over rolling windows, for a contact point and for a household or account."""

    day: Many = 1  # 24 hours
    week: Many = 1  # 7 days
    month: Many = 2  # 30 days


class Plan(Section):
    control_share: Share = 0.10
    explore_share: Share = 0.05  # of tonight's capacity, given to others by chance
    cool_down_days: Annotated[int, Field(ge=0)] = 14  # after an answer
    caps: Caps = Caps()
    transactional_caps: Caps = Caps(day=2, week=4, month=8)  # of playbooks marked so, apart
    open_case_days: Days = 90  # a case in which nothing happened for longer is a forgotten one
    min_band: Literal["low", "medium", "high"] = "medium"
    min_saved_value: Annotated[float, Field(ge=0)] = 0  # of a contact, once effects are learned
    capacity: Annotated[int, Field(ge=1)] = 200  # contacts a night, all owners together
    consent: Literal["opt_out", "opt_in"] = "opt_out"
    opt_in_channels: tuple[Literal[*CHANNELS], ...] = ()  # type: ignore[valid-type]
    opens: time = time(8)  # hours in which customers are reached, by their own clock
    closes: time = time(21)

    @model_validator(mode="after")
    def _is_a_day(self) -> Plan:
        if self.opens >= self.closes:
            raise ValueError("opens must be before closes")
        return self


class Retention(Section):
    """For how long what is kept, in days; 0: for ever (docs/guides/erasure.md)."""

    text_days: Kept = 0  # words of interactions
    contacts_days: Kept = 0  # names and addresses, since the customer left
    interactions_days: Kept = 0
    scores_days: Kept = 0  # with the lists made from them
    logs_days: Kept = 0  # with the nights' records and the rejected rows


class Storage(Section):
    """URLs of what other machines read or write too; empty: only in this home. Never checked
    here: a message about a wrong value would repeat it, and a URL can hold a key."""

    history: Annotated[str, Field(repr=False)] = ""
    scores: Annotated[str, Field(repr=False)] = ""
    models: Annotated[str, Field(repr=False)] = ""


class Performance(Section):
    threads: Annotated[int, Field(ge=1)] = 2
    memory_gb: Annotated[float, Field(gt=0)] = 2


class Serving(Section):
    """The endpoint (docs/guides/endpoint.md)."""

    workers: Many = 1
    most_in_flight: Many = 64  # calls a worker works on at once; above, 429
    # Networks in CIDR notation that need no key for /readyz and /metrics.
    open_networks: tuple[Network, ...] = ()
    # A collector of OpenTelemetry (OTLP over HTTP); empty: OTEL_EXPORTER_OTLP_ENDPOINT, or nobody.
    tracing: Annotated[str, Field(pattern=r"^(https?://\S+)?$", repr=False)] = ""


class SparkTable(Section):
    """Where Spark finds one contract table: a table or view of its catalogue, or a path."""

    table: str = ""
    path: str = ""
    format: str = "parquet"  # of the path: any that Spark reads, such as delta
    options: Annotated[
        Mapping[str, str], Field(repr=False)
    ] = {}  # of its reader; may hold a password


class Spark(Section):
    """What `--engine spark` uses (docs/guides/spark.md)."""

    master: str = "local[*]"
    # A Spark Connect server instead, sc://host:port; it may hold a token, so it is not shown.
    remote: Annotated[str, Field(pattern=r"^(sc://\S+)?$", repr=False)] = ""
    config: Annotated[Mapping[str, str], Field(repr=False)] = {}  # spark.* of the session
    # The company's own tables, where Spark is to score them and not our history.
    tables: Mapping[str, SparkTable] = {}
    mapping: str = ""  # a folder of Spark SQL over `tables`; from the home, unless absolute


class Settings(BaseSettings):
    """Everything a home can be set to. Unknown keys are refused."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__"
    )

    format: int = HOME_FORMAT
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "EUR"
    ingest: Ingest = Ingest()
    training: Training = Training()
    features: Features = Features()
    scoring: Scoring = Scoring()
    checks: Checks = Checks()
    nightly: Nightly = Nightly()
    promises: Promises = Promises()
    plan: Plan = Plan()
    outreach: Outreach = Outreach()
    send: Send = Send()
    channels: Channels = Channels()
    crm: Crm = Crm()
    inbound: Inbound = Inbound()
    retention: Retention = Retention()
    storage: Storage = Storage()
    performance: Performance = Performance()
    serving: Serving = Serving()
    spark: Spark = Spark()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment over the file (which comes in as keyword arguments)."""
        return env_settings, init_settings


def load(home: Path, environment: Mapping[str, str]) -> Settings:
    """Settings of `home`, its file overridden by `environment`.

    Raises `WrongUsage` naming each wrong key with the nearest known one, and `SchemaTooNew` for a
    home written by a newer version.
    """
    path = home / CONFIG_NAME
    try:
        file = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{path} is not valid TOML: {error}") from error
    if isinstance(file.get("format"), int) and file["format"] > HOME_FORMAT:
        raise SchemaTooNew(
            f"{home} was written by a newer Warmline (home format {file['format']}, this version "
            f"reads {HOME_FORMAT}). Install that version, or use another --home. "
            "Nothing was changed."
        )
    wrong = [*_unknown_keys(file, str(path)), *_unknown_variables(environment)]
    if wrong:
        raise WrongUsage("\n".join(wrong))
    try:
        return _placed(Settings(**file), home)
    except ValidationError as error:
        raise WrongUsage("\n".join(_lines(error, path))) from error


def _placed(settings: Settings, home: Path) -> Settings:
    """The settings, with files that are named from the home named from anywhere."""
    files = {"features": ("streams", "words"), "spark": ("mapping",)}
    changed: dict[str, Section] = {}
    for section, names in files.items():
        given: Section = getattr(settings, section)
        named = {name: getattr(given, name) for name in names}
        placed = {name: str((home / path).absolute()) for name, path in named.items() if path}
        if placed:
            changed[section] = given.model_copy(update=placed)
    return settings.model_copy(update=changed) if changed else settings


def _unknown_keys(file: Mapping[str, Any], path: str) -> Iterator[str]:
    yield from _unknown(Settings, file, (), path)


def _unknown(
    model: type[BaseModel], table: Mapping[str, Any], at: tuple[str, ...], path: str
) -> Iterator[str]:
    for key, value in table.items():
        field = model.model_fields.get(key)
        if field is None:
            yield f"{path}: unknown key `{'.'.join((*at, key))}`.{_nearest(key, at)}"
        elif isinstance(value, dict) and (section := _section(field.annotation)):
            yield from _unknown(section, value, (*at, key), path)


def _unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    known = {f"{ENVIRONMENT_PREFIX}{'__'.join(path)}".upper() for path in _paths(Settings)}
    for name in environment:
        upper = name.upper()
        if not upper.startswith(ENVIRONMENT_PREFIX) or upper in known | OUTSIDE_SETTINGS:
            continue
        near = difflib.get_close_matches(upper, known, 1)
        yield f"environment: unknown variable `{name}`." + (
            f" The nearest known one is `{near[0]}`." if near else ""
        )


def _nearest(key: str, at: tuple[str, ...]) -> str:
    """The nearest key of the same table, else the nearest anywhere."""
    paths = list(_paths(Settings))
    beside = {path[-1]: path for path in paths if path[:-1] == at}
    anywhere = {path[-1]: path for path in paths}
    for known in (beside, anywhere):
        near = difflib.get_close_matches(key, known, 1, cutoff=0.6)
        if near:
            return f" The nearest known one is `{'.'.join(known[near[0]])}`."
    return f" Known here: {', '.join(sorted(beside))}."


def _paths(model: type[BaseModel], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        yield (*at, name)
        if section := _section(field.annotation):
            yield from _paths(section, (*at, name))


def _section(annotation: object) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return None


def _lines(error: ValidationError, path: Path) -> Iterator[str]:
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"])
        given = PASSWORD.sub("://***@", repr(problem["input"]))
        yield f"{path}: `{where}` is {given}: {problem['msg']}."
