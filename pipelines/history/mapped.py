"""Mappings: a folder of SQL files, one SELECT a contract table, run by DuckDB over the source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import WarmlineError
from pipelines.history.addresses import Address
from pipelines.history.claims import CLAIMS
from pipelines.history.engine import name
from pipelines.history.schema import TABLE
from pipelines.history.small import is_small
from pipelines.history.sources import Feed, Found, check_columns, described

if TYPE_CHECKING:
    import duckdb

BUILT_IN = Path(__file__).parent / "mappings"
SOURCE = "${source}"
PREPARE = "prepare"  # statements that make tables for the SELECTs to share
LEFT_OUT = "left_out"  # SELECT reason, rows: what the mapping does not bring, and why


def find_mapping(mapping: Path) -> Path:
    """The folder of a mapping given by path, or by the name of one that ships with Warmline."""
    for folder in (mapping, BUILT_IN / mapping):
        if folder.is_dir() and any(folder.glob("*.sql")):
            return folder
    shipped = ", ".join(sorted(path.name for path in BUILT_IN.iterdir() if path.is_dir()))
    raise WarmlineError(
        f"There is no mapping {mapping}: neither a folder with SQL files nor one that ships with"
        f" Warmline ({shipped}). Nothing was changed."
    )


def run_mapping(
    connection: duckdb.DuckDBPyConnection, mapping: Path, source: Path | Address
) -> Found:
    """Runs each SELECT of `mapping` over `source` into a table of its own.

    `source` is a folder, or a database whose tables `connection` has already.
    """
    if isinstance(source, Path) and not source.is_dir():
        raise WarmlineError(f"{source} is no folder. Nothing was changed.")
    _prepare(connection, mapping / f"{PREPARE}.sql", source)
    feeds = [
        _feed(connection, path, source)
        for path in sorted(mapping.glob("*.sql"))
        if path.stem not in (PREPARE, LEFT_OUT, CLAIMS)
    ]
    for feed in feeds:
        check_columns(feed)
    if (mapping / f"{CLAIMS}.sql").exists():
        _run(connection, mapping / f"{CLAIMS}.sql", source)  # `claims.check` compares them
    return Found(feeds, left_out=_left_out(connection, mapping / f"{LEFT_OUT}.sql", source))


def _left_out(
    connection: duckdb.DuckDBPyConnection, path: Path, source: Path | Address
) -> dict[str, int]:
    if not path.exists():
        return {}
    _run(connection, path, source)
    rows = connection.execute(f"SELECT reason, rows FROM mapped_{LEFT_OUT}").fetchall()  # noqa: S608
    return {reason: int(number) for reason, number in rows if number}


def _feed(connection: duckdb.DuckDBPyConnection, path: Path, source: Path | Address) -> Feed:
    table = TABLE.get(path.stem)
    label = f"{path.parent.name}/{path.name}"
    if table is None:
        raise WarmlineError(
            f"{label} is named for no table of docs/history.md ({', '.join(TABLE)})."
            " Nothing was changed."
        )
    # Which of two rows comes first matters where both are of one age: never left to chance.
    mapped = _run(connection, path, source, ordered=is_small(table.name))
    types = described(connection, f"SELECT * FROM {name(mapped)}")  # noqa: S608
    return Feed(table, label, name(mapped), types, mapped=True)


def _prepare(connection: duckdb.DuckDBPyConnection, path: Path, source: Path | Address) -> None:
    if path.exists():
        _execute(connection, path, source)


def _run(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    source: Path | Address,
    *,
    ordered: bool = False,
) -> str:
    """Makes a table of a SELECT's rows; returns its name."""
    mapped = f"mapped_{path.stem}"
    rows = "SELECT * FROM (\n{}\n) ORDER BY ALL" if ordered else "{}"
    _execute(connection, path, source, f"CREATE TABLE {name(mapped)} AS {rows}")
    return mapped


def _execute(
    connection: duckdb.DuckDBPyConnection, path: Path, source: Path | Address, within: str = "{}"
) -> None:
    import duckdb

    sql = path.read_text().replace(SOURCE, str(source).replace("'", "''")).rstrip().rstrip(";")
    try:
        connection.execute(within.replace("{}", sql))
    except duckdb.Error as error:
        raise WarmlineError(
            f"{path.parent.name}/{path.name} could not be run over {source}:\n{error}\n"
            "Nothing was changed."
        ) from error


def default_source(source: Path | Address) -> str:
    """The name of a feed that names itself nowhere: its folder's, or its database's."""
    return source.name if isinstance(source, Address) else source.resolve().name
