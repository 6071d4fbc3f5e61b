"""One connection to a database by ADBC: its tables, and their rows streamed into DuckDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from models.errors import WarmlineError
from pipelines.history.addresses import BIGQUERY, GUIDE, POSTGRESQL, SQLITE, Address
from pipelines.history.carrying import Carried, carried
from pipelines.history.engine import name, quoted
from pipelines.history.refusals import explained

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

# One state of all tables, however long the reading takes, and no way to write.
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
# As the connection's search path finds it, first as it is written and then as Postgres folds it.
FIND = """
SELECT wanted, coalesce(to_regclass(exact), to_regclass(lower(exact)))::text AS found
FROM (VALUES {wanted}) AS asked (wanted, exact)
"""


@dataclass(frozen=True)
class TableName:
    """A table as a SELECT names it."""

    schema: str  # "" for none
    table: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}" if self.schema else self.table


@dataclass(frozen=True)
class Reader:
    """An open database, at one moment of its time."""

    address: Address
    connection: Any

    def find(self, wanted: list[TableName]) -> dict[TableName, str]:
        """Those of `wanted` (tables or views) that there are, as the database's SQL names them."""
        if not wanted:
            return {}
        with self._plainly("its list of tables"):
            if self.address.driver is POSTGRESQL:
                return self._find_by_path(wanted)
            return self._find_by_list(wanted)

    def _find_by_path(self, wanted: list[TableName]) -> dict[TableName, str]:
        spelled = {
            str(one): (f"{name(one.schema)}." if one.schema else "") + name(one.table)
            for one in wanted
        }
        values = ", ".join(f"({quoted(key)}, {quoted(sql)})" for key, sql in spelled.items())
        rows = self._rows(FIND.format(wanted=values))
        found = {row["wanted"]: row["found"] for row in rows if row["found"]}
        return {one: found[str(one)] for one in wanted if str(one) in found}

    def _find_by_list(self, wanted: list[TableName]) -> dict[TableName, str]:
        objects = self.connection.adbc_get_objects(depth="tables").read_all().to_pylist()
        there = {
            (one.lower() if one else "", table["table_name"].lower()): (one, table["table_name"])
            for catalog in objects
            for schema in catalog["catalog_db_schemas"] or []
            for table in schema["db_schema_tables"] or []
            for one in {schema["db_schema_name"] or "", ""}
        }
        found = {}
        for one in wanted:
            parts = there.get((one.schema.lower(), one.table.lower()))
            if parts:
                found[one] = ".".join(self.spelled(part) for part in parts if part)
        return found

    def spelled(self, identifier: str) -> str:
        """An identifier as this database quotes it."""
        if self.address.driver is BIGQUERY:
            return f"`{identifier}`"
        return name(identifier)

    def columns(self, select: str, about: str) -> list[Carried]:
        """The columns that `select` yields, and how each is carried over."""
        with self._plainly(about), self.connection.cursor() as cursor:
            if self.address.driver is POSTGRESQL:
                schema: pa.Schema = cursor.adbc_execute_schema(select)
            else:
                cursor.execute(f"SELECT * FROM (\n{select}\n) AS asked WHERE 1 = 0")  # noqa: S608
                schema = cursor.fetch_record_batch().schema
        return [carried(self.address.driver, column, self.spelled) for column in schema]

    def fetch(
        self,
        select: str,
        columns: list[Carried],
        into: duckdb.DuckDBPyConnection,
        table: str,
        about: str,
    ) -> int:
        """Streams the rows of `select` into `table` (SQL) of DuckDB; returns how many they are.

        Batches of some megabytes are carried over one by one, whatever the table's size.
        """
        asked = ", ".join(column.asked for column in columns)
        taken = ", ".join(column.taken for column in columns)
        rows = 0
        with self._plainly(about), self.connection.cursor() as cursor:
            cursor.execute(f"SELECT {asked} FROM (\n{select}\n) AS source_rows")  # noqa: S608
            batches = cursor.fetch_record_batch()
            _insert(into, f"CREATE TABLE {table} AS", taken, batches.schema.empty_table())
            for batch in batches:
                _insert(into, f"INSERT INTO {table}", taken, batch)
                rows += batch.num_rows
        return rows

    def _rows(self, select: str) -> list[dict[str, Any]]:
        with self.connection.cursor() as cursor:
            cursor.execute(select)
            rows: list[dict[str, Any]] = cursor.fetch_arrow_table().to_pylist()
            return rows

    @contextmanager
    def _plainly(self, about: str) -> Iterator[None]:
        """Turns what the driver raises into one clear line, without values and secrets."""
        import pyarrow as pa
        from adbc_driver_manager import Error

        try:
            yield
        except (Error, OSError, pa.ArrowException) as error:
            # The driver's own error is left out of the chain: it may quote a row or a secret.
            raise explained(self.address, error, about) from None


def _insert(into: duckdb.DuckDBPyConnection, verb: str, taken: str, rows: Any) -> None:
    into.register("arriving", rows)
    try:
        into.execute(f"{verb} SELECT {taken} FROM arriving")  # noqa: S608
    finally:
        into.unregister("arriving")


@contextmanager
def reading(address: Address) -> Iterator[Reader]:
    """The database at `address`, open for reading.

    With Postgres and SQLite all tables are read at one moment; other databases give what their
    transactions give. Raises `WarmlineError` where it cannot be reached or its driver is missing.
    """
    driver = _driver(address)
    from adbc_driver_manager import Error

    try:
        connection = _connect(driver, address)
    except (Error, OSError) as error:
        raise explained(address, error, "") from None
    reader = Reader(address, connection)
    try:
        with reader._plainly("its transaction"):
            if address.driver is POSTGRESQL:
                with connection.cursor() as cursor:
                    cursor.execute(SNAPSHOT)
        yield reader
    finally:
        with suppress(Error, OSError):
            connection.close()


def _driver(address: Address) -> Any:
    driver = address.driver
    try:
        return import_module(f"{driver.module}.dbapi")
    except ImportError:
        raise WarmlineError(
            f"Reading {address} needs its driver: install {driver.package} where Warmline is "
            f"({GUIDE}). Nothing was changed."
        ) from None


def _connect(driver: Any, address: Address) -> Any:
    if address.driver is SQLITE:
        return driver.connect(address.uri)
    if address.driver is BIGQUERY:
        return driver.connect(db_kwargs=dict(address.options))
    if address.options:
        return driver.connect(address.uri, db_kwargs=dict(address.options))
    return driver.connect(address.uri)
