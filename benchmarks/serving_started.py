"""The endpoint and its peers, each as its user starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness import PROJECT, WARMLINE
from benchmarks.load import Request

LONGEST_START = 120


@dataclass(frozen=True)
class Started:
    """A server that answers. `ready`: seconds until it did."""

    process: subprocess.Popen[bytes]
    port: int
    ready: float

    def worker(self) -> int:
        """The process number of who answers."""
        listed = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        return int(listed.stdout.split()[0])


@contextmanager
def endpoint(home: Path) -> Iterator[Started]:
    """`warmline serve`."""
    port = free_port()
    with _started([WARMLINE, "serve", "--home", home, "--port", port], port, "/livez") as found:
        yield found


@contextmanager
def fastapi(home: Path, key: str) -> Iterator[Started]:
    """benchmarks/serving_peer.py."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.serving_peer", home, port, key]
    with _started(command, port, "/openapi.json") as found:
        yield found


@contextmanager
def plain_bentoml(home: Path) -> Iterator[Started]:
    """benchmarks/serving_plain.py."""
    port = free_port()
    command = [sys.executable, "-m", "bentoml", "serve", "benchmarks.serving_plain:Plain",
               "--port", port]  # fmt: skip
    own = {"WARMLINE_HOME": str(home), "BENTOML_HOME": str(home / "plain")}
    with _started(command, port, "/livez", own) as found:
        yield found


@contextmanager
def mlflow(home: Path) -> Iterator[tuple[Started, Request]]:
    """`mlflow models serve` of the champion's trees, and a call with one row of features."""
    import lightgbm

    champion = (home / "champion" / "current").read_text(encoding="utf-8").strip()
    booster = lightgbm.Booster(model_file=home / "champion" / champion / "model.txt")
    model, port = home / "mlflow-serves" / champion, free_port()
    if not model.exists():
        from mlflow import lightgbm as flavour

        flavour.save_model(booster, str(model), pip_requirements=["lightgbm"])
    command = [Path(sys.executable).with_name("mlflow"), "models", "serve", "-m", model,
               "--env-manager", "local", "--port", port]  # fmt: skip
    # As in an activated environment: it starts `uvicorn`.
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    names = [f"f{number}" for number in range(booster.num_feature())]
    row = {"dataframe_split": {"columns": names, "data": [[0.5] * len(names)]}}
    with _started(command, port, "/ping", path) as found:
        yield found, Request(port, "/invocations", row)


@contextmanager
def _started(
    command: list[Any], port: int, path: str, more: Mapping[str, str] | None = None
) -> Iterator[Started]:
    began = time.monotonic()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [str(part) for part in command], stdout=log, stderr=log, cwd=PROJECT,
            env={**os.environ, **(more or {})}, start_new_session=True,
        )  # fmt: skip
        try:
            while not answers(port, path):
                if process.poll() is not None or time.monotonic() > began + LONGEST_START:
                    log.seek(0)
                    raise SystemExit(log.read().decode())
                time.sleep(0.05)
            yield Started(process, port, time.monotonic() - began)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # mlflow's server outlives its command
        process.wait()


def answers(port: int, path: str) -> bool:
    """Whether somebody does."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5)
    except (urllib.error.URLError, OSError):
        return False
    return True


def free_port() -> int:
    """One where nobody listens."""
    import socket

    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port
