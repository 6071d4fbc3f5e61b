"""What outreach may ask of the history: implements `CustomerBook`, `Correspondence` and, but for
features (pipelines/nightbook.py), `Timeline`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pipelines.history import knowledge, voices
from pipelines.history.matters import matters
from pipelines.history.store import History
from pipelines.history.walk import Walk, unsubscribed

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

CUSTOMER_TEXTS = (
    "customer_id", "parent_id", "owner_id", "preferred_channel", "segment", "region", "timezone",
)  # fmt: skip
CONSENT_COLUMNS = ("customer_id", "contact_id", "channel", "purpose", "state", "at")
OWNER_COLUMNS = (
    "owner_id", "team", "capacity_per_day", "away_from", "away_to", "delegate_id", "active",
)  # fmt: skip
CONTACT_COLUMNS = ("contact_id", "customer_id", "role", "left_at")
HOLIDAY_COLUMNS = ("team", "date")
SENDER_COLUMNS = ("owner_id", "name", "email")
RECIPIENTS_SQL = {
    "customers": """
SELECT customer_id, NULL::VARCHAR AS contact_id, name, email AS address, locale, timezone, joined_at
FROM ({rows}) WHERE customer_id IN (SELECT whose FROM wanted)
""",
    "contacts": """
SELECT customer_id, contact_id, name, email AS address, NULL::VARCHAR AS locale,
    NULL::VARCHAR AS timezone, NULL::TIMESTAMPTZ AS joined_at
FROM ({rows}) WHERE customer_id IN (SELECT whose FROM wanted)
""",
}
PEOPLE_SQL = """
SELECT {texts}, coalesce(profiling_objection, false) AS profiling_objection FROM ({rows})
"""
ADDRESS_SQL = """
SELECT customer_id, {contact_id} AS contact_id, {channel} AS address FROM ({rows})
WHERE {channel} IS NOT NULL ORDER BY ALL
"""


@dataclass(frozen=True)
class HistoryBook:
    """Customers and their timelines as of a moment: what had happened by then, and was known then
    or by the night's cut-off `known_by` (seconds), whichever is later."""

    history: History
    known_by: int = 0

    @property
    def generation(self) -> int:
        """Which state of the history this is."""
        return self.history.generation

    def customers(self, customer_ids: pa.Array) -> pa.Table:
        """One row a known customer, in the order asked; null where a text is unknown."""
        import pyarrow as pa
        import pyarrow.compute as pc

        known = pc.index_in(customer_ids, value_set=self._people["customer_id"].combine_chunks())
        found = self._people.take(known.drop_null())
        return found.cast(
            pa.schema([(name, _plain(found[name].type)) for name in found.column_names])
        )

    def parents(self) -> pa.Table:
        """The parent account of each customer who has one: customer_id, parent_id."""
        import pyarrow as pa
        import pyarrow.compute as pc

        texts = pa.schema([("customer_id", pa.string()), ("parent_id", pa.string())])
        known = self._people.select(texts.names).cast(texts)
        return known.filter(pc.fill_null(pc.not_equal(known["parent_id"], ""), False))

    def consents(self, as_of: datetime) -> pd.DataFrame:
        """Each time something was granted or refused, the oldest first."""
        import pandas as pd

        said = [self._consents(as_of), self._unsubscribed(as_of)]
        found = pd.concat([some for some in said if len(some)] or said[1:], ignore_index=True)
        order = ["at", "customer_id", "channel", "state"]
        found = found.sort_values(order, kind="stable", ignore_index=True)
        return found.astype({"at": "datetime64[s, UTC]"})[list(CONSENT_COLUMNS)]

    @cached_property
    def _people(self) -> pa.Table:
        """What of customers is asked for: of a million of them there is room for no more. Texts
        that many share are coded."""
        import pyarrow as pa

        history = self.history
        with history.connection() as connection:
            told = voices.told(
                connection, history.folder, history.manifest, "customers", history.precedence
            ).only(*CUSTOMER_TEXTS[1:], "profiling_objection")
            people = knowledge.read(
                connection, PEOPLE_SQL, rows=voices.counting(told), texts=", ".join(CUSTOMER_TEXTS)
            )
        coded = {name: people[name].combine_chunks() for name in people.column_names}
        for name in CUSTOMER_TEXTS[1:]:
            coded[name] = coded[name].cast(pa.string()).dictionary_encode()
        return pa.table(coded)

    def contacts(self) -> pd.DataFrame:
        """Persons of accounts; of merged customers under the id that survives."""
        frame = self._small("contacts", CONTACT_COLUMNS, times=("left_at",))
        return frame.assign(customer_id=self.history.surviving(frame["customer_id"]))

    def addresses(self, channel: str) -> pa.Table:
        """E-mail addresses or phone numbers of customers and of their persons."""
        import pyarrow as pa

        history = self.history
        if channel not in ("email", "phone"):
            raise ValueError(f"addresses are kept for email and phone, not for {channel}")
        found = []
        with history.connection() as connection:
            for table in ("customers", "contacts"):
                if table not in history.manifest.tables:
                    continue
                told = voices.told(
                    connection, history.folder, history.manifest, table, history.precedence
                )
                whose = "contact_id" if table == "contacts" else "NULL::VARCHAR"
                rows = knowledge.read(
                    connection, ADDRESS_SQL, rows=voices.counting(told), channel=channel,
                    contact_id=whose,
                )  # fmt: skip
                found.append(
                    rows.cast(pa.schema([(name, pa.string()) for name in rows.schema.names]))
                )
        return pa.concat_tables(found)

    def recipients(self, customer_ids: Sequence[str]) -> pa.Table:
        """Customers and the persons of their accounts, of merged ones under the id that survives.
        Of an earlier generation the addresses are those of today."""
        import pyarrow as pa

        wanted = pa.array(customer_ids, pa.string())
        found = [self._recipients(table, wanted) for table in ("customers", "contacts")]
        return pa.concat_tables(found, promote_options="default")

    def senders(self) -> pa.Table:
        """The owners with their names."""
        import pyarrow as pa

        frame = self._small("owners", SENDER_COLUMNS)
        kinds = [(column, pa.string()) for column in SENDER_COLUMNS]
        return pa.Table.from_pandas(frame, pa.schema(kinds), preserve_index=False)

    def matters(self, customer_ids: Sequence[str], as_of: datetime) -> pa.Table:
        """What customers' dated facts were about."""
        import pyarrow as pa
        import pyarrow.compute as pc

        moment = int(as_of.timestamp())
        found = self.latest(as_of)
        wanted = pa.array(customer_ids, pa.string())
        theirs = found.filter(pc.is_in(found["customer_id"], value_set=wanted))
        return matters(self.history, theirs, moment, max(moment, self.known_by))

    def owners(self) -> pd.DataFrame:
        """Who works the list; active unless said otherwise."""
        frame = self._small("owners", OWNER_COLUMNS, times=("away_from", "away_to"))
        return frame.assign(active=frame["active"].map(lambda said: said is not False).astype(bool))

    def holidays(self) -> pd.DataFrame:
        """Days on which nobody is written to."""
        return self._small("holidays", HOLIDAY_COLUMNS)

    def open_cases(self, as_of: datetime) -> pd.DataFrame:
        """Cases opened and not ended: customer_id, case_id, opened_at (of the last opening),
        last_at (of the last thing that happened in it)."""
        return self._walk(as_of).open_cases

    def latest(self, as_of: datetime) -> pa.Table:
        """What last happened to each customer."""
        return self._walk(as_of).latest

    def contacted(self, since: datetime, as_of: datetime) -> pa.Table:
        """Each time the company wrote or called unasked."""
        import pyarrow.compute as pc

        return self._walk(as_of).contacted(int(since.timestamp())).filter(pc.field("at") < as_of)

    def _unsubscribed(self, as_of: datetime) -> pd.DataFrame:
        moment = int(as_of.timestamp())
        return unsubscribed(self.history, moment, max(moment, self.known_by))

    def _recipients(self, table: str, wanted: pa.Array) -> pa.Table:
        """Of `customers` or `contacts`, those of `wanted`, as they are written to: no others are
        read, since a million names have no room."""
        import pyarrow as pa

        history = self.history
        if table not in history.manifest.tables or not len(wanted):
            return _recipients_schema().empty_table()
        with history.connection() as connection:
            # Who was merged into another has their persons there, and no name of their own.
            whose = wanted if table == "customers" else self._all_ids_of(wanted)
            connection.register("wanted", pa.table({"whose": whose}))
            told = voices.told(
                connection, history.folder, history.manifest, table, history.precedence
            )
            found = knowledge.read(
                connection, RECIPIENTS_SQL[table], rows=voices.counting(told)
            ).cast(_recipients_schema())
        surviving = history.surviving(found["customer_id"].to_pandas())
        ids = pa.Array.from_pandas(surviving).cast(pa.string())
        return found.set_column(0, "customer_id", ids)

    def _all_ids_of(self, wanted: pa.Array) -> pa.Array:
        """With the ids that were merged into them."""
        import pandas as pd
        import pyarrow as pa

        survivors = self.history.survivors()
        merged = np.flatnonzero(survivors != np.arange(len(survivors)))
        gone = pd.Series(self.history.ids().take(pa.array(merged)).to_pylist(), dtype=object)
        theirs = gone[self.history.surviving(gone).isin(wanted.to_pylist())]
        return pa.array([*wanted.to_pylist(), *theirs], pa.string())

    def _walk(self, as_of: datetime) -> Walk:
        """Everything that is asked of one moment, found in one walk and kept."""
        moment = int(as_of.timestamp())
        if moment not in self._walks:
            self._walks[moment] = Walk.of(self.history, moment, max(moment, self.known_by))
        return self._walks[moment]

    @cached_property
    def _walks(self) -> dict[int, Walk]:
        return {}

    def _consents(self, as_of: datetime) -> pd.DataFrame:
        """As the table tells them; of merged customers under the id that survives."""
        frame = self._small("consents", CONSENT_COLUMNS, times=("at",))
        frame = frame[frame["at"] < as_of]
        purpose = frame["purpose"].astype(object)
        return frame.assign(
            purpose=purpose.where(purpose != "", None),
            customer_id=self.history.surviving(frame["customer_id"]),
        )

    def _small(self, name: str, columns: Sequence[str], times: Sequence[str] = ()) -> pd.DataFrame:
        """These columns of a small table, without rows where it never came."""
        import pandas as pd

        table = self.history.table(name)
        if table is None:
            empty = pd.DataFrame({column: np.array([], object) for column in columns})
            return empty.astype(dict.fromkeys(times, "datetime64[us, UTC]"))
        frame = table[list(columns)].reset_index(drop=True)
        texts = [column for column in columns if column not in times]
        return frame.assign(**_or_none(frame[texts]))


def _recipients_schema() -> pa.Schema:
    import pyarrow as pa

    texts = ("customer_id", "contact_id", "name", "address", "locale", "timezone")
    return pa.schema(
        [*((name, pa.string()) for name in texts), ("joined_at", pa.timestamp("us", tz="UTC"))]
    )


def _plain(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _or_none(frame: pd.DataFrame) -> pd.DataFrame:
    """As Python objects, None where nothing is known."""
    found = frame.astype(object)
    return found.where(found.notna(), None)
