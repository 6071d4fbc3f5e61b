"""Reads what is new in a mailbox, message by message, and has the store do what follows.

Cut off anywhere, the next round begins with the last messages again; the store knows those that it
has had. Nothing is deleted: what cannot be read stays where it lies and waits for a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from outreach.inbound.arriving import from_mail, named_by
from outreach.inbound.imap import AT_ONCE, Letter, Mailbox, utc
from outreach.inbound.mail import understand
from outreach.store.database import Store
from outreach.store.interactions import tell
from outreach.store.mailboxes import filed, move_on, read_to, to_file
from outreach.store.received import Arrived, Place, note, receive

# So much of a mailbox is read that was never read before, or whose numbers the server gave anew.
_BACK = timedelta(days=7)
BY = "mailbox"


@dataclass(frozen=True)
class Poller:
    """`key` is the home's. `going` says whether to begin with another message."""

    store: Store
    mailbox: Mailbox
    key: bytes
    home: Path
    clock: Callable[[], datetime]
    keep_text: bool = False
    going: Callable[[], bool] = lambda: True

    def round(self) -> Counter[str]:
        """All that is new; what became of how many (`outreach.store.received.receive`), and of how
        many nothing could be read. Raises `Unreachable`."""
        count: Counter[str] = Counter()
        now = self.clock()
        self.mailbox.open(now)
        before = read_to(self.store, self.mailbox.name)
        same = before is not None and before.validity == self.mailbox.validity
        since = None if same else (before.read_at if before else now) - _BACK
        uids = self.mailbox.new(before.uid if same else 0, since)
        for start in range(0, len(uids), AT_ONCE):
            some = uids[start : start + AT_ONCE]
            for letter in self.mailbox.letters(some, now):
                if not self.going():  # the next round begins with these again
                    tell(self.store, self.home, now=self.clock())
                    return count
                count[self._take(letter)] += 1
            name, validity = self.mailbox.name, self.mailbox.validity
            move_on(self.store, name, validity, some[-1], now=self.clock())
            tell(self.store, self.home, now=self.clock())
        self._file()
        return count

    def _take(self, letter: Letter) -> str:
        now = self.clock()
        place = Place(self.mailbox.name, self.mailbox.validity, letter.uid, self.mailbox.files)
        at = utc(letter.at, now)
        if letter.raw is None:
            return self._unreadable(place, at)
        arrived = from_mail(
            understand(letter.raw), letter.raw, key=self.key, at=at, place=place,
            keep_text=self.keep_text,
        )  # fmt: skip
        return receive(self.store, arrived, by=BY, now=now)

    def _unreadable(self, place: Place, at: datetime) -> str:
        """It stays where it is, and a person is told where."""
        name = f"{place.mailbox}\0{place.validity}\0{place.uid}".encode()
        arrived = Arrived(named_by(self.key, "place", name), "unreadable", at, place=place)
        with self.store.begin() as tx:
            note(tx, arrived, None, became="unreadable", why="the server does not give it")
        return "unreadable"

    def _file(self) -> None:
        name, validity = self.mailbox.name, self.mailbox.validity
        while self.mailbox.files and (uids := to_file(self.store, name, validity, AT_ONCE)):
            self.mailbox.file(uids)
            filed(self.store, name, validity, uids)
