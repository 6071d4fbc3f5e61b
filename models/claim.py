"""The right to push: one home at a time, by a small file at the URL.

Object stores list what was written before the listing began. So a home writes its claim first and
looks for others after: of two at once at least one sees the other and steps back. A home that was
killed goes on under its own claim; a claim of another that was not renewed for an hour is dead.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from models.errors import Busy
from models.files import write_atomically
from models.remote import Remote

PREFIX = ".pushing-"
CLAIMED, SENDING = b"claimed\n", b"sending\n"
DEAD_AFTER = timedelta(hours=1)
RENEW_EACH = 256 << 20  # bytes sent; in an hour any line carries so much (0.6 Mbit/s)


@dataclass
class Claim:
    """A home's claim on one folder by URL. Its name is kept in a file, to go on after a kill."""

    remote: Remote
    file: Path
    name: str | None = None
    sent: int = field(default=0)

    @classmethod
    def of(cls, remote: Remote, record: Path) -> Claim:
        """The claim that a killed push left, or one still to be taken."""
        file = record.with_suffix(".claim")
        return cls(remote, file, file.read_text().strip() if file.exists() else None)

    def held(self) -> bool:
        """Whether a push of this home is under way, or was cut off."""
        return self.name is not None

    def take(self, now: datetime) -> None:
        """Claim the folder. Raises `Busy` where another home has. `now`: UTC, for dead claims."""
        state = self.remote.read(self.name) if self.name else None
        if self.name is None or state is None:
            self.name, state = f"{PREFIX}{secrets.token_hex(8)}", CLAIMED
            write_atomically(self.file, f"{self.name}\n".encode())
        self.remote.put(self.name, state)  # an old one too: it counts from now on
        for other, entry in self.remote.entries().items():
            if not other.startswith(PREFIX) or other == self.name:
                continue
            if entry.written is not None and now - entry.written > DEAD_AFTER:
                self.remote.remove(other)
                continue
            self.release()
            raise Busy(
                f"Another home is publishing to {self.remote.shown} at this moment. Run this "
                "again when it has ended; if it died, in an hour. Nothing was overwritten."
            )

    def fresh(self) -> bool:
        """Whether nothing was sent under this claim yet."""
        return self.name is None or self.remote.read(self.name) != SENDING

    def begin(self) -> None:
        """From here on, what is at the URL and not published was sent under this claim."""
        if self.name:
            self.remote.put(self.name, SENDING)

    def renew(self, size: int) -> None:
        """Say that this home lives, now and then: `size` bytes more were sent."""
        self.sent += size
        if self.sent >= RENEW_EACH and self.name:
            self.remote.put(self.name, SENDING)
            self.sent = 0

    def release(self) -> None:
        """Give the claim back; there is none any more."""
        if self.name:
            self.remote.remove(self.name)
        self.file.unlink(missing_ok=True)
        self.name = None
