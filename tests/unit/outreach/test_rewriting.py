"""A language model may rewrite a draft: never its facts, never unseen, and only where it is set."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.errors import WarmlineError, WrongUsage
from models.settings_outreach import Rewriting
from outreach.drafting.rewriter import Kept, Rewriter, Unusable
from outreach.store import messages, rewriting, tables
from outreach.store.database import Store
from outreach.store.drafts import Draft, gap
from outreach.store.recording import record
from outreach.store.rewriting import KEPT
from outreach.storecli import look
from tests.servers import model as models
from tests.unit.outreach.stores import KEY, NOW, planned, rows, trail
from tests.unit.outreach.test_sendcli import Office

WORDS = "We last wrote on June 9, 2026, and I would like to know how things have gone since."
BETTER = (
    "It has been since June 9, 2026 that we last wrote. I would like to know how things have gone."
)
TEXT = f"Hello Ann Reed,\n\n{WORDS}\n\nInes Novak\nExample Ltd\n\nYou receive this, Ann Reed.\n"
SECRET = "sk-very-secret"  # noqa: S105


@pytest.fixture
def model() -> Iterator[models.Model]:
    with models.running() as found:
        yield found


def rewriter(model: models.Model, /, **others: Any) -> Rewriter:
    facts = {"url": model.url, "model": "small", "allow_private": True, "timeout_seconds": 5}
    return Rewriter(Rewriting(**facts | others))


def rewritten(model: models.Model, text: str = TEXT, **others: Any) -> str | Kept:
    ours = rewriter(model, **others)
    try:
        return ours.rewritten(
            text, "en", name="Ann Reed", sender="Ines Novak", company="Example Ltd"
        )
    finally:
        ours.close()


def test_the_words_between_greeting_and_signature_are_rewritten(model: models.Model) -> None:
    model.says = lambda words: BETTER
    assert rewritten(model, key=SECRET) == TEXT.replace(WORDS, BETTER)
    (asked,) = model.asked
    assert (asked["path"], asked["model"], asked["stream"]) == (
        "/v1/chat/completions", "small", False,
    )  # fmt: skip
    system, words = (each["content"] for each in asked["messages"])
    assert words == WORDS
    assert not any(known in system + words for known in ("Ann", "Ines", "Example", "@"))
    assert model.headers[0]["Authorization"] == f"Bearer {SECRET}"


def test_thoughts_before_an_answer_are_no_part_of_it(model: models.Model) -> None:
    model.says = lambda words: f"<think>\nThe 3 dates...\n</think>\n\n{BETTER}\n"
    assert rewritten(model) == TEXT.replace(WORDS, BETTER)


SAYS = [
    # the model says | why the draft stays
    (BETTER.replace("9", "10"), "it has other dates"),
    (BETTER + " Peter will call you.", "it promises something else; it has a name"),
    ("Sure! Here is the letter:\n\n" + BETTER, "a name that is not in the draft"),
    (WORDS, "the model changed nothing"),
    ("", "the model answered no words"),
    ("x" * 900_000, "it is much shorter or longer"),
    (f"Hello Ann Reed,\n\n{BETTER}\n\nInes Novak", "a name that is not in the draft"),
    (f"<think>{BETTER}", "marks of a page or a program"),
    (f"{BETTER}\n\n⟦name⟧", "marks of a page or a program"),
]


@pytest.mark.parametrize(("says", "why"), SAYS)
def test_what_changes_more_than_words_leaves_the_draft_as_it_was(
    model: models.Model, says: str, why: str
) -> None:
    model.says = lambda words: says
    told = rewritten(model)
    assert isinstance(told, Kept)
    assert why in told.why


BODIES = [b"", b"no JSON", b"[]", b'{"choices": []}', b'{"choices": [7]}',
          b'{"choices": [{"message": "x"}]}', b'{"choices": [{"message": {"content": [1]}}]}',
          b'{"error": "' + SECRET.encode() + b'"}', b"\xff\xfe"]  # fmt: skip


@pytest.mark.parametrize("body", BODIES)
def test_an_answer_that_is_none_leaves_the_draft_as_it_was(
    model: models.Model, body: bytes
) -> None:
    model.body = body
    assert rewritten(model) == Kept("the model answered no words")


def test_an_answer_that_was_cut_off_is_none(model: models.Model) -> None:
    model.says, model.finish_reason = lambda words: BETTER, "length"
    assert rewritten(model) == Kept("the model did not come to an end")


@pytest.mark.parametrize(
    "text", ["Hello", TEXT.replace("Ines Novak\n", ""), f"Ines Novak\n\n{WORDS}"]
)
def test_a_letter_whose_signature_is_not_found_is_not_sent_to_it(
    model: models.Model, text: str
) -> None:
    assert rewritten(model, text) == Kept("its signature cannot be told from its words")
    assert model.asked == []


STATUSES = [(401, "401: look at its key"), (404, "404: look at url and model"), (429, "429"),
            (500, "500"), (307, "307")]  # fmt: skip


@pytest.mark.parametrize(("status", "told"), STATUSES)
def test_a_model_that_cannot_be_asked_is_told_of_without_what_it_says(
    model: models.Model, status: int, told: str
) -> None:
    model.status, model.body, model.location = status, SECRET.encode(), model.url + "/elsewhere"
    with pytest.raises(Unusable, match=told) as raised:
        rewritten(model, key=SECRET)
    assert SECRET not in str(raised.value)
    assert len(model.asked) == 1


def test_a_slow_model_is_not_waited_for_however_much_it_says(model: models.Model) -> None:
    model.slow = 0.1  # each part comes in time, all of them would take 4 s
    begun = time.monotonic()
    with pytest.raises(Unusable, match=r"longer than 0\.5 s"):
        rewritten(model, timeout_seconds=0.5)
    assert time.monotonic() - begun < 2
    assert len(model.asked) == 1


def test_an_endless_answer_is_not_read(model: models.Model) -> None:
    model.body = b"x" * (2 << 20)
    with pytest.raises(Unusable, match="is longer than 1,048,576 bytes"):
        rewritten(model)


SETTINGS = [
    ({"url": ""}, "set url and model"),
    ({"model": ""}, "set url and model"),
    ({"allow_private": False}, "in clear"),
    ({"key": "a\r\nX-Evil: b"}, "no header can hold"),
    ({"url": "http://u:p@h/v1"}, "no URL of a host without a user"),
]


@pytest.mark.parametrize(("facts", "told"), SETTINGS)
def test_it_is_off_until_it_is_set_up_safely(
    model: models.Model, facts: dict[str, Any], told: str
) -> None:
    with pytest.raises(WrongUsage, match=told) as raised:
        rewriter(model, **facts)
    assert "Evil" not in str(raised.value)


def test_a_private_address_is_asked_only_where_it_is_allowed(model: models.Model) -> None:
    with pytest.raises(Unusable, match="private address"):
        rewritten(model, url="https://127.0.0.1:9/v1", allow_private=False)


def letter(mode: str = "approve", text: str = TEXT, customer: str = "acme") -> dict[str, Any]:
    words = {"subject": "Hi", "text": text, "name": "Ann Reed", "from_name": "Ines Novak",
             "language": "en"}  # fmt: skip
    return {
        "decisions": [planned(customer, mode=mode)],
        "drafts": lambda planned: Draft.to(KEY, "email", "ann@example.org", **words),
    }


def written(store: Store, **facts: Any) -> str:
    told = letter(**facts)
    record(store, by="plan", now=NOW, **told)
    return str(told["decisions"][0].decision_id)


ACT = {"by": "ines", "now": NOW}


@pytest.mark.parametrize("mode", ["draft", "approve"])
def test_it_is_marked_and_waits_for_a_person_and_can_be_undone(store: Store, mode: str) -> None:
    name = written(store, mode=mode)
    assert rewriting.untried(store, 9) == [name]
    (before,) = rows(store, tables.messages)
    for after in "once", "twice":
        told = {"message": name, "model": "small", "before": rewriting.words_of(store, name).text}
        rewriting.rewrite(store, **ACT, **told, after=after)
    (row,) = rows(store, tables.messages)
    assert (row.state, row.rewritten_by, row.text, row.drafted_text) == (
        before.state, "small", "twice", TEXT,
    )  # fmt: skip
    assert rewriting.untried(store, 9) == []
    rewriting.restore(store, **ACT, message=name)
    (row,) = rows(store, tables.messages)
    assert (row.text, row.rewritten_by, row.drafted_text) == (TEXT, None, None)
    with pytest.raises(WarmlineError, match="No model has rewritten"):
        rewriting.restore(store, **ACT, message=name)
    assert trail(store)[-3:] == ["rewrite", "rewrite", "restore_words"]
    assert "once" not in str([each.details for each in rows(store, tables.audit)])


def test_what_may_go_by_itself_or_has_gaps_is_left_alone(store: Store) -> None:
    queued = written(store, mode="auto")
    gapped = written(store, text=TEXT + gap("x"), customer="bolt")
    assert rewriting.untried(store, 9) == []
    with pytest.raises(WarmlineError, match="queued: only what is"):
        rewriting.words_of(store, queued)
    with pytest.raises(WarmlineError, match="still has gaps"):
        rewriting.words_of(store, gapped)


def test_a_draft_that_was_changed_meanwhile_is_left_as_it_is(store: Store) -> None:
    name = written(store)
    facts = {"message": name, "model": "small", "before": "other words"}
    with pytest.raises(WarmlineError, match="changed meanwhile"):
        rewriting.rewrite(store, **ACT, **facts, after="x")
    with pytest.raises(WarmlineError, match="changed meanwhile"):
        rewriting.keep(store, **ACT, **facts, why="x")
    assert rows(store, tables.messages)[0].text == TEXT


def test_words_from_before_go_with_the_words(store: Store) -> None:
    name = written(store)
    rewriting.rewrite(store, **ACT, message=name, model="small", before=TEXT, after="other")
    messages.discard(store, **ACT, message=name, why="x")
    assert messages.clear_words(store, **ACT, before=NOW.replace(year=2027)) == 1
    assert rows(store, tables.messages)[0].drafted_text is None


def test_by_command_what_changed_is_shown_and_nothing_is_sent(
    model: models.Model, tmp_path: Path
) -> None:
    office = Office(tmp_path / "home")
    told = office.gives("outreach", "rewrite")
    assert (told.exit_code, "set url and model" in told.output) == (2, True)
    good, bad = written(office.store), written(office.store, customer="bolt")
    config = office.home.config.read_text()
    more = {"url": model.url, "model": "small", "allow_private": True}
    config += "[outreach.rewriting]\n" + "\n".join(
        f"{k} = {json.dumps(v)}" for k, v in more.items()
    )
    office.home.config.write_text(config)
    assert "drafts may be rewritten by small" in look(office.home, NOW)
    model.says = lambda words: BETTER if len(model.asked) == 1 else "Free for you, for 9 years."
    output = office.gives("outreach", "rewrite").output
    assert f"- {WORDS}\n" in output
    assert f"+ {BETTER}\n" in output
    assert "1 rewritten, 1 kept as they were." in output
    shown = {name: office.told("outreach", "show", name) for name in (good, bad)}
    assert shown[good]["message"]["rewritten_by"] == "small"
    assert "(rewritten by small)" in office.gives("outreach", "list").output
    assert BETTER in shown[good]["letter"]["html"]
    assert shown[bad]["message"]["text"] == TEXT
    assert shown[bad]["message"]["why"].startswith(KEPT + "it is much shorter")
    assert {each["message"]["state"] for each in shown.values()} == {"awaiting_approval"}
    assert office.told("outreach", "rewrite")["messages"] == []  # none is tried twice by itself
    assert office.told("outreach", "rewrite", "--undo", good)["undone"] == [good]
    assert office.told("outreach", "show", good)["message"]["text"] == TEXT
