"""A held-back batch goes out by a person's word for each failed check, and the word is kept."""

import json
from datetime import UTC, date, datetime

import pytest

from models.batch import BatchWriter, ScoreBatch
from models.errors import RefusedToPublish, WarmlineError, WrongUsage
from models.home import create
from pipelines.acceptance import accept, let_through
from pipelines.nightly import Step, go_on, nightly

AS_OF = date(2026, 7, 1)
NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
FAILED = {"stopped:desk/message_in", "volume"}


@pytest.fixture
def home(tmp_path):
    return create(tmp_path)[0]


def batch(home, run="one", failed=FAILED, scored_at="2026-07-01T03:00:00+00:00", as_of=AS_OF):
    """A finished batch that is not published."""
    checks = [{"name": name, "ok": False, "words": "measured"} for name in sorted(failed)]
    checks.append({"name": "freshness", "ok": True, "words": "fresh"})
    facts = dict.fromkeys(("feature_names", "code_version", "model_version", "watermarks"), "x")
    with BatchWriter(home.scores, as_of, run) as writer:
        writer.finish({**facts, "checks": checks, "scored_at": scored_at})
    return ScoreBatch.open(home.scores, as_of, run)


def give_word(home, *checks, reason="the desk is closed for a holiday", until=None):
    return accept(home, as_of=AS_OF, checks=checks, reason=reason, by="ada", at=NOW, until=until)


def audit(home):
    text = (home.root / "audit" / "publish.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_with_every_failed_check_named_the_batch_is_published_and_the_word_kept(home):
    batch(home)
    manifest = (home.scores / f"as_of={AS_OF}" / "run=one" / "manifest.json").read_bytes()
    give_word(home, *FAILED)
    published = ScoreBatch.open(home.scores, AS_OF)
    assert published.run == "one"
    assert let_through(home, published, NOW)
    assert (published.path / "manifest.json").read_bytes() == manifest
    (line,) = audit(home)
    assert line == {
        "as_of": "2026-07-01",
        "run": "one",
        "checks": sorted(FAILED),
        "reason": "the desk is closed for a holiday",
        "by": "ada",
        "at": NOW.isoformat(),
        "until": None,
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
        give_word(home, *checks)
    assert said in str(refused.value)
    for name in FAILED:
        assert f"  {name}: measured" in str(refused.value)
    assert not (home.root / "audit").exists()
    with pytest.raises(WarmlineError):
        ScoreBatch.open(home.scores, AS_OF)


def test_a_reason_must_be_given(home):
    batch(home)
    with pytest.raises(WrongUsage, match="say why"):
        give_word(home, *FAILED, reason="  ")


def test_nothing_held_back_is_nothing_to_accept(home):
    with pytest.raises(WarmlineError, match="no batch of 2026-07-01"):
        give_word(home, "volume")
    batch(home, failed=())
    with pytest.raises(WarmlineError, match="nothing to accept"):
        give_word(home, "volume")


def test_the_newest_batch_is_the_one_in_question(home):
    batch(home, run="z", scored_at="2026-07-01T03:00:00+00:00")
    batch(home, run="a", failed={"volume"}, scored_at="2026-07-01T05:00:00+00:00")
    assert give_word(home, "volume").run == "a"


def test_a_word_that_was_cut_off_is_ended_by_the_same_again_and_kept_once(home):
    batch(home)
    give_word(home, *FAILED)
    (home.scores / f"as_of={AS_OF}" / "current").unlink()  # as if killed before the last step
    give_word(home, *FAILED, reason="again")
    assert ScoreBatch.open(home.scores, AS_OF).run == "one"
    assert [line["reason"] for line in audit(home)] == ["the desk is closed for a holiday"]


HALVED = "halved:desk/message_in"
WEEKS_LATER = date(2026, 7, 20)


@pytest.fixture
def accepted_until(home):
    """A home in which half the messages are accepted until July 20, with what else had failed."""
    batch(home, failed={HALVED, "volume"})
    give_word(home, HALVED, "volume", reason="a portal opened", until=WEEKS_LATER)
    return home


@pytest.mark.parametrize("night", [date(2026, 7, 2), WEEKS_LATER])
def test_a_new_normal_is_let_through_to_its_last_night_and_written_down(accepted_until, night):
    later = batch(accepted_until, failed={HALVED}, as_of=night)
    first = let_through(accepted_until, later, NOW)
    again = let_through(accepted_until, later, NOW)
    assert first == again
    assert first.reason == "as 2026-07-01, until 2026-07-20: a portal opened"
    assert first.by == "ada"
    assert [line["as_of"] for line in audit(accepted_until)] == ["2026-07-01", str(night)]
    assert (later.path.with_name("accepted-one.json")).exists()


@pytest.mark.parametrize(
    ("night", "failed"),
    [
        (date(2026, 7, 21), {HALVED}),  # after the last night
        (date(2026, 6, 30), {HALVED}),  # before it was accepted
        (date(2026, 7, 2), {HALVED, "stopped:desk/message_in"}),  # something else as well
        (date(2026, 7, 2), {"halved:app/use"}),  # another feed
        (date(2026, 7, 2), {"volume"}),  # accepted for one night, since it compares with last time
    ],
)
def test_what_was_not_accepted_for_later_nights_holds_back(accepted_until, night, failed):
    later = batch(accepted_until, failed=failed, as_of=night)
    assert let_through(accepted_until, later, NOW) is None
    assert len(audit(accepted_until)) == 1


def test_words_of_two_nights_let_a_third_through_and_both_are_named(accepted_until):
    bob, next_day = "label_drift", date(2026, 7, 2)
    batch(accepted_until, failed={bob}, as_of=next_day)
    accept(
        accepted_until,
        as_of=next_day,
        checks=[bob],
        reason="prices rose",
        by="bob",
        at=NOW,
        until=date(2026, 7, 9),
    )
    third = batch(accepted_until, failed={bob, HALVED}, as_of=date(2026, 7, 3))
    given = let_through(accepted_until, third, NOW)
    assert given.by == "ada, bob"
    assert "a portal opened" in given.reason
    assert "prices rose" in given.reason


@pytest.mark.parametrize(
    ("failed", "until", "said"),
    [
        ({HALVED}, AS_OF, "is not after 2026-07-01"),
        ({HALVED}, date(2026, 9, 2), "over 62 days"),
        ({"volume", "stopped:desk/use"}, WEEKS_LATER, "only halved, doubled, label_drift"),
    ],
)
def test_what_cannot_be_accepted_for_later_nights_is_refused(home, failed, until, said):
    batch(home, failed=failed)
    with pytest.raises(WrongUsage, match=said):
        give_word(home, *failed, until=until)
    assert not (home.root / "audit").exists()


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
