"""The outreach store: one database, SQLite in the home or Postgres by URL.

Every transaction that writes begins as a writer, so that what it read still holds when it writes.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from models.errors import Busy, SchemaTooNew, SchemaTooOld, WarmlineError
from outreach.store.tables import SCHEMA

FILE = "outreach.db"
# A writer waits so long for the others. Each holds the store for milliseconds, `record` of a large
# night for tens of seconds.
WAIT_SECONDS = 60
CONNECT_SECONDS = 10
_READS = "warmline_reads"
_MIGRATING = 7_228_103_615  # names our advisory lock in Postgres; any number does


@dataclass(frozen=True)
class Store:
    """An opened store. `place`: where it is, in words without a password."""

    engine: sa.Engine
    place: str

    @classmethod
    def open(cls, database: str, root: Path) -> Store:
        """The store at `database` (a URL, or empty for `outreach.db` in `root`), made where there
        is none yet.

        Raises `SchemaTooOld` or `SchemaTooNew` where it is of another version of Warmline, and
        `WarmlineError` where it cannot be reached.
        """
        store = cls.at(database, root)
        if store.schema() is None:
            store.migrate()
        store.require_schema()
        return store

    @classmethod
    def find(cls, database: str, root: Path) -> Store | None:
        """The store where there is one already, else None. Raises as `open`."""
        if not database and not (root / FILE).exists():
            return None
        store = cls.at(database, root)
        if store.schema() is None:
            return None
        store.require_schema()
        return store

    @classmethod
    def at(cls, database: str, root: Path) -> Store:
        """The store, whatever its schema. Raises `WarmlineError` for a URL that is none."""
        url = _url(database, root)
        if url.get_backend_name() == "sqlite":
            return cls(_sqlite(url), str(url.database))
        return cls(_postgres(url), f"{url.host or 'the local socket'}/{url.database}")

    @contextmanager
    def begin(self) -> Iterator[sa.Connection]:
        """A transaction that may write: all of it or nothing."""
        with self._speaking(), self.engine.begin() as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that only reads, and waits for no writer."""
        with self._speaking(), self.engine.connect() as connection:
            yield connection.execution_options(**{_READS: True})

    def schema(self) -> str | None:
        """The name of the newest migration that was run here; None for an empty database."""
        if self.engine.dialect.name == "sqlite" and not Path(self.place).exists():
            return None  # looking into it would make it
        with self.read() as tx:
            if not sa.inspect(tx).has_table("alembic_version"):
                return None
            found: str | None = tx.execute(
                sa.text("SELECT version_num FROM alembic_version")
            ).scalar()
            return found

    def require_schema(self) -> None:
        """Raises `SchemaTooOld` or `SchemaTooNew` where this code is made for another schema."""
        found = self.schema()
        if found is None or found < SCHEMA:
            raise SchemaTooOld(
                f"The outreach store ({self.place}) has schema {found or 'none'}, this version "
                f"needs {SCHEMA}: run `warmline outreach migrate`. Nothing was changed."
            )
        if found > SCHEMA:
            raise SchemaTooNew(
                f"The outreach store ({self.place}) was written by a newer Warmline (schema "
                f"{found}, this version reads {SCHEMA}): install that version. Nothing was changed."
            )

    def migrate(self) -> str | None:
        """Brings the schema to `SCHEMA`, all of it or nothing; gives what it was before.

        Of several at once one does it, the others find it done.
        """
        from outreach.store.migrations.upgrade import upgrade

        with self._alone(), self.begin() as tx:
            if tx.dialect.name == "postgresql":
                tx.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
            return upgrade(tx)

    def wipe(self) -> None:
        """What was deleted or overwritten is gone from SQLite's files too; Postgres keeps dead rows
        until its own vacuum."""
        if self.engine.dialect.name != "sqlite":
            return
        with self._speaking(), self.engine.connect() as connection:
            alone = connection.execution_options(isolation_level="AUTOCOMMIT")
            alone.exec_driver_sql("VACUUM")
            alone.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """A new SQLite file is made by one process: turning WAL on does not wait for others."""
        if self.engine.dialect.name != "sqlite":
            yield
            return
        path = Path(self.place)
        with path.with_name(f".{path.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            path.touch(mode=0o600)
            with self.engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
                    "PRAGMA journal_mode = WAL"
                )
            yield

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        """What the database refuses, in one line without the statement's values."""
        try:
            yield
        except OperationalError as error:
            words = str(error.orig).strip().splitlines()[0]
            if "database is locked" in words:
                raise Busy(
                    f"The outreach store ({self.place}) is busy for more than {WAIT_SECONDS} s: "
                    "run it again. Nothing was changed."
                ) from None
            raise WarmlineError(
                f"The outreach store ({self.place}) cannot be used: {words}. Look at [outreach] "
                "database and at the server. Nothing was changed."
            ) from None
        except DBAPIError as error:
            error.hide_parameters = True  # they may be addresses
            raise


def _url(database: str, root: Path) -> sa.URL:
    if not database:
        return sa.URL.create("sqlite", database=str(root / FILE))
    try:
        url = sa.make_url(database)
    except ArgumentError:
        url = sa.URL.create("none")
    backend = {"postgres": "postgresql", "postgresql": "postgresql", "sqlite": "sqlite"}.get(
        url.drivername.partition("+")[0]
    )
    if backend is None or (backend == "sqlite" and not url.database):
        raise WarmlineError(
            "[outreach] database is neither postgresql://USER:PASSWORD@HOST/NAME nor "
            "sqlite:////PATH; empty, it is outreach.db in the home. Nothing was changed."
        )
    return url.set(drivername="postgresql+psycopg" if backend == "postgresql" else "sqlite")


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, connect_args={"timeout": WAIT_SECONDS}, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver begins nothing: `begin` below does
        # FULL: what was committed stays when the power goes, also in WAL.
        # secure_delete: addresses that are cleared are overwritten.
        for pragma in "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON":
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT":
            return
        reads = connection.get_execution_options().get(_READS)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _postgres(url: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(
            url,
            connect_args={"connect_timeout": CONNECT_SECONDS},
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except (ModuleNotFoundError, NoSuchModuleError):
        raise WarmlineError(
            "Postgres needs its driver: install warmline[postgres]. Nothing was changed."
        ) from None
