"""The HTML part of a letter, made from its text: the same words, and nothing that is fetched.

One template for all letters: ours, or a home's `templates/twin.html`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from babel import Locale, UnknownLocaleError
from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.exceptions import SecurityError
from markupsafe import Markup, escape

from models.errors import WrongUsage
from outreach.drafting.library import OURS
from outreach.drafting.sandbox import Sandbox, read
from outreach.drafting.twin_lint import looked_at

FILE = "twin.html"
NAMES = frozenset({"lang", "dir", "subject", "paragraphs", "foot"})
_URL = r"https?://[^\s<>\"]*[^\s<>\".,;:!?)\]']"
_RTL = ("R", "AL")  # of a character's direction (Unicode, UAX 9)


@dataclass(frozen=True)
class Foot:
    """A line under a letter; where it leads, for a link."""

    words: str
    url: str | None = None

    def text(self) -> str:
        """It in a plain text."""
        return self.words if self.url in (None, self.words) else f"{self.words}: {self.url}"

    def html(self) -> Markup:
        """It as HTML."""
        if self.url is None:  # each line runs as it is written: "10115 Berlin", wherever it stands
            lines = (Markup("<bdi>{}</bdi>").format(line) for line in self.words.splitlines())
            return Markup("<br>\n").join(lines)
        way = Markup(' dir="ltr"') if self.words == self.url else ""
        return Markup('<a href="{}"{}>{}</a>').format(self.url, way, self.words)


@dataclass(frozen=True)
class Twin:
    """The template of the HTML parts, from the file `origin`."""

    source: str
    origin: str
    _kept: list[Template] = field(default_factory=list, compare=False)

    @classmethod
    def of(cls, home: Path | None = None) -> Twin:
        """The home's, or ours. Raises `WrongUsage` for one that must not be used, with all that is
        wrong with it."""
        path = home / "templates" / FILE if home else OURS / FILE
        if home and not path.is_file():
            return cls.of()
        try:
            twin = cls(path.read_text(encoding="utf-8"), str(path))
        except (UnicodeDecodeError, OSError) as error:
            raise WrongUsage(f"{path} cannot be read: {error}") from None
        if wrong := list(twin.problems()):
            raise WrongUsage(f"{path} must not be used: {'; '.join(wrong)}.")
        return twin

    def render(
        self, text: str, *, language: str, subject: str = "", names: Sequence[str] = (),
        foot: Sequence[Foot] = (),
    ) -> str:  # fmt: skip
        """The page for `text` in `language` (BCP 47). Web addresses become links; those of `names`
        that run against the page's direction are set apart, so that they turn nothing around.
        Raises `WrongUsage` where the template does not work."""
        page = direction(language)
        turned = [name for name in names if name and _runs(name) not in (None, page)]
        paragraphs = [_marked(each, turned) for each in re.split(r"\n\s*\n", text.strip())]
        try:
            return self._template().render(
                lang=language, dir=page, subject=subject, paragraphs=paragraphs,
                foot=[each.html() for each in foot],
            )  # fmt: skip
        except (TemplateError, SecurityError, ArithmeticError, TypeError) as error:
            raise WrongUsage(f"{self.origin}: {type(error).__name__}: {error}") from None

    def _template(self) -> Template:
        if not self._kept:
            environment = Sandbox(undefined=StrictUndefined, autoescape=True)
            self._kept.append(environment.from_string(self.source))
        return self._kept[0]

    def problems(self) -> Iterator[str]:
        """Why it must not be used, in sentences; none for a good one."""
        used, wrong = read(self.source)
        yield from wrong
        if wrong:
            return
        for name in sorted(used - NAMES):
            yield f"`{name}` is nothing that it is given: {', '.join(sorted(NAMES))} are"
        for name in sorted(NAMES - used):
            yield f"it does not use `{name}`"
        if used == NAMES:
            try:
                yield from self._shown_wrong()
            except WrongUsage as error:
                yield str(error)

    def _shown_wrong(self) -> Iterator[str]:
        """What is wrong with letters that it is tried on."""
        text = "Hello <Ann> & co,\n\none line\nand https://example.org/?a=1&b=2.\n\nInes\n"
        foot = (Foot("1 Main St\nSpringfield"), Foot("Unsubscribe", "https://example.org/u"))
        longest = self.render("Words of five letters. " * 220, language="en", foot=foot)
        page = looked_at(self.render(text, language="ar", subject="A <subject>", foot=foot))
        yield from dict.fromkeys([*page.wrong, *looked_at(longest).wrong])
        root = page.attributes.get("html", {})
        if (root.get("lang"), root.get("dir")) != ("ar", "rtl"):
            yield 'it must begin with <html lang="{{ lang }}" dir="{{ dir }}">'
        if page.attributes.get("meta", {}).get("charset", "").lower() != "utf-8":
            yield '<meta charset="utf-8"> must be its first <meta>'
        if page.title.strip() != "A <subject>":
            yield "its <title> must be {{ subject }}"
        said = (
            " ".join(words.split()) for words in (*text.split("\n\n"), *(f.words for f in foot))
        )
        places = [page.seen.find(words) for words in said]
        if -1 in places or places != sorted(places):
            yield "it does not show all words of the letter, as they are and in their order"


def direction(language: str) -> str:
    """`rtl` or `ltr`: how a language (BCP 47) is written."""
    try:
        found: str = Locale.parse(language, sep="-").text_direction
    except (UnknownLocaleError, ValueError):
        return "ltr"
    return found


def _runs(name: str) -> str | None:
    """How a name is written, by its first letter that says so; None where none does."""
    for sign in name:
        kind = unicodedata.bidirectional(sign)
        if kind in _RTL or kind == "L":
            return "rtl" if kind in _RTL else "ltr"
    return None


def _marked(text: str, turned: Sequence[str]) -> Markup:
    """`text` as HTML: escaped, its lines apart, web addresses as links, `turned` names apart."""
    known = sorted(turned, key=len, reverse=True)
    found = re.compile("|".join([*(re.escape(name) for name in known), _URL]))
    lines = []
    for line in text.splitlines():
        done, parts = 0, []
        for match in found.finditer(line):
            parts += [escape(line[done : match.start()]), _set_apart(match[0], turned)]
            done = match.end()
        lines.append(Markup().join([*parts, escape(line[done:])]))
    return Markup("<br>\n").join(lines)


def _set_apart(words: str, turned: Sequence[str]) -> Markup:
    if words in turned:
        return Markup('<bdi dir="{}">{}</bdi>').format(_runs(words), words)
    return Foot(words, words).html()
