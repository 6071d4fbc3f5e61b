"""The model bundle: a folder that holds all that scoring needs, and no program text.

model.txt      the trees, in LightGBM's own text
bundle.json    everything else: features with their sentences, linear half, blend, calibration,
               bands, versions
training.json  how features and scores lay in training, where it is known
manifest.json  the SHA-256 of each, written last: without it there is no bundle

A home's champion lies in `champion/`: one folder a bundle, and `current`, the name of the one
that counts, replaced in one step.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.contracts import Feature
from models.errors import BundleDamaged, FeatureMismatch, SchemaTooNew, WarmlineError
from models.files import make_folder, sha256, sync_file, sync_folder, write_atomically

if TYPE_CHECKING:
    from models.churn import ChurnModel
    from models.drift import Distribution
    from models.home import Home
    from models.linear import Linear

FORMAT = 1  # raised when an older version can no longer read what this one writes
TREES, DESCRIPTION, MANIFEST, CURRENT = "model.txt", "bundle.json", "manifest.json", "current"
TRAINING = "training.json"
KEPT = 3  # champions kept in a home: the present one, and two to go back to by hand
_AGAIN = "Train again with `warmline train`, or restore the folder from a copy."


@dataclass(frozen=True)
class Facts:
    """Where a model comes from."""

    model_version: str  # as MLflow numbers it
    code_version: str
    created_at: str  # ISO 8601, UTC
    trained_from: str  # dates of the first and the last snapshot, ISO 8601
    trained_to: str
    rows: int
    leavers: int


@dataclass(frozen=True)
class Bundle:
    """A model and where it comes from."""

    model: ChurnModel
    facts: Facts
    training: Distribution | None = None  # None: made before it was kept

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.model.features)


def fingerprint(features: Sequence[Feature]) -> str:
    """What must be the same in code and bundle: names in order, statistics, windows and
    definitions (SHA-256).

    Sentences are left out: a better wording needs no new model.
    """
    identity = [
        [feature.name, feature.stat, feature.window_days, feature.definition]
        for feature in features
    ]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()


def save(folder: Path, bundle: Bundle) -> None:
    """Write the bundle into `folder`, which must be new or empty, manifest last.

    The same bundle gives the same bytes.
    """
    if folder.exists() and any(folder.iterdir()):
        raise WarmlineError(
            f"{folder} is not empty: a bundle is written once. Nothing was changed."
        )
    make_folder(folder)
    content = {TREES: bundle.model.trees, DESCRIPTION: _describe(bundle)}
    if bundle.training is not None:
        content[TRAINING] = json.dumps(bundle.training.to_dict(), allow_nan=False) + "\n"
    for name, text in content.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
        sync_file(folder / name)
    manifest = {"format": FORMAT, "files": {name: sha256(folder / name) for name in content}}
    write_atomically(folder / MANIFEST, _text(manifest).encode())


def load(folder: Path, *, expect: str | None = None) -> Bundle:
    """The bundle in `folder`. `expect`: the `fingerprint` of the features the code computes.

    Raises `BundleDamaged` where a file is missing or not what the manifest says, `SchemaTooNew`
    for a newer format and `FeatureMismatch` for other features.
    """
    manifest = _read(folder, MANIFEST)
    _check_format(folder, manifest)
    files = manifest.get("files")
    files = files if isinstance(files, dict) else {}
    for name in {TREES: 0, DESCRIPTION: 0, **files}:
        path, known = folder / name, files.get(name)
        if not path.is_file() or sha256(path) != known:
            raise BundleDamaged(
                f"{path} is not the file that was written (its checksum differs from "
                f"{MANIFEST}). {_AGAIN}"
            )
    try:
        bundle = _parse(_read(folder, DESCRIPTION), (folder / TREES).read_text(encoding="utf-8"))
        if TRAINING in files:
            from models.drift import Distribution

            bundle = replace(bundle, training=Distribution.from_dict(_read(folder, TRAINING)))
    except (KeyError, TypeError, ValueError) as error:
        raise BundleDamaged(
            f"{folder / DESCRIPTION} cannot be read ({error!r}). {_AGAIN}"
        ) from error
    if expect is not None and bundle.fingerprint != expect:
        raise FeatureMismatch(
            f"The model {bundle.facts.model_version} in {folder} was trained on other features "
            f"({len(bundle.model.features)}, by version {bundle.facts.code_version}) than this "
            "version computes. Train again with `warmline train`, or run the version that made it."
        )
    return bundle


def export(bundle: Bundle, home: Home) -> Path:
    """Make `bundle` the home's champion, in one step; the folder it now lies in.

    Whoever is reading the former champion goes on reading it.
    """
    folder = home.champion / f"v{bundle.facts.model_version}-{_digest(bundle)[:12]}"
    if not (folder / MANIFEST).exists():
        shutil.rmtree(folder, ignore_errors=True)  # what a killed export left
        save(folder, bundle)
        sync_folder(home.champion)
    write_atomically(home.champion / CURRENT, f"{folder.name}\n".encode())
    forget_old(home.champion, keep=folder)
    return folder


def has_champion(home: Home) -> bool:
    """Whether the home has a model to score with."""
    return (home.champion / CURRENT).exists()


def champion(home: Home, *, expect: str | None = None) -> Bundle:
    """The home's champion. Raises as `load`, and `WarmlineError` where there is none."""
    if not has_champion(home):
        raise WarmlineError(
            f"{home.root} has no model yet: run `warmline train --home {home.root}` first. "
            "A model that shows no skill is not promoted, and then there is none."
        )
    name = (home.champion / CURRENT).read_text(encoding="utf-8").strip()
    return load(home.champion / name, expect=expect)


def _describe(bundle: Bundle) -> str:
    model = bundle.model
    return _text(
        {
            "format": FORMAT,
            "facts": asdict(bundle.facts),
            "fingerprint": bundle.fingerprint,
            "features": [asdict(feature) for feature in model.features],
            "horizon_days": model.horizon_days,
            "linear": asdict(model.linear),
            "blend": model.blend,
            "calibration": asdict(model.calibration),
            "bands": asdict(model.bands),
            "base_rate": model.base_rate,
            "intervals": asdict(model.intervals) if model.intervals else None,
            "horizons": asdict(model.horizons) if model.horizons else None,
            "renewal": asdict(model.renewal) if model.renewal else None,
        }
    )


def _parse(read: dict[str, Any], trees: str) -> Bundle:
    from models.calibration import Calibration
    from models.churn import Bands, ChurnModel
    from models.horizons import Horizons
    from models.intervals import Intervals
    from models.renewal import Renewal

    # Absent from bundles of before they were learned.
    intervals, horizons, renewal = (read.get(one) for one in ("intervals", "horizons", "renewal"))
    model = ChurnModel(
        features=tuple(Feature(**feature) for feature in read["features"]),
        horizon_days=read["horizon_days"],
        trees=trees,
        linear=_linear(read["linear"]),
        blend=read["blend"],
        calibration=Calibration(**read["calibration"]),
        bands=Bands(**read["bands"]),
        base_rate=read["base_rate"],
        intervals=Intervals(**_tuples(intervals)) if intervals else None,
        horizons=horizons
        and Horizons(tuple(horizons["days"]), tuple(map(_linear, horizons["shares"]))),
        renewal=renewal
        and Renewal(_linear(renewal["lapse"]), tuple(renewal["columns"]), renewal["base_rate"]),
    )
    return Bundle(model, Facts(**read["facts"]))


def _linear(read: dict[str, Any]) -> Linear:
    from models.linear import Linear, Term

    return Linear(read["intercept"], tuple(Term(**_tuples(term)) for term in read["terms"]))


def _tuples(read: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in read.items()}


def _read(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BundleDamaged(
            f"{folder} is not a whole bundle: it has no {name}. {_AGAIN}"
        ) from error
    except ValueError as error:
        raise BundleDamaged(f"{path} is not valid JSON. {_AGAIN}") from error
    if not isinstance(content, dict):
        raise BundleDamaged(f"{path} does not hold what a bundle holds. {_AGAIN}")
    return content


def _check_format(folder: Path, manifest: dict[str, Any]) -> None:
    written = manifest.get("format")
    if not isinstance(written, int) or written < 1:
        raise BundleDamaged(f"{folder / MANIFEST} names no format. {_AGAIN}")
    if written > FORMAT:
        raise SchemaTooNew(
            f"{folder} was written by a newer Warmline (bundle format {written}, this version "
            f"reads {FORMAT}). Install that version, or train again with this one."
        )


def _digest(bundle: Bundle) -> str:
    return hashlib.sha256((_describe(bundle) + bundle.model.trees).encode()).hexdigest()


def forget_old(champions: Path, keep: Path) -> None:
    """Remove all but the newest `KEPT` bundles."""
    folders = sorted(
        (path for path in champions.iterdir() if path.is_dir() and path != keep),
        key=lambda path: path.stat().st_mtime_ns,
    )
    for folder in folders[: max(0, len(folders) - KEPT + 1)]:
        shutil.rmtree(folder, ignore_errors=True)


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n"
