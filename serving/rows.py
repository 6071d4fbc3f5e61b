"""The rows of `/score_history` as OpenAPI 3.0 says them: the contract's columns, cells as in a CSV
file, where numbers and times may be texts."""

from __future__ import annotations

from typing import Any

from pipelines.history.schema import CUSTOMERS, INTERACTIONS, PROVENANCE, TERMS, Column, Table

# The schema of a row by table.
NAMES = {"customers": "CustomerRow", "interactions": "InteractionRow", "terms": "TermRow"}
CELL = {
    "description": "A text, a number, true, false or null.",
    "anyOf": [{"type": "string", "nullable": True}, {"type": "number"}, {"type": "boolean"}],
}
ID = {"anyOf": [{"type": "string", "minLength": 1}, {"type": "number"}, {"type": "boolean"}]}


def schemas(place: str) -> dict[str, Any]:
    """By name; `place`: what a reference to one begins with."""
    tables = (CUSTOMERS, INTERACTIONS, TERMS)
    return {"Cell": CELL} | {NAMES[table.name]: _row(table, place) for table in tables}


def _row(table: Table, place: str) -> dict[str, Any]:
    cell = {"$ref": f"{place}Cell"}
    columns = (*table.columns, *PROVENANCE)
    words = "Other columns are attributes." if table.open_ended else "Other columns are ignored."
    return {
        "type": "object",
        "description": f"A row of the contract's `{table.name}`. {words}",
        "required": [column.name for column in columns if column.required],
        "properties": {column.name: _cell(column, cell) for column in columns},
        "additionalProperties": cell,
    }


def _cell(column: Column, cell: dict[str, Any]) -> dict[str, Any]:
    if not column.required:
        return cell
    if column.type == "time":
        return {"type": "string", "format": "date-time"}
    return {"type": "string", "enum": list(column.one_of)} if column.one_of else ID
