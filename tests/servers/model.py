"""A language model's API as OpenAI's, that answers what a test tells it to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Says = Callable[[str], str]


class Model:
    """`says` makes the answer to the words it is asked to rewrite; the others spoil it."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.says: Says = lambda words: words
        self.status = 200
        self.finish_reason: str | None = "stop"
        self.body: bytes | None = None  # instead of an answer
        self.location = ""
        self.slow = 0.0  # seconds before each part of the answer
        self.url = ""


@contextmanager
def running() -> Iterator[Model]:
    """One on this machine."""
    model = Model()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            model.asked.append({"path": self.path, **asked})
            model.headers.append(dict(self.headers))
            said = model.says(asked["messages"][-1]["content"])
            message = {"role": "assistant", "content": said}
            choice = {"index": 0, "message": message, "finish_reason": model.finish_reason}
            told = {"object": "chat.completion", "choices": [choice]}
            body = json.dumps(told).encode() if model.body is None else model.body
            self.send_response(model.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if model.location:
                self.send_header("Location", model.location)
            self.end_headers()
            step = 10 if model.slow else len(body) or 1
            try:
                for start in range(0, len(body), step):
                    time.sleep(model.slow)
                    self.wfile.write(body[start : start + step])
                    self.wfile.flush()
            except OSError:
                pass  # the caller had enough

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
