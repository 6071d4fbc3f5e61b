"""What is older than it may be kept goes: words, whole interactions, addresses of those who left.

A file is written anew only where it holds something older than the limit by SLACK at least, so
that a night finds something to do about once a month.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.contracts import DAY
from pipelines.history import ageing_contacts, partfiles
from pipelines.history.erasing import publish_after
from pipelines.history.manifest import Aged, Manifest, Part, read_current, sweep
from pipelines.history.merging import Rows
from pipelines.history.parts import read_raw, read_side

if TYPE_CHECKING:
    import pyarrow as pa

SLACK = 30 * DAY


@dataclass(frozen=True)
class Limits:
    """What happened before goes, seconds since 1970 UTC; None: kept for ever."""

    words: int | None = None
    interactions: int | None = None
    contacts: int | None = None  # who left before


def age(folder: Path, limits: Limits, now: datetime) -> dict[str, int]:
    """Publishes a generation without what is too old, and removes all earlier ones.

    Nothing is written where nothing is older than a limit by SLACK. Returns what went, by kind.
    The caller holds the lock of the ingest.
    """
    sweep(folder)
    before = read_current(folder)
    if before is None:
        return {}
    generation = before.generation + 1
    where = folder / f"g{generation:06d}"
    pass_ = _Pass(folder, where, before, limits)
    after = replace(before, generation=generation, ingested_at=now.isoformat())
    after = replace(after, parts=tuple(pass_.parts()), words=pass_.words(generation))
    tables, emptied = ageing_contacts.age(folder, where, before, limits.contacts, SLACK)
    after = replace(after, tables=tables)
    counts = {"words": pass_.worded, "interactions": pass_.removed, "contact_details": emptied}
    if any(counts.values()):
        publish_after(folder, where, before, replace(after, span=_span(folder, after)))
        sweep(folder, keep_former=False)
    return counts


@dataclass
class _Pass:
    """One walk over the parts, writing those that hold something too old."""

    folder: Path
    where: Path
    manifest: Manifest
    limits: Limits
    worded: int = 0
    removed: int = 0

    def parts(self) -> Iterator[Part]:
        for position, part in enumerate(self.manifest.parts):
            oldest = partfiles.oldest(self.folder / part.coded.path)
            too_old = self._rows(part, oldest)
            words = self._words(part, oldest)
            if too_old is None and words is None:
                yield part
                continue
            none = np.zeros(part.coded.rows, np.bool_)
            gone, silent = (none if found is None else found for found in (too_old, words))
            self.removed += int(gone.sum())
            self.worded += int((silent & ~gone).sum())
            if not gone.all():
                rows = Rows.read(self.folder, part)
                rows = replace(rows, side=_without_words(rows.side, silent))
                kept = rows.take(np.flatnonzero(~gone))
                yield kept.write(self.folder, self.where / f"aged-{position:05d}", part.bucket)

    def words(self, generation: int) -> Aged | None:
        """Down to when all words are gone now."""
        limit, known = self.limits.words, self.manifest.words
        if limit is None or (known and limit - known.before < SLACK):
            return known
        return Aged(limit, generation)

    def _rows(self, part: Part, oldest: int) -> NDArray[np.bool_] | None:
        """Rows that are too old, None while none is by SLACK."""
        limit = self.limits.interactions
        if limit is None or oldest >= limit - SLACK:
            return None
        return read_raw(self.folder, part, ()).at < limit

    def _words(self, part: Part, oldest: int) -> NDArray[np.bool_] | None:
        """Rows whose words are too old, None while none are by SLACK."""
        limit, known = self.limits.words, self.manifest.words
        if limit is None or oldest >= limit - SLACK:
            return None
        if known and limit - known.before < SLACK and _generation(part) <= known.generation:
            return None  # looked at before: words are large, and not read each night
        at = read_raw(self.folder, part, ()).at
        has = read_side(self.folder, part, ("text",))["text"].is_valid().to_numpy()
        return has & (at < limit) if (has & (at < limit - SLACK)).any() else None


def _without_words(side: pa.Table, rows: NDArray[np.bool_]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not rows.any():
        return side
    kept = pc.if_else(pa.array(rows), pa.scalar(None, pa.string()), side["text"])
    return side.set_column(side.schema.get_field_index("text"), "text", kept)


def _generation(part: Part) -> int:
    """Which generation wrote the part: its files lie in that one's folder."""
    return int(Path(part.coded.path).parts[0].removeprefix("g"))


def _span(folder: Path, manifest: Manifest) -> tuple[int, int] | None:
    """First and last `occurred_at` of what is left."""
    if manifest.span is None or not manifest.parts:
        return None
    first = min(partfiles.oldest(folder / part.coded.path) for part in manifest.parts)
    return first, manifest.span[1]
