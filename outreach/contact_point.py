"""Contact points: an e-mail address or phone number in its one canonical form, and its key.

Two spellings that reach the same person must meet the same refusal, so suppressions, consents and
caps compare canonical forms only. What is written to stays the address as it was given.
"""

from __future__ import annotations

import hmac
import re
import unicodedata

import idna

# What a number is dialled by; all other channels' addresses are compared as they stand.
BY_PHONE = frozenset({"phone", "sms"})
_EXTENSION = re.compile(r"\s*(?:ext\.?|extension|x|#|;ext=)\s*\d+\s*$", re.I)
_TRUNK = re.compile(r"\(0\)")  # +49 (0)30 1234: the zero is not dialled from abroad
_LOCAL = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]+")
# E.164 allows 15 digits; fewer than 5 are no number that reaches a customer.
_DIGITS = range(5, 16)
# RFC 5321, 4.5.3.1.3: a path of 256 octets with its brackets.
_LONGEST = 254


class NotAnAddress(ValueError):
    """It is no address that can be written to. The message does not repeat it."""


def canonical(channel: str, address: str) -> str:
    """The canonical form of `address` on `channel`; raises `NotAnAddress`.

    Its own canonical form: `canonical(c, canonical(c, a)) == canonical(c, a)`.
    """
    if channel == "email":
        return email(address)
    if channel in BY_PHONE:
        return phone(address)
    plain = _plain(address)
    if not plain:
        raise NotAnAddress("an empty address")
    return plain


def email(address: str) -> str:
    """Lower case, NFC, without `+tag`, the domain as IDNA 2008 (UTS 46) writes it in ASCII.

    Only what is written `local@domain`: no display name, quotes, comments or address literals.
    """
    local, at, domain = _plain(address).rpartition("@")
    local = _lower(local)
    if not at or not _LOCAL.fullmatch(local):
        raise NotAnAddress("an e-mail address is written local@domain, without name or spaces")
    untagged = local.partition("+")[0] or local
    found = f"{untagged}@{_domain(domain)}"
    if len(found.encode()) > _LONGEST:
        raise NotAnAddress(f"an e-mail address has at most {_LONGEST} octets")
    return found


def domain_of(channel: str, address: str) -> str:
    """What a rate limit counts by: the recipient's mail domain, or nothing on other channels."""
    return email(address).rpartition("@")[2] if channel == "email" else ""


def phone(number: str) -> str:
    """Digits, led by + where the country's code is there; without trunk zero and extension."""
    plain = _TRUNK.sub("", _EXTENSION.sub("", _plain(number)))
    digits = "".join(str(unicodedata.digit(c)) for c in plain if c.isdigit())
    international = plain.lstrip("( ").startswith("+")
    if not international and digits.startswith("00"):
        digits, international = digits[2:], True
    if len(digits) not in _DIGITS or re.search(r"[^\W\d_]", plain):
        raise NotAnAddress("a phone number has 5 to 15 digits and no letters")
    return f"+{digits}" if international else digits


def keyed(key: bytes, channel: str, address: str) -> str:
    """What stands for the contact point wherever it is only compared: HMAC-SHA256 under the home's
    key, in hexadecimal. Phone and SMS share one. Raises `NotAnAddress`."""
    kind = "phone" if channel in BY_PHONE else channel
    message = f"contact point\0{kind}\0{canonical(channel, address)}".encode()
    return hmac.digest(key, message, "sha256").hex()


def _domain(domain: str) -> str:
    try:
        found = idna.encode(domain.rstrip("."), uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise NotAnAddress("its domain is no domain name") from None
    if "." not in found:
        raise NotAnAddress("its domain has no top-level domain")
    return found


def _plain(text: str) -> str:
    """Without spaces around it and without characters that are not seen, such as U+200B, U+202E."""
    seen = "".join(c for c in text if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFC", seen.strip())


def _lower(text: str) -> str:
    return unicodedata.normalize("NFC", text.lower())
