"""Sending while senders are killed: nothing lost in silence, nothing sent twice.

Messages go through `warmline send`, several at once, to a real SMTP server (aiosmtpd). Random ones
of the senders are killed with SIGKILL while messages flow, and started again. On SQLite and on
Postgres. Besides, how fast the first page of a long worklist comes from the store.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from typing import Protocol

import sqlalchemy as sa

from benchmarks.harness import WARMLINE, Bar, Report, workplace
from models.home import Home, create
from outreach.planned import Planned
from outreach.store import listing, tables
from outreach.store.database import Store
from outreach.store.drafts import Draft
from outreach.store.recording import record
from tests.servers import mail, postgres

SENDERS = 4
PAGE = 50
PAGE_MS = 50.0  # issue 7: the worklist's first page with 100,000 open items
SEED = 7


@dataclass(frozen=True)
class Load:
    """How much: messages, kills, seconds of a lease, open items."""

    messages: int
    kills: int
    lease: float
    items: int


FULL, QUICK = Load(10_000, 50, 20, 100_000), Load(200, 4, 2, 5_000)


@dataclass(frozen=True)
class Outcome:
    """What became of the messages. `received`: by the server, each with how often."""

    seconds: float
    kills: int
    received: Counter[str]
    states: dict[str, str]
    listed: frozenset[str]  # by `warmline outreach list --in-doubt`

    @property
    def duplicates(self) -> int:
        """Deliveries beyond the first of a message."""
        return sum(count - 1 for count in self.received.values())

    @property
    def in_doubt(self) -> set[str]:
        return {message for message, state in self.states.items() if state == "in_doubt"}

    @property
    def lost(self) -> int:
        """Messages that say they were sent and were not, and those in no state a person sees."""
        seen = {"sent", *listing.FOR_A_PERSON, "queued"}
        return sum(
            state not in seen or (state == "sent" and message not in self.received)
            for message, state in self.states.items()
        )

    @property
    def hidden(self) -> int:
        """Messages in doubt that the list does not show."""
        return len(self.in_doubt - self.listed)


def planned(number: int) -> Planned:
    """One decision to write to a customer of its own, at one of a hundred domains."""
    return Planned(
        decision_id=f"{number:032x}", as_of=date(2026, 7, 1), customer_id=f"c{number}",
        unit=f"c{number}", contact_id=None, decision="contact", playbook="check-in", mode="auto",
        channel="email", purpose="service", transactional=False, arm="treat", propensity=0.9,
        stratum="high", not_before=None, due_at=datetime(2026, 7, 1, 17, tzinfo=UTC),
        owner_id=f"owner-{number % 20}", reasons=["no word for 200 days"], reason_key="silent",
        evidence_at=None, gates={}, inputs_fingerprint="0" * 64, churn_probability=0.7,
        model_version="1", run="bench", policy_version="1",
    )  # fmt: skip


def fill(store: Store, key: bytes, messages: int) -> None:
    """Queues so many messages."""

    def words(one: Planned) -> Draft:
        number = int(one.decision_id, 16)
        address = f"{one.customer_id}@domain-{number % 100}.example"
        return Draft.to(key, "email", address, subject="Hello", text=f"Hello {number}\n" * 20)

    each = (planned(number) for number in range(messages))
    record(store, by="bench", now=datetime.now(UTC), decisions=each, drafts=words)


def make_home(root: Path, port: int, lease: float, database: str) -> Home:
    """A home that sends to the server at `port`."""
    home, _ = create(root)
    home.config.write_text(
        f"""
[outreach]
database = {json.dumps(database)}
[send]
live = true
lease_seconds = {lease}
first_wait_seconds = 0.5
[channels.email]
host = "127.0.0.1"
port = {port}
security = "none"
from_address = "care@shop.example"
per_minute = 0
per_domain_per_minute = 0
""",
        encoding="utf-8",
    )
    return home


class Running(Protocol):
    """A sender at work, as `multiprocessing` has processes."""

    @property
    def exitcode(self) -> int | None: ...
    def is_alive(self) -> bool: ...
    def kill(self) -> None: ...
    def join(self) -> None: ...


class Program:
    """`warmline send` as its user runs it."""

    def __init__(self, root: Path) -> None:
        command: list[str | Path] = [WARMLINE, "send", "--home", root]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    @property
    def exitcode(self) -> int | None:
        return self._process.returncode

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()

    def join(self) -> None:
        self._process.wait()


def killed(
    root: Path,
    database: str,
    load: Load,
    senders: int = SENDERS,
    start: Callable[[Path], Running] = Program,
) -> Outcome:
    """Sends all messages with `senders` at once, killing random ones at random moments."""
    draw = random.Random(SEED)  # noqa: S311
    with mail.running() as box:
        home = make_home(root, box.port, load.lease, database)
        store = Store.open(database, root)
        fill(store, home.secret_key(), load.messages)
        moments = sorted(draw.sample(range(load.messages), load.kills))
        started = time.perf_counter()
        kills = _run(lambda: start(root), box, moments, draw, senders)
        seconds = time.perf_counter() - started
        time.sleep(load.lease + 0.5)  # what a killed sender had claimed is in doubt from then on
        last = start(root)
        last.join()
        assert last.exitcode == 0
    received = Counter(str(letter["Message-ID"])[1:33] for letter in box.letters())
    return Outcome(seconds, kills, received, _states(store), _listed(root))


def _run(
    start: Callable[[], Running],
    box: mail.Mailbox,
    moments: list[int],
    draw: random.Random,
    senders: int,
) -> int:
    """Lets the senders run until each has nothing left; kills one when so many messages came."""
    running = [start() for _ in range(senders)]
    kills = 0
    while any(one.is_alive() for one in running):
        alive = [n for n, one in enumerate(running) if one.is_alive()]
        if kills < len(moments) and alive and len(box.got) >= moments[kills]:
            time.sleep(draw.uniform(0, 0.02))  # a moment that no delivery sets
            victim = draw.choice(alive)
            running[victim].kill()
            running[victim].join()
            running[victim] = start()
            kills += 1
        time.sleep(0.001)
    return kills


def _listed(root: Path) -> frozenset[str]:
    command: list[str | Path] = [
        WARMLINE,
        "outreach",
        "list",
        "--in-doubt",
        "--most",
        "100000",
        "--json",
    ]
    done = subprocess.run([*command, "--home", root], capture_output=True, check=True)
    return frozenset(one["id"] for one in json.loads(done.stdout)["messages"])


def _states(store: Store) -> dict[str, str]:
    with store.read() as tx:
        return {row.id: row.state for row in tx.execute(sa.select(tables.messages))}


def page_ms(root: Path, database: str, items: int) -> float:
    """Milliseconds for the first page of so many open items, the median of 20."""
    store = Store.open(database, root)
    each = (planned(number) for number in range(items))
    record(store, by="bench", now=datetime.now(UTC), decisions=each, sends=())
    took = []
    for _ in range(20):
        started = time.perf_counter()
        assert len(listing.list_items(store, PAGE)) == PAGE
        took.append(1000 * (time.perf_counter() - started))
    return median(took)


def bars(where: str, load: Load, outcome: Outcome, milliseconds: float) -> Iterator[Bar]:
    """What issue 7 asked for."""
    most = load.kills * SENDERS
    doubt = len(outcome.in_doubt)
    yield Bar(f"{where}: kills while messages flowed", outcome.kills, f"{load.kills}",
              outcome.kills == load.kills)  # fmt: skip
    yield Bar(f"{where}: duplicates", outcome.duplicates, "0", outcome.duplicates == 0)
    yield Bar(f"{where}: lost in silence", outcome.lost, "0", outcome.lost == 0)
    yield Bar(f"{where}: in doubt", doubt, f"at most {most}", doubt <= most)
    yield Bar(f"{where}: in doubt and not listed", outcome.hidden, "0", outcome.hidden == 0)
    yield Bar(f"{where}: first page, ms", milliseconds, "under 50", milliseconds < PAGE_MS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    load = QUICK if quick else FULL
    report = Report("outreach", quick)
    rows = []
    with postgres.running() as server, workplace() as place:
        for where, database in ("sqlite", ""), ("postgres", server.database()):
            (place / where).mkdir()
            outcome = killed(place / where / "home", database, load)
            (place / where / "items").mkdir()
            other = server.database() if database else ""
            milliseconds = page_ms(place / where / "items", other, load.items)
            report.bars += bars(where, load, outcome, milliseconds)
            states = Counter(outcome.states.values())
            came = sum(message in outcome.received for message in outcome.in_doubt)
            rate = load.messages / outcome.seconds
            rows.append((where, load.messages, outcome.kills, states["sent"], states["in_doubt"],
                         came, outcome.seconds, rate))  # fmt: skip
            report.figures[where] = {"seconds": outcome.seconds, "states": dict(states),
                                     "in_doubt_received": came}  # fmt: skip
    columns = ("store", "messages", "kills", "sent", "in doubt", "of them received", "seconds",
               "messages a second")  # fmt: skip
    report.print(columns, rows)


if __name__ == "__main__":
    main()
