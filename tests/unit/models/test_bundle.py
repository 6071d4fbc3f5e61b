from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.bundle import Bundle, champion, export, fingerprint, has_champion, load, save
from models.churn import Dataset
from models.errors import BundleDamaged, FeatureMismatch, SchemaTooNew, WarmlineError
from models.home import Home


@pytest.fixture
def folder(tmp_path: Path, bundle: Bundle) -> Path:
    save(tmp_path / "bundle", bundle)
    return tmp_path / "bundle"


def test_what_is_loaded_equals_what_was_saved(folder: Path, bundle: Bundle, data: Dataset):
    loaded = load(folder, expect=fingerprint(data.features))
    assert loaded == bundle
    assert np.array_equal(loaded.model.predict(data.X), bundle.model.predict(data.X))


def test_the_same_bundle_gives_the_same_bytes(folder: Path, tmp_path: Path, bundle: Bundle):
    save(tmp_path / "again", load(folder))
    for file in folder.iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


@pytest.mark.parametrize("name", ["model.txt", "bundle.json"])
def test_one_changed_byte_is_refused(folder: Path, name: str):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(BundleDamaged, match=f"{name} is not the file that was written"):
        load(folder)


@pytest.mark.parametrize("name", ["model.txt", "bundle.json", "manifest.json"])
def test_a_missing_file_is_refused(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(BundleDamaged, match=name):
        load(folder)


def test_a_newer_format_is_refused_with_what_to_do(folder: Path):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": 2}))
    with pytest.raises(SchemaTooNew, match="Install that version"):
        load(folder)


def test_other_features_are_refused_but_other_words_are_not(folder: Path, data: Dataset):
    first, *rest = data.features
    reworded = (replace(first, says="put otherwise"), *rest)
    load(folder, expect=fingerprint(reworded))
    with pytest.raises(FeatureMismatch, match="warmline train"):
        load(folder, expect=fingerprint((replace(first, window_days=7), *rest)))


def test_a_bundle_is_never_written_over_another(folder: Path, bundle: Bundle):
    with pytest.raises(WarmlineError, match="written once"):
        save(folder, bundle)


def test_a_home_without_a_champion_says_how_to_get_one(tmp_path: Path):
    with pytest.raises(WarmlineError, match="warmline train"):
        champion(Home(tmp_path))


def test_a_new_champion_takes_over_in_one_step(tmp_path: Path, bundle: Bundle):
    home = Home(tmp_path)
    for version in ("1", "2", "3", "4", "5"):
        now = replace(bundle, facts=replace(bundle.facts, model_version=version))
        export(now, home)
        assert has_champion(home)
        assert champion(home) == now
    assert len([path for path in home.champion.iterdir() if path.is_dir()]) == 3


def test_an_export_that_was_killed_half_way_is_finished_by_the_next(tmp_path: Path, bundle: Bundle):
    home = Home(tmp_path)
    place = export(bundle, home)
    (place / "manifest.json").unlink()
    export(bundle, home)
    assert champion(home) == bundle


def test_scoring_and_explaining_need_no_training_library(tmp_path: Path, bundle: Bundle):
    home = Home(tmp_path)
    export(bundle, home)
    script = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from models.bundle import champion\n"
        "from models.explain import reasons\n"
        "from models.home import Home\n"
        f"model = champion(Home(Path({str(tmp_path)!r}))).model\n"
        f"X = np.ones((3, {len(bundle.model.features)}))\n"
        "model.predict(X); reasons(model, X)\n"
        "print({'lightgbm', 'sklearn', 'mlflow', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
    shutil.rmtree(home.champion)
