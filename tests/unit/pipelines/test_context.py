"""context/: what a night knew of those who serve, written whole and read again by date."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from models.errors import BundleDamaged
from pipelines import context
from pipelines.features.agents import Agents
from pipelines.features.matrix import Night
from pipelines.features.stream import AGENT_FIGURES

AS_OF = date(2026, 7, 1)
NIGHT = Night(1_782_864_000, 1_782_885_600)
WORDS = ["cleo", "ann", "ben"]
KNOWN = np.linspace(0.1, 2.3, 2 * len(AGENT_FIGURES)).reshape(1, 2, -1)
FIGURES = np.concatenate([KNOWN, np.full((1, 1, len(AGENT_FIGURES)), np.nan)], axis=1)
FIGURES[0, 0, 3] = np.nan
AGENTS = Agents((NIGHT,), FIGURES)


def published(place: Path, run: str = "one", agents: Agents = AGENTS) -> Path:
    context.write(place, AS_OF, run, NIGHT, agents, WORDS)
    context.publish(place, AS_OF, run)
    return place


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    found = context.read(published(tmp_path), AS_OF, WORDS)
    assert found is not None
    np.testing.assert_array_equal(found.at([NIGHT]), FIGURES)


def test_it_is_joined_by_id_not_by_code(tmp_path: Path) -> None:
    found = context.read(published(tmp_path), AS_OF, ["new", "ann", "cleo"])
    assert found is not None
    figures = found.at([NIGHT])[0]
    assert np.isnan(figures[0]).all()
    np.testing.assert_array_equal(figures[[2, 1]], FIGURES[0, :2])


def test_nothing_counts_until_it_is_published(tmp_path: Path) -> None:
    context.write(tmp_path, AS_OF, "one", NIGHT, AGENTS, WORDS)
    assert context.read(tmp_path, AS_OF, WORDS) is None
    context.publish(tmp_path, AS_OF, "never written")
    assert context.read(tmp_path, AS_OF, WORDS) is None


def test_the_run_that_was_published_last_counts(tmp_path: Path) -> None:
    published(tmp_path)
    published(tmp_path, "two", Agents((NIGHT,), FIGURES * 2))
    found = context.read(tmp_path, AS_OF, WORDS)
    assert found is not None
    np.testing.assert_array_equal(found.at([NIGHT]), FIGURES * 2)


def test_a_run_without_an_erased_person_has_the_context_of_the_run_it_was(tmp_path: Path) -> None:
    context.write(tmp_path, AS_OF, "one", NIGHT, AGENTS, WORDS)
    context.publish(tmp_path, AS_OF, "one.e2")
    assert context.read(tmp_path, AS_OF, WORDS) is not None


def test_the_same_figures_give_the_same_bytes_and_others_are_noticed(tmp_path: Path) -> None:
    published(tmp_path)
    assert not context.differs(tmp_path, AS_OF, NIGHT, AGENTS, WORDS)
    other = FIGURES.copy()
    other[0, 1, 2] += 1e-12
    assert context.differs(tmp_path, AS_OF, NIGHT, Agents((NIGHT,), other), WORDS)
    assert not context.differs(tmp_path, date(2026, 7, 2), NIGHT, AGENTS, WORDS)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    published(tmp_path)
    path = next(tmp_path.rglob("agents.parquet"))
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    with pytest.raises(BundleDamaged, match="is not what the run one wrote"):
        context.read(tmp_path, AS_OF, WORDS)


def test_a_company_without_agents_publishes_an_empty_table(tmp_path: Path) -> None:
    context.write(tmp_path, AS_OF, "one", NIGHT, Agents(), [])
    context.publish(tmp_path, AS_OF, "one")
    found = context.read(tmp_path, AS_OF, WORDS)
    assert found is not None
    assert np.isnan(found.at([NIGHT])).all()


def test_a_night_goes_with_all_its_runs(tmp_path: Path) -> None:
    published(published(tmp_path), "two")
    context.remove(tmp_path, f"as_of={AS_OF}")
    assert list(tmp_path.iterdir()) == []
    context.remove(tmp_path, f"as_of={AS_OF}")
