"""The customers of a company as its CRM has them: their rows, owners, consents and attributes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data_samples import tables
from data_samples.company.identities import Identities
from data_samples.company.luck import Luck
from data_samples.company.mail import Mail
from data_samples.company.settings import CompanySettings
from data_samples.rows import numbered
from data_samples.terms import instants
from data_samples.world import Hidden
from models.contracts import DAY

NOON = 43_200
QUARTER = 91  # days between two counts of a customer's seats
# All that the shop knows of a customer.
SHOP_COLUMNS = ("customer_id", "joined_at", "region", "email", "owner_id")
NEWSLETTERS = ("none", "monthly", "weekly")
NEWSLETTER_CHANGES = 0.5  # a year (assumed); follows nothing
SEATS_FOLLOW = 0.8  # log seats per unit of attachment (assumed)

Ids = NDArray[np.int64]


class Register:
    """Posts customers as they join and what changes about them."""

    def __init__(
        self,
        settings: CompanySettings,
        hidden: Hidden,
        luck: Luck,
        mail: Mail,
        identities: Identities,
    ) -> None:
        self._settings, self._hidden, self._luck, self._mail = settings, hidden, luck, mail
        self._identities = identities
        n = len(hidden.people)
        self._owner = hidden.people.owner.copy()
        self._known = np.zeros(n, np.int64)  # second of the newest version of each row
        self._seats = np.zeros(n, np.int64)
        size = np.array([1.5, 4.0, 15.0, 60.0])[hidden.people.segment]
        self._size = size * np.exp(0.4 * luck.draws.normal("seats", -1, np.arange(n)))
        self._attributes: list[pd.DataFrame] = []
        # Who will ever join is settled with the world; nobody is told before the day.
        everyone = np.arange(n)
        self._join(everyone)
        if settings.attributes:
            self._newsletters(everyone, -1, np.maximum(self._joined(everyone), hidden.midnight))
        owners = tables.owners(hidden.people)
        mail.post("owners", "crm", owners, np.full(len(owners), hidden.midnight))

    def day(self, day: int, *, first: bool) -> None:
        """Enter what the world did on `day`; `first`: all who were there before, too."""
        people = self._hidden.people
        if self._settings.attributes:
            begun = people.joined_day <= day if first else people.joined_day == day
            self._count_seats(np.flatnonzero(begun), day)
        if not first:
            self._change(day)

    def post(self) -> None:
        """Hand over the attributes since the last time."""
        if self._attributes:
            rows = pd.concat(self._attributes, ignore_index=True)
            self._attributes = []
            who = rows.pop("who").to_numpy()
            at, known = rows["valid_from"].to_numpy(), rows["recorded_at"].to_numpy()
            rows.insert(0, "customer_id", self._hidden.naming.customers(who).to_pandas())
            rows["valid_from"], rows["recorded_at"] = instants(at), instants(known)
            self._mail.post("attributes", "crm", rows, known, who)

    @property
    def _start(self) -> int:
        return self._hidden.midnight

    def _joined(self, who: Ids) -> Ids:
        people = self._hidden.people
        joined: Ids = self._start + people.joined_day[who] * DAY + people.joined_second[who]
        return joined

    def _rows(self, who: Ids) -> pd.DataFrame:
        hidden = self._hidden
        rows = tables.customers(hidden.draws, hidden.people, who, self._start, hidden.naming)
        owner = numbered("o-", self._owner[who] + 1, 3).to_pandas()
        return rows.assign(owner_id=owner)

    def _join(self, who: Ids) -> None:
        hidden, joined = self._hidden, self._joined(who)
        known = joined + self._luck.lag("crm", "customers", -1, who)
        self._known[who] = known
        rows = self._rows(who)
        dates = instants(known)
        self._mail.post("customers", "crm", rows.assign(recorded_at=dates, updated_at=dates), known)
        consents = tables.consents(hidden.draws, hidden.people, who, self._start, hidden.naming)
        told = consents["at"].to_numpy("datetime64[s]").astype(np.int64)
        self._mail.post("consents", "crm", consents.assign(recorded_at=consents["at"]), told)
        differs = self._luck.draws.chance("owner differs", -1, who, self._settings.disagreeing)
        if self._owner.max() > 0:
            # The shop's row is older and shorter: another owner, and little else.
            said = rows.loc[differs, list(SHOP_COLUMNS)]
            other = (self._owner[who[differs]] + 1) % (self._owner.max() + 1)
            said["owner_id"] = numbered("o-", other + 1, 3).to_pylist()
            said["recorded_at"] = said["updated_at"] = said["joined_at"]
            self._mail.post("customers", "shop", said, joined[differs])

    def _change(self, day: int) -> None:
        hidden, now = self._hidden, self._start + day * DAY + NOON
        here = (hidden.people.joined_day < day) & (hidden.terms.ended > now)
        staying = np.flatnonzero(here)
        moved = self._luck.daily("owner change", day, staying, self._settings.owner_changes)
        if self._owner.max() > 0 and len(moved):
            step = self._luck.draws.pick("new owner", day, moved, (1.0,) * int(self._owner.max()))
            self._owner[moved] = (self._owner[moved] + 1 + step) % (self._owner.max() + 1)
            known = now + self._luck.lag("crm", "customers", day, moved)
            known = np.maximum(known, self._known[moved] + 60)
            self._known[moved] = known
            dates = instants(known)
            rows = self._rows(moved).assign(recorded_at=dates, updated_at=dates)
            self._mail.post("customers", "crm", rows, known)
        second = self._identities.second
        begin = second.begins // DAY == now // DAY
        begin &= here[second.customer]
        if begin.any():
            rows = self._rows(second.customer[begin])
            self._identities.begin_second_ids(rows[list(SHOP_COLUMNS)], begin)
        if self._settings.attributes:
            turn = staying[staying % QUARTER == day % QUARTER]
            self._count_seats(turn, day)
            some = self._luck.daily("newsletter", day, staying, NEWSLETTER_CHANGES)
            self._newsletters(some, day, np.full(len(some), now))

    def _count_seats(self, who: Ids, day: int) -> None:
        """Seats in use: fewer as attachment falls, told where they changed."""
        felt = np.minimum(self._hidden.feelings.felt()[who], 0.6)
        seats = np.maximum(np.rint(self._size[who] * np.exp(SEATS_FOLLOW * felt)), 1.0)
        changed = seats.astype(np.int64) != self._seats[who]
        who, seats = who[changed], seats.astype(np.int64)[changed]
        self._seats[who] = seats
        at = np.maximum(self._joined(who), self._start + day * DAY)
        self._attribute("seats", who, seats.astype(str), at)

    def _newsletters(self, who: Ids, day: int, at: Ids) -> None:
        choice = self._luck.draws.pick("newsletter is", day, who, (1.0,) * len(NEWSLETTERS))
        self._attribute("newsletter", who, np.array(NEWSLETTERS)[choice], at)

    def _attribute(self, name: str, who: Ids, values: NDArray[np.str_], at: Ids) -> None:
        if len(who):
            known = at + self._luck.lag("crm", "attributes", -1, who)
            facts = {"who": who, "name": name, "value": values.astype(object)}
            dates = {"valid_from": at, "recorded_at": known}
            self._attributes.append(pd.DataFrame({**facts, **dates}))
