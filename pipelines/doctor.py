"""What is in order in a home, what is not, and what to do about it."""

from __future__ import annotations

import ctypes.util
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from models.errors import WarmlineError
from models.home import Home
from models.settings import load

LOW_DISK_GB = 2


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    words: str


# A name, and what gives words of what is in order, or raises what is not and what to do.
Look = tuple[str, Callable[[Home, datetime], str]]


def examine(root: Path, now: datetime, further: tuple[Look, ...] = ()) -> list[Finding]:
    """Look at everything that can be looked at; a finding that fails says what to do. `further`:
    what others bring."""
    home = Home(root)
    looks: tuple[Look, ...] = (
        ("home", _home),
        ("settings", _settings),
        ("erasure", _erasure),
        ("disk", _disk),
        ("urls", _urls),
        ("libraries", _libraries),
        ("compiled", _compiled),
        ("spark", _spark),
        ("history", _history),
        ("feeds", _feeds),
        ("sources", _sources),
        ("model", _model),
        ("scores", _scores),
        ("outcomes", _outcomes),
        *further,
    )
    return list(_look(looks, home, now))


def _look(looks: tuple[Look, ...], home: Home, now: datetime) -> Iterator[Finding]:
    for name, look in looks:
        try:
            yield Finding(name, True, look(home, now))
        except (WarmlineError, OSError) as error:
            yield Finding(name, False, str(error))
            if name == "home":  # the rest would only say the same
                return


def _home(home: Home, now: datetime) -> str:
    home.require()
    if not os.access(home.root, os.W_OK):
        raise WarmlineError(
            f"{home.root} cannot be written to: mount it for writing or change its owner."
        )
    return f"home {home.root}"


def _settings(home: Home, now: datetime) -> str:
    settings = load(home.root, os.environ)
    many = len(settings.ingest.sources)
    return f"settings read; {many or 'no'} source{'s' * (many != 1)} for the nightly ingest"


def _erasure(home: Home, now: datetime) -> str:
    from models.erasure import refuse_unfinished
    from models.suppression import Suppression

    refuse_unfinished(home)
    erased = len(set(Suppression.of(home).erasures.values()))
    return f"no erasure is left unfinished; {erased:,} person{'s' * (erased != 1)} erased so far"


def _disk(home: Home, now: datetime) -> str:
    free = shutil.disk_usage(home.root).free / 1e9
    if free < LOW_DISK_GB:
        raise WarmlineError(f"only {free:.1f} GB of disk are free: make room.")
    return f"{free:.0f} GB of disk free"


def _urls(home: Home, now: datetime) -> str:
    """What lies at URLs, and whether it can be read: as the next night would find it."""
    from pipelines.storage import compare

    found = compare(home, load(home.root, os.environ))
    if not found:
        return "everything is kept on this disk: no URL under [storage]"
    return "by URL: " + "; ".join(f"{what} {words}" for what, words in found.items())


def _libraries(home: Home, now: datetime) -> str:
    if ctypes.util.find_library("gomp") is None:
        raise WarmlineError("libgomp is missing: run `sudo apt-get install libgomp1`.")
    return "libgomp is there"


def _compiled(home: Home, now: datetime) -> str:
    from models import compile_cache

    return f"what is compiled is kept in {compile_cache.ready().parent}"


def _spark(home: Home, now: datetime) -> str:
    """Whether `--engine spark` could run, where the home asks for it; no session is opened."""
    from models.settings import Spark
    from pipelines.spark.session import require

    asked = load(home.root, os.environ).spark
    if asked == Spark():
        return "everything runs on this machine: nothing under [spark]"
    return f"could run on {require(asked)}"


def _history(home: Home, now: datetime) -> str:
    from pipelines.history.store import History

    history = History.open(home.history)
    if history.span is None:
        raise WarmlineError("the history holds no interaction: run `warmline ingest PATH`.")
    newest = datetime.fromtimestamp(history.span[1], now.tzinfo)
    return f"history: {history.rows:,} interactions, the newest of {newest:%Y-%m-%d %H:%M} UTC"


def _sources(home: Home, now: datetime) -> str:
    """What sources tell differently: no fault of this home, so it is in order, with words."""
    from pipelines.history import conflicts
    from pipelines.history.store import History

    found = conflicts.of_history(History.open(home.history))
    if not found:
        return "sources: none tells of a customer, term or case what another tells differently"
    many = len(found)
    head = f"sources: {many} field{'s' * (many != 1)} told differently by two sources"
    return "\n     ".join([f"{head}, as of the last ingest:", *conflicts.lines(found)])


def _feeds(home: Home, now: datetime) -> str:
    """How late each source is; of its kinds the latest is told."""
    from pipelines.history.lags import lateness
    from pipelines.history.store import History

    latest: dict[str, str] = {}
    for one in sorted(lateness(History.open(home.history).feeds()), key=lambda one: one.most):
        latest[one.source] = one.words
    return "latest of each feed: " + (
        "; ".join(latest[source] for source in sorted(latest)) or "none yet"
    )


def _model(home: Home, now: datetime) -> str:
    from models.bundle import champion

    bundle = champion(home)
    days = bundle.model.horizon_days
    return f"champion: model {bundle.facts.model_version}, churn within {days} days"


def _scores(home: Home, now: datetime) -> str:
    from models.batch import latest

    batch = latest(home.scores)
    if batch is None:
        raise WarmlineError("nothing is scored yet: run `warmline score --as-of DATE`.")
    batch.verify()
    age = (now - datetime.fromisoformat(batch.manifest.facts["scored_at"])).total_seconds() / 86_400
    return f"scores of {batch.as_of}: {batch.manifest.rows:,} customers, {age:.1f} days old, intact"


def _outcomes(home: Home, now: datetime) -> str:
    """How true the newest scores were whose horizon has passed."""
    from models.evaluate import LEAST_AUC
    from models.groups import is_apart
    from models.outcome import calibration, read, words

    known = read(home)
    if not known:
        return "outcomes: no published scores are old enough to tell, or no night has looked yet"
    told, figures = words(known[-1]), known[-1]["groups"][0]["figures"]
    off = calibration(known[-1])
    if figures and (figures["auc"]["high"] <= LEAST_AUC or (off and is_apart(**off))):
        raise WarmlineError(
            f"{told}: the model has aged. Train again with `warmline train`; until then its "
            "probabilities are not to be believed."
        )
    return told
