"""Names of columns that hold personal data or a protected attribute: never features.

What is protected follows article 21 of the Charter of Fundamental Rights of the EU, article 9 and
10 of the GDPR (special categories, convictions) and the grounds of the US Equal Credit Opportunity
Act. Columns are known by their names, in the spellings that public data and CRM exports use.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping

from models.errors import WrongUsage

# Each in words without accents; `of_name` finds them in any case, joined or parted in any way.
PROTECTED: Mapping[str, tuple[str, ...]] = {
    "sex": (
        "sex", "gender", "gndr", "male", "female", "salutation", "transgender", "anrede",
        "geschlecht", "sexe", "sexo", "genero", "sesso", "genere", "civilite",
    ),
    "age": (
        "age", "ages", "dob", "yob", "birth", "birthday", "birthdate", "birth date", "birth year",
        "born", "senior citizen", "elderly", "geburt", "geburtstag", "geburtsdatum",
        "geburtsjahr", "lebensalter", "naissance", "edad", "nacimiento", "nascita",
    ),
    "nationality": (
        "nationality", "citizenship", "immigrant", "immigration", "migrant", "foreigner",
        "country of origin", "staatsangehorigkeit", "staatsangehoerigkeit", "nationalitat",
        "nationalitaet", "nationalite", "nacionalidad", "nazionalita",
    ),
    "ethnicity": (
        "ethnicity", "ethnic", "race", "racial", "skin colour", "skin color", "ancestry", "caste",
        "tribe", "indigenous", "hispanic", "ethnie", "etnia", "raza",
    ),
    "religion": (
        "religion", "religious", "faith", "denomination", "church", "konfession",
        "kirchensteuer",
    ),
    "politics": (
        "politics", "political", "party affiliation", "party member", "voter", "parteimitglied",
    ),
    "union": (
        "trade union", "labour union", "labor union", "union member", "union membership",
        "gewerkschaft", "syndicat", "sindicato", "sindacato",
    ),
    "health": (
        "medical", "diagnosis", "disease", "illness", "sickness", "pregnant", "pregnancy",
        "health condition", "health status", "health insurance", "medication", "hiv", "genetic",
        "genome", "biometric", "krankheit", "schwanger", "maladie", "salud", "salute",
    ),
    "disability": (
        "disability", "disabilities", "handicap", "handicapped", "impairment", "wheelchair",
        "disabled person", "behinderung", "schwerbehindert", "discapacidad", "invalidita",
    ),
    "marital status": (
        "marital", "marital status", "married", "divorced", "widowed", "spouse", "civil status",
        "dependents", "dependent count", "familienstand", "verheiratet", "situation familiale",
        "etat civil", "estado civil", "stato civile",
    ),
    "orientation": ("sexual", "sexuality", "sexual orientation", "lgbt", "lgbtq", "homosexual"),
    "convictions": ("criminal", "criminal record", "conviction", "convictions", "vorstrafe"),
}  # fmt: skip
# The whole name, apart from whose it is: `email_opens` counts mails and names nobody.
PERSONAL = (
    "name", "first name", "last name", "middle name", "full name", "given name", "surname",
    "family name", "maiden name", "user name", "nick name", "vorname", "nachname", "nom", "prenom",
    "nombre", "apellido", "cognome", "email", "e mail", "mail", "email address", "mail address",
    "phone", "phone number", "telephone", "telephone number", "telefon", "mobile", "mobile phone",
    "mobile number", "fax", "address", "home address", "street", "street address", "house number",
    "iban", "ssn", "social security number", "passport", "passport number", "national id",
    "identity card", "tax id", "credit card number", "card number", "license plate", "ip",
    "ip address", "device id", "latitude", "longitude",
)  # fmt: skip
WHOSE = frozenset({"customer", "client", "contact", "user", "person", "member", "subscriber"})
# What has an age and is nobody: `account_age`, `AgeOfDevice`.
THINGS = frozenset(
    {
        "account", "article", "battery", "car", "case", "claim", "contract", "debt", "device",
        "equipment", "handset", "house", "installed", "invoice", "line", "loan", "machine",
        "mortgage", "order", "phone", "policy", "product", "relationship",
        "subscription", "tenure", "ticket", "vehicle",
    }
)  # fmt: skip
LONGEST = 4  # words of a phrase
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_ATTRIBUTE = {
    phrase.replace(" ", ""): attribute
    for attribute, phrases in PROTECTED.items()
    for phrase in phrases
}
_PERSONAL = frozenset(phrase.replace(" ", "") for phrase in PERSONAL)
PERSONAL_DATA = "personal data"


class ProtectedFeature(WrongUsage):
    """A feature holds personal data or a protected attribute."""


def of_name(name: str, own: Collection[str] = ()) -> str | None:
    """What a column of this name holds: `personal data`, a protected attribute, or None.

    `own`: names of the company's that are protected, too, and are given as they are written there.
    """
    words = _words(name)
    ours = {"".join(_words(one)): one for one in own}
    if "".join(word for word in words if word not in WHOSE) in _PERSONAL:
        return PERSONAL_DATA
    for run in _runs(words):
        if run in ours:
            return ours[run]
    for run in _runs(words):
        attribute = _ATTRIBUTE.get(run)
        if attribute and not (run in ("age", "ages") and THINGS & set(words)):
            return attribute
    return None


def held(
    names: Iterable[str], own: Collection[str] = (), accepted: Collection[str] = ()
) -> dict[str, str]:
    """Those of `names` that hold what no feature may, and what; without those in `accepted`."""
    found = {name: of_name(name, own) for name in names if name not in accepted}
    return {name: what for name, what in found.items() if what}


def refuse(found: Mapping[str, str], where: str, instead: str) -> None:
    """Raises `ProtectedFeature` where anything was `held`; `where`, and what to do, in words."""
    if found:
        told = ", ".join(f"`{name}` ({what})" for name, what in found.items())
        raise ProtectedFeature(
            f"{where}: {told} must not be learned from. Personal data and protected attributes are "
            f"never features. {instead} Nothing was changed.",
            features=list(found),
        )


def refuse_features(
    names: Iterable[str], where: str, own: Collection[str] = (), accepted: Collection[str] = ()
) -> None:
    """As `refuse`, for features of a history."""
    found = held(names, own, accepted)
    listed = ", ".join(f'"{name}"' for name in found)
    refuse(
        found,
        where,
        "Take it out: in `customers` or `attributes` a protected attribute may stay, where it "
        "parts the fairness table of the report. What only sounds like one is named under "
        f"[training] in warmline.toml: not_protected = [{listed}].",
    )


def _words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    ascii_only = plain.encode("ascii", "ignore").decode()
    return [word.lower() for word in _WORD.findall(ascii_only)]


def _runs(words: list[str]) -> Iterator[str]:
    """Neighbouring words joined, the longest first."""
    for length in range(min(LONGEST, len(words)), 0, -1):
        for start in range(len(words) - length + 1):
            yield "".join(words[start : start + length])
