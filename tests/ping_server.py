"""A real HTTP server that notes what it is told, in the place of a health-check service."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class PingServer:
    """Notes each request; answers with `answers` in turn, then with 200."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bytes]] = []
        self.answers: list[int] = []
        self.slow = 0.0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/check"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _handler(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.seen.append((self.command, self.path, body))
                time.sleep(outer.slow)
                self.send_response(outer.answers.pop(0) if outer.answers else 200)
                self.end_headers()

            def log_message(self, *arguments):
                """Quiet."""

        return Handler
