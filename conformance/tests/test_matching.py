"""Expectations: what matches and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from themis_conformance.matching import MISSING, HeaderText, check_expectation, mismatches, tidy

MATCH = [
    (1, 1),
    (1, 1.0),
    ("a", "a"),
    (True, True),
    (None, None),
    ([], []),
    ({}, {}),
    ([1, {"a": [2]}], [1, {"a": [2]}]),
    (9007199254740993, 9007199254740993),
    ({"$$exists": True}, 0),
    ({"$$exists": True}, ""),
    ({"$$exists": False}, MISSING),
    ({"$$exists": False}, None),
    ({"a": {"$$exists": False}}, {}),
    ({"$$type": "int"}, 5),
    ({"$$type": "int"}, 5.0),
    ({"$$type": "int"}, HeaderText("5")),
    ({"$$type": "number"}, 5.5),
    ({"$$type": "text"}, "5"),
    ({"$$type": "bool"}, False),
    ({"$$type": "list"}, []),
    ({"$$type": "object"}, {}),
    ({"$$type": "null"}, None),
    ({"$$type": ["null", "int"]}, 3),
    ({"$$lte": 5}, 5),
    ({"$$lt": 5}, 4.9),
    ({"$$gte": 5}, 5),
    ({"$$gt": 5}, 6),
    ({"$$gte": 2, "$$lte": 4}, 3),
    ({"$$gte": 1}, HeaderText("7")),
    ({"$$regex": "b+"}, "abbc"),
    ({"$$contains": "b"}, "abc"),
    ({"$$contains": {"$$gt": 2}}, [1, 2, 3]),
    ({"$$not": 5}, 6),
    ({"$$not": {"$$regex": "^a"}}, "ba"),
    ({"$$any_order": [1, 2]}, [2, 1]),
    # The first expectation takes what only the second can have: one of them has to move.
    ({"$$any_order": [{"$$type": "int"}, 1]}, [1, 2]),
    ({"$$any_order": [{"$$type": "int"}, {"$$lt": 3}, 1]}, [2, 1, 5]),
    ({"$$unset_or_matches": 5}, MISSING),
    ({"$$unset_or_matches": 5}, None),
    ({"$$unset_or_matches": 5}, 5),
    ({"$$len": 2}, "ab"),
    ({"$$len": {"$$gte": 1}}, [1]),
    ({"$$len": 1}, {"a": 1}),
    ({"$$subset": {"a": 1}}, {"a": 1, "b": 2}),
    ({"$$all": [{"$$contains": "a"}, {"$$contains": "b"}]}, "ab"),
    ({"$$all": {"$$type": "int"}}, [1, 2]),
    ({"$$all": 1}, []),
    ({"error": {"kind": "api"}}, {"error": {"kind": "api", "message": "more"}}),
]

MISMATCH = [
    (1, "1"),
    (1, True),
    (True, 1),
    (0, False),
    (None, False),
    (None, MISSING),
    (1, MISSING),
    ("a", "A"),
    (9007199254740993, 9007199254740992),
    ([1], [1, 1]),
    ([1, 2], [2, 1]),
    ([], {}),
    ({}, []),
    ({"a": 1}, {"a": 1, "b": None}),
    ({"a": None}, {}),
    ({"a": 1, "b": 2}, {"a": 1}),
    ({"doc": {"error": {"a": 1}}}, {"doc": {"error": {"a": 1, "b": 2}}}),
    ({"$$exists": True}, MISSING),
    ({"$$exists": True}, None),
    ({"$$exists": False}, 0),
    ({"$$type": "int"}, True),
    ({"$$type": "int"}, 5.5),
    ({"$$type": "int"}, "5"),
    ({"$$type": "text"}, 5),
    ({"$$type": "int"}, MISSING),
    ({"$$lte": 5}, 6),
    ({"$$lte": 5}, "5"),
    ({"$$lte": 5}, True),
    ({"$$lt": 5}, 5),
    ({"$$gt": 5}, MISSING),
    ({"$$regex": "^b"}, "ab"),
    ({"$$regex": "5"}, 5),
    ({"$$contains": "d"}, "abc"),
    ({"$$contains": 4}, [1, 2, 3]),
    ({"$$contains": "a"}, {"a": 1}),
    ({"$$not": 5}, 5),
    ({"$$not": None}, MISSING),
    ({"$$any_order": [1, 2]}, [1, 1]),
    ({"$$any_order": [1, 2]}, [1, 2, 2]),
    ({"$$any_order": [1]}, 1),
    ({"$$unset_or_matches": 5}, 6),
    ({"$$len": 2}, [1]),
    ({"$$len": 2}, 22),
    ({"$$subset": {"a": 1}}, {"a": 2}),
    ({"$$subset": {"a": {"b": 1}}}, {"a": {"b": 1, "c": 2}}),
    ({"$$subset": {"a": 1}}, [1]),
    ({"$$all": [{"$$contains": "a"}, {"$$contains": "c"}]}, "ab"),
    ({"$$all": {"$$type": "int"}}, [1, "2"]),
    ({"$$all": {"$$type": "int"}}, 1),
    ({"$$gte": 2, "$$lte": 4}, 5),
]


@pytest.mark.parametrize(("expected", "actual"), MATCH)
def test_it_matches(expected: Any, actual: Any) -> None:
    assert mismatches(expected, actual, "x") == []


@pytest.mark.parametrize(("expected", "actual"), MISMATCH)
def test_it_does_not_match(expected: Any, actual: Any) -> None:
    assert mismatches(expected, actual, "x")


def test_a_complaint_names_the_place() -> None:
    complaints = mismatches({"a": [{"b": 1}]}, {"a": [{"b": 2}], "c": 3}, "value")
    assert complaints == ["value.a[0].b is 2; expected 1", "value.c is 3; it is not expected at all"]


def test_a_complaint_does_not_show_a_million_characters() -> None:
    (complaint,) = mismatches("a", "b" * 1_000_000, "value")
    assert len(complaint) < 500


@pytest.mark.parametrize(
    "expected",
    [
        {"$$exist": True},
        {"$$exists": "yes"},
        {"$$type": "string"},
        {"$$type": []},
        {"$$lte": "5"},
        {"$$lte": True},
        {"$$regex": "("},
        {"$$regex": 5},
        {"$$any_order": 5},
        {"$$subset": [1]},
        {"$$type": "int", "and": 5},
        {"$$len": {"$$long": 5}},
        {"$$any_order": [{"$$nothing": 1}]},
        {"a": [{"b": {"$$nothing": 1}}]},
        {"$$type": "int", "example": 5},
    ],
)
def test_an_expectation_that_is_none_is_refused(expected: Any) -> None:
    assert check_expectation(expected, "x")


def test_an_example_may_stand_beside_a_matcher_where_one_is_needed() -> None:
    assert check_expectation({"a": {"$$type": "int", "example": 5}}, "x", examples=True) == []


def test_null_and_missing_are_the_same_but_not_in_documents() -> None:
    value = {"role": None, "doc": {"a": None}, "items": [{"x": None, "y": 1}], "m": {"$$not": None}}
    assert tidy(value) == {"doc": {"a": None}, "items": [{"y": 1}], "m": {"$$not": None}}
