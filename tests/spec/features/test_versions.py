"""Corrected and deleted rows: a night sees the version that counted then."""

from __future__ import annotations

from tests.spec.features.table import feature_spec

CORRECTED = """
    customer | occurred_at      | kind  | value | recorded_at      | until
    wrong    | 2026-02-10 09:00 | order | 900   | 2026-02-10 09:00 | 2026-02-20 12:00
    wrong    | 2026-02-10 09:00 | order | 90    | 2026-02-20 12:00 | -
    gone     | 2026-02-10 09:00 | order | 900   | 2026-02-10 09:00 | 2026-02-20 12:00
    stands   | 2026-02-10 09:00 | order | 900   | 2026-02-10 09:00 | -
"""


@feature_spec("order_sum_90", as_of="2026-02-15")
def test_before_a_correction_was_known_the_old_version_counts():
    return CORRECTED, {"wrong": 900, "gone": 900, "stands": 900}


@feature_spec("order_sum_90", as_of="2026-02-21")
def test_after_a_correction_was_known_only_the_new_version_counts():
    return CORRECTED, {"wrong": 90, "gone": 0, "stands": 900}


@feature_spec("order_sum_90", as_of="2026-02-20", cutoff="2026-02-20 12:00")
def test_a_correction_known_at_the_very_cut_off_counts():
    return CORRECTED, {"wrong": 90, "gone": 0, "stands": 900}


@feature_spec("first_reply_mean_90", as_of="2026-03-01")
def test_facts_are_made_of_the_versions_that_the_night_saw():
    history = """
        customer | occurred_at      | kind        | case | recorded_at      | until
        moved    | 2026-02-10 09:00 | case_opened | 1    | 2026-02-10 09:00 | -
        moved    | 2026-02-10 10:00 | message_out | 1    | 2026-02-10 10:00 | 2026-02-12 00:00
        moved    | 2026-02-10 14:00 | message_out | 1    | 2026-02-12 00:00 | -
        later    | 2026-02-10 09:00 | case_opened | 2    | 2026-02-10 09:00 | -
        later    | 2026-02-10 10:00 | message_out | 2    | 2026-02-10 10:00 | 2026-03-12 00:00
        later    | 2026-02-10 14:00 | message_out | 2    | 2026-03-12 00:00 | -
    """
    return history, {"moved": 5, "later": 1}
