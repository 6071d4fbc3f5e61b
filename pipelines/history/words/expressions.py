"""From words to a few bits: which of `models.contracts.SAID` an interaction's words say.

Regular expressions of RE2, by pyarrow: linear in the length of the words, whatever somebody writes.
All languages at once (docs/decisions/0016-words.md).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import ANSWER_KINDS, KIND_CODE, SAID, TONE_KINDS
from pipelines.history.words.lexicon import OURS, TONES, Lexicon

if TYPE_CHECKING:
    import pyarrow as pa

Bits = NDArray[np.int8]
Flags = NDArray[np.bool_]

BIT = {name: np.int8(1 << position) for position, name in enumerate(SAID)}
NO = np.int8(0)
BLOCK = 65_536  # texts at a time: some 100 MB with their copies
GAP = r"[\s'’\-]+"  # between the words of an entry: no end of a sentence or clause
ANY_WORD = r"[^\s'’\-.,;:!?()]+"
FOUND = (*TONES, "only_negated", "effort")
# Characters that nobody writes, which stand for an entry: one that a negation before it turns or
# takes back, and one that begins with its own.
TURNED = {"negative": "\x02", "positive": "\x01", "leaving": "\x03", "only_negated": "\x04"}
BEGUN = {"negative": "\x05", "leaving": "\x06"}
FILLED = 3  # fillers between a negation and what it turns: "not at all very happy"
NOTHING = r"[^\s\S]"  # matches nothing: an empty list
# Letters that keep no accent when taken apart, or that people write in two ways.
SPELLED = {"ä": "ae?", "ö": "oe?", "ü": "ue?", "ß": "(?:ß|ss)", "œ": "(?:œ|oe)", "'": "['’ ]?"}
# Words that the writer did not write now: a quoted message, and what follows a signature's dashes
# or the line that a mail program puts above the message it answers.
QUOTED = (
    r"(?:^|\n)>[^\n]*"
    r"|(?:^|\n)(?:-- ?\r?\n|_{8,}|-{2,} ?(?:original message|ursprungliche nachricht"
    r"|message d'origine|mensaje original|messaggio originale)"
    r"|(?:on|am|le|el|il) [^\n]*\d[^\n]*(?:\n[^\n]*)?"
    r"(?:wrote|schrieb[^\n:]*|a ecrit|escribio|ha scritto) ?:\s*(?:\n|$)"
    r"|(?:from|von|de|da): [^\n]*\n(?:sent|gesendet|envoye|enviado|inviato): )(?s:.*)"
)


class Coder:
    """The lists of a lexicon as regular expressions."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._of = {key: _any(lexicon.every(key)) for key in (*FOUND, "refused", "harmless")}
        self._negators = _any((*lexicon.every("negators"), *lexicon.every("negators_after")))
        # "never again", "not renew": what a negation begins is not what it turns.
        begun = {key: _any(_begun(lexicon, key)) for key in BEGUN}
        marked = {key: self._of[key] for key in TURNED}
        self._marks = [*zip(BEGUN.values(), begun.values(), strict=True),
                       *zip(TURNED.values(), marked.values(), strict=True)]  # fmt: skip
        fillers = rf"(?:{_any(lexicon.every('fillers'))}{GAP}){{0,{FILLED}}}"
        before = rf"{_any(lexicon.every('negators'))}{GAP}{fillers}"
        behind = rf"{GAP}{fillers}{_any(lexicon.every('negators_after'))}"
        self._turned_round = _around(before, behind, (TURNED["positive"], TURNED["only_negated"]))
        self._taken_back = _around(before, behind, TURNED.values())

    def code(
        self, texts: pa.Array | pa.ChunkedArray, kinds: NDArray[np.integer], threads: int = 2
    ) -> Bits:
        """`said` of n interactions: their words (null: none), and the codes of their kinds.

        0 where there are no words, or none that are looked at.
        """
        said = np.zeros(len(kinds), np.int8)
        if texts.null_count == len(kinds):
            return said
        there = texts.is_valid().to_numpy(zero_copy_only=False)
        blocks = []
        for chosen, code in ((TONES_OF, self._customer), (ANSWERS, self._company)):
            rows = np.flatnonzero(there & chosen[kinds])
            blocks += [(rows[at : at + BLOCK], code) for at in range(0, len(rows), BLOCK)]

        def fill(block: tuple[NDArray[np.intp], Callable[[pa.Array], Bits]]) -> None:
            rows, code = block
            said[rows] = code(_folded(texts.take(rows)))

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(fill, blocks))
        return said

    def _customer(self, texts: pa.Array) -> Bits:
        said = _bits(text=_match(texts, r"\S"))
        found = self._found(texts)
        rows = np.flatnonzero(np.logical_or.reduce(list(found.values())))
        found = {key: flags[rows] for key, flags in found.items()}
        told = texts.take(rows)
        # Few say anything, fewer something harmless or negated: only those are looked at again.
        again = np.flatnonzero(_match(told, self._of["harmless"]))
        if len(again):
            meant = _without(told.take(again), self._of["harmless"])
            for key, flags in self._found(meant).items():
                found[key][again] = flags
            told = _put(told, again, meant)
        turned = np.logical_or.reduce([found[key] for key in TURNED])
        negated = np.flatnonzero(turned & _match(told, self._negators))
        if len(negated):
            for key, flags in self._left(told.take(negated)).items():
                found[key][negated] = flags
        said[rows] |= _bits(**{key: found[key] for key in (*TONES, "effort")})
        return said

    def _found(self, texts: pa.Array) -> dict[str, Flags]:
        return {key: _match(texts, self._of[key]) for key in FOUND}

    def _left(self, texts: pa.Array) -> dict[str, Flags]:
        """What is left of each tone when negations have turned it, or taken it back.

        Each entry becomes one mark, so that what lies around a negation is short to describe:
        with the words themselves the expression is too large for RE2's fast way.
        """
        for mark, pattern in self._marks:
            texts = _without(texts, pattern, mark)
        left = _without(texts, self._taken_back)
        marks = TURNED | {key: TURNED[key] + mark for key, mark in BEGUN.items()}
        found = {key: _match(left, f"[{marks[key]}]") for key in TONES}
        found["negative"] |= _match(texts, self._turned_round)
        return found

    def _company(self, texts: pa.Array) -> Bits:
        return _bits(text=_match(texts, r"\S"), refused=_match(texts, self._of["refused"]))


@cache
def _coders() -> dict[str, Coder]:
    return {}


def coder(lexicon: Lexicon = OURS) -> Coder:
    """The coder of a lexicon, made once."""
    known = _coders()
    if lexicon.version not in known:
        known[lexicon.version] = Coder(lexicon)
    return known[lexicon.version]


def _of_kinds(kinds: Iterable[str]) -> Flags:
    """Whether each kind, by code, is one of these."""
    flags = np.zeros(len(KIND_CODE), np.bool_)
    flags[[KIND_CODE[kind] for kind in kinds]] = True
    return flags


TONES_OF, ANSWERS = _of_kinds(TONE_KINDS), _of_kinds(ANSWER_KINDS)


def _folded(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """In small letters without accents, and without what was quoted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    small = pc.utf8_lower(whole.cast(pa.large_string()))
    plain = _mended(small, pc.invert(pc.string_is_ascii(small)), _without_accents)
    lines = pc.or_(pc.match_substring(plain, "\n"), pc.starts_with(plain, ">"))
    return _mended(plain, lines, lambda some: _without(some, QUOTED))


def _mended(texts: pa.Array, where: pa.Array, mend: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Only those `where` it is needed."""
    import pyarrow.compute as pc

    if not pc.any(where).as_py():
        return texts
    return pc.replace_with_mask(texts, where, mend(texts.filter(where)))


def _without_accents(texts: pa.Array) -> pa.Array:
    """Letters taken apart, and the accents (U+0300 to U+036F) left out.

    In UTF-8 each of them is CC and a byte, or CD and a byte under B0. As a regular expression this
    took longer than all others together.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    apart = pc.utf8_normalize(texts, "NFKD")
    _, offsets, content = apart.buffers()
    begin = np.frombuffer(offsets, np.int64)[apart.offset : apart.offset + len(apart) + 1]
    letters = np.frombuffer(content or b"", np.uint8)[: begin[-1]]
    first = letters[:-1]
    accents = np.flatnonzero((first == 0xCC) | ((first == 0xCD) & (letters[1:] < 0xB0)))
    kept = np.ones(len(letters), np.bool_)
    kept[accents] = kept[accents + 1] = False
    moved = begin - 2 * np.searchsorted(accents, begin)
    buffers = [None, pa.py_buffer(moved), pa.py_buffer(letters[kept])]
    return pa.Array.from_buffers(pa.large_string(), len(apart), buffers)


def _without(texts: pa.Array, pattern: str, instead: str = " . ") -> pa.Array:
    """What is left; words on both sides of what was taken out belong together no more."""
    import pyarrow.compute as pc

    return pc.replace_substring_regex(texts, pattern, instead)


def _put(texts: pa.Array, rows: NDArray[np.intp], others: pa.Array) -> pa.Array:
    """The texts with others in some rows, ascending."""
    import pyarrow as pa
    import pyarrow.compute as pc

    where = np.zeros(len(texts), np.bool_)
    where[rows] = True
    return pc.replace_with_mask(texts, pa.array(where), others)


def _bits(**flags: Flags) -> Bits:
    """The bits of what is said, n flags each."""
    several = [np.where(on, BIT[key], NO) for key, on in flags.items()]
    said: Bits = np.bitwise_or.reduce(several)
    return said


def _match(texts: pa.Array, pattern: str) -> Flags:
    import pyarrow.compute as pc

    found: Flags = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    return found


def _any(entries: Iterable[str]) -> str:
    """Any of the entries."""
    patterns = sorted({_entry(entry) for entry in entries})
    return f"(?:{'|'.join(patterns)})" if patterns else NOTHING


def _entry(entry: str) -> str:
    """One entry, between the bounds of words."""
    pattern, gap = "", ""
    for word in entry.lower().split():
        if word == "...":
            gap = rf"(?:{GAP}{ANY_WORD}){{0,3}}{GAP}"
            continue
        pattern += gap + _word(word)
        gap = GAP
    # A sign such as :( has no bounds.
    before, behind = (r"\b" if end.isalnum() or end == "*" else "" for end in (entry[0], entry[-1]))
    return before + pattern + behind


def _word(word: str) -> str:
    """One word: whatever is spelled in several ways, in all of them."""
    is_sign = not any(letter.isalnum() for letter in word)
    several = [_spelled(one) for one in ([word] if is_sign else word.split("/"))]
    return several[0] if len(several) == 1 else f"(?:{'|'.join(several)})"


def _spelled(word: str) -> str:
    stem = unicodedata.normalize("NFC", word.removesuffix("*"))
    letters = [SPELLED.get(letter) or re.escape(_bare(letter)) for letter in stem]
    return "".join(letters) + (r"[a-zß]*" if word.endswith("*") else "")


def _bare(letter: str) -> str:
    """Without its accent."""
    apart = unicodedata.normalize("NFKD", letter)
    return "".join(mark for mark in apart if unicodedata.category(mark) != "Mn")


def _around(before: str, behind: str, marks: Iterable[str]) -> str:
    """One of the marks with a negation before it or behind it."""
    mark = f"[{''.join(marks)}]"
    return f"{before}{mark}|{mark}{behind}"


def _begun(lexicon: Lexicon, key: str) -> Iterator[str]:
    """The entries that begin with a negation themselves."""
    for language in lexicon.languages:
        negators = {word for entry in language.get("negators", ()) for word in entry.split()[:1]}
        for entry in language.get(key, ()):
            if set(entry.split()[0].split("/")) & negators:
                yield entry
