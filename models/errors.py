"""Errors a user meets. Each says what is wrong, what to do next, and what was left unchanged."""

from __future__ import annotations

from typing import Any


class WarmlineError(Exception):
    """A failure the user can act on; the command prints it as one clear message and exits 1.

    `facts` are what machines are told besides.
    """

    exit_code = 1

    def __init__(self, words: str, **facts: Any) -> None:
        super().__init__(words)
        self.facts = facts


class WrongUsage(WarmlineError):
    """The command or its configuration was written wrongly."""

    exit_code = 2


class RefusedToPublish(WarmlineError):
    """A self-check failed: what was published before stays, and nothing of this run replaces it."""

    exit_code = 3


class Busy(WarmlineError):
    """Another run holds the lock (75 is EX_TEMPFAIL of sysexits.h: try again later)."""

    exit_code = 75


class NotEnoughData(WarmlineError):
    """Too little to learn from: says what is missing and by when it would suffice."""


class FeatureMismatch(WarmlineError):
    """A bundle's features are not those of this code."""


class BundleDamaged(WarmlineError):
    """A bundle's files do not match their checksums."""


class SchemaTooOld(WarmlineError):
    """A home, history or bundle from an older version that must be migrated first."""


class SchemaTooNew(WarmlineError):
    """A home, history or bundle written by a newer version of Warmline than this one."""
