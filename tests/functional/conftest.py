"""The command as its user runs it: a real process, a real home."""

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.functional import forked

WARMLINE = Path(sys.executable).with_name("warmline")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def facts(self) -> dict[str, Any]:
        """The one JSON object on stdout."""
        return json.loads(self.stdout)


@dataclass(frozen=True)
class Command:
    """Runs `warmline ... --home HOME`."""

    home: Path

    def __call__(self, *arguments: str | Path, json: bool = True) -> Done:
        said = [str(part) for part in arguments]
        said += ["--home", str(self.home), *(["--json"] if json else [])]
        with tempfile.TemporaryDirectory() as folder:
            stdout, stderr = Path(folder) / "stdout", Path(folder) / "stderr"
            code = forked.run(said, {**os.environ, "COLUMNS": "100"}, stdout, stderr)
            return Done(code, stdout.read_text("utf-8"), stderr.read_text("utf-8"))

    def cut_off(self, seconds: float, *arguments: str) -> None:
        """Runs the same, and kills it after so long where it has not ended."""
        nowhere = Path(os.devnull)
        said = [*arguments, "--home", str(self.home)]
        process = forked.start(said, os.environ, nowhere, nowhere)
        process.join(seconds)
        process.kill()
        process.join()


@pytest.fixture
def warmline(tmp_path: Path) -> Command:
    """The command on a home that was just made."""
    command = Command(tmp_path / "home")
    assert command("init").code == 0
    return command


@pytest.fixture
def folder(tmp_path: Path) -> "Folder":
    """A source to write files into."""
    return Folder(tmp_path / "source")


@dataclass(frozen=True)
class Folder:
    """A contract folder; `write` fills a file from lines."""

    path: Path

    def write(self, name: str, *lines: str, encoding: str = "utf-8") -> Path:
        self.path.mkdir(exist_ok=True)
        file = self.path / name
        file.write_text("\n".join(lines) + "\n", encoding=encoding)
        return file

    def good(self) -> "Folder":
        """One customer who ordered once."""
        self.write("customers.csv", "customer_id,joined_at", "acme,2025-01-01T00:00:00Z")
        self.write(
            "interactions.csv",
            "interaction_id,customer_id,occurred_at,kind",
            "1,acme,2026-01-05T10:00:00Z,order",
        )
        return self
