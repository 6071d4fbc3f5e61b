"""Schemathesis over what an endpoint says of itself: calls made up from its document, all checks.

`python -m benchmarks.cases URL KEY`: some 2,200 calls. Schemathesis
lies in an environment of its own, `.tools/callers` (`make test` makes it).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness import PROJECT

TOOL = PROJECT / ".tools" / "callers" / "bin" / "st"
SETTINGS = PROJECT / "benchmarks" / "schemathesis.toml"
LEAST = 2_000  # issue 6
# Not asked: each such call would begin a night.
BEGINS = "^(submit|retry)_"
EXAMPLES = 300  # an operation, at which some 2,200 calls are made
# Some 300 calls in 15 s, the same each time: without the many calls of the coverage phase to
# `/score_history`, of which each takes longest.
FEW = (
    ("--phases", "examples,fuzzing", "-n", "8", "--seed", "1"),
    ("--phases", "coverage", "--exclude-operation-id", "scoreHistory", "--seed", "1"),
)


@dataclass(frozen=True)
class Cases:
    """What was found in how many calls."""

    made: int
    failed: int
    failures: list[dict[str, Any]]
    seconds: float
    said: str


def few(url: str, key: str) -> Cases:
    """As many as a test has time for."""
    first, second = (run(url, key, *options) for options in FEW)
    return Cases(
        first.made + second.made,
        first.failed + second.failed,
        first.failures + second.failures,
        first.seconds + second.seconds,
        first.said + second.said,
    )


def run(url: str, key: str, *options: str) -> Cases:
    """Calls the endpoint at `url`; `key` opens everything. `options` of `st run`."""
    request = urllib.request.Request(  # noqa: S310
        f"{url}/docs.json", headers={"Authorization": f"Bearer {key}"}
    )
    with tempfile.TemporaryDirectory() as folder:
        document, report = Path(folder, "openapi.json"), Path(folder, "report.json")
        document.write_bytes(urllib.request.urlopen(request, timeout=10).read())  # noqa: S310
        command = [
            TOOL, "--config-file", SETTINGS, "run", document, "--url", url,
            "-H", f"Authorization: Bearer {key}", "--checks", "all",
            "--exclude-operation-id-regex", BEGINS,
            "--no-color", "--generation-database", "none", "--suppress-health-check", "all",
            "--continue-on-failure", "--report", "json", "--report-json-path", report, *options,
        ]  # fmt: skip
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, cwd=folder, check=False
        )
        if not report.exists():
            raise SystemExit(done.stdout + done.stderr)
        told = json.loads(report.read_text())
    made = told["test_cases"]
    failed = made["with_failures"] + made["errored"] + len(told["errors"])
    return Cases(made["generated"], failed, told["failures"], told["running_time"], done.stdout)


def main() -> None:
    url, key = sys.argv[1:]
    found = run(url, key, "-n", str(EXAMPLES))
    print(found.said)
    print(json.dumps({"made": found.made, "failed": found.failed, "seconds": found.seconds}))
    raise SystemExit(found.failed > 0 or found.made < LEAST)


if __name__ == "__main__":
    main()
