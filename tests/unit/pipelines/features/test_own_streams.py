"""Streams of a company's own: the example of the guide, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from models.contracts import CHANNEL_CODE, DAY, KIND_CODE
from models.errors import WrongUsage
from models.settings import Features, load
from pipelines.features import matrix, reference
from pipelines.features.own_streams import own_streams
from pipelines.features.streams import STREAMS
from tests.unit.pipelines.features.histories import AS_OF, HOUR, context, events, histories

EXAMPLE = Path(__file__).parents[4] / "docs" / "examples" / "streams.py"
EVERY_FIGURE = Path(__file__).with_name("every_figure.py")
NIGHTS = [matrix.Night(AS_OF - 30 * DAY, AS_OF), matrix.Night(AS_OF, AS_OF + 6 * HOUR)]
DECLARED = Features(attributes=("seats",), streams=str(EXAMPLE))
JOINED = np.full(2, AS_OF - 200 * DAY, np.int64)
CUSTOMERS = np.arange(2, dtype=np.int32)


def with_streams() -> matrix.Context:
    return matrix.Context(**{**vars(context()), "declared": DECLARED})


def test_they_are_columns_after_all_others_and_ask_for_another_model():
    names = [feature.name for feature in matrix.features(DECLARED)]
    ours = len(matrix.features())
    assert names[:ours] == [feature.name for feature in matrix.features()]
    assert names[ours:] == [
        "attribute_seats",
        "assisted_order_count_90", "assisted_order_count_365", "assisted_order_share_365",
        "days_since_assisted_order", "assisted_order_trend_90_365", "long_call_max_90",
    ]  # fmt: skip
    assert matrix.fingerprint(DECLARED) != matrix.fingerprint()


@pytest.mark.parametrize("file", [EXAMPLE, EVERY_FIGURE], ids=["the guide's", "every figure"])
@settings(max_examples=60, deadline=None)
@given(histories())
def test_they_equal_the_reference_and_leave_all_others_as_they_are(file, rows):
    declared = Features(attributes=("seats",), streams=str(file))
    where = matrix.Context(**{**vars(context()), "declared": declared})
    found = matrix.compute(events(rows), CUSTOMERS, JOINED, NIGHTS, where)
    plain = matrix.compute(events(rows), CUSTOMERS, JOINED, NIGHTS, context())
    np.testing.assert_array_equal(found[:, :, : plain.shape[2]], plain)
    own = own_streams(str(file))
    told = reference.compute(events(rows), CUSTOMERS, JOINED, NIGHTS, context(), (*STREAMS, *own))
    names = [feature.name for stream in (*STREAMS, *own) for feature in stream.features()]
    mine = sum(len(stream.stats) for stream in own)
    assert names[-mine:] == [feature.name for feature in matrix.features(declared)[-mine:]]
    expected = told[:, :, len(names) - mine : len(names)]
    tolerance = reference.TOLERANCE
    np.testing.assert_allclose(found[:, :, -mine:], expected, tolerance, tolerance)


def test_an_assisted_order_is_one_that_a_person_took_by_phone_or_in_person():
    def order(channel: str, agent: int, days_ago: int) -> dict[str, object]:
        at = AS_OF - days_ago * DAY
        return {
            "customer": 0, "at": at, "recorded": at, "kind": KIND_CODE["order"],
            "channel": CHANNEL_CODE[channel], "topic": -1, "agent": agent, "case": -1,
            "value": 1.0, "seconds": np.nan, "wait": np.nan, "score": np.nan, "score_kind": -1,
            "provoked": False, "said": 0, "until": np.iinfo(np.int64).max,
        }  # fmt: skip

    rows = [order("phone", 0, 10), order("web", 0, 5), order("phone", 2, 3), order("phone", 1, 200)]
    found = matrix.compute(events(rows), CUSTOMERS, JOINED, NIGHTS[1:], with_streams())[0]
    names = [feature.name for feature in matrix.features(DECLARED)]
    figures = dict(zip(names, found[0].tolist(), strict=True))
    assert figures["assisted_order_count_90"] == 1
    assert figures["assisted_order_count_365"] == 2
    assert figures["assisted_order_share_365"] == 0.5
    assert figures["days_since_assisted_order"] == 10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it declares no streams"),
        ("STREAMS = (1,)", "it declares no streams"),
        ("x = 1\nSTREAMS = (y,)", "line 2: NameError: name 'y' is not defined"),
        ("STREAMS = (", "SyntaxError"),
        (
            "from pipelines.features.stream import *\n"
            "STREAMS = (Stream('a', 'S1', rows('ordre'), ()),)",
            "line 2: ValueError: unknown 'ordre'",
        ),
        (
            "from pipelines.features.stream import *\n"
            "STREAMS = (Stream('order', 'S1', rows('order'), ()),)",
            "the stream 'order' is declared twice",
        ),
        (
            "from pipelines.features.stream import *\n"
            "STREAMS = (Stream('a', 'S1', rows('order'), shares('b', 7, says='x')),)",
            "share of 'b', which is not declared",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_place(tmp_path, text, words):
    path = tmp_path / "streams.py"
    path.write_text(text)
    with pytest.raises(WrongUsage) as error:
        own_streams(str(path))
    assert words in str(error.value)
    assert str(path) in str(error.value)
    assert "own-features.md" in str(error.value)


def test_more_than_the_pass_can_number_is_refused(tmp_path):
    path = tmp_path / "streams.py"
    path.write_text(
        "from models.contracts import KINDS\n"
        "from pipelines.features.stream import *\n"
        "many = range(2**16 // len(KINDS))\n"
        "STREAMS = [Stream(f's{n}', 'S1', rows(*KINDS), counts(7, says='x')) for n in many]\n"
    )
    with pytest.raises(WrongUsage, match=r"declares too much: [\d,]+ figures, of [\d,]+ streams"):
        matrix.compiled(Features(streams=str(path)))


def test_a_file_is_named_from_the_home(tmp_path):
    (tmp_path / "warmline.toml").write_text('[features]\nstreams = "mine.py"\n')
    declared = load(tmp_path, {}).features
    assert declared.streams == str(tmp_path / "mine.py")
    with pytest.raises(WrongUsage, match="there is no such file"):
        matrix.features(declared)
