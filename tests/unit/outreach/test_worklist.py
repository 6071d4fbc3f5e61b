from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from company import Company, planned, reason, score

from models.contracts import WORKLIST_COLUMNS
from models.settings import Plan
from outreach import plan as plans
from outreach import worklist
from outreach.plan import PlanResult


def cells(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def plan_of(scores: Path, *names: str) -> PlanResult:
    rows = [score(name, reasons=[reason("late, twice"), reason("silent")]) for name in names]
    return planned(scores, rows, settings=Plan(control_share=0.5))


def test_it_publishes_the_list_twice_and_the_assignments(tmp_path: Path) -> None:
    result = plan_of(tmp_path / "scores", "acme", "bolt")
    folder = plans.write(result, tmp_path)
    assert folder == tmp_path / "worklists" / "as_of=2026-07-01"
    assert sorted(path.name for path in folder.iterdir()) == [
        "origin.json", "worklist.csv", "worklist.parquet",
    ]  # fmt: skip
    assert worklist.Origin.read(tmp_path, result.as_of) == result.origin
    assert worklist.read(tmp_path, result.as_of).equals(result.rows)
    assert (tmp_path / "assignments" / "as_of=2026-07-01" / "assignments.parquet").exists()


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    for run in ("1", "2"):
        plans.write(plan_of(tmp_path / run / "scores", "acme", "bolt"), tmp_path / run / "home")
    files = [path for path in (tmp_path / "1/home").rglob("*") if path.is_file()]
    assert len(files) == 5
    for path in files:
        assert (
            path.read_bytes()
            == (tmp_path / "2/home" / path.relative_to(tmp_path / "1/home")).read_bytes()
        )


def test_what_cannot_be_written_leaves_the_former_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans.write(plan_of(tmp_path / "1", "acme"), tmp_path / "home")
    before = {path: path.read_bytes() for path in (tmp_path / "home").rglob("*.*")}

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    for write in "outreach.worklist._cells", "pyarrow.parquet.ParquetWriter.write_table":
        second = plan_of(tmp_path / write, "acme")
        with monkeypatch.context() as patch:
            patch.setattr(write, full)
            with pytest.raises(OSError, match="No space"):
                plans.write(second, tmp_path / "home")
        assert {path: path.read_bytes() for path in (tmp_path / "home").rglob("*.*")} == before


def test_the_csv_reads_as_a_person_would_write_it(tmp_path: Path) -> None:
    company = Company(["acme"], owners_of={"acme": "ines"})
    rows = [score("acme", 0.5, reasons=[reason("late, twice"), reason('"odd"')], silent=None)]
    path = tmp_path / "list.csv"
    worklist.to_csv(planned(tmp_path / "s", rows, company).rows, path)
    (found,) = cells(path)
    assert tuple(found) == WORKLIST_COLUMNS
    assert found["reasons"] == 'late, twice; "odd"'
    assert found["due_at"] == "2026-07-01T17:00:00Z"
    assert (found["value_at_risk"], found["churn_probability"]) == ("500", "0.5")
    assert (found["silent"], found["contact_id"], found["hold_reasons"]) == ("", "", "")


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", '=HYPERLINK("http://x","y")']


@pytest.mark.parametrize("evil", FORMULAS)
def test_no_cell_can_run_as_a_formula(tmp_path: Path, evil: str) -> None:
    company = Company([evil], owners_of={evil: evil})
    path = tmp_path / "list.csv"
    worklist.to_csv(
        planned(tmp_path / "s", [score(evil, reasons=[reason(evil)])], company).rows, path
    )
    (found,) = cells(path)
    assert found["customer_id"] == found["owner_id"] == found["reasons"] == f"'{evil}"
    assert found["value_at_risk"] == "800"


@pytest.mark.parametrize("plain", ["a=b", "1-2", "Zoë, Ltd", "x@y", "'quoted"])
def test_a_harmless_text_stays_what_it_is(tmp_path: Path, plain: str) -> None:
    path = tmp_path / "list.csv"
    worklist.to_csv(planned(tmp_path / "s", [score(plain)]).rows, path)
    assert cells(path)[0]["customer_id"] == plain


def test_every_decision_is_kept_with_all_that_it_was_taken_from(tmp_path: Path) -> None:
    rows = [{"customer_id": name, "decision": "hold", "hold_reasons": ["a", "b"],
             "policy_version": "2-abc"} for name in ("acme", "bolt")]  # fmt: skip
    log = [{"decision_id": f"d-{row['customer_id']}", "arm": "outside"} for row in rows]
    kept = [{"unit": "house", "held_by": ["open_case", "harm"], "fingerprint": "f"} for _ in rows]
    worklist.publish(
        tmp_path,
        date(2026, 7, 1),
        pa.Table.from_pylist(rows, worklist.worklist_schema()),
        pa.Table.from_pylist(log, worklist.assignments_schema()),
        pa.Table.from_pylist(kept, worklist.record_schema()),
        worklist.Origin("a", datetime(2026, 7, 1, tzinfo=UTC)),
    )
    (path,) = tmp_path.glob("assignments/as_of=2026-07-01/decisions-*.parquet")
    assert path.name == "decisions-2-abc.parquet"
    found = pq.read_table(path, partitioning=None).to_pylist()
    assert [(one["customer_id"], one["decision_id"], one["held_by"]) for one in found] == [
        ("acme", "d-acme", ["open_case", "harm"]),
        ("bolt", "d-bolt", ["open_case", "harm"]),
    ]
