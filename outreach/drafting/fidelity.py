"""Whether a rewritten letter still says what its draft says, and nothing else.

Held against words and forms, not against meaning: what it lets through a person looks at, and what
it wrongly refuses stays the draft that it was. No reason quotes the letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from babel import Locale

from outreach.drafting.template import EMPTY_PHRASES
from outreach.drafting.vocabulary import VOCABULARIES, Vocabulary

SHORTEST, LONGEST = 0.5, 1.6  # of the draft's characters; short drafts may grow by `ROOM`
ROOM = 60
LEAST_KEPT = 1 / 3  # of the draft's words that carry it
_WORD = re.compile(r"['’]ll\b|[^\W\d_]+")
_NUMBER = re.compile(r"\d+(?:[.,:/-]\d+)*")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+|\b[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}\b", re.I)
_MONEY = re.compile(r"[%‰$€£¥]")
_MARKUP = re.compile(r"[<>{}\[\]*_#`|\\⟦⟧]")


def unfaithful(before: str, after: str, language: str, names: Iterable[str] = ()) -> list[str]:
    """Why `after` must not take the place of `before`, both a letter's words without greeting and
    signature, in `language` (BCP 47); none where it may. `names`: those that have to stay."""
    vocabulary = VOCABULARIES.get(language.partition("-")[0].lower())
    if vocabulary is None:
        return [f"letters are rewritten in {', '.join(VOCABULARIES)} only"]
    if not SHORTEST * len(before) <= len(after) <= LONGEST * len(before) + ROOM:
        return ["it is much shorter or longer"]  # and looked at no further: it may be endless
    wrong = [*_wrong_form(before, after), *_wrong_facts(before, after, _dates(language))]
    wrong += _wrong_words(before, after, vocabulary, language)
    if any(before.count(name) > after.count(name) for name in names if name):
        wrong.append("it leaves out a name")
    return list(dict.fromkeys(wrong))


def _wrong_form(before: str, after: str) -> Iterator[str]:
    if not SHORTEST * len(before) <= len(after) <= LONGEST * len(before) + ROOM:
        yield "it is much shorter or longer"
    if any(
        unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs") for sign in after if sign != "\n"
    ):
        yield "it has characters that are not seen"
    if _new(_MARKUP.findall(before), _MARKUP.findall(after)):
        yield "it has marks of a page or a program"
    if any(
        unicodedata.normalize("NFKC", sign) != sign for sign in set(after) - set(before) - {"…"}
    ):
        yield "it has unusual characters"
    if _scripts(after) - _scripts(before):
        yield "it is written in other letters"


def _wrong_facts(before: str, after: str, dates: re.Pattern[str]) -> Iterator[str]:
    if Counter(_found(dates, before)) != Counter(_found(dates, after)):
        yield "it has other dates"
    rest = dates.sub(" ", before), dates.sub(" ", after)
    if Counter(_found(_ADDRESS, rest[0])) != Counter(_found(_ADDRESS, rest[1])):
        yield "it has other links or addresses"
    rest = _ADDRESS.sub(" ", rest[0]), _ADDRESS.sub(" ", rest[1])
    if Counter(_NUMBER.findall(rest[0])) != Counter(_NUMBER.findall(rest[1])):
        yield "it has other numbers"
    if any(sign.isnumeric() and not sign.isdecimal() for sign in set(after) - set(before)):
        yield "it has other numbers"
    if Counter(_MONEY.findall(before)) != Counter(_MONEY.findall(after)):
        yield "it has other amounts"


def _wrong_words(before: str, after: str, known: Vocabulary, language: str) -> Iterator[str]:
    was, now = _words(before), _words(after)
    if _more(was, now, lambda word: word.startswith(known.numbers)):
        yield "it has other numbers in words"
    if _more(was, now, lambda word: word in _calendar(language)):
        yield "it names another day or month"
    if _more(was, now, lambda word: word.startswith(known.promises) or word.endswith(known.future)):
        yield "it promises something else"
    named = {word.casefold() for word in _WORD.findall(after) if word[:1].isupper()}
    named -= {word for word in named if known.ordinary and word.endswith(known.ordinary)}
    if any(word not in was and word not in known.plain for word in named):
        yield "it has a name that is not in the draft"
    if any(phrase in after.casefold() for phrase in EMPTY_PHRASES):
        yield "it could go to anybody"
    if _share(now, known.plain) < _share(was, known.plain) / 2:
        yield "it is in another language"
    if _kept(was, now, known) < LEAST_KEPT:
        yield "it says something else"


def _dates(language: str) -> re.Pattern[str]:
    """Dates as letters write them: CLDR's long form of the language, and plain ones."""
    months = sorted(_months(language), key=len, reverse=True)
    month = "|".join(re.escape(name) for name in months)
    return re.compile(
        rf"\b(?:{month})\.? \d{{1,2}}, \d{{4}}\b"
        rf"|\b\d{{1,2}}(?:\.|er|º)?(?: de)? (?:{month})\.?(?:(?: de)? \d{{4}}\b)?"
        r"|\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b",
        re.I,
    )


def _months(language: str) -> set[str]:
    names = Locale.parse(language, sep="-").months["format"]
    return {
        str(name).rstrip(".") for width in ("wide", "abbreviated") for name in names[width].values()
    }


def _calendar(language: str) -> set[str]:
    """Names of months and days, of the language and in English, in lower case."""
    found = set[str]()
    for each in {language, "en"}:
        days = Locale.parse(each, sep="-").days["format"]["wide"].values()
        months = Locale.parse(each, sep="-").months["format"]["wide"].values()
        found |= {str(name).casefold() for name in (*days, *months)}
    return found - {"may", "march"}  # words of English as well; a date in full is looked at above


def _found(pattern: re.Pattern[str], text: str) -> list[str]:
    return [match[0].rstrip(".,;:!?)").casefold() for match in pattern.finditer(text)]


def _words(text: str) -> Counter[str]:
    return Counter(word.casefold().replace("’", "'") for word in _WORD.findall(text))


def _more(was: Counter[str], now: Counter[str], which: Callable[[str], bool]) -> bool:
    """Whether `now` has words of that kind that `was` has not, or has more often."""
    return any(count > was[word] for word, count in now.items() if which(word))


def _new(was: Iterable[str], now: Iterable[str]) -> bool:
    return bool(Counter(now) - Counter(was))


def _share(words: Counter[str], of: frozenset[str]) -> float:
    return sum(count for word, count in words.items() if word in of) / max(words.total(), 1)


def _kept(was: Counter[str], now: Counter[str], known: Vocabulary) -> float:
    """The share of the draft's words that are found again, by their first letters: words bend."""
    telling = {word[:5] for word in was if word not in known.plain and len(word) > 3}
    return len(telling & {word[:5] for word in now}) / len(telling) if telling else 1.0


def _scripts(text: str) -> set[str]:
    """The scripts of its letters, as Unicode's names begin: LATIN, CYRILLIC, ..."""
    return {unicodedata.name(sign, "?").split()[0] for sign in set(text) if sign.isalpha()}
