"""Keys: made, shown once, kept as hashes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from models import keys
from models.errors import WarmlineError, WrongUsage
from models.keys import Allowance, Keyring

NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)


def test_only_a_hash_is_kept(tmp_path: Path) -> None:
    key, text = keys.create(tmp_path, name="crm", scopes=("score",), now=NOW)
    file = tmp_path / keys.FILE
    assert text.removeprefix(f"wl_{key.id}_") not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    found = Keyring(tmp_path).find(text, 0.0)
    assert found == key
    assert found.may("score")
    assert not found.may("read")


def test_a_running_endpoint_sees_a_change_at_once(tmp_path: Path) -> None:
    ring = Keyring(tmp_path)
    assert ring.find("wl_nothing", 0.0) is None
    key, text = keys.create(tmp_path, name="crm", scopes=("admin",), now=NOW)
    found = ring.find(text, 0.0)
    assert found is not None
    assert found.may("work")
    keys.revoke(tmp_path, key.id, now=NOW)
    assert ring.find(text, 0.0) is None


def test_when_a_key_was_last_used_is_told(tmp_path: Path) -> None:
    key, text = keys.create(tmp_path, name="crm", scopes=("score",), now=NOW)
    assert keys.last_used(tmp_path) == {}
    Keyring(tmp_path).find(text[:-1] + ("a" if text[-1] != "a" else "b"), 0.0)
    assert keys.last_used(tmp_path) == {}
    Keyring(tmp_path).find(text, 0.0)
    assert list(keys.last_used(tmp_path)) == [key.id]


def test_wrong_scopes_and_unknown_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match="known are score"):
        keys.create(tmp_path, name="crm", scopes=("scores",), now=NOW)
    with pytest.raises(WrongUsage, match="needs a scope"):
        keys.create(tmp_path, name="crm", scopes=(), now=NOW)
    with pytest.raises(WarmlineError, match="no key 'abc'"):
        keys.revoke(tmp_path, "abc", now=NOW)


def test_an_allowance_fills_again_with_time() -> None:
    allowance = Allowance(60)  # one a second, thirty at once
    assert [allowance.take(0.0) for _ in range(30)] == [0.0] * 30
    assert allowance.take(0.0) == pytest.approx(1.0)
    assert allowance.take(1.0) == 0.0
    assert allowance.take(1.5) == pytest.approx(0.5)
