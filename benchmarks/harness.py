"""What every benchmark shares: timed runs with their memory, bars, the table and the JSON line."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
SHARED_DATA = PROJECT.parent / "shared" / "data"
WARMLINE = Path(sys.executable).with_name("warmline")


@dataclass(frozen=True)
class Measured:
    """One run of a command. Memory is the peak resident set of its process."""

    seconds: float
    peak_mb: float
    code: int
    stdout: str
    stderr: str

    @property
    def facts(self) -> dict[str, Any]:
        """The JSON object that a Warmline command ends with; {} where there is none."""
        lines = self.stdout.strip().splitlines()
        return json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}


@dataclass(frozen=True)
class Bar:
    """A figure that the work asked for. `value` is None where it could not be measured."""

    name: str
    value: float | None
    bar: str
    ok: bool
    why: str | None = None

    def to_dict(self) -> dict[str, Any]:
        facts = dict(vars(self))
        return facts if self.why else {k: v for k, v in facts.items() if k != "why"}


@dataclass
class Report:
    """What a benchmark ends with."""

    bench: str
    quick: bool
    bars: list[Bar] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def print(self, columns: Sequence[str] = (), rows: Sequence[Sequence[Any]] = ()) -> None:
        """The table for people, the bars, and the JSON object as the last line."""
        if columns:
            print_table(columns, rows)
            print()
        if self.bars:
            shown = [(b.name, short(b.value), b.bar, "ok" if b.ok else "MISSED") for b in self.bars]
            print_table(("figure", "measured", "bar", ""), shown)
        line = {
            "bench": self.bench,
            "quick": self.quick,
            "machine": machine(),
            "commit": commit(),
            "bars": [bar.to_dict() for bar in self.bars],
            **self.figures,
        }
        print(json.dumps(line, default=str))


# Tells a command's peak memory: `resource` counts the children of this small process only.
_WRAPPER = (
    "import resource, subprocess, sys\n"
    "code = subprocess.call(sys.argv[1:])\n"
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)\n"
    "sys.exit(code)"
)


def measure(
    command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> Measured:
    """Run a command to its end; measure its seconds and its peak memory."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _WRAPPER, *map(str, command)],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    seconds = time.perf_counter() - started
    stderr, _, peak_kb = done.stderr.rstrip().rpartition("\n")
    return Measured(seconds, int(peak_kb) / 1024, done.returncode, done.stdout, stderr)


def warmline(home: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Measured:
    """One Warmline command on `home`, with --json."""
    return measure([WARMLINE, *arguments, "--home", home, "--json"], environment)


def must(done: Measured) -> Measured:
    """The same; raises `SystemExit` with what was said where the command failed."""
    if done.code:
        raise SystemExit(f"exit {done.code}: {done.stderr or done.stdout}")
    return done


def by_turns(ways: Mapping[str, Callable[[], float]], runs: Mapping[str, int]) -> dict[str, Any]:
    """Runs each way, which tells its seconds, as often as `runs` says, and all of them by turns:
    what is set against each other sees the same minutes of the machine.

    `{way: {"seconds": [...], "peak_mb": ...}}`. Where a way has several runs the first is not
    measured; the peak is that of this process.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(max(runs.values())):
        for name, way in ways.items():
            if turn < runs[name]:
                seconds[name].append(way())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {n: {"seconds": found[1:] or found, "peak_mb": peak} for n, found in seconds.items()}


@contextmanager
def workplace(keep: Path | None = None) -> Iterator[Path]:
    """The folder to `keep`, with what an earlier run left there, or one that goes afterwards."""
    if keep:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    place = Path(tempfile.mkdtemp(prefix="warmline-bench-"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def machine() -> dict[str, Any]:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {"cores": os.cpu_count(), "memory_gb": round(pages * size / 2**30, 1)}


def commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        cwd=PROJECT,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def short(value: Any) -> str:
    """A figure as people read it."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A Markdown table, so that it can go into the docs as it is."""
    cells = [list(columns), *([short(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    for number, row in enumerate(cells):
        print("| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |")
        if number == 0:
            print("| " + " | ".join("-" * width for width in widths) + " |")
