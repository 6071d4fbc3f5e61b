"""Where a database is: its URL taken apart, and what of it may be shown.

A password stays in `uri` and `secrets`; the text of an `Address` never holds it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

from models.errors import WrongUsage

GUIDE = "docs/guides/databases.md"
URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
VARIABLE = re.compile(r"\$\{(\w+)\}")
SECRET = re.compile(r"pass|secret|token|key|credential", re.IGNORECASE)
# Names, addresses, ports, several of them with commas, a socket's folder percent-encoded.
HOSTS = re.compile(r"[\w.%:,\[\]-]*")
PATIENCE = 30  # seconds for one host to answer; libpq waits for ever by default
UNNAMED = "database"


@dataclass(frozen=True)
class Driver:
    """An ADBC driver: what it is called in Python, and where pip finds it."""

    module: str
    package: str


POSTGRESQL = Driver("adbc_driver_postgresql", "adbc-driver-postgresql")
SQLITE = Driver("adbc_driver_sqlite", "adbc-driver-sqlite")
SNOWFLAKE = Driver("adbc_driver_snowflake", "adbc-driver-snowflake")
BIGQUERY = Driver("adbc_driver_bigquery", "adbc-driver-bigquery")
FLIGHT = Driver("adbc_driver_flightsql", "adbc-driver-flightsql")
DRIVERS = {
    "postgresql": POSTGRESQL, "postgres": POSTGRESQL, "sqlite": SQLITE, "snowflake": SNOWFLAKE,
    "bigquery": BIGQUERY, "flightsql+grpc": FLIGHT, "flightsql+grpc+tls": FLIGHT,
}  # fmt: skip


@dataclass(frozen=True)
class Address:
    """One database. `name` is what its feed is called; `shown` is the URL without its secrets."""

    driver: Driver
    name: str
    shown: str
    uri: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        return self.shown

    def without_secrets(self, text: str) -> str:
        """`text`, which a driver wrote, with each secret blotted out."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def is_url(source: str) -> bool:
    """Whether a source names a database and no folder."""
    return bool(URL.match(source)) or bool(VARIABLE.fullmatch(source))


def parse(url: str, environment: Mapping[str, str], *, name: str | None = None) -> Address:
    """The address that `url` gives, each `${NAME}` in it taken from `environment`.

    `name` is what to call the feed, by default the database's name. Raises `WrongUsage`, never
    showing a password, for a URL that cannot be understood.
    """
    parts = _split(_filled(url, environment))
    driver = DRIVERS.get(parts.scheme.lower())
    if driver is None:
        raise WrongUsage(
            f"No driver is known for {parts.scheme}:// (known: {', '.join(DRIVERS)}). {GUIDE} says"
            " how to bring such a source as files. Nothing was changed."
        )
    user, hosts = parts.netloc.rpartition("@")[::2]
    account, _, password = user.partition(":")
    password = unquote(password)
    query = parse_qsl(parts.query)
    uri, options = _for_driver(driver, parts, unquote(account), password, hosts)
    database = PurePosixPath(unquote(parts.path)).name
    return Address(
        driver=driver,
        name=_feed_name(name or (PurePosixPath(database).stem if driver is SQLITE else database)),
        shown=f"{parts.scheme}://{hosts}{parts.path}",
        uri=uri,
        options=options,
        secrets=_secrets(password, [value for key, value in query if SECRET.search(key)]),
    )


def _filled(url: str, environment: Mapping[str, str]) -> str:
    """The URL with its variables. A whole URL may stand in one; a part of one is encoded."""
    whole = VARIABLE.fullmatch(url)

    def value(found: re.Match[str]) -> str:
        variable = found[1]
        if not environment.get(variable):
            raise WrongUsage(
                f"The source names the environment variable {variable}, which is not set: set it"
                " where this command runs. Nothing was changed."
            )
        return environment[variable] if whole else quote(environment[variable], safe="")

    return VARIABLE.sub(value, url)


def _split(url: str) -> SplitResult:
    """The URL's parts; what would put a piece of a password into another part is refused."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise WrongUsage(_MISREAD) from None
    hosts = parts.netloc.rpartition("@")[2]
    beyond = parts.path + parts.query
    if not URL.match(url) or parts.fragment or "@" in beyond or not HOSTS.fullmatch(hosts):
        raise WrongUsage(_MISREAD)
    return parts


_MISREAD = (
    "The database's URL cannot be read. Write it as postgresql://user:password@host:5432/name, and"
    " write / ? # @ : % in a password as %2F %3F %23 %40 %3A %25, or leave the password to the"
    f" environment: postgresql://user:${{NAME}}@host/name ({GUIDE}). Nothing was changed."
)


def _for_driver(
    driver: Driver, parts: SplitResult, account: str, password: str, hosts: str
) -> tuple[str, dict[str, str]]:
    """What the driver is told: a URI in its own way of writing, and options."""
    user = quote(account, safe="") + (f":{quote(password, safe='')}" if password else "")
    there = f"{user}@{hosts}" if user else hosts
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    if driver is POSTGRESQL:
        asked.setdefault("connect_timeout", str(PATIENCE))
        return f"postgresql://{there}{parts.path}?{urlencode(asked, quote_via=quote)}", {}
    if driver is SQLITE:
        # As SQLAlchemy writes it: three slashes and a relative path, or four and an absolute one.
        return f"file:{parts.path[1:]}?mode=ro", {}
    if driver is BIGQUERY:
        options = {"adbc.bigquery.sql.project_id": hosts}
        dataset = parts.path.strip("/")
        return "", options | ({"adbc.bigquery.sql.dataset_id": dataset} if dataset else {})
    if driver is FLIGHT:
        given = {"username": account, "password": password}
        scheme = parts.scheme.lower().removeprefix("flightsql+")
        return f"{scheme}://{hosts}", {key: value for key, value in given.items() if value}
    rest = f"?{parts.query}" if parts.query else ""
    return f"{there}{parts.path}{rest}", {}


def _feed_name(wanted: str) -> str:
    if re.search(r"[/\\\x00-\x1f]", wanted):
        raise WrongUsage(f"A source cannot be called {wanted!r}: leave out slashes and controls.")
    return wanted or UNNAMED


def _secrets(password: str, others: list[str]) -> tuple[str, ...]:
    """Every way in which a secret may be written, the longest first."""
    plain = [secret for secret in (password, *others) if secret]
    return tuple(sorted({*plain, *(quote(one, safe="") for one in plain)}, key=len, reverse=True))
