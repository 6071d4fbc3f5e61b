"""Facts of cases: replies, waits, solutions, and when each could be known."""

from __future__ import annotations

from tests.spec.features.table import feature_spec


@feature_spec("late_first_reply_count_30", as_of="2026-03-01")
def test_counts_a_promise_that_ran_out_before_the_date_even_if_nobody_has_replied_yet():
    history = """
        customer | occurred_at      | kind        | case
        acme     | 2026-02-10 09:00 | case_opened | 1
        acme     | 2026-02-12 09:00 | message_out | 1
        bolt     | 2026-02-27 09:00 | case_opened | 2
        calm     | 2026-02-28 20:00 | case_opened | 3
    """
    return history, {"acme": 1, "bolt": 1, "calm": 0}


@feature_spec("late_first_reply_count_30", as_of="2026-03-01")
def test_a_reply_at_the_very_second_is_in_time():
    history = """
        customer | occurred_at         | kind        | case
        sharp    | 2026-02-10 09:00:00 | case_opened | 1
        sharp    | 2026-02-11 09:00:00 | message_out | 1
        over     | 2026-02-10 09:00:00 | case_opened | 2
        over     | 2026-02-11 09:00:01 | message_out | 2
    """
    return history, {"sharp": 0, "over": 1}


@feature_spec("late_first_reply_count_30", as_of="2026-03-01")
def test_a_promise_that_runs_out_at_midnight_is_not_known_at_that_midnight():
    history = """
        customer | occurred_at         | kind        | case
        at       | 2026-02-28 00:00:00 | case_opened | 1
        before   | 2026-02-27 23:59:59 | case_opened | 2
    """
    return history, {"at": 0, "before": 1}


@feature_spec("late_first_reply_count_30", as_of="2026-03-01")
def test_chat_and_social_are_promised_within_an_hour():
    history = """
        customer | occurred_at      | kind        | case | channel
        chat     | 2026-02-10 09:00 | case_opened | 1    | chat
        chat     | 2026-02-10 11:00 | message_out | 1    | chat
        mail     | 2026-02-10 09:00 | case_opened | 2    | email
        mail     | 2026-02-10 11:00 | message_out | 2    | chat
        social   | 2026-02-28 22:00 | case_opened | 3    | social
    """
    return history, {"chat": 1, "mail": 0, "social": 1}


@feature_spec("late_first_reply_count_30", as_of="2026-03-01")
def test_a_bot_does_not_keep_the_promise():
    history = """
        customer | occurred_at      | kind        | case | agent
        bot      | 2026-02-10 09:00 | case_opened | 1    | -
        bot      | 2026-02-10 09:01 | message_out | 1    | bot 7
        person   | 2026-02-10 09:00 | case_opened | 2    | -
        person   | 2026-02-10 09:01 | message_out | 2    | ann
    """
    return history, {"bot": 1, "person": 0}


@feature_spec("late_first_reply_count_30", as_of="2026-03-01")
def test_a_case_solved_in_time_without_a_word_breaks_no_promise():
    history = """
        customer | occurred_at      | kind        | case
        solved   | 2026-02-10 09:00 | case_opened | 1
        solved   | 2026-02-10 12:00 | case_solved | 1
        slow     | 2026-02-10 09:00 | case_opened | 2
        slow     | 2026-02-12 12:00 | case_solved | 2
    """
    return history, {"solved": 0, "slow": 1}


@feature_spec("late_first_reply_count_30", as_of="2026-03-01")
def test_a_night_that_had_not_yet_heard_of_the_reply_counts_it_as_late():
    history = """
        customer | occurred_at      | kind        | case | recorded_at
        acme     | 2026-02-10 09:00 | case_opened | 1    | 2026-02-10 09:00
        acme     | 2026-02-10 10:00 | message_out | 1    | 2026-03-05 00:00
    """
    return history, {"acme": 1}


@feature_spec("first_reply_mean_90", as_of="2026-03-01")
def test_where_we_opened_the_case_the_clock_starts_with_the_customers_first_message():
    history = """
        customer | occurred_at      | kind        | case | agent
        ours     | 2026-02-10 09:00 | case_opened | 1    | ann
        ours     | 2026-02-10 10:00 | message_out | 1    | ann
        ours     | 2026-02-11 10:00 | message_in  | 1    | -
        ours     | 2026-02-11 13:00 | message_out | 1    | ann
        theirs   | 2026-02-10 09:00 | case_opened | 2    | -
        theirs   | 2026-02-10 10:00 | call_out    | 2    | ann
        unasked  | 2026-02-10 09:00 | case_opened | 3    | ann
        unasked  | 2026-02-10 10:00 | message_out | 3    | ann
    """
    return history, {"ours": 3, "theirs": 1, "unasked": None}


@feature_spec("late_first_reply_share_365", as_of="2026-03-01")
def test_the_share_is_of_all_promises_that_were_due():
    history = """
        customer | occurred_at      | kind        | case
        half     | 2026-02-10 09:00 | case_opened | 1
        half     | 2026-02-12 09:00 | message_out | 1
        half     | 2026-02-20 09:00 | case_opened | 2
        half     | 2026-02-20 10:00 | message_out | 2
        half     | 2026-02-28 20:00 | case_opened | 3
    """
    return history, {"half": 0.5, "nobody": None}


@feature_spec("resolved_mean_365", as_of="2026-03-01")
def test_a_solution_takes_from_the_opening_to_each_time_it_was_solved():
    history = """
        customer | occurred_at      | kind          | case
        twice    | 2026-02-10 00:00 | case_opened   | 1
        twice    | 2026-02-10 04:00 | case_solved   | 1
        twice    | 2026-02-11 00:00 | case_reopened | 1
        twice    | 2026-02-11 08:00 | case_solved   | 1
        closed   | 2026-02-10 00:00 | case_opened   | 2
        closed   | 2026-02-11 00:00 | case_closed   | 2
    """
    return history, {"twice": 18, "closed": None}


@feature_spec("requester_wait_sum_90", as_of="2026-03-01")
def test_the_customer_waits_until_asked_back_and_again_from_the_next_word():
    history = """
        customer | occurred_at      | kind          | case
        asked    | 2026-02-10 00:00 | case_opened   | 1
        asked    | 2026-02-10 02:00 | case_pending  | 1
        asked    | 2026-02-11 00:00 | message_in    | 1
        asked    | 2026-02-11 03:00 | case_solved   | 1
        asked    | 2026-02-11 04:00 | message_in    | 1
        asked    | 2026-02-12 00:00 | case_reopened | 1
        asked    | 2026-02-12 04:00 | case_closed   | 1
        still    | 2026-02-10 00:00 | case_opened   | 2
        still    | 2026-02-11 00:00 | message_out   | 2
    """
    return history, {"asked": 9, "still": 0}


@feature_spec("open_cases", as_of="2026-03-01")
def test_a_case_is_open_until_solved_or_closed_and_again_when_reopened():
    history = """
        customer | occurred_at      | kind          | case
        two      | 2026-02-10 00:00 | case_opened   | 1
        two      | 2024-02-10 00:00 | case_opened   | 2
        done     | 2026-02-10 00:00 | case_opened   | 3
        done     | 2026-02-11 00:00 | case_solved   | 3
        done     | 2026-02-12 00:00 | case_closed   | 3
        back     | 2026-02-10 00:00 | case_opened   | 4
        back     | 2026-02-11 00:00 | case_solved   | 4
        back     | 2026-02-12 00:00 | case_reopened | 4
    """
    return history, {"two": 2, "done": 0, "back": 1, "nobody": 0}


@feature_spec("resolved_first_contact_share_365", as_of="2026-03-01")
def test_settled_on_first_contact_is_one_reply_and_a_quiet_week():
    history = """
        customer | occurred_at      | kind          | case | topic
        well     | 2026-02-01 00:00 | case_opened   | 1    | login
        well     | 2026-02-01 01:00 | message_out   | 1    | -
        well     | 2026-02-01 02:00 | case_solved   | 1    | -
        well     | 2026-02-05 00:00 | case_opened   | 2    | bill
        twice    | 2026-02-01 00:00 | case_opened   | 3    | login
        twice    | 2026-02-01 01:00 | message_out   | 3    | -
        twice    | 2026-02-01 03:00 | message_out   | 3    | -
        twice    | 2026-02-01 04:00 | case_solved   | 3    | -
        again    | 2026-02-01 00:00 | case_opened   | 4    | login
        again    | 2026-02-01 01:00 | message_out   | 4    | -
        again    | 2026-02-01 02:00 | case_solved   | 4    | -
        again    | 2026-02-08 02:00 | case_opened   | 5    | login
        reopened | 2026-02-01 00:00 | case_opened   | 6    | login
        reopened | 2026-02-01 01:00 | message_out   | 6    | -
        reopened | 2026-02-01 02:00 | case_solved   | 6    | -
        reopened | 2026-02-03 02:00 | case_reopened | 6    | -
        early    | 2026-02-22 00:00 | case_opened   | 7    | login
        early    | 2026-02-22 01:00 | message_out   | 7    | -
        early    | 2026-02-22 02:00 | case_solved   | 7    | -
    """
    return history, {"well": 1, "twice": 0, "again": 0, "reopened": 0, "early": None}


@feature_spec("repeat_contact_count_90", as_of="2026-03-01")
def test_a_repeat_is_the_same_topic_within_a_week_of_its_solution():
    history = """
        customer | occurred_at         | kind        | case | topic
        edge     | 2026-02-01 00:00:00 | case_opened | 1    | login
        edge     | 2026-02-01 02:00:00 | case_solved | 1    | -
        edge     | 2026-02-08 02:00:00 | case_opened | 2    | login
        after    | 2026-02-01 00:00:00 | case_opened | 3    | login
        after    | 2026-02-01 02:00:00 | case_solved | 3    | -
        after    | 2026-02-08 02:00:01 | case_opened | 4    | login
        other    | 2026-02-01 00:00:00 | case_opened | 5    | login
        other    | 2026-02-01 02:00:00 | case_solved | 5    | -
        other    | 2026-02-03 00:00:00 | case_opened | 6    | bill
        unsolved | 2026-02-01 00:00:00 | case_opened | 7    | login
        unsolved | 2026-02-03 00:00:00 | case_opened | 8    | login
        unknown  | 2026-02-01 00:00:00 | case_opened | 9    | -
        unknown  | 2026-02-01 02:00:00 | case_solved | 9    | -
        unknown  | 2026-02-03 00:00:00 | case_opened | 10   | -
    """
    return history, {"edge": 1, "after": 0, "other": 0, "unsolved": 0, "unknown": 0}


@feature_spec("channel_switch_count_90", as_of="2026-03-01")
def test_a_switch_is_a_word_on_another_channel_within_the_case():
    history = """
        customer | occurred_at      | kind        | case | channel
        moved    | 2026-02-01 00:00 | case_opened | 1    | email
        moved    | 2026-02-02 00:00 | call_in     | 1    | phone
        moved    | 2026-02-03 00:00 | message_in  | 1    | -
        moved    | 2026-02-04 00:00 | message_in  | 1    | social
        stayed   | 2026-02-01 00:00 | case_opened | 2    | email
        stayed   | 2026-02-02 00:00 | call_out    | 2    | phone
        stayed   | 2026-02-03 00:00 | message_in  | 2    | email
        two      | 2026-02-01 00:00 | case_opened | 3    | email
        two      | 2026-02-02 00:00 | case_opened | 4    | phone
    """
    return history, {"moved": 2, "stayed": 0, "two": 0}


@feature_spec("reply_agents_365", as_of="2026-03-01")
def test_agents_met_are_people_and_each_counts_once():
    history = """
        customer | occurred_at      | kind        | agent
        acme     | 2026-02-01 00:00 | message_out | ann
        acme     | 2026-02-02 00:00 | call_out    | ann
        acme     | 2026-02-03 00:00 | call_out    | ben
        acme     | 2026-02-04 00:00 | message_out | bot 1
        acme     | 2026-02-05 00:00 | message_out | -
    """
    return history, {"acme": 2}


@feature_spec("transferred_cases_365", as_of="2026-03-01")
def test_a_case_handed_on_twice_is_one_case():
    history = """
        customer | occurred_at      | kind             | case
        acme     | 2026-02-01 00:00 | case_transferred | 1
        acme     | 2026-02-02 00:00 | case_transferred | 1
        acme     | 2026-02-03 00:00 | case_transferred | 2
    """
    return history, {"acme": 2}
