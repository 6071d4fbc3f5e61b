"""The night on one machine, the list on another: two homes that share nothing but URLs."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.history.store import History
from tests.functional.conftest import Command, Folder
from tests.functional.test_path import LIST, NIGHT, configure, worklist
from tests.s3 import ENVIRONMENT, S3, running

PLACES = ("history", "scores", "models")


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with running(tmp_path_factory.mktemp("s3") / "log") as server:
            yield server


@pytest.fixture(params=["file", "s3"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """An empty place for each of the three."""
    if request.param == "file":
        for name in PLACES:
            (tmp_path / "mount" / name).mkdir(parents=True)
        return {name: (tmp_path / "mount" / name).as_uri() for name in PLACES}
    server: S3 = request.getfixturevalue("s3")
    bucket = server.bucket("company")
    return {name: server.url(f"{bucket}/{tmp_path.name}/{name}") for name in PLACES}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A source to write files into."""
    return Folder(tmp_path / "source")


def store(home: Path, urls: dict[str, str]) -> None:
    """Write the URLs into the home's configuration."""
    lines = "".join(f'{name} = "{url}"\n' for name, url in urls.items())
    config = home / "warmline.toml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[storage]\n", f"[storage]\n{lines}"), encoding="utf-8")


@pytest.mark.parametrize("urls", ["s3"], indirect=True)  # files are those of the other tests
def test_a_home_that_shares_only_urls_with_the_night_makes_the_same_list(
    demo_made: Path, tmp_path: Path, urls: dict[str, str]
) -> None:
    night = Command(tmp_path / "night")
    shutil.copytree(demo_made / "home", night.home)
    store(night.home, urls)
    configure(night.home, tmp_path)
    done = night("nightly", "--as-of", str(NIGHT))
    assert done.code == 0, done.stderr

    desk = Command(tmp_path / "desk")
    assert desk("init").code == 0
    # The key draws the control group: the two homes of one company have the same.
    for name in ("warmline.toml", "secret.key"):
        shutil.copy(night.home / name, desk.home / name)
    done = desk("plan")
    assert done.code == 0, done.stderr
    for name in ("worklist.csv", "worklist.parquet"):
        assert (desk.home / LIST / name).read_bytes() == (night.home / LIST / name).read_bytes()
    first = worklist(desk.home)[0]["customer_id"]
    told, known = (each("explain", first, json=False) for each in (desk, night))
    assert told.code == 0, told.stderr
    assert told.stdout == known.stdout
    assert not (desk.home / "mlflow.db").exists()
    assert by_url(desk, "model") == "the same here and there"
    assert by_url(desk, "scores") == f"of {NIGHT}, the same here and there"
    shutil.rmtree(desk.home / "mirrors")  # as if restored without them
    (desk.home / "scores" / f"as_of={NIGHT}" / "current").unlink()
    assert by_url(desk, "scores").startswith(f"of {NIGHT}, newer there")


def test_an_ingest_sends_what_is_new_and_a_second_home_goes_on_from_there(
    tmp_path: Path, folder: Folder, urls: dict[str, str]
) -> None:
    ours, theirs = (Command(tmp_path / name) for name in ("ours", "theirs"))
    for command in (ours, theirs):
        assert command("init").code == 0
        store(command.home, urls)
    assert by_url(ours, "history") == "nothing here or there yet"
    done = ours("ingest", folder.good().path, "--verbose")
    assert done.code == 0, done.stderr
    assert "published the history by URL" in done.stderr
    assert by_url(ours, "history") == "the same here and there"
    assert by_url(theirs, "history").startswith("newer there")
    folder.write(
        "interactions.csv",
        "interaction_id,customer_id,occurred_at,kind",
        "2,acme,2026-01-06T10:00:00Z,order",
    )
    done = theirs("ingest", folder.path)
    assert done.code == 0, done.stderr
    assert ours("ingest", folder.path).facts["changed"] is False
    histories = [History.open(each.home / "history") for each in (ours, theirs)]
    assert [history.rows for history in histories] == [2, 2]
    assert [history.generation for history in histories] == [2, 2]


def test_a_dry_run_publishes_nothing(tmp_path: Path, folder: Folder, urls: dict[str, str]) -> None:
    home = Command(tmp_path / "ours")
    assert home("init").code == 0
    store(home.home, urls)
    assert home("ingest", folder.good().path, "--dry-run").code == 0
    assert home("ingest", folder.path).facts["generation"] == 1


def test_a_wrong_bucket_is_one_line_and_changes_nothing(
    tmp_path: Path, folder: Folder, s3: S3
) -> None:
    refused(tmp_path, folder, s3.url("s3://no-such-bucket/x"), "There is no bucket or container")


def test_a_wrong_key_is_one_line_without_the_key_and_changes_nothing(
    tmp_path: Path, folder: Folder
) -> None:
    # Asks who calls, once the bucket is made: a look and a call.
    with running(tmp_path / "log", INITIAL_NO_AUTH_ACTION_COUNT="2") as server:
        server.bucket("company")
        refused(
            tmp_path, folder, server.url("s3://company/x", "AKIAGEHEIM:geheim@"), "The credentials"
        )


def by_url(command: Command, what: str) -> str:
    """What the doctor says of one URL."""
    findings = {found["name"]: found for found in command("doctor").facts["findings"]}
    assert findings["urls"]["ok"], findings["urls"]
    told: dict[str, str] = dict(
        one.split(" ", 1) for one in findings["urls"]["words"].removeprefix("by URL: ").split("; ")
    )
    return told[what]


def refused(tmp_path: Path, folder: Folder, url: str, words: str) -> None:
    home = Command(tmp_path / "ours")
    assert home("init").code == 0
    store(home.home, {"history": url})
    done = home("ingest", folder.good().path, json=False)
    assert done.code == 1
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    told = done.stderr + home("ingest", folder.path, "--verbose").stderr
    doctor = home("doctor", json=False).stdout
    assert words in doctor
    told += doctor
    assert "geheim" not in told.lower()
    assert not (home.home / "history" / "CURRENT").exists()


def test_the_demo_leaves_a_companys_urls_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Command(tmp_path / "ours")
    monkeypatch.setenv("WARMLINE_STORAGE__HISTORY", (tmp_path / "mount").as_uri())
    done = home("demo")
    assert done.code == 1
    assert "[storage]" in done.stderr
    assert not (tmp_path / "mount").exists()
