"""All that names one person, and how to find and replace it in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

# A shorter id ("17") stands in many words by chance: it is looked for as a whole value only.
TELLING = 4


@dataclass(frozen=True)
class Person:
    """One customer under every name that the home knows.

    `customer_id` is the id that survives all merges; `ids` holds it and all that were merged into
    it, `numbers` their numbers in the history (none for a person of whom only pending rows came).
    """

    customer_id: str
    ids: tuple[str, ...]
    numbers: tuple[int, ...]
    aliases: tuple[tuple[str, str], ...] = ()  # system and external id
    sole: tuple[str, ...] = ()  # external ids that mean nobody else, in any system
    contact_ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def of_dict(cls, facts: dict[str, Any]) -> Person:
        """From what `to_dict` gave, read back from JSON."""
        words = {name: tuple(value) for name, value in facts.items() if name != "customer_id"}
        words["aliases"] = tuple((system, external) for system, external in facts["aliases"])
        return cls(customer_id=facts["customer_id"], **words)

    @cached_property
    def traces(self) -> Traces:
        """How to find the person in words."""
        external = (external for _, external in self.aliases)
        return Traces((*self.ids, *external, *self.contact_ids, *self.personal))

    @property
    def personal(self) -> tuple[str, ...]:
        """Names, addresses and numbers."""
        return (*self.names, *self.emails, *self.phones)


@dataclass(frozen=True)
class Traces:
    """Words that name a person. A word counts as found where it stands alone, in any case."""

    words: Sequence[str]

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(word.strip().casefold() for word in self.words if word.strip())

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        telling = sorted((w for w in self._known if len(w) >= TELLING), key=len, reverse=True)
        if not telling:
            return None
        return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, telling))})(?![\w-])", re.I)

    def within(self, text: str) -> bool:
        """Whether `text` names the person."""
        if text.strip().casefold() in self._known:
            return True
        return self._pattern is not None and self._pattern.search(text) is not None

    def replaced(self, text: str, by: str) -> str:
        """`text` with `by` in place of each trace."""
        if text.strip().casefold() in self._known:
            return by
        return text if self._pattern is None else self._pattern.sub(by, text)

    def cleared(self, value: Any, by: str) -> Any:
        """A JSON value with `by` in place of each trace, in keys too; itself where it has none."""
        if isinstance(value, str):
            return self.replaced(value, by)
        if isinstance(value, list):
            return [self.cleared(one, by) for one in value]
        if isinstance(value, dict):
            return {self.replaced(key, by): self.cleared(one, by) for key, one in value.items()}
        return value

    def cleared_lines(self, lines: Sequence[str], by: str) -> Iterator[str]:
        """Lines of JSON without the traces; those that have none to the byte as they were."""
        for line in lines:
            try:
                value = json.loads(line)
            except ValueError:
                yield self.replaced(line, by)
                continue
            clear = self.cleared(value, by)
            yield line if clear == value else json.dumps(clear, ensure_ascii=False)
