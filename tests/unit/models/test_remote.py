"""A folder and its copy by URL: on a mounted disk, and on a real S3 server where one is set up."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from models.batch import BatchWriter, ScoreBatch, publish
from models.errors import BundleDamaged, Busy, WarmlineError
from models.generation import Layout, Needed
from models.home import create
from models.mirror import Mirror, Transfer
from models.remote import Remote
from models.settings import Settings, Storage
from models.storage import pull_scores, push_scores
from tests.s3 import ENVIRONMENT, running
from tests.unit.models.test_batch import FACTS, rows

NOW = datetime.now(UTC)  # a store stamps what it holds by its own clock
LAYOUT = Layout(
    name="the shop",
    pointer="CURRENT",
    word=re.compile(r"manifest-\d+\.json"),
    manifest=lambda word: word,
    files=lambda word, manifest: [Needed(*each) for each in json.loads(manifest)],
    ours=re.compile(r"g\d+|manifest-\d+\.json"),
)


@dataclass(frozen=True)
class Shop:
    """A home with one folder, `shop/`, and its copy at `url`."""

    home: Path
    url: str

    @property
    def folder(self) -> Path:
        return self.home / "shop"

    @property
    def mirror(self) -> Mirror:
        record = self.home / "mirrors" / "shop.json"
        return Mirror(LAYOUT, self.folder, Remote.open(self.url), record)

    def make(self, generation: int, **content: str) -> None:
        """A new generation: all of `content`, keys being paths with `__` for `/`."""
        files = []
        for name, words in content.items():
            path = self.folder / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(words)
            digest = hashlib.sha256(words.encode()).hexdigest()
            files.append((str(path.relative_to(self.folder)), digest, len(words)))
        manifest = self.folder / f"manifest-{generation}.json"
        manifest.write_text(json.dumps(files))
        (self.folder / "CURRENT").write_text(f"{manifest.name}\n")

    def read(self) -> dict[str, str]:
        """What the generation that counts holds, each file checked."""
        manifest = self.folder / (self.folder / "CURRENT").read_text().strip()
        found = {}
        for path, digest, _ in json.loads(manifest.read_text()):
            found[path] = (self.folder / path).read_text()
            assert hashlib.sha256(found[path].encode()).hexdigest() == digest
        return found

    def push(self, now: datetime = NOW, *, keep_former: bool = True) -> Transfer:
        return self.mirror.push(now=now, keep_former=keep_former)

    def elsewhere(self, name: str) -> "Shop":
        """Another home that knows the same URL."""
        return Shop(self.home.parent / name, self.url)


@pytest.fixture(scope="module")
def s3_urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Iterator[str]]:
    """New places on an S3 server."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        with running(tmp_path_factory.mktemp("s3") / "log") as server:
            bucket = server.bucket("company")
            yield (server.url(f"{bucket}/{number}/shop") for number in range(10_000))


@pytest.fixture(params=["file", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        return next(request.getfixturevalue("s3_urls"))
    (tmp_path / "mount").mkdir()
    return (tmp_path / "mount").as_uri()


@pytest.fixture
def mounted(tmp_path: Path) -> str:
    """A URL on a mounted disk, for what does not depend on the store."""
    (tmp_path / "mount").mkdir()
    return (tmp_path / "mount").as_uri()


def shop(tmp_path: Path, url: str) -> Shop:
    """A home with one published generation."""
    ours = Shop(tmp_path / "ours", url)
    ours.make(1, g1__bread="rye", g1__more__milk="oat")
    ours.push()
    return ours


OLD = {"g1/bread": "rye", "g1/more/milk": "oat"}
NEW = {"g1/bread": "rye", "g2/milk": "soy", "g2/more/tea": "black"}


def test_a_home_elsewhere_gets_what_was_published(tmp_path: Path, url: str) -> None:
    shop(tmp_path, url)
    theirs = Shop(tmp_path / "theirs", url)
    theirs.mirror.pull()
    assert theirs.read() == OLD


def test_only_what_is_missing_goes_over_the_wire(tmp_path: Path, url: str) -> None:
    ours = shop(tmp_path, url)
    theirs = ours.elsewhere("theirs")
    theirs.mirror.pull()
    ours.make(2, g1__bread="rye", g2__milk="soy", g2__more__tea="black")
    manifest = len((ours.folder / "manifest-2.json").read_bytes())
    # Two new files, the manifest and the pointer; "soy", "black", and "manifest-2.json\n".
    moved = Transfer(files=4, bytes=3 + 5 + manifest + 16)
    assert ours.push() == moved
    assert theirs.mirror.pull() == moved
    assert theirs.read() == NEW
    assert ours.push() == theirs.mirror.pull() == Transfer()


def test_of_old_generations_the_one_before_stays_and_what_is_not_ours(
    tmp_path: Path, url: str
) -> None:
    ours = shop(tmp_path, url)
    ours.mirror.remote.put("holiday.jpg", b"not ours")
    ours.make(2, g2__bread="rye")
    ours.push()
    ours.make(3, g3__bread="spelt")
    ours.push()
    assert set(ours.mirror.remote.entries()) == {
        "CURRENT", "manifest-2.json", "manifest-3.json", "g2/bread", "g3/bread", "holiday.jpg",
    }  # fmt: skip


def test_an_erasure_leaves_nothing_of_the_generation_before(tmp_path: Path, url: str) -> None:
    ours = shop(tmp_path, url)
    ours.make(2, g2__bread="rye")
    ours.push(keep_former=False)
    assert set(ours.mirror.remote.entries()) == {"CURRENT", "manifest-2.json", "g2/bread"}


KILLED = """
import os, signal, sys
from pathlib import Path
from datetime import UTC, datetime
from models.remote import Remote
from tests.unit.models.test_remote import Shop

left = int(sys.argv[4])

def until_killed(work):
    def call(*arguments):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return work(*arguments)
    return call

for name in ("put", "send", "fetch", "remove", "remove_folder"):
    setattr(Remote, name, until_killed(getattr(Remote, name)))
mirror = Shop(Path(sys.argv[1]), sys.argv[2]).mirror
mirror.push(now=datetime.now(UTC)) if sys.argv[3] == "push" else mirror.pull()
"""


def killed(home: Shop, what: str, after: int) -> bool:
    """Has a process push or pull, killed after so many files; whether it came to that."""
    command = [sys.executable, "-c", KILLED, str(home.home), home.url, what, str(after)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -9), done.stderr
    return done.returncode == -9


# Two claims, two files, manifest, pointer; then sweeping and giving the claim back.
@pytest.mark.parametrize("after", range(8))
def test_a_push_killed_at_any_file_shows_the_old_or_the_new_and_is_completed(
    tmp_path: Path, url: str, after: int
) -> None:
    ours = shop(tmp_path, url)
    ours.make(2, g1__bread="rye", g2__milk="soy", g2__more__tea="black")
    was_killed = killed(ours, "push", after)
    assert was_killed == (after < 7)
    theirs = ours.elsewhere("theirs")
    theirs.mirror.pull()
    assert theirs.read() == (OLD if after < 6 else NEW)
    ours.push()
    theirs.mirror.pull()
    assert theirs.read() == NEW
    assert not [name for name in ours.mirror.remote.entries() if name.startswith(".")]


def test_a_killed_push_goes_on_where_it_was(tmp_path: Path, url: str) -> None:
    ours = shop(tmp_path, url)
    ours.make(2, **{f"g2__{number}": "x" * 1000 for number in range(20)})
    assert killed(ours, "push", 19)  # two claims, 17 files; up to 8 of them on their way
    assert ours.push().files <= 2 + 3 + 8


@pytest.mark.parametrize("after", range(3))
def test_a_pull_killed_at_any_file_leaves_the_old_and_is_completed(
    tmp_path: Path, url: str, after: int
) -> None:
    ours = shop(tmp_path, url)
    theirs = ours.elsewhere("theirs")
    theirs.mirror.pull()
    ours.make(2, g1__bread="rye", g2__milk="soy", g2__more__tea="black")
    ours.push()
    assert killed(theirs, "pull", after) == (after < 2)
    assert theirs.read() == (OLD if after < 2 else NEW)
    theirs.mirror.pull()
    assert theirs.read() == NEW


def test_a_pull_killed_between_its_pointer_and_its_note_is_no_change_of_ones_own(
    tmp_path: Path, mounted: str
) -> None:
    ours = shop(tmp_path, mounted)
    theirs = ours.elsewhere("theirs")
    theirs.mirror.pull()
    ours.make(2, g2__bread="rye")
    ours.push()
    before = theirs.mirror.record.read_bytes()
    theirs.mirror.pull()
    note = json.loads(theirs.mirror.record.read_bytes())
    coming = json.loads(before) | {"coming": note["mark"]}
    theirs.mirror.record.write_text(json.dumps(coming))
    ours.make(3, g3__bread="spelt")
    ours.push()
    theirs.mirror.pull()
    assert theirs.read() == {"g3/bread": "spelt"}


def test_of_two_homes_that_write_the_second_is_refused(tmp_path: Path, url: str) -> None:
    ours = shop(tmp_path, url)
    theirs = ours.elsewhere("theirs")
    theirs.mirror.pull()
    theirs.make(2, g2__bread="theirs")
    ours.make(2, g2__bread="ours")
    theirs.push()
    before = ours.mirror.remote.entries()
    for work in (ours.push, ours.mirror.pull):
        with pytest.raises(WarmlineError, match=r"Another home has published.*Nothing was overwr"):
            work()
    assert ours.mirror.remote.entries() == before
    shutil.rmtree(ours.folder)  # what the message says
    ours.mirror.pull()
    assert ours.read() == {"g2/bread": "theirs"}


def test_a_reader_that_pushes_what_it_read_changes_nothing(tmp_path: Path, mounted: str) -> None:
    ours = shop(tmp_path, mounted)
    theirs = ours.elsewhere("theirs")
    theirs.mirror.pull()
    ours.make(2, g2__bread="rye")
    ours.push()
    assert theirs.push() == Transfer()
    theirs.mirror.pull()
    assert theirs.read() == {"g2/bread": "rye"}


def test_while_another_home_pushes_one_waits_and_an_hour_after_its_death_one_does_not(
    tmp_path: Path, url: str
) -> None:
    ours = shop(tmp_path, url)
    theirs = ours.elsewhere("theirs")
    theirs.mirror.pull()
    # The dead push leaves files of our own names and sizes behind.
    theirs.make(2, g2__bread="theirs", g2__milk="soy")
    assert killed(theirs, "push", 5)
    ours.make(2, g2__bread="our's!", g2__milk="oat")
    with pytest.raises(Busy, match="Another home is publishing"):
        ours.push(datetime.now(UTC))
    ours.push(datetime.now(UTC) + timedelta(hours=2))
    with pytest.raises(WarmlineError, match="Another home has published"):
        theirs.push(datetime.now(UTC) + timedelta(hours=2))
    reader = ours.elsewhere("reader")
    reader.mirror.pull()
    assert reader.read() == {"g2/bread": "our's!", "g2/milk": "oat"}


def test_a_damaged_file_is_refused_and_the_old_stays(tmp_path: Path, url: str) -> None:
    ours = shop(tmp_path, url)
    theirs = ours.elsewhere("theirs")
    theirs.mirror.pull()
    ours.make(2, g2__bread="rye")
    ours.push()
    ours.mirror.remote.put("g2/bread", b"rue")
    with pytest.raises(BundleDamaged, match=r"g2/bread is not the file that was published"):
        theirs.mirror.pull()
    assert theirs.read() == OLD
    assert not [path for path in theirs.folder.rglob(".*") if path.is_file()]


def test_a_missing_file_is_told(tmp_path: Path, url: str) -> None:
    ours = shop(tmp_path, url)
    ours.mirror.remote.remove("g1/bread")
    with pytest.raises(WarmlineError, match="g1/bread is missing"):
        ours.elsewhere("theirs").mirror.pull()


@pytest.mark.parametrize(
    ("pointer", "manifest", "words"),
    [
        ("manifest-2.json", None, "there is no such generation"),
        ("../../etc/passwd", None, "there is no such generation"),
        ("", None, "there is no such generation"),
        ("manifest-2.json", b"[1", "cannot be read as a manifest"),
        ("manifest-2.json", b'[["../../outside", "", 1]]', "outside its folder"),
        ("manifest-2.json", b'[["/etc/outside", "", 1]]', "outside its folder"),
    ],
)
def test_what_no_home_of_ours_wrote_is_refused(
    tmp_path: Path, mounted: str, pointer: str, manifest: bytes | None, words: str
) -> None:
    ours = shop(tmp_path, mounted)
    if manifest:
        ours.mirror.remote.put("manifest-2.json", manifest)
    ours.mirror.remote.put("CURRENT", pointer.encode())
    theirs = ours.elsewhere("theirs")
    with pytest.raises(BundleDamaged, match=words):
        theirs.mirror.pull()
    assert not (theirs.folder / "CURRENT").exists()


def test_a_file_that_no_manifest_vouches_for_is_not_trusted(tmp_path: Path, mounted: str) -> None:
    ours = shop(tmp_path, mounted)
    theirs = ours.elsewhere("theirs")
    (theirs.folder / "g1").mkdir(parents=True)
    (theirs.folder / "g1" / "bread").write_text("???")
    theirs.mirror.pull()
    assert theirs.read() == OLD


def test_an_emptied_url_is_told_and_not_filled_in_silence(tmp_path: Path, url: str) -> None:
    ours = shop(tmp_path, url)
    ours.mirror.remote.remove("CURRENT")
    ours.make(2, g2__bread="rye")
    for work in (ours.mirror.pull, ours.push):
        with pytest.raises(WarmlineError, match="holds the shop no more"):
            work()
    ours.mirror.record.unlink()  # what the message says
    ours.push()
    assert set(ours.mirror.remote.entries()) == {"CURRENT", "manifest-2.json", "g2/bread"}


def test_another_url_is_filled_anew(tmp_path: Path, mounted: str) -> None:
    ours = shop(tmp_path, mounted)
    (tmp_path / "second").mkdir()
    moved = Shop(ours.home, (tmp_path / "second").as_uri())
    moved.mirror.pull()
    assert moved.push().files == 4


def test_nothing_published_anywhere_is_no_error(tmp_path: Path, url: str) -> None:
    ours = Shop(tmp_path / "ours", url)
    assert ours.mirror.pull() == ours.push() == Transfer()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3:/bucket", "Missing bucket name"),
        ("nonsense://key:geheim@bucket/x", "Unrecognized filesystem type"),
        ("/a/path?sig=geheim", "mount it or make it"),
        ("a/path?sig=geheim", "scheme"),
        ("s3://key:geheim@bucket/x?region=eu-1&token=geheim", "token"),
        ("s3://key:ge%68eim@bucket/x?region=eu-1&wrong=1", "wrong"),
        ("abfss://box:geheim@account.dfs.core.windows.net/x?wrong=geheim", "wrong"),
        ("file:///nowhere/at/all", "mount it or make it"),
    ],
)
def test_a_wrong_url_is_one_line_without_its_secrets(url: str, words: str) -> None:
    with pytest.raises(WarmlineError, match=words) as caught:
        Remote.open(url)
    told = str(caught.value)
    assert "\n" not in told
    assert "geheim" not in told
    assert "docs/guides/urls.md" in told
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://bucket/a/b", "s3://bucket/a/b"),
        ("s3://key:geheim@bucket/a/b/?region=eu-1", "s3://bucket/a/b"),
        ("gs://anonymous@bucket/a", "gs://bucket/a"),
        ("abfss://box:geheim@account.dfs.core.windows.net/a", "abfss://box@account.dfs.core.windows.net/a"),
        ("file:///mnt/share", "file:///mnt/share"),
    ],
)  # fmt: skip
def test_a_url_is_shown_as_its_address_alone(url: str, shown: str) -> None:
    from models.remote import _shown

    assert _shown(url) == shown


def test_scores_come_with_the_night_asked_for_and_the_one_before_it(
    tmp_path: Path, url: str
) -> None:
    settings = Settings(storage=Storage(scores=url))
    ours, _ = create(tmp_path / "ours")
    theirs, _ = create(tmp_path / "theirs")
    nights = [date(2026, 7, day) for day in (1, 2, 3, 4)]
    for night in nights:
        with BatchWriter(ours.scores, night, "a") as writer:
            writer.add(rows("acme", "bolt"))
            writer.finish(FACTS)
        publish(ours.scores, night, "a")
        push_scores(ours, settings, night, now=NOW)
    pull_scores(theirs, settings)
    assert [ScoreBatch.latest(theirs.scores).as_of] == nights[3:]
    assert len(list(theirs.scores.iterdir())) == 1
    pull_scores(theirs, settings, as_of=nights[2])
    for night in nights[1:]:
        ScoreBatch.open(theirs.scores, night).verify()
    assert not (theirs.scores / "as_of=2026-07-01").exists()


def test_a_finished_run_stays_at_the_url_when_a_later_one_counts(
    tmp_path: Path, mounted: str
) -> None:
    settings = Settings(storage=Storage(scores=mounted))
    home, _ = create(tmp_path / "ours")
    night = date(2026, 7, 1)
    for run in ("a", "b", "c"):
        with BatchWriter(home.scores, night, run) as writer:
            writer.finish(FACTS)
        publish(home.scores, night, run)
        push_scores(home, settings, night, now=NOW)
    kept = Remote.open(mounted).under(f"as_of={night}")
    assert sorted(kept.folders()) == ["run=a", "run=b", "run=c"]
    assert kept.read("current") == b"c\n"
