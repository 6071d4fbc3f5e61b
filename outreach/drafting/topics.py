"""What a letter calls a topic: in the company's words, or as its systems do where that reads well.

A topic is a category or an item; but some feeds fill it with subject lines, and some categories are
not for customers. So what is not listed is said only where it is short and plain.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from models.errors import WrongUsage

FILE = "topics.toml"  # of a home, in HOME/templates/LANGUAGE/
MOST, MOST_WORDS = 40, 5  # characters and words of a topic that is not listed
MOST_LISTED = 80  # characters
# Letters, digits and what joins them: no code (`late_delivery`), address, sentence or long number.
_PLAIN = re.compile(r"[^\W_](?:[^\W_]|[ '’&+-]|,(?= )|\.(?=\d))*")
_LONG_NUMBER = re.compile(r"\d{6}")
_CASE = re.compile(r"#?[A-Za-z]{0,4}[-#/]?\d{1,12}")  # a number that people tell each other


@dataclass(frozen=True)
class Topics:
    """How topics are called in one language: words by topic, '' for what is never said."""

    words: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Topics:
        """Of a file; none where it is not there. Raises `WrongUsage`."""
        if not path.is_file():
            return cls()
        try:
            told = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise WrongUsage(f"{path} cannot be read: {error}") from None
        for topic, words in told.items():
            if not isinstance(words, str) or len(words) > MOST_LISTED or not words.isprintable():
                raise WrongUsage(
                    f'{path}: {topic!r} needs words on one line, as "{topic}" = "invoices", of '
                    f'{MOST_LISTED} characters at most; "" is never said.'
                )
        return cls({topic.strip().casefold(): words.strip() for topic, words in told.items()})

    def said(self, topic: str | None, *, as_it_is: bool) -> str | None:
        """A topic in words; None where none is to be said. `as_it_is`: whether one that is not
        listed may be, where it is plain."""
        called = " ".join((topic or "").split())
        listed = self.words.get(called.casefold())
        if listed is not None:
            return listed or None
        return called if as_it_is and plain(called) else None


def plain(topic: str) -> bool:
    """Whether it reads as the name of a thing."""
    return (
        len(topic) <= MOST
        and len(topic.split()) <= MOST_WORDS
        and _PLAIN.fullmatch(topic) is not None
        and any(sign.isalpha() for sign in topic)
        and not _LONG_NUMBER.search(topic)
    )


def case_number(case_id: str | None) -> str | None:
    """A case's number, where it looks like one that its customer was told."""
    return case_id if case_id and _CASE.fullmatch(case_id) else None
