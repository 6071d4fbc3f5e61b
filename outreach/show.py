"""The list on a terminal: who to see to tonight, why, and who is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outreach.compare import tonight
from outreach.plan import PlanResult

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

REASONS = {"refer": 3, "contact": 3, "hold": 1}  # the first ones; the page and the file have all
HELD = 3  # of those left alone, from the top
# Of the reasons, and of the decision.
STYLE = {"refer": ("", "bold magenta"), "contact": ("", "bold green"), "hold": ("dim", "dim")}
BAND_STYLE = {"high": "red", "medium": "yellow", "low": "dim"}
# How many of those held ... by the gate.
HELD_BY = {
    "erased": "erased",
    "objection": "objecting to profiling",
    "suppressed": "out of reach",
    "opted_out": "who refused",
    "no_consent": "who did not agree",
    "open_case": "with an open case",
    "too_often": "contacted often enough",
    "answered": "who answered lately",
    "known_better": "where somebody knows better",
    "nothing_new": "with nothing new",
    "harm": "whom contact may harm",
    "low_value": "with too little to save",
    "capacity": "beyond capacity",
    "control": "in the control group",
    "turn": "waiting for their turn",
}


def render(result: PlanResult, top: int = 10, currency: str = "") -> RenderableType:
    """The first `top` to see to, the first held back with the reason, and the night in numbers.

    Made for 100 columns; narrower and wider terminals wrap it.
    """
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    table = _frame(result)
    for row in _shown(result, top):
        table.add_row(*_cells(row, currency), end_section=True)
    lines = [tonight(result), _summary(result), *(f"Note: {note}." for note in result.notes)]
    return Group(table, Padding(Text("\n".join(lines)), (1, 1)))


def _frame(result: PlanResult) -> Table:
    from rich import box
    from rich.table import Table

    day = result.as_of
    table = Table(
        title=f"The list for {day:%A}, {day.day} {day:%B %Y}",
        title_style="bold", box=box.HORIZONTALS, header_style="bold", pad_edge=False, expand=True,
    )  # fmt: skip
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("customer, owner", overflow="fold", max_width=20)
    table.add_column("risk, value", no_wrap=True)
    table.add_column("why", ratio=1, min_width=30)
    table.add_column("decision", max_width=20)
    return table


def _shown(result: PlanResult, top: int) -> list[dict[str, Any]]:
    """What is to be done, then what is held, each from the top of the list; with its band."""
    import pyarrow as pa
    import pyarrow.compute as pc

    banded = result.rows.append_column("band", pa.array(result.bands, pa.string()))
    held = pc.equal(banded["decision"], "hold")
    parts = banded.filter(pc.invert(held))[:top], banded.filter(held)[:HELD]
    return [row for part in parts for row in part.to_pylist()]


def _cells(row: dict[str, Any], currency: str) -> list[RenderableType]:
    from rich.text import Text

    kind = row["decision"]
    return [
        str(row["rank"]),
        _who(row),
        _risk(row, currency),
        _why([*row["reasons"][: REASONS[kind]], *_news(row)] or ["–"], STYLE[kind][0]),
        Text(_words(row), style=STYLE[kind][1]),
    ]


def _who(row: dict[str, Any]) -> RenderableType:
    from rich.text import Text

    who = Text(row["customer_id"], style="bold")
    who.append(f"\n{row['owner_id'] or 'no owner'}", style="not bold dim")
    return who.append(" ○ silent", style="not bold cyan") if row["silent"] else who


def _risk(row: dict[str, Any], currency: str) -> RenderableType:
    from rich.text import Text

    probability, value = row["churn_probability"], row["value_at_risk"]
    if probability is None:
        return Text("not scored", style="dim")
    risk = Text(f"{probability:.0%} {row['band']}", style=BAND_STYLE[row["band"]])
    known = "value unknown" if value is None else f"{currency} {value:,.0f}".strip()
    return risk.append(f"\n{known}", style="default")


def _why(reasons: list[str], style: str) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    lines = Table.grid(padding=(0, 1))
    for reason in reasons:
        lines.add_row(Text("·", style=style), Text(reason, style=style))
    return lines


def _news(row: dict[str, Any]) -> list[str]:
    """What changed most since the list before, of who is not held."""
    return [] if row["decision"] == "hold" else row["what_changed"][:1]


def _words(row: dict[str, Any]) -> str:
    if row["decision"] == "refer":
        return "refer to the owner"
    if row["decision"] == "contact":
        return (
            "contact in person" if row["channel"] == "in_person" else f"contact by {row['channel']}"
        )
    return "hold: " + "; ".join(row["hold_reasons"])


def _summary(result: PlanResult) -> str:
    """The night in numbers, and why the held ones are held."""
    counts = result.counts
    gates = {name[5:]: count for name, count in counts.items() if name.startswith("held_")}
    ordered = sorted(gates.items(), key=lambda pair: (-pair[1], pair[0]))
    why = ", ".join(f"{count:,} {HELD_BY.get(name, name)}" for name, count in ordered)
    return (
        f"{counts['scored']:,} scored · {counts['refer']:,} to refer · "
        f"{counts['contact']:,} to contact · {counts['hold']:,} held"
        + (f" ({why})" if why else "")
        + f" · {counts['no_play']:,} for whom no playbook fits"
    )
