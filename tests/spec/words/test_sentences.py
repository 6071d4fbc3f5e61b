"""What words say, sentence by sentence."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from models.contracts import KIND_CODE, KINDS, SAID, TONE_KINDS
from models.errors import WrongUsage
from models.settings import load
from pipelines.history.words import Lexicon, coder, lexicon
from pipelines.history.words.expressions import BLOCK, Coder
from pipelines.history.words.lexicon import OURS
from tests.spec.words.sentences import TEXTS, sentences

SENTENCES = sentences()


def said(texts: list[str | None], kind: str = "message_in", by: Lexicon = OURS) -> list[set[str]]:
    kinds = np.full(len(texts), KIND_CODE[kind], np.int16)
    found = coder(by).code(pa.array(texts, pa.string()), kinds)
    return [{word for n, word in enumerate(SAID) if bits >> n & 1} for bits in found.tolist()]


@pytest.mark.parametrize("language", list(TEXTS))
def test_a_sentence_says_what_its_reader_would_say(language):
    mine = [(text, codes) for spoken, text, codes in SENTENCES if spoken == language]
    found = [found - {"text"} for found in said([text for text, _ in mine])]
    assert dict(zip([text for text, _ in mine], found, strict=True)) == dict(mine)


def test_there_are_sentences_enough_of_each_language():
    many = [language for language, _, _ in SENTENCES]
    assert len(many) >= 150
    assert min(many.count(language) for language in ("en", "de", "fr", "es", "it")) >= 20


def test_no_list_of_one_language_reads_something_into_another():
    """False friends: all languages at once say what the sentence's own language alone says."""
    for place, language in enumerate(("en", "de", "fr", "es", "it")):
        alone = Coder(Lexicon((OURS.languages[place],), language))
        texts = [text for spoken, text, _ in SENTENCES if spoken == language]
        kinds = np.full(len(texts), KIND_CODE["message_in"], np.int16)
        assert alone.code(pa.array(texts), kinds).tolist() == (
            coder().code(pa.array(texts), kinds).tolist()
        )


def test_only_the_customers_own_kinds_have_a_tone():
    text = "I am furious and cancel my contract. There is nothing we can do."
    with_tone = {kind for kind in KINDS if "negative" in said([text], kind)[0]}
    assert with_tone == set(TONE_KINDS)
    assert said([text], "message_out") == [{"text", "refused"}]
    assert said([text], "meeting_held") == [set()]


@pytest.mark.parametrize(
    "answer",
    [
        "Unfortunately there is nothing we can do.",
        "Da können wir leider nichts machen.",
        "Malheureusement nous ne pouvons rien faire.",
        "No podemos hacer nada.",
        "Purtroppo non possiamo fare nulla.",
    ],
)
def test_an_answer_that_nothing_can_be_done_is_a_refusal(answer):
    assert said([answer], "message_out") == [{"text", "refused"}]


def test_no_words_say_nothing_and_blank_ones_are_none():
    assert said([None, "", " \n", "ok"]) == [set(), set(), set(), {"text"}]
    assert said([]) == []


def test_spelling_accents_and_apostrophes_do_not_matter():
    spelled = ["DÉÇU", "decu", "De\u0301c\u0327u", "Ich kuendige", "ICH KÜNDIGE", "I’m not happy"]
    assert [found - {"text"} for found in said(spelled)] == [
        {"negative"}, {"negative"}, {"negative"}, {"leaving"}, {"leaving"}, {"negative"},
    ]  # fmt: skip


def test_a_slice_and_several_blocks_are_coded_as_each_by_itself():
    texts = pa.chunked_array([["no", "déçu", None], ["I am happy"]] * (BLOCK // 2)).slice(1)
    found = coder().code(texts, np.full(len(texts), KIND_CODE["complaint"], np.int16))
    assert found[:7].tolist() == [3, 0, 5, 1, 3, 0, 5]
    assert (found[3:].reshape(-1, 4) == [1, 3, 0, 5]).all()


def test_a_hostile_text_is_coded_in_time_that_grows_with_its_length():
    text = "not so very really " * 50_000 + "cancel my " * 50_000
    assert said([text]) == [{"text"}]


def test_a_companys_own_words_come_beside_ours(tmp_path):
    path = tmp_path / "words.toml"
    path.write_text(
        'harmless = ["frust buster"]\nleaving = ["opsag*"]\nnegators = ["ikke"]\n'
        'positive = ["glad for"]\n'
    )
    own = lexicon(str(path))
    texts = ["Wir nutzen Frust Buster", "Jeg opsagde", "ikke glad for det", "I am happy"]
    assert [found - {"text"} for found in said(texts, by=own)] == [
        set(), {"leaving"}, {"negative"}, {"positive"},
    ]  # fmt: skip
    assert own.version != OURS.version
    path.write_text(path.read_text() + 'effort = ["bøvl"]\n')
    lexicon.cache_clear()
    assert lexicon(str(path)).version not in (own.version, OURS.version)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("negative = [", "not valid TOML"),
        ('angry = ["x"]', "unknown list 'angry'; known: negators"),
        ('negative = "x"', "negative is no list of words"),
        ('negative = ["... x"]', "negative is no list of words"),
        ('negative = [""]', "negative is no list of words"),
        ('negative = ["*"]', "negative is no list of words"),
    ],
)
def test_words_that_cannot_be_used_are_refused(tmp_path, text, words):
    path = tmp_path / "words.toml"
    path.write_text(text)
    with pytest.raises(WrongUsage) as error:
        lexicon(str(path))
    assert words in str(error.value)
    assert str(path) in str(error.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(WrongUsage, match="there is no such file"):
        lexicon(str(tmp_path / "words.toml"))


def test_the_guides_own_words_can_be_used(tmp_path):
    guide = Path(__file__).parents[3] / "docs" / "guides" / "words.md"
    lists, settings = re.findall(r"```toml\n(.*?)```", guide.read_text(), flags=re.DOTALL)
    (tmp_path / "words.toml").write_text(lists)
    (tmp_path / "warmline.toml").write_text(settings)
    own = lexicon(load(tmp_path, {}).features.words)
    texts = ["How do I port out my number?", "Can I port my number?", "Jeg opsiger aftalen",
             "Frust Buster is our product", "My ticket was reopened"]  # fmt: skip
    assert [found - {"text"} for found in said(texts, by=own)] == [
        set(), {"leaving"}, {"leaving"}, set(), {"effort"},
    ]  # fmt: skip
