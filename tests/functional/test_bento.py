"""A Bento holds what the endpoint needs and nothing else, and serves where no checkout is."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.functional.conftest import Command
from tests.servers.endpoint import free_port, started

REPOSITORY = Path(__file__).parents[2]
UV = REPOSITORY / ".tools" / "bin" / "uv"
# Tests run with our checkout among the places of modules, which is what must not be used here.
ELSEWHERE = (
    f"import sys\nsys.path = [place for place in sys.path if place != {str(REPOSITORY)!r}]\n"
)


def steps(container: Path) -> list[tuple[str, str]]:
    """A container file's instructions."""
    text = container.read_text(encoding="utf-8").replace("\\\n", " ")
    found = [line.split(maxsplit=1) for line in text.splitlines() if line and line[0] != "#"]
    return [(name, rest) for name, rest in found]


STEPS = steps(REPOSITORY / "serving" / "Containerfile")
CONTAINER = dict(STEPS)  # the last of each kind


@pytest.fixture(scope="module")
def bento(tmp_path_factory):
    """Built from the checkout, then moved to where nothing else of it is."""
    place = tmp_path_factory.mktemp("bento")
    bentoml = Path(sys.executable).with_name("bentoml")
    path = os.pathsep.join([str(UV.parent), os.environ["PATH"]])  # BentoML asks for uv
    environment = {**os.environ, "BENTOML_HOME": str(place / "store"), "PATH": path,
                   "WARMLINE_HOME": str(place / "no-home")}  # fmt: skip
    built = subprocess.run(
        [bentoml, "build", "--output", "tag"], cwd=REPOSITORY, env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (found,) = (place / "store" / "bentos" / "warmline").glob("*/bento.yaml")
    return Path(shutil.move(found.parent, place / "elsewhere"))


def test_it_holds_the_three_packages_and_no_data(bento):
    source = bento / "src"
    assert {path.name for path in source.iterdir()} == {
        "models", "pipelines", "serving", "bentofile.yaml",
    }  # fmt: skip
    for package in ("models", "pipelines", "serving"):
        ours, theirs = (
            {
                path.relative_to(place) for path in (place / package).rglob("*")
                if path.is_file() and "__pycache__" not in path.parts
            }
            for place in (REPOSITORY, source)
        )  # fmt: skip
        assert ours == theirs
    pinned = (bento / "env" / "python" / "requirements.txt").read_text()
    assert all("==" in line for line in pinned.splitlines() if line.strip())


def test_the_container_holds_the_same_and_is_not_root():
    """No engine runs here: its instructions are read."""
    copied = {rest.split()[0] for name, rest in STEPS if name == "COPY"}
    assert copied == {
        "serving/requirements.txt", "--from=build", "models", "pipelines", "serving",
    }  # fmt: skip
    assert CONTAINER["USER"] not in ("root", "0")
    assert CONTAINER["VOLUME"] in CONTAINER["ENV"]
    assert json.loads(CONTAINER["CMD"])[:3] == ["bentoml", "serve", "serving.service:service"]


@pytest.mark.skipif(not UV.exists(), reason="uv is not set up here: `make test` does it")
def test_what_it_installs_is_what_is_locked():
    options = ("--no-default-groups", "--no-emit-project", "--no-hashes", "--no-annotate")
    locked = subprocess.run(
        [UV, "export", "--quiet", "--offline", "--frozen", "--no-header", *options],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
        env={**os.environ, "UV_PYTHON": sys.executable},
    ).stdout  # fmt: skip
    assert (REPOSITORY / "serving" / "requirements.txt").read_text() == locked


def test_it_answers_and_works_elsewhere(bento, demo_made, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(demo_made / "home", home)
    shutil.rmtree(home / "champion")  # which would have the kernel compiled for a minute
    key = Command(home)("keys", "create", "all", "--scope", "admin").facts["key"]
    (tmp_path / "sitecustomize.py").write_text(ELSEWHERE)
    port = free_port()
    serve = Path(sys.executable).with_name("bentoml"), "serve", bento, "--port", port
    environment = {"WARMLINE_HOME": str(home), "PYTHONPATH": str(tmp_path),
                   "BENTOML_HOME": str(tmp_path / "bentoml")}  # fmt: skip
    check = json.loads(CONTAINER["HEALTHCHECK"].partition(" CMD ")[2])
    assert check[0] == "python"
    check = [sys.executable, *(part.replace(":3000/", f":{port}/") for part in check[1:])]
    assert subprocess.run(check, capture_output=True, check=False).returncode
    with started(serve, port, tmp_path / "log", environment) as endpoint:
        assert subprocess.run(check, check=False).returncode == 0
        status, told, _ = endpoint.call("/score", {"customer_ids": ["C00017"]}, key)
        assert (status, told["scores"][0]["status"]) == (200, "scored"), told
        status, told, _ = endpoint.call("/nightly/submit", {}, key)
        assert (status, "can only score_batch" in told["detail"]) == (404, True)
        status, task, _ = endpoint.call("/score_batch/submit", {"as_of": "2026-07-01"}, key)
        assert status == 200, task
        until = time.monotonic() + 60
        place = f"?task_id={task['task_id']}"
        while (ended := endpoint.call(f"/score_batch/status{place}", key=key)[1])[
            "status"
        ] == "in_progress":
            assert time.monotonic() < until
            time.sleep(0.2)
        status, told, _ = endpoint.call(f"/score_batch/get{place}", key=key)
        assert (ended["status"], status, told["exit_code"]) == ("failed", 409, 1)
        assert "warmline train" in told["detail"]  # so it ran, and this home has no model
