"""What a night knew of each term: versions in, the one it saw out."""

import numpy as np
import pytest

from pipelines.history.terms import NEVER
from tests.unit.pipelines.term_tables import at, terms

CORRECTED = """
    customer term started    ended      end_kind   recorded   until
    0        0    2025-01-01 -          -          2025-01-02 2026-02-10
    0        0    2025-01-01 2026-02-01 cancelled  2026-02-10 -
"""


def test_a_correction_is_not_seen_before_it_came_and_the_older_version_is():
    both = terms(CORRECTED)
    assert both.known(at("2025-01-01")).ended.tolist() == []
    assert both.known(at("2026-02-05")).ended.tolist() == [NEVER]
    assert both.known(at("2026-02-10")).ended.tolist() == [at("2026-02-01")]
    assert both.known().ended.tolist() == [at("2026-02-01")]


def test_a_deleted_term_counts_until_its_deletion_was_known():
    deleted = terms("""
        customer started    until
        0        2025-01-01 2026-03-01
    """)
    assert len(deleted.known(at("2026-02-28"))) == 1
    assert len(deleted.known(at("2026-03-01"))) == 0
    assert len(deleted.known()) == 0


def test_of_a_first_version_without_a_date_only_what_is_dated_itself_counts_before_it_came():
    first = terms("""
        customer started    ends_at    notice     ended      end_kind  value product seen
        0        2025-01-01 2027-01-01 2026-03-01 2026-06-01 cancelled 30    gold    2026-05-01
    """)
    # Seen on 1 May with an end a month ahead: not announced, since nothing says when it was known.
    before, then, after = (
        first.known(at(day)) for day in ("2026-02-01", "2026-04-01", "2026-05-01")
    )
    assert [view.notice.tolist() for view in (before, then, after)] == [
        [NEVER], [at("2026-03-01")], [at("2026-03-01")],
    ]  # fmt: skip
    assert (then.ended.tolist(), then.end_kind.tolist()) == ([NEVER], [-1])
    assert np.isnan(then.value).all()
    assert (then.ends_at.tolist(), then.product.tolist()) == ([NEVER], [-1])
    assert (after.value.tolist(), after.ends_at.tolist()) == ([30.0], [at("2027-01-01")])


@pytest.mark.parametrize(
    ("end_kind", "recorded", "notice"),
    [
        ("cancelled", "2026-01-10", "2026-01-10"),  # told ahead: notice from then on
        ("cancelled", "2026-03-05", "-"),  # told when it was over
        ("-", "2026-01-10", "-"),  # a planned end, written where it does not belong
    ],
)
def test_an_end_of_a_known_kind_that_was_recorded_ahead_is_notice(end_kind, recorded, notice):
    told = terms(f"""
        customer started    ended      end_kind    recorded
        0        2025-01-01 2026-03-01 {end_kind}  {recorded}
    """)
    assert told.notice.tolist() == [at(notice)]


def test_the_notice_in_an_announced_end_stays_when_the_term_is_corrected_later():
    told = terms("""
        customer term started    ended      end_kind  value recorded   until
        0        0    2025-01-01 2026-03-01 cancelled 10    2026-01-10 2026-02-01
        0        0    2025-01-01 2026-03-01 cancelled 12    2026-02-01 -
    """)
    assert told.known().notice.tolist() == [at("2026-01-10")]


def test_the_feed_has_told_up_to_its_last_word_and_not_up_to_a_date_ahead():
    ahead = """
        customer started    ended      recorded   seen
        0        2025-01-01 2027-01-01 2025-01-01 2026-03-01
        1        2026-02-01 -          2026-02-01 2026-03-01
    """
    assert terms(ahead, undated=True).told_until == at("2026-02-01")
    assert terms(ahead).told_until == at("2026-03-01")


def test_customers_are_found_among_all_and_numbered_by_place():
    several = terms("""
        customer started    value
        1        2025-01-01 1
        4        2025-01-01 2
        4        2025-02-01 3
        9        2025-01-01 4
    """)
    mine = several.among(np.array([0, 4, 9], np.int32))
    assert mine.customer.tolist() == [1, 1, 2]
    assert mine.value.tolist() == [2, 3, 4]
