"""What a mapping's SELECT reads: the tables that it names, found by DuckDB's own parser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from models.errors import WarmlineError
from pipelines.history.adbc import TableName

if TYPE_CHECKING:
    import duckdb

# What a mapping's prepare.sql makes for its SELECTs to share; macros and settings read no table.
MADE = re.compile(
    r"(?:\s|--[^\n]*\n)*CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP(?:ORARY)?\s+)?(?:TABLE|VIEW)\s+"
    r"(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>\"[^\"]+\"|\w+)\s+AS\s+(?P<select>.*)",
    re.IGNORECASE | re.DOTALL,
)


def prepared(
    connection: duckdb.DuckDBPyConnection, statements: str, label: str
) -> tuple[list[TableName], set[str]]:
    """Tables that a mapping's prepare.sql reads, and the names (lower case) that it defines."""
    needed: dict[TableName, None] = {}
    made: set[str] = set()
    for statement in connection.extract_statements(statements):
        found = MADE.match(statement.query)
        if found:
            select = found["select"].rstrip().rstrip(";")
            for table in tables_of(connection, select, label):
                if table.schema or table.table.lower() not in made:
                    needed.setdefault(table)
            made.add(found["name"].strip('"').lower())
    return list(needed), made


def tables_of(connection: duckdb.DuckDBPyConnection, select: str, label: str) -> list[TableName]:
    """Tables that `select` reads and does not define itself, in the order of their naming.

    `duckdb.get_table_names` is not used: it binds the SELECT, and fails on a JOIN with USING since
    the tables are not there yet. Raises `WarmlineError`, naming `label`, where it is no SELECT.
    """
    asked = "SELECT json_serialize_sql(?::VARCHAR)"
    parsed = json.loads(connection.execute(asked, [select]).fetchall()[0][0])
    if parsed["error"]:
        raise WarmlineError(
            f"{label} cannot be used: {parsed['error_message']}\nWrite it as one SELECT."
            " Nothing was changed."
        )
    found = dict.fromkeys(_tables(parsed["statements"], frozenset(), label))
    return list(found)


def _tables(node: Any, defined: frozenset[str], label: str) -> Iterator[TableName]:
    """Walks the parse tree; `defined` are the names that WITH gives here."""
    if isinstance(node, list):
        for one in node:
            yield from _tables(one, defined, label)
        return
    if not isinstance(node, dict):
        return
    if node.get("type") == "BASE_TABLE":
        yield from _table(node, defined, label)
    for entry in node.get("cte_map", {}).get("map", []):
        name, query = entry["key"].lower(), entry["value"]
        # DuckDB 2 writes it as `query_node`, DuckDB 1 as `query.node`.
        inner = query.get("query_node") or query.get("query", {}).get("node", {})
        recursive = inner.get("type") == "RECURSIVE_CTE_NODE"
        # WITH t AS (SELECT ... FROM t): the inner t is a table, unless it says RECURSIVE.
        yield from _tables(query, defined | {name} if recursive else defined, label)
        defined = defined | {name}
    for key, child in node.items():
        if key != "cte_map":
            yield from _tables(child, defined, label)


def _table(node: dict[str, Any], defined: frozenset[str], label: str) -> Iterator[TableName]:
    if node["catalog_name"]:
        raise WarmlineError(
            f"{label} names {node['catalog_name']}.{node['schema_name']}.{node['table_name']}:"
            " a table of another database. Name at most a schema. Nothing was changed."
        )
    if node["schema_name"] or node["table_name"].lower() not in defined:
        yield TableName(node["schema_name"], node["table_name"])
