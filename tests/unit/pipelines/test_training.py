"""What is refused before anything is learned, and what training rows are."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from models.contracts import Feature
from models.dataset import Dataset, sampled
from models.errors import NotEnoughData
from models.home import Home, create
from models.leaks import Leak
from models.settings import Features, Settings, Training
from pipelines import labels, train
from pipelines.afterwards import afterwards
from pipelines.history.ingest import ingest
from pipelines.history.store import History
from pipelines.inspecting import require_no_leak
from pipelines.trainingset import assemble, require_leavers
from pipelines.values import monthly_values

NOW = datetime(2026, 7, 1, tzinfo=UTC)
DATES = (date(2026, 1, 1), date(2026, 2, 1))
HEAD = "interaction_id,customer_id,occurred_at,kind,caused_by"


def company(folder: Path, **files: str) -> History:
    """The history of a folder with these files, lines without their margin."""
    source = folder / "source"
    source.mkdir()
    for name, text in files.items():
        lines = "\n".join(line.strip() for line in text.strip().splitlines())
        (source / f"{name}.csv").write_text(lines + "\n", encoding="utf-8")
    home, _ = create(folder / "home")
    ingest(home.history, source, now=NOW)
    return History.open(home.history)


def orders(*rows: tuple[str, str]) -> str:
    lines = [f"{n},{who},{at}T10:00:00Z,order," for n, (who, at) in enumerate(rows)]
    return "\n".join([HEAD, *lines])


def test_without_contracts_whoever_stops_buying_has_left(tmp_path):
    history = company(
        tmp_path,
        customers="customer_id,joined_at\na,2025-01-01T00:00:00Z\nb,2025-01-01T00:00:00Z",
        interactions=orders(("a", "2025-12-20"), ("b", "2025-12-20"), ("b", "2026-01-15")),
    )
    rows = assemble(history, Settings(), DATES[:1], 30)
    assert rows.label == "non_contractual"
    assert rows.data.leaves_in is None
    assert dict(zip(rows.data.customer.tolist(), rows.data.y.tolist(), strict=True)) == {
        0: True,
        1: False,
    }
    assert rows.silence.tolist() == pytest.approx([11.58, 11.58], abs=0.01)


def test_who_paused_and_bought_nothing_meanwhile_is_no_row(tmp_path):
    history = company(
        tmp_path,
        customers="customer_id,joined_at\na,2025-01-01T00:00:00Z\nb,2025-01-01T00:00:00Z",
        interactions=orders(("a", "2025-12-20"), ("b", "2025-12-20"), ("b", "2026-06-01")),
        terms="""customer_id,term_id,started_at,paused_from,paused_to
        a,1,2025-01-01T00:00:00Z,2026-01-10T00:00:00Z,2026-01-20T00:00:00Z
        b,2,2025-01-01T00:00:00Z,,""",
    )
    without_contracts = Settings(training=Training(label="non_contractual"))
    rows = assemble(history, without_contracts, DATES[:1], 30).data
    assert (rows.customer.tolist(), rows.y.tolist()) == ([1], [True])


def test_a_row_tells_after_how_many_days_the_customer_left_where_contracts_do(tmp_path):
    history = company(
        tmp_path,
        customers="customer_id,joined_at\na,2025-01-01T00:00:00Z\nb,2025-01-01T00:00:00Z",
        interactions=orders(("a", "2025-12-20"), ("b", "2025-12-20"), ("b", "2026-05-01")),
        terms="""customer_id,term_id,started_at,ended_at,end_kind
        a,1,2025-01-01T00:00:00Z,2026-02-15T12:00:00Z,cancelled
        b,2,2025-01-01T00:00:00Z,,""",
    )
    rows = assemble(history, Settings(), DATES, 60).data
    assert rows.y.tolist() == [True, False, True, False]
    np.testing.assert_array_equal(rows.leaves_in, [45.5, np.nan, 14.5, np.nan])


SENT = (
    ("a", "2025-12-01"), ("b", "2026-01-11"), ("b", "2026-01-20"), ("c", "2026-02-20"),
    ("d", "2025-09-01"), ("d", "2026-03-15"),
)  # fmt: skip


def contacted(folder: Path, *sent: tuple[str, str]) -> Dataset:
    """Rows of the first of `DATES`, of which c leaves on 15 February."""
    folder.mkdir()
    rows = (f"\nm{n},{who},{day}T00:00:00Z,outreach_sent," for n, (who, day) in enumerate(sent))
    ended = {"c": "2026-02-15T00:00:00Z,cancelled"}
    history = company(
        folder,
        customers="customer_id,joined_at" + "".join(f"\n{who},2025-01-01T00:00Z" for who in "abcd"),
        interactions=orders(*((who, "2026-05-01") for who in "abd")) + "".join(rows),
        terms="customer_id,term_id,started_at,ended_at,end_kind"
        + "".join(f"\n{who},{who},2025-01-01T00:00Z,{ended.get(who, ',')}" for who in "abcd"),
    )
    return assemble(history, Settings(), DATES[:1], 60).data


def test_a_row_tells_of_contacts_in_the_horizon_and_before_and_of_none_after_leaving(tmp_path):
    told = contacted(tmp_path / "sent", *SENT).contacts
    assert told is not None
    # a: before; b: the first of two; c: after it had left; d: too long ago, and after the horizon
    np.testing.assert_array_equal(told.after, [np.nan, 10, np.nan, np.nan])
    assert told.within.tolist() == [False, True, False, False]
    assert told.lately.tolist() == [True, False, False, False]


def test_no_feature_tells_of_a_contact_in_the_horizon(tmp_path):
    before = [one for one in SENT if one[1] < "2026"]
    known, all_of, none = (
        contacted(tmp_path / name, *sent).X
        for name, sent in (("before", before), ("all", SENT), ("none", ()))
    )
    np.testing.assert_array_equal(known, all_of)
    assert not np.array_equal(known, none, equal_nan=True)


def doing(folder: Path, *more: str) -> History:
    """Three customers with contracts, what two of them did after the first of `DATES`, and `more`
    rows of it."""
    folder.mkdir()
    rows = (
        "u1,a,2026-01-01T00:00:00Z,usage,3,", "u2,a,2026-01-20T00:00:00Z,usage,8,",
        "u3,a,2026-01-30T23:59:59Z,usage,,", "o1,a,2026-02-10T00:00:00Z,order,99,",
        "o2,b,2026-01-02T00:00:00Z,order,,", "o3,b,2025-12-31T23:59:59Z,order,50,", *more,
    )  # fmt: skip
    return company(
        folder,
        customers="customer_id,joined_at" + "".join(f"\n{who},2025-01-01T00:00Z" for who in "abc"),
        interactions="\n".join(
            ["interaction_id,customer_id,occurred_at,kind,value,caused_by", *rows]
        ),
        terms="customer_id,term_id,started_at,ended_at,end_kind"
        + "".join(f"\n{who},{who},2025-01-01T00:00Z,," for who in "abc"),
    )


def test_a_row_tells_how_often_and_how_much_its_customer_did_afterwards(tmp_path):
    rows = assemble(doing(tmp_path / "home"), Settings(), DATES, 30).data
    assert rows.customer.tolist() == [0, 1, 2, 0, 1, 2]
    nan, often, once = np.nan, np.log1p(3), np.log1p(1)
    expected = [
        [often, (np.log1p(3) + np.log1p(8)) / 2, 0, nan],  # the last without an amount
        [0, nan, once, nan],  # the day before the night is not after it
        [0, nan, 0, nan],
        [0, nan, once, np.log1p(99)],
        [0, nan, 0, nan],
        [0, nan, 0, nan],
    ]
    np.testing.assert_allclose(rows.surrogates, expected, rtol=1e-12)


def test_what_a_message_of_ours_brought_about_is_no_sign_of_what_they_do(tmp_path):
    plain = assemble(doing(tmp_path / "plain"), Settings(), DATES, 30).data.surrogates
    more = "u9,c,2026-01-05T00:00:00Z,usage,5,m1", "u8,b,2026-06-05T00:00:00Z,usage,5,"
    with_more = assemble(doing(tmp_path / "more", *more), Settings(), DATES, 30).data.surrogates
    np.testing.assert_array_equal(with_more, plain)


def test_of_a_sample_only_its_own_customers_are_looked_at(tmp_path):
    history = doing(tmp_path / "home")
    nights = [int(datetime.combine(day, datetime.min.time(), UTC).timestamp()) for day in DATES]
    some = sampled(np.arange(3), 0.5)
    assert some.any()
    assert not some.all()
    everyone = np.repeat([0, 1], 3), np.tile(np.arange(3), 2)
    whole = afterwards(history, nights, 30 * 86_400, everyone)
    mine = np.tile(some, 2)
    of_sample = everyone[0][mine], everyone[1][mine]
    found = afterwards(history, nights, 30 * 86_400, of_sample, share=0.5)
    np.testing.assert_array_equal(found, whole[mine])


def test_an_answer_to_our_own_message_is_not_staying(tmp_path):
    history = company(
        tmp_path,
        customers="customer_id,joined_at\na,2025-01-01T00:00:00Z",
        interactions=f"{HEAD}\n1,a,2025-12-20T10:00:00Z,order,\n2,a,2026-01-15T10:00:00Z,usage,m1",
    )
    as_of = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    (told,) = labels.non_contractual(history, [as_of], 30 * 86_400)
    assert told.left.tolist() == [True]


def test_who_was_not_active_for_a_year_is_not_a_row(tmp_path):
    history = company(
        tmp_path,
        customers="customer_id,joined_at\na,2023-01-01T00:00:00Z\nb,2023-01-01T00:00:00Z",
        interactions=orders(("a", "2024-12-20"), ("b", "2025-12-20")),
    )
    assert assemble(history, Settings(), DATES[:1], 30).data.customer.tolist() == [1]


def test_too_few_leavers_say_when_there_would_be_enough(tmp_path):
    customers = "\n".join(f"c{n},2025-01-01T00:00:00Z" for n in range(20))
    history = company(
        tmp_path,
        customers=f"customer_id,joined_at\n{customers}",
        interactions=orders(
            *((f"c{n}", "2025-12-20") for n in range(20)),
            *((f"c{n}", day) for n in range(15) for day in ("2026-01-15", "2026-02-15")),
        ),
    )
    rows = assemble(history, Settings(), DATES, 28)
    with pytest.raises(NotEnoughData, match=r"5 customers left .* needs 100 .* by 20\d\d"):
        require_leavers(rows.data, Settings(), DATES, 28)
    few = Settings(training=Training(min_leavers=5))
    require_leavers(rows.data, few, DATES, 28)


def test_one_class_is_refused_in_words(tmp_path):
    history = company(
        tmp_path,
        customers="customer_id,joined_at\na,2025-01-01T00:00:00Z",
        interactions=orders(("a", "2025-12-20"), ("a", "2026-01-15"), ("a", "2026-02-15")),
    )
    rows = assemble(history, Settings(), DATES, 28)
    with pytest.raises(NotEnoughData, match="Nobody left"):
        require_leavers(rows.data, Settings(), DATES, 28)
    gone = rows.data.take(np.array([0]))
    everyone = type(gone)(**(vars(gone) | {"y": np.array([True])}))
    with pytest.raises(NotEnoughData, match="everyone in the training period left"):
        require_leavers(everyone, Settings(), DATES, 28)


def test_labels_end_where_the_contract_feed_does(tmp_path):
    history = company(
        tmp_path,
        customers="customer_id,joined_at\na,2025-01-01T00:00:00Z",
        interactions=orders(("a", "2025-01-02"), ("a", "2026-06-30")),
        terms="customer_id,term_id,started_at,ended_at\n"
        "a,1,2025-01-01T00:00:00Z,2026-05-01T00:00:00Z",
    )
    plan = train.plan_snapshots(history, Settings(), None, 30)
    assert plan.judging[-1] == date(2026, 4, 1)


def test_values_of_other_currencies_are_not_ranked_together(tmp_path):
    history = company(
        tmp_path,
        customers="""
            customer_id,joined_at,value_per_month,currency
            a,2025-01-01T00:00:00Z,10,EUR
            b,2025-01-01T00:00:00Z,20,USD
            c,2025-01-01T00:00:00Z,,
            d,2025-01-01T00:00:00Z,99,EUR
        """,
        interactions=orders(("a", "2025-01-02")),
        terms="customer_id,term_id,started_at,value_per_month,currency\n"
        "d,1,2025-02-01T00:00:00Z,30,EUR",
    )
    from pipelines import snapshots

    settings = Settings()
    night = snapshots.night(DATES[0], settings.zone, 6)
    value = monthly_values(history, night, "EUR")
    assert value.tolist() == pytest.approx([10, np.nan, np.nan, 30], nan_ok=True)


def learned_from(told: float) -> Dataset:
    """Rows of 500 customers at two nights, with one feature that is the label for this share."""
    rng = np.random.default_rng(0)
    y = rng.random(1000) < 0.1
    closed = np.where(rng.random(1000) < told, y, rng.random(1000) < 0.1)
    return Dataset(
        X=np.column_stack([rng.normal(0, 1, 1000), closed]),
        y=y,
        customer=np.repeat(np.arange(500), 2),
        as_of=np.tile([0, 1], 500),
        silent=np.zeros(1000, bool),
        features=(
            Feature("tenure", "{value} days", "S1", "tenure"),
            Feature("static_closed", "closed: {value}", "S1", "static"),
        ),
    )


def test_a_declared_number_that_holds_the_label_is_refused_with_how_to_accept_it():
    with pytest.raises(Leak, match=r'accepted_features = \["static_closed"\]'):
        require_no_leak(learned_from(1.0), Settings())


def test_an_accepted_feature_is_learned_from_and_still_shown():
    settings = Settings(training=Training(accepted_features=("static_closed",)))
    (finding,) = require_no_leak(learned_from(1.0), settings)
    assert finding.feature == "static_closed"


def test_a_number_that_tells_half_of_the_label_is_no_leak():
    assert not any(finding.refused for finding in require_no_leak(learned_from(0.5), Settings()))


def test_a_lower_limit_of_the_settings_refuses_a_feature_that_tells_less():
    lower = Settings(training=Training(max_feature_auc=0.7))
    with pytest.raises(Leak, match="static_closed"):
        require_no_leak(learned_from(0.5), lower)


def test_training_stops_at_a_feature_that_tells_too_much_before_it_learns(tmp_path):
    """Whoever stops ordering is marked as closed that day, as a system would do afterwards."""
    luck = np.random.default_rng(0)
    first, names = date(2025, 7, 1), [f"c{number:02}" for number in range(60)]
    stops = {name: int(luck.integers(60, 300)) for name in names}
    rows = [
        (name, str(first + timedelta(days=int(day))))
        for name in names
        for day in luck.integers(0, stops[name], stops[name] // 6)
    ]
    closed = [f"{name},closed,1,{first + timedelta(days=stops[name])}T00:00Z" for name in names]
    company(
        tmp_path,
        customers="customer_id,joined_at\n" + "".join(f"{n},2025-01-01T00:00Z\n" for n in names),
        interactions=orders(*rows),
        attributes="\n".join(["customer_id,name,value,valid_from", *closed]),
    )
    wanted = Training(min_leavers=5, min_history_days=60, snapshots=3)
    settings = Settings(training=wanted, features=Features(attributes=("closed",)))
    with pytest.raises(Leak, match="`attribute_closed`"):
        train.train(Home(tmp_path / "home"), settings, as_of=None, horizon=30, now=NOW)
    assert not (tmp_path / "home" / "mlflow.db").exists()
