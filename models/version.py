"""Which code this is."""

from __future__ import annotations

from functools import cache


@cache
def code_version() -> str:
    """The installed version of Warmline."""
    from importlib.metadata import version

    return version("warmline")
