"""`warmline outreach rewrite`: a language model goes over drafts, and a person over what it did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from models.command import Run, command, user
from outreach.opened import opened

if TYPE_CHECKING:
    from outreach.drafting.rewriter import Rewriter
    from outreach.store.database import Store


@command("rewrite")
@click.argument("message_ids", metavar="[MESSAGE]...", nargs=-1)
@click.option("--most", type=click.IntRange(min=1), default=20, show_default=True,
              help="Without MESSAGE: so many of those that wait untried.")  # fmt: skip
@click.option("--undo", is_flag=True, help="Give each MESSAGE the words back that it had before.")
def rewrite(run: Run, message_ids: tuple[str, ...], most: int, undo: bool) -> None:
    """Let a language model ([outreach.rewriting]) rewrite drafts. Each still waits for approval;
    one whose facts the model changed stays as it was."""

    if undo:
        _undo(run, opened(run), message_ids)
        return
    from outreach.drafting.rewriter import Rewriter, Unusable
    from outreach.store.rewriting import untried

    rewriter = Rewriter(run.settings.outreach.rewriting)
    store = opened(run)
    done: list[dict[str, Any]] = []
    stopped = None
    try:
        for message in message_ids or untried(store, most):
            done.append(_rewritten(run, store, rewriter, message))
            run.say(*_lines(done[-1]))
    except Unusable as error:
        if not done:
            raise
        stopped = str(error)
    finally:
        rewriter.close()
    many = sum("after" in each for each in done)
    last = [f"{many:,} rewritten, {len(done) - many:,} kept as they were."]
    run.result({"messages": done, "stopped": stopped}, [*last, *([stopped] if stopped else [])])


def _rewritten(run: Run, store: Store, rewriter: Rewriter, message: str) -> dict[str, Any]:
    """What became of a draft: its id with both texts, or with why it stayed as it was."""
    from outreach.store import rewriting

    row = rewriting.words_of(store, message)
    told = rewriter.rewritten(
        row.text, row.language, name=row.name, sender=row.from_name,
        company=run.settings.outreach.company,
    )  # fmt: skip
    facts: dict[str, Any] = {"by": user(), "now": run.now, "message": row.id, "before": row.text}
    if not isinstance(told, str):
        rewriting.keep(store, **facts, model=rewriter.model, why=told.why)
        return {"id": row.id, "why": told.why}
    rewriting.rewrite(store, **facts, model=rewriter.model, after=told)
    return {"id": row.id, "before": row.text, "after": told}


def _lines(done: dict[str, Any]) -> Sequence[str]:
    """What changed, paragraph by paragraph."""
    from difflib import ndiff

    from outreach.channels.email.preview import visible

    if "why" in done:
        return [f"{done['id']}  kept: {done['why']}", ""]
    before, after = (done[name].split("\n\n") for name in ("before", "after"))
    changed = [line for line in ndiff(before, after) if line[:2] in ("- ", "+ ")]
    shown = (visible(line) for part in changed for line in part.splitlines())
    return [f"{done['id']}  rewritten:", *shown, ""]


def _undo(run: Run, store: Store, message_ids: Sequence[str]) -> None:
    from models.errors import WrongUsage
    from outreach.store.rewriting import restore

    if not message_ids:
        raise WrongUsage("--undo needs a MESSAGE: `warmline outreach list` shows their ids.")
    done = [restore(store, by=user(), now=run.now, message=each) for each in message_ids]
    run.result({"undone": done}, [f"{each} has its words back." for each in done])
