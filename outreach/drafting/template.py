"""One letter's words: a text file whose first line is the subject, filled in from `Facts`.

Rendered in Jinja's sandbox. What is not known becomes a gap, which is shown, and kept from sending.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from jinja2 import TemplateError, Undefined
from jinja2.exceptions import SecurityError

from models.errors import WrongUsage
from outreach.drafting.facts import NAMES, SPECIFIC, Facts
from outreach.drafting.sandbox import Sandbox, read
from outreach.store.drafts import gap

SUBJECT = "Subject:"
MOST_SUBJECT = 90  # characters; mail programs on a telephone show 40 to 60
MOST_WORDS = 5_000  # characters of a letter
# How a letter begins that says nothing, in lower case.
EMPTY_PHRASES = (
    "just checking in", "touching base", "hope this finds you well", "following up on my last",
    "wollte nur mal nachfragen", "wollte mich nur kurz melden", "hoffe, es geht ihnen gut",
    "solo quería saber", "espero que se encuentre bien", "solo le escribo para",
    "je voulais juste prendre", "j'espère que vous allez bien",
)  # fmt: skip


@dataclass(frozen=True)
class Words:
    """A letter filled in. `gaps`: what it wanted to say and nobody knows."""

    subject: str
    text: str
    gaps: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """A letter in one language (a BCP 47 tag), from the file `origin`."""

    source: str
    language: str
    origin: str

    def render(self, facts: Facts) -> Words:
        """The letter. Raises `WrongUsage` where the template does not work."""
        gaps: list[str] = []

        class Gap(Undefined):
            """What is not known: shown as a gap, and untrue in a condition."""

            def __str__(self) -> str:
                named = self._undefined_name or "?"
                gaps.append(named)
                return gap(named)

        environment = Sandbox(undefined=Gap, autoescape=False)
        try:
            text = environment.from_string(self.source).render(self._said(facts))
        except (TemplateError, SecurityError, ArithmeticError, TypeError) as error:
            raise WrongUsage(f"{self.origin}: {type(error).__name__}: {error}") from None
        first, _, rest = text.partition("\n")
        subject = " ".join(first.removeprefix(SUBJECT).split())
        return Words(subject, rest.strip() + "\n", tuple(dict.fromkeys(gaps)))

    def problems(self) -> Iterator[str]:
        """Why it must not be used, in sentences; none for a good one."""
        first, _, rest = self.source.partition("\n")
        if not first.startswith(SUBJECT) or not first.removeprefix(SUBJECT).strip():
            yield f"its first line must be `{SUBJECT} ...`"
        if not rest.strip():
            yield "it has no words"
        if not self._locale:
            yield f"{self.language!r} is no language (BCP 47)"
        low = self.source.lower()
        for phrase in EMPTY_PHRASES:
            if phrase in low:
                yield f"{phrase!r} could go to anybody: say why you write"
        yield from self._wrong_names()

    def _wrong_names(self) -> Iterator[str]:
        used, wrong = read(self.source)
        yield from wrong
        if wrong:
            return
        for name in sorted(used - NAMES):
            yield f"`{name}` is nothing a letter may say (docs/guides/letters.md lists what is)"
        if not used & SPECIFIC:
            yield "it gives no reason of this customer's: use one of their dated facts"
        if "sender" not in used:
            yield "nobody signs it: use `sender`"
        if "company" not in used:
            yield "it does not say why they get it: name the `company` whose customers they are"

    @cached_property
    def _locale(self) -> Locale | None:
        try:
            return Locale.parse(self.language, sep="-")
        except (UnknownLocaleError, ValueError):
            return None

    def _said(self, facts: Facts) -> dict[str, Any]:
        """What is known, in words of the language."""
        plain = {
            "name": _line(facts.name), "company": _line(facts.company),
            "sender": _line(facts.sender), "offer": facts.offer or None, "days": facts.days,
        }  # fmt: skip
        dates = {
            name: format_date(at.astimezone(facts.zone), "long", locale=self._locale or "en")
            for name, at in facts.dates.items()
        }
        about = {name: _line(said) for name, said in facts.about.items()}
        return {n: said for n, said in {**plain, **dates, **about}.items() if said is not None}


def _line(text: str | None) -> str | None:
    """A name on one line, None for an empty one. It is put in as text and never as a template."""
    return " ".join((text or "").split()) or None
