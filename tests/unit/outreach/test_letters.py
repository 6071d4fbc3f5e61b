"""Letters say what is known of the customer, in their language, and nothing that is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from models.contracts import LATEST
from models.errors import WarmlineError, WrongUsage
from outreach.drafting.facts import DATED, TOPICS, Facts
from outreach.drafting.library import OURS, Library, read
from outreach.drafting.template import MOST_SUBJECT, Template
from outreach.drafting.writer import Style, Writer, writer
from outreach.playbooks import Playbook, Playbooks
from outreach.store import messages, tables
from outreach.store.database import Store
from outreach.store.drafts import gap
from outreach.store.recording import record
from tests.unit.outreach.stores import KEY, NOW, draft, planned, rows, states

LANGUAGES = ("de", "en", "es", "fr")
NIGHT = datetime(2026, 7, 1, tzinfo=UTC)
JUNE = datetime(2026, 6, 9, 23, 30, tzinfo=UTC)
ALL = Facts(
    UTC, name="Ann Reed", company="Example Ltd", sender="Ines Novak", offer="A month for free.",
    days=21, dates=dict.fromkeys(DATED, JUNE), about=dict.fromkeys(TOPICS, "the matter"),
)  # fmt: skip
# Letters that say what the matter was, where it is known.
SAY_WHAT = ("after_purchase", "after_outage", "self_service_pointer", "repeat_contact",
            "post_resolution_survey")  # fmt: skip
TEMPLATES = sorted(path.stem for path in (OURS / "en").glob("*.txt"))


def template(source: str, language: str = "en") -> Template:
    return Template(source, language, "letter.txt")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_each_letter_of_ours_reads_well_in_each_language(name: str, language: str) -> None:
    letter = read(OURS / language / f"{name}.txt", language)
    words, less = letter.render(ALL), letter.render(replace(ALL, about={}))
    assert words.gaps == less.gaps == ()
    assert ("the matter" in words.text) == (name in SAY_WHAT)
    assert less.text == less.text.replace("  ", " ").replace(" ,", ",").replace(" .", ".")
    assert "{" not in words.subject + words.text
    assert 10 < len(words.subject) <= MOST_SUBJECT
    for said in ("Ann Reed", "Ines Novak", "Example Ltd", "2026"):
        assert said in words.text
    assert "2026" in words.subject or "21" in words.subject or name == "contact_left"


def test_every_playbook_that_writes_has_a_letter_in_every_language() -> None:
    wanted = {play.template for play in Playbooks.load().plays if not play.refers}
    for language in LANGUAGES:
        assert wanted <= {path.stem for path in (OURS / language).glob("*.txt")}


DATES = [
    # language | written where           | as
    ("en", "UTC", "June 9, 2026"),
    ("de", "UTC", "9. Juni 2026"),
    ("de", "Europe/Berlin", "10. Juni 2026"),  # half past one there
    ("fr", "UTC", "9 juin 2026"),
    ("es", "UTC", "9 de junio de 2026"),
]


@pytest.mark.parametrize(("language", "zone", "written"), DATES)
def test_dates_are_written_in_the_language_and_zone_of_the_customer(
    language: str, zone: str, written: str
) -> None:
    facts = Facts(ZoneInfo(zone), dates={"ordered": JUNE})
    assert template("Subject: {{ ordered }}\n", language).render(facts).subject == written


def test_what_nobody_knows_is_a_gap_that_shows() -> None:
    letter = template("Subject: {{ touched or joined }}\n{% if touched %}x{% endif %}{{ sender }}")
    words = letter.render(Facts(UTC))
    assert words.subject == gap("joined")
    assert words.text == gap("sender") + "\n"
    assert words.gaps == ("joined", "sender")


HOSTILE = [
    "{{ 7 * 7 }}", "{% for x in range(9) %}x{% endfor %}", "Ann\r\nBcc: all@example.org",
    "<script>alert(1)</script>", "${ann}", "مرحبا", "Zoë 🙂", "=cmd()",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_put_in_as_it_is_on_one_line(name: str) -> None:
    words = template("Subject: Hello {{ name }}\n{{ name }}").render(Facts(UTC, name=name))
    assert words.subject == "Hello " + " ".join(name.split())
    assert words.text == " ".join(name.split()) + "\n"


GOOD = "Subject: Since {{ ordered }}\n{{ sender }} of {{ company }}\n"
REFUSED = [
    # what is written | what is said
    ("Hello\n" + GOOD, "its first line must be"),
    ("Subject:\n" + GOOD, "its first line must be"),
    ("Subject: {{ ordered }} {{ sender }} {{ company }}\n", "it has no words"),
    (GOOD + "{{ churn_probability }}", "`churn_probability` is nothing a letter may say"),
    (GOOD + "{{ email }}", "`email` is nothing a letter may say"),
    ("Subject: News\n{{ sender }} {{ company }} {{ name }}", "no reason of this customer's"),
    (GOOD + "I am just checking in.", "'just checking in' could go to anybody"),
    (GOOD + "Ich wollte nur mal nachfragen.", "could go to anybody"),
    ("Subject: {{ ordered }}\n{{ company }}", "nobody signs it"),
    ("Subject: {{ ordered }}\n{{ sender }}", "why they get it"),
    (GOOD + "{% if %}", "it is no template"),
    (GOOD + "x" * 6_000, "it is too long"),
]


@pytest.mark.parametrize(("source", "told"), REFUSED)
def test_a_letter_that_must_not_go_is_refused_with_its_reason(
    tmp_path: Path, source: str, told: str
) -> None:
    path = tmp_path / "letter.txt"
    path.write_text(source)
    with pytest.raises(WrongUsage, match="must not be used") as refused:
        read(path, "en")
    assert told in str(refused.value)


ESCAPES = [
    "{{ ''.__class__.__mro__ }}", "{{ ordered.__init__.__globals__ }}",
    "{{ self.__init__.__globals__ }}", "{% include '/etc/passwd' %}", "{{ cycler.__init__ }}",
    "{{ 'x' * 10 ** 9 }}",
]  # fmt: skip


@pytest.mark.parametrize("attempt", ESCAPES)
def test_a_template_cannot_reach_out_of_its_sandbox(tmp_path: Path, attempt: str) -> None:
    path = tmp_path / "letter.txt"
    path.write_text(GOOD + attempt)
    try:
        words = read(path, "en").render(ALL)
    except WrongUsage:
        return
    assert words.gaps  # nothing came of it but a gap
    assert "root:" not in words.text


def test_a_homes_own_letter_takes_the_place_of_ours_and_a_region_that_of_its_language(
    tmp_path: Path,
) -> None:
    for language, said in (("de", "eigen"), ("de-AT", "servus")):
        place = tmp_path / "templates" / language
        place.mkdir(parents=True)
        (place / "check_in.txt").write_text(GOOD + said)
    library = Library.of(tmp_path)

    def found(*languages: str) -> str:
        letter = library.find("check_in", languages)
        assert letter
        return letter.source

    assert found("de-AT").endswith("servus")
    assert found("de-CH", "en").endswith("eigen")
    assert found("it-IT", "en").startswith("Subject: How have things been")
    assert library.find("check_in", ["it-IT"]) is None
    assert library.find("../check_in", ["en"]) is None
    assert library.find("check_in", ["../en"]) is None


class Book:
    """Two customers, one with a person who is written to in their place."""

    def recipients(self, customer_ids: list[str]) -> pa.Table:
        columns = ("customer_id", "contact_id", "name", "address", "locale", "timezone")
        told = [
            ("acme", None, "Acme", "acme@example.org", "de-DE", "Europe/Berlin"),
            ("acme", "ann", "Ann Reed", "ann@example.org", None, None),
            ("bolt", None, None, "bolt@example.org", None, None),
            ("calm", None, "Calm", None, None, None),
            ("dent", None, "Dent", "no address", None, None),
        ]
        rows = [dict(zip(columns, row, strict=True)) | {"joined_at": JUNE} for row in told]
        kinds = [
            *((name, pa.string()) for name in columns),
            ("joined_at", pa.timestamp("us", "UTC")),
        ]
        return pa.Table.from_pylist(
            [r for r in rows if r["customer_id"] in customer_ids], pa.schema(kinds)
        )

    def matters(self, customer_ids: list[str], as_of: datetime) -> pa.Table:
        assert as_of == NIGHT
        told = [
            ("acme", "order_at", "Kettle 2", None), ("acme", "solved_at", "invoices", "CS-17"),
            ("acme", "asked_at", "log_in", "5f1c9e"), ("acme", "outage_at", "Ann asks: why?", None),
            ("bolt", "order_at", "Lamp", None),
        ]  # fmt: skip
        kinds = [(name, pa.string()) for name in ("customer_id", "fact", "topic", "case_id")]
        names = [name for name, _ in kinds]
        return pa.Table.from_pylist(
            [dict(zip(names, row, strict=True)) for row in told], pa.schema(kinds)
        )

    def senders(self) -> pa.Table:
        kinds = [(name, pa.string()) for name in ("owner_id", "name", "email")]
        told = [
            {"owner_id": "ines", "name": "Ines Novak"},
            {"owner_id": "omar", "name": "Omar  Haddad"},
        ]
        return pa.Table.from_pylist(told, pa.schema(kinds))


def writing(
    company: str = "Example Ltd", folder: Path = OURS, language: str = "en", **plays: Any
) -> Writer:
    instant = pa.timestamp("s", "UTC")
    kinds = pa.schema([("customer_id", pa.string()), *((name, instant) for name in LATEST)])
    latest = pa.Table.from_pylist([{"customer_id": "acme", "order_at": JUNE}], kinds)
    facts = {"name": "check-in", "title": "Check-in", "urgency": 1, "template": "check_in"} | plays
    play = Playbook(**facts)
    customers = ["acme", "bolt", "calm", "dent"]
    return writer(
        Library((folder, OURS)), [play], Book(), latest, customers,
        style=Style(company, language, UTC), key=KEY, night=NIGHT,
    )  # fmt: skip


def test_the_person_is_written_to_by_name_in_the_customers_language() -> None:
    letter = writing()(planned("acme", contact_id="ann"))
    assert letter
    assert (letter.address, letter.name, letter.language) == ("ann@example.org", "Ann Reed", "de")
    assert "Guten Tag Ann Reed," in letter.text
    assert "am 10. Juni 2026 haben Sie zuletzt bei uns bestellt" in letter.text
    assert letter.from_name == "Ines Novak"


def test_what_a_playbook_offers_is_offered() -> None:
    letter = writing(offer={"text": "A month for free."})(planned("acme"))
    assert letter
    assert "\n\nA month for free.\n" in letter.text


@pytest.mark.parametrize("customer", ["calm", "dent", "unknown"])
def test_nobody_without_an_address_is_written_to(customer: str) -> None:
    assert writing()(planned(customer)) is None


def test_a_letter_with_a_gap_waits_for_a_person_whatever_its_mode(store: Store) -> None:
    night = [planned("acme"), planned("bolt")]  # nobody knows what bolt is called
    record(store, by="plan", now=NOW, decisions=night, drafts=writing())
    assert states(store) == {"acme": "queued", "bolt": "draft"}
    (waiting,) = [row for row in rows(store, tables.messages) if row.customer_id == "bolt"]
    assert waiting.why == "gaps: name"
    with pytest.raises(WarmlineError, match=r"still has gaps \(name\)"):
        messages.approve(store, by="ines", now=NOW, message=waiting.id)
    messages.edit(store, by="ines", now=NOW, message=waiting.id, draft=draft("bolt@example.org"))
    messages.approve(store, by="ines", now=NOW, message=waiting.id)
    assert states(store) == {"acme": "queued", "bolt": "queued"}
