"""What a model was made from can be named, and any change shows."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from models import provenance
from models.churn import Dataset


def test_the_same_rows_have_the_same_fingerprint_and_one_changed_value_another(data: Dataset):
    same = replace(data, X=data.X.copy(order="F"))
    assert provenance.fingerprint(same) == provenance.fingerprint(data)
    other = data.X.copy()
    other[7, 2] = np.nextafter(other[7, 2], np.inf)
    assert provenance.fingerprint(replace(data, X=other)) != provenance.fingerprint(data)
    columns = {
        "y": ~data.y,
        "customer": data.customer + 1,
        "as_of": data.as_of + 1,
        "leaves_in": np.where(data.y, 30.0, np.nan),
        "weight": np.ones(len(data)),
    }
    for name, column in columns.items():
        changed = provenance.fingerprint(replace(data, **{name: column}))
        assert changed != provenance.fingerprint(data), name


def test_what_became_of_yearly_contracts_counts_like_the_labels(data: Dataset):
    lapses = np.arange(len(data)) % 7 == 0
    found = {provenance.fingerprint(data, more) for more in ((), (lapses,), (~lapses,))}
    assert len(found) == 3


def test_renaming_a_feature_changes_it(data: Dataset):
    renamed = (replace(data.features[0], name="other"), *data.features[1:])
    changed = provenance.fingerprint(replace(data, features=renamed))
    assert changed != provenance.fingerprint(data)


def test_the_lock_file_is_hashed_where_there_is_one_and_else_what_is_installed(tmp_path: Path):
    lock = tmp_path / "uv.lock"
    lock.write_bytes(b"numpy 2.1")
    assert provenance.packages(lock) == (hashlib.sha256(b"numpy 2.1").hexdigest(), "uv.lock")
    found, what = provenance.packages(tmp_path / "none.lock")
    assert what == "installed packages"
    assert len(found) == 64
