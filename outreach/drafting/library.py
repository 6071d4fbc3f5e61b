"""Where templates lie: ours beside this file, a company's in `HOME/templates/LANGUAGE/NAME.txt`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.errors import WrongUsage
from outreach.drafting import topics
from outreach.drafting.template import MOST_SUBJECT, MOST_WORDS, Template
from outreach.drafting.topics import Topics

OURS = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Library:
    """Templates by name and language; a home's file takes the place of ours."""

    folders: tuple[Path, ...]  # the first that has a file counts
    _read: dict[tuple[str, str], Template | None] = field(default_factory=dict)
    _topics: dict[str, Topics] = field(default_factory=dict)

    @classmethod
    def of(cls, home: Path) -> Library:
        return cls((home / "templates", OURS))

    def find(self, name: str, languages: Sequence[str]) -> Template | None:
        """The template in the first of `languages` that has it, also under its plain language
        (`de` for `de-AT`). Raises `WrongUsage` for one that must not be used."""
        for language in languages:
            for tag in dict.fromkeys((language, language.partition("-")[0])):
                if found := self._at(name, tag):
                    return found
        return None

    def names(self) -> list[str]:
        """Of every template there is, in whichever language."""
        return sorted({path.stem for each in self.folders for path in each.glob("*/*.txt")})

    def topics(self, language: str) -> Topics:
        """How topics are called in that language. Raises `WrongUsage`."""
        if language not in self._topics:
            found = (Topics.read(folder / language / topics.FILE) for folder in self.folders)
            self._topics[language] = next((each for each in found if each.words), Topics())
        return self._topics[language]

    def _at(self, name: str, language: str) -> Template | None:
        key = name, language
        if key not in self._read:
            self._read[key] = self._load(name, language)
        return self._read[key]

    def _load(self, name: str, language: str) -> Template | None:
        if not name or any(sign in f"{name}{language}" for sign in "/\\."):
            return None
        for folder in self.folders:
            path = folder / language / f"{name}.txt"
            if path.is_file():
                return read(path, language)
        return None

    def all(self) -> Iterator[Template]:
        """Every template there is; topics are read as well. Raises as `find`."""
        for folder in self.folders:
            for path in sorted(folder.glob(f"*/{topics.FILE}")):
                Topics.read(path)
            for path in sorted(folder.glob("*/*.txt")):
                yield read(path, path.parent.name)


def read(path: Path, language: str) -> Template:
    """One file. Raises `WrongUsage` with all that is wrong with it."""
    try:
        template = Template(path.read_text(encoding="utf-8"), language, str(path))
    except (UnicodeDecodeError, OSError) as error:
        raise WrongUsage(f"{path} cannot be read: {error}") from None
    wrong = list(template.problems())
    first, _, rest = template.source.partition("\n")
    if len(rest) > MOST_WORDS or len(first) > 4 * MOST_SUBJECT:
        wrong.append("it is too long")
    if wrong:
        raise WrongUsage(f"{path} must not be used: {'; '.join(wrong)}.")
    return template
