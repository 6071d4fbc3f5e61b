"""The contract's small tables of a world: customers, consents, agents, owners."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_samples.draws import Draws
from data_samples.people import (
    CONSENT_CHANNELS,
    FIRST_NAMES,
    LAST_NAMES,
    REGIONS,
    SEGMENTS,
    People,
    names_of,
)
from data_samples.rows import Naming, numbered
from data_samples.service import BOTS, TEAMS, Service
from data_samples.terms import NEVER, instants
from models.contracts import CHANNELS, DAY

Who = NDArray[np.int64]


def _words(words: tuple[str, ...], codes: NDArray[np.integer]) -> NDArray[np.object_]:
    chosen: NDArray[np.object_] = np.array(words, dtype=object)[codes]
    return chosen


def customers(
    draws: Draws, people: People, who: Who, midnight: int, naming: Naming
) -> pd.DataFrame:
    """One row a customer of `who`."""
    ids, names = naming.customers(who), names_of(draws, who)
    dotted = pc.replace_substring(pc.utf8_lower(names), " ", ".")
    mailbox = pc.binary_join_element_wise(dotted, pc.utf8_lower(ids), ".")
    address = pc.binary_join_element_wise(mailbox, "example.org", "@")
    # A few have given no address.
    no_address = draws.chance("no address", -1, who, 0.03)
    region = people.region[who]
    return pd.DataFrame(
        {
            "customer_id": ids.to_pandas(),
            "joined_at": instants(
                midnight + people.joined_day[who] * DAY + people.joined_second[who]
            ),
            "parent_id": naming.customers(people.parent[who]).to_pandas(),
            "segment": _words(SEGMENTS, people.segment[who]),
            "region": _words(tuple(region[0] for region in REGIONS), region),
            "locale": _words(tuple(region[1] for region in REGIONS), region),
            "timezone": _words(tuple(region[2] for region in REGIONS), region),
            "owner_id": numbered("o-", people.owner[who] + 1, 3).to_pandas(),
            "name": names.to_pandas(),
            "email": pc.if_else(pa.array(no_address), None, address).to_pandas(),
            "preferred_channel": _words(CHANNELS, people.preferred[who]),
            "profiling_objection": people.objects[who],
        }
    )


def consents(draws: Draws, people: People, who: Who, midnight: int, naming: Naming) -> pd.DataFrame:
    """E-mail for most, phone and SMS for some; about one in twelve refuses a channel."""
    blocks = []
    joined = midnight + people.joined_day[who] * DAY + people.joined_second[who]
    for channel, asked in zip(CONSENT_CHANNELS, (0.6, 0.15, 0.05), strict=True):
        some = draws.chance("consent " + channel, -1, who, asked)
        answer = draws.pick("consent is " + channel, -1, who, (0.87, 0.08, 0.05))
        blocks.append(
            pd.DataFrame(
                {
                    "customer_id": naming.customers(who[some]).to_pandas(),
                    "contact_id": None,
                    "channel": channel,
                    "purpose": "service",
                    "state": _words(("granted", "refused", "unknown"), answer[some]),
                    "at": instants(joined[some] + 300),
                }
            )
        )
    return pd.concat(blocks).sort_values(["customer_id", "channel"], ignore_index=True)


def agents(service: Service, day: int, midnight: int, naming: Naming) -> pd.DataFrame:
    """Everyone who had begun by that day, the bots first."""
    who = np.flatnonzero(service.starts <= day)
    left = np.where(service.ends[who] < day, midnight + service.ends[who] * DAY + 61_200, NEVER)
    return pd.DataFrame(
        {
            "agent_id": naming.agents(who).to_pandas(),
            "team": _words((*TEAMS, "bots"), service.team[who]),
            "is_bot": who < BOTS,
            "started_at": instants(midnight + service.starts[who] * DAY + 28_800),
            "left_at": instants(left),
        }
    )


def owners(people: People) -> pd.DataFrame:
    """Success managers; nobody is away."""
    number = np.arange(int(people.owner.max()) + 1)
    first = [FIRST_NAMES[(7 * n + 3) % len(FIRST_NAMES)] for n in number]
    last = [LAST_NAMES[(11 * n + 5) % len(LAST_NAMES)] for n in number]
    return pd.DataFrame(
        {
            "owner_id": numbered("o-", number + 1, 3).to_pandas(),
            "name": [f"{a} {b}" for a, b in zip(first, last, strict=True)],
            "email": [f"{a}.{b}@example.com".lower() for a, b in zip(first, last, strict=True)],
            "team": _words(TEAMS, number % len(TEAMS)),
            "capacity_per_day": 20,
            "away_from": None,
            "away_to": None,
            "delegate_id": None,
            "active": True,
        }
    )
