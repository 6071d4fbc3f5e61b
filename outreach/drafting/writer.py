"""Who is written to, who signs, and in which words: drafts for the messages of a night."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from models.contracts import Correspondence
from outreach.contact_point import NotAnAddress
from outreach.drafting.facts import CASES, DATED, TOPICS, Facts
from outreach.drafting.library import Library
from outreach.drafting.template import Template
from outreach.drafting.topics import case_number
from outreach.playbooks import Playbook
from outreach.store.drafts import Draft

if TYPE_CHECKING:
    import pyarrow as pa

    from outreach.planned import Planned

CHANNEL = "email"  # the one that a message of ours goes by; elsewhere a person acts


@dataclass(frozen=True)
class Style:
    """How a company writes: its name, and the language where a customer's has no template."""

    company: str
    language: str
    zone: tzinfo  # of customers whose own is unknown


@dataclass(frozen=True)
class Writer:
    """Writes the draft of one decision (`Drafts` of the store)."""

    library: Library
    plays: Mapping[str, Playbook]
    people: Mapping[tuple[str, str | None], Mapping[str, Any]]  # by customer and contact
    senders: Mapping[str, str]  # names by owner
    dates: Mapping[str, Mapping[str, datetime]]  # by customer and name of `DATED`
    about: Mapping[str, Mapping[str, Mapping[str, str | None]]]  # rows of `matters`, by fact
    style: Style
    key: bytes  # the home's
    night: datetime

    def __call__(self, planned: Planned) -> Draft | None:
        """The draft; None where there is no template or no address. Raises `WrongUsage` for a
        template that must not be used."""
        person = self.people.get((planned.customer_id, planned.contact_id))
        play = self.plays.get(planned.playbook)
        if person is None or play is None or planned.channel != CHANNEL or not person["address"]:
            return None
        locale = person["locale"] or self._of_customer(planned, "locale")
        languages = [language for language in (locale, self.style.language) if language]
        template = self.library.find(play.template, languages)
        if template is None:
            return None
        try:
            return self._draft(planned, person, play, template)
        except NotAnAddress:
            return None

    def _draft(
        self, planned: Planned, person: Mapping[str, Any], play: Playbook, template: Template
    ) -> Draft:
        sender = self.senders.get(planned.owner_id or "")
        facts = Facts(
            zone=_zone(self._of_customer(planned, "timezone"), self.style.zone),
            name=person["name"],
            company=self.style.company,
            sender=sender,
            offer=play.offer.text,
            days=_days(planned.evidence_at, self.night),
            dates=self.dates.get(planned.customer_id, {}),
            about=self._about(planned.customer_id, template.language),
        )
        words = template.render(facts)
        return Draft.to(
            self.key, CHANNEL, person["address"], subject=words.subject, text=words.text,
            name=person["name"], from_name=sender, language=template.language,
        )  # fmt: skip

    def _about(self, customer_id: str, language: str) -> dict[str, str]:
        """What the dates were about, in words of the language. Items are called so everywhere;
        other topics are words of the company's own language."""
        found, words = self.about.get(customer_id, {}), self.library.topics(language)
        native = _plain_tag(language) == _plain_tag(self.style.language)
        said: dict[str, str | None] = {}
        for name, fact in TOPICS.items():
            topic = found.get(fact, {}).get("topic")
            said[name] = words.said(topic, as_it_is=native or fact == "order_at")
        for name, fact in CASES.items():
            said[name] = case_number(found.get(fact, {}).get("case_id"))
        return {name: told for name, told in said.items() if told}

    def _of_customer(self, planned: Planned, field: str) -> str | None:
        said: str | None = self.people.get((planned.customer_id, None), {}).get(field)
        return said


def writer(
    library: Library,
    plays: Sequence[Playbook],
    book: Correspondence,
    latest: pa.Table,
    customer_ids: Sequence[str],
    *,
    style: Style,
    key: bytes,
    night: datetime,
) -> Writer:
    """A writer of letters to `customer_ids`, with what these need to say, read at once.

    `latest` is what `Timeline.latest` gives for `night`.
    """
    wanted = sorted(set(customer_ids))
    people = {
        (row["customer_id"], row["contact_id"]): row for row in book.recipients(wanted).to_pylist()
    }
    joined = {
        customer: row["joined_at"] for (customer, contact), row in people.items() if not contact
    }
    return Writer(
        library=library,
        plays={play.name: play for play in plays},
        people=people,
        senders={row["owner_id"]: row["name"] for row in book.senders().to_pylist() if row["name"]},
        dates=_dates(latest, wanted, joined),
        about=_about(book.matters(wanted, night)),
        style=style,
        key=key,
        night=night,
    )


def _dates(
    latest: pa.Table, wanted: Sequence[str], joined: Mapping[str, datetime | None]
) -> dict[str, dict[str, datetime]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    mine = latest.filter(pc.is_in(latest["customer_id"], value_set=pa.array(wanted, pa.string())))
    found: dict[str, dict[str, datetime]] = {customer: {} for customer in wanted}
    for row in mine.to_pylist():
        known = {name: row[column] for name, column in DATED.items() if row[column] is not None}
        found[row["customer_id"]] = known
    for customer, at in joined.items():
        if at is not None:
            found[customer]["joined"] = at
    return found


def _about(matters: pa.Table) -> dict[str, dict[str, dict[str, str | None]]]:
    found: dict[str, dict[str, dict[str, str | None]]] = {}
    for row in matters.to_pylist():
        found.setdefault(row["customer_id"], {})[row["fact"]] = row
    return found


def _plain_tag(language: str) -> str:
    return language.partition("-")[0].lower()


def _days(at: datetime | None, night: datetime) -> int | None:
    return None if at is None else abs((night - at).days)


def _zone(name: str | None, otherwise: tzinfo) -> tzinfo:
    try:
        return ZoneInfo(name) if name else otherwise
    except (OSError, ValueError):  # a zone that this machine does not know
        return otherwise
