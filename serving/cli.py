"""Commands of the endpoint: serve, keys."""

from __future__ import annotations

import os
import sys
from datetime import datetime, time
from typing import TYPE_CHECKING

import click

from models.command import Run, command

if TYPE_CHECKING:
    from models.keys import Unit


def _clock(context: click.Context, option: click.Parameter, value: str | None) -> time | None:
    if value is None:
        return None
    try:
        return datetime.strptime(value, "%H:%M").time()
    except ValueError:
        raise click.BadParameter(f"{value!r} is no time of day: write it as 02:30") from None


@command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=3000, show_default=True)
@click.option(
    "--nightly",
    metavar="HH:MM",
    callback=_clock,
    help="Run `warmline nightly` at that time each day.",
)
def serve(run: Run, host: str, port: int, nightly: time | None) -> None:
    """Answer a CRM's calls over HTTP from the published scores (docs/guides/endpoint.md)."""
    from serving.preflight import require

    zone = run.settings.timezone  # a wrong setting is told now: a worker would start for ever
    for line in require(run.home, host, port):
        run.say(line)
    if nightly is not None:
        from serving.nights import start

        run.say(f"The night runs each day at {nightly.isoformat('minutes')} ({zone}).")
        start(run.root.absolute(), nightly)
    environment = {
        **os.environ,
        "WARMLINE_HOME": str(run.root.absolute()),
        "BENTOML_DO_NOT_TRACK": "True",
        # Two servers that share it overwrite each other's metrics.
        "BENTOML_HOME": str(run.root.absolute() / "serving"),
    }
    place = ["--host", host, "--port", str(port)]
    what = [sys.executable, "-m", "bentoml", "serve", "serving.service:service", *place]
    sys.stdout.flush()
    os.execve(sys.executable, what, environment)  # noqa: S606 - a fixed command of ours


@click.group("keys")
def keys() -> None:
    """Keys that open the endpoint."""


@command("create")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="score, read, work, admin.")
@click.option("--per-minute", type=click.IntRange(min=1), help="Most calls a minute.")
@click.option(
    "--retry-after",
    type=click.Choice(["seconds", "milliseconds"]),
    default="seconds",
    show_default=True,
    help="How the caller reads Retry-After; HubSpot's workflows read milliseconds.",
)
def create(
    run: Run, name: str, scopes: tuple[str, ...], per_minute: int | None, retry_after: Unit
) -> None:
    """Make a key for NAME. It is shown once and kept as a hash."""
    from models import keys as kept

    home = run.home
    key, text = kept.create(
        home.root, name=name, scopes=scopes, now=run.now, per_minute=per_minute,
        retry_after=retry_after,
    )  # fmt: skip
    facts = {"id": key.id, "name": key.name, "scopes": list(key.scopes), "key": text}
    run.result(facts, [f"Key {key.id} for {name}. It is shown this once:", text])


@command("list")
def list_keys(run: Run) -> None:
    """All keys, revoked ones too, and when each was last used."""
    from models import keys as kept

    root, used = run.home.root, kept.last_used(run.home.root)
    found = kept.read(root)
    shown = [{**vars(key), "last_used": used.get(key.id)} for key in found]
    for one in shown:
        del one["hash"]
    lines = [key.line(used.get(key.id)) for key in found]
    run.result({"keys": shown}, lines or ["No key yet: `warmline keys create NAME --scope score`."])


@command("revoke")
@click.argument("key_id", metavar="ID")
def revoke(run: Run, key_id: str) -> None:
    """Key ID opens nothing any more; a running endpoint knows at once."""
    from models import keys as kept

    key = kept.revoke(run.home.root, key_id, now=run.now)
    run.result({"id": key.id, "revoked_at": key.revoked_at}, [f"Key {key.id} is revoked."])


for one in (create, list_keys, revoke):
    keys.add_command(one)
COMMANDS = (serve, keys)
