"""The same look-up as a user would write it with BentoML: a service, an `api`, nothing set.

`bentoml serve benchmarks.serving_plain:Plain`, with the home in WARMLINE_HOME.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import bentoml

from models.batch import ScoreBatch


@bentoml.service
class Plain:
    """Churn scores."""

    def __init__(self) -> None:
        home = Path(os.environ["WARMLINE_HOME"])
        self.answers = ScoreBatch.latest(home / "scores").answers()

    @bentoml.api  # type: ignore[untyped-decorator]
    def score(self, customer_ids: list[str]) -> list[Any]:
        """The published score of each customer."""
        found = self.answers.find(customer_ids)
        return [None if one is None else json.loads(one) for one in found]
