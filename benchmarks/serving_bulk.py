"""The endpoint at bulk work: the night's scoring as a task, all customers in one call.

Used by `make bench-serving`. Needs curl, which reads answers while it sends.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def scoring(port: int, key: str) -> Iterator[None]:
    """The task of the nightly scoring goes on meanwhile, again and again."""
    stop = threading.Event()

    def score() -> None:
        while not stop.is_set():
            task = ask(port, key, "/score_batch/submit", b'{"as_of":"2026-07-01"}')["task_id"]
            place = f"/score_batch/status?task_id={task}"
            while ask(port, key, place)["status"] == "in_progress" and not stop.is_set():
                time.sleep(0.5)

    thread = threading.Thread(target=score)
    thread.start()
    try:
        time.sleep(1)
        yield
    finally:
        stop.set()
        thread.join()


def ask(port: int, key: str, path: str, body: bytes | None = None) -> dict[str, Any]:
    """The JSON that is answered."""
    import urllib.request

    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        told: dict[str, Any] = json.load(answer)
    return told


def in_lines(
    port: int, key: str, ids: Iterable[str], own_mb: Callable[[], float]
) -> dict[str, float]:
    """One call for the scores of all, a line each: seconds, and the worker's own memory more."""
    told = [json.dumps({"customer_id": one}) + "\n" for one in ids]
    before, most = own_mb(), 0.0
    with tempfile.NamedTemporaryFile("w") as file:
        file.writelines(told)
        file.flush()
        began = time.perf_counter()
        url = f"http://127.0.0.1:{port}/score"
        asking = subprocess.Popen(
            ["curl", "-sS", "--fail", "-o", "/dev/null", "-w", "%{size_download}", url,
             "-H", f"Authorization: Bearer {key}", "-H", "Content-Type: application/x-ndjson",
             "-H", "Expect:", "--data-binary", f"@{file.name}"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        while asking.poll() is None:
            most = max(most, own_mb())
            time.sleep(0.05)
        took = time.perf_counter() - began
    assert asking.returncode == 0
    assert asking.stdout is not None
    return {
        "ids": len(told), "seconds": took, "more_mb": most - before,
        "answered_mb": int(asking.stdout.read()) / 1e6,
    }  # fmt: skip
