"""An e-mail in its parts, read in bounded time and memory.

The standard library's parser is not used on what strangers send: 150 kB of nested parts and empty
lines keep it busy for 19 s (docs/decisions/0032-inbound.md).
"""

from __future__ import annotations

import base64
import html
import quopri
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

# Bytes of a message that are looked at: an answer's words and a report come before what they quote.
MOST = 256 * 1024
_DEEPEST = 4  # multipart/report holds message/rfc822 holds multipart/alternative, and one to spare
_PARTS = 20
_HEADERS = 500
_LONGEST = 8_000  # characters of a header
_NAME = re.compile(r"[!-9;-~]+")  # RFC 5322, 2.2
_TYPE = re.compile(r"\s*([\w.+-]+/[\w.+-]+)", re.A)
_RETURNED = frozenset(
    {"message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers"}
)
# Decoders that take time in proportion, unlike `punycode` and `idna`.
_CHARSET = re.compile(
    r"(us-ascii|utf-?8|utf-?16(le|be)?|iso-8859-\d+|(windows-|cp)125\d|koi8-[ru]|gb2312|gbk|gb18030"
    r"|big5|shift_jis|euc-(jp|kr)|iso-2022-jp)"
)

_UNSEEN = re.compile(r"<(style|script|blockquote)\b[^<>]*>", re.I)
_ENDS = re.compile(r"</(style|script)\b[^<>]*>", re.I)


@dataclass(frozen=True)
class Part:
    """A message or a part of one. `headers`: lower-case name to values, unfolded. `parts`: of a
    multipart, or the one message that it carries."""

    headers: Mapping[str, tuple[str, ...]]
    content: bytes  # as it was transferred; lines end in \n
    parts: tuple[Part, ...] = ()

    def header(self, name: str) -> str:
        """Its first value; empty where there is none."""
        return self.headers.get(name, ("",))[0].strip()

    @property
    def type(self) -> str:
        """Such as text/plain, which it is where nothing is said (RFC 2045, 5.2)."""
        found = _TYPE.match(self.header("content-type"))
        return found[1].lower() if found else "text/plain"

    def parameter(self, name: str) -> str:
        """Of its Content-Type; empty where there is none."""
        pattern = rf';\s*{name}\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))'
        found = re.search(pattern, self.header("content-type"), re.I)
        return (
            re.sub(r"\\(.)", r"\1", found[1]) if found and found[1] else found[2] if found else ""
        )

    @property
    def carries_a_message(self) -> bool:
        return self.type in _RETURNED

    def walk(self) -> Iterator[Part]:
        """It and its parts, but for those of messages that it carries."""
        yield self
        if not self.carries_a_message:
            for part in self.parts:
                yield from part.walk()

    def text(self) -> str:
        """Its content, decoded; whatever cannot be is replaced."""
        charset = self.parameter("charset").lower()
        known = _CHARSET.fullmatch(charset) and charset != "us-ascii"
        try:
            return self._decoded().decode(charset if known else "utf-8", "replace")
        except LookupError:  # iso-8859-99
            return self._decoded().decode("utf-8", "replace")

    def _decoded(self) -> bytes:
        how = self.header("content-transfer-encoding").lower()
        if how == "base64":
            letters = re.sub(rb"[^A-Za-z0-9+/]", b"", self.content)
            whole = len(letters) - (len(letters) % 4 == 1)
            return base64.b64decode(letters[:whole] + b"=" * (-whole % 4))
        return quopri.decodestring(self.content) if how == "quoted-printable" else self.content


def read(raw: bytes, depth: int = 0) -> Part:
    """The message in its parts: of its first `MOST` bytes, a few levels deep. Never raises."""
    lines = raw[:MOST].replace(b"\r\n", b"\n")
    head, _, content = (b"", b"", lines[1:]) if lines[:1] == b"\n" else lines.partition(b"\n\n")
    part = Part(fields(head), content)
    if depth >= _DEEPEST:
        return part
    if part.carries_a_message:
        return Part(part.headers, content, (read(content, depth + 1),))
    if part.type.startswith("multipart/") and (boundary := part.parameter("boundary")):
        some = tuple(read(each, depth + 1) for each in _split(content, boundary))
        return Part(part.headers, content, some)
    return part


def fields(head: bytes) -> dict[str, tuple[str, ...]]:
    """Header fields: lower-case name to its values in order, what was folded put together."""
    found: dict[str, tuple[str, ...]] = {}
    unfolded = re.sub(rb"\n[ \t]+", b" ", head).decode("utf-8", "replace")
    for line in unfolded.split("\n", _HEADERS)[:_HEADERS]:
        name, colon, value = line.partition(":")
        if colon and _NAME.fullmatch(name := name.rstrip()):
            found[name.lower()] = (*found.get(name.lower(), ())[:9], value[:_LONGEST])
    return found


def words(message: Part) -> str:
    """The text of a message: its first plain part, or else its first HTML part without marks."""
    texts = [part for part in message.walk() if not part.parts]
    for kind in "text/plain", "text/html":
        for part in texts:
            if part.type == kind:
                return part.text() if kind == "text/plain" else _unmarked(part.text())
    return ""


def _split(content: bytes, boundary: str) -> Iterator[bytes]:
    mark = re.compile(rb"^--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*$\n?", re.M)
    start = None
    for many, found in enumerate(mark.finditer(content)):
        if start is not None:
            yield content[start : found.start()]
        if found[1] or many >= _PARTS:
            return
        start = found.end()
    if start is not None:
        yield content[start:]  # it was cut off


def _unmarked(source: str) -> str:
    """What an HTML part says, up to what it quotes."""
    shown, at = [], 0
    for found in _UNSEEN.finditer(source):
        if found.start() < at:
            continue
        shown.append(source[at : found.start()])
        end = None if found[1].lower() == "blockquote" else _ENDS.search(source, found.end())
        if end is None:
            break
        at = end.end()
    else:
        shown.append(source[at:])
    broken = re.sub(r"(?i)<(br|/p|/div|/tr|/li|/h\d)\b[^<>]*>", "\n", "".join(shown))
    return html.unescape(re.sub(r"<[^<>]*>", "", broken))
