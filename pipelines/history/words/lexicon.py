"""The lists of words, one file a language, and a company's own.

An entry is one word or several. `*` at the end of a word stands for any ending, `a/b` for either,
`...` between words for up to three others. Case, accents and kinds of apostrophe do not matter;
`ä`, `ö`, `ü` may be spelled `ae`, `oe`, `ue`. `negators` turn what follows them, at once or after
`fillers` only: "not at all happy". `negators_after` do so from behind. `only_negated` is bad after
a negation, and nothing by itself. `harmless` is taken out before anything is looked for.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from models.errors import WrongUsage

CODER_VERSION = 1  # raised when the same lists would code the same words otherwise
TONES = ("positive", "negative", "leaving")  # what a negation turns or takes back
KEYS = (
    "negators", "negators_after", "fillers", *TONES, "only_negated", "effort", "refused",
    "harmless",
)  # fmt: skip
FILES = ("en.toml", "de.toml", "fr.toml", "es.toml", "it.toml", "signs.toml")


@dataclass(frozen=True)
class Lexicon:
    """Lists of entries by name (see `KEYS`), for each language; a company's own come last."""

    languages: tuple[Mapping[str, tuple[str, ...]], ...]
    version: str  # a short hash of all that decides how words are coded

    def every(self, key: str) -> tuple[str, ...]:
        """The entries of one list, of all languages."""
        return tuple(entry for language in self.languages for entry in language.get(key, ()))


@cache
def lexicon(path: str = "") -> Lexicon:
    """The lists that ship, and those of the TOML file at `path`, if any.

    Raises `WrongUsage` where that cannot be read, or holds something else.
    """
    folder = Path(__file__).parent
    texts = [(folder / name).read_text(encoding="utf-8") for name in FILES]
    if path:
        texts.append(_own(Path(path)))
    hashed = hashlib.sha256(repr((CODER_VERSION, texts)).encode()).hexdigest()[:12]
    languages = [_language(text, path) for text in texts]
    return Lexicon(tuple(languages), hashed)


def _own(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise _wrong(str(path), "there is no such file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(str(path), str(error)) from error


def _language(text: str, path: str) -> Mapping[str, tuple[str, ...]]:
    try:
        lists = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _wrong(path, f"it is not valid TOML: {error}") from error
    for key, entries in lists.items():
        if key not in KEYS:
            raise _wrong(path, f"unknown list {key!r}; known: {', '.join(KEYS)}")
        if not isinstance(entries, list) or not all(map(_is_entry, entries)):
            raise _wrong(path, f"{key} is no list of words; an entry begins and ends with a word")
    return {key: tuple(entries) for key, entries in lists.items()}


def _is_entry(entry: object) -> bool:
    """Some words, of which neither the first nor the last is the gap, and none a bare star."""
    words = entry.split() if isinstance(entry, str) else []
    return bool(words) and "..." not in (words[0], words[-1]) and "*" not in words


def _wrong(path: str, why: str) -> WrongUsage:
    return WrongUsage(
        f"the words in {path} ([features] words) cannot be used: {why}. "
        "docs/guides/words.md shows how lists are written. Nothing was changed."
    )


OURS = lexicon()
