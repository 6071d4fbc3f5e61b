"""Spellings that reach one person are one contact point."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outreach.contact_point import NotAnAddress, canonical, domain_of, email, keyed, phone

ONE_EMAIL = {
    "ann@example.org": ["ANN@Example.ORG", " ann@example.org ", "ann+news@example.org",
                        "Ann+a+b@example.org.", "a\u200bnn@example.org", "ann@ｅｘａｍｐｌｅ.org"],
    "jörg@xn--bcher-kva.example": ["jo\u0308rg@bücher.example", "JÖRG@BÜCHER.example",
                                    "jörg+x@XN--BCHER-KVA.example"],
    "用户@xn--fsqu00a.xn--0zwm56d": ["用户@例子.测试"],
    "+tag@example.org": ["+tag@example.org"],
}  # fmt: skip
ONE_PHONE = {
    "+49301234567": ["+49 30 1234567", "0049 30 123-4567", "+49 (0)30 1234567", "+49/30/1234567",
                     "+49 30 1234567 ext. 12", "(+49) 30 1234567", "+٤٩ ٣٠ ١٢٣٤٥٦٧"],
    "0301234567": ["030 1234567", "(030) 1234567"],
}  # fmt: skip


@pytest.mark.parametrize(("one", "spellings"), ONE_EMAIL.items())
def test_spellings_of_one_mailbox_are_one(one: str, spellings: list[str]) -> None:
    assert {email(spelling) for spelling in spellings} == {one}


@pytest.mark.parametrize(("one", "spellings"), ONE_PHONE.items())
def test_spellings_of_one_number_are_one(one: str, spellings: list[str]) -> None:
    assert {phone(spelling) for spelling in spellings} == {one}


@pytest.mark.parametrize(
    "wrong",
    ["", "ann", "ann@", "@example.org", "ann@example", "Ann <ann@example.org>", "a b@example.org",
     "ann@exa mple.org", "ann@example.org\r\nBcc: all@example.org", "ann@[127.0.0.1]",
     "ann@-.org", "ann@example..org", f"{'a' * 250}@example.org", 'ann"@example.org',
     "ann@example.org,bob@example.org"],
)  # fmt: skip
def test_what_is_no_mailbox_is_refused_without_repeating_it(wrong: str) -> None:
    with pytest.raises(NotAnAddress) as refused:
        email(wrong)
    assert not wrong or wrong not in str(refused.value)


@pytest.mark.parametrize("wrong", ["", "1234", "call me", "1" * 16, "+49 CALL ME 12345"])
def test_what_is_no_number_is_refused(wrong: str) -> None:
    with pytest.raises(NotAnAddress):
        phone(wrong)


@given(st.sampled_from(["email", "phone", "chat"]), st.text() | st.emails())
def test_a_canonical_form_is_its_own(channel: str, address: str) -> None:
    try:
        found = canonical(channel, address)
    except NotAnAddress:
        return
    assert canonical(channel, found) == found


@given(st.emails(), st.text("abcXYZ019._-", max_size=8))
def test_case_and_tag_change_nothing(address: str, tag: str) -> None:
    try:
        plain = email(address)
    except NotAnAddress:  # Hypothesis knows quoted local parts and domains that IDNA does not
        return
    local, _, domain = address.rpartition("@")
    tagged = f"{local}+{tag}@{domain}" if len(address) + len(tag) < 250 else address
    if "+" not in local:
        assert email(tagged) == email(tagged.swapcase()) == plain


def test_a_key_tells_nothing_and_is_shared_by_calls_and_texts() -> None:
    key = keyed(b"k", "phone", "+49 30 1234567")
    assert key == keyed(b"k", "sms", "0049301234567")
    assert len({key, keyed(b"other", "phone", "+49 30 1234567"), keyed(b"k", "email", "a@b.org"),
                keyed(b"k", "chat", "a@b.org")}) == 4  # fmt: skip
    assert "1234567" not in key


def test_a_rate_limit_counts_by_the_mail_domain() -> None:
    assert domain_of("email", "Ann@Bücher.example") == "xn--bcher-kva.example"
    assert domain_of("sms", "+49301234567") == ""
