"""Where words name a person, and where they only look like it."""

from __future__ import annotations

import json

import pytest

from models.person import Person

ANNA = Person(
    "C00017",
    ("C00017", "old-9"),
    (3, 4),
    aliases=(("crm", "17"), ("hd", "hd.5501")),
    sole=("hd.5501",),
    names=("Anna Bělá",),
    emails=("anna@example.net",),
)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("C00017", True),
        ("c00017 is late", True),
        ("(C00017)", True),
        ("C000171", False),
        ("XC00017", False),
        ("C00017-b", False),
        ("17", True),  # as a whole value
        ("row 17 of 20", False),  # too short to tell anything within words
        ("asked by Anna@example.net.", True),
        ("hannanna@example.net", False),
        ("hdx5501", False),
        ("for ANNA BĚLÁ", True),
        ("Anna", False),
        ("", False),
    ],
)
def test_words_name_a_person_only_where_a_trace_stands_alone(text, named):
    assert ANNA.traces.within(text) is named
    assert (ANNA.traces.replaced(text, "x") != text) is named


def test_a_json_value_is_cleared_in_values_and_keys_and_keeps_the_rest():
    facts = {"C00017": [1, None, {"why": "for Anna Bělá"}], "n": 17, "other": "C00018"}
    cleared = {"x": [1, None, {"why": "for x"}], "n": 17, "other": "C00018"}
    assert ANNA.traces.cleared(facts, "x") == cleared


def test_lines_without_a_trace_keep_their_bytes_and_escaped_names_are_found():
    kept = '{"b":1,  "a": "C00018"}'
    escaped = json.dumps({"why": "Anna Bělá"})
    assert "\\u" in escaped
    lines = list(ANNA.traces.cleared_lines([kept, escaped, "no JSON of C00017"], "x"))
    assert lines == [kept, '{"why": "x"}', "no JSON of x"]


def test_nobody_is_named_by_a_person_without_words():
    assert not Person(" ", (" ",), ()).traces.within("anything at all")


def test_a_person_comes_back_from_json_as_it_went():
    assert Person.of_dict(json.loads(json.dumps(ANNA.to_dict()))) == ANNA
