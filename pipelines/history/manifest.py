"""What one generation of a history consists of, and which generation counts.

A history is a folder of files that never change and one `manifest-NNNNNN.json` a generation.
`CURRENT` names the manifest that counts; replacing that one small file is the only step that
publishes anything, so a crash at any point leaves the old generation or the new one.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.errors import SchemaTooNew, SchemaTooOld, WarmlineError
from models.files import sha256, sync_folder, sync_tree, write_atomically
from pipelines.history import engine

FORMAT = 4  # raised when the files of a history can no longer be read as before
OLDEST = 2  # that is still read: of 2 all parts are Parquet, of 2 and 3 cases lie by bucket
CURRENT = "CURRENT"
# What an ingest writes at the top of the folder and may sweep up again.
OURS = re.compile(r"g\d+|manifest-\d+\.json|staging|\.(manifest-\d+\.json|CURRENT)\.\w+")


@dataclass(frozen=True)
class File:
    """One immutable file: its path relative to the history, rows, bytes and SHA-256."""

    path: str
    rows: int
    bytes: int
    sha256: str

    @classmethod
    def of(cls, folder: Path, path: Path, rows: int) -> File:
        """Measures the file at `path`, inside the history at `folder`."""
        return cls(str(path.relative_to(folder)), rows, path.stat().st_size, sha256(path))


@dataclass(frozen=True)
class Part:
    """Some interactions of one bucket: coded columns, and what a feature pass never reads."""

    bucket: int
    coded: File
    side: File  # row-aligned with `coded`: key, content, ids, words
    notes: File | None = None  # what later ingests said of its rows (`parts.Notes`)
    out: int = 0  # rows that no longer count
    acts: File | None = None  # rows of `parts.acting` once more; None: an older version's

    @property
    def rows(self) -> int:
        """Rows that count."""
        return self.coded.rows - self.out

    def files(self) -> Iterator[File]:
        yield self.coded
        yield self.side
        for file in (self.notes, self.acts):
            if file:
                yield file


@dataclass(frozen=True)
class Watermark:
    """How far one source has been read; seconds since 1970 UTC."""

    occurred_at: int
    recorded_at: int
    rows: int
    dated: int  # rows for which the source said when it knew them
    read_at: int  # when it last brought interactions

    def with_(self, other: Watermark) -> Watermark:
        """Both together."""
        return Watermark(
            max(self.occurred_at, other.occurred_at),
            max(self.recorded_at, other.recorded_at),
            self.rows + other.rows,
            self.dated + other.dated,
            max(self.read_at, other.read_at),
        )


@dataclass(frozen=True)
class Conflict:
    """A field that two sources tell differently, in `rows` rows (see `conflicts`)."""

    table: str  # or "cases"
    field: str
    counts: str  # the source whose value counts
    other: str
    rows: int
    personal: bool
    customers: tuple[int, ...]  # a few of those it is about, by number


@dataclass(frozen=True)
class Past:
    """What an earlier generation held, so that it can be read again."""

    generation: int
    ingested_at: str
    customers: int
    rows: int
    span: tuple[int, int] | None
    erased: int = 0


@dataclass(frozen=True)
class Aged:
    """Down to when words were removed for their age, and by which generation."""

    before: int  # seconds since 1970 UTC
    generation: int


@dataclass(frozen=True)
class CodedPeople:
    """Customers and contracts as numbers (see `people`), made of a `state` of the tables."""

    state: str
    precedence: tuple[str, ...]  # of sources, by which they were combined
    customers: File
    terms: File | None  # None: no source ever gave any
    values: File

    def files(self) -> Iterator[File]:
        yield self.customers
        yield self.values
        if self.terms:
            yield self.terms


@dataclass(frozen=True)
class Manifest:
    """One generation. `buckets` is a power of two; `span` holds first and last `occurred_at`."""

    generation: int = 0
    ingested_at: str = ""
    buckets: int = 1
    customers: int = 0
    rows: int = 0
    span: tuple[int, int] | None = None
    parts: tuple[Part, ...] = ()
    cases: tuple[File, ...] = ()  # oldest first
    tables: dict[str, tuple[File, ...]] = field(default_factory=dict)  # versions, oldest first
    dictionaries: dict[str, tuple[File, ...]] = field(default_factory=dict)
    pending: File | None = None
    sources: dict[str, Watermark] = field(default_factory=dict)
    feeds: tuple[File, ...] = ()  # what each ingest brought, counted (see `feeds`)
    past: tuple[Past, ...] = ()  # earlier generations, oldest first
    # How far databases were read: by source, by table, the last watermark as ISO text.
    reads: dict[str, dict[str, str]] = field(default_factory=dict)
    conflicts: tuple[Conflict, ...] = ()  # between sources, as of this generation
    erased: int = 0  # persons erased by then: of nights before, they are missing
    words: Aged | None = None  # None: words were never removed for their age
    people: CodedPeople | None = None  # None: to be worked out from the tables
    lexicon: str = ""  # by which version of the lists its words are coded; empty: by none

    def of_bucket(self, bucket: int) -> tuple[Part, ...]:
        return tuple(part for part in self.parts if part.bucket == bucket)

    def files(self) -> Iterator[File]:
        """Every file that this generation needs."""
        for part in self.parts:
            yield from part.files()
        for group in (self.tables, self.dictionaries):
            for files in group.values():
                yield from files
        yield from self.cases
        yield from self.feeds
        if self.pending:
            yield self.pending
        if self.people:
            yield from self.people.files()

    def versions_of(self, folder: Path, table: str) -> str:
        """SQL of all that ever came of a small table."""
        paths = engine.files([folder / file.path for file in self.tables[table]])
        return f"SELECT * FROM read_parquet({paths}, union_by_name = true)"  # noqa: S608

    def may_have_several(self, table: str) -> bool:
        """Whether a row of a small table may have come in several versions."""
        return True

    def words_of(self, folder: Path, dictionary: str) -> str:
        """SQL of a dictionary's words with their codes."""
        rows, before = "SELECT NULL::VARCHAR AS word, NULL::INTEGER AS code WHERE false", 0
        for file in self.dictionaries.get(dictionary, ()):
            path = engine.files([folder / file.path])
            rows += (
                f" UNION ALL SELECT word, (file_row_number + {before})::INTEGER "  # noqa: S608
                f"FROM read_parquet({path}, file_row_number = true)"
            )
            before += file.rows
        return rows

    def word_list(self, folder: Path, dictionary: str) -> list[str]:
        """The words of a dictionary by code; empty where it has none."""
        import pyarrow.parquet as pq

        words: list[str] = []
        for file in self.dictionaries.get(dictionary, ()):
            words += pq.read_table(folder / file.path)["word"].to_pylist()
        return words

    def remembered(self) -> tuple[Past, ...]:
        """The earlier generations and this one."""
        if self.generation == 0:
            return self.past
        mine = Past(
            self.generation, self.ingested_at, self.customers, self.rows, self.span, self.erased
        )
        return (*self.past, mine)

    def to_json(self) -> bytes:
        # Not indented: that is done in Python, and took half a second of a night's ingest.
        return json.dumps({"format": FORMAT, **vars(self)}, default=vars).encode() + b"\n"

    @classmethod
    def from_json(cls, text: bytes, where: Path) -> Manifest:
        """Reads what `to_json` wrote; refuses another format than this code's."""
        raw = json.loads(text)
        _check_format(int(raw.pop("format", 0)), where)
        return cls(
            generation=raw["generation"],
            ingested_at=raw["ingested_at"],
            buckets=raw["buckets"],
            customers=raw["customers"],
            rows=raw["rows"],
            span=_span(raw["span"]),
            parts=tuple(_part(part) for part in raw["parts"]),
            cases=_cases(raw["cases"]),
            tables={name: _files(files) for name, files in raw["tables"].items()},
            dictionaries={name: _files(files) for name, files in raw["dictionaries"].items()},
            pending=File(**raw["pending"]) if raw["pending"] else None,
            sources={name: Watermark(**mark) for name, mark in raw["sources"].items()},
            feeds=_files(raw["feeds"]),
            past=tuple(Past(**{**one, "span": _span(one["span"])}) for one in raw["past"]),
            reads=raw.get("reads", {}),
            conflicts=tuple(
                Conflict(**{**one, "customers": tuple(one["customers"])})
                for one in raw.get("conflicts", ())
            ),
            erased=raw.get("erased", 0),
            words=Aged(**raw["words"]) if raw.get("words") else None,
            people=_people(raw.get("people")),
            lexicon=raw.get("lexicon", ""),
        )


def _check_format(found: int, where: Path) -> None:
    if found > FORMAT:
        raise SchemaTooNew(
            f"{where} has history format {found}, and this Warmline reads format {FORMAT}.\n"
            "Upgrade Warmline to the version that wrote it. Nothing was changed."
        )
    if found < OLDEST:
        raise SchemaTooOld(
            f"{where} has history format {found}, and this Warmline reads {OLDEST} to {FORMAT}.\n"
            "Ingest the sources again into a new home, or read it with the Warmline that wrote it."
            " Nothing was changed."
        )


def _files(raw: list[dict[str, Any]]) -> tuple[File, ...]:
    return tuple(File(**one) for one in raw)


def _cases(raw: list[dict[str, Any]] | dict[str, list[dict[str, Any]]]) -> tuple[File, ...]:
    if isinstance(raw, list):
        return _files(raw)
    return _files([file for files in raw.values() for file in files])


def _span(raw: list[int] | None) -> tuple[int, int] | None:
    return (raw[0], raw[1]) if raw else None


def _people(raw: dict[str, Any] | None) -> CodedPeople | None:
    if not raw:
        return None
    terms = File(**raw["terms"]) if raw["terms"] else None
    customers, values = File(**raw["customers"]), File(**raw["values"])
    return CodedPeople(raw["state"], tuple(raw["precedence"]), customers, terms, values)


def _part(raw: dict[str, Any]) -> Part:
    return Part(
        raw["bucket"],
        File(**raw["coded"]),
        File(**raw["side"]),
        File(**raw["notes"]) if raw["notes"] else None,
        raw["out"],
        File(**raw["acts"]) if raw.get("acts") else None,
    )


def manifest_name(generation: int) -> str:
    return f"manifest-{generation:06d}.json"


def current(folder: Path) -> str | None:
    """The name of the manifest that counts; None where nothing was ever ingested into `folder`."""
    pointer = folder / CURRENT
    return pointer.read_text().strip() if pointer.exists() else None


def read_current(folder: Path) -> Manifest | None:
    """The manifest that counts; None where there is none."""
    name = current(folder)
    return None if name is None else read_manifest(folder / name)


def read_manifest(path: Path) -> Manifest:
    try:
        return Manifest.from_json(path.read_bytes(), path)
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise WarmlineError(
            f"The history's manifest {path} is missing or damaged ({error}).\n"
            "Restore the folder from a backup, or ingest the sources again into a new home."
        ) from error


def publish(folder: Path, manifest: Manifest) -> None:
    """Make `manifest` the generation that counts, once all its new files are on the disk."""
    new = folder / f"g{manifest.generation:06d}"
    if new.exists():
        sync_tree(new)
    sync_folder(folder)
    name = manifest_name(manifest.generation)
    write_atomically(folder / name, manifest.to_json())
    write_atomically(folder / CURRENT, f"{name}\n".encode())


def sweep(folder: Path, *, keep_former: bool = True) -> None:
    """Remove what neither the current generation nor the one before it needs.

    The one before is kept for readers that still have it open; with `keep_former=False` it goes
    too, since what was erased must not lie on, and they open the history anew. Only the holder of
    the lock may sweep: what a dead run left behind looks just like what a living one is writing.
    Files that are not an ingest's own are never touched.
    """
    current = read_current(folder)
    needed = [current] if current else []
    if current and keep_former:
        former = folder / manifest_name(current.generation - 1)
        needed += [read_manifest(former)] if former.exists() else []
    kept = {file.path for manifest in needed for file in manifest.files()}
    kept |= {manifest_name(manifest.generation) for manifest in needed}
    for place, _, names in os.walk(folder, topdown=False):  # a folder after what it holds
        here = Path(place)
        inside = "" if here == folder else here.relative_to(folder).as_posix() + "/"
        for name in names:
            if _is_ours(inside + name) and inside + name not in kept:
                (here / name).unlink()
        if inside and _is_ours(inside) and not any(here.iterdir()):
            here.rmdir()


def _is_ours(path: str) -> bool:
    return OURS.fullmatch(path.partition("/")[0]) is not None
