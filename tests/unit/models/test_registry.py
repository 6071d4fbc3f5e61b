from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import registry
from models.ageing import Ageing, ageing
from models.alone import Treated
from models.bundle import Bundle, load
from models.catalogue import described
from models.churn import Dataset
from models.drivers import drivers
from models.effects import effects
from models.errors import WarmlineError
from models.evaluate import evaluate, judge
from models.home import Home
from models.metrics import Metrics
from models.provenance import Provenance
from models.registry import HeldOut
from models.renewal import Renewing
from models.timing import AtHorizon, Timing

OPEN = "import sys; from pathlib import Path; from models.home import Home\n"
OPEN += "from models import registry; registry.opened(Home(Path(sys.argv[1])))"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def opened_at_once(home: Home) -> list[subprocess.CompletedProcess[str]]:
    """Four processes that are the first to open the store, all at the same time."""
    call = [sys.executable, "-c", OPEN, str(home.root)]
    running = [
        subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    return [subprocess.CompletedProcess(call, one.wait(), *one.communicate()) for one in running]


@pytest.fixture(scope="module")
def trial(bundle: Bundle, data: Dataset) -> registry.Trial:
    p = bundle.model.predict(data.X)
    report = evaluate(
        data.y,
        p,
        customer=data.customer,
        silent=data.silent,
        longest_silence=data.X[:, 2],
        base_rate=0.25,
    )
    return registry.Trial(
        bundle=bundle,
        judged=bundle,
        report=replace(
            report,
            ageing=aged(data, p),
            drivers=drivers(
                bundle.model, data.X, np.ones(len(p)), customer=data.customer, as_of=0, unit="EUR"
            ),
            effects=effects(bundle.model, data.X, customer=data.customer),
            timing=Timing((AtHorizon(30, 0.1, 0.2, Metrics.of(data.y, p / 2), 12, 15),)),
            renewing=Renewing("out of fold", 1000, 500, 0.12, Metrics.of(data.y, p)),
        ),
        verdict=judge(report),
        held_out=HeldOut(data.y, p, np.full(len(p), np.nan)),
        population="everyone with a contract.",
        treated=Treated(1000, 120, 30, 4.2),
        parameters={"seed": 1},
        provenance=Provenance.of(data, 3),
    )


def aged(data: Dataset, p: np.ndarray) -> Ageing:
    until = int(data.as_of.min()) - 90 * 86_400
    when = {"customer": data.customer, "as_of": data.as_of, "learned_until": until}
    return ageing(data.y, p, **when, older="the history is too short", draws=20)


@pytest.fixture(scope="module")
def logged(
    home: Home, trial: registry.Trial, opened_at_once: list[subprocess.CompletedProcess[str]]
) -> Bundle:
    return registry.log(home, trial)


def test_a_new_store_opened_by_four_processes_at_once_survives(
    opened_at_once: list[subprocess.CompletedProcess[str]],
):
    assert [(one.returncode, one.stdout, one.stderr) for one in opened_at_once] == [(0, "", "")] * 4


def test_logging_names_the_version_and_promotes_nothing(home: Home, logged: Bundle):
    assert logged.facts.model_version == "1"
    assert registry.champion_version(home) is None


def test_the_bundle_plots_and_card_lie_with_the_run(home: Home, logged: Bundle):
    (folder,) = (home.root / "mlartifacts").glob("*/artifacts")
    assert load(folder / "bundle") == logged
    assert {path.stem for path in (folder / "plots").iterdir()} == {
        "roc", "gain", "lift", "calibration", "profit", "effects",
    }  # fmt: skip
    card = (folder / "model_card.md").read_text()
    assert "120 of 1,000 rows (12.0%) were contacted within the horizon" in card
    for needed in ("everyone with a contract", "silent", "objected to profiling", "complaints_30"):
        assert needed in card
    assert not list(folder.rglob("*.pkl"))


def test_the_card_tells_for_whom_it_works_and_what_it_was_made_from(
    home: Home, logged: Bundle, trial: registry.Trial
):
    (folder,) = (home.root / "mlartifacts").glob("*/artifacts")
    card = (folder / "model_card.md").read_text()
    assert "| silence: silent |" in card
    assert "generation 3 of the history" in card
    assert trial.provenance.data_fingerprint[:12] in card
    assert "ageing: cannot tell yet: the history is too short" in card
    assert "S2, silence and fading use" in card
    assert "points: " in card
    for feature in logged.model.features:
        sentence = feature.says.split("|")[0]
        assert f"| {feature.name} | {feature.system} | {sentence} |" in card
    table = (folder / "tables" / "groups.csv").read_text().splitlines()
    assert table[0].startswith("kind,name,customers,rows,leavers,auc,auc_low,auc_high")
    assert len(table) == 1 + len(trial.report.groups)


def test_the_run_holds_provenance_and_each_nights_figures_under_its_date(
    home: Home, logged: Bundle, trial: registry.Trial, data: Dataset
):
    client, experiment = registry.opened(home)
    (run,) = client.search_runs([experiment], "attributes.status = 'FINISHED'")
    assert run.data.params["data_fingerprint"] == trial.provenance.data_fingerprint
    assert run.data.params["lock_hash"] == trial.provenance.lock_hash
    assert run.data.params["contacted_within"] == "120"
    told = client.get_metric_history(run.info.run_id, "night.auc")
    assert [one.timestamp for one in told] == [at * 1000 for at in np.unique(data.as_of).tolist()]
    assert trial.report.ageing is not None
    assert [one.value for one in told] == [night.auc.value for night in trial.report.ageing.nights]
    figures = run.data.metrics
    assert figures["model.found_in_10_percent"] == trial.report.gain[3].found
    assert figures["model.not_renewed.said"] == 0.12
    assert figures["model.not_renewed.auc"] == figures["model.all.auc"]
    assert figures["model.within_30_days.brier"] != figures["model.all.brier"]
    assert figures["model.within_30_days.intervals_held"] == 0.8


def test_the_alias_points_at_the_champion_which_loads_without_pickle(
    home: Home, logged: Bundle, data: Dataset, monkeypatch: pytest.MonkeyPatch
):
    registry.promote(home, logged.facts.model_version)
    assert registry.champion_version(home) == "1"
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home.root / 'mlflow.db'}")
    import mlflow

    loaded = mlflow.lightgbm.load_model("models:/warmline-churn@champion")
    theirs = loaded.predict(data.X, raw_score=True)
    assert np.array_equal(theirs, logged.model.forest.scores(data.X))


def test_a_failed_log_is_marked_as_failed(
    home: Home, trial: registry.Trial, logged: Bundle, monkeypatch: pytest.MonkeyPatch
):
    def full(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(registry, "save", full)
    with pytest.raises(OSError, match="full"):
        registry.log(home, trial)
    client, experiment = registry.opened(home)
    assert client.search_runs([experiment])[0].info.status == "FAILED"
    assert registry.champion_version(home) == "1"


def test_mlflow_is_told_to_keep_quiet(logged: Bundle):
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    from mlflow.telemetry.utils import is_telemetry_disabled

    assert is_telemetry_disabled()


def test_a_home_without_a_store_has_no_champion_and_gets_none(tmp_path: Path):
    assert registry.champion_version(Home(tmp_path)) is None
    assert not any(tmp_path.iterdir())


def test_any_version_can_be_had_again(home: Home, logged: Bundle, trial: registry.Trial) -> None:
    again = registry.registered(home, logged.facts.model_version)
    assert again.facts == logged.facts
    assert again.model.trees == trial.bundle.model.trees


def test_a_version_that_never_was_is_an_error_with_a_word(home: Home, logged: Bundle) -> None:
    with pytest.raises(WarmlineError, match="The model 99 is not in"):
        registry.registered(home, "99")


def test_a_home_that_was_copied_reads_and_writes_its_own_files(
    home: Home, logged: Bundle, trial: registry.Trial, tmp_path: Path
):
    before = sorted((home.root / "mlartifacts").rglob("*"))
    there = Home(tmp_path / "restored")
    shutil.copytree(home.root, there.root)
    client, experiment = registry.opened(there)
    ours = (there.root / "mlartifacts").as_uri()
    (run, *_) = client.search_runs([experiment], "attributes.status = 'FINISHED'")
    assert run.info.artifact_uri == f"{ours}/{run.info.run_id}/artifacts"
    version = client.get_model_version(registry.NAME, logged.facts.model_version)
    assert str(version.source).startswith(f"{ours}/")
    assert described(there, logged.facts.model_version)[0].startswith("# Churn model")
    many = len(list((there.root / "mlartifacts").glob("*/artifacts")))
    registry.log(there, trial)
    assert len(list((there.root / "mlartifacts").glob("*/artifacts"))) == many + 1
    assert sorted((home.root / "mlartifacts").rglob("*")) == before
