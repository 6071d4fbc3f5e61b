"""Work that a caller asks for and comes back to: submitted, looked at, fetched, cancelled.

It is done in a process of its own (serving/working.py), and all that is known of it lies in the
home, so that it survives the service, its workers and the caller:

tasks/ID/task.json    what was asked for, by which key, when
tasks/ID/lock         held while it is worked on; the kernel gives it back however that ends
tasks/ID/steps        what it is at, a step a line
tasks/ID/cancel       somebody wants it to end
tasks/ID/ended.json   how it ended; without it and with a free lock, the work was cut off
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from threading import Thread
from typing import Any, Self

from models.files import make_folder, write_atomically
from models.problems import Problem, Wrong

FOLDER = "tasks"
# Which module's command does it: a Bento holds `pipelines` and not `warmline`.
TASKS: Mapping[str, tuple[str, str]] = {
    "score_batch": ("pipelines", "score"),
    "nightly": ("warmline", "nightly"),
}
KEPT = timedelta(days=30)  # what has ended
CUT_OFF: Mapping[str, Any] = {
    "ok": False,
    "error": "the work was cut off. Nothing of it is half done: submit it again.",
    "cut_off": True,
}
_ID = re.compile(r"[0-9a-f]{32}")


class Status(StrEnum):
    """BentoML's words. Source: `_bentoml_impl.tasks.ResultStatus` 1.4."""

    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True)
class Ended:
    """How a task ended: the command's exit code, and its JSON object."""

    status: Status
    exit_code: int
    facts: Mapping[str, Any]
    at: str | None = None  # ISO 8601, UTC; None: nobody was there to see it


@dataclass(frozen=True)
class Task:
    """What was asked for."""

    id: str
    name: str
    as_of: str  # a date
    created_at: str  # ISO 8601, UTC
    key: str  # the id of the API key that asked
    called: str | None = None  # a hash of its Idempotency-Key
    folder: Path = field(default=Path(), compare=False)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises `FileNotFoundError` where there is none."""
        told = json.loads((folder / "task.json").read_text(encoding="utf-8"))
        return cls(**told, folder=folder)

    def write(self) -> None:
        told = {name: value for name, value in asdict(self).items() if name != "folder"}
        write_atomically(self.folder / "task.json", json.dumps(told).encode())

    def command(self, root: Path) -> list[str]:
        """What does it."""
        module, command = TASKS[self.name]
        options = ["--home", str(root), "--as-of", self.as_of, "--json", "--verbose"]
        return [sys.executable, "-m", module, command, *options]

    def ended(self) -> Ended | None:
        """None while it is worked on."""
        worked_on = _is_held(self.folder / "lock")  # first: an end is written under the lock
        try:
            told = json.loads((self.folder / "ended.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None if worked_on else Ended(Status.FAILED, 1, CUT_OFF)
        return Ended(**{**told, "status": Status(told["status"])})

    def end(self, ended: Ended) -> None:
        write_atomically(self.folder / "ended.json", json.dumps(asdict(ended)).encode())
        for name in ("steps", "said"):
            (self.folder / name).unlink(missing_ok=True)

    def step(self) -> str | None:
        """What it is at, in words."""
        try:
            lines = (self.folder / "steps").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return None
        told = lines.splitlines()
        return told[-1][:200] if told else "starting"


class Tasks:
    """Those of a home."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = root / FOLDER

    def submit(
        self, name: str, as_of: date, *, key: str, called: str | None, now: datetime
    ) -> Task:
        """Begins it, or gives the one that is: one is worked on for a name and date, however often
        it is asked for, and one belongs to an Idempotency-Key (`called`) of an API key.

        Raises `Problem` 422 where the Idempotency-Key belongs to something else.
        """
        kept = hashlib.sha256(f"{key}\x1f{called}".encode()).hexdigest() if called else None
        make_folder(self._folder)
        with _locked(self._folder / "lock"):
            known = list(self._known(now))
            same = [task for task in known if (task.name, task.as_of) == (name, str(as_of))]
            for task in known:
                if kept is not None and task.called == kept:
                    if task not in same:
                        wrong = Wrong("Idempotency-Key", "It came with another body before.")
                        raise Problem(422, "This key belongs to another call.", (wrong,))
                    return task
            for task in same:
                if task.ended() is None:
                    return task
            ident = secrets.token_hex(16)
            task = Task(ident, name, str(as_of), now.isoformat(), key, kept, self._folder / ident)
            task.folder.mkdir()
            task.write()
            self._begin(task)
        return task

    def find(self, name: str, ident: str) -> Task | None:
        """None where there is none of this name and id."""
        if not _ID.fullmatch(ident):
            return None
        try:
            task = Task.read(self._folder / ident)
        except FileNotFoundError:
            return None
        return task if task.name == name else None

    def cancel(self, task: Task) -> None:
        """Asks for its end, which comes soon; `ended` tells when."""
        (task.folder / "cancel").touch()

    def _begin(self, task: Task) -> None:
        """Starts the process that works on it, which goes on when this one ends."""
        descriptor = os.open(task.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # Held from now on: the process gets it with the open file.
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            command = [sys.executable, "-m", "serving.working", self._root, task.id, descriptor]
            process = subprocess.Popen(  # noqa: S603 - a fixed command of ours
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                pass_fds=(descriptor,),
                start_new_session=True,
                env=with_our_code(os.environ),
            )
        finally:
            os.close(descriptor)
        Thread(target=process.wait, daemon=True).start()  # leaves no zombie

    def _known(self, now: datetime) -> Iterator[Task]:
        """All but what ended long ago, which goes."""
        for path in sorted(self._folder.glob("*/task.json")):
            task = Task.read(path.parent)
            if now - datetime.fromisoformat(task.created_at) > KEPT and task.ended() is not None:
                shutil.rmtree(task.folder)
            else:
                yield task


def available(name: str) -> bool:
    """Whether the code that does it is here."""
    return find_spec(TASKS[name][0]) is not None


def with_our_code(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which another process finds our modules, in a Bento as well."""
    here = str(Path(__file__).parents[1])
    known: Sequence[str] = [part for part in (environment.get("PYTHONPATH"),) if part]
    return {**environment, "PYTHONPATH": os.pathsep.join([here, *known])}


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_held(path: Path) -> bool:
    """Whether some process has the lock; looking does not take it from anybody."""
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
