"""What a letter calls a topic, and which ones it leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.errors import WrongUsage
from outreach.drafting.library import Library
from outreach.drafting.topics import Topics, case_number
from outreach.store.drafts import gap
from tests.unit.outreach.stores import planned
from tests.unit.outreach.test_letters import GOOD, writing

SAID = [
    # topic | listed as | may be said as it is | is said
    ("invoices", None, True, "invoices"), ("invoices", None, False, None),
    ("billing", "invoices", False, "invoices"), ("Billing ", "invoices", True, "invoices"),
    ("cancellation", "", True, None), ("late_delivery", None, True, None),
    ("late_delivery", "the late delivery", True, "the late delivery"),
    ("Kettle 2.5 L, black", None, True, "Kettle 2.5 L, black"),
    ("Zoë’s Café", None, True, "Zoë’s Café"),
    ("Your site is broken!", None, True, None), ("ann@example.org", None, True, None),
    ("call 5550123456", None, True, None), ("see evil.example", None, True, None),
    ("one two three four five six", None, True, None), ("x" * 41, None, True, None),
    ("17", None, True, None), ("{{ 7 * 7 }}", None, True, None), ("", None, True, None),
    (None, None, True, None),
]  # fmt: skip


@pytest.mark.parametrize(("topic", "listed", "free", "said"), SAID)
def test_a_topic_is_said_as_listed_or_where_it_is_plain(
    topic: str | None, listed: str | None, free: bool, said: str | None
) -> None:
    known = {} if listed is None else {(topic or "").strip().casefold(): listed}
    assert Topics(known).said(topic, as_it_is=free) == said


CASE_NUMBERS = [("17", "17"), ("CS-1042", "CS-1042"), ("#88", "#88"), ("5f1c9e", None),
                ("3f0c2c4e-11aa", None), ("Ann's kettle", None), (None, None)]  # fmt: skip


@pytest.mark.parametrize(("case_id", "said"), CASE_NUMBERS)
def test_a_case_is_named_where_its_number_can_be_told(
    case_id: str | None, said: str | None
) -> None:
    assert case_number(case_id) == said


def about(tmp_path: Path, language: str, words: str = "", customer: str = "acme") -> str:
    """What a letter says in a home of that language; acme is written to in German."""
    place = tmp_path / "de"
    place.mkdir(exist_ok=True)
    (place / "topics.toml").write_text(words)
    (place / "all.txt").write_text(
        GOOD + "{{ ordered_topic }}|{{ solved_topic }}|{{ solved_case }}|{{ asked_topic }}|"
        "{{ asked_case }}|{{ outage_topic }}"
    )
    letter = writing(folder=tmp_path, language=language, template="all")(planned(customer))
    assert letter
    return letter.text.splitlines()[-1]


def test_a_letter_says_what_its_dates_were_about_and_shows_what_it_may_not_say(
    tmp_path: Path,
) -> None:
    asked, case, outage = gap("asked_topic"), gap("asked_case"), gap("outage_topic")
    rest = f"{asked}|{case}|{outage}"
    assert about(tmp_path, "de") == f"Kettle 2|invoices|CS-17|{rest}"
    # The home's own topics are English, and not listed in German: items alone are called so.
    assert about(tmp_path, "en") == f"Kettle 2|{gap('solved_topic')}|CS-17|{rest}"
    listed = 'invoices = "Rechnungen"\nlog_in = "Anmeldung"\n"kettle 2" = "Wasserkocher"\n'
    assert (
        about(tmp_path, "en", listed) == f"Wasserkocher|Rechnungen|CS-17|Anmeldung|{case}|{outage}"
    )


BAD_TOPICS = ["a = 1", "a = 'x\ty'", "a = '" + "x" * 81 + "'", "a", "[a]\nb = 'c'"]


@pytest.mark.parametrize("words", BAD_TOPICS)
def test_a_list_of_topics_that_is_none_is_refused(tmp_path: Path, words: str) -> None:
    (tmp_path / "templates" / "de").mkdir(parents=True)
    (tmp_path / "templates" / "de" / "topics.toml").write_text(words)
    with pytest.raises(WrongUsage, match="topics"):
        list(Library.of(tmp_path).all())
