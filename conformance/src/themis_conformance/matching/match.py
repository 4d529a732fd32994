"""The comparison: exact equality, and matchers where the expectation has them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from themis_conformance.matching.matchers import is_matcher, type_names

__all__ = ["MISSING", "HeaderText", "mismatches", "shown", "subset_mismatches"]

_SHOWN_CHARS: Final = 300


class _Missing:
    """The type of MISSING."""

    def __repr__(self) -> str:
        return "nothing"


MISSING: Final = _Missing()
"""Stands for a member that is not there."""


class HeaderText(str):
    """The value of a header: a text that compares as a number where a number is asked for."""

    __slots__ = ()


def mismatches(expected: Any, actual: Any, path: str) -> list[str]:
    """Say how `actual` is not what is expected; empty when it is. `path` names it in the complaints."""
    if is_matcher(expected):
        return _by_matchers(expected, actual, path)
    if actual is MISSING:
        return [f"{path} is missing; expected {shown(expected)}"]
    if isinstance(expected, dict):
        return _object(expected, actual, path)
    if isinstance(expected, list):
        return _list(expected, actual, path)
    if _same(expected, actual):
        return []
    return [f"{path} is {shown(actual)}; expected {shown(expected)}"]


def subset_mismatches(expected: dict[str, Any], actual: Any, path: str) -> list[str]:
    """Like `mismatches`, but the object may have members that are not expected."""
    if is_matcher(expected):
        return mismatches(expected, actual, path)
    if not isinstance(actual, dict):
        return [f"{path} is {shown(actual)}; expected an object with {shown(expected)}"]
    found: list[str] = []
    for name, member in expected.items():
        found += _member(name, member, actual.get(name, MISSING), path)
    return found


def shown(value: Any) -> str:
    """A value as a text for people, cut short."""
    if value is MISSING:
        return "nothing"
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}... ({len(text)} characters)"


def _object(expected: dict[str, Any], actual: Any, path: str) -> list[str]:
    if not isinstance(actual, dict):
        return [f"{path} is {shown(actual)}; expected {shown(expected)}"]
    found = subset_mismatches(expected, actual, path)
    for name in actual:
        if name not in expected:
            found.append(f"{path}.{name} is {shown(actual[name])}; it is not expected at all")
    return found


def _member(name: str, expected: Any, actual: Any, path: str) -> list[str]:
    here = f"{path}.{name}"
    # What an SDK says of an error is never known completely: its message is its own.
    if name == "error" and isinstance(expected, dict) and isinstance(actual, dict) and "kind" in actual:
        return subset_mismatches(expected, actual, here)
    return mismatches(expected, actual, here)


def _list(expected: list[Any], actual: Any, path: str) -> list[str]:
    if not isinstance(actual, list):
        return [f"{path} is {shown(actual)}; expected {shown(expected)}"]
    found: list[str] = []
    if len(expected) != len(actual):
        found.append(f"{path} has {len(actual)} elements; expected {len(expected)}")
    for index, (wanted, element) in enumerate(zip(expected, actual, strict=False)):
        found += mismatches(wanted, element, f"{path}[{index}]")
    return found


def _same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if expected is None or actual is None:
        return expected is actual
    if isinstance(expected, int | float) and isinstance(actual, int | float):
        return expected == actual
    if isinstance(expected, str) and isinstance(actual, str):
        return str(expected) == str(actual)
    return False


def _by_matchers(expected: dict[str, Any], actual: Any, path: str) -> list[str]:
    found: list[str] = []
    for name, operand in expected.items():
        if name != "example":
            found += _JUDGES[name](operand, actual, path)
    return found


# One function a matcher: (operand, actual, path) -> complaints


def _exists(operand: bool, actual: Any, path: str) -> list[str]:
    there = actual is not MISSING and actual is not None
    if there == operand:
        return []
    return [f"{path} is missing"] if operand else [f"{path} is {shown(actual)}; it ought not to be there"]


def _type(operand: Any, actual: Any, path: str) -> list[str]:
    wanted = operand if isinstance(operand, list) else [operand]
    value = None if actual is MISSING else actual
    if isinstance(value, HeaderText) and re.fullmatch(r"-?[0-9]+", value) and {"int", "number"} & set(wanted):
        return []
    if any(name in wanted for name in type_names(value)):
        return []
    return [f"{path} is {shown(actual)}; expected the type {' or '.join(wanted)}"]


def _number(actual: Any) -> int | float | None:
    if isinstance(actual, bool):
        return None
    if isinstance(actual, int | float):
        return actual
    if isinstance(actual, HeaderText) and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", actual):
        return float(actual) if "." in actual else int(actual)
    return None


def _compared(sign: str, holds: Callable[[float, float], bool]) -> Callable[[Any, Any, str], list[str]]:
    def judge(operand: Any, actual: Any, path: str) -> list[str]:
        number = _number(actual)
        if number is not None and holds(number, operand):
            return []
        return [f"{path} is {shown(actual)}; expected a number {sign} {operand}"]

    return judge


def _regex(operand: str, actual: Any, path: str) -> list[str]:
    if isinstance(actual, str) and re.search(operand, actual):
        return []
    return [f"{path} is {shown(actual)}; expected a text that matches {operand!r}"]


def _contains(operand: Any, actual: Any, path: str) -> list[str]:
    if isinstance(actual, str) and isinstance(operand, str) and operand in actual:
        return []
    if isinstance(actual, list) and any(not mismatches(operand, element, path) for element in actual):
        return []
    return [f"{path} is {shown(actual)}; expected it to contain {shown(operand)}"]


def _not(operand: Any, actual: Any, path: str) -> list[str]:
    if mismatches(operand, None if actual is MISSING else actual, path):
        return []
    return [f"{path} is {shown(actual)}; it ought not to match {shown(operand)}"]


def _any_order(operand: list[Any], actual: Any, path: str) -> list[str]:
    return any_order_mismatches(operand, actual, path, mismatches)


def any_order_mismatches(
    expected: Sequence[Any], actual: Any, path: str, judge: Callable[[Any, Any, str], list[str]]
) -> list[str]:
    """Like `mismatches` of lists, the order aside; `judge` compares two elements."""
    if not isinstance(actual, list):
        return [f"{path} is {shown(actual)}; expected {shown(list(expected))} in any order"]
    if len(expected) != len(actual):
        return [f"{path} has {len(actual)} elements; expected {len(expected)} in any order: {shown(actual)}"]
    taken: dict[int, int] = {}

    def place(wanted: int, tried: set[int]) -> bool:
        """Find an element for an expectation, moving earlier ones if need be (Kuhn's augmenting paths)."""
        for index, element in enumerate(actual):
            if index in tried or judge(expected[wanted], element, path):
                continue
            tried.add(index)
            if index not in taken or place(taken[index], tried):
                taken[index] = wanted
                return True
        return False

    return [
        f"{path} has no element for {shown(expected[wanted])}; it is {shown(actual)}"
        for wanted in range(len(expected))
        if not place(wanted, set())
    ]


def _unset_or_matches(operand: Any, actual: Any, path: str) -> list[str]:
    return [] if actual is MISSING or actual is None else mismatches(operand, actual, path)


def _len(operand: Any, actual: Any, path: str) -> list[str]:
    if not isinstance(actual, str | list | dict):
        return [f"{path} is {shown(actual)}; expected something with a length"]
    return mismatches(operand, len(actual), f"the length of {path}")


def _all(operand: Any, actual: Any, path: str) -> list[str]:
    if isinstance(operand, list):
        return [complaint for expected in operand for complaint in mismatches(expected, actual, path)]
    if not isinstance(actual, list):
        return [f"{path} is {shown(actual)}; expected a list"]
    return [complaint for i, element in enumerate(actual) for complaint in mismatches(operand, element, f"{path}[{i}]")]


_JUDGES: Final[dict[str, Callable[[Any, Any, str], list[str]]]] = {
    "$$exists": _exists,
    "$$type": _type,
    "$$lte": _compared("<=", lambda a, b: a <= b),
    "$$gte": _compared(">=", lambda a, b: a >= b),
    "$$lt": _compared("<", lambda a, b: a < b),
    "$$gt": _compared(">", lambda a, b: a > b),
    "$$regex": _regex,
    "$$contains": _contains,
    "$$not": _not,
    "$$any_order": _any_order,
    "$$unset_or_matches": _unset_or_matches,
    "$$len": _len,
    "$$subset": subset_mismatches,
    "$$all": _all,
}
