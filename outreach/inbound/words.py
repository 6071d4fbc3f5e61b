"""What people write: their own words without what they quote, and whether they ask to stop."""

from __future__ import annotations

import re
import unicodedata
from email.header import decode_header, make_header

LONGEST = 10_000  # characters of an answer that are kept
# All that somebody wrote, in the languages of our letters; anything more is for a person to read.
_STOP = frozenset(
    {
        "unsubscribe", "unsubscribe me", "please unsubscribe", "please unsubscribe me", "stop",
        "please stop", "remove me", "opt out",
        "abmelden", "bitte abmelden", "abbestellen", "bitte abbestellen", "austragen", "stopp",
        "baja", "darme de baja", "dar de baja", "cancelar suscripción",
        "désabonner", "me désabonner", "désabonnement", "désinscription", "désinscrire",
        "me désinscrire", "arrêter",
    }
)  # fmt: skip
# How Exchange and common programs begin the subject of an automatic answer.
_AWAY = (
    "automatic reply:", "auto:", "autoreply:", "out of office", "automatische antwort:",
    "abwesenheitsnotiz", "respuesta automática:", "fuera de la oficina", "réponse automatique",
    "absence du bureau",
)  # fmt: skip
_SIGNATURE = re.compile(
    r"(?im)^(-- ?|(sent from my|gesendet von|von meinem|enviado desde|envoyé de) .*)$"
)
# What stands above a quoted message where its lines do not begin with ">".
_QUOTED = re.compile(
    r"(?im)^(-{3,} ?(original message|ursprüngliche nachricht|mensaje original|message d'origine)"
    r"|_{20,}$|(on|am|el|le) .{5,200}(wrote|schrieb.{0,100}|escribió|a écrit) ?:$)"
)


def own(text: str) -> str:
    """What was written, without quotes and signature; without control characters."""
    plain = "".join(
        " " if unicodedata.category(c) in ("Cc", "Zl", "Zp") and c not in "\n\t" else c
        for c in text[: 10 * LONGEST].replace("\r", "\n")
        if unicodedata.category(c) != "Cs"
    )
    for mark in _QUOTED, _SIGNATURE:
        found = mark.search(plain)
        plain = plain[: found.start()] if found else plain
    return _unquoted(plain.split("\n"))[:LONGEST].strip()


def asks_to_stop(text: str) -> bool:
    """Whether that is all it says."""
    if len(text) > 100:
        return False
    letters = "".join(c if c.isalpha() else " " for c in unicodedata.normalize("NFC", text))
    return " ".join(letters.casefold().split()) in _STOP


def is_away(subject: str) -> bool:
    """Whether it is the subject of an automatic answer."""
    return _decoded(subject).strip().casefold().startswith(_AWAY)


def _unquoted(lines: list[str]) -> str:
    """Without lines that quote, and what introduces them."""
    kept: list[str] = []
    for line in lines:
        if not line.lstrip().startswith(">"):
            kept.append(line)
        elif kept and kept[-1].rstrip().endswith(":"):
            while kept and kept[-1].strip():  # "On Tuesday Ann wrote:", on however many lines
                kept.pop()
    return "\n".join(kept)


def _decoded(header: str) -> str:
    try:
        return str(make_header(decode_header(header[:1000])))
    except Exception:  # the library raises many kinds over a broken encoded word
        return header
