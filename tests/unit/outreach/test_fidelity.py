"""A letter that a model rewrote says what its draft says, or is not taken."""

from __future__ import annotations

import pytest

from outreach.drafting.facts import Facts
from outreach.drafting.fidelity import unfaithful
from outreach.drafting.library import OURS, read
from outreach.drafting.rewriter import Parts
from tests.unit.outreach.test_letters import ALL, LANGUAGES, TEMPLATES

EN = (
    "You ordered “Kettle 2” from us on June 9, 2026, 21 days ago. By now it should have arrived."
    "\n\nIf anything is missing, answer this message or see https://a.example/help and I will see "
    "to it."
)
DE = (
    "am 9. Juni 2026, vor 21 Tagen, haben Sie bei uns „Kettle 2“ bestellt. Inzwischen sollte alles "
    "da sein.\n\nWenn etwas fehlt, antworten Sie einfach: Ich kümmere mich darum."
)
TAKEN = [
    # language | draft | rewritten
    ("en", EN, "On June 9, 2026 you ordered “Kettle 2” from us, 21 days ago; it should be with you "
               "by now.\n\nIs anything missing? Answer this message, or see "
               "https://a.example/help, and I will see to it."),
    ("de", DE, "Sie haben am 9. Juni 2026, also vor 21 Tagen, „Kettle 2“ bei uns bestellt. Alles "
               "sollte da sein.\n\nFehlt etwas? Antworten Sie, und ich kümmere mich darum."),
    ("es", "El 9 de junio de 2026 cerramos su consulta. ¿Está realmente resuelta?",
           "Su consulta la cerramos el 9 de junio de 2026. ¿Está resuelta, realmente?"),
    ("fr", "Le 9 juin 2026, notre service est tombé en panne. J'en suis désolé.",
           "Notre service est tombé en panne le 9 juin 2026. Je suis désolé."),
]  # fmt: skip


@pytest.mark.parametrize(("language", "draft", "words"), TAKEN)
def test_other_words_for_the_same_are_taken(language: str, draft: str, words: str) -> None:
    assert unfaithful(draft, words, language, ["Kettle"]) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TEMPLATES)
def test_each_of_our_letters_is_faithful_to_itself(name: str, language: str) -> None:
    facts: Facts = ALL
    text = read(OURS / language / f"{name}.txt", language).render(facts).text
    parts = Parts.of(text, facts.name, facts.sender)
    assert parts is not None
    assert parts.text(parts.words) == text
    assert (facts.name or "") not in parts.words
    assert unfaithful(parts.words, parts.words, language) == []


PROMISE, NAME, DATE = "promises something else", "a name that is not", "other dates"
NUMBER, LINK = "other numbers", "other links"
CHANGED = [
    # of EN | becomes | what is said
    ("June 9, 2026", "June 10, 2026", DATE),
    ("June 9, 2026", "9 July 2026", DATE),
    ("on June 9, 2026, 21", "21", DATE),
    ("June 9, 2026", "June 9, 2026 or 01/07/2026", DATE),
    ("21 days", "22 days", NUMBER),
    ("21 days ago", "some time ago", NUMBER),
    ("21 days", "twenty-one days", NUMBER),
    ("21 days", "２２ days", "unusual characters"),
    ("missing", "missing or late by ¾", NUMBER),
    ("missing", "missing by Friday", "another day or month"),
    ("missing", "missing 50%", NUMBER),
    ("missing", "missing €", "other amounts"),
    ("https://a.example/help", "https://b.example/help", LINK),
    ("https://a.example/help", "https://a.example/help?x", LINK),
    ("https://a.example/help", "our page", LINK),
    ("this message", "this message (help@b.example)", LINK),
    ("this message", "evil.example", LINK),
    ("arrived", "arrived, says Peter", NAME),
    ("By now", "Peter says by now", NAME),
    ("“Kettle 2”", "“Lamp 2”", NAME),
    ("Kettle 2", "item 2", "leaves out a name"),
    ("I will see to it", "I will see to it and we will refund you", PROMISE),
    ("I will see to it", "you get it free", PROMISE),
    ("I will see to it", "I'll see to it and I’ll call", PROMISE),
    ("missing", "missing today", PROMISE),
    ("anything is", "<b>anything</b> is", "marks of a page"),
    ("anything is", "**anything** is", "marks of a page"),
    ("anything is", "{{ anything }} is", "marks of a page"),
    ("anything", "any\u200bthing", "not seen"),
    ("anything", "any\u202ething", "not seen"),
    ("anything", "any\x1b[31mthing", "not seen"),
    ("anything", "что-то", "other letters"),
    ("ordered", "оrdered", "other letters"),  # a Cyrillic o
    ("If anything", "just checking in, if anything", "could go to anybody"),
    (EN, EN + " It is what it is, and so it is." * 20, "shorter or longer"),
    (EN, "You ordered.", "shorter or longer"),
    (EN, "x" * len(EN), "another language"),
    (EN, "It is what it is, and so we are what we are, and you are who you are, as they say. " * 2,
     "says something else"),
    (EN, "am 9. Juni 2026, vor 21 Tagen, haben Sie bei uns „Kettle 2“ bestellt, und es sollte da "
         "sein. Wenn nicht, ist hier die Seite: https://a.example/help und sonst ich.", DATE),
]  # fmt: skip


@pytest.mark.parametrize(("place", "words", "told"), CHANGED)
def test_what_changes_a_fact_is_not_taken(place: str, words: str, told: str) -> None:
    assert place in EN
    assert told in "; ".join(unfaithful(EN, EN.replace(place, words), "en", ["Kettle"]))


GERMAN = [
    ("vor 21 Tagen", "vor drei Wochen", NUMBER),
    ("9. Juni", "9. Juli", DATE),
    ("darum", "darum, versprochen", PROMISE),
    ("Ich kümmere mich darum", "Sie bekommen einen Gutschein", PROMISE),
    ("Ich kümmere mich darum", "Frau Schmidt kümmert sich darum", NAME),
    ("Inzwischen", "Seit drei Wochen", "other numbers in words"),
    (DE, "You ordered “Kettle 2” from us, 21 days ago, and it should be with you now. If it is "
         "not, answer and I see to it. (9. Juni 2026)", "another language"),
]  # fmt: skip


@pytest.mark.parametrize(("place", "words", "told"), GERMAN)
def test_nor_in_german(place: str, words: str, told: str) -> None:
    assert told in "; ".join(unfaithful(DE, DE.replace(place, words), "de"))


def test_two_dates_must_not_change_places() -> None:
    draft = "You wrote on June 9, 2026 and we answered on July 3, 2026."
    swapped = "You wrote on June 3, 2026 and we answered on July 9, 2026."
    assert unfaithful(draft, swapped, "en") == ["it has other dates"]


def test_no_letter_is_rewritten_in_a_language_that_cannot_be_held_to_its_words() -> None:
    assert unfaithful("Il 9 giugno.", "Il 9 giugno.", "it") == [
        "letters are rewritten in en, de, es, fr only"
    ]


def test_no_reason_quotes_the_letter() -> None:
    for place, words, _ in CHANGED:
        for why in unfaithful(EN, EN.replace(place, words), "en"):
            assert not {"Peter", "Lamp", "b.example", "22", "10"} & set(why.split())
