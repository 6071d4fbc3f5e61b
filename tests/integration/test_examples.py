"""The examples of docs/examples are read by the programs they are for, and run where those are.

Airflow and Dagster do not share an environment with Warmline (nor should they): `make test` gives
each its own, `.tools/airflow` and `.tools/dagster`.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

import warmline
from models.home import create

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
WARMLINE = Path(sys.executable).with_name("warmline")
SERVICES = ["warmline-nightly.service", "warmline-serve.service"]
ORCHESTRATED = ["airflow_dag.py", "dagster_asset.py"]


def command_of(words: list[str]) -> click.Command:
    """The command that the words call; it must know every option."""
    name, *rest = words[1:]
    command = warmline.main.commands[name]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("--")} <= known, rest
    return command


def test_the_crontab_line_is_five_times_and_a_command_that_exists():
    lines = [
        line
        for line in (EXAMPLES / "crontab").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#") and not re.match(r"\w+=", line)
    ]
    (line,) = lines
    *times, command = line.split(maxsplit=5)
    assert all(re.fullmatch(r"[\d*/,-]+", one) for one in times)
    assert command_of(command.split(" > ")[0].split()).name == "nightly"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_accepts_the_services_and_the_timer(tmp_path):
    for name in (*SERVICES, "warmline-nightly.timer"):
        text = (EXAMPLES / name).read_text(encoding="utf-8")
        # The program must exist for systemd; here it lies elsewhere.
        text = text.replace("/opt/warmline/.venv/bin/warmline", str(WARMLINE))
        (tmp_path / name).write_text(text, encoding="utf-8")
        found = subprocess.run(
            ["systemd-analyze", "verify", str(tmp_path / name)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_calls_a_command_that_exists_and_does_not_repeat_what_a_person_must_mend(name):
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    (call,) = re.findall(r"^ExecStart=(.*)$", text, flags=re.M)
    command = command_of(call.split())
    assert name == f"warmline-{command.name}.service"
    codes = {"nightly": "2 3", "serve": "2"}[command.name]
    assert re.search(rf"^RestartPreventExitStatus={codes}$", text, flags=re.M)
    assert re.search(r"^Restart=on-failure$", text, flags=re.M)
    assert re.search(r"^User=warmline$", text, flags=re.M)
    # Of the rest the command sets what it needs.
    given = dict(re.findall(r"^Environment=(\w+)=(.*)$", text, flags=re.M))
    assert given.keys() == {"WARMLINE_HOME", "NUMBA_CACHE_DIR"}
    (written,) = re.findall(r"^ReadWritePaths=(.*)$", text, flags=re.M)
    assert given["WARMLINE_HOME"] == written
    (kept,) = re.findall(r"^CacheDirectory=(.*)$", text, flags=re.M)
    assert given["NUMBA_CACHE_DIR"] == f"/var/cache/{kept}"


@pytest.mark.parametrize("name", ORCHESTRATED)
def test_an_orchestrators_example_compiles_and_calls_a_command_that_exists(name):
    tree = ast.parse((EXAMPLES / name).read_text(encoding="utf-8"))
    (call,) = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "subprocess.run"
    ]
    words = [one.value if isinstance(one, ast.Constant) else "" for one in call.args[0].elts]
    assert command_of(words).name == "nightly"
    assert {"capture_output", "text", "check"} == {one.arg for one in call.keywords}


def test_the_dag_runs_one_night_at_a_time_and_catches_nothing_up():
    tree = ast.parse((EXAMPLES / "airflow_dag.py").read_text(encoding="utf-8"))
    (called,) = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "dag"
    ]
    given = {one.arg: ast.unparse(one.value) for one in called.keywords}
    assert given["max_active_runs"] == "1"
    assert given["catchup"] == "False"
    assert given["dag_id"] == "'warmline_nightly'"


@pytest.fixture
def finished(tmp_path):
    """A home whose night of 1 July is done: the real command says so again, in no time."""
    home, _ = create(tmp_path / "home")
    home.nights.mkdir()
    record = {
        "as_of": "2026-07-01",
        "run": "r",
        "started": datetime(2026, 7, 1, 3, tzinfo=UTC).isoformat(),
        "done": {"score": {"rows": 1}},
        "finished": True,
        "took": {"score": {"seconds": 1.0, "rows": 1, "peak_memory_mb": 100}},
    }
    (home.nights / "as_of=2026-07-01.json").write_text(json.dumps(record), encoding="utf-8")
    return home.root


def python_with(name: str) -> str:
    python = ROOT / ".tools" / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"no {name} in {python}: `make test` installs it")
    return str(python)


def run_in(python: str, code: str, home: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH_TO_WARMLINE": str(WARMLINE),
        "WARMLINE_HOME": str(home),
        "DAGSTER_HOME": str(tmp_path),
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(EXAMPLES),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PATH": f"{Path(python).parent}:{os.environ['PATH']}",
    }
    return subprocess.run(
        [python, "-c", code], capture_output=True, text=True, env=environment, check=False
    )


def test_dagster_materialises_the_asset(finished, tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(EXAMPLES)!r})\n"
        "import dagster_asset as example\nfrom dagster import materialize\n"
        "example.definitions.get_repository_def()\n"
        "done = materialize([example.outreach_list], partition_key='2026-07-01')\n"
        "(event,) = done.get_asset_materialization_events()\n"
        "print(event.materialization.metadata['score'].value)"
    )
    done = run_in(python_with("dagster"), code, finished, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "1.0"


def test_dagster_fails_at_once_where_another_attempt_is_of_no_use(finished, tmp_path):
    (finished / "warmline.toml").write_text("[nightl]", encoding="utf-8")  # wrong usage: 2
    code = (
        f"import sys; sys.path.insert(0, {str(EXAMPLES)!r})\n"
        "import dagster_asset as example\nfrom dagster import materialize\n"
        "done = materialize([example.outreach_list], partition_key='2026-07-01',\n"
        "    raise_on_error=False)\n"
        "sys.exit(0 if done.success else 9)"
    )
    done = run_in(python_with("dagster"), code, finished, tmp_path)
    assert done.returncode == 9, done.stderr


def test_airflow_parses_and_runs_the_dag(finished, tmp_path):
    code = (
        "import subprocess, sys\n"
        "subprocess.run(['airflow', 'db', 'migrate'], check=True, capture_output=True)\n"
        "done = subprocess.run(['airflow', 'dags', 'test', 'warmline_nightly',\n"
        "    '2026-07-01T03:10:00'], capture_output=True, text=True)\n"
        "print(done.stdout, done.stderr)\n"
        "sys.exit(done.returncode)"
    )
    done = run_in(python_with("airflow"), code, finished, tmp_path)
    assert done.returncode == 0, done.stdout
    assert "state=success" in done.stdout, done.stdout


def test_the_container_is_whole_small_and_not_root():
    """No engine runs here: its instructions are read."""
    text = (EXAMPLES / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    steps = [line.split(maxsplit=1) for line in text.splitlines() if re.match(r"[A-Z]+ ", line)]
    known = {
        "FROM", "ENV", "RUN", "WORKDIR", "COPY", "USER", "VOLUME", "HEALTHCHECK", "ENTRYPOINT",
        "CMD",
    }  # fmt: skip
    assert {name for name, _ in steps} <= known
    final = steps[max(n for n, (name, _) in enumerate(steps) if name == "FROM") :]
    given = dict(final)
    assert given["USER"] not in ("root", "0")
    assert given["VOLUME"]
    assert given["HEALTHCHECK"].endswith('CMD ["warmline", "doctor"]')
    command_of(["warmline", "doctor"])
    command_of(json.loads(given["ENTRYPOINT"]) + json.loads(given["CMD"]))
    root = EXAMPLES.parents[1]
    for name, rest in steps:
        if name == "COPY" and not rest.startswith("--from"):
            assert all((root / source).exists() for source in rest.split()[:-1]), rest
