"""Contract tables as Spark finds them: its sources, and SQL that maps them to the contract."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import WarmlineError, WrongUsage
from pipelines.history.schema import REQUIRED_TABLES, TABLE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from models.settings import SparkTable


def contract_tables(
    session: SparkSession, tables: Mapping[str, SparkTable], mapping: str
) -> dict[str, DataFrame]:
    """The contract tables: those named so, or what the SQL files of `mapping` make of any.

    Raises `WrongUsage` for a table that the contract does not know or needs, and `WarmlineError`
    where Spark cannot read one.
    """
    for name, table in tables.items():
        _read(session, name, table).createOrReplaceTempView(name)
    paths = sorted(Path(mapping).glob("*.sql")) if mapping else []
    if mapping and not paths:
        raise WrongUsage(f"[spark] mapping: there is no folder {mapping} with SQL files in it.")
    queries = {path.stem: path.read_text(encoding="utf-8").rstrip().rstrip(";") for path in paths}
    queries = queries or {name: f"SELECT * FROM `{name}`" for name in tables}  # noqa: S608
    unknown, missing = sorted(set(queries) - set(TABLE)), set(REQUIRED_TABLES) - set(queries)
    if unknown or missing:
        what = f"does not know {unknown[0]!r}" if unknown else f"needs {sorted(missing)[0]!r}"
        raise WrongUsage(
            f"The contract {what}: [spark.tables], or the files of [spark] mapping, are named "
            f"{', '.join(TABLE)} (docs/guides/spark.md). Nothing was changed."
        )
    return {name: _selected(session, name, query) for name, query in queries.items()}


def _read(session: SparkSession, name: str, table: SparkTable) -> DataFrame:
    if bool(table.table) == bool(table.path):
        raise WrongUsage(f"[spark.tables.{name}] needs `table` or `path`, and not both.")
    reader = session.read.options(**table.options)
    try:
        if table.table:
            return reader.table(table.table)
        return reader.format(table.format).load(table.path)
    except Exception as error:  # Spark's own, of many kinds
        raise _wrong(f"[spark.tables.{name}]", error) from error


def _selected(session: SparkSession, name: str, query: str) -> DataFrame:
    try:
        return session.sql(query)
    except Exception as error:  # Spark's own, of many kinds
        raise _wrong(f"{name}.sql", error) from error


def _wrong(where: str, error: Exception) -> WarmlineError:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return WarmlineError(f"{where} cannot be read by Spark: {lines[0]} Nothing was changed.")
