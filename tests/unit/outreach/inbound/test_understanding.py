"""What a mail is: tables of mails, and bytes of any kind."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outreach.inbound import words
from outreach.inbound.mail import Mail, understand
from outreach.inbound.mime import MOST
from tests.unit.outreach.inbound.letters import (
    BOUNCE,
    COMPLAINT,
    EXIM,
    OURS,
    QMAIL,
    answer,
    mail,
)

# mail: kind, lasting, status
KINDS = {
    "an answer": (answer(), "answer"),
    "not automatic": (answer(Auto_Submitted="no"), "answer"),
    "out of office (RFC 3834)": (answer(Auto_Submitted="auto-replied; x=y"), "automatic"),
    "out of office of Exchange": (answer(Subject="Automatic reply: Hello"), "automatic"),
    "the same in German": (answer(Subject="=?utf-8?q?Abwesenheitsnotiz=3A_x?="), "automatic"),
    "an answer to an out of office": (answer(Subject="Re: Automatic reply: Hello"), "answer"),
    "from a list": (answer(List_Id="<l.example.org>"), "automatic"),
    "bulk": (answer(Precedence="bulk"), "automatic"),
    "from no address": (answer(Return_Path="<>"), "automatic"),
    "from the postmaster": (answer(From="Postmaster@example.org"), "automatic"),
    "a report that is none": (mail(BOUNCE.replace("message/delivery", "message/x")), "automatic"),
    "a display receipt": (mail(BOUNCE.replace("delivery-status", "disposition-notification")),
                          "automatic"),
    "delayed": (mail(BOUNCE, action="delayed", status="4.4.1"), "automatic"),
    "delivered": (mail(BOUNCE, action="delivered", status="2.0.0"), "automatic"),
    "a complaint": (mail(COMPLAINT), "complaint"),
    "an opt-out by the provider": (mail(COMPLAINT, kind="Opt-Out"), "complaint"),
    "no spam after all": (mail(COMPLAINT, kind="not-spam"), "automatic"),
    "the mail of List-Unsubscribe": (answer("", Subject="unsubscribe", References=""),
                                     "unsubscribe"),
    "the same by a program": (answer("", Subject="Unsubscribe", Auto_Submitted="auto-generated"),
                              "unsubscribe"),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_a_mail_is_what_it_says(name: str) -> None:
    raw, kind = KINDS[name]
    assert understand(raw).kind == kind


BOUNCES = {
    "no such mailbox": (mail(BOUNCE), "5.1.1", True),
    "in lower case and with a broken case": (mail(BOUNCE, action="FAILED"), "5.1.1", True),
    "only the server's words know": (mail(BOUNCE, status="5.0.0", told="5.1.10"), "5.1.10", True),
    "nobody knows": (mail(BOUNCE, status="5.0.0", told=""), "5.0.0", True),
    "mailbox full": (mail(BOUNCE, status="5.2.2"), "5.2.2", False),
    "taken for spam": (mail(BOUNCE, status="5.7.1"), "5.7.1", False),
    "tried for days": (mail(BOUNCE, status="4.4.7", told=""), "4.4.7", False),
    "no status at all": (mail(BOUNCE, status="", told=""), "", False),
    "qmail": (mail(QMAIL, status="(#5.1.1)"), "5.1.1", True),
    "qmail without a status": (mail(QMAIL, status=""), "", False),
    "Exim of old": (mail(EXIM), "5.0.0", True),
}


@pytest.mark.parametrize("name", BOUNCES)
def test_a_bounce_says_of_which_message_to_whom_and_whether_it_will_last(name: str) -> None:
    raw, status, lasting = BOUNCES[name]
    found = understand(raw)
    assert (found.kind, found.status, found.lasting) == ("bounce", status, lasting)
    assert (found.about, found.recipient) == ((OURS,), "ann@example.org")


STOPS = {
    "unsubscribe": "unsubscribe", "UNSUBSCRIBE!": "unsubscribe", "Please unsubscribe me.":
    "unsubscribe", "Stop\n\n-- \nAnn Acme\nExample Ltd": "unsubscribe",
    "stop\n\nSent from my iPhone": "unsubscribe", "Abmelden": "unsubscribe",
    "De\u0301sabonner": "unsubscribe", "baja": "unsubscribe", "Désinscription.": "unsubscribe",
    "Do not stop now": "answer", "Stop by on Monday?": "answer", "unsubscribe\n\nAnn": "answer",
    "": "answer",
}  # fmt: skip


@pytest.mark.parametrize("text", STOPS)
def test_an_answer_that_says_only_that_is_an_unsubscribe(text: str) -> None:
    assert understand(answer(text)).kind == STOPS[text]


def test_an_answer_is_about_the_nearest_message_first_and_keeps_its_own_words() -> None:
    found = understand(answer("All is well.\nYours, Ann"))
    assert found == Mail(
        "answer", "<r1@example.org>", (OURS, "<older@example.org>"), "Ann@Example.org",
        text="All is well.\nYours, Ann",
    )  # fmt: skip


QUOTING = {
    "Gmail": "Fine.\n\nOn Tue, 1 Jul 2026 at 08:00, Ines <care@ours.example> wrote:\n\n> How?\n",
    "on two lines": "Fine.\n\nOn Tue, 1 Jul 2026, Ines\n<care@ours.example> wrote:\n> How?\n",
    "German": "Fine.\n\nAm 01.07.2026 um 08:00 schrieb Ines <c@ours.example>:\nHow?\n",
    "Outlook": "Fine.\n\n________________________________\nFrom: Ines\nSent: Tuesday\nHow?\n",
    "Outlook of old": "Fine.\n\n-----Original Message-----\nFrom: Ines\nHow?\n",
    "a language of its own": "Fine.\n\n1 липня 2026 Інес пише:\n> How?\n",
    "a telephone": "Fine.\n\nSent from my iPhone\n",
    "a signature": "Fine.\n-- \nAnn Acme\n",
    "in between": "> How?\nFine.\n> And?\n",
    "control characters": "\0Fine.\x1b\x07",
}


@pytest.mark.parametrize("name", QUOTING)
def test_what_is_quoted_is_not_the_answer(name: str) -> None:
    assert words.own(QUOTING[name]).strip() == "Fine."


HTML = """\
<html><head><style>p { color: red }</style></head><body><p>All is well.<br>Yours,
 Ann &amp; Bob</p><blockquote>How is it going?</blockquote></body></html>"""


def test_words_are_found_in_html_in_base64_and_in_other_alphabets() -> None:
    assert understand(answer(HTML, Content_Type="text/html")).text.split() == (
        ["All", "is", "well.", "Yours,", "Ann", "&", "Bob"]
    )
    coded = answer("0JLRgdGRINGF0L7RgNC+0YjQvg==", Content_Transfer_Encoding="base64")
    assert understand(coded).text.startswith("Всё хорошо")
    latin = (
        mail("From: a@b.de\nContent-Type: text/plain; charset=ISO-8859-1\n\nx")[:-1]
        + b"gr\xfc\xdfe"
    )
    assert understand(latin).text == "grüße"


@pytest.mark.parametrize(
    "sender",
    [
        "Ann <ann@example.org>, Bob <bob@example.org>",
        "<ann@example.org> <bob@example.org>",
        "Ann",
        "",
        "ann@example.org bob@example.org",
    ],
)
def test_who_does_not_name_one_address_is_nobody(sender: str) -> None:
    assert understand(answer(From=sender)).sender == ""


def test_a_quoted_name_is_no_address() -> None:
    found = understand(answer(From='"ann@example.org <ann@example.org>" <eve@example.com>'))
    assert found.sender == "eve@example.com"
    two = answer().replace(b"Subject:", b"From: eve@example.com\r\nSubject:")
    assert understand(two).sender == ""


def test_a_line_break_in_an_encoded_header_begins_no_other() -> None:
    coded = "=?utf-8?q?x=0D=0AIn-Reply-To:_=3Cm2@ours.example=3E?="
    found = understand(answer(Subject=coded, From=f"{coded} <ann@example.org>"))
    assert (found.about[0], found.sender) == (OURS, "ann@example.org")


def nested(levels: int) -> bytes:
    part = b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n"
    return b"".join(part % (n, n) for n in range(levels))


HOSTILE = {
    "nested parts": nested(900) + b"\n" * 100_000,
    "nested messages": b"Content-Type: message/rfc822\n\n" * 8_000,
    "a parameter of quotes": b'Content-Type: multipart/mixed; a="' + b";" * 64_000,
    "many boundaries": b"Content-Type: multipart/mixed" + b'; boundary="' * 20_000,
    "parts without end": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 60_000,
    "marks that never end": b"Content-Type: text/html\n\n" + b"<" * 250_000,
    "styles that end": b"Content-Type: text/html\n\n" + b"<style></style>" * 17_000,
    "a folded header": b"Subject:" + b"\n " * 120_000,
    "one header again and again": b"From: a@b\n" * 25_000,
    "25 MB": b"Subject: x\n\n" + b"stop " * 5_000_000,
    "comments": b"From: " + b"(" * 100_000,
    "Message-IDs": b"References: " + b"<a@b>" * 50_000,
    "attributions": b"\n" + b"On " * 80_000,
    "quotes": b"\n" + b"x:\n>\n" * 40_000,
    "encoded words": b"Subject: " + b"=?utf-8?q?" * 25_000,
    "a report of many": mail(BOUNCE).replace(b"Final-", b"Action: failed\r\n\r\nFinal-" * 9_000),
    "a charset of tricks": b"Content-Type: text/plain; charset=punycode\n\n" + b"a-" * 120_000,
    "no charset": b"Content-Type: text/plain; charset=iso-8859-99\n\n\xff\xfe",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bytes_take_no_time(name: str) -> None:
    began = time.process_time()
    understand(HOSTILE[name])
    assert time.process_time() - began < 1


@given(st.binary(max_size=3_000))
@settings(deadline=None)
def test_any_bytes_are_something(raw: bytes) -> None:
    assert understand(raw).kind in ("answer", "automatic", "unsubscribe", "bounce", "complaint")


PIECES = st.sampled_from(
    [answer(), mail(BOUNCE), mail(COMPLAINT), mail(QMAIL), mail(EXIM), answer(HTML)]
)


@given(PIECES, st.lists(st.tuples(st.integers(0, 1_500), st.binary(max_size=12)), max_size=6))
@settings(deadline=None)
def test_mails_that_were_damaged_anywhere_are_something(raw: bytes, cuts: list) -> None:
    for at, put in cuts:
        raw = raw[:at] + put + raw[at + len(put) // 2 :]
    found = understand(raw)
    assert all("\n" not in one and "\r" not in one for one in (*found.about, found.sender))
    assert replace(found, text="").recipient.count("\n") == 0


def test_what_comes_after_the_first_part_of_a_large_mail_is_not_looked_at() -> None:
    large = answer("x" * MOST) + b"\r\nunsubscribe"
    assert understand(large).kind == "answer"
