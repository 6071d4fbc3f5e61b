"""What `warmline serve` looks at before it starts: a worker that failed would start for ever."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

from models import compile_cache
from models.errors import WarmlineError

if TYPE_CHECKING:
    from models.home import Home


def require(home: Home, host: str, port: int) -> Iterator[str]:
    """What the service will answer with, in words. Raises `WarmlineError` where it cannot start."""
    from models.batch import latest
    from models.keys import read

    _require_free(host, port)
    compile_cache.ready()
    batch = latest(home.scores)
    if batch is None:
        yield "No scores are published yet: until they are, /score answers 503."
    else:
        many = len(batch.answers())
        yield f"Scores of {batch.as_of}, run {batch.run}: {many:,} customers can be looked up."
    if not any(key.revoked_at is None for key in read(home.root)):
        yield "There is no key yet: `warmline keys create crm --scope score` makes one."
    yield f"Listening on http://{host}:{port} (Ctrl-C ends it)."


def _require_free(host: str, port: int) -> None:
    """Raises `WarmlineError` where nobody can listen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((host, port))
        except OSError as error:
            raise WarmlineError(
                f"cannot listen on {host}:{port} ({error.strerror}): name another with --port, "
                "or stop what listens there."
            ) from error
