"""Rejected rows, the nights' records, logs and the audit without one person."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.files import write_atomically

if TYPE_CHECKING:
    from models.erasure import Erasure
    from models.home import Home
    from models.person import Person


def count(home: Home, erasure: Erasure) -> dict[str, int]:
    """Lines that name the person, by kind of file."""
    traces = erasure.person.traces
    nights = [json.loads(path.read_bytes()) for path in _nights(home)]
    lines = [line for path in _lines(home) for line in _read(path)]
    clear = traces.cleared_lines(lines, "")
    records = sum(line != cleared for line, cleared in zip(lines, clear, strict=True))
    records += sum(facts != traces.cleared(facts, "") for facts in nights)
    rejects = sum(len(_rejected(path, erasure.person)[1]) for path in _rejects(home))
    return {"rejects": rejects, "records": records}


def erase(home: Home, erasure: Erasure) -> None:
    """Removes rejected rows that name the person, and puts the pseudonym into all else."""
    shutil.rmtree(home.history / "staging", ignore_errors=True)
    for path in list(_rejects(home)):
        kept, gone = _rejected(path, erasure.person)
        if gone:
            _rewrite(path, kept)
    for path in _nights(home):
        _clear_night(home, path, erasure)
    for path in _lines(home):
        before = _read(path)
        after = list(erasure.person.traces.cleared_lines(before, erasure.pseudonym))
        if after != before:
            write_atomically(path, ("\n".join(after) + "\n").encode())


def _rejected(path: Path, person: Person) -> tuple[list[list[str]], list[list[str]]]:
    """The lines of one file of rejects without those that name the person, and those."""
    kept: list[list[str]] = []
    gone: list[list[str]] = []
    for line in csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline="")):
        (gone if any(person.traces.within(cell) for cell in line) else kept).append(line)
    return kept, gone


def _rewrite(path: Path, lines: list[list[str]]) -> None:
    """A file of rejects is named after its content; one with nothing but its head goes."""
    if len(lines) > 1:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(lines)
        content = text.getvalue().encode()
        stem = path.stem.rpartition("-")[0]
        name = f"{stem}-{hashlib.sha256(content).hexdigest()[:12]}.csv"
        write_atomically(path.with_name(name), content)
    path.unlink()


def _clear_night(home: Home, path: Path, erasure: Erasure) -> None:
    """The record of one night, which must also name the run of scores that stands now."""
    facts = json.loads(path.read_bytes())
    renamed = {
        folder.name.removeprefix("run=")
        for folder in (home.scores / path.stem).glob(f"run=*.e{erasure.number}")
    }
    clear = _renamed(erasure.person.traces.cleared(facts, erasure.pseudonym), renamed, erasure)
    if clear != facts:
        write_atomically(path, json.dumps(clear, indent=2).encode())


def _renamed(value: Any, renamed: set[str], erasure: Erasure) -> Any:
    """The JSON value with the new names of runs."""
    if isinstance(value, str):
        name = erasure.run_name(value)
        return name if name in renamed else value
    if isinstance(value, list):
        return [_renamed(one, renamed, erasure) for one in value]
    if isinstance(value, dict):
        return {key: _renamed(one, renamed, erasure) for key, one in value.items()}
    return value


def _rejects(home: Home) -> Iterator[Path]:
    return iter(sorted((home.history / "rejects").glob("*.csv")))


def _nights(home: Home) -> list[Path]:
    return sorted(home.nights.glob("as_of=*.json"))


def _lines(home: Home) -> list[Path]:
    """Files of one JSON object a line."""
    return sorted(path for name in ("logs", "audit") for path in home.root.glob(f"{name}/*.jsonl"))


def _read(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()
