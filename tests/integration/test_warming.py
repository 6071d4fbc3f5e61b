"""Who serves never compiles on a call: what was compiled once is loaded, whatever the call asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# In a process of its own: whatever another test called would have compiled it.
WARM_UP = """
from pipelines.features.warming import warm_up
print(warm_up().compiled)
"""
EVERY_CALL = """
import random
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from models.contracts import DAY
from models.settings import Features
from pipelines.features import contract_pass, kernel, matrix
from pipelines.features.engine import FEW_ROWS
from pipelines.features.gaps import ALL_KINDS, Gap, Gaps
from pipelines.features.warming import compilations, warm_up
from pipelines.history import decoding, placing
from pipelines.history.ordering import merged
from pipelines.history.partfiles import read_coded, write_coded
from pipelines.history.rates import Money, Rates
from pipelines.history.rooms import Rooms
from pipelines.history.terms import Terms
from tests.unit.pipelines.features import contract_rows, histories

AS_OF, HOUR = histories.AS_OF, 3_600
warmth = warm_up()
ONE = [matrix.Night(AS_OF, AS_OF + 6 * HOUR)]
SEVERAL = [*ONE, matrix.Night(AS_OF + DAY, AS_OF - DAY), matrix.Night(AS_OF - 9 * DAY, AS_OF)]


def row(number, **said):
    at = AS_OF - (number % 300) * HOUR
    plain = {"customer": 0, "at": at, "recorded": at, "kind": number % 30, "channel": number % 9,
             "topic": 0, "agent": 1, "case": number % 3, "value": 1.0, "seconds": np.nan,
             "wait": np.nan, "score": 3.0, "score_kind": 0, "provoked": False, "said": number % 4,
             "until": histories.NEVER, "interaction": number}
    return plain | said


def read_only(events):
    for name in events.columns():
        getattr(events, name).flags.writeable = False
    return events


settled = [row(number) for number in range(40)]
late = [*settled, row(50, recorded=AS_OF + HOUR), row(51, until=AS_OF)]
giant = [row(number) for number in range(FEW_ROWS + 1)]
gaps = Gaps((Gap(ALL_KINDS, AS_OF - 5 * DAY, AS_OF - 3 * DAY, AS_OF),))
plain, full = histories.context(), histories.context(gaps, histories.HOURS)
own = replace(plain, declared=Features(streams=sys.argv[1]))
money = replace(plain, money=Money("EUR", Rates.none()))
terms = Terms.of(customer=np.zeros(2, np.int32), started=np.array([AS_OF - 90 * DAY, AS_OF]),
                 currencies=("EUR",), currency=np.zeros(2, np.int32))
empty = terms.take(np.zeros(2, bool))
who, joined = np.zeros(1, np.int32), np.full(1, AS_OF - 200 * DAY)
rooms = Rooms()
for rows in (settled, late, giant, []):
    for nights in (ONE, SEVERAL):
        for where in (plain, full, own, money):
            for some in (None, terms, empty):
                for room in (None, rooms):
                    matrix.compute(histories.events(rows), who, joined, nights, where, some, room)
matrix.compute(read_only(histories.events(late)), who, joined, ONE, plain)
frozen = who.copy(), joined.copy()
for one in frozen:
    one.flags.writeable = False
matrix.compute(histories.events(settled), *frozen, ONE, plain)
given = contract_rows.read(
    contract_rows.tables(contract_rows.contract(settled), {"000": AS_OF - 9 * DAY}), {}
)
matrix.compute(given.versions(0), who, given.people().joined, SEVERAL, plain, given.terms())
for _ in matrix.stream(given, SEVERAL, plain):
    pass
few = read_only(histories.events(settled[:2]))
for many in (histories.events(settled), read_only(histories.events(late))):
    merged([many, few], large=0)
    merged([many.take(slice(0, 2)), histories.events([settled[0]])], rooms, large=0)
part = write_coded(Path(sys.argv[2]) / "part", histories.events(giant), small=0)
read_coded(part, rooms=rooms, large=0)
entrances = (kernel.run, kernel.entries, kernel.bounds, contract_pass._run, placing._find)
kinds = [len(one.signatures) for one in entrances]
sizes = [len(one.signatures) for one in (placing._insert, decoding._decode)]
print(warmth.compiled, compilations(), kinds, sizes)
"""
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "streams.py"


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def warm() -> None:
    """Compiled for this code, by whoever came first."""
    run(WARM_UP)


@pytest.mark.usefixtures("warm")
def test_after_warming_up_once_no_call_of_a_new_process_compiles_anything(tmp_path: Path):
    """Nothing compiled by the warm-up, nothing by any call, one version of each function; of those
    that move and decode columns, one for each size of a number."""
    assert run(EVERY_CALL, str(EXAMPLE), str(tmp_path)) == "0 0 [1, 1, 1, 1, 1] [4, 4]"
