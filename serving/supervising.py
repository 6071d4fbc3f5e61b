"""Who starts the workers sees soon that one has ended, and starts another."""

from __future__ import annotations

from typing import Any

LOOK_SECONDS = 0.5  # BentoML's looks every 10 s, circus's own every second


def look_often() -> None:
    """To be called by who starts workers, before it does (decision 22)."""
    from bentoml._internal.utils import circus

    class Arbiter(circus.Arbiter):
        def __init__(self, *given: Any, **options: Any) -> None:
            super().__init__(*given, **{**options, "check_delay": LOOK_SECONDS})

        def manage_watchers(self) -> Any:
            """Nothing while it starts, stops or still looks, which circus takes for an error."""
            if self._exclusive_running_command is None:
                return super().manage_watchers()
            return None

    circus.Arbiter = Arbiter  # type: ignore[misc]
