"""One person out of the lists, and unnamed in the log of assignments.

The log is permanent, since what contacts do is worked out from it: the person's rows stay, under a
keyed pseudonym that is the same in every night.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from models.erasure import Place
from models.files import write_atomically
from outreach.worklist import DECISIONS, ORIGIN, to_csv, write_parquet

if TYPE_CHECKING:
    import pyarrow as pa

    from models.erasure import Erasure
    from models.home import Home
    from models.person import Person
    from outreach.store.database import Store

LIST, LOG = "worklist.parquet", "assignments.parquet"


def places() -> tuple[Place, ...]:
    """Where outreach keeps what it knows of a customer."""
    return (
        Place("lists", _count_lists, _erase_lists),
        Place("log", _count_log, _rekey_log),
        Place("decisions", _count_decisions, _erase_decisions),
        Place("outreach", _count_store, _erase_store),
    )


def _count_lists(home: Home, erasure: Erasure) -> dict[str, int]:
    rows = sum(_is_theirs(_read(path), erasure.person)[1] for path in _lists(home))
    return {"worklists": rows}


def _erase_lists(home: Home, erasure: Erasure) -> None:
    """Takes the person's rows out; the others keep their ranks. The CSV goes before the table,
    by which a run that goes on sees what is left to do."""
    import pyarrow.compute as pc

    for path in _lists(home):
        rows = _read(path)
        theirs, many = _is_theirs(rows, erasure.person)
        if many:
            others = rows.filter(pc.invert(theirs))
            to_csv(others, path.with_name("worklist.csv"))
            write_parquet(others, path)
    for path in sorted(home.worklists.glob("as_of=*/*.json")):
        _clear_facts(home, path, erasure)


def _clear_facts(home: Home, path: Path, erasure: Erasure) -> None:
    """What a list was made from: the run of scores may have another name by now."""
    facts = json.loads(path.read_bytes())
    clear = erasure.person.traces.cleared(facts, erasure.pseudonym)
    if path.name == ORIGIN:
        name = erasure.run_name(clear["run"])
        if (home.scores / path.parent.name / f"run={name}").exists():
            clear["run"] = name
    if clear != facts:
        write_atomically(path, json.dumps(clear).encode())


def _count_log(home: Home, erasure: Erasure) -> dict[str, int]:
    rows = sum(_is_theirs(_read(path), erasure.person)[1] for path in _logs(home))
    return {"assignments_renamed": rows}


def _rekey_log(home: Home, erasure: Erasure) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    for path in _logs(home):
        rows = _read(path)
        theirs, many = _is_theirs(rows, erasure.person)
        if many:
            place = rows.schema.get_field_index("customer_id")
            named = pc.if_else(theirs, pa.scalar(erasure.pseudonym), rows["customer_id"])
            write_parquet(rows.set_column(place, "customer_id", named), path)


def _count_decisions(home: Home, erasure: Erasure) -> dict[str, int]:
    rows = sum(_is_theirs(_read(path), erasure.person)[1] for path in _decisions(home))
    return {"decisions": rows}


def _erase_decisions(home: Home, erasure: Erasure) -> None:
    """Takes the person's rows out: reasons are about them. What an effect is worked out from
    stays in the log of assignments. A household that is named after them goes by the pseudonym."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for path in _decisions(home):
        rows = _read(path)
        theirs, many = _is_theirs(rows, erasure.person)
        named, units = _is_theirs(rows, erasure.person, "unit")
        if many or units:
            place = rows.schema.get_field_index("unit")
            unit = pc.if_else(named, pa.scalar(erasure.pseudonym), rows["unit"])
            write_parquet(rows.set_column(place, "unit", unit).filter(pc.invert(theirs)), path)


def _count_store(home: Home, erasure: Erasure) -> dict[str, int]:
    from outreach.store import erasing

    store = _store(home)
    return {} if store is None else erasing.count(store, erasure.person)


def _erase_store(home: Home, erasure: Erasure) -> None:
    from models import contactability
    from models.settings import load
    from outreach.store import erasing

    store = _store(home)
    if store is not None:
        crm = load(home.root, os.environ).crm
        erasing.erase(store, erasure, home.secret_key(), has_crm=bool(crm.kind))
    contactability.leave_out(home.root, erasure.person.ids)


def _store(home: Home) -> Store | None:
    from models.settings import load
    from outreach.store.database import Store

    return Store.find(load(home.root, os.environ).outreach.database, home.root)


def _is_theirs(
    rows: pa.Table, person: Person, column: str = "customer_id"
) -> tuple[pa.ChunkedArray, int]:
    """Which rows are the person's, or name them in another column, and how many."""
    import pyarrow as pa
    import pyarrow.compute as pc

    theirs = pc.is_in(rows[column], value_set=pa.array(person.ids, pa.string()))
    return theirs, pc.sum(theirs).as_py() or 0


def _read(path: Path) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.read_table(path, partitioning=None)


def _lists(home: Home) -> Iterator[Path]:
    return iter(sorted(home.worklists.glob(f"as_of=*/{LIST}")))


def _decisions(home: Home) -> Iterator[Path]:
    return iter(sorted(home.root.glob(f"assignments/as_of=*/{DECISIONS}")))


def _logs(home: Home) -> Iterator[Path]:
    return iter(sorted(home.root.glob(f"assignments/as_of=*/{LOG}")))
