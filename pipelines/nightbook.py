"""What outreach may ask of a night: of the history, and of the features that its scores saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

import numpy as np

from models.batch import ScoreBatch, latest
from pipelines.history.book import HistoryBook
from pipelines.history.store import History

if TYPE_CHECKING:
    import pyarrow as pa

    from models.churn import ChurnModel
    from models.contracts import Feature
    from models.home import Home
    from models.settings import Settings

OTHERWISE = "had it gone otherwise"
SERVED = "served_"  # figures of those who serve: a walk of its own finds them


@dataclass(frozen=True)
class NightBook(HistoryBook):
    """The book of a night. `settings`: by which features are worked out."""

    settings: Settings = field(kw_only=True)
    home: Home | None = field(default=None, kw_only=True)  # None: no model is asked

    @classmethod
    def of_night(cls, home: Home, settings: Settings, as_of: date | None = None) -> NightBook:
        """The history as outreach reads it: what the published scores of `as_of` (the newest by
        default) could know, and what came since, by its own date."""
        batch = latest(home.scores) if as_of is None else ScoreBatch.open(home.scores, as_of)
        precedence = batch.manifest.facts.get("precedence", ()) if batch else ()
        history = History.open(home.history, tuple(precedence))
        with history.connection() as connection:
            # DuckDB's allocator holds freed pages until threads of its own look after them: of a
            # million customers 90 MB, beside which a whole night is planned.
            connection.execute("SET GLOBAL allocator_background_threads = true")
        return cls(history, batch.cut_off if batch else 0, settings=settings, home=home)

    def features(self) -> Sequence[Feature]:
        """All that `figures` can tell."""
        from pipelines.features import matrix

        return matrix.features(self.settings.features)

    def figures(self, customer_ids: pa.Array, names: Sequence[str], as_of: datetime) -> pa.Table:
        """Features of some customers, by the pass that the scores were made with."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from pipelines.features import matrix
        from pipelines.features.agents import NO_AGENTS

        moment = int(as_of.timestamp())
        nights = [matrix.Night(moment, max(moment, self.known_by))]
        served = any(name.startswith(SERVED) for name in names)
        history = replace(self.history)  # what it keeps of what it reads goes with it
        context = matrix.context(history, self.settings, nights, None if served else NO_AGENTS)
        places = {feature.name: place for place, feature in enumerate(context.features)}
        columns = [places[name] for name in names]
        ids = history.ids()
        asked = np.asarray(pc.is_in(ids, value_set=customer_ids).to_numpy(zero_copy_only=False))
        blocks = [
            (block.customers, block.values[0][:, columns])
            for block in matrix.stream(
                history, nights, context, customers=asked, threads=0,  # a block is 120 MB
            )
        ]  # fmt: skip
        who = np.concatenate([np.empty(0, np.int32), *(customers for customers, _ in blocks)])
        told = np.concatenate([np.empty((0, len(names))), *(values for _, values in blocks)])
        return pa.table(
            {
                "customer_id": ids.take(pa.array(who)),
                **{name: pa.array(told[:, n], from_pandas=True) for n, name in enumerate(names)},
            }
        )

    def remedies(self, customer_ids: Sequence[str], as_of: datetime) -> Mapping[str, list[str]]:
        """What can still be done, and what could have gone otherwise, where it lowers the risk by
        the model that scored the night; nothing where another one is champion by now."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from pipelines import context
        from pipelines.features import matrix
        from pipelines.mending import mended
        from pipelines.onecustomer import OneCustomer

        if self.home is None or not customer_ids:
            return {}
        batch = ScoreBatch.open(self.home.scores, as_of.astimezone(self.settings.zone).date())
        night = matrix.Night(int(as_of.timestamp()), batch.cut_off)
        history, model = replace(self.history), self._model(batch)
        if model is None:
            return {}
        agents = context.of_night(self.home, history, batch, night)
        if agents is None and history.words("agent"):
            return {}
        numbers = pc.index_in(pa.array(customer_ids, pa.string()), value_set=history.ids())
        asked = dict(zip(numbers.to_pylist(), customer_ids, strict=True))
        asked.pop(None, None)  # erased after they were scored
        known = matrix.context(history, self.settings, [night], agents)
        found = {}
        for some in OneCustomer.by_bucket(history, list(asked)):
            told = mended(some, night, known, model)
            for customer, (now, each) in zip(some, told, strict=True):
                lowering = [
                    one.words(now) if one.still else f"{OTHERWISE}, {one.words(now)}"
                    for one in each
                    if one.lowers(now)
                ]
                if lowering:
                    found[asked[customer.number]] = lowering
        return found

    def _model(self, batch: ScoreBatch) -> ChurnModel | None:
        """That of the batch, where it is the champion and can be read: the list needs none."""
        from models import bundle as bundles
        from models.errors import WarmlineError
        from pipelines.features import matrix

        assert self.home is not None  # noqa: S101 - who asks has looked
        try:
            expect = matrix.fingerprint(self.settings.features)
            champion = bundles.champion(self.home, expect=expect)
        except WarmlineError:
            return None
        scored_by = batch.manifest.facts.get("model_version")
        return champion.model if champion.facts.model_version == scored_by else None
