"""The list on a terminal: who to see to tonight, why, and who is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outreach.plan import PlanResult

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

REASONS = 3  # the first ones; the page and the file have all
HELD = 3  # of those left alone, from the top
STYLE = {"refer": "bold magenta", "contact": "bold green", "hold": "dim"}
BAND_STYLE = {"high": "red", "medium": "yellow", "low": "dim"}


def render(result: PlanResult, top: int = 10, currency: str = "") -> RenderableType:
    """The first `top` to see to, the first held back with the reason, and the night in numbers.

    Made for 100 columns; narrower and wider terminals wrap it.
    """
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    table = _frame(result, currency)
    rows = [{**row, "band": band} for row, band in _shown(result, top)]
    for row, after in zip(rows, [*rows[1:], None], strict=True):
        last_of_kind = after is not None and row["decision"] != "hold" == after["decision"]
        table.add_row(*_cells(row), end_section=last_of_kind)
    lines = [_summary(result), *(f"Note: {note}." for note in result.notes)]
    return Group(table, Padding(Text("\n".join(lines)), (1, 1)))


def _frame(result: PlanResult, currency: str) -> Table:
    from rich import box
    from rich.table import Table

    day = result.as_of
    table = Table(
        title=f"Warmline · the list for {day:%A}, {day.day} {day:%B %Y}",
        title_style="bold", box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, expand=True,
    )  # fmt: skip
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("customer", overflow="fold", min_width=10, max_width=18)
    table.add_column("owner", overflow="fold", max_width=10)
    table.add_column("risk", no_wrap=True)
    table.add_column(f"at risk{f', {currency}' if currency else ''}", justify="right", no_wrap=True)
    table.add_column("why", ratio=1, min_width=24)
    table.add_column("decision", max_width=18)
    return table


def _shown(result: PlanResult, top: int) -> list[tuple[dict[str, Any], str]]:
    """What is to be done, then what is held, each from the top of the list; with its band."""
    import pyarrow as pa
    import pyarrow.compute as pc

    banded = result.rows.append_column("_band", pa.array(result.bands, pa.string()))
    held = pc.equal(banded["decision"], "hold")
    parts = banded.filter(pc.invert(held))[:top], banded.filter(held)[:HELD]
    return [(row, row.pop("_band")) for part in parts for row in part.to_pylist()]


def _cells(row: dict[str, Any]) -> list[RenderableType]:
    from rich.text import Text

    customer = Text(row["customer_id"], style="bold")
    if row["silent"]:
        customer.append("\n○ silent", style="cyan not bold")
    value = row["value_at_risk"]
    return [
        str(row["rank"]),
        customer,
        row["owner_id"] or "–",
        _risk(row),
        "–" if value is None else f"{value:,.0f}",
        Text("\n".join(_bullets(row["reasons"]))),
        Text(_words(row), style=STYLE[row["decision"]]),
    ]


def _risk(row: dict[str, Any]) -> RenderableType:
    from rich.text import Text

    probability = row["churn_probability"]
    if probability is None:
        return Text("–")
    return Text(f"{probability:.0%} {row['band']}", style=BAND_STYLE[row["band"]])


def _bullets(reasons: list[str]) -> list[str]:
    return [f"· {reason}" for reason in reasons[:REASONS]] or ["–"]


def _words(row: dict[str, Any]) -> str:
    if row["decision"] == "refer":
        return "refer to the owner"
    if row["decision"] == "contact":
        return f"contact by {row['channel'].replace('_', ' ')}"
    return "hold: " + "; ".join(row["hold_reasons"])


def _summary(result: PlanResult) -> str:
    """The night in numbers, and why the held ones are held."""
    counts = result.counts
    gates = {name[5:]: count for name, count in counts.items() if name.startswith("held_")}
    ordered = sorted(gates.items(), key=lambda pair: (-pair[1], pair[0]))
    why = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in ordered)
    return (
        f"{counts['scored']:,} scored · {counts['refer']:,} to refer · "
        f"{counts['contact']:,} to contact · {counts['hold']:,} held"
        + (f" ({why})" if why else "")
        + f" · {counts['below_band']:,} below the risk that counts"
    )
