"""`warmline serve --nightly HH:MM`: the night, started at that time each day, in its own process.

`python -m serving.nights HOME HH:MM` is started beside the service and ends with it. A night that
fails is said and tried again the next day; the nightly lock keeps two from running at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from models.settings import load
from serving.processes import NICE, end_with_parent

# So long at most without a look at the clock, which may be set anew, or a machine be put to sleep.
LONGEST_SLEEP = 60.0


def next_night(now: datetime, at: clock, zone: ZoneInfo) -> datetime:
    """The next moment after `now` that is `at` in `zone`, in UTC.

    A time that a day does not have, as clocks go forward, comes as much later.
    """
    day = now.astimezone(zone).date()
    while True:
        moment = datetime.combine(day, at, zone).astimezone(UTC)
        if moment > now:
            return moment
        day += timedelta(days=1)


def keep(
    at: clock,
    zone: ZoneInfo,
    night: Callable[[], None],
    *,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> None:
    """Calls `night` each day at that time, for ever."""
    while True:
        due = next_night(now(), at, zone)
        while (left := (due - now()).total_seconds()) > 0:
            sleep(min(left, LONGEST_SLEEP))
        night()


def start(root: Path, at: clock) -> None:
    """Starts it beside this process, which it ends with."""
    command = [sys.executable, "-m", "serving.nights", str(root), at.isoformat("minutes")]
    subprocess.Popen(command)  # noqa: S603 - a fixed command of ours


def main() -> None:
    root, at = Path(sys.argv[1]), clock.fromisoformat(sys.argv[2])
    end_with_parent()
    command = [sys.executable, "-m", "warmline", "nightly", "--home", str(root), "--json"]

    def night() -> None:
        began = datetime.now(UTC)
        done = subprocess.run(  # noqa: S603 - a fixed command of ours
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            preexec_fn=partial(os.nice, NICE),
        )  # fmt: skip
        told = {
            "at": began.isoformat(timespec="seconds"),
            "night": "ended" if done.returncode == 0 else "failed",
            "exit_code": done.returncode,
            "seconds": round((datetime.now(UTC) - began).total_seconds(), 1),
        }
        if done.returncode:
            told["words"] = done.stderr.decode(errors="replace").strip()[-1000:]
        print(json.dumps(told), file=sys.stderr, flush=True)

    zone = load(root, os.environ).zone
    keep(at, zone, night, now=lambda: datetime.now(UTC), sleep=time.sleep)


if __name__ == "__main__":
    main()
