"""The hidden truth as a table. Only tests read it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from data_samples.feelings import State, contact_gain, hazard, leave_probability
from data_samples.people import RESPONSES, People
from data_samples.rows import Naming
from data_samples.settings import WorldSettings
from data_samples.terms import RENEWED, Terms, instants
from models.contracts import DAY, END_KINDS


def truth_table(
    settings: WorldSettings,
    people: People,
    terms: Terms,
    states: Sequence[State],
    horizons: tuple[int, ...],
    midnight: int,
    naming: Naming,
) -> pd.DataFrame:
    """One row a customer in a running relationship, not under notice, and truth date."""
    return pd.concat(
        [_at(settings, people, terms, state, horizons, midnight, naming) for state in states],
        ignore_index=True,
    )


def _at(
    settings: WorldSettings,
    people: People,
    terms: Terms,
    state: State,
    horizons: tuple[int, ...],
    midnight: int,
    naming: Naming,
) -> pd.DataFrame:
    who, felt = state.who, state.attachment + state.lift
    tenure = state.day - people.joined_day[who]
    daily = hazard(settings, felt, state.term_ends - state.day, people.yearly[who], tenure)
    leaves = {days: leave_probability(settings, people, state, days) for days in horizons}
    gain = contact_gain(settings, people.response[who], felt) * state.fresh
    last = max(horizons)
    decided, kind = terms.first_decision(who, midnight + state.day * DAY)
    return pd.DataFrame(
        {
            "customer_id": naming.customers(who).to_pandas(),
            "as_of": (np.datetime64(midnight, "s") + state.day * DAY)
            .astype("datetime64[D]")
            .astype(str),
            "silent": people.silent[who],
            "response": np.array(RESPONSES)[people.response[who]],
            "mood": state.mood.round(4),
            "attachment": felt.round(4),
            "hazard": daily.round(7),
            **{f"leave_{days}": chance.round(6) for days, chance in leaves.items()},
            f"effect_{last}": (
                leave_probability(settings, people, state, last, gain) - leaves[last]
            ).round(6),
            "decided_at": instants(decided),
            "end_kind": [END_KINDS[code] if code != RENEWED else None for code in kind],
        }
    )
