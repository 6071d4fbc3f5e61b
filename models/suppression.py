"""The suppression list: who was erased and must not come back, as keyed hashes only.

suppression.jsonl   one hash a line: of each id, other systems' id, e-mail address and phone number

Without the home's key nobody can try out ids against it; with another key it knows nobody. So the
key is kept as long as the list (docs/guides/erasure.md).
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.errors import WarmlineError
from models.files import replacing

if TYPE_CHECKING:
    from models.home import Home
    from models.person import Person

FILE = "suppression.jsonl"
KEY = "secret.key"  # see `Home.secret_key`
ANY = ""  # the system of an external id that means one person whoever says it
_PSEUDONYM_BYTES = 16  # 128 bits: two persons share one with a chance of 2^-128 a pair


@dataclass(frozen=True)
class Suppression:
    """Who is on the list. False where nobody is: then nothing needs to be looked up."""

    key: bytes = b""
    erasures: Mapping[str, int] = field(default_factory=dict)  # the number of each, by hash

    def __bool__(self) -> bool:
        return bool(self.erasures)

    @classmethod
    def of(cls, home: Home) -> Suppression:
        """The home's list. Raises `WarmlineError` where its key is gone: nobody would be known."""
        path = home.root / FILE
        if not path.exists():
            return cls()
        if not (home.root / KEY).exists():
            raise WarmlineError(
                f"{home.root / KEY} is missing: without it the suppression list knows nobody, and "
                "erased persons would come back. Restore it from a copy. Nothing was changed."
            )
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return cls(home.secret_key(), {line["hash"]: line["erasure"] for line in lines})

    def customer(self, customer_id: str) -> int | None:
        """The number of the erasure of this customer id; None where it is not on the list."""
        return self.erasures.get(hashed(self.key, "customer", customer_id))

    def alias(self, system: str, external_id: str) -> int | None:
        """The same for an id of another system; `ANY` for one that all systems share."""
        return self.erasures.get(hashed(self.key, "alias", system, external_id))

    def email(self, address: str) -> bool:
        """Whether nobody may write to this address."""
        return hashed(self.key, "email", _address(address)) in self.erasures

    def phone(self, number: str) -> bool:
        """Whether nobody may call this number."""
        return hashed(self.key, "phone", _digits(number)) in self.erasures


def add(home: Home, person: Person, erasure: int) -> None:
    """Puts the person on the list; again is harmless. The caller holds the night's lock."""
    known = dict(Suppression.of(home).erasures)
    key = home.secret_key()
    for kind, words in _names(person):
        known.setdefault(hashed(key, kind, *words), erasure)
    lines = [json.dumps({"hash": one, "erasure": number}) for one, number in known.items()]
    with replacing(home.root / FILE) as staged:
        staged.touch(mode=0o600)
        staged.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _names(person: Person) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield from (("customer", (one,)) for one in person.ids)
    yield from (("alias", pair) for pair in person.aliases)
    yield from (("alias", (ANY, one)) for one in person.sole)
    yield from (("email", (_address(one),)) for one in person.emails)
    yield from (("phone", (_digits(one),)) for one in person.phones)


def hashed(key: bytes, kind: str, *words: str) -> str:
    """HMAC-SHA256 of the words, in hexadecimal: the same words of another kind give another."""
    return hmac.digest(key, "\0".join(("suppression", kind, *words)).encode(), "sha256").hex()


def pseudonym(key: bytes, customer_id: str) -> str:
    """What stands for an erased customer in the log of decisions: the same wherever it stands."""
    digest = hmac.digest(key, f"pseudonym\0{customer_id}".encode(), "sha256")
    return f"erased-{digest[:_PSEUDONYM_BYTES].hex()}"


def _address(email: str) -> str:
    return email.strip().casefold()


def _digits(phone: str) -> str:
    """Digits only: +49 30 1234, 0049301234 and 49-30-1234 are one number."""
    return re.sub(r"^\s*00|\D", "", phone)
