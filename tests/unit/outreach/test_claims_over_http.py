"""`POST /claims`: a tool with a key asks and books; nobody else does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from stores import KEY, NOW, rows

from models import keys, suppression
from models.home import Home
from models.person import Person
from models.settings import Settings
from models.settings_outreach import Outreach
from outreach.claimsweb import claim_routes
from outreach.contact_point import keyed
from outreach.store import tables
from outreach.store.booked import Rules
from outreach.store.claims import tell_claims
from outreach.store.database import Store
from outreach.store.permissions import suppress
from outreach.unsubscribe import app

ASKED = {"key": "m-81", "customer_id": "acme", "channel": "email", "purpose": "news"}


class Office:
    """A home with claims on, a tool's key, and a client of its application."""

    def __init__(self, root: Path, **options: Any) -> None:
        self.root, self.now = root, NOW
        self.store = Store.open("", root)
        tell_claims(
            self.store, by="plan", now=NOW, rules=Rules(), units=[], closed=[], granted=[]
        )  # fmt: skip
        options = {"name": "mailer", "scopes": ["work"]} | options
        _, self.key = keys.create(root, now=NOW, **options)
        here = self.store, KEY, root, lambda: self.now
        settings = Settings(outreach=Outreach(claims=True))
        self.client = TestClient(app(*here, *claim_routes(*here, settings)))

    def ask(self, *, auth: str | None = None, **asked: Any) -> Any:
        header = {"Authorization": auth if auth is not None else f"Bearer {self.key}"}
        return self.client.post("/claims", json=ASKED | asked, headers=header)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_tool_books_once_and_the_next_one_hears_why_not(office: Office) -> None:
    assert office.ask().json() == {"allowed": True, "reasons": []}
    assert office.ask().json() == {"allowed": True, "reasons": []}
    said = "was contacted once in 24 hours, last on 1 July 2026 (at most 1)"
    assert office.ask(key="m-82").json() == {"allowed": False, "reasons": [said]}
    (row,) = rows(office.store, tables.claims)
    assert (row.tool, row.key, row.customer_id) == ("mailer", "m-81", "acme")


def test_what_was_released_may_be_claimed_again(office: Office) -> None:
    office.ask()
    header = {"Authorization": f"Bearer {office.key}"}
    assert office.client.delete("/claims/m-81", headers=header).status_code == 204
    assert office.client.delete("/claims/m-81", headers=header).status_code == 404
    assert office.ask(key="m-82").json()["allowed"]


def test_an_address_that_is_closed_is_not_written_to_in_any_spelling(office: Office) -> None:
    point = keyed(KEY, "email", "ann@example.org")
    suppress(office.store, by="ines", now=NOW, contact_point=point, reason="bounce")
    found = office.ask(address="Ann+news@Example.org").json()
    assert found == {"allowed": False, "reasons": ["nobody may write there: bounce"]}
    assert office.ask(address="bob@example.org").json()["allowed"]


def test_who_was_erased_is_never_contacted(office: Office) -> None:
    assert office.ask(key="m-80", customer_id="calm").json()["allowed"]  # while nobody was
    suppression.add(Home(office.root), Person("acme", ("acme",), ()), 1)
    assert office.ask().json() == {
        "allowed": False, "reasons": ["was erased: is never contacted"]
    }  # fmt: skip
    assert office.ask(customer_id="bolt").json()["allowed"]


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no key": ({"auth": ""}, 401, "A valid key"),
    "a wrong key": ({"auth": "Bearer wl_000000000000_" + "A" * 43}, 401, "A valid key"),
    "an unknown field": ({"owner": "ines"}, 422, "/owner"),
    "no channel of ours": ({"channel": "pigeon"}, 422, "/channel"),
    "a header in the key": ({"key": "a\r\nX: b"}, 422, "/key"),
    "no customer": ({"customer_id": ""}, 422, "/customer_id"),
    "no address": ({"address": "nobody"}, 422, "/address"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_call_is_refused_and_books_nothing(office: Office, case: str) -> None:
    asked, status, words = REFUSED[case]
    found = office.ask(**asked)
    assert (found.status_code, found.headers["content-type"]) == (
        status, "application/problem+json"
    )  # fmt: skip
    assert words in found.text
    assert "nobody" not in found.text.replace("nobody may", "")
    assert rows(office.store, tables.claims) == []


def test_a_key_for_another_claim_is_a_conflict(office: Office) -> None:
    office.ask()
    assert office.ask(customer_id="bolt").status_code == 409


def test_a_key_without_the_scope_may_not(tmp_path: Path) -> None:
    assert Office(tmp_path, scopes=["score"]).ask().status_code == 403


def test_a_key_has_its_rate(tmp_path: Path) -> None:
    office = Office(tmp_path, per_minute=2)
    assert office.ask().status_code == 200
    late = office.ask()
    assert (late.status_code, late.headers["retry-after"]) == (429, "30")


def test_before_any_plan_nobody_is_contacted(office: Office) -> None:
    with office.store.begin() as tx:
        tx.execute(tables.rules.delete())
    assert office.ask().json()["reasons"] == ["no plan has told the rules yet"]


def test_a_store_that_cannot_be_used_says_when_to_try_again(office: Office) -> None:
    with office.store.begin() as tx:
        tx.exec_driver_sql("DROP TABLE claims")
    found = office.ask()
    assert (found.status_code, found.headers["retry-after"]) == (503, "60")


def test_without_the_setting_there_is_nothing(tmp_path: Path) -> None:
    store = Store.open("", tmp_path)
    assert claim_routes(store, KEY, tmp_path, lambda: NOW, Settings()) == []
