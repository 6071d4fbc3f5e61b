"""A company whose data arrives as real data does: each night, what its systems have to tell.

    company = Company(folder, World(WorldSettings(customers=2_000, days=460)))
    backlog = company.night(date(2025, 7, 1))  # everything until then, in one delivery
    for day in range(1, 91):
        delivery = company.night(date(2025, 7, 1) + timedelta(days=day))  # for `warmline ingest`

What is delivered by a day does not depend on how many nights it took, and the feeds change
nothing in the world: `truth` is the world's own.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from data_samples.company.contracts import ContractBook
from data_samples.company.identities import Identities
from data_samples.company.log import Log
from data_samples.company.luck import Luck
from data_samples.company.mail import Mail
from data_samples.company.register import Register
from data_samples.company.settings import APP_KINDS, CompanySettings, usual_gaps
from data_samples.company.surroundings import Rates, post_agents, post_gaps, post_hours
from data_samples.world import World
from models.contracts import DAY

PAUSABLE = [*APP_KINDS, "order"]  # what a customer in a pause does not do


class Company:
    """A world and the feeds that tell of it. The world is the company's: only it advances it."""

    def __init__(
        self,
        folder: Path,
        world: World,
        settings: CompanySettings | None = None,
    ) -> None:
        """`folder` holds the deliveries; ValueError where `world` has lived already."""
        if world.day:
            raise ValueError("a company begins with its world: give one that has not advanced")
        self.folder, self.world = folder, world
        self.settings = settings = settings or CompanySettings()
        self._hidden = hidden = world.hidden
        days = world.settings.days
        self.gaps = usual_gaps(days) if settings.gaps is None else settings.gaps
        luck, self._mail = Luck(settings, world.settings.seed), Mail()
        self.identities = Identities(settings, hidden, luck, self._mail, days)
        self.contracts = ContractBook(settings, hidden, luck, self._mail)
        self._register = Register(settings, hidden, luck, self._mail, self.identities)
        self._rates = Rates(settings, hidden, luck, self._mail)
        self._log = Log(settings, luck, self._mail, self.identities, self.gaps, hidden.midnight)
        post_agents(hidden, self._mail)
        post_gaps(hidden, self._mail, self.gaps)
        last = world.settings.start.replace(year=world.settings.start.year + 2 + days // 365)
        post_hours(hidden, self._mail, world.settings.start, last)

    def night(self, day: date) -> Path:
        """The delivery of the night that begins `day`: a folder of contract files (Parquet).

        It holds what arrived before midnight UTC at the start of that date and was not
        delivered before. ValueError for a date that is not after the last one delivered.
        """
        days = (day - self.world.today).days
        if days <= 0:
            raise ValueError(f"the night of {day} is over: the next is after {self.world.today}")
        lived = [self._live() for _ in range(days)]
        self.contracts.post()
        self._register.post()
        self._rates.post()
        self._log.take(pa.concat_tables(lived).to_pandas())
        folder = self.folder / f"night-{day}"
        self._mail.deliver(folder, self._now())
        return folder

    def deliveries(self) -> list[Path]:
        """The folders delivered so far, oldest first."""
        return sorted(self.folder.glob("night-*"))

    def truth(self, horizons: tuple[int, ...] = (30, 60, 90)) -> pd.DataFrame:
        """`World.truth` with `surviving_id`: what the company calls that customer today.

        The two differ only while one customer is taken for another by mistake. Second ids have
        no rows of their own: `survivors` says whose they are.
        """
        truth = self.world.truth(horizons)
        survivors = self.survivors()
        truth.insert(1, "surviving_id", truth["customer_id"].replace(survivors.to_dict()))
        return truth

    def survivors(self) -> pd.Series:
        """Surviving id by merged id, as known today."""
        return self.identities.survivors(self._now())

    def _now(self) -> int:
        return self._hidden.midnight + self.world.day * DAY

    def _live(self) -> pa.Table:
        day = self.world.day
        rows = self.world.advance_table(1)
        self.contracts.day(day, first=day == 0)
        self._register.day(day, first=day == 0)
        self._rates.day(day)
        pausable = pc.is_in(pc.cast(rows["kind"], pa.string()), pa.array(PAUSABLE))
        who = pc.cast(pc.utf8_slice_codeunits(rows["customer_id"], 1), pa.int64())
        at = rows["occurred_at"].to_numpy().astype("datetime64[s]").astype(np.int64)
        paused = self.contracts.paused(who.to_numpy(), at)
        return rows.filter(pa.array(~(pausable.to_numpy() & paused)))
