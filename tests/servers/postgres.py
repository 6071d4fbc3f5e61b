"""A PostgreSQL server of its own for the tests: Debian's binaries, a temporary folder, a free port.

`Server.database()` makes an empty database and says its URL. Nothing of the machine's own
PostgreSQL is touched. Postgres refuses to run as root, so root starts it as the user `postgres`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

USER, PASSWORD = "warmline", "a/secret p@ss:word%"  # with all that a URL must encode
ENCODED = "a%2Fsecret%20p%40ss%3Aword%25"
# The data may be lost at any time, so nothing waits for the disk.
SETTINGS = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off",
    "listen_addresses": "127.0.0.1", "max_connections": "50", "timezone": "UTC",
}  # fmt: skip


class Missing(Exception):
    """PostgreSQL cannot be run here; the message says why."""


@dataclass
class Server:
    """A running server."""

    folder: Path
    port: int
    numbers: Iterator[int] = field(default_factory=count)

    def url(self, database: str, user: str = USER, password: str = ENCODED) -> str:
        """The URL of a database, over TCP and with the password."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{database}"

    def database(self, name: str | None = None) -> str:
        """Makes an empty database, `test_N` by default; returns its URL."""
        import psycopg

        name = name or f"test_{next(self.numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)


def binaries() -> Path:
    """The folder of the newest PostgreSQL's programs. Raises `Missing`."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    raise Missing("PostgreSQL is not installed: run `.ci/system-packages postgresql`")


def _version(initdb: Path) -> float:
    return float(initdb.parts[-3])


@contextmanager
def running() -> Iterator[Server]:
    """A server that lives as long as the block. Raises `Missing` where none can be started."""
    programs, as_user = binaries(), _as_user()
    folder = Path(tempfile.mkdtemp(prefix="warmline-pg-"))  # short: a socket's path has 107 bytes
    secret = folder / "password"
    try:
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            os.chown(secret, owner.pw_uid, owner.pw_gid)
        server = Server(folder, _free_port())
        _run(
            as_user,
            programs / "initdb",
            "-D",
            folder / "data",
            "-U",
            USER,
            "--no-sync",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        )
        _start(as_user, programs, server)
        try:
            yield server
        finally:
            _run(as_user, programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(as_user: list[str], programs: Path, server: Server) -> None:
    options = [f"-p {server.port}", f"-k {server.folder}"]
    options += [f"-c {key}={value}" for key, value in SETTINGS.items()]
    _run(
        as_user,
        programs / "pg_ctl",
        "-D",
        server.folder / "data",
        "-w",
        "-t",
        "60",
        "-l",
        server.folder / "log",
        "-o",
        " ".join(options),
        "start",
    )


def _as_user() -> list[str]:
    if os.geteuid() != 0:
        return []
    try:
        pwd.getpwnam("postgres")
    except KeyError:
        raise Missing("root cannot run PostgreSQL, and there is no user `postgres`") from None
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _run(as_user: list[str], *command: str | Path) -> None:
    # Not captured: the server would inherit the pipe and hold it open.
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(
            [*as_user, *map(str, command)], stdout=said, stderr=said, cwd="/", check=False
        )
        if done.returncode:
            said.seek(0)
            raise Missing(f"{Path(command[0]).name} failed: {said.read().decode()[-500:]}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
