"""`warmline serve` on a home, as a user starts it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WARMLINE = Path(sys.executable).with_name("warmline")
START_SECONDS = 120  # on a machine that tests share


@dataclass
class Endpoint:
    """A running one. `process` is what was started, which is the parent of the workers."""

    process: subprocess.Popen[str]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(
        self, path: str, body: Any = None, key: str | None = None
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Status, JSON (or text) and headers of the answer; status 0: nobody answered."""
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, content, headers)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return answer.status, _read(answer.read()), dict(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, _read(error.read()), dict(error.headers)
        except OSError:
            return 0, None, {}

    def wait(self, seconds: float = START_SECONDS) -> float:
        """Until it answers; the seconds it took."""
        began = time.monotonic()
        while time.monotonic() < began + seconds:
            if self.call("/livez")[0] == 200:
                return time.monotonic() - began
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(f"no answer in {seconds} s: {self.log.read_text()}")

    def workers(self) -> list[int]:
        """Process numbers of who answers."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if int(parent) == self.process.pid:
                found.append(int(folder.name))
        return found


def free_port() -> int:
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) != 0


@contextmanager
def running(home: Path, *options: str, port: int | None = None) -> Iterator[Endpoint]:
    """Started with `options` and answering; ended afterwards."""
    port = port or free_port()
    command = [WARMLINE, "serve", "--home", home, "--port", port, *options]
    with started(command, port, home / "serve.log") as endpoint:
        yield endpoint


@contextmanager
def started(
    command: Sequence[object], port: int, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Endpoint]:
    """The same of any command that serves."""
    with log.open("w") as out:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            cwd=log.parent,
            env={**os.environ, "NO_COLOR": "1", **(environment or {})},
        )
        endpoint = Endpoint(process, port, log)
        try:
            endpoint.wait()
            yield endpoint
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def runs(*words: str) -> list[int]:
    """The processes that have all these words among their arguments."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if set(words) <= set(file.read_text().split("\0")):
                found.append(int(file.parent.name))
        except OSError:  # it has just ended
            continue
    return found


def _read(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return content.decode()
