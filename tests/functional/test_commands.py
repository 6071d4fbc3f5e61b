"""What every command promises."""

import json
import os
import shlex
import subprocess
import sys
from itertools import takewhile

import pytest

from tests.functional.conftest import WARMLINE
from tests.servers.endpoint import free_port

HEAVY = ("numpy", "pandas", "pyarrow", "duckdb", "numba", "lightgbm", "sklearn", "mlflow", "rich")


def imported_by(code: str) -> set[str]:
    """Which heavy packages a piece of code imports."""
    tell = f"import sys, json\n{code}\nprint(json.dumps([n for n in {HEAVY} if n in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_imports_nothing_heavy():
    assert imported_by("import warmline") == set()


def test_doctor_needs_no_model_library(warmline):
    code = (
        "from pathlib import Path\nfrom datetime import UTC, datetime\n"
        "from pipelines.doctor import examine\n"
        f"examine(Path({str(warmline.home)!r}), datetime.now(UTC))"
    )
    assert not imported_by(code) & {"mlflow", "lightgbm", "sklearn", "numba"}


@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_where_nothing_compiled_can_be_kept_is_told_before_anything_starts(
    warmline, tmp_path, command
):
    (tmp_path / "taken").touch()
    options = ["--port", str(free_port())] if command == "serve" else []
    done = subprocess.run(
        [WARMLINE, command, *options, "--home", warmline.home],
        capture_output=True, text=True, check=False,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "taken")}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    told = done.stdout + done.stderr
    assert f"What is compiled cannot be kept in {tmp_path / 'taken'}" in told
    assert "Set NUMBA_CACHE_DIR" in told


@pytest.mark.parametrize(
    "command",
    ["init", "ingest", "train", "score", "publish", "plan", "nightly", "explain", "doctor", "demo"],
)
def test_every_command_has_help_and_takes_home_and_json(warmline, command):
    done = warmline(command, "--help", json=False)
    assert done.code == 0
    for option in ("--home", "--json", "--verbose"):
        assert option in done.stdout


def test_in_a_pipe_there_is_no_progress(warmline, folder):
    done = warmline("ingest", folder.good().path, json=False)
    assert done.code == 0
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


def test_the_demo_tells_a_pipe_what_begins_while_it_works(tmp_path):
    demo = subprocess.Popen(
        [WARMLINE, "demo", "--home", tmp_path / "home"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with demo:
        try:
            told = list(takewhile(lambda line: "reading past nights" not in line, demo.stdout))
            assert demo.poll() is None  # the step has begun, and its line is here
            assert demo.stdout.readline() == "        learning ...\n"
            assert demo.poll() is None
        finally:
            demo.kill()
    assert told[-1].startswith("2 of 4  train")
    assert "\x1b" not in "".join(told)


def test_a_reader_that_has_read_enough_is_no_failure():
    code = (
        "import os, sys, click\n"
        "from models.command import command\n"
        "@command('much')\n"
        "def much(run):\n"
        "    for _ in range(100_000):\n"
        "        click.echo('line')\n"
        "much(['--home', '.'])"
    )
    line = (
        f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} | head -1; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("line\n141\n", "")


def test_verbose_tells_each_step_on_stderr(warmline, folder):
    done = warmline("ingest", folder.good().path, "--verbose")
    assert done.facts["ok"]
    assert "comparing with what is known" in done.stderr.splitlines()


def test_a_failure_is_one_json_object_for_machines(warmline):
    done = warmline("score", "--as-of", "2026-07-01")
    assert done.code == 1
    assert done.facts == {"ok": False, "error": done.facts["error"], "exit_code": 1}
    assert done.stderr.startswith("warmline: ")


def test_the_night_needs_no_registry():
    code = "import pipelines.nightsteps, models.explain, outreach.plan"
    assert not imported_by(code) & {"mlflow", "lightgbm", "sklearn"}
