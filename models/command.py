"""What every command shares: its options, its output for people and for machines, its errors.

Nothing heavy is imported here: `warmline --help` must answer at once.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property, wraps
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from models.errors import WarmlineError

if TYPE_CHECKING:
    from models.home import Home
    from models.settings import Settings

# CONTRACTS.md, Commands.
FAILED = 1
CUT_OFF = 141  # 128 and the number of SIGPIPE, as shells have it
Advance = Callable[[str, float], None]  # what is being done, and its share done from 0 to 1


@dataclass(frozen=True)
class Run:
    """One call of a command: which home, and how to speak."""

    root: Path
    json: bool
    verbose: bool
    now: datetime  # UTC; the clock is read once, here at the edge
    began: list[tuple[str, float]] = field(default_factory=list)  # each step and its start

    @cached_property
    def settings(self) -> Settings:
        """The home's settings. Raises `WrongUsage` for a wrong key or value."""
        from models.settings import load

        return load(self.root, os.environ)

    @cached_property
    def home(self) -> Home:
        """The home. Raises `WarmlineError` where there is none."""
        from models.home import Home

        home = Home(self.root)
        home.require()
        return home

    def today(self) -> date:
        """The date in the home's time zone."""
        return self.now.astimezone(self.settings.zone).date()

    def say(self, *lines: str) -> None:
        """Words for people on stdout; nothing with --json."""
        if not self.json:
            for line in lines:
                click.echo(line)

    def note(self, line: str) -> None:
        """A detail, on stderr, with --verbose."""
        if self.verbose:
            click.echo(line, err=True)

    def result(self, facts: dict[str, Any], lines: Sequence[str] = ()) -> None:
        """The end of a command: one JSON object for machines, or `lines` for people."""
        if self.json:
            facts = {"ok": True, **facts, "seconds": self.seconds}
            click.echo(json.dumps(facts, default=str, allow_nan=False))
        self.say(*lines)

    @contextmanager
    def progress(self, *, told: bool = False) -> Iterator[Advance]:
        """A bar on a terminal; in a pipe silence, or a line as each step begins if it is to be
        `told`; nothing with --json. What each step took is kept."""
        self._step("starting")
        if self.json or not sys.stderr.isatty():

            def note(what: str, share: float) -> None:
                if self._step(what) and told:
                    self.say(f"        {what} ...")

            yield note
        else:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            def advance(what: str, share: float) -> None:
                self._step(what)
                bar.update(task, description=what, completed=share)

            columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
            with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
                task = bar.add_task("starting", total=1.0)
                yield advance
        self._step("done")

    def _step(self, what: str) -> bool:
        """Note when a step begins, and whether it does; the same step again is still the same."""
        begins = not self.began or self.began[-1][0] != what
        if begins:
            self.began.append((what, time.perf_counter()))
            self.note(what)
        return begins

    @property
    def seconds(self) -> dict[str, float]:
        """What each step took."""
        took: dict[str, float] = {}
        for (what, start), (_, end) in pairwise(self.began):
            if what != "done":
                took[what] = round(took.get(what, 0.0) + end - start, 3)
        return took


def command(name: str) -> Callable[[Callable[..., None]], click.Command]:
    """A Warmline command: its function gets a `Run` first, then its own options."""

    def wrap(function: Callable[..., None]) -> click.Command:
        @wraps(function)
        def call(home: Path, json: bool, verbose: bool, **options: Any) -> None:
            from datetime import UTC

            run = Run(home, json, verbose, datetime.now(UTC))
            try:
                function(run, **options)
            except (WarmlineError, OSError, MemoryError) as error:
                if isinstance(error, BrokenPipeError) and _nobody_reads():
                    _leave_quietly()
                fail(run, error)

        shared = (
            click.option("--verbose", is_flag=True, help="Say more, on stderr."),
            click.option("--json", is_flag=True, help="One JSON object on stdout, for machines."),
            click.option(
                "--home",
                type=click.Path(path_type=Path, file_okay=False),
                envvar="WARMLINE_HOME",
                default="./warmline_home",
                show_default=True,
                help="The home to work in (or WARMLINE_HOME).",
            ),
        )
        for option in shared:
            call = option(call)
        return click.command(name)(call)

    return wrap


def _nobody_reads() -> bool:
    """Whether what reads our output, as `head` does, has read enough; not so of another pipe."""
    import select

    ends = select.poll()
    ends.register(sys.stdout.fileno(), 0)
    return any(state & select.POLLERR for _, state in ends.poll(0))


def _leave_quietly() -> NoReturn:
    """Ends as a program that SIGPIPE ended. Source: Python, signal, "Note on SIGPIPE"."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nor is it said at exit
    sys.exit(CUT_OFF)


def fail(run: Run, error: Exception) -> NoReturn:
    """One clear message on stderr, the same for machines on stdout, and the contract's exit."""
    code = error.exit_code if isinstance(error, WarmlineError) else FAILED
    words = str(error) if isinstance(error, WarmlineError) else _of_the_system(error)
    if run.verbose:
        traceback.print_exc()
    click.echo(f"warmline: {words}", err=True)
    if run.json:
        facts = error.facts if isinstance(error, WarmlineError) else {}
        told = {"ok": False, **facts, "error": words, "exit_code": code}
        click.echo(json.dumps(told, default=str, allow_nan=False))
    sys.exit(code)


def _of_the_system(error: Exception) -> str:
    """What the operating system refused, and what to do."""
    where = getattr(error, "filename", None) or "a file of the home"
    advice = {
        errno.ENOSPC: f"the disk is full while writing {where}. Free some space and run it again",
        errno.EDQUOT: f"the disk quota is used up at {where}. Free some space and run it again",
        errno.EROFS: f"{where} is on a read-only file system. Mount it for writing, or use another "
        "--home",
        errno.EACCES: f"{where} may not be read or written by this user. Change its owner, or use "
        "another --home",
    }
    number = getattr(error, "errno", None)
    if isinstance(error, MemoryError):
        return "out of memory. Lower `performance.memory_gb` or run on a larger machine."
    words = advice.get(number) if number is not None else None
    return f"{words}. What was published before still stands." if words else f"{error}"


def user() -> str:
    """Who runs this, for the operating system; its number where it has no name."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without an entry in /etc/passwd
        return f"user {os.getuid()}"


def day(context: click.Context, option: click.Parameter, value: str | None) -> date | None:
    """Callback of options that take a date such as 2026-07-01."""
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no date: write it as 2026-07-01") from None


as_of_option = click.option("--as-of", callback=day, metavar="DATE", help="Date, as 2026-07-01.")
horizon_option = click.option(
    "--horizon", type=click.IntRange(min=1), metavar="DAYS", help="Churn within so long."
)
