"""Whom nobody may contact, as the endpoint reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from models import contactability
from models.contactability import BEAT, FOLDER, SILENT, Contactability, MayContact

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)


def row(customer_id: str, reason: str, at: datetime = NOW, **scope: str | None) -> dict[str, Any]:
    """A closure as a delta has it."""
    return {
        "customer_id": customer_id, "channel": scope.get("channel"),
        "purpose": scope.get("purpose"), "may_contact": False, "reasons": [reason],
        "at": at.isoformat(),
    }  # fmt: skip


def snapshot(root: Path, *rows: dict[str, Any], at: datetime = NOW) -> None:
    typed = [{**one, "at": datetime.fromisoformat(one["at"])} for one in rows]
    table = pa.Table.from_pylist(typed, schema=contactability.schema())
    contactability.publish(root, table, taken_at=at, now=at)


def of(reader: Contactability, customer_id: str, at: datetime = NOW, **scope: Any) -> MayContact:
    asked = {"channel": "email", "purpose": "service"} | scope
    return reader.of(customer_id, **asked, now=at)


def test_every_blocking_reason_is_told_by_channel_and_purpose(tmp_path: Path) -> None:
    snapshot(tmp_path, row("acme", "refused", channel="email"), row("acme", "open case"),
             row("bolt", "refused", purpose="survey"))  # fmt: skip
    reader = Contactability(tmp_path)
    assert of(reader, "acme") == MayContact("no", ("refused", "open case"))
    assert of(reader, "acme", channel="phone") == MayContact("no", ("open case",))
    assert of(reader, "bolt") == MayContact("yes")
    assert of(reader, "bolt", channel=None, purpose=None) == MayContact("no", ("refused",))
    assert of(reader, "calm") == MayContact("yes")


def test_a_closure_counts_as_soon_as_it_is_written(tmp_path: Path) -> None:
    snapshot(tmp_path)
    reader = Contactability(tmp_path)
    assert of(reader, "acme").state == "yes"
    for n in range(3):
        at = NOW + timedelta(seconds=n)
        contactability.add(tmp_path, [row(f"c{n}", "unsubscribed", at)], now=at)
        assert of(reader, f"c{n}") == MayContact("no", ("unsubscribed",))


def test_a_snapshot_opens_what_was_closed_before_it_and_keeps_what_was_closed_after(
    tmp_path: Path,
) -> None:
    snapshot(tmp_path)
    reader = Contactability(tmp_path)
    early, late = NOW + timedelta(seconds=1), NOW + timedelta(seconds=3)
    contactability.add(tmp_path, [row("acme", "contacted", early)], now=early)
    contactability.add(tmp_path, [row("bolt", "refused", late)], now=late)
    assert {of(reader, who).state for who in ("acme", "bolt")} == {"no"}
    snapshot(tmp_path, at=NOW + timedelta(seconds=2))
    assert [of(reader, who).state for who in ("acme", "bolt")] == ["yes", "no"]
    snapshot(tmp_path, at=NOW + timedelta(days=9))
    assert list((tmp_path / FOLDER).glob("delta-*")) == []


def test_without_a_beat_nobody_knows(tmp_path: Path) -> None:
    reader = Contactability(tmp_path)
    assert of(reader, "acme") == MayContact("unknown", ("outreach has published nothing yet",))
    snapshot(tmp_path)
    assert of(reader, "acme", NOW + SILENT).state == "yes"
    late = NOW + SILENT + timedelta(seconds=1)
    assert of(reader, "acme", late) == MayContact(
        "unknown", ("outreach was last heard of: 61 s ago",)
    )
    contactability.Heart(tmp_path).beat(late)
    assert of(reader, "acme", late).state == "yes"


def test_a_heart_beats_no_more_often_than_it_must(tmp_path: Path) -> None:
    heart = contactability.Heart(tmp_path)
    beats = set()
    for seconds in range(0, 60, 5):
        heart.beat(NOW + timedelta(seconds=seconds))
        beats.add((tmp_path / FOLDER / "heartbeat").read_text(encoding="utf-8"))
    assert len(beats) == 60 / (BEAT.total_seconds() / 2)


def test_a_heart_beats_in_the_background(tmp_path: Path) -> None:
    with contactability.beating(tmp_path, lambda: NOW):
        pass
    assert Contactability(tmp_path).age(NOW) == timedelta()


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_a_line_that_is_still_being_written_waits(tmp_path: Path, cut: int) -> None:
    snapshot(tmp_path)
    contactability.add(tmp_path, [row("acme", "refused")], now=NOW)
    (path,) = (tmp_path / FOLDER).glob("delta-*")
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    reader = Contactability(tmp_path)
    assert of(reader, "acme").state == "yes"
    path.write_bytes(whole)
    assert of(reader, "acme").state == "no"


def test_who_is_erased_stands_in_no_file(tmp_path: Path) -> None:
    snapshot(tmp_path, row("acme", "refused"), row("bolt", "refused"))
    contactability.add(tmp_path, [row("acme", "x"), row("calm", "x")], now=NOW)
    for _ in range(2):
        contactability.leave_out(tmp_path, ["acme", "old"])
    content = b"".join(path.read_bytes() for path in (tmp_path / FOLDER).iterdir())
    assert b"acme" not in content
    reader = Contactability(tmp_path)
    assert [of(reader, who).state for who in ("acme", "bolt", "calm")] == ["yes", "no", "no"]
