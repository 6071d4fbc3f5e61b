"""The command in a process that has its imports behind it: forked from one that has them.

Half of what a short command takes is importing, and loading what is compiled. What runs is the same
`main` with the same arguments, environment and exit code, and can be killed as any program.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from multiprocessing.process import BaseProcess
from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(
    [
        "warmline", "lightgbm", "mlflow", "outreach.channels.email.smtp", "outreach.outbox.lanes",
        "outreach.plan", "outreach.unsubscribe", "pipelines.demo", "pipelines.engines",
        "pipelines.explaining", "pipelines.history.ingest", "pipelines.train",
        "sklearn.linear_model", "tests.functional.preloaded",
    ]
)  # fmt: skip


def run(arguments: Sequence[str], environment: Mapping[str, str], said: Path, told: Path) -> int:
    """Runs `warmline ARGUMENTS`; what it prints goes to the files `said` and `told` (stderr).
    Gives the exit code."""
    process = start(arguments, environment, said, told)
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    said: Path,
    told: Path,
    around: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> BaseProcess:
    """The same, while it runs; inside of what `around` gives there."""
    given = (tuple(arguments), dict(environment), str(said), str(told), around)
    process = _SERVER.Process(target=_main, args=given)
    process.start()
    return process


def _main(
    arguments: tuple[str, ...], environment: dict[str, str], said: str, told: str,
    around: Callable[[], AbstractContextManager[None]],
) -> None:  # fmt: skip
    for number, path, mode in (
        (0, os.devnull, os.O_RDONLY),
        (1, said, os.O_WRONLY | os.O_CREAT),
        (2, told, os.O_WRONLY | os.O_CREAT),
    ):
        opened = os.open(path, mode, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    began = dict(_variables(Path("/proc/self/environ").read_bytes()))
    ours = {name: value for name, value in os.environ.items() if began.get(name) != value}
    os.environ.clear()
    os.environ.update(ours | environment)  # what the imports have set stays: no telemetry
    sys.argv = ["warmline", *arguments]
    from warmline import main

    with around():
        main()


def _variables(block: bytes) -> Iterator[tuple[str, str]]:
    for variable in block.decode().rstrip("\0").split("\0"):
        name, _, value = variable.partition("=")
        yield name, value
