"""A local server that takes messages as Slack's incoming webhooks do, and answers as it is told."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CUT = "cut"  # instead of an answer the connection breaks


@dataclass
class Room:
    """`got`: path and message. `next`: what is said instead of yes, once each: a status, with its
    headers and words, or `CUT`."""

    port: int = 0
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    next: deque[Any] = field(default_factory=deque)

    def url(self, owner: str) -> str:
        return f"http://127.0.0.1:{self.port}/{owner}"


class Handler(BaseHTTPRequestHandler):
    room: Room

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = self.room.next.popleft() if self.room.next else (200, {}, "ok")
        if said == CUT:
            self.connection.close()
            return
        status, headers, words = said
        if status == 200:
            self.room.got.append((self.path, message))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(words)))
        self.end_headers()
        self.wfile.write(words.encode())

    def log_message(self, *words: Any) -> None:
        pass


@contextmanager
def running() -> Iterator[Room]:
    """The server on 127.0.0.1 as long as the block lasts."""
    room = Room()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Handler,), {"room": room}))
    room.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield room
    finally:
        server.shutdown()
        server.server_close()
