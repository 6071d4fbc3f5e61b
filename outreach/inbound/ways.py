"""By which ways what comes in is read, as a home is set."""

from __future__ import annotations

from models.settings_outreach import Inbound


def ways(settings: Inbound) -> list[str]:
    """Each in words. Raises `WrongUsage` for one that cannot be used as it is set."""
    found = []
    if settings.imap.host:
        from outreach.inbound.imap import Mailbox

        found.append(f"mailbox {Mailbox(settings.imap).name}")
    if settings.webhook_secret:
        from outreach.channels.webhook.signature import read

        read(settings.webhook_secret, "[inbound] webhook_secret")
        found.append("webhook")
    return found
