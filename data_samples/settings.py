"""What a simulated world is made of: every constant in one place, each with where it comes from.

"assumed" means that no published figure is known to us: change it and the world is as true.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class WorldSettings:
    """Size, period, seed and laws of a world. Rates are per customer; mood is in its own unit.

    One unit of mood or attachment is large: one customer in eight lies further from the middle.
    """

    customers: int = 2_000  # all who ever join by the last day of `days`
    days: int = 730  # over which the later joiners arrive; the world can be advanced further
    start: date = date(2024, 7, 1)
    seed: int = 2
    agents: int = 0  # 0: one for each 80 customers, at least 12
    joined_before: float = 0.55  # share already there at the start (assumed)
    truth_dates: tuple[date, ...] | None = None  # None: the first of each month

    # How dense the log is. The sample is sparse to stay below 5 MB; a product in daily use has 20
    # and more.
    uses_per_month: float = 0.97  # days of use that leave a row, median customer, before fading
    orders_per_year: float = 1.3  # median customer
    cases_per_year: float = 0.6  # median vocal customer, before moods and outages (assumed)
    paid_in_the_log: float = 0.12  # share of customers whose quarterly payments are rows
    surveys_per_year: float = 0.35  # relationship surveys sent to everyone, the silent included

    # Who speaks. Most unhappy customers never tell the company: 1 in 27 does, as TARP's studies
    # for the US Office of Consumer Affairs (1979, 1986) are widely quoted; fewer keep silent about
    # grave problems. That 45% of all customers never speak at all is assumed.
    silent: float = 0.45
    # Share of sent surveys that a vocal customer answers: 10 to 30% is usual for e-mail surveys
    # (vendors' benchmarks). The silent, who get relationship surveys too, pull the whole down.
    survey_answers: float = 0.28
    complains_when_failed: float = 0.30  # of vocal customers after a bad case (assumed)
    complaints_unanswered: float = 0.25  # (assumed)
    # Share of customers whose words are kept, in the language of their region; their tone follows
    # what they feel. 0: interactions have no `text` at all.
    words: float = 0.0
    outreach_answers: float = 0.20  # of vocal customers (assumed)

    # What leaving is. 23% to 25% a year over the first two years: as at telephone companies (21%
    # to 38%, HBR, October 2015), more than in business software (around 10%).
    leave_per_year: float = 0.023  # hazard of a customer at mood 0, in an open month contract
    pull: float = 2.2  # log hazard per unit of attachment lost (assumed; sets the AUC of truth)
    yearly_contracts: float = 0.35  # share (assumed)
    yearly_locked: float = 0.45  # hazard factor outside the renewal window (assumed)
    yearly_window: float = 2.6  # and within it: contracts are left at their renewal
    window_days: int = 75
    other_ends_per_year: float = 0.02  # moved, deceased, unpaid, closed by the company (assumed)
    gives_notice: float = 0.65  # of leavers, before the end (assumed)
    win_backs: float = 0.0  # share of those who left by their own wish who come back one day
    win_back_days: float = 120.0  # mean days away, beyond the first 45 (assumed)

    # How feelings move. Half-lives in days (assumed: memory of service fades over months).
    mood_half_life: float = 90.0
    attachment_lag: float = 20.0  # days until attachment has followed 63% of the way to mood
    fit_half_life: float = 270.0  # how well the product suits, moved by private events
    # A better offer, a new boss, a move: nothing in the log (assumed).
    private_per_year: float = 1.2
    private_size: float = 0.5
    quiet_per_year: float = 1.6  # failures that a customer never mentions (assumed)
    quiet_size: float = 0.5

    # How use follows attachment: log rate per unit. The silent fade more clearly, as they
    # have no other way of showing it. That use falls before the end is the basis of the
    # "buy till you die" models (Schmittlein, Morrison and Colombo 1987); sizes are assumed.
    fade_silent: float = 2.4
    fade_vocal: float = 1.6

    # What a contact does. In a field experiment with 65,000 customers an unasked-for
    # recommendation raised leaving within three months from 6% to 10% (Ascarza, Iyengar and
    # Schleicher, JMR 2016): contact wakes "sleeping dogs". Shares and sizes are assumed.
    persuadable: float = 0.24
    sleeping_dogs: float = 0.07
    contact_lift: float = 1.6  # attachment gained by a persuadable, moderately unhappy customer
    contact_harm: float = 0.9  # attachment lost by a sleeping dog
    lift_half_life: float = 80.0
    fatigue_days: float = 30.0  # a second contact this soon has a third of the effect
    playbook_effects: Mapping[str, float] = field(default_factory=dict)

    outages_per_year: float = 4.0  # of the whole service, each striking a region (assumed)
    promised_orders: float = 0.25  # share of orders with a promised date (assumed)
    promises_broken: float = 0.16  # (assumed)
    payment_fails: float = 0.04  # of payments (assumed)
    bot_sessions_per_year: float = 0.3  # (assumed)
    bot_fails: float = 0.38  # (assumed)
    customers_per_owner: int = 160
    agent_utilisation: float = 0.90  # share of capacity used on an ordinary day (assumed)

    @property
    def agent_count(self) -> int:
        """Agents at any one time."""
        return self.agents or max(12, self.customers // 80)


# What happens to mood, in its unit, before the customer's own patience. A failure weighs more
# than a success: a service interaction is about four times as likely to drive disloyalty as
# loyalty (Dixon, Toman and DeLisi, The Effortless Experience, 2013); effort (repeats, transfers)
# is the strongest of its drivers there. The single sizes are assumed.
LATE_REPLY = -0.9
SLOW_SOLUTION = -0.4
TRANSFER = -0.5
REPEAT = -0.8
REOPENED = -0.8
UNSOLVED = -1.2
SOLVED_WELL = 0.35
UNANSWERED_COMPLAINT = -1.3
# A complaint answered well lifts (service recovery: de Matos, Henrique and Rossi 2007 find it
# lifts satisfaction, not loyalty by itself), without paying back the failure.
ANSWERED_COMPLAINT = 0.5
BROKEN_PROMISE = -1.0
KEPT_PROMISE = 0.05
BOT_FAILED = -0.5
OUTAGE = -0.8
PAYMENT_FAILED = -0.3
REFUND = 0.4

# Promises of a first reply, in seconds: 24 h, 1 h on social and chat (CONTRACTS.md); a quarter
# of an hour on hold is as long as a caller bears (assumed).
PROMISE = {"email": 86_400.0, "web": 86_400.0, "phone": 900.0, "chat": 3_600.0, "social": 3_600.0}
# Median wait for the first reply on an ordinary day, in seconds (assumed).
MEDIAN_WAIT = {"email": 21_600.0, "web": 25_200.0, "phone": 200.0, "chat": 400.0, "social": 1_500.0}
