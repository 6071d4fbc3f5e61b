"""The proxy of docs/examples/nginx.conf before a running endpoint, with its own certificate."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

from tests.servers.endpoint import free_port, is_free

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "nginx.conf"
HOST = "scores.example.com"  # as in the example
NAMES = f"subjectAltName=DNS:{HOST},DNS:localhost,IP:127.0.0.1"
AROUND = """
user root; pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/site.conf;
}}
"""


class Missing(Exception):
    """nginx cannot be run here; the message says why."""


class Stay(urllib.request.HTTPRedirectHandler):
    """Goes nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass(frozen=True)
class Proxy:
    """Listens with TLS at `port` and without at `plain`."""

    port: int
    plain: int
    certificate: Path
    log: Path

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def ask(
        self, path: str, body: Any = None, *, plain: bool = False, **headers: str
    ) -> tuple[int, Message, bytes]:
        """Status, headers and content of the answer, wherever it may point; `plain`: no TLS."""
        url = f"http://127.0.0.1:{self.plain}" if plain else self.url
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310
            url + path, content, {"Content-Type": "application/json", **headers}
        )
        context = ssl.create_default_context(cafile=str(self.certificate))
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), Stay)
        try:
            with opener.open(request, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def curl(self, folder: Path) -> dict[str, str]:
        """The environment in which curl finds the proxy where the guides say it is."""
        (folder / ".curlrc").write_text(
            f'connect-to = "{HOST}:443:127.0.0.1:{self.port}"\ncacert = "{self.certificate}"\n'
        )
        return {"CURL_HOME": str(folder)}


@contextmanager
def running(folder: Path, endpoint: int) -> Iterator[Proxy]:
    """Before the endpoint at that port. Raises `Missing`."""
    for program in ("nginx", "openssl"):
        if shutil.which(program) is None:
            raise Missing(f"no {program}: apt-get install nginx-light openssl")
    folder.mkdir()
    key, certificate = folder / "privkey.pem", folder / "fullchain.pem"
    _run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
         f"/CN={HOST}", "-addext", NAMES, "-keyout", key, "-out", certificate)  # fmt: skip
    proxy = Proxy(free_port(), free_port(), certificate, folder / "access.log")
    (folder / "site.conf").write_text(_site(proxy, folder, endpoint))
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
    process = subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf"])
    try:
        until = time.monotonic() + 20
        while is_free(proxy.port):
            assert process.poll() is None, (folder / "error.log").read_text()
            assert time.monotonic() < until
            time.sleep(0.05)
        yield proxy
    finally:
        process.terminate()
        process.wait(20)


def _site(proxy: Proxy, folder: Path, endpoint: int) -> str:
    """The example with this machine's ports and places, each of which must stand in it."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for there, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{proxy.port} ssl"),
        ("listen 80;", f"listen 127.0.0.1:{proxy.plain};"),
        ("server 127.0.0.1:3000;", f"server 127.0.0.1:{endpoint};"),
        ("/etc/ssl/warmline", str(folder)),
        ("/var/log/nginx/warmline.log", str(proxy.log)),
    ):
        assert there in text, there
        text = text.replace(there, here)
    return text


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)
