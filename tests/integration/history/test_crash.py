"""Killed anywhere, an ingest leaves the old history or the new one, and the next one completes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from models.errors import Busy
from models.files import sha256
from pipelines.history.store import History
from tests.dying import Dying
from tests.integration.history.conftest import CUSTOMERS, INTERACTIONS, Place

# Each ingest that is to be killed is forked from a process that has imported it and done nothing.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["pipelines.history.ingest"])
MORE = INTERACTIONS + (
    "4,calm,2026-03-01T10:00:00Z,case_opened,chat,c9,returns,\n"
    "5,nobody,2026-03-01T10:00:00Z,order,,,,3\n"
)
CALM = CUSTOMERS + "calm,2025-03-01T00:00:00Z\n"


def ingest_and_die(what: str, n: int, root: str) -> None:
    """Kills itself with -9 at the n-th step, or just before the n-th fsync or rename."""
    dying, place = Dying(n), Place(Path(root))
    if what == "step":
        place.ingest(place.root / "crm", progress=dying.step)
        return
    with dying.before((os, "fsync"), (Path, "replace")):
        place.ingest(place.root / "crm")


def begun(place: Place, what: str, n: int) -> Any:
    """The process of such an ingest."""
    process = PROCESSES.Process(target=ingest_and_die, args=(what, n, str(place.root)))
    process.start()
    return process


def killed(place: Place, what: str, n: int) -> bool:
    """Runs the ingest of `crm`; whether it was killed on the way."""
    process = begun(place, what, n)
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return bool(process.exitcode)


def said(history: History) -> list[tuple[object, ...]]:
    """All that a history holds, in words."""
    interactions = history.table("interactions")
    customers = history.table("customers")
    assert interactions is not None
    assert customers is not None
    rows = interactions[["interaction_id", "customer_id", "occurred_at", "case_id"]]
    return [*rows.itertuples(index=False), *customers["customer_id"]]


@pytest.mark.parametrize("what", ["step", "disk"])
def test_a_kill_at_any_step_leaves_the_old_or_the_new_and_the_next_ingest_completes(
    company: Place, what: str
) -> None:
    old = said(company.open())
    kept = company.contents()
    company.source(customers=CALM, interactions=MORE)
    whole = Place(company.root / "whole")
    whole.root.mkdir()
    whole.ingest(whole.source(customers=CUSTOMERS, interactions=INTERACTIONS))
    whole.ingest(company.root / "crm")
    new = said(whole.open())
    generations = set()
    for n in range(200):
        company.history.rename(company.root / f"history-{n}")  # what the last round left
        for name, content in kept.items():
            path = company.history / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if not killed(company, what, n):
            break
        found = company.open()
        generations.add(found.generation)
        assert said(found) == (old if found.generation == 1 else new)
        for file in found.manifest.files():
            assert sha256(company.history / file.path) == file.sha256
        report = company.ingest(company.root / "crm")
        assert report.changed == (found.generation == 1)
        assert said(company.open()) == new
        assert not (company.history / "staging").exists()
        assert leftovers(company) == []
    assert generations == {1, 2}
    assert n > 3


def leftovers(place: Place) -> list[str]:
    """Files that neither the current generation nor the one before needs."""
    from pipelines.history.manifest import manifest_name, read_manifest

    current = place.open().manifest
    needed = {"CURRENT", ".lock"}
    for generation in (current.generation, current.generation - 1):
        path = place.history / manifest_name(generation)
        needed |= {path.name, *(file.path for file in read_manifest(path).files())}
    return sorted(set(place.contents()) - needed)


def test_a_second_ingest_at_the_same_time_is_told_so(company: Place) -> None:
    company.source(interactions=MORE)

    def meanwhile(step: str) -> None:
        if step == "publishing":
            with pytest.raises(Busy):
                company.ingest(company.root / "crm")

    assert company.ingest(company.root / "crm", progress=meanwhile).changed


def test_a_kill_at_any_moment_of_a_larger_ingest_is_recovered_from(place: Place) -> None:
    rows = "".join(
        f"r{n},c{n % 50},2026-01-01T00:{n // 60 % 60:02}:{n % 60:02}Z,usage,app,,,1\n"
        for n in range(20_000)
    )
    people = "customer_id,joined_at\n" + "".join(f"c{n},2025-01-01T00:00Z\n" for n in range(50))
    place.source(customers=people, interactions=INTERACTIONS.splitlines()[0] + "\n" + rows)
    for wait in (0.1, 0.3, 0.5):
        run = begun(place, "none", 0)
        time.sleep(wait)
        run.kill()
        run.join()
    place.ingest(place.root / "crm")
    assert place.open().rows == 20_000
