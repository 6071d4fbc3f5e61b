"""Complaints, surveys, bots, payments, promises: what was said and what stayed unanswered."""

from __future__ import annotations

from tests.spec.features.table import feature_spec


@feature_spec("complaint_unanswered_count_90", as_of="2026-03-01")
def test_a_complaint_has_a_day_for_an_answer_in_its_own_case():
    history = """
        customer | occurred_at         | kind        | case
        heard    | 2026-02-01 00:00:00 | complaint   | 1
        heard    | 2026-02-02 00:00:00 | message_out | 1
        over     | 2026-02-01 00:00:00 | complaint   | 2
        over     | 2026-02-02 00:00:01 | message_out | 2
        elsewhere| 2026-02-01 00:00:00 | complaint   | 3
        elsewhere| 2026-02-01 01:00:00 | message_out | 4
        loose    | 2026-02-01 00:00:00 | complaint   | -
        loose    | 2026-02-01 01:00:00 | message_out | 5
        fresh    | 2026-02-28 00:00:00 | complaint   | 6
    """
    return history, {"heard": 0, "over": 1, "elsewhere": 1, "loose": 0, "fresh": 0}


@feature_spec("complaints_waiting", as_of="2026-03-01")
def test_a_complaint_waits_until_somebody_answers_however_late():
    history = """
        customer | occurred_at      | kind        | case | agent
        waits    | 2025-02-01 00:00 | complaint   | 1    | -
        waits    | 2026-02-01 00:00 | complaint   | -    | -
        waits    | 2026-02-02 00:00 | message_out | 1    | bot 1
        late     | 2026-02-01 00:00 | complaint   | 2    | -
        late     | 2026-02-20 00:00 | message_out | 2    | ann
    """
    return history, {"waits": 2, "late": 0}


@feature_spec("complaint_answered_mean_365", as_of="2026-03-01")
def test_one_answer_answers_every_complaint_before_it():
    history = """
        customer | occurred_at      | kind        | case
        acme     | 2026-02-01 00:00 | complaint   | 1
        acme     | 2026-02-01 06:00 | complaint   | 1
        acme     | 2026-02-01 12:00 | call_out    | 1
        acme     | 2026-02-03 12:00 | call_out    | 1
    """
    return history, {"acme": 9}


@feature_spec("survey_unanswered_count_90", as_of="2026-03-01")
def test_a_survey_has_a_week_for_an_answer_of_its_kind():
    history = """
        customer | occurred_at         | kind            | score_kind | score
        heeded   | 2026-02-01 00:00:00 | survey_sent     | nps        | -
        heeded   | 2026-02-08 00:00:00 | survey_answered | nps        | 9
        late     | 2026-02-01 00:00:00 | survey_sent     | nps        | -
        late     | 2026-02-08 00:00:01 | survey_answered | nps        | 9
        other    | 2026-02-01 00:00:00 | survey_sent     | nps        | -
        other    | 2026-02-02 00:00:00 | survey_answered | csat       | 4
        fresh    | 2026-02-22 00:00:00 | survey_sent     | nps        | -
    """
    return history, {"heeded": 0, "late": 1, "other": 1, "fresh": 0}


@feature_spec("poor_csat_share_365", as_of="2026-03-01")
def test_poor_answers_are_one_and_two_of_five():
    history = """
        customer | occurred_at      | kind            | score_kind | score
        mixed    | 2026-02-01 00:00 | survey_answered | csat       | 2
        mixed    | 2026-02-02 00:00 | survey_answered | csat       | 3
        mixed    | 2026-02-03 00:00 | survey_answered | csat       | 5
        mixed    | 2026-02-04 00:00 | survey_answered | csat       | -
        mixed    | 2026-02-05 00:00 | survey_answered | nps        | 0
        nps      | 2026-02-05 00:00 | survey_answered | nps        | 0
    """
    return history, {"mixed": 1 / 3, "nps": None}


@feature_spec("poor_answer_count_90", as_of="2026-03-01")
def test_detractors_are_poor_up_to_six_and_efforts_up_to_three():
    history = """
        customer | occurred_at      | kind            | score_kind | score
        six      | 2026-02-01 00:00 | survey_answered | nps        | 6
        seven    | 2026-02-01 00:00 | survey_answered | nps        | 7
        three    | 2026-02-01 00:00 | survey_answered | ces        | 3
        four     | 2026-02-01 00:00 | survey_answered | ces        | 4
        nokind   | 2026-02-01 00:00 | survey_answered | -          | 1
    """
    return history, {"six": 1, "seven": 0, "three": 1, "four": 0, "nokind": 0}


@feature_spec("nps_last", as_of="2026-03-01")
def test_the_last_answer_of_its_kind():
    history = """
        customer | occurred_at      | kind            | score_kind | score
        acme     | 2026-02-01 00:00 | survey_answered | nps        | 9
        acme     | 2026-02-02 00:00 | survey_answered | nps        | 3
        acme     | 2026-02-03 00:00 | survey_answered | csat       | 5
    """
    return history, {"acme": 3, "nobody": None}


@feature_spec("nps_latest", as_of="2026-03-01")
def test_the_last_three_answers_of_a_kind_and_one_alone_is_no_average():
    history = """
        customer | occurred_at      | kind            | score_kind | score
        acme     | 2023-02-01 00:00 | survey_answered | nps        | 0
        acme     | 2024-02-01 00:00 | survey_answered | nps        | 9
        acme     | 2025-02-01 00:00 | survey_answered | nps        | 6
        acme     | 2025-03-01 00:00 | survey_answered | csat       | 1
        acme     | 2025-04-01 00:00 | survey_answered | nps        | -
        acme     | 2026-02-01 00:00 | survey_answered | nps        | 3
        acme     | 2026-03-01 00:00 | survey_answered | nps        | 10
        two      | 2026-02-01 00:00 | survey_answered | nps        | 9
        two      | 2026-02-02 00:00 | survey_answered | nps        | 4
        one      | 2026-02-02 00:00 | survey_answered | nps        | 4
    """
    return history, {"acme": 6, "two": 6.5, "one": None, "nobody": None}


@feature_spec("csat_last", as_of="2026-03-01")
def test_the_last_answer_of_another_kind():
    history = """
        customer | occurred_at      | kind            | score_kind | score
        acme     | 2026-02-01 00:00 | survey_answered | csat       | 5
        acme     | 2026-02-02 00:00 | survey_answered | nps        | 3
        acme     | 2026-02-03 00:00 | survey_answered | csat       | -
    """
    return history, {"acme": 5, "nobody": None}


@feature_spec("bot_failed_count_90", as_of="2026-03-01")
def test_the_bot_failed_when_people_are_needed_within_a_day():
    history = """
        customer | occurred_at         | kind        | channel | agent
        handed   | 2026-02-01 00:00:00 | bot_session | bot     | bot 1
        handed   | 2026-02-01 00:05:00 | bot_handoff | bot     | bot 1
        handed   | 2026-02-01 00:10:00 | call_in     | phone   | -
        called   | 2026-02-01 00:00:00 | bot_session | bot     | bot 1
        called   | 2026-02-02 00:00:00 | call_in     | phone   | -
        later    | 2026-02-01 00:00:00 | bot_session | bot     | bot 1
        later    | 2026-02-02 00:00:01 | call_in     | phone   | -
        talks on | 2026-02-01 00:00:00 | bot_session | bot     | bot 1
        talks on | 2026-02-01 00:01:00 | message_in  | bot     | -
        twice    | 2026-02-01 00:00:00 | bot_session | bot     | bot 1
        twice    | 2026-02-01 03:00:00 | bot_session | bot     | bot 1
        twice    | 2026-02-01 04:00:00 | case_opened | email   | -
    """
    return history, {"handed": 1, "called": 1, "later": 0, "talks on": 0, "twice": 2}


@feature_spec("payment_outstanding", as_of="2026-03-01")
def test_a_failed_payment_is_outstanding_until_the_next_that_succeeds():
    history = """
        customer | occurred_at      | kind
        owes     | 2026-01-01 00:00 | payment_failed
        owes     | 2026-01-04 00:00 | payment_failed
        made up  | 2026-01-01 00:00 | payment_failed
        made up  | 2026-01-04 00:00 | payment
        made up  | 2026-02-04 00:00 | payment
    """
    return history, {"owes": 1, "made up": 0}


@feature_spec("promise_broken_share_ever", as_of="2026-03-01")
def test_the_share_of_promises_due_that_were_broken():
    history = """
        customer | occurred_at      | kind
        acme     | 2026-01-01 00:00 | promise_made
        acme     | 2026-01-04 00:00 | promise_broken
        acme     | 2026-02-04 00:00 | promise_kept
    """
    return history, {"acme": 0.5, "nobody": None}


@feature_spec("own_word_count_90", as_of="2026-03-01")
def test_an_answer_to_our_own_message_is_not_speaking_up():
    history = """
        customer | occurred_at      | kind       | provoked
        acme     | 2026-02-01 00:00 | message_in | yes
        acme     | 2026-02-02 00:00 | message_in | -
    """
    return history, {"acme": 1}


@feature_spec("phone_contact_share_365", as_of="2026-03-01")
def test_the_share_of_a_channel_is_of_all_contacts():
    history = """
        customer | occurred_at      | kind       | channel
        acme     | 2026-02-01 00:00 | call_in    | phone
        acme     | 2026-02-02 00:00 | message_in | email
        acme     | 2026-02-03 00:00 | message_in | -
        acme     | 2026-02-03 00:00 | call_out   | phone
        mail     | 2026-02-02 00:00 | message_in | email
    """
    return history, {"acme": 1 / 3, "mail": 0, "nobody": None}


@feature_spec("return_count_90", as_of="2026-03-01")
def test_an_order_below_zero_was_sent_back():
    history = """
        customer | occurred_at      | kind  | value
        acme     | 2026-02-01 00:00 | order | 20
        acme     | 2026-02-02 00:00 | order | -20
        acme     | 2026-02-02 00:00 | order | 0
        acme     | 2026-02-02 00:00 | order | -
    """
    return history, {"acme": 1}


@feature_spec("outage_sum_90", as_of="2026-03-01")
def test_hours_of_outages_are_summed():
    history = """
        customer | occurred_at      | kind   | seconds
        acme     | 2026-02-01 00:00 | outage | 3600
        acme     | 2026-02-02 00:00 | outage | 5400
        acme     | 2025-02-02 00:00 | outage | 5400
    """
    return history, {"acme": 2.5}
