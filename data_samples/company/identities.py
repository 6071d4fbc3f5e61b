"""Who is who: second ids of one customer, two customers taken for one, keys of the help desk.

A merge is an `identities` row of system `crm`: `customer_id` X (also as `external_id`) with
`merged_into` Y says that X is Y. Undone, it comes again with a newer `updated_at`, without it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from data_samples.company.luck import Luck
from data_samples.company.mail import Mail
from data_samples.company.settings import CompanySettings
from data_samples.rows import numbered
from data_samples.terms import NEVER, instants
from data_samples.world import Hidden
from models.contracts import DAY

MIX = 7_919  # a prime: help desk numbers follow no order of the customers
SETTLED = 20  # days with the company before any of this happens (assumed)

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Doubles:
    """n ids found to be another customer's. Times are seconds; NEVER where it did not come."""

    customer: Ids
    into: Ids  # the surviving customer
    begins: Ids  # the second id is in use from here on
    found: Ids  # the merge is known
    undone: Ids


class Identities:
    """The ids of a company's customers. All is drawn at the start and told when due."""

    def __init__(
        self, settings: CompanySettings, hidden: Hidden, luck: Luck, mail: Mail, days: int
    ) -> None:
        self._settings, self._hidden, self._luck, self._mail = settings, hidden, luck, mail
        self._told = np.zeros(len(hidden.people), bool)  # whose help desk key is known
        self.second = self._second_ids(days)
        self.mistaken = self._wrong_merges(days)
        self._second_from = np.full(len(hidden.people), NEVER)
        self._second_until = np.full(len(hidden.people), NEVER)
        self._tell_merges(self.mistaken, self._names(self.mistaken.customer))

    def second_names(self, who: Ids) -> pd.Series:
        """`D00017`, the second id of customer `C00017`."""
        width = self._hidden.naming.customer_width
        return _texts(numbered("D", who, width))

    def desk_keys(self, who: Ids) -> pd.Series:
        """`hd-000123`: the help desk's key of each customer, n."""
        width = max(6, self._hidden.naming.customer_width)
        key = (who * MIX + 31) % 10**width
        return _texts(numbered("hd-", key, width))

    def has_second(self, who: Ids, at: Ids) -> NDArray[np.bool_]:
        """Whether a second id is in use, unnoticed, at second `at`, (n,)."""
        used: NDArray[np.bool_] = (self._second_from[who] <= at) & (at < self._second_until[who])
        return used

    def survivors(self, now: int) -> pd.Series:
        """What each merged id is known as at second `now`: surviving id by id."""
        known: dict[str, str] = {}
        for doubles, names in (
            (self.second, self.second_names(self.second.customer)),
            (self.mistaken, self._names(self.mistaken.customer)),
        ):
            running = (doubles.found < now) & (now <= doubles.undone)
            if doubles is self.second:  # those who had left by then never used theirs
                running &= self._second_from[doubles.customer] != NEVER
            into = self._names(doubles.into)
            known |= dict(zip(names[running], into[running], strict=True))
        return pd.Series(known, dtype="object")

    def tell_desk_keys(self, who: Ids, at: Ids) -> None:
        """Make the help desk's keys of customers known, a while after their first row there."""
        first = pd.Series(at).groupby(who).min()
        new = first[~self._told[first.index]]
        customer = new.index.to_numpy(np.int64)
        self._told[customer] = True
        known = new.to_numpy() + self._luck.lag("crm", "identities", -1, customer)
        rows = pd.DataFrame(
            {
                "system": "helpdesk",
                "external_id": self.desk_keys(customer),
                "customer_id": self._names(customer),
                "merged_into": None,
                "recorded_at": instants(known),
                "updated_at": instants(known),
            }
        )
        self._mail.post("identities", "crm", rows, known)

    def _second_ids(self, days: int) -> Doubles:
        people, settings, luck = self._hidden.people, self._settings, self._luck
        everyone = np.arange(len(people))
        who = everyone[luck.draws.chance("second id", -1, everyone, settings.second_ids)]
        since = np.maximum(people.joined_day[who], 0) + SETTLED
        later = luck.draws.uniform("second id from", -1, who) * np.maximum(days - since, 1)
        begins = self._hidden.midnight + (since + later.astype(np.int64)) * DAY + 3_600
        found = begins + luck.waits("second id found", -1, who, settings.found_after_days)
        return Doubles(who, who, begins, found, np.full(len(who), NEVER))

    def _wrong_merges(self, days: int) -> Doubles:
        """An odd customer without a second id is taken for the even one before.

        So there are no chains and no circles.
        """
        people, settings, luck = self._hidden.people, self._settings, self._luck
        odd = np.setdiff1d(np.arange(1, len(people), 2), self.second.customer)
        who = odd[luck.draws.chance("wrong merge", -1, odd, 2.0 * settings.wrong_merges)]
        since = np.maximum(people.joined_day[who], 0) + SETTLED
        later = luck.draws.uniform("wrong merge at", -1, who) * np.maximum(days - since, 1)
        found = self._hidden.midnight + (since + later.astype(np.int64)) * DAY + 36_000
        undone = found + luck.waits("undone", -1, who, settings.undone_after_days)
        return Doubles(who, who - 1, found, found, undone)

    def _tell_merges(self, doubles: Doubles, names: pd.Series) -> None:
        for known, into in (
            (doubles.found, self._names(doubles.into)),
            (doubles.undone, pd.Series([None] * len(names))),
        ):
            come = known != NEVER
            rows = pd.DataFrame(
                {
                    "system": "crm",
                    "external_id": names[come],
                    "customer_id": names[come],
                    "merged_into": into[come],
                    "recorded_at": instants(known)[come],
                    "updated_at": instants(known)[come],
                }
            )
            self._mail.post("identities", "crm", rows, known[come])

    def begin_second_ids(self, customers: pd.DataFrame, chosen: NDArray[np.bool_]) -> None:
        """The `chosen` of `second` come into use: rows of the shop, like `customers`."""
        mine = Doubles(**{name: values[chosen] for name, values in vars(self.second).items()})
        self._second_from[mine.customer] = mine.begins
        self._second_until[mine.customer] = mine.found
        names = self.second_names(mine.customer)
        begins = instants(mine.begins)
        rows = customers.reset_index(drop=True).assign(
            customer_id=names,
            joined_at=begins,
            email=names.str.lower() + "@example.org",
            recorded_at=begins,
            updated_at=begins,
        )
        self._mail.post("customers", "shop", rows, mine.begins)
        self._tell_merges(mine, names)

    def _names(self, who: Ids) -> pd.Series:
        return _texts(self._hidden.naming.customers(who))


def _texts(ids: pa.Array) -> pd.Series:
    texts: pd.Series = ids.to_pandas().astype(object)
    return texts
