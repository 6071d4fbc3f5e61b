"""`python -m serving.working HOME ID DESCRIPTOR`: works on one task, whose lock it was given open.

The command runs below it, with less of the processor than those who answer calls, and ends with it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.home import Home
from serving.processes import NICE, end_with_parent
from serving.tasks import FOLDER, Ended, Status, Task, with_our_code

LOOK_SECONDS = 0.1  # how soon a wish to cancel is seen


def work(root: Path, task: Task, descriptor: int) -> None:
    """Runs the command to its end, or ends it, and writes down how that went."""
    before = _published(root, task.as_of)
    with (task.folder / "said").open("wb") as said, (task.folder / "steps").open("wb") as steps:
        process = subprocess.Popen(  # noqa: S603 - a fixed command of ours
            task.command(root), stdin=subprocess.DEVNULL, stdout=said, stderr=steps,
            pass_fds=(descriptor,), process_group=0, preexec_fn=_modestly,
            env=with_our_code(os.environ),
        )  # fmt: skip
        cancelled = False
        while _runs(process):
            if not cancelled and (task.folder / "cancel").exists():
                cancelled = True
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # it may be killed anywhere
    facts = _facts((task.folder / "said").read_bytes(), process.returncode)
    status, code = Status.COMPLETED, process.returncode
    if cancelled and code < 0:
        status, published = Status.CANCELED, _published(root, task.as_of) != before
        facts = {"ok": False, "error": "the task was cancelled.", "published": published}
    elif code:
        status = Status.FAILED
    code = code if code >= 0 else 1
    task.end(Ended(status, code, facts, datetime.now(UTC).isoformat()))


def _modestly() -> None:
    os.nice(NICE)
    end_with_parent()


def _runs(process: subprocess.Popen[bytes]) -> bool:
    try:
        process.wait(LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        return True
    return False


def _facts(said: bytes, code: int) -> Mapping[str, Any]:
    """What the command told of itself."""
    try:
        facts: dict[str, Any] = json.loads(said)
    except ValueError:
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return {"ok": False, "error": f"the work ended by {how} and said nothing."}
    return facts


def _published(root: Path, as_of: str) -> str | None:
    """Which run counts for the date."""
    try:
        return (Home(root).scores / f"as_of={as_of}" / "current").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def main() -> None:
    root, ident, descriptor = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    work(root, Task.read(root / FOLDER / ident), descriptor)


if __name__ == "__main__":
    main()
