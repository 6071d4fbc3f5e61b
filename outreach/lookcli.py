"""The commands of `warmline outreach` that only look: lists, one message, one item, tonight."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click

from models.command import Run, command
from models.words import NO_PROMISE
from outreach.opened import opened

png_file = click.Path(path_type=Path, dir_okay=False)
most_option = click.option("--most", type=click.IntRange(min=1), default=50, show_default=True)


@command("list")
@click.option("--items", is_flag=True, help="Work items instead of messages.")
@click.option("--owner", metavar="OWNER_ID", help="With --items: of that owner only.")
@click.option("--in-doubt", is_flag=True, help="Messages of which nobody knows whether they went.")
@click.option("--state", "states", multiple=True, help="Messages in that state; may be repeated.")
@most_option
def list_(
    run: Run, items: bool, owner: str | None, in_doubt: bool, states: tuple[str, ...], most: int
) -> None:
    """Messages that wait for a person, or those in a state, or work items."""
    from models.errors import WrongUsage
    from outreach.store import listing

    unknown = set(states) - set(listing.MESSAGE_STATES)
    if unknown:
        known = ", ".join(listing.MESSAGE_STATES)
        raise WrongUsage(f"{min(unknown)!r} is no state of a message: use {known}.")
    store = opened(run)
    if items or owner is not None:
        rows = listing.list_items(store, most, owner_id=owner)
        run.result(
            {"items": rows},
            [_item(row, run.settings.zone) for row in rows] or ["There is nothing to do."],
        )
        return
    wanted = ("in_doubt",) if in_doubt else states or listing.FOR_A_PERSON
    rows = listing.list_messages(store, wanted, most)
    run.result({"messages": rows}, [_message(row) for row in rows] or ["There is none."])


def _item(row: dict[str, Any], zone: tzinfo) -> str:
    owner = row["owner_id"] or "no owner"
    why = "; ".join([*([row["why"]] if row["why"] else []), *row["reasons"][:1]])
    told = [_whom(row), _what(row), owner, _state(row, zone), _due(row, zone), why]
    return f"{row['id']:>6}  " + "  ".join(each for each in told if each)


def _whom(row: dict[str, Any]) -> str:
    """The customer, and the person of the account who is to be spoken to."""
    person = f" ({row['contact_id']})" if row["contact_id"] else ""
    return f"{row['customer_id']}{person}"


def _what(row: dict[str, Any]) -> str:
    way = f" by {row['channel']}".replace("_", " ") if row["channel"] else ""
    return f"{row['playbook']}{way}"


def _state(row: dict[str, Any], zone: tzinfo) -> str:
    until = row["snoozed_until"]
    state = str(row["closed_as"] or row["state"]).replace("_", " ")
    return f"{state} until {until.astimezone(zone):%Y-%m-%d}" if until else state


def _due(row: dict[str, Any], zone: tzinfo) -> str:
    if row["snoozed_until"]:
        return ""
    return f"due {row['due_at'].astimezone(zone):%Y-%m-%d}" if row["due_at"] else "no due date"


@command("item")
@click.argument("number", metavar="ITEM", type=int)
def item(run: Run, number: int) -> None:
    """All of ITEM: whom and why, what would lower the risk, what to do, its letters, and what was
    done to it."""
    from outreach.playbooks import Playbooks
    from outreach.store.listing import one_item

    found, zone = one_item(opened(run), number), run.settings.zone
    plays = {play.name: play for play in Playbooks.load(run.home.root).plays}
    play = plays.get(found["playbook"])
    found["checklist"] = list(play.checklist) if play else []
    risk = found["churn_probability"]
    told = [
        _what(found), found["owner_id"] or "no owner", _state(found, zone), _due(found, zone),
        "" if risk is None else f"risk {risk:.0%}",
    ]  # fmt: skip
    lines = [
        f"{_whom(found)}: {play.title if play else found['playbook']}",
        ", ".join(each for each in told if each),
        *([f"said: {found['why']}"] if found["why"] else []),
        *(f"why: {reason}" for reason in found["reasons"]),
        *_lowering(found["remedies"]),
        *(f"to do: {step}" for step in found["checklist"]),
        *(f"letter: {each['id'][:12]} {each['state'].replace('_', ' ')}"
          for each in found["letters"]),
        *_trail(found["trail"]),
    ]  # fmt: skip
    run.result({"item": found}, lines)


def _lowering(remedies: list[str] | None) -> list[str]:
    """What would lower the risk that the company can do something about."""
    if not remedies:
        return []
    return [f"would lower the risk ({NO_PROMISE}):", *(f"  {remedy}" for remedy in remedies)]


def _trail(trail: list[dict[str, Any]]) -> list[str]:
    """What was done, by whom and when."""
    return [
        f"{each['at'].astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC  {each['by']}  {each['verb']}"
        for each in trail
    ]


def _message(row: dict[str, Any]) -> str:
    why = f": {row['why']}" if row["why"] else ""
    why += f" (rewritten by {row['rewritten_by']})" if row["rewritten_by"] else ""
    state = row["state"].replace("_", " ")
    return f"{row['id'][:12]}  {row['customer_id']}  {_what(row)}  {state}{why}"


@command("show")
@click.argument("message")
@click.option("--png", type=png_file, help="Draw it there as its reader sees it (Chromium).")
def show(run: Run, message: str, png: Path | None) -> None:
    """All of MESSAGE (its id, or how it begins), what was done to it, and the letter as it goes."""
    from models.errors import WarmlineError
    from outreach.channels.email.preview import seen, visible
    from outreach.store.listing import one_message

    found = one_message(opened(run), message)
    trail = found.pop("trail")
    try:
        letter = seen(SimpleNamespace(**found), run.settings, run.home.root, run.now)
    except WarmlineError:
        if png is not None:
            raise
        letter = None
    shown = [name for name, value in found.items() if value not in (None, "")]
    told = [name for name in shown if letter is None or name not in ("subject", "text", "html")]
    lines = [f"{name}: {visible(str(found[name]))}" for name in told]
    lines += _trail(trail)
    lines += ["", *letter.lines()] if letter else []
    if png is not None and letter is not None:
        if not png.parent.is_dir():
            raise WarmlineError(f"{png.parent} is no folder: nothing was drawn.")
        letter.picture(png)
        lines += ["", f"Drawn: {png}"]
    run.result({"message": found, "trail": trail, "letter": letter and asdict(letter)}, lines)


@command("preview")
def preview(run: Run) -> None:
    """Tonight in numbers: work items, their owners, messages. Sends nothing."""
    from outreach.store.listing import preview as numbers

    found = numbers(opened(run), run.now)
    owners = ", ".join(f"{owner or 'no owner'} {many:,}" for owner, many in found["owners"].items())
    waiting = ", ".join(
        f"{many:,} {state.replace('_', ' ')}" for state, many in sorted(found["messages"].items())
    )
    run.result(
        found,
        [
            f"{found['tasks']:,} work items" + (f": {owners}" if owners else ""),
            f"messages: {waiting or 'none'}; {found['due']:,} due now",
        ],
    )
