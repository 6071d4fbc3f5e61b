"""The configuration is read once, strictly, and its file says what the defaults are."""

import re
import tomllib
from pathlib import Path

import pytest

from models.errors import SchemaTooNew, WrongUsage
from models.home import TEMPLATE, create
from models.settings import Settings, load


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create(tmp_path)
    return tmp_path


def write(home: Path, text: str) -> None:
    (home / "warmline.toml").write_text(text, encoding="utf-8")


def test_the_file_that_init_writes_means_the_defaults(home):
    assert load(home, {}) == Settings()


def test_every_default_in_the_file_is_the_one_in_the_code():
    text = TEMPLATE.read_text(encoding="utf-8")
    text = re.sub(r"^# (\[\[ingest.*|path = .*|mapping = .*|name = .*)\n", "", text, flags=re.M)
    shown = tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", text, flags=re.M))
    real = Settings().model_dump(mode="json")
    real["ingest"].pop("sources")  # shown as an example block
    real["spark"] = {name: real["spark"][name] for name in ("master", "remote", "config")}
    assert shown == real


def test_the_environment_overrides_the_file(home, monkeypatch):
    write(home, "[training]\nhorizon_days = 30\nsnapshots = 4")
    monkeypatch.setenv("WARMLINE_TRAINING__HORIZON_DAYS", "45")
    training = load(home, {"WARMLINE_TRAINING__HORIZON_DAYS": "45"}).training
    assert (training.horizon_days, training.snapshots) == (45, 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[trainin]\nx = 1", "unknown key `trainin`. The nearest known one is `training`."),
        (
            "[training]\nhorizon = 3",
            "unknown key `training.horizon`. The nearest known one is `training.horizon_days`.",
        ),
        ("horizon_days = 3", "The nearest known one is `training.horizon_days`."),
        ('timezone = "Europe/Berln"', "Did you mean 'Europe/Berlin'?"),
        ("[training]\nhorizon_days = 0", "`training.horizon_days` is 0"),
        ("x = [", "is not valid TOML"),
        ("[promises.by_channel]\ncarrier_pigeon = 1", "carrier_pigeon"),
    ],
)
def test_a_wrong_file_is_refused_with_what_to_write_instead(home, text, said):
    write(home, text)
    with pytest.raises(WrongUsage) as refused:
        load(home, {})
    assert said in str(refused.value)
    assert refused.value.exit_code == 2


def test_an_unknown_variable_is_refused_with_the_nearest_known_one(home):
    with pytest.raises(WrongUsage, match="`WARMLINE_TRAINING__HORIZON_DAYS`"):
        load(home, {"WARMLINE_TRAINING__HORIZN_DAYS": "3"})


def test_a_home_of_a_newer_version_is_refused(home):
    write(home, "format = 2")
    with pytest.raises(SchemaTooNew, match="newer Warmline"):
        load(home, {})


def test_making_a_home_twice_leaves_the_first_configuration(home):
    write(home, 'currency = "USD"')
    _, made = create(home)
    assert not made
    assert load(home, {}).currency == "USD"


def test_a_home_that_is_made_is_its_owners_alone_and_one_that_stood_stays_as_open(tmp_path):
    made, _ = create(tmp_path / "new" / "home")
    assert made.root.stat().st_mode & 0o777 == 0o700
    assert made.config.stat().st_mode & 0o777 == 0o600
    stood = tmp_path / "stood"
    stood.mkdir(mode=0o750)
    there, _ = create(stood)
    assert stood.stat().st_mode & 0o777 == 0o750
    assert there.config.stat().st_mode & 0o777 == 0o600  # passwords may stand in it


def test_a_configuration_that_was_opened_to_others_stays_so(home):
    (home / "warmline.toml").chmod(0o640)
    create(home)
    assert (home / "warmline.toml").stat().st_mode & 0o777 == 0o640
