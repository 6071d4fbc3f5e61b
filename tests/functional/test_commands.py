"""What every command promises."""

import json
import shlex
import subprocess
import sys

import pytest

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
