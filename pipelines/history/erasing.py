"""One person taken out of the history: counted first, then written anew as the next generation.

Only files that hold something of the person are written again; all others stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from operator import eq
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipelines.history import erasing_tables, people
from pipelines.history.buckets import bucket_of
from pipelines.history.dictionaries import read_words
from pipelines.history.engine import connect
from pipelines.history.manifest import (
    Conflict,
    File,
    Manifest,
    Part,
    publish,
    read_current,
    sweep,
)
from pipelines.history.merging import Rows
from pipelines.history.parts import read_raw, read_side

if TYPE_CHECKING:
    import pyarrow as pa

    from models.person import Person

NAMELESS = "erased-customer-{number}"  # in the dictionary: positions must stay what they are


def nameless(customer_ids: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which ids, each at its customer's number, only hold the place of an erased person."""
    places = (NAMELESS.format(number=number) for number in range(len(customer_ids)))
    return np.fromiter(map(eq, customer_ids, places), np.bool_, len(customer_ids))


@dataclass(frozen=True)
class Found:
    """What one part holds of the person, by row."""

    part: Part
    theirs: NDArray[np.bool_]
    mentions: NDArray[np.bool_]  # others' rows that name a contact of theirs


def count(folder: Path, manifest: Manifest, person: Person) -> dict[str, int]:
    """Rows of the person, by kind of place; versions that no longer count included."""
    found = list(_found(folder, manifest, person))
    return {
        "interactions": sum(int(one.theirs.sum()) for one in found),
        "contacts_of_others_rows": sum(int(one.mentions.sum()) for one in found),
        "cases": sum(len(_cases(folder / f.path, person)[1]) for f in manifest.cases),
        **erasing_tables.count(folder, manifest, person),
        "customer_ids": len(person.numbers),
    }


def erase(folder: Path, person: Person, key: bytes, now: datetime) -> None:
    """Publishes a generation without the person, and removes all earlier ones.

    The caller holds the lock of the ingest. Cut off anywhere, the same again ends it.
    """
    sweep(folder)
    before = read_current(folder)
    if before is None:
        return
    generation = before.generation + 1
    where = folder / f"g{generation:06d}"
    where.mkdir()
    after = replace(before, generation=generation, ingested_at=now.isoformat())
    after = replace(after, parts=tuple(_parts(folder, where, before, person)))
    after = replace(after, cases=_without_cases(folder, where, before, person))
    after = replace(after, dictionaries=_without_words(folder, where, before, person))
    after = erasing_tables.erase(folder, where, after, person, key)
    after = replace(after, conflicts=tuple(_without_examples(before, person)))
    publish_after(folder, where, before, replace(after, erased=before.erased + 1))
    sweep(folder, keep_former=False)


def publish_after(folder: Path, where: Path, before: Manifest, after: Manifest) -> None:
    """Publishes `after`, whose new files lie in `where`, as what follows `before`."""
    if after.people:
        with connect() as connection:
            after = people.code(connection, folder, where, after, after.people.precedence)
    rows = sum(part.rows for part in after.parts)
    publish(folder, replace(after, rows=rows, past=before.remembered()))


def _found(folder: Path, manifest: Manifest, person: Person) -> Iterator[Found]:
    """The parts that hold something of the person."""
    sources = read_words(folder, manifest, "source")
    numbers = np.array(person.numbers, np.int32)
    homes = set(bucket_of(numbers, manifest.buckets).tolist()) if len(numbers) else set()
    for part in manifest.parts:
        theirs = _owned(folder, part, person, sources)
        if part.bucket in homes:
            theirs |= np.isin(read_raw(folder, part, ()).customer, numbers)
        mentions = _mentioned(folder, part, person) & ~theirs
        if theirs.any() or mentions.any():
            yield Found(part, theirs, mentions)


def _owned(folder: Path, part: Part, person: Person, sources: list[str]) -> NDArray[np.bool_]:
    """Rows that came under an id of theirs, also those that a merge took elsewhere."""
    import pyarrow.compute as pc

    side = read_side(folder, part, ("owner", *(("given", "source") if person.aliases else ())))
    owned: NDArray[np.bool_] = np.isin(side["owner"].to_numpy(), np.array(person.numbers, np.int32))
    for system, external in person.aliases:
        given = pc.fill_null(pc.equal(side["given"], external), False).to_numpy()
        if external not in person.sole:
            own = [code for code, source in enumerate(sources) if source == system]
            given = given & np.isin(side["source"].to_numpy(), own)
        owned = owned | given
    return owned


def _mentioned(folder: Path, part: Part, person: Person) -> NDArray[np.bool_]:
    """Rows that name a contact of theirs."""
    if not person.contact_ids:
        return np.zeros(part.side.rows, np.bool_)
    return _contacts(read_side(folder, part, ("contact_id",)), person)


def _contacts(side: pa.Table, person: Person) -> NDArray[np.bool_]:
    import pyarrow as pa
    import pyarrow.compute as pc

    mine = pa.array(person.contact_ids, pa.string())
    marked: NDArray[np.bool_] = pc.is_in(side["contact_id"], value_set=mine).to_numpy()
    return marked


def _parts(folder: Path, where: Path, manifest: Manifest, person: Person) -> Iterator[Part]:
    """All parts, those that hold something of the person without it."""
    found = {one.part: one for one in _found(folder, manifest, person)}
    for position, part in enumerate(manifest.parts):
        if part not in found:
            yield part
        elif not found[part].theirs.all():
            rows = Rows.read(folder, part).take(np.flatnonzero(~found[part].theirs))
            rows = replace(rows, side=_without_contacts(rows.side, person))
            yield rows.write(folder, where / f"erased-{position:05d}", part.bucket)


def _without_contacts(side: pa.Table, person: Person) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not person.contact_ids:
        return side
    named = pa.array(_contacts(side, person))
    kept = pc.if_else(named, pa.scalar(None, pa.string()), side["contact_id"])
    return side.set_column(side.schema.get_field_index("contact_id"), "contact_id", kept)


def _cases(path: Path, person: Person) -> tuple[pa.Table, pa.Table]:
    """A file's cases without the person's, and theirs."""
    import pyarrow.parquet as pq

    table = pq.read_table(path, partitioning=None)
    theirs = np.isin(table["customer"].to_numpy(), np.array(person.numbers, np.int32))
    return table.filter(~theirs), table.filter(theirs)


def _without_cases(
    folder: Path, where: Path, manifest: Manifest, person: Person
) -> tuple[File, ...]:
    written = []
    for position, file in enumerate(manifest.cases):
        kept, gone = _cases(folder / file.path, person)
        if len(gone):
            file = write_table(folder, where / f"cases-{position:03d}.parquet", kept)
        written.append(file)
    return tuple(written)


def _without_words(
    folder: Path, where: Path, manifest: Manifest, person: Person
) -> dict[str, tuple[File, ...]]:
    """The dictionaries with a word without meaning in place of each id of the person."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    first, written = 0, []
    for position, file in enumerate(manifest.dictionaries.get("customer", ())):
        here = [n - first for n in person.numbers if first <= n < first + file.rows]
        if here:
            words = pq.read_table(folder / file.path)["word"].to_pylist()
            for place in here:
                words[place] = NAMELESS.format(number=first + place)
            table = pa.table({"word": pa.array(words, pa.string())})
            path = where / f"dictionary-customer-{position:03d}.parquet"
            written.append(write_table(folder, path, table))
        else:
            written.append(file)
        first += file.rows
    return manifest.dictionaries | ({"customer": tuple(written)} if written else {})


def _without_examples(manifest: Manifest, person: Person) -> Iterator[Conflict]:
    """What sources tell differently, without the person among the examples."""
    for one in manifest.conflicts:
        yield replace(one, customers=tuple(n for n in one.customers if n not in person.numbers))


def write_table(folder: Path, path: Path, table: pa.Table) -> File:
    """Writes `table` at `path`, inside the history at `folder`."""
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd")
    return File.of(folder, path, table.num_rows)
