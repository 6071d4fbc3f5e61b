"""The channels that a home is set to send on, each with its transport and its limits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from models.errors import WrongUsage
from outreach.channels import Transport
from outreach.outbox.claim import Allowed
from outreach.outbox.sender import Lane
from outreach.store.booked import Rules

if TYPE_CHECKING:
    from models.settings import Settings


def lanes(settings: Settings, root: Path) -> dict[str, Lane]:
    """Contact channel to its way out. Raises `WrongUsage` for a channel that two carry, and for
    one that is not set up whole."""
    found: dict[str, Lane] = {}
    for channels, transport, per_minute, per_domain in _set_up(settings, root):
        for channel in channels:
            if channel in found:
                raise WrongUsage(f"[channels] two of them carry {channel!r}: take it out of one.")
            found[channel] = Lane(transport, allowance(settings, per_minute, per_domain))
    return found


def allowance(settings: Settings, per_minute: int = 0, per_domain: int = 0) -> Allowed:
    """What `[send]` and a channel's rates allow."""
    ours = settings.send
    return Allowed(
        live=ours.live,
        lease=timedelta(seconds=ours.lease_seconds),
        stale=timedelta(days=ours.stale_days),
        per_minute=per_minute,
        per_domain_per_minute=per_domain,
        rules=Rules.of(settings.plan, settings.zone),
    )


def _set_up(
    settings: Settings, root: Path
) -> Iterator[tuple[tuple[str, ...], Transport, int, int]]:
    email, hook, drop = settings.channels.email, settings.channels.webhook, settings.channels.file
    if email.host:
        from outreach.channels.email.smtp import Smtp
        from outreach.drafting.twin import Twin

        if not email.from_address:
            raise WrongUsage("[channels.email] host is set and from_address is not.")
        transport = Smtp(email, settings.outreach, Twin.of(root))
        yield ("email",), transport, email.per_minute, email.per_domain_per_minute
    if hook.url:
        from outreach.channels.webhook import Hook

        yield hook.carries, Hook(hook), hook.per_minute, 0
    if drop.folder:
        from outreach.channels.file import Drop

        yield drop.carries, Drop(root / drop.folder), drop.per_minute, 0
