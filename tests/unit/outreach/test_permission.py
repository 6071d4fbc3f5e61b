"""Who may be written to, whatever was said in which order and however the address is spelled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from company import KEY, Company, Record, decisions, planned, row, score
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.settings import Plan
from outreach import contact_point
from outreach.points import canonical

START = datetime(2026, 1, 1, tzinfo=UTC)
OPT_OUT, OPT_IN = Plan(control_share=0), Plan(control_share=0, consent="opt_in")
SPELLINGS = ("Ann@Acme.test", "ann@acme.test", "ANN+news@acme.TEST", " ann@acme.test ",
             "ann+x+y@acme.test")  # fmt: skip
WHO = ("acme", "bolt")
Words = list[tuple[str, str | None, str, bool]]

words = st.lists(
    st.tuples(
        st.sampled_from(WHO),
        st.sampled_from([None, "service", "survey"]),
        st.sampled_from(["granted", "refused", "unknown"]),
        st.booleans(),  # told to outreach itself, not to another system
    ),
    min_size=1,
    max_size=6,
)


def company_of(said: Words, spelled: tuple[str, str]) -> tuple[Company, Record]:
    """Two customers who share an address, each spelling it in one way."""
    company = Company(WHO, prefers=dict.fromkeys(WHO, "email"))
    company.emails = [(who, None, address) for who, address in zip(WHO, spelled, strict=True)]
    record = Record()
    given = record.tables.setdefault("consents", [])
    for hour, (who, purpose, state, ours) in enumerate(said):
        at = START + timedelta(hours=hour)
        if ours:
            address = dict(zip(WHO, spelled, strict=True))[who]
            point = contact_point.keyed(KEY, "email", address)
            given.append({"customer_id": who, "contact_point": point, "channel": "email",
                          "purpose": purpose, "state": state, "at": at})  # fmt: skip
        else:
            company.said.append((who, None, "email", purpose, state, at))
    return company, record


def last(said: Words, who: str | None, purpose: str | None) -> str | None:
    """The last word on the purpose, of one of them or (None) of either; unknown is none."""
    found = [s for w, p, s, _ in said if p == purpose and s != "unknown" and who in (None, w)]
    return found[-1] if found else None


@settings(max_examples=25, deadline=None)
@given(words, st.tuples(st.sampled_from(SPELLINGS), st.sampled_from(SPELLINGS)), st.booleans())
@example([("acme", None, "refused", False)], (SPELLINGS[0], SPELLINGS[2]), False)
@example([("acme", "service", "refused", True)], (SPELLINGS[1], SPELLINGS[4]), False)
@example([("acme", None, "refused", False), ("acme", None, "unknown", True)], SPELLINGS[:2], False)
def test_nobody_is_written_to_after_a_refusal_however_the_address_is_spelled(
    said: Words, spelled: tuple[str, str], opt_in: bool
) -> None:
    company, record = company_of(said, spelled)
    result = planned(
        None, [score(who) for who in WHO], company, OPT_IN if opt_in else OPT_OUT, ledger=record
    )
    by_mail = {
        each["customer_id"] for each in result.rows.to_pylist() if each["channel"] == "email"
    }
    for who in by_mail:
        for purpose in (None, "service"):
            assert last(said, who, purpose) != "refused"
            assert last(said, None, purpose) != "refused"
        if opt_in:
            assert any(s == "granted" and p in (None, "service") for _, p, s, _ in said)
    if not any(s == "refused" and p in (None, "service") for _, p, s, _ in said) and not opt_in:
        assert by_mail == set(WHO)


CLOSED = [
    # suppression                                        | who is written to by mail
    ({"reason": "bounce", "channel": "email"}, set()),
    ({"reason": "erased", "channel": None}, set()),
    ({"reason": "manual", "channel": "sms"}, {"acme", "bolt"}),
]


@pytest.mark.parametrize(("suppression", "written"), CLOSED)
def test_a_closed_contact_point_is_closed_for_all_who_share_it(
    suppression: dict[str, Any], written: set[str]
) -> None:
    company, record = company_of([], ("ann@acme.test", "Ann+b@acme.test"))
    point = contact_point.keyed(KEY, "email", "ANN@acme.test")
    record.tables["suppressions"] = [{"contact_point": point, "at": START} | suppression]
    result = planned(None, [score(who) for who in WHO], company, OPT_OUT, ledger=record)
    by_mail = {r["customer_id"] for r in result.rows.to_pylist() if r["channel"] == "email"}
    assert by_mail == written
    if suppression["reason"] == "erased":
        assert set(decisions(result).values()) == {"hold"}


def test_a_person_who_refused_is_not_written_to_and_the_one_who_left_is_told_of() -> None:
    left = datetime(2026, 6, 1, tzinfo=UTC)
    company = Company(
        ["acme", "bolt"],
        prefers=dict.fromkeys(WHO, "email"),
        persons=[
            ("acme", "p1", "buyer", left),
            ("acme", "p2", None, None),
            ("bolt", "p3", "", None),
        ],
        said=[("bolt", "p3", "email", None, "refused", START)],
    )
    result = planned(None, [score(who) for who in WHO], company, OPT_OUT)
    assert (row(result, "acme")["contact_id"], row(result, "acme")["channel"]) == ("p2", "email")
    assert "buyer left on 1 June 2026" in row(result, "acme")["reasons"]
    assert row(result, "bolt")["channel"] == "phone"


MAILS = [*SPELLINGS, "a_b.c-d@x-y.example.org", "é@acme.test", "ann@bücher.example",
         "no address",
         "two@@acme.test", "", "+x@acme.test", "a@b", "x@xn--bcher-kva.example",
         "Ann <a@b.example>", "a" * 250 + "@b.example",
         "a@b--c.example", "a@-b.example"]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("aB.+-_@ é\u200bß1", max_size=12) | st.sampled_from(MAILS), max_size=8))
def test_columns_of_addresses_become_what_the_reference_makes_of_each(mails: list[str]) -> None:
    def reference(address: str) -> str | None:
        try:
            return contact_point.canonical("email", address)
        except contact_point.NotAnAddress:
            return None

    found = canonical("email", pa.chunked_array([mails, MAILS], pa.string()))
    assert found.to_pylist() == [reference(address) for address in (*mails, *MAILS)]
