"""Killed anywhere, an erasure is completed by the next command, to the same end."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from models.erasure import journal
from models.home import Home, create
from pipelines.erasure import proofs
from tests import planted
from tests.dying import Dying
from tests.functional import forked
from tests.functional.conftest import Command

# A few in CI; 200 when asked for (docs/guides/erasure.md).
KILLS = int(os.environ.get("TEST_KILLS", "3"))

CHANGES = ("fsync", "write", "unlink", "rmdir")  # of `os`
OF_PATHS = ("replace", "unlink", "mkdir", "rmdir", "write_text", "write_bytes")


@contextmanager
def dying(n: int) -> Iterator[None]:
    """Kills itself with -9 just before the n-th change on the disk; in the end says how many there
    were."""
    one = Dying(n)
    try:
        with one.before(*((os, name) for name in CHANGES), *((Path, name) for name in OF_PATHS)):
            yield
    finally:
        print(one.steps, file=sys.stderr)


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
    code, told = forget_until(-1, tmp_path / "ended")
    assert code == 0, told
    return tmp_path / "ended", int(told.splitlines()[-1])


def forget_until(n: int, root: Path) -> tuple[int, str]:
    """Its exit code, or less the signal that ended it, and what it told."""
    told = root.with_name(f"{root.name}-told")
    told.unlink(missing_ok=True)
    arguments = ["forget", planted.PERSON, "--home", str(root), "--json"]
    process = forked.start(arguments, os.environ, Path(os.devnull), told, partial(dying, n))
    process.join()
    assert process.exitcode is not None
    return process.exitcode, told.read_text("utf-8")


def test_an_erasure_killed_at_any_point_ends_as_one_that_was_not(whole, ended, tmp_path):
    """Each point on a home of its own; where the luck falls is told if it fails."""
    wanted, changes = ended
    luck = random.Random(7)
    points = luck.sample(range(changes), min(KILLS, changes))
    for place, point in enumerate(points):
        cut = Home(tmp_path / "cut")
        shutil.copytree(whole.root, cut.root)
        code, told = forget_until(point, cut.root)
        assert code == -signal.SIGKILL, (point, told)
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
    assert forget_until(12, home.root)[0] == -signal.SIGKILL
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
