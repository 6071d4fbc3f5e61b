"""Each kind of CRM against a server that speaks its API: shapes, limits, errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from models.settings_outreach import Crm as Settings
from outreach.channels import Later, Refused, Sent
from outreach.channels.crm import CannotPush, Fates, Record
from outreach.channels.crm.client import Pace
from outreach.push.target import target
from tests.servers import crm
from tests.unit.outreach.channels.test_webhook_and_file import SECRET

AT = datetime(2026, 7, 1, 6, 30, tzinfo=UTC)
HUBSPOT = {"kind": "hubspot", "token": "right"}
SALESFORCE = {"kind": "salesforce", "client_id": "id", "client_secret": "secret"}
GENERIC = {"kind": "generic", "secret": SECRET, "at_once": 4}
OBJECTS = {"hubspot": "companies", "salesforce": "Account", "generic": "customers"}


@pytest.fixture
def cloud() -> Iterator[crm.Cloud]:
    with crm.running() as running:
        running.secret = SECRET
        yield running


@dataclass
class Time:
    """It passes when somebody sleeps."""

    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return sum(self.slept)

    def pace(self, per_second: float) -> Pace:
        return Pace(per_second, self.clock, self.slept.append)


def crm_at(cloud: crm.Cloud, time: Time | None = None, **settings: Any) -> Any:
    url = cloud.url + ("/hook" if settings["kind"] == "generic" else "")
    set_to = Settings(**{"url": url, "allow_private": True, "timeout_seconds": 5, **settings})
    pace = (time or Time()).pace(1e6 if time is None else set_to.per_second)
    return target(set_to, clock=lambda: datetime.now(UTC), pace=pace).crm


def some(*keys: str, **fields: Any) -> list[Record]:
    return [Record(key, fields or {"risk": 0.4, "silent": True, "at": AT}) for key in keys]


def known(cloud: crm.Cloud, kind: str, *keys: str) -> dict[str, dict[str, Any]]:
    """The CRM's records of those keys, which are there already."""
    there = cloud.of(OBJECTS[kind])
    for key in keys:
        there.setdefault(key, {})
    return there


def taken(fates: Fates) -> list[str]:
    return sorted(key for key, fate in fates.items() if isinstance(fate, Sent))


WRITTEN = {
    "hubspot": {"risk": "0.4", "silent": "true", "at": "2026-07-01T06:30:00.000Z"},
    "salesforce": {"risk": 0.4, "silent": True, "at": "2026-07-01T06:30:00.000Z"},
    "generic": {"risk": 0.4, "silent": True, "at": "2026-07-01T06:30:00.000Z"},
}
EMPTY = {"hubspot": "", "salesforce": None, "generic": None}
KINDS = pytest.mark.parametrize(
    "settings", [HUBSPOT, SALESFORCE, GENERIC], ids=lambda settings: settings["kind"]
)


@KINDS
def test_values_are_written_and_emptied_as_the_crm_reads_them(
    cloud: crm.Cloud, settings: dict[str, Any]
) -> None:
    kind = settings["kind"]
    there = known(cloud, kind, "acme", "o'b\\o")
    system = crm_at(cloud, **settings)
    assert taken(system.write(some("acme", "o'b\\o"))) == ["acme", "o'b\\o"]
    assert there["acme"] == WRITTEN[kind]
    fates = system.clear(some("acme", "o'b\\o", "nobody", risk=None))
    assert taken(fates) == ["acme", "nobody", "o'b\\o"]
    assert there["acme"]["risk"] == there["o'b\\o"]["risk"] == EMPTY[kind]
    assert "nobody" not in there or kind == "generic"


@KINDS
def test_a_record_that_is_wrong_stands_in_the_way_of_no_other(
    cloud: crm.Cloud, settings: dict[str, Any]
) -> None:
    kind, keys = settings["kind"], ["a", "b", "c", "d"]
    there = known(cloud, kind, *keys)
    cloud.wrong = {"c"}
    fates = crm_at(cloud, **settings).write(some(*keys))
    assert taken(fates) == ["a", "b", "d"]
    assert isinstance(fates["c"], Refused)
    assert "@" not in fates["c"].why
    assert [key for key in keys if there[key]] == ["a", "b", "d"]


@KINDS
def test_it_waits_as_long_as_it_is_asked_to_and_tries_again_what_was_cut_off(
    cloud: crm.Cloud, settings: dict[str, Any]
) -> None:
    time = Time()
    known(cloud, settings["kind"], "a")
    system = crm_at(cloud, time, **settings, per_second=1e6)
    if settings is SALESFORCE:
        cloud.next.append((200, {"access_token": "right"}, {}))
    cloud.next.extend([(429, {}, {"Retry-After": "7"}), 502, crm.CUT, crm.CUT_AFTER])
    assert taken(system.write(some("a"))) == ["a"]
    assert [round(wait) for wait in time.slept if wait > 0.1] == [
        7,
        2,
        4,
    ]  # what is cut off on a kept connection is said again at once
    if settings is GENERIC:
        assert len(cloud.seen) == 1  # the receiver knows it by its id


@KINDS
def test_a_crm_that_is_down_ends_the_push_in_a_line(
    cloud: crm.Cloud, settings: dict[str, Any]
) -> None:
    system = crm_at(cloud, **settings)
    system.write(some("x")) if settings is SALESFORCE else None  # the token is there
    cloud.next.extend([503] * 6)
    with pytest.raises(CannotPush, match=r"cannot be reached .answered 503, 6 times"):
        system.write(some("a"))
    cloud.next.append((429, {}, {"Retry-After": "4000"}))
    with pytest.raises(CannotPush, match="asks to wait 4,000 s"):
        system.write(some("a"))


@KINDS
def test_a_private_address_is_refused_unless_it_is_allowed(
    cloud: crm.Cloud, settings: dict[str, Any]
) -> None:
    with pytest.raises(CannotPush, match=r"private address"):
        crm_at(cloud, **settings, allow_private=False).write(some("a"))
    assert cloud.calls == []


def test_hubspot_tells_one_by_one_who_is_not_there_and_makes_nobody(cloud: crm.Cloud) -> None:
    there = known(cloud, "hubspot", "a", "c")
    fates = crm_at(cloud, **HUBSPOT).write(some("a", "b", "c"))
    assert fates == {"a": Sent(), "c": Sent(), "b": Refused(
        "OBJECT_NOT_FOUND: Could not get some objects")}  # fmt: skip
    assert set(there) == {"a", "c"}
    assert len(cloud.calls) == 1
    assert taken(crm_at(cloud, **HUBSPOT, create=True).write(some("b"))) == ["b"]


def test_hubspot_asks_one_by_one_where_the_answer_names_nobody(cloud: crm.Cloud) -> None:
    known(cloud, "hubspot", "a", "b")
    cloud.next.append((207, {"results": [], "errors": [{"category": "VALIDATION_ERROR"}]}, {}))
    assert taken(crm_at(cloud, **HUBSPOT).write(some("a", "b"))) == ["a", "b"]
    assert [inputs for _, _, inputs in cloud.calls] == [2, 1, 1]


def test_a_404_for_some_of_a_batch_is_no_wrong_setting(cloud: crm.Cloud) -> None:
    known(cloud, "hubspot", "a")
    cloud.next.extend([(404, {"category": "OBJECT_NOT_FOUND", "message": "one"}, {})] * 2)
    fates = crm_at(cloud, **HUBSPOT).write(some("b", "a"))
    assert fates == {"b": Refused("OBJECT_NOT_FOUND: one"), "a": Sent()}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((404, {"message": "no such object"}, {}), "404 for companies: no such object"),
        ((429, {"policyName": "DAILY"}, {}), "calls a day is used up"),
        ((403, {"message": "missing scopes"}, {}), "missing scopes. Look at .crm. object"),
        ((401, {}, {}), "does not know us"),
    ],
)
def test_what_hubspot_says_of_all_records_ends_the_push(
    cloud: crm.Cloud, answer: Any, told: str
) -> None:
    cloud.next.append(answer)
    with pytest.raises(CannotPush, match=told):
        crm_at(cloud, **HUBSPOT).write(some("a"))
    assert len(cloud.calls) == 1


def test_a_property_that_hubspot_lacks_is_named_after_one_call(cloud: crm.Cloud) -> None:
    cloud.unknown_fields = {"risk"}
    with pytest.raises(CannotPush, match=r'lack a property: .*"risk".*push.md'):
        crm_at(cloud, **HUBSPOT).write(some("a", "b"))
    assert len(cloud.calls) == 1


def test_where_none_of_a_whole_batch_is_taken_the_push_ends(cloud: crm.Cloud) -> None:
    keys = [f"c{number}" for number in range(100)]
    known(cloud, "hubspot", *keys)
    cloud.wrong = set(keys)
    with pytest.raises(CannotPush, match=r"takes none of 100 records: VALIDATION_ERROR"):
        crm_at(cloud, **HUBSPOT).write(some(*keys))


def test_salesforce_gets_a_new_token_when_the_old_one_has_ended(cloud: crm.Cloud) -> None:
    known(cloud, "salesforce", "a")
    system = crm_at(cloud, **(SALESFORCE | {"client_secret": "", "refresh_token": "refresh"}))
    system.write(some("a"))
    cloud.token = "another"  # noqa: S105
    assert taken(system.write(some("a"))) == ["a"]
    assert sum(path == "/services/oauth2/token" for _, path, _ in cloud.calls) == 2


def test_a_wrong_client_secret_is_told_without_it(cloud: crm.Cloud) -> None:
    with pytest.raises(CannotPush, match=r"400 invalid_client.: look at client_id") as refused:
        crm_at(cloud, **(SALESFORCE | {"client_secret": "hush"})).write(some("a"))
    assert "hush" not in str(refused.value)


def test_what_salesforce_says_of_one_record_is_told_of_it(cloud: crm.Cloud) -> None:
    known(cloud, "salesforce", "a", "b")
    cloud.wrong, cloud.busy["b"] = {"a"}, 3
    system = crm_at(cloud, **SALESFORCE)
    assert system.write(some("a", "b", "c")) == {
        "a": Refused("STRING_TOO_LONG: no"), "b": Later("UNABLE_TO_LOCK_ROW: no"),
        "c": Refused("REQUIRED_FIELD_MISSING: no"),
    }  # fmt: skip
    assert system.write(some("b")) == {"b": Sent("001" + b"b".hex().zfill(15))}  # the second time
    cloud.unknown_fields = {"risk"}
    with pytest.raises(CannotPush, match=r"INVALID_FIELD No such column 'risk'"):
        system.write(some("b"))
    cloud.next.append((403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "-"}], {}))
    with pytest.raises(CannotPush, match="limit of calls in 24 hours"):
        system.write(some("b"))


def test_a_bulk_job_writes_what_it_can_and_tells_the_rest(cloud: crm.Cloud) -> None:
    there = known(cloud, "salesforce", "a", 'b,\n"c"')
    jobs = crm_at(cloud, **SALESFORCE).bulk
    remembered: list[str] = []
    odd = {"risk": 1.0, "say": "é,"}
    rows = [Record("a", {"risk": None, "say": "x"}), Record('b,\n"c"', odd), Record("gone", odd)]
    job = jobs.submit(rows, remembered.append)
    assert remembered == [job]
    fates = jobs.collect(job)
    assert fates["gone"] == Refused("REQUIRED_FIELD_MISSING")
    assert taken(fates) == ["a", 'b,\n"c"']
    assert there["a"] == {"risk": None, "say": "x"}
    assert there['b,\n"c"'] == {"risk": "1.0", "say": "é,"}


def test_a_bulk_job_that_was_cut_off_before_its_upload_is_aborted(cloud: crm.Cloud) -> None:
    jobs = crm_at(cloud, **SALESFORCE).bulk

    def cut(name: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        jobs.submit(some("a"), cut)
    (job,) = cloud.jobs
    assert jobs.collect(job) is None
    assert cloud.jobs[job]["state"] == "Aborted"
    assert jobs.collect("750unknown") is None


def test_calls_keep_their_pace(cloud: crm.Cloud) -> None:
    time = Time()
    known(cloud, "hubspot", "a")
    system = crm_at(cloud, time, **HUBSPOT, per_second=10)
    for _ in range(4):
        system.write(some("a"))
    assert [round(wait, 9) for wait in time.slept] == [0.1, 0.1, 0.1]
