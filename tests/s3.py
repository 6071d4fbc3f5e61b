"""A real S3 server for tests: moto's, over HTTP, in a process and an environment of its own.

`make test` sets it up in .tools/s3 from tests/data/s3.txt: its dependencies would pin older
versions of ours.
"""

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyarrow.fs import S3FileSystem

SERVER = Path(__file__).parents[1] / ".tools" / "s3" / "bin" / "moto_server"
# Taken as they are by the server: it knows nobody, unless it is told to ask.
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing-secret",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class S3:
    """A running server."""

    address: str  # host:port

    def bucket(self, name: str) -> str:
        """A new bucket, as a URL to put paths under."""
        S3FileSystem(
            access_key=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
            secret_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
            region="us-east-1",
            endpoint_override=self.address,
            scheme="http",
            allow_bucket_creation=True,
        ).create_dir(name)
        return f"s3://{name}"

    def url(self, place: str, user: str = "") -> str:
        """The URL of `place`, such as s3://bucket/path, on this server."""
        query = f"endpoint_override={self.address}&scheme=http&region=us-east-1"
        return f"{place.replace('s3://', f's3://{user}')}?{query}"


@contextmanager
def running(log: Path, **environment: str) -> Iterator[S3]:
    """The server on a free port; skips the test where it is not set up."""
    if not SERVER.exists():
        pytest.skip("the S3 server is not set up: run `make test` once")
    with log.open("w") as file:
        command = [str(SERVER), "-H", "127.0.0.1", "-p", "0"]
        server = subprocess.Popen(
            command, stdout=file, stderr=file, env={**os.environ, **environment}
        )
        try:
            yield S3(_address(log, server))
        finally:
            server.terminate()
            server.wait()


def _address(log: Path, server: "subprocess.Popen[bytes]") -> str:
    """Where it listens, once it says so."""
    said = threading.Event()
    for _ in range(300):
        if found := re.search(r"Running on http://([\d.]+:\d+)", log.read_text()):
            return found[1]
        assert server.poll() is None, log.read_text()
        said.wait(0.1)
    raise AssertionError(f"the S3 server did not start: {log.read_text()}")
