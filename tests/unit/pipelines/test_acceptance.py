"""A held-back batch goes out by a person's word for each failed check, and the word is kept."""

import json
from datetime import UTC, date, datetime

import pytest

from models.batch import BatchWriter, ScoreBatch
from models.errors import RefusedToPublish, WarmlineError, WrongUsage
from models.home import create
from pipelines.acceptance import accept, accepted
from pipelines.nightly import Step, go_on, nightly

AS_OF = date(2026, 7, 1)
NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
FAILED = {"stopped:desk/message_in", "volume"}


@pytest.fixture
def home(tmp_path):
    return create(tmp_path)[0]


def batch(home, run="one", failed=FAILED, scored_at="2026-07-01T03:00:00+00:00"):
    """A finished batch that is not published."""
    checks = [{"name": name, "ok": False, "words": "measured"} for name in sorted(failed)]
    checks.append({"name": "freshness", "ok": True, "words": "fresh"})
    facts = dict.fromkeys(("feature_names", "code_version", "model_version", "watermarks"), "x")
    with BatchWriter(home.scores, AS_OF, run) as writer:
        writer.finish({**facts, "checks": checks, "scored_at": scored_at})


def let_through(home, *checks, reason="the desk is closed for a holiday"):
    return accept(home, as_of=AS_OF, checks=checks, reason=reason, by="ada", at=NOW)


def audit(home):
    text = (home.root / "audit" / "publish.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_with_every_failed_check_named_the_batch_is_published_and_the_word_kept(home):
    batch(home)
    manifest = (home.scores / f"as_of={AS_OF}" / "run=one" / "manifest.json").read_bytes()
    let_through(home, *FAILED)
    published = ScoreBatch.open(home.scores, AS_OF)
    assert published.run == "one"
    assert accepted(published)
    assert (published.path / "manifest.json").read_bytes() == manifest
    (line,) = audit(home)
    assert line == {
        "as_of": "2026-07-01",
        "run": "one",
        "checks": sorted(FAILED),
        "reason": "the desk is closed for a holiday",
        "by": "ada",
        "at": NOW.isoformat(),
    }
    beside = published.path.with_name("accepted-one.json")
    assert json.loads(beside.read_bytes()) == line


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        (["volume"], "stopped:desk/message_in failed too"),
        ([*FAILED, "freshness"], "freshness did not fail"),
        (["nonsense"], "nonsense did not fail"),
        ([], "failed too"),
    ],
)
def test_other_names_are_refused_with_those_that_failed(home, checks, said):
    batch(home)
    with pytest.raises(WrongUsage) as refused:
        let_through(home, *checks)
    assert said in str(refused.value)
    for name in FAILED:
        assert f"  {name}: measured" in str(refused.value)
    assert not (home.root / "audit").exists()
    with pytest.raises(WarmlineError):
        ScoreBatch.open(home.scores, AS_OF)


def test_a_reason_must_be_given(home):
    batch(home)
    with pytest.raises(WrongUsage, match="say why"):
        let_through(home, *FAILED, reason="  ")


def test_nothing_held_back_is_nothing_to_accept(home):
    with pytest.raises(WarmlineError, match="no batch of 2026-07-01"):
        let_through(home, "volume")
    batch(home, failed=())
    with pytest.raises(WarmlineError, match="nothing to accept"):
        let_through(home, "volume")


def test_the_newest_batch_is_the_one_in_question(home):
    batch(home, run="z", scored_at="2026-07-01T03:00:00+00:00")
    batch(home, run="a", failed={"volume"}, scored_at="2026-07-01T05:00:00+00:00")
    assert let_through(home, "volume").run == "a"


def test_a_word_that_was_cut_off_is_ended_by_the_same_again_and_kept_once(home):
    batch(home)
    let_through(home, *FAILED)
    (home.scores / f"as_of={AS_OF}" / "current").unlink()  # as if killed before the last step
    let_through(home, *FAILED, reason="again")
    assert ScoreBatch.open(home.scores, AS_OF).run == "one"
    assert [line["reason"] for line in audit(home)] == ["the desk is closed for a holiday"]


def test_the_night_goes_on_behind_its_scoring(home):
    ran = []

    def step(name, error=None):
        def work(night):
            ran.append((name, night.run))
            if error:
                raise error
            return {"did": name}

        return Step(name, work)

    with pytest.raises(RefusedToPublish):
        nightly(
            home, [step("ingest"), step("score", RefusedToPublish("held"))], as_of=AS_OF, now=NOW
        )
    run = ran[0][1]
    go_on(home, as_of=AS_OF, run=run, started=NOW, facts={"run": run})
    go_on(home, as_of=AS_OF, run=run, started=NOW, facts={"run": run})
    night = nightly(
        home, [step("ingest"), step("score"), step("plan")], as_of=AS_OF, now=NOW.replace(hour=9)
    )
    assert [name for name, _ in ran] == ["ingest", "score", "plan"]
    assert night.finished
    assert night.run == run
