from __future__ import annotations

import os
import signal
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from models import batch as batches
from models.batch import BatchWriter, ScoreBatch, latest, publish, sweep
from models.contracts import renewals_schema, score_schema
from models.errors import BundleDamaged, SchemaTooNew, WarmlineError
from tests.dying import Dying

NIGHT = date(2026, 7, 1)
FACTS: dict[str, Any] = {
    "feature_names": ["tenure_days"],
    "code_version": "0.1.0",
    "model_version": "7",
    "watermarks": {"crm": datetime(2026, 6, 30, tzinfo=UTC)},
    "checks": [{"name": "volume", "ok": True}],
}


def rows(*customers: str, probability: float = 0.5) -> pa.Table:
    """A part with one row a customer; what a test does not look at is null."""
    instant = datetime(2026, 7, 1, tzinfo=UTC)
    facts = {"as_of": instant, "churn_probability": probability, "band": "high"}
    return pa.Table.from_pylist(
        [{"customer_id": customer, **facts} for customer in customers], schema=score_schema()
    )


def written(scores: Path, run: str, *parts: pa.Table, night: date = NIGHT) -> None:
    with BatchWriter(scores, night, run) as writer:
        for part in parts or (rows("acme", "bolt"), rows("calm")):
            writer.add(part)
        writer.not_scored(["gone"], ["the relationship has ended"])
        writer.finish(FACTS)


def published(scores: Path, run: str, *parts: pa.Table, night: date = NIGHT) -> ScoreBatch:
    written(scores, run, *parts, night=night)
    return publish(scores, night, run)


def customers(batch: ScoreBatch) -> list[str]:
    ids: list[str] = batch.table(["customer_id"])["customer_id"].to_pylist()
    return ids


def test_what_was_written_is_read_back_in_its_order(tmp_path: Path) -> None:
    published(tmp_path, "a")
    batch = ScoreBatch.open(tmp_path, NIGHT)
    assert (batch.as_of, batch.run, batch.manifest.rows) == (NIGHT, "a", 3)
    assert batch.table().equals(pa.concat_tables([rows("acme", "bolt"), rows("calm")]))
    assert batch.not_scored().to_pylist() == [
        {"customer_id": "gone", "why": "the relationship has ended"}
    ]
    assert batch.manifest.facts["watermarks"] == {"crm": "2026-06-30T00:00:00+00:00"}
    batch.verify()


def test_renewals_lie_beside_the_scores_and_are_verified(tmp_path: Path) -> None:
    assert published(tmp_path, "a").renewals() is None
    due = {
        "customer_id": "bolt",
        "renewal_at": datetime(2027, 3, 1, tzinfo=UTC),
        "non_renewal_probability": 0.25,
    }
    with BatchWriter(tmp_path, NIGHT, "b") as writer:
        writer.renewing(pa.Table.from_pylist([due], schema=renewals_schema()))
        writer.add(rows("acme", "bolt"))
        writer.finish(FACTS)
    batch = publish(tmp_path, NIGHT, "b")
    told = batch.renewals()
    assert told is not None
    assert told.to_pylist() == [due]
    (answer,) = batch.answers().find(["bolt"])
    assert b'"non_renewal_probability":0.25' in (answer or b"")
    (batch.path / "renewals.parquet").write_bytes(b"")
    with pytest.raises(BundleDamaged, match=r"renewals\.parquet"):
        batch.verify()


def test_a_reader_may_ask_for_some_columns_and_some_rows(tmp_path: Path) -> None:
    batch = published(tmp_path, "a", rows("acme", probability=0.9), rows("bolt", probability=0.1))
    risky = batch.table(["customer_id"], where=pc.field("churn_probability") > 0.5)
    assert risky.to_pydict() == {"customer_id": ["acme"]}


def test_a_night_with_nobody_to_score_is_a_batch_too(tmp_path: Path) -> None:
    batch = published(tmp_path, "a", score_schema().empty_table())
    assert batch.table().num_rows == 0
    assert batch.table().schema.equals(score_schema())


def test_the_same_rows_run_and_facts_give_the_same_bytes(tmp_path: Path) -> None:
    together = rows("acme", "bolt")
    apart = pa.concat_tables([rows("acme"), rows("bolt")]).replace_schema_metadata({"by": "test"})
    first, second = tmp_path / "1", tmp_path / "2"
    published(first, "a", together)
    published(second, "a", apart)
    for path in sorted(first.rglob("*.*")):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes()


def test_it_refuses_other_columns_than_the_contracts(tmp_path: Path) -> None:
    wrong = rows("acme").drop_columns(["band"]).append_column("segment", pa.array(["smb"]))
    said = "band: missing, not string; segment: string, not a column"
    with BatchWriter(tmp_path, NIGHT, "a") as writer, pytest.raises(ValueError, match=said):
        writer.add(wrong)


def test_it_refuses_a_manifest_without_its_facts(tmp_path: Path) -> None:
    with (
        BatchWriter(tmp_path, NIGHT, "a") as writer,
        pytest.raises(ValueError, match="checks, code_version"),
    ):
        writer.finish({"feature_names": [], "model_version": "1", "watermarks": {}})


def test_a_run_left_without_finish_leaves_nothing(tmp_path: Path) -> None:
    def interrupted() -> None:
        with BatchWriter(tmp_path, NIGHT, "a") as writer:
            writer.add(rows("acme"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.rglob("*.parquet")) == []


def test_a_finished_run_does_not_count_before_it_is_published(tmp_path: Path) -> None:
    written(tmp_path, "a")
    with pytest.raises(WarmlineError, match="warmline score --as-of 2026-07-01"):
        ScoreBatch.open(tmp_path, NIGHT)
    assert latest(tmp_path) is None
    assert ScoreBatch.open(tmp_path, NIGHT, run="a").run == "a"


def test_a_finished_run_never_changes(tmp_path: Path) -> None:
    published(tmp_path, "a")
    with pytest.raises(WarmlineError, match="never changes"):
        BatchWriter(tmp_path, NIGHT, "a")


def test_a_later_run_of_the_night_takes_over_and_the_former_stays_readable(tmp_path: Path) -> None:
    published(tmp_path, "a", rows("acme"))
    published(tmp_path, "b", rows("bolt"))
    assert customers(ScoreBatch.open(tmp_path, NIGHT)) == ["bolt"]
    assert customers(ScoreBatch.open(tmp_path, NIGHT, run="a")) == ["acme"]


def test_publishing_again_is_harmless(tmp_path: Path) -> None:
    published(tmp_path, "a")
    assert publish(tmp_path, NIGHT, "a").run == "a"


@pytest.mark.parametrize("run", ["never", "../elsewhere"])
def test_a_run_that_was_never_finished_is_not_published(tmp_path: Path, run: str) -> None:
    published(tmp_path, "a")
    with pytest.raises(WarmlineError, match="never finished"):
        publish(tmp_path, NIGHT, run)
    assert ScoreBatch.open(tmp_path, NIGHT).run == "a"


def test_a_run_must_name_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="names a folder"):
        BatchWriter(tmp_path, NIGHT, "../elsewhere")


def test_latest_is_the_newest_published_night(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        published(tmp_path, "a", night=date(2026, 7, day))
    written(tmp_path, "a", night=date(2026, 7, 4))
    assert ScoreBatch.latest(tmp_path).as_of == date(2026, 7, 3)
    assert ScoreBatch.latest(tmp_path, before=date(2026, 7, 3)).as_of == date(2026, 7, 2)
    with pytest.raises(WarmlineError, match=r"before 2026-07-01.*warmline score"):
        ScoreBatch.latest(tmp_path, before=NIGHT)


@pytest.mark.parametrize("name", ["part-00001.parquet", "not_scored.parquet"])
def test_a_tampered_file_is_found_and_never_published(tmp_path: Path, name: str) -> None:
    published(tmp_path, "a")
    written(tmp_path, "b")
    path = batches.run_folder(tmp_path, NIGHT, "b") / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleDamaged, match=name):
        ScoreBatch.open(tmp_path, NIGHT, run="b").verify()
    with pytest.raises(BundleDamaged, match=name):
        publish(tmp_path, NIGHT, "b")
    assert ScoreBatch.open(tmp_path, NIGHT).run == "a"


def test_a_missing_part_is_found(tmp_path: Path) -> None:
    batch = published(tmp_path, "a")
    (batch.path / "part-00000.parquet").unlink()
    with pytest.raises(BundleDamaged, match="part-00000"):
        batch.verify()


def test_a_newer_versions_scores_are_refused(tmp_path: Path) -> None:
    manifest = published(tmp_path, "a").path / batches.MANIFEST
    manifest.write_text(manifest.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(SchemaTooNew, match="newer Warmline"):
        ScoreBatch.open(tmp_path, NIGHT)


@pytest.mark.parametrize("text", ["", "{}", '{"schema_version": "x"}', "\x00"])
def test_a_damaged_manifest_says_so(tmp_path: Path, text: str) -> None:
    (published(tmp_path, "a").path / batches.MANIFEST).write_text(text)
    with pytest.raises(BundleDamaged, match=r"manifest\.json"):
        ScoreBatch.open(tmp_path, NIGHT)


def score_until(scores: Path, last_step: int) -> int:
    """Scores and publishes the run "b"; killed before the disk sees its step `last_step`.

    Returns how many steps it took.
    """
    dying = Dying(last_step)
    with dying.before((os, "open"), (os, "fsync"), (Path, "mkdir"), (Path, "replace")):
        written(scores, "b", rows("bolt"))
        publish(scores, NIGHT, "b")
    return dying.steps


def killed_at(scores: Path, step: int) -> bool:
    """Runs it in a process of its own; whether that was killed."""
    child = os.fork()
    if child == 0:
        score_until(scores, step)
        os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL


def test_killed_before_any_step_the_former_stands_and_the_run_can_be_repeated(
    tmp_path: Path,
) -> None:
    published(tmp_path / "whole", "a", rows("acme"))
    steps = score_until(tmp_path / "whole", -1)
    assert steps > 10
    for step in range(steps):
        scores = tmp_path / str(step)
        published(scores, "a", rows("acme"))
        assert killed_at(scores, step)
        batch = ScoreBatch.open(scores, NIGHT)
        batch.verify()
        # The last two steps, opening and syncing the folder, come after the swap.
        assert customers(batch) == (["acme"] if step < steps - 2 else ["bolt"])
        if not (batches.run_folder(scores, NIGHT, "b") / batches.MANIFEST).exists():
            written(scores, "b", rows("bolt"))
        assert customers(publish(scores, NIGHT, "b")) == ["bolt"]


def test_sweep_takes_dead_runs_and_nothing_else(tmp_path: Path) -> None:
    def unfinished(run: str, second: int) -> Path:
        folder = batches.run_folder(tmp_path, NIGHT, run)
        folder.mkdir(parents=True)
        part = folder / "part-00000.parquet"
        part.write_bytes(b"half")
        for path in (part, folder):
            os.utime(path, (second, second))
        return folder

    def finished(run: str, second: int) -> Path:
        written(tmp_path, run)
        folder = batches.run_folder(tmp_path, NIGHT, run)
        os.utime(folder / batches.MANIFEST, (second, second))
        return folder

    dead, alive = unfinished("dead", 50), unfinished("alive", 200)
    old, new = finished("old", 10), finished("new", 100)
    assert sweep(tmp_path) == [dead]
    assert not dead.exists()
    assert all(folder.exists() for folder in (alive, old, new))


def test_sweep_without_a_finished_run_leaves_everything(tmp_path: Path) -> None:
    batches.run_folder(tmp_path, NIGHT, "a").mkdir(parents=True)
    assert sweep(tmp_path) == []
    assert sweep(tmp_path / "nowhere") == []
