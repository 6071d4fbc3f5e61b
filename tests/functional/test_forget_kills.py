"""Killed anywhere, an erasure is completed by the next command, to the same end."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from models.erasure import journal
from models.home import Home, create
from pipelines.erasure import proofs
from tests import planted
from tests.functional.conftest import Command

# A few in CI; 200 when asked for (docs/guides/erasure.md).
KILLS = int(os.environ.get("TEST_KILLS", "3"))

# Kills itself with -9 just before the n-th change on the disk; without n, says how many there are.
SCRIPT = """
import os, pathlib, shutil, signal, sys
n, seen = int(sys.argv[1]), 0

def before(real):
    def call(*arguments, **options):
        global seen
        if seen == n:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1
        return real(*arguments, **options)
    return call

os.fsync, os.write, os.unlink, os.rmdir = map(before, (os.fsync, os.write, os.unlink, os.rmdir))
for name in ("replace", "unlink", "mkdir", "rmdir", "write_text", "write_bytes"):
    setattr(pathlib.Path, name, before(getattr(pathlib.Path, name)))
import warmline
try:
    warmline.main(["forget", "MAGDA-7001", "--home", sys.argv[2], "--json"])
finally:
    print(seen, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A home in which the person lies."""
    place = tmp_path_factory.mktemp("kills")
    home, _ = create(place / "home")
    planted.ingested(home, place / "sources")
    planted.published(home)
    planted.recorded(home)
    home.secret_key()  # so that all copies give the same pseudonyms
    return home


@pytest.fixture
def ended(whole, tmp_path):
    """What an erasure that nobody cuts off leaves, and how many changes it makes."""
    shutil.copytree(whole.root, tmp_path / "ended")
    done = forget_until(-1, tmp_path / "ended")
    assert done.returncode == 0, done.stderr
    return tmp_path / "ended", int(done.stderr.splitlines()[-1])


def forget_until(n: int, root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SCRIPT, str(n), str(root)]
    return subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )


def test_an_erasure_killed_at_any_point_ends_as_one_that_was_not(whole, ended, tmp_path):
    """Each point on a home of its own; where the luck falls is told if it fails."""
    wanted, changes = ended
    luck = random.Random(7)
    points = luck.sample(range(changes), min(KILLS, changes))
    for place, point in enumerate(points):
        cut = Home(tmp_path / "cut")
        shutil.copytree(whole.root, cut.root)
        killed = forget_until(point, cut.root)
        assert killed.returncode == -signal.SIGKILL, (point, killed.stderr)
        if place % 2:  # killed again on its way through what was left
            forget_until(luck.randrange(changes), cut.root)
        again = Command(cut.root)("forget", planted.PERSON)
        assert again.code == 0, (point, again.stderr)
        assert planted.hits(cut.root) == {}, point
        assert left(cut.root) == left(wanted), point
        assert proofs.read(cut)[0].removed == proofs.read(Home(wanted))[0].removed, point
        assert not journal(cut).exists(), point
        shutil.rmtree(cut.root)


def left(root: Path) -> dict[str, bytes]:
    """Every file with its bytes, but for what tells the time of the erasure."""
    timed = ("erasures.jsonl", ".lock", ".nightly.lock")
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    named = {str(path.relative_to(root)): path for path in files if path.name not in timed}
    return {name: _without_times(path) for name, path in named.items()}


def _without_times(path: Path) -> bytes:
    if path.parent.name == "history" and path.name.startswith("manifest-"):
        facts = json.loads(path.read_bytes())
        del facts["ingested_at"]
        return json.dumps(facts).encode()
    return path.read_bytes()


@pytest.fixture(scope="module")
def demo(demo_made, tmp_path_factory):
    """A company with a model, scores and lists, with the person among its customers."""
    place = tmp_path_factory.mktemp("demo")
    command = Command(place / "home")
    shutil.copytree(demo_made / "home", command.home)
    planted.ingested(Home(command.home), place / "sources")
    for night in planted.NIGHTS:
        assert command("score", "--as-of", str(night)).code == 0
        assert command("plan", "--as-of", str(night)).code == 0
    return command


def test_the_model_and_the_next_night_work_without_the_person(demo):
    home = Home(demo.home)
    found = planted.hits(home.root)
    assert any(name.startswith("scores/") for name in found)
    assert not any(name.startswith(("champion", "ml")) for name in found)
    before = (home.champion / "current").read_bytes()
    # Killed on its way: the night completes the erasure before it begins.
    assert forget_until(12, home.root).returncode == -signal.SIGKILL
    assert journal(home).exists()
    for command in (("score", "--as-of", "2026-07-02"), ("plan",), ("train",)):
        refused = demo(*command)
        assert refused.code == 1
        assert "is not finished" in refused.stderr
    night = demo("nightly", "--as-of", str(planted.NIGHTS[-1]))
    assert night.code == 0, night.stderr
    assert planted.hits(home.root) == {}
    assert (home.champion / "current").read_bytes() == before
    rows = night.facts["steps"]["score"]["rows"]
    assert rows > 1000
    told = demo("doctor", json=False)
    assert "no erasure is left unfinished; 1 person erased so far" in told.stdout
