"""Every model ever trained, in MLflow: SQLite in the home, no server, no network.

The night does not need it: what it scores with is the champion's bundle (`models.bundle`).
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models import groups
from models.alone import LeftAlone, Treated
from models.bundle import Bundle, load, save
from models.contracts import DAY
from models.errors import WarmlineError
from models.evaluate import Report, Verdict
from models.metrics import Metrics
from models.provenance import Provenance

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from models.home import Home

NAME = "warmline-churn"  # of the experiment and of the registered model
ALIAS = "champion"
STORE, ARTIFACTS, LOCK = "mlflow.db", "mlartifacts", ".mlflow.lock"
JUDGED = "judged"  # the folder of the bundle that was judged
# Where MLflow keeps full paths (3.17): they are wrong once a home was moved or restored.
_PLACES = (
    ("experiments", "artifact_location"), ("runs", "artifact_uri"), ("model_versions", "source"),
    ("model_versions", "storage_location"), ("logged_models", "artifact_location"),
)  # fmt: skip
# Given, because working them out takes MLflow 16 s (and a network, for some).
REQUIREMENTS = ["lightgbm"]


@dataclass(frozen=True)
class HeldOut:
    """The rows that the model was judged on, for pictures, all [n]."""

    y: NDArray[np.bool_]
    probability: NDArray[np.float64]
    value: NDArray[np.float64]  # of the customer, over the months at stake; NaN: unknown


@dataclass(frozen=True)
class Trial:
    """A trained model with all that is known of it, ready to be logged."""

    bundle: Bundle  # its `model_version` is filled in by `log`
    judged: Bundle  # what the report is about: the same, or before it learned from all nights
    report: Report
    verdict: Verdict
    held_out: HeldOut
    population: str  # who was scored and what counts as leaving, in words
    treated: Treated  # of the rows that the bundle has learned from
    parameters: Mapping[str, Any]
    provenance: Provenance


def log(home: Home, trial: Trial) -> Bundle:
    """Log the trial; its bundle, now with the version that MLflow gave it.

    With it lie parameters, metrics, plots, the model card, the native booster with its signature
    and the bundle. Takes seconds. Promotes nothing.
    """
    client, experiment = opened(home)
    run = client.create_run(experiment)
    identity = run.info.run_id
    try:
        bundle = _write(client, identity, run.info.artifact_uri, trial)
    except BaseException:
        client.set_terminated(identity, "FAILED")
        raise
    client.set_terminated(identity)
    return bundle


def promote(home: Home, version: str) -> None:
    """Point the alias `champion` at `version`."""
    client, _ = opened(home)
    client.set_registered_model_alias(NAME, ALIAS, version)


def require(home: Home, version: str) -> None:
    """Raises `WarmlineError` where the registry does not hold `version`."""
    from mlflow.exceptions import MlflowException

    try:
        if (home.root / STORE).exists():
            opened(home)[0].get_model_version(NAME, version)
            return
    except MlflowException:
        pass
    raise WarmlineError(
        f"The registry of {home.root} holds no model {version}: it is changed where it was "
        "trained, and other machines get the champion by URL. Nothing was changed."
    )


def champion_version(home: Home) -> str | None:
    """The version that the alias points at, or None."""
    if not (home.root / STORE).exists():
        return None
    client, _ = opened(home)
    version = client.get_registered_model(NAME).aliases.get(ALIAS)
    return None if version is None else str(version)


def registered(home: Home, version: str, *, expect: str | None = None) -> Bundle:
    """The model that MLflow numbered `version`, champion or not.

    From the champions kept in the home, else from MLflow's artifacts. Raises `WarmlineError` where
    it is in neither, and as `bundle.load` does, `expect` included.
    """
    for folder in home.champion.glob(f"v{version}-*"):
        return load(folder, expect=expect)
    from mlflow.exceptions import MlflowException

    try:
        return _downloaded(home, version, "bundle", expect)
    except MlflowException as error:
        raise WarmlineError(
            f"The model {version} is not in {home.root} any more ({error.error_code}): restore "
            f"{STORE} and {ARTIFACTS} from a copy. `warmline model list` shows which there are."
        ) from error


def judged(home: Home, version: str) -> Bundle | None:
    """The model that the report of `version` is about: it has learned from the training nights
    only. None where the registry holds none, as on a machine that got the champion by URL."""
    if not (home.root / STORE).exists():
        return None
    from mlflow.exceptions import MlflowException

    try:
        return _downloaded(home, version, JUDGED, None)
    except (MlflowException, OSError):
        return None


def _downloaded(home: Home, version: str, artifact: str, expect: str | None) -> Bundle:
    client, _ = opened(home)
    run = str(client.get_model_version(NAME, version).run_id)
    with tempfile.TemporaryDirectory() as place:
        return load(Path(client.download_artifacts(run, artifact, place)), expect=expect)


def _write(client: MlflowClient, run: str, artifacts: str, trial: Trial) -> Bundle:
    from models.card import card
    from models.plots import draw, draw_effects

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        _save_booster(folder / "model", trial.bundle)
        client.log_artifacts(run, place)
        version = client.create_model_version(NAME, f"{artifacts}/model", run).version
        facts = replace(trial.bundle.facts, model_version=str(version))
        bundle = replace(trial.bundle, facts=facts)
        population = f"{trial.population} {trial.treated.words}"
        text = card(bundle, trial.report, trial.verdict, population, trial.provenance)
        client.log_text(run, text, "model_card.md")
        client.update_model_version(NAME, str(version), text)
        plots, held = folder / "more" / "plots", trial.held_out
        plots.mkdir(parents=True)
        draw(plots, held.y, held.probability, held.value)
        draw_effects(plots / "effects.png", trial.report.effects)
        save(folder / "more" / "bundle", bundle)
        judged_facts = replace(trial.judged.facts, model_version=str(version))
        save(folder / "more" / JUDGED, replace(trial.judged, facts=judged_facts))
        client.log_artifacts(run, str(folder / "more"))
    client.log_dict(run, trial.report.to_dict(), "report.json")
    client.log_text(run, groups.csv(trial.report.groups), "tables/groups.csv")
    _log_figures(client, run, bundle, trial)
    return bundle


def _save_booster(folder: Path, bundle: Bundle) -> None:
    """The trees as MLflow's LightGBM flavour: native text, which loads with pickle disallowed."""
    import mlflow.lightgbm
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema

    from models.boosting import booster_of

    names = [feature.name for feature in bundle.model.features]
    signature = ModelSignature(
        Schema([ColSpec(DataType.double, name) for name in names]),
        Schema([ColSpec(DataType.double)]),
    )
    mlflow.lightgbm.save_model(
        booster_of(bundle.model.trees),
        str(folder),
        signature=signature,
        pip_requirements=REQUIREMENTS,
    )


def _log_figures(client: MlflowClient, run: str, bundle: Bundle, trial: Trial) -> None:
    from mlflow.entities import Metric, Param, RunTag

    facts = {
        **trial.parameters,
        **asdict(trial.provenance),
        "contacted_within": trial.treated.within,
        "contacted_lately": trial.treated.lately,
        "left_alone_most": trial.treated.most,
        "blend": bundle.model.blend,
        "trees": bundle.model.trees.count("\nTree="),
        "features": len(bundle.model.features),
        "horizon_days": bundle.model.horizon_days,
        "trained_from": bundle.facts.trained_from,
        "trained_to": bundle.facts.trained_to,
        "protocol": trial.report.protocol,
    }
    tags = {
        "model_version": bundle.facts.model_version,
        "code_version": bundle.facts.code_version,
        "feature_fingerprint": bundle.fingerprint,
        "grade": trial.report.grade,
        "verdict": "; ".join(trial.verdict.reasons),
    }
    made = _milliseconds(datetime.fromisoformat(bundle.facts.created_at))
    metrics = [Metric(name, value, made, 0) for name, value in _figures(trial.report)]
    for name, value, at in _by_night(trial.report):
        metrics.append(Metric(name, value, at * 1000, at // DAY))  # a step is a day since 1970
    client.log_batch(
        run,
        metrics=metrics,
        params=[Param(name, str(value)) for name, value in facts.items()],
        tags=[RunTag(name, value) for name, value in tags.items()],
    )


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _by_night(report: Report) -> Iterator[tuple[str, float, int]]:
    """Name, value and instant of what is told of each night that was judged."""
    for night in report.ageing.nights if report.ageing else ():
        yield "night.auc", night.auc.value, night.as_of
        yield "night.off", night.calibration.value, night.as_of
        yield "night.left", night.leavers / night.rows, night.as_of


def _figures(report: Report) -> Iterator[tuple[str, float]]:
    for quality in (report.model, *report.baselines):
        for who in ("all", "silent", "vocal"):
            yield from _named(f"{quality.name.replace(' ', '_')}.{who}", getattr(quality, who))
    if report.model.auc is not None:
        yield "model.all.auc_low", report.model.auc.low
        yield "model.all.auc_high", report.model.auc.high
    for point in report.gain:
        yield f"model.found_in_{point.contacted:.0%}".replace("%", "_percent"), point.found
    if report.alone is not None:
        yield from _named("model.left_alone", report.alone)
    for one in report.timing.horizons if report.timing else ():
        yield f"model.within_{one.days}_days.said", one.said
        if one.bins:
            yield f"model.within_{one.days}_days.intervals_held", one.held / one.bins
        yield from _named(f"model.within_{one.days}_days", one.metrics)
    renewing = report.renewing
    if renewing is not None and renewing.metrics is not None and renewing.said is not None:
        yield "model.not_renewed.said", renewing.said
        yield from _named("model.not_renewed", renewing.metrics)
    if report.profit is not None:
        yield "model.expected_maximum_profit", report.profit.by_stake.profit
        yield "model.contact_share", report.profit.by_stake.share


def _named(name: str, figures: Metrics | LeftAlone) -> Iterator[tuple[str, float]]:
    """Each figure that is known under `name.MEASURE`."""
    for measure, value in vars(figures).items():
        if value is not None:
            yield f"{name}.{measure}", float(value)


def opened(home: Home) -> tuple[MlflowClient, str]:
    """A client of the home's store, made whole at first use, and the id of our experiment.

    MLflow makes a new store's tables without a lock, and of several processes that do so at once
    only one survives: so all open it one after the other.
    """
    _quiet()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    uri = f"sqlite:///{(home.root / STORE).resolve()}"
    with _locked(home.root / LOCK):
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        known = client.get_experiment_by_name(NAME)
        place = (home.root / ARTIFACTS).resolve().as_uri()
        if known and known.artifact_location != place:
            _move(home.root / STORE, known.artifact_location, place)
        experiment = known.experiment_id if known else client.create_experiment(NAME, place)
        try:
            client.get_registered_model(NAME)
        except MlflowException:
            client.create_registered_model(NAME)
    return client, experiment


def _move(store: Path, old: str, new: str) -> None:
    """What lay under `old` lies under `new`."""
    with closing(sqlite3.connect(store, timeout=60)) as database, database:
        for table, column in _PLACES:
            database.execute(
                f"UPDATE {table} SET {column} = ? || substr({column}, ?)"  # noqa: S608
                f" WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
            )


def _quiet() -> None:
    """No word to the network or the terminal, before MLflow is imported and decides otherwise."""
    for variable in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ.setdefault(variable, "true")
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "ERROR")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
