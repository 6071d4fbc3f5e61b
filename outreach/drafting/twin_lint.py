"""What the HTML of a letter may be: read by every program, fetching nothing, hiding nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser

# Gmail shows no more of a message than 102 kB (support.google.com/mail: "message clipped").
MOST_BYTES = 100_000
TAGS = frozenset({
    "a", "b", "bdi", "body", "br", "div", "em", "footer", "h1", "h2", "h3", "head", "header", "hr",
    "html", "i", "li", "main", "meta", "ol", "p", "span", "strong", "style", "table", "tbody",
    "td", "th", "title", "tr", "ul",
})  # fmt: skip
_VOID = frozenset({"br", "hr", "meta"})
_WITHIN = frozenset({"a", "b", "bdi", "em", "i", "span", "strong"})  # a line
ATTRIBUTES = frozenset({
    "align", "bgcolor", "border", "cellpadding", "cellspacing", "charset", "class", "content",
    "dir", "height", "href", "lang", "name", "role", "style", "title", "valign", "width",
})  # fmt: skip
_LEADS = ("https://", "http://", "mailto:")
# What fetches or computes in a style sheet; a backslash would spell it otherwise.
_FETCHES = re.compile(r"url\s*\(|@import|image-set|expression|behavior|-moz-binding|\\", re.I)
_HIDES = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.I)


class Page(HTMLParser):
    """A page that was read: `wrong` says what of it has no place in a letter."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.attributes: dict[str, dict[str, str]] = {}  # of the first of each element
        self.title = ""

    @property
    def seen(self) -> str:
        """Its words as they are read, with single blanks."""
        return " ".join("".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.attributes.setdefault(tag, named)
        if tag not in TAGS:
            self.wrong.append(f"<{tag}> has no place in a letter")
        for name in sorted(named.keys() - ATTRIBUTES):
            self.wrong.append(f"<{tag} {name}=...> has no place in a letter")
        if "href" in named and not named["href"].startswith(_LEADS):
            self.wrong.append(f"a link must begin with {', '.join(_LEADS)}")
        if tag == "table" and named.get("role") != "presentation":
            self.wrong.append('a <table> needs role="presentation": readers tell of rows otherwise')
        self._style(named.get("style", ""))
        if tag not in _VOID:
            self.open.append(tag)
        if tag in ("br", "hr"):
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes what is not open")
        self.words.append("" if tag in _WITHIN else " ")

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside == "style":
            self._style(data)
        elif inside == "title":
            self.title += data
        else:
            self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.wrong.append("comments have no place in a letter: some programs run them")

    handle_pi = unknown_decl = handle_comment

    def _style(self, css: str) -> None:
        if found := _FETCHES.search(css):
            self.wrong.append(f"{found[0]!r} in a style fetches or computes: nothing may")
        if found := _HIDES.search(css):
            self.wrong.append(f"{found[0]!r} hides words")


def looked_at(page: str) -> Page:
    """Reads a page."""
    page_read = Page()
    page_read.feed(page)
    page_read.close()
    if page_read.open:
        page_read.wrong.append(f"<{page_read.open[-1]}> is not closed")
    if len(page.encode()) > MOST_BYTES:
        page_read.wrong.append(f"it takes more than {MOST_BYTES:,} bytes: programs cut it off")
    return page_read
