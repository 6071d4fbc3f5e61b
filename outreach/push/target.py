"""The CRM that a home is set to write to, with the names that its fields have there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from models.contracts import PUSHED, RENEWAL
from models.errors import WrongUsage
from outreach.channels.crm import Crm
from outreach.channels.crm.client import Bearer, Client, Connecting, Pace
from outreach.channels.crm.tasks import Tasks
from outreach.push.fields import Naming

if TYPE_CHECKING:
    from models.settings_outreach import Crm as Settings

Clock = Callable[[], datetime]
Ways = tuple[Crm, Tasks]

_OBJECTS = {"hubspot": "companies", "salesforce": "Account", "generic": "customers"}
_KEYS = {"hubspot": "warmline_id", "salesforce": "Warmline_Id__c", "generic": "customer_id"}
# What each kind cannot do without.
_NEEDED = {
    "hubspot": ("token",),
    "salesforce": ("url", "client_id"),
    "generic": ("url", "secret"),
}


@dataclass(frozen=True)
class Target:
    """Where scores go, and under which names; and where tasks go."""

    crm: Crm
    tasks: Tasks
    naming: Naming


def target(
    settings: Settings,
    *,
    clock: Clock,
    pace: Pace | None = None,
) -> Target:
    """The CRM of `[crm]`, called at its own pace unless another is given. Raises `WrongUsage` for
    one that is not set up whole."""
    if not settings.kind:
        raise WrongUsage(
            "There is no CRM to push to, and no chat: set [crm] kind or [channels.chat] url "
            "(docs/guides/push.md). Nothing was pushed."
        )
    missing = [name for name in _NEEDED[settings.kind] if not getattr(settings, name)]
    if settings.kind == "salesforce" and not (settings.client_secret or settings.refresh_token):
        missing.append("client_secret or refresh_token")
    if missing:
        raise WrongUsage(f"[crm] {' and '.join(missing)} is not set. Nothing was pushed.")
    naming = naming_of(settings)
    pace = pace or Pace(settings.per_second)
    make = {"hubspot": _hubspot, "salesforce": _salesforce, "generic": _generic}[settings.kind]
    crm, tasks = make(settings, naming, pace, clock)
    return Target(crm, tasks, naming)


def naming_of(settings: Settings) -> Naming:
    """The names of the fields: those of `[crm.fields]`, else those that the guide says to make."""
    names = {name: settings.fields.get(name, _usual(settings.kind, name)) for name in PUSHED}
    names |= {name: settings.fields.get(name, "") for name in RENEWAL}
    return Naming(
        settings.object or _OBJECTS[settings.kind],
        settings.key or _KEYS[settings.kind],
        {name: there for name, there in names.items() if there},
    )


def _usual(kind: str, name: str) -> str:
    if kind == "hubspot":
        return f"warmline_{name}"
    words = "_".join(word.capitalize() for word in name.split("_"))
    return f"Warmline_{words}__c" if kind == "salesforce" else name


def _connecting(settings: Settings) -> Connecting:
    return Connecting(settings.timeout_seconds, settings.allow_private)


def _hubspot(settings: Settings, naming: Naming, pace: Pace, clock: Clock) -> Ways:
    from outreach.channels.crm.hubspot import URL, HubSpot
    from outreach.channels.crm.hubspot_tasks import HubSpotTasks

    client = Client(settings.url or URL, Bearer(settings.token), pace, _connecting(settings))
    crm = HubSpot(client, object_=naming.object_, key=naming.key, create=settings.create)
    ours, outcome = settings.tasks.key or "warmline_item", settings.tasks.outcome
    return crm, HubSpotTasks(
        client, object_=naming.object_, key=naming.key, own=ours, outcome=outcome
    )


def _salesforce(settings: Settings, naming: Naming, pace: Pace, clock: Clock) -> Ways:
    from outreach.channels.crm.salesforce import RECORD_ID, Salesforce
    from outreach.channels.crm.salesforce_bulk import Jobs
    from outreach.channels.crm.salesforce_tasks import SalesforceTasks
    from outreach.channels.crm.salesforce_token import Tokens

    connecting, version = _connecting(settings), settings.version
    tokens = Tokens(
        settings.url, settings.client_id, settings.client_secret, settings.refresh_token, connecting
    )

    @cache
    def client() -> Client:
        return Client(tokens.instance(), tokens, pace, connecting)

    object_, key = naming.object_, naming.key
    jobs = Jobs(client, object_=object_, key=key, version=version, sleep=pace.sleep)
    crm = Salesforce(
        client, object_=object_, key=key, version=version, bulk=jobs, bulk_from=settings.bulk_from
    )
    tasks = Salesforce(client, object_="Task", key=RECORD_ID, version=version)
    ours = settings.tasks.key or "Warmline_Item__c"
    return crm, SalesforceTasks(crm, tasks, own=ours, outcome=settings.tasks.outcome)


def _generic(settings: Settings, naming: Naming, pace: Pace, clock: Clock) -> Ways:
    from outreach.channels.crm.generic import Generic, Nobody
    from outreach.channels.crm.generic_tasks import GenericTasks
    from outreach.channels.webhook.signature import read

    client = Client(settings.url, Nobody(), pace, _connecting(settings))
    secret = read(settings.secret, "[crm] secret")
    crm = Generic(
        client, object_=naming.object_, secret=secret, at_once=settings.at_once, clock=clock
    )
    return crm, GenericTasks(crm)
