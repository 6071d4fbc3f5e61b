"""What a database refuses, said in one clear line: no secret, no value of a row."""

from __future__ import annotations

import re

from models.errors import WarmlineError
from pipelines.history.addresses import GUIDE, Address

# Words of libpq and of the server while connecting, and what to do about them.
CONNECTING = {
    "authentication failed": "the user or the password is wrong",
    "no password supplied": "it asks for a password, and the URL holds none",
    "could not translate host name": "there is no such host",
    "connection refused": "nothing listens on that host and port",
    "no such file or directory": "nothing listens on that socket",
    "timeout expired": "the host does not answer in time",
    "no pg_hba.conf entry": "the server does not let this user in from here (pg_hba.conf)",
    "too many connections": "it has no free connection: try again later",
    "too many clients": "it has no free connection: try again later",
    "starting up": "it is starting up: try again in a minute",
    # SQLite's, of a file that it cannot open.
    "failed to allocate memory": "there is no such file, or this user may not read it",
}
NO_DATABASE = re.compile(r'database ".*" does not exist')
NO_ROLE = re.compile(r'role ".*" does not exist')
NO_LOGIN = re.compile(r'permission denied for database|role ".*" is not permitted to log in')
# Beginnings of SQLSTATE (appendix A of PostgreSQL's manual).
STATES = {
    "42P01": "{about} is not there",
    "42501": "this user may not read {about}: GRANT SELECT on it",
    "42703": "{about} lacks a column: {words}",
    "42": "{about} could not be asked for: {words}",
    "22": "a value of {about} cannot be converted as its SELECT asks",
    "57014": "reading {about} was cancelled, by a person or a statement timeout",
    "57P": "the connection was lost while reading {about}: try again",
    "08": "the connection was lost while reading {about}: try again",
    "40": "the server broke off reading {about}, in conflict with its replication: try again",
    "53": "the server ran out of memory, disk or connections while reading {about}",
}
LOST = ("server closed the connection", "connection to server was lost", "terminating connection",
        "could not receive data", "no connection to the server", "ssl connection has been closed",
        "server terminated")  # fmt: skip
LAYERS = r"[A-Z_]+: +|\[\w+\] |Failed to \w+( query)?: |could not begin COPY: "
PREFIX = re.compile(rf"^({LAYERS}|Execution error \[\w+\]: )")
QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def explained(address: Address, error: Exception, about: str) -> WarmlineError:
    """The error to raise. `about` is the table or query that was read; "" while connecting."""
    text = address.without_secrets(str(error))
    state = getattr(error, "sqlstate", None) or ""
    said = _reading(text, state, about) if about else _connecting(text)
    return WarmlineError(f"{address}: {said} ({GUIDE}). Nothing was changed.")


def _connecting(text: str) -> str:
    lower = text.lower()
    for words, meaning in CONNECTING.items():
        if words in lower:
            return meaning
    if NO_DATABASE.search(text):
        return "there is no such database on that server"
    if NO_ROLE.search(text):
        return "there is no such user"
    if NO_LOGIN.search(text):
        return "this user may not connect to it"
    return f"it cannot be opened: {_first_line(text)}"


def _reading(text: str, state: str, about: str) -> str:
    if any(words in text.lower() for words in LOST):
        return STATES["08"].format(about=about)
    for length in (5, 3, 2):
        meaning = STATES.get(state[:length])
        if meaning and state:
            return meaning.format(about=about, words=_first_line(text))
    if state:
        return f"reading {about} failed (SQLSTATE {state})"
    # Here a row's value may be quoted: a name of a table is not worth that.
    return f"reading {about} failed: {QUOTED.sub('...', _first_line(text))}"


def _first_line(text: str) -> str:
    """The server's own words, without the layers that they came through."""
    line = text.strip().splitlines()[0] if text.strip() else "no reason was given"
    while (shorter := PREFIX.sub("", line)) != line:
        line = shorter
    return line.rstrip(".")
