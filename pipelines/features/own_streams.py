"""Streams that a company declares in a Python file of its own: features like all others.

`[features] streams = "streams.py"` names the file. It declares `STREAMS`, with the words of
`pipelines/features/stream.py`; docs/examples/streams.py is one.
"""

from __future__ import annotations

import runpy
import traceback
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from models.errors import WrongUsage
from pipelines.features.stream import Stream
from pipelines.features.streams import STREAMS, check


@cache
def own_streams(path: str) -> tuple[Stream, ...]:
    """The streams that the file declares; none without a path.

    Raises `WrongUsage` where the file cannot be run, declares no streams, or gives a stream or
    feature a name that is taken.
    """
    if not path:
        return ()
    declared = _run(Path(path)).get("STREAMS")
    if not isinstance(declared, Sequence) or not all(isinstance(s, Stream) for s in declared):
        raise _wrong(path, "it declares no streams: STREAMS = (Stream(...), ...) is missing")
    streams = tuple(declared)
    try:
        check(STREAMS + streams)
    except ValueError as error:
        raise _wrong(path, str(error)) from error
    return streams


def _run(path: Path) -> dict[str, object]:
    try:
        return runpy.run_path(str(path))
    except FileNotFoundError as error:
        raise _wrong(str(path), "there is no such file") from error
    except Exception as error:  # whatever a file of the user's may raise, told with its line
        told = traceback.extract_tb(error.__traceback__)
        lines = [at.lineno for at in told if at.filename == str(path)]
        where = f"line {lines[-1]}: " if lines else ""
        raise _wrong(str(path), f"{where}{type(error).__name__}: {error}") from error


def _wrong(path: str, why: str) -> WrongUsage:
    return WrongUsage(
        f"the streams in {path} ([features] streams) cannot be used: {why}. "
        "docs/guides/own-features.md shows how one is declared. Nothing was changed."
    )
