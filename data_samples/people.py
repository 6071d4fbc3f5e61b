"""Who the customers are: traits that never change, drawn once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from data_samples.draws import Draws, Floats
from data_samples.settings import WorldSettings
from models.contracts import CHANNEL_CODE

INDIFFERENT, PERSUADABLE, SLEEPING_DOG = 0, 1, 2
RESPONSES = ("indifferent", "persuadable", "sleeping_dog")

SEGMENTS = ("consumer", "small_business", "business", "enterprise")
SEGMENT_SHARES = (0.55, 0.25, 0.15, 0.05)
SEGMENT_VALUE = np.array([24.0, 65.0, 240.0, 1_300.0])  # median, EUR a month (assumed)
# region, locale, time zone
REGIONS = (
    ("north", "en-GB", "Europe/London"),
    ("west", "fr-FR", "Europe/Paris"),
    ("central", "de-DE", "Europe/Berlin"),
    ("south", "it-IT", "Europe/Rome"),
    ("iberia", "es-ES", "Europe/Madrid"),
)
REGION_SHARES = (0.28, 0.2, 0.27, 0.13, 0.12)
PREFERRED = ("email", "phone", "chat", "sms")
PREFERRED_SHARES = (0.6, 0.2, 0.15, 0.05)
CONSENT_CHANNELS = ("email", "phone", "sms")

FIRST_NAMES = (
    "Ada", "Amelie", "Anton", "Beatriz", "Bruno", "Carla", "Chiara", "Clara", "Daniel", "Diego",
    "Elena", "Elif", "Emil", "Emma", "Felix", "Fiona", "Greta", "Hannah", "Henrik", "Ines",
    "Ivo", "Jana", "Jonas", "Julia", "Kenji", "Lara", "Leon", "Lucia", "Maja", "Marco",
    "Marta", "Milan", "Nadia", "Nils", "Nora", "Olga", "Oscar", "Paula", "Pierre", "Priya",
    "Rosa", "Samir", "Sara", "Sofia", "Theo", "Tomas", "Valeria", "Vera", "Yusuf", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Abelard", "Amsel", "Bergmann", "Birnbaum", "Calder", "Castellan", "Dorn", "Ebner", "Ferrant",
    "Fontane", "Garrick", "Greening", "Halloran", "Hartwin", "Iversson", "Jardin", "Kestrel",
    "Korn", "Lagarde", "Lindqvist", "Marlow", "Montclair", "Nachtigal", "Novello", "Oakes",
    "Orsini", "Pascoe", "Pellegrin", "Quill", "Rademaker", "Roussel", "Sandoval", "Sperling",
    "Tamsin", "Tessier", "Ullman", "Valdez", "Vantreight", "Weller", "Winterfeld", "Yarrow",
    "Zeller",
)  # fmt: skip


@dataclass(frozen=True)
class People:
    """Arrays over customers, in the order in which they join."""

    joined_day: NDArray[np.int64]  # day 0 is the world's start; negative before it
    joined_second: NDArray[np.int64]  # of that day
    silent: NDArray[np.bool_]
    impatience: Floats  # factor on everything that moves mood
    response: NDArray[np.int64]  # to a contact: INDIFFERENT, PERSUADABLE, SLEEPING_DOG
    fade: Floats  # log rate of use per unit of attachment
    use_rate: Floats  # a day, at attachment 0
    use_shape: NDArray[np.int64]  # regularity: 1 by chance, 6 like clockwork
    order_rate: Floats  # a day
    case_rate: Floats  # a day; 0 for the silent
    segment: NDArray[np.int64]
    region: NDArray[np.int64]
    value: Floats  # EUR a month
    yearly: NDArray[np.bool_]
    payer: NDArray[np.bool_]  # payments are rows
    preferred: NDArray[np.int8]  # channel code
    owner: NDArray[np.int64]
    parent: NDArray[np.int64]  # -1: none
    objects: NDArray[np.bool_]  # to profiling

    def __len__(self) -> int:
        return len(self.joined_day)


def make_people(settings: WorldSettings, draws: Draws) -> People:
    """Draw all customers of a world, (customers,) each trait."""
    n = settings.customers
    who = np.arange(n)
    silent = draws.chance("silent", -1, who, settings.silent)
    segment = draws.pick("segment", -1, who, SEGMENT_SHARES)
    use_rate = settings.uses_per_month / 30.0 * np.exp(0.7 * draws.normal("use", -1, who))
    joined = _joined_days(settings, draws, who)
    case_rate = settings.cases_per_year / 365.0 * np.exp(0.7 * draws.normal("cases", -1, who))
    owners = max(1, n // settings.customers_per_owner)
    return People(
        joined_day=joined,
        joined_second=(21_600 * draws.uniform("joined", -2, who)).astype(np.int64),
        silent=silent,
        impatience=np.exp(0.35 * draws.normal("impatience", -1, who)),
        response=_responses(settings, draws, who, silent, use_rate),
        fade=np.where(silent, settings.fade_silent, settings.fade_vocal),
        use_rate=use_rate,
        use_shape=1 + draws.pick("regular", -1, who, (0.25, 0.2, 0.2, 0.15, 0.1, 0.1)),
        order_rate=settings.orders_per_year / 365.0 * np.exp(0.6 * draws.normal("order", -1, who)),
        case_rate=np.where(silent, 0.0, case_rate),
        segment=segment,
        region=draws.pick("region", -1, who, REGION_SHARES),
        value=np.round(SEGMENT_VALUE[segment] * np.exp(0.5 * draws.normal("value", -1, who)), 2),
        yearly=draws.chance("yearly", -1, who, settings.yearly_contracts),
        payer=draws.chance("payer", -1, who, settings.paid_in_the_log),
        preferred=np.array([CHANNEL_CODE[name] for name in PREFERRED], np.int8)[
            draws.pick("preferred", -1, who, PREFERRED_SHARES)
        ],
        owner=draws.pick("owner", -1, who, (1.0,) * owners),
        parent=_parents(draws, who, segment),
        objects=draws.chance("objects", -1, who, 0.004),
    )


def _joined_days(
    settings: WorldSettings, draws: Draws, who: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Ascending: some in the five years before the start, the rest evenly after it."""
    before = round(settings.joined_before * len(who))
    luck = draws.uniform("joined", -1, who)
    past = np.floor(-1 - 5 * 365 * luck[:before] ** 1.5)
    later = np.floor(luck[before:] * settings.days)
    days: NDArray[np.int64] = np.sort(np.concatenate([past, later])).astype(np.int64)
    return days


def _responses(
    settings: WorldSettings,
    draws: Draws,
    who: NDArray[np.int64],
    silent: NDArray[np.bool_],
    use_rate: Floats,
) -> NDArray[np.int64]:
    """What a contact means to each. Sleeping dogs are found among the silent who use little."""
    dozing = silent & (use_rate < np.median(use_rate))
    # Three times as likely among the dozing, the overall share as set.
    usual = settings.sleeping_dogs / (1.0 + 2.0 * settings.silent / 2.0)
    luck = draws.uniform("response", -1, who)
    dog = luck < np.where(dozing, 3.0 * usual, usual)
    response = np.full(len(who), INDIFFERENT)
    response[luck > 1.0 - settings.persuadable] = PERSUADABLE
    response[dog] = SLEEPING_DOG
    return response


def _parents(draws: Draws, who: NDArray[np.int64], segment: NDArray[np.int64]) -> NDArray[np.int64]:
    """A tenth of the business customers belong to an earlier one, who has no parent itself."""
    parent = np.full(len(who), -1)
    child = draws.chance("child", -1, who, 0.1) & (segment >= 2)
    heads = np.flatnonzero((segment >= 2) & ~child)
    children = np.flatnonzero(child)
    earlier = np.searchsorted(heads, children)
    chosen = (draws.uniform("parent", -1, children) * earlier).astype(np.int64)
    some = earlier > 0
    parent[children[some]] = heads[chosen[some]]
    return parent


def names_of(draws: Draws, who: NDArray[np.int64]) -> pa.Array:
    """Invented names, one for each customer."""
    first = draws.pick("first name", -1, who, (1.0,) * len(FIRST_NAMES))
    last = draws.pick("last name", -1, who, (1.0,) * len(LAST_NAMES))
    return pc.binary_join_element_wise(
        pa.array(FIRST_NAMES).take(pa.array(first)), pa.array(LAST_NAMES).take(pa.array(last)), " "
    )
